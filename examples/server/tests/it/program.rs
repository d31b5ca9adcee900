//! The binary: started, asked, told to stop.

use std::{net::SocketAddr, process::Stdio, time::Duration};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader, Lines},
    process::{Child, ChildStderr, ChildStdout, Command},
    time::timeout,
};

pub(crate) const SECRET: &str = "a secret for tests, thirty-two bytes and more";

/// How long anything may take before the test fails.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// The binary with these arguments, with the secret and nothing else from outside.
pub(crate) fn program(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chat-server"));
    command.args(args).env_clear().env("CHAT_JWT_SECRET", SECRET).current_dir(env!("CARGO_TARGET_TMPDIR"));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

/// How a program ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// The status; `None` where a signal ended it.
    pub(crate) status: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// Runs a program to its end.
pub(crate) async fn run(command: &mut Command) -> Ended {
    let output = timeout(PATIENCE, command.output()).await.expect("it ends").unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ended { status: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

/// Runs the binary to its end.
pub(crate) async fn ends(args: &[&str]) -> Ended {
    run(&mut program(args)).await
}

/// A running server.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    /// The line that says where it is.
    pub(crate) line: String,
    child: Child,
    out: BufReader<ChildStdout>,
    log: Lines<BufReader<ChildStderr>>,
}

impl Server {
    /// Serves `db` on a free port.
    pub(crate) async fn on(db: &str) -> Self {
        Self::start(&mut program(&["--listen", "127.0.0.1:0", "--db", db])).await
    }

    /// Returns when it is ready. Unless an option says otherwise, its storage may take as long to close as anybody waits.
    pub(crate) async fn start(command: &mut Command) -> Self {
        let mut child = command.env("CHAT_DRAIN_TIMEOUT", "1h").spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut line = String::new();
        timeout(PATIENCE, out.read_line(&mut line)).await.expect("it says where it is").unwrap();
        let Some((_, address)) = line.trim_end().split_once("http://") else {
            let mut said = line;
            while let Ok(Some(line)) = log.next_line().await {
                said.push_str(&line);
            }
            panic!("it does not serve: {said}");
        };
        Self { address: address.parse().unwrap(), line, child, out, log }
    }

    /// Waits until the log has a line with these words.
    pub(crate) async fn logs(&mut self, words: &str) -> String {
        let line = async {
            while let Some(line) = self.log.next_line().await.unwrap() {
                if line.contains(words) {
                    return line;
                }
            }
            panic!("the log ends without {words:?}");
        };
        timeout(PATIENCE, line).await.unwrap_or_else(|_| panic!("the log does not say {words:?}"))
    }

    /// Sends a signal, by its name without SIG.
    pub(crate) async fn signal(&self, name: &str) {
        let id = self.child.id().expect("it runs").to_string();
        let sent = Command::new("kill").args([&format!("-{name}"), &id]).status().await.unwrap();
        assert!(sent.success(), "the signal was not sent");
    }

    /// Waits for its end.
    pub(crate) async fn ended(mut self) -> Ended {
        let ended = async {
            let (mut out, mut err) = (self.line, String::new());
            while let Some(line) = self.log.next_line().await.unwrap() {
                err.push_str(&line);
                err.push('\n');
            }
            self.out.read_to_string(&mut out).await.unwrap();
            Ended { status: self.child.wait().await.unwrap().code(), out, err }
        };
        timeout(PATIENCE, ended).await.expect("it ends")
    }

    /// Lets it drain; it must end well.
    pub(crate) async fn stop(self) {
        self.signal("TERM").await;
        let ended = self.ended().await;
        assert_eq!(ended.status, Some(0), "{}", ended.err);
    }

    /// Ends it as a power cut would.
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }
}
