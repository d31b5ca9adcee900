//! Starts the real programs for the demo, and stops them again.

use std::{
    ffi::OsString,
    fs::{self, File},
    hash::{BuildHasher, RandomState},
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};

use crate::{cargo, output, run};

/// How long the server may take to say where it is.
const START: Duration = Duration::from_mins(1);
/// How long it may take to drain; longer than its own limit.
const STOP: Duration = Duration::from_mins(1);

/// The name of a program's log.
const LOG: &str = "server.log";

/// Builds a program in release and says where it is.
pub(crate) fn build(root: &Path, program: &str) -> Result<PathBuf> {
    run(cargo(root).args(["build", "--quiet", "--release", "--package", program]))?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |dir| root.join(dir));
    Ok(target.join("release").join(format!("{program}{}", std::env::consts::EXE_SUFFIX)))
}

/// A running server; dropping it stops it.
pub(crate) struct Server {
    child: Child,
    binary: PathBuf,
    /// What it is started with, beside where to listen.
    args: Vec<OsString>,
    /// Where its files and its log are.
    dir: PathBuf,
    secret: String,
    url: String,
    stopped: bool,
}

impl Server {
    /// Starts `chat-server` on a fresh file in `dir`, which is emptied first; its log goes there too.
    pub(crate) fn start(binary: &Path, dir: &Path) -> Result<Self> {
        let file = format!("sqlite:{}", dir.join("demo.db").display());
        Self::fresh(binary, vec!["--db".into(), file.into()], dir)
    }

    /// Starts `job-chat` in the same way, with its built page. It signs tokens with a secret of its own.
    pub(crate) fn start_job_chat(binary: &Path, dir: &Path, page: &Path) -> Result<Self> {
        Self::fresh(binary, vec!["--data".into(), dir.into(), "--web".into(), page.into()], dir)
    }

    fn fresh(binary: &Path, args: Vec<OsString>, dir: &Path) -> Result<Self> {
        if dir.exists() {
            fs::remove_dir_all(dir).with_context(|| format!("cannot empty {}", dir.display()))?;
        }
        fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
        Self::spawn(binary, args, dir, secret(), "127.0.0.1:0")
    }

    /// Kills it, as a power cut would end it, and starts it again on the same file and port.
    pub(crate) fn kill_and_start(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        self.stopped = true;
        let listen = self.url.trim_start_matches("http://").to_owned();
        *self = Self::spawn(&self.binary, self.args.clone(), &self.dir, self.secret.clone(), &listen)?;
        Ok(())
    }

    fn spawn(binary: &Path, args: Vec<OsString>, dir: &Path, secret: String, listen: &str) -> Result<Self> {
        let log = File::options().create(true).append(true).open(dir.join(LOG))?;
        let mut child = Command::new(binary)
            .args(["--listen", listen])
            .args(&args)
            .env("CHAT_JWT_SECRET", &secret)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .with_context(|| format!("cannot start {}", binary.display()))?;
        let lines = read_lines(&mut child);
        // From here on, leaving early stops the child.
        let (binary, dir) = (binary.to_path_buf(), dir.to_path_buf());
        let mut server = Self { child, binary, args, dir, secret, url: String::new(), stopped: false };
        server.url = server.wait_for_url(&lines)?;
        Ok(server)
    }

    /// Where it is: `http://HOST:PORT`.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// A token for a user, or with the role `service` for the application itself.
    pub(crate) fn token(&self, user: &str, role: Option<&str>) -> Result<String> {
        let mut mint = Command::new(&self.binary);
        mint.args(["token", "--user", user, "--expires", "12h"]).env("CHAT_JWT_SECRET", &self.secret);
        if let Some(role) = role {
            mint.args(["--role", role]);
        }
        Ok(output(&mut mint)?.trim().to_owned())
    }

    /// Waits until it ends by itself, as it does on Ctrl-C.
    pub(crate) fn wait(&mut self) -> Result<()> {
        let status = self.child.wait()?;
        self.ended(status)
    }

    /// Lets it drain and end.
    pub(crate) fn stop(mut self) -> Result<()> {
        let status = self.terminate()?;
        self.ended(status)
    }

    fn wait_for_url(&self, lines: &mpsc::Receiver<String>) -> Result<String> {
        let give_up = Instant::now() + START;
        loop {
            match lines.recv_timeout(give_up.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    if let Some(url) = url_in(&line) {
                        return Ok(url.to_owned());
                    }
                }
                Err(mpsc::RecvTimeoutError::Timeout) => bail!("the server did not say where it is{}", self.log_tail()),
                Err(mpsc::RecvTimeoutError::Disconnected) => bail!("the server ended at once{}", self.log_tail()),
            }
        }
    }

    /// Sends SIGTERM and waits; a server that does not end in time is killed, which is an error.
    fn terminate(&mut self) -> Result<ExitStatus> {
        self.stopped = true;
        if let Some(status) = self.child.try_wait()? {
            return Ok(status);
        }
        run(Command::new("kill").arg("-TERM").arg(self.child.id().to_string()))?;
        let give_up = Instant::now() + STOP;
        while Instant::now() < give_up {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            #[allow(clippy::disallowed_methods, reason = "std has no wait with a time limit")]
            std::thread::sleep(Duration::from_millis(20));
        }
        self.child.kill()?;
        self.child.wait()?;
        bail!("the server did not drain within {} s{}", STOP.as_secs(), self.log_tail());
    }

    fn ended(&mut self, status: ExitStatus) -> Result<()> {
        self.stopped = true;
        ensure!(status.success(), "the server ended with {status}{}", self.log_tail());
        Ok(())
    }

    /// The last lines of its log, as the end of an error message.
    fn log_tail(&self) -> String {
        let path = self.dir.join(LOG);
        let log = fs::read_to_string(&path).unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        let tail = lines[lines.len().saturating_sub(12)..].join("\n");
        format!("; the end of {}:\n{tail}", path.display())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if !self.stopped
            && let Err(error) = self.terminate()
        {
            eprintln!("xtask: {error:#}");
        }
    }
}

/// The child's lines. They are read to the end, so that it never waits for us to read.
fn read_lines(child: &mut Child) -> mpsc::Receiver<String> {
    let (sender, lines) = mpsc::sync_channel(16);
    if let Some(stdout) = child.stdout.take() {
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                // Nobody listens any more once the address is known.
                let _ = sender.try_send(line);
            }
        });
    }
    lines
}

/// The address in a line such as `listening on http://127.0.0.1:4711`.
fn url_in(line: &str) -> Option<&str> {
    let from = &line[line.find("http://")?..];
    let host = from["http://".len()..].split(|c: char| c.is_whitespace() || c == '/').next()?;
    let port = host.rsplit_once(':')?.1;
    port.parse::<u16>().ok()?;
    Some(&from[.."http://".len() + host.len()])
}

/// A secret for one run on this machine.
fn secret() -> String {
    (0..4u64).map(|n| format!("{:016x}", RandomState::new().hash_one(n))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_found_wherever_it_stands_in_the_line() {
        assert_eq!(url_in("ready: http://127.0.0.1:4711"), Some("http://127.0.0.1:4711"));
        assert_eq!(url_in("http://[::1]:80/ is open"), Some("http://[::1]:80"));
        assert_eq!(url_in("see https://example.org"), None);
        assert_eq!(url_in("http://localhost"), None);
    }

    #[cfg(unix)]
    #[test]
    fn a_server_is_started_found_and_drained_and_one_that_fails_says_why() {
        let dir = std::env::temp_dir().join(format!("xtask-server-{}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        let (program, data) = (dir.join("server"), dir.join("data"));
        // By another program: what another test starts meanwhile would have the file open until it runs, and a file that
        // somebody may write to is not run.
        let write = |script: &str| {
            let mut writing = Command::new("sh");
            writing.args(["-c", "printf '#!/bin/sh\\n%s\\n' \"$1\" >\"$2\" && chmod 755 \"$2\"", "sh", script]);
            assert!(writing.arg(&program).status().unwrap().success());
        };

        write(
            "[ \"$1\" = token ] && { echo \"$3 ${7:-user}\"; exit 0; }
            trap 'echo drained >&2; exit 0' TERM
            echo \"for $2 on http://127.0.0.1:9\"
            while :; do sleep 0.01; done",
        );
        let server = Server::start(&program, &data).unwrap();
        assert_eq!(server.url(), "http://127.0.0.1:9");
        assert_eq!(server.token("ann", None).unwrap(), "ann user");
        assert_eq!(server.token("app", Some("service")).unwrap(), "app service");
        server.stop().unwrap();
        assert_eq!(fs::read_to_string(data.join(LOG)).unwrap(), "drained\n");

        let mut server = Server::start(&program, &data).unwrap();
        server.kill_and_start().unwrap();
        server.stop().unwrap();
        assert_eq!(fs::read_to_string(data.join(LOG)).unwrap(), "drained\n", "what is killed does not drain");

        write("echo 'no secret was given' >&2; exit 2");
        let error = Server::start(&program, &data).err().unwrap().to_string();
        assert!(error.contains("no secret was given"), "{error}");
        fs::remove_dir_all(dir).unwrap();
    }
}
