//! The Autobahn cases: fetched as they are published, run against the echo server of chat-ws.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use anyhow::{Context, Result, ensure};

use crate::{cargo, run as run_command};

use super::{How, proofs::Proof, watched::watch};

/// The cases, as PyPI has them.
const SUITE: &str = "autobahntestsuite";
const VERSION: &str = "25.10.1";

/// Runs every case; it needs a Python that still has `lib2to3`, since the cases are older than Python 3.
pub(super) fn run(root: &Path, _: u64, proof: &Proof, said: &mut Vec<String>) -> Result<How> {
    let has = Command::new("python3").args(["-W", "ignore", "-c", "import lib2to3"]).output();
    if !has.is_ok_and(|has| has.status.success()) {
        return Ok(How::LeftOut("it needs python3 with lib2to3, which is up to 3.12".to_owned()));
    }
    let Some(cases) = cases(root)? else { return Ok(How::LeftOut(format!("{SUITE} could not be fetched"))) };
    run_command(cargo(root).args(["build", "--quiet", "--package", "chat-ws", "--example", "echo"]))?;
    let mut server = Echo::start(root)?;
    let (host, port) = server.address.split_once(':').context("an address has a port")?;
    let mut python = Command::new("python3");
    python.args(["-u", "-W", "ignore"]).arg(root.join("chat-ws/autobahn/run.py")).arg(cases);
    let how = watch(python.args([host, port, "/ws"]), proof, said);
    server.child.kill()?;
    server.child.wait()?;
    how
}

/// Where the cases are, once they were fetched; nothing if they cannot be.
fn cases(root: &Path) -> Result<Option<PathBuf>> {
    let tools = root.join("target").join("tools").join("autobahn");
    let unpacked = tools.join(format!("{SUITE}-{VERSION}")).join(SUITE).join("case");
    if unpacked.is_dir() {
        return Ok(Some(unpacked));
    }
    fs::create_dir_all(&tools)?;
    let archive = tools.join(format!("{SUITE}-{VERSION}.tar.gz"));
    if !archive.is_file() {
        let mut pip = Command::new("python3");
        pip.args(["-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:", "--dest"]).arg(&tools);
        if !pip.arg(format!("{SUITE}=={VERSION}")).output().is_ok_and(|done| done.status.success()) {
            return Ok(None);
        }
    }
    run_command(Command::new("tar").arg("-xzf").arg(&archive).arg("-C").arg(&tools))?;
    ensure!(unpacked.is_dir(), "the archive of {SUITE} has no cases where they were");
    Ok(Some(unpacked))
}

/// The server that sends back what comes.
struct Echo {
    child: Child,
    address: String,
}

impl Echo {
    fn start(root: &Path) -> Result<Self> {
        let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |dir| root.join(dir));
        let program = target.join("debug").join("examples").join("echo");
        let mut child = Command::new(&program)
            .arg("127.0.0.1:0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().context("its output is ours")?).read_line(&mut line)?;
        let address = line.trim().strip_prefix("http://").context("it says where it is")?.to_owned();
        Ok(Self { child, address })
    }
}
