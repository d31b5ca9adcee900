//! What a server must stand: storms, hordes, bad peers, and minutes of load. `cargo xtask prove` runs each trial.

use std::{path::PathBuf, process::ExitCode, time::Instant};

use anyhow::{Result, ensure};
use chat_benches::soak::{self, Scale, TRIALS};
use clap::Parser;

#[derive(Parser)]
#[command(about = "Puts the server under load that lasts, and fails where memory, losses or doubles pass their bounds")]
struct Args {
    /// Which trials; all of them if none is named.
    names: Vec<String>,
    /// A few of everything, for seconds, with the server as it was built last.
    #[arg(long)]
    short: bool,
    /// For how many seconds the mixed load lasts.
    #[arg(long, default_value_t = 600.0)]
    seconds: f64,
    /// Where databases are put.
    #[arg(long, default_value = "target/soak-data")]
    data: PathBuf,
    /// Only say which trials there are.
    #[arg(long)]
    list: bool,
}

fn main() -> Result<ExitCode> {
    let args = Args::parse();
    if args.list {
        TRIALS.iter().for_each(|trial| println!("{:<12} {}", trial.name, trial.about));
        return Ok(ExitCode::SUCCESS);
    }
    for name in &args.names {
        ensure!(TRIALS.iter().any(|trial| trial.name == name), "no trial is called {name:?}; see --list");
    }
    if !args.short {
        soak::build()?;
    }
    let scale = Scale { short: args.short, seconds: args.seconds, data: args.data };
    let mut failed = 0;
    for trial in TRIALS.iter().filter(|trial| args.names.is_empty() || args.names.iter().any(|name| name == trial.name))
    {
        let begun = Instant::now();
        if let Err(error) = (trial.run)(&scale) {
            println!("{}: FAILED: {error:#}", trial.name);
            failed += 1;
        }
        eprintln!("{} took {:.1} s", trial.name, begun.elapsed().as_secs_f64());
    }
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
