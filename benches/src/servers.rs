//! The servers that are measured, each a process of its own on its own core, and the load beside them.

use std::{
    fs,
    io::{BufRead as _, BufReader, IsTerminal as _, Write as _},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use serde::de::DeserializeOwned;

use crate::{http::Client, machine, peer, token};

/// A server that runs. Dropping it ends it.
#[derive(Debug)]
pub struct Server {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Server {
    /// The bare broadcast loop.
    ///
    /// # Errors
    /// If it does not start.
    pub fn bare() -> Result<Self> {
        Self::start(machine::pinned(machine::SERVER_CORE, &program("bare")?))
    }

    /// The chat server over a new SQLite file.
    ///
    /// # Errors
    /// If it does not start.
    pub fn chat(data: &Path) -> Result<Self> {
        Self::chat_on(machine::SERVER_CORE, data)
    }

    /// The chat server on the core of the load as well.
    ///
    /// # Errors
    /// If it does not start.
    pub fn chat_on_both(data: &Path) -> Result<Self> {
        Self::chat_on(machine::BOTH_CORES, data)
    }

    fn chat_on(cores: &str, data: &Path) -> Result<Self> {
        remove_database(data)?;
        let mut command = machine::pinned(cores, &program("chat-server")?);
        command.args(["--listen", "127.0.0.1:0", "--db"]).arg(format!("sqlite:{}", data.display()));
        command.env("CHAT_JWT_SECRET", token::SECRET);
        Self::start(command)
    }

    /// The server on Node over a new SQLite file.
    ///
    /// # Errors
    /// If it does not start.
    pub fn node(data: &Path, tell: peer::Tell) -> Result<Self> {
        remove_database(data)?;
        let mut command = machine::pinned(machine::SERVER_CORE, Path::new("node"));
        command.args(peer::args(tell)).arg("--db").arg(data).env("CHAT_JWT_SECRET", token::SECRET);
        Self::start(command)
    }

    /// Starts a server that says where it listens.
    pub(crate) fn start(mut command: Command) -> Result<Self> {
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().with_context(|| format!("starting {command:?}"))?;
        let mut said = BufReader::new(child.stdout.take().context("no stdout")?);
        let mut line = String::new();
        while said.read_line(&mut line)? > 0 {
            if let Some(address) = line.split("http://").nth(1) {
                let address: String =
                    address.chars().take_while(|c| c.is_ascii_digit() || matches!(c, '.' | ':')).collect();
                let address = address.parse().with_context(|| format!("an address in {line:?}"))?;
                return Ok(Self { child, address });
            }
            line.clear();
        }
        bail!("{command:?} ended with {}", child.wait()?)
    }

    /// Waits for it to end by itself.
    pub(crate) fn ended(mut self) -> Result<ExitStatus> {
        self.child.wait().context("waiting for a server")
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Makes rooms `job:0`, `job:1`, … with `members` in each, as the host's back end does.
    ///
    /// # Errors
    /// If one is refused.
    pub fn make_rooms(&self, rooms: usize, members: usize) -> Result<()> {
        let makers = 8.min(rooms);
        thread::scope(|scope| {
            let made: Vec<_> = (0..makers)
                .map(|maker| {
                    scope.spawn(move || {
                        let mut client = Client::connect(self.address, &token::of_service())?;
                        for room in (maker..rooms).step_by(makers) {
                            let people: Vec<_> = (room * members..(room + 1) * members).map(token::user).collect();
                            let body = serde_json::json!({ "key": format!("job:{room}"), "participants": people });
                            let (status, answer) = client.ask("POST", "/api/chatrooms/", &body.to_string())?;
                            ensure!(status == 201, "making a room: {status} {}", String::from_utf8_lossy(answer));
                        }
                        Ok(())
                    })
                })
                .collect();
            made.into_iter().try_for_each(|maker| maker.join().map_err(|_| anyhow::anyhow!("a maker panicked"))?)
        })
    }

    /// Fills the room `job:0`.
    ///
    /// # Errors
    /// If a message is refused.
    pub fn fill_room(&self, messages: u64) -> Result<()> {
        let writers = 8;
        thread::scope(|scope| {
            let written: Vec<_> = (0..writers)
                .map(|writer| {
                    scope.spawn(move || {
                        let mut client = Client::connect(self.address, &token::of_user(&token::user(writer % 2)))?;
                        for number in (writer as u64..messages).step_by(writers) {
                            let body = serde_json::json!({ "content": crate::message::text(writer, number) });
                            let path = "/api/chatrooms/job:0/send_message/";
                            let (status, answer) = client.ask("POST", path, &body.to_string())?;
                            ensure!(status == 201, "sending: {status} {}", String::from_utf8_lossy(answer));
                        }
                        Ok(())
                    })
                })
                .collect();
            written
                .into_iter()
                .try_for_each(|writer| writer.join().map_err(|_| anyhow::anyhow!("a writer panicked"))?)
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The load, while it holds what it has.
#[derive(Debug)]
pub struct Load {
    child: Child,
}

impl Load {
    /// Starts the load and waits for what it says; it may go on holding sockets until it is dropped.
    ///
    /// # Errors
    /// If it fails.
    pub fn run<T: DeserializeOwned>(args: &[String]) -> Result<(T, Self)> {
        let mut command = machine::pinned(machine::LOAD_CORE, &program("load")?);
        command.args(args).env("RUST_LIB_BACKTRACE", "0").stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().context("starting the load")?;
        let mut said = String::new();
        BufReader::new(child.stdout.take().context("no stdout")?).read_line(&mut said)?;
        if said.is_empty() {
            bail!("the load ended with {}", child.wait()?);
        }
        Ok((serde_json::from_str(&said).with_context(|| format!("the load said {said:?}"))?, Self { child }))
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        // What it had to say, it has said.
        let _ = self.child.wait();
    }
}

/// Builds everything that is run beside this program.
///
/// # Errors
/// If it does not build.
pub fn build(with_server: bool) -> Result<()> {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--release", "--quiet", "-p", "chat-benches", "--bins"]);
    if with_server {
        cargo.args(["-p", "chat-server"]);
    }
    eprintln!("building the servers and the load …");
    ensure!(cargo.status().context("running cargo")?.success(), "what is measured does not build");
    Ok(())
}

/// A program beside this one.
pub(crate) fn program(name: &str) -> Result<PathBuf> {
    let path = std::env::current_exe()?.with_file_name(name);
    ensure!(path.exists(), "{} is not built", path.display());
    Ok(path)
}

/// Removes a database and what SQLite puts beside it.
///
/// # Errors
/// If it cannot be removed.
pub fn remove_database(data: &Path) -> Result<()> {
    let (Some(folder), Some(name)) = (data.parent(), data.file_name().and_then(|name| name.to_str())) else {
        bail!("{} is no file", data.display());
    };
    fs::create_dir_all(folder)?;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_str().is_some_and(|other| other.starts_with(name)) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Lets a server that was loaded come to rest.
pub fn rest(time: Duration) {
    // Waking early would only shorten the rest.
    thread::park_timeout(time);
}

/// Says on stderr what is going on: on a terminal on one line that is written over, elsewhere on lines of their own.
/// Nothing ends it.
pub fn progress(text: &str) {
    let mut stderr = std::io::stderr();
    // Progress that cannot be shown is not worth failing for.
    let _ = if stderr.is_terminal() {
        write!(stderr, "\r\x1b[2K{text}").and_then(|()| stderr.flush())
    } else if text.is_empty() {
        Ok(())
    } else {
        writeln!(stderr, "{text}")
    };
}
