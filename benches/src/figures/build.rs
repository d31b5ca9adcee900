//! What it takes to build the smallest program with a chat in it, and how large programs are.

use std::{
    fs,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};

use crate::servers::{program, progress};

use super::{KNOWN, Must, Setting, Table};

/// The programs whose size is written down.
const PROGRAMS: [&str; 2] = ["chat-server", "embed-rust"];

/// Once, whatever the rounds: a build takes a minute, and so does not depend on luck.
pub(super) fn run(setting: &Setting) -> Result<Table> {
    let mut table = Table::default();
    progress("  cargo build -p embed-rust, from nothing …");
    let name = "cargo build -p embed-rust from nothing, s";
    table.row(name, [from_nothing(&setting.data)?.as_secs_f64()], Must::AtMost(60.0));
    fs::create_dir_all(&setting.data)?;
    for name in PROGRAMS {
        progress(&format!("  cargo build --release -p {name} …"));
        cargo(&["build", "--release", "--package", name], None)?;
        let whole = program(name)?;
        let stripped = setting.data.join(format!("{name}.stripped"));
        table.row(format!("{name}, release, MiB"), [mib(&whole)?], KNOWN);
        // Without it there is one line less.
        if Command::new("strip").arg("-o").arg(&stripped).arg(&whole).status().is_ok_and(|status| status.success()) {
            table.row(format!("{name}, release, stripped, MiB"), [mib(&stripped)?], KNOWN);
            fs::remove_file(&stripped)?;
        }
    }
    progress("");
    Ok(table)
}

/// How long the first build takes, in a target folder of its own, when everything is downloaded.
fn from_nothing(data: &Path) -> Result<Duration> {
    let target = data.join("build-from-nothing");
    let remove = || if target.exists() { fs::remove_dir_all(&target) } else { Ok(()) };
    remove().context("emptying the target folder")?;
    cargo(&["fetch"], None)?;
    let begun = Instant::now();
    cargo(&["build", "--package", "embed-rust"], Some(&target))?;
    let took = begun.elapsed();
    remove().context("removing the target folder")?;
    Ok(took)
}

fn cargo(args: &[&str], target: Option<&Path>) -> Result<()> {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(args).args(["--quiet", "--locked"]);
    if let Some(target) = target {
        cargo.arg("--target-dir").arg(target);
    }
    ensure!(cargo.status().context("running cargo")?.success(), "cargo {} failed", args.join(" "));
    Ok(())
}

fn mib(file: &Path) -> Result<f64> {
    Ok(fs::metadata(file).with_context(|| format!("the size of {}", file.display()))?.len() as f64 / 1_048_576.0)
}
