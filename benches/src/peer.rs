//! The chat server that one would otherwise write on Node, in `benches/peer`: whether it can be run here.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    time::SystemTime,
};

use anyhow::{Context, Result, ensure};

/// Where it is.
const PEER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/peer");

/// How it tells what it has stored.
#[derive(Clone, Copy, Debug)]
pub enum Tell {
    /// Past `ws`: all of a turn framed once, and the same bytes to each socket. The best that Node allows.
    Shared,
    /// By `ws`: each event to each socket, which is corked meanwhile. What one writes with what `ws` offers.
    Corked,
}

/// The program, which Node runs. Its heap for what is young is larger than Node's own 16 MiB: with that, flat out, it
/// would copy messages that are still on their way.
pub fn args(tell: Tell) -> [String; 4] {
    let tell = match tell {
        Tell::Shared => "shared",
        Tell::Corked => "corked",
    };
    ["--max-semi-space-size=64".into(), format!("{PEER}/server.mjs"), "--tell".into(), tell.into()]
}

/// Whether its packages are there, as its lock file names them.
pub fn is_there() -> bool {
    let changed = |file: &str| -> Option<SystemTime> { fs::metadata(Path::new(PEER).join(file)).ok()?.modified().ok() };
    // npm writes this one last.
    changed("node_modules/.package-lock.json")
        .is_some_and(|installed| changed("package-lock.json").is_some_and(|locked| locked <= installed))
}

/// Installs its packages if they are not there. One of them is compiled, which takes a minute.
///
/// # Errors
/// If there is no Node or no npm, or the packages cannot be had or compiled.
pub fn install() -> Result<()> {
    ensure!(runs("node"), "Node is not here");
    if is_there() {
        return Ok(());
    }
    ensure!(runs("npm"), "npm is not here");
    eprintln!("installing the packages of the Node server …");
    let mut npm = Command::new("npm");
    npm.args(["ci", "--no-audit", "--no-fund"]).current_dir(PEER).stdout(Stdio::null());
    ensure!(npm.status().context("running npm")?.success(), "its packages could not be installed");
    Ok(())
}

/// Whether a program is there and starts.
fn runs(program: &str) -> bool {
    let version = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    version.is_ok_and(|status| status.success())
}
