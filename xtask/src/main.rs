//! `cargo xtask`: builds, checks, demonstrates and measures the workspace.

mod bench;
mod demo;
mod languages;
mod prove;
mod server;
mod test;
mod tidy;
mod tools;

use std::{
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use anyhow::{Context, Result, bail};

const HELP: &str = "\
cargo xtask <task>

  test           everything that must pass: format, lints, tests, docs, tidy, licences, other languages, the book;
                 --skip-missing leaves out the languages that are not installed here
  tidy           the project's own rules; `tidy --list` shows them
  demo [--once]  starts a server on a fresh file and shows what it can do; --once ends by itself
  prove [NAME…]  the long forms of the tests; all of them write docs/src/proven.md
  bench [ARGS]   the comparisons; ARGS go to the bench program";

fn main() -> ExitCode {
    match dispatch() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nxtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args.as_slice() {
        ["test"] => test::run(&root(), false),
        ["test", "--skip-missing"] => test::run(&root(), true),
        ["tidy"] => tidy::run(&root()),
        ["tidy", "--list"] => {
            print!("{}", tidy::table());
            Ok(())
        }
        ["demo"] => demo::run(&root(), false),
        ["demo", "--once"] => demo::run(&root(), true),
        ["prove", names @ ..] => prove::run(&root(), names),
        ["bench", rest @ ..] => bench::run(&root(), rest),
        [] | ["help" | "--help" | "-h"] => {
            println!("{HELP}");
            Ok(())
        }
        other => bail!("there is no task `{}`\n\n{HELP}", other.join(" ")),
    }
}

/// The root of the workspace, wherever xtask was started from.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask/ lies in the workspace").to_path_buf()
}

/// The cargo that runs us, in the root of the workspace.
fn cargo(root: &Path) -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root);
    cargo
}

/// Runs a command; its output is ours.
fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("cannot start `{}`", shown(command)))?;
    if !status.success() {
        bail!("`{}` failed ({status})", shown(command));
    }
    Ok(())
}

/// Runs a command and returns what it printed.
fn output(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("cannot start `{}`", shown(command)))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("`{}` failed ({})\n{}", shown(command), output.status, said.trim());
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// A command as one would type it.
fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or_default();
    let words = std::iter::once(program).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}
