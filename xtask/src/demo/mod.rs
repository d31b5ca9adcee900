//! `cargo xtask demo`: two people chat about a job, over real sockets, with a server on a fresh file; then the marketplace
//! itself, to try it.

mod app;
mod checklist;
mod page;
mod person;
mod transcript;

use std::path::Path;

use anyhow::Result;

use crate::server::{self, Server};

use transcript::Transcript;

pub(crate) fn run(root: &Path, once: bool) -> Result<()> {
    println!("building chat-server and job-chat …");
    let (chat_server, job_chat) = (server::build(root, "chat-server")?, server::build(root, "job-chat")?);
    let page = page::build(root)?;
    let dir = root.join("target").join("demo");
    let mut server = Server::start(&chat_server, &dir)?;
    let mut transcript = Transcript::default();
    checklist::play(&mut server, &mut transcript)?;
    transcript.end();

    let Some(page) = page else { return without_page(server, once) };
    server.stop()?;
    let mut marketplace = Server::start_job_chat(&job_chat, &dir.join("job-chat"), &page)?;
    println!("\nNow you. Open it in two browsers, or once in a private window:\n");
    println!("  {}\n", marketplace.url());
    println!("  client1@test.com    testpass123");
    println!("  cleaner1@test.com   testpass123\n");
    if once {
        return marketplace.stop();
    }
    println!("Ctrl-C stops it.");
    marketplace.wait()
}

/// Without Node there is no page of the marketplace; the server has a small one of its own.
fn without_page(mut server: Server, once: bool) -> Result<()> {
    if once {
        return server.stop();
    }
    println!(
        "\nThe marketplace's page needs Node 20 or newer, from nodejs.org, to be built. Without it, open both of these:\n"
    );
    for user in ["client1", "cleaner1"] {
        println!("  {user:<9} {}/#token={}&room=job:42\n", server.url(), server.token(user, None)?);
    }
    println!("Ctrl-C stops the server.");
    server.wait()
}
