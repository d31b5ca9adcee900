//! The real server, which can be stopped, and started again where it was.

use std::{
    net::{Ipv4Addr, SocketAddr},
    ops::Deref,
    path::PathBuf,
    process::{Command, ExitStatus},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::{
    http::Client,
    machine,
    servers::{self, Server},
    token,
};

use super::Scale;

/// Builds the server, as this program was built.
///
/// # Errors
/// If it does not build.
pub fn build() -> Result<()> {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--quiet", "-p", "chat-server"]);
    cargo.args((!cfg!(debug_assertions)).then_some("--release"));
    ensure!(cargo.status().context("running cargo")?.success(), "the server does not build");
    Ok(())
}

/// A chat server over a SQLite file.
#[derive(Debug)]
pub(super) struct Host {
    server: Server,
    setup: Setup,
}

/// What a server needs to be started: its file, its settings, and where it listens.
#[derive(Debug)]
pub(super) struct Setup {
    data: PathBuf,
    settings: Vec<(&'static str, String)>,
    listen: SocketAddr,
}

/// What a process holds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Vitals {
    /// Memory in RAM.
    pub(super) kib: u64,
    /// Open files and sockets.
    pub(super) files: u64,
    pub(super) threads: u64,
}

impl Host {
    /// A server over a new file; settings as the environment has them.
    pub(super) fn start(scale: &Scale, trial: &str, settings: &[(&'static str, &str)]) -> Result<Self> {
        let data = scale.data.join(format!("{trial}.db"));
        servers::remove_database(&data)?;
        let settings = settings.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        Setup { data, settings, listen: (Ipv4Addr::LOCALHOST, 0).into() }.start()
    }

    pub(super) fn vitals(&self) -> Result<Vitals> {
        let pid = self.pid();
        Ok(Vitals {
            kib: machine::resident_kib(pid)?,
            files: machine::open_files(pid)?,
            threads: machine::threads(pid)?,
        })
    }

    /// What the server says of itself: the value of a sample, by its name with labels.
    pub(super) fn metric(&self, sample: &str) -> Result<u64> {
        let mut client = Client::connect(self.address, "")?;
        let (status, text) = client.ask("GET", "/metrics", "")?;
        ensure!(status == 200, "no metrics: {status}");
        let text = std::str::from_utf8(text)?;
        let value = text.lines().find_map(|line| line.strip_prefix(sample)?.strip_prefix(' '));
        value.map_or(Ok(0), |value| value.parse().with_context(|| format!("{sample} is {value:?}")))
    }

    /// Waits until something is so; fails with `what` if it is not within `patience`.
    pub(super) fn until(
        &self,
        patience: Duration,
        what: &str,
        mut so: impl FnMut(&Self) -> Result<bool>,
    ) -> Result<Duration> {
        let begun = Instant::now();
        while !so(self)? {
            ensure!(begun.elapsed() < patience, "{what}: not after {:.0} s", patience.as_secs_f64());
            servers::rest(Duration::from_millis(20));
        }
        Ok(begun.elapsed())
    }

    /// Tells it to stop, as an operator does. Returns at once; [`Host::stopped`] waits.
    pub(super) fn terminate(&self) -> Result<()> {
        let told = Command::new("kill").args(["-TERM", &self.pid().to_string()]).status()?;
        ensure!(told.success(), "the server could not be told to stop");
        Ok(())
    }

    /// Waits for the end of a server that was told to stop.
    pub(super) fn stopped(self) -> Result<(ExitStatus, Setup)> {
        Ok((self.server.ended()?, self.setup))
    }

    /// Ends it without a warning.
    pub(super) fn kill(self) -> Setup {
        drop(self.server);
        self.setup
    }
}

impl Deref for Host {
    type Target = Server;

    fn deref(&self) -> &Server {
        &self.server
    }
}

impl Setup {
    /// Starts a server over what is there.
    pub(super) fn start(mut self) -> Result<Host> {
        let mut command = Command::new(servers::program("chat-server")?);
        command.arg("--listen").arg(self.listen.to_string());
        command.arg("--db").arg(format!("sqlite:{}", self.data.display()));
        command.env("CHAT_JWT_SECRET", token::SECRET).env("CHAT_LOG", "error");
        command.envs(self.settings.iter().map(|(name, value)| (name, value)));
        let server = Server::start(command)?;
        self.listen = server.address;
        Ok(Host { server, setup: self })
    }
}

/// Asks for JSON and returns it, where the answer is a success.
pub(super) fn ask(client: &mut Client, method: &str, path: &str, body: &Value) -> Result<Value> {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let (status, answer) = client.ask(method, path, &body)?;
    ensure!(status / 100 == 2, "{method} {path}: {status} {}", String::from_utf8_lossy(answer));
    if answer.is_empty() { Ok(Value::Null) } else { serde_json::from_slice(answer).context("an answer is JSON") }
}
