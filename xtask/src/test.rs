//! `cargo xtask test`: everything that must pass, in order, cheapest news first; it stops at the first failure. What this
//! machine cannot run is left out, said at the end, and a failure too unless one has agreed to it.

use std::{
    ffi::OsStr,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};

use crate::{cargo, languages::SUITES, output, run as run_command, shown, tidy, tools};

pub(crate) fn run(root: &Path, skip_missing: bool) -> Result<()> {
    let before = changes(root);
    let mut steps = Steps::default();

    steps.step("format", cargo(root).args(["fmt", "--all", "--check"]))?;
    steps.step("lints", cargo(root).args("clippy --workspace --all-targets -- -D warnings".split(' ')))?;
    steps.step("tests and doctests", cargo(root).args(["test", "--workspace"]))?;
    steps.step("docs", cargo(root).args(["doc", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "-D warnings"))?;
    steps.timed("tidy", "xtask tidy", || tidy::run(root))?;
    let deny = steps.timed("cargo-deny is there", "install if missing", || tools::cargo_deny(root))?;
    steps.step("licences", tool(root, &deny).args("check --hide-inclusion-graph bans licenses sources".split(' ')))?;
    steps.timed("a browser is there", "in CI, install if missing", tools::chromium_in_ci)?;
    let left_out = languages(root, &mut steps)?;
    let mdbook = steps.timed("mdbook is there", "install if missing", || tools::mdbook(root))?;
    let book = root.join("target").join("book");
    let book = [OsStr::new("build"), OsStr::new("docs"), OsStr::new("--dest-dir"), book.as_os_str()];
    steps.step("the book", tool(root, &mdbook).args(book))?;
    steps.timed("the tree is as it was", "git status", || {
        let after = changes(root);
        ensure!(before == after, "the tests changed the tree:\n{}", after.unwrap_or_default());
        Ok(())
    })?;

    println!("\nAll passed: {} steps in {}.", steps.done, seconds(steps.took));
    for (suite, missing) in &left_out {
        println!("Left out: the tests of {suite}; they need {}.", missing.join(", and "));
    }
    ensure!(left_out.is_empty() || skip_missing, "some tests were left out; with --skip-missing that is no failure");
    Ok(())
}

/// Runs the tests of the other languages, and returns those that this machine cannot run.
fn languages(root: &Path, steps: &mut Steps) -> Result<Vec<(&'static str, Vec<&'static str>)>> {
    let mut left_out = Vec::new();
    for suite in &SUITES {
        let missing = suite.missing(root);
        if missing.is_empty() {
            for mut command in (suite.commands)(root) {
                steps.step(suite.name, &mut command)?;
            }
        } else {
            left_out.push((suite.name, missing));
        }
    }
    Ok(left_out)
}

/// What was done so far.
#[derive(Default)]
struct Steps {
    done: u32,
    took: Duration,
}

impl Steps {
    fn step(&mut self, name: &str, command: &mut Command) -> Result<()> {
        let words = shown(command);
        self.timed(name, &words, || run_command(command))
    }

    fn timed<T>(&mut self, name: &str, words: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
        println!("\n==> {name}: {words}");
        let start = Instant::now();
        let done = work().with_context(|| format!("{name}: failed after {}", seconds(start.elapsed())))?;
        let took = start.elapsed();
        println!("    ok: {name}, {}", seconds(took));
        self.done += 1;
        self.took += took;
        Ok(done)
    }
}

fn tool(root: &Path, program: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(root);
    command
}

/// What git says has changed; nothing where there is no git, or no repository.
fn changes(root: &Path) -> Option<String> {
    output(Command::new("git").args(["status", "--porcelain"]).current_dir(root)).ok()
}

fn seconds(took: Duration) -> String {
    format!("{:.1} s", took.as_secs_f64())
}
