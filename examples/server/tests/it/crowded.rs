//! More who come than the system lets in.

use std::process::Stdio;

use serde_json::Value;
use tokio::{net::TcpStream, process::Command};

use crate::{
    program::{Server, program},
    wire::ask,
};

/// The same program, which may have so many files open.
fn with_files(count: usize, program: &Command) -> Command {
    let program = program.as_std();
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("ulimit -n {count} && exec \"$0\" \"$@\"")]);
    shell.arg(program.get_program()).args(program.get_args()).env_clear();
    shell.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    shell
}

#[tokio::test]
async fn who_waits_in_silence_while_no_files_are_left_is_dropped_and_the_others_get_in() {
    let mut command = program(&["--listen", "127.0.0.1:0", "--db", "memory:"]);
    let mut server = Server::start(&mut with_files(64, command.env("CHAT_SERVER_HANDSHAKE_TIMEOUT", "0.2"))).await;
    let mut silent = Vec::new();
    for _ in 0..300 {
        silent.push(TcpStream::connect(server.address).await.unwrap());
    }
    server.logs("cannot accept a connection").await;
    assert_eq!(ask(&server, "", "GET", "/healthz", &Value::Null).await.0, 200);
    drop(silent);
    server.stop().await;
}
