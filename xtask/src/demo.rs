//! `cargo xtask demo`: a server on a fresh file, and tokens to use it with.

use std::path::Path;

use anyhow::Result;

use crate::server::{self, Server};

pub(crate) fn run(root: &Path, once: bool) -> Result<()> {
    let binary = server::build(root)?;
    let mut server = Server::start(&binary, &root.join("target").join("demo"))?;
    println!("the server is at {}", server.url());
    for (user, role) in [("client1", None), ("cleaner1", None), ("app", Some("service"))] {
        println!("a token for {user}: {}", server.token(user, role)?);
    }
    if once {
        return server.stop();
    }
    println!("Ctrl-C stops it");
    server.wait()
}
