//! `cargo xtask demo`: two people chat about a job, over real sockets, with a server on a fresh file; then a link for
//! each of them.

mod app;
mod checklist;
mod person;
mod transcript;

use std::path::Path;

use anyhow::Result;

use crate::server::{self, Server};

use transcript::Transcript;

pub(crate) fn run(root: &Path, once: bool) -> Result<()> {
    println!("building chat-server …");
    let binary = server::build(root)?;
    let mut server = Server::start(&binary, &root.join("target").join("demo"))?;
    let mut transcript = Transcript::default();
    checklist::play(&mut server, &mut transcript)?;
    transcript.end();
    if once {
        return server.stop();
    }
    println!("\nNow you. Open both, side by side:\n");
    for user in ["client1", "cleaner1"] {
        println!("  {user:<9} {}/#token={}&room=job:42\n", server.url(), server.token(user, None)?);
    }
    println!("Ctrl-C stops the server.");
    server.wait()
}
