//! `cargo xtask bench`: the comparisons, in release; its arguments go to the bench program.

use std::path::Path;

use anyhow::Result;

use crate::{cargo, run as run_command};

pub(crate) fn run(root: &Path, args: &[&str]) -> Result<()> {
    let mut bench = cargo(root);
    bench.args("run --quiet --release --package chat-benches --bin bench --".split(' ')).args(args);
    run_command(&mut bench)
}
