//! `cargo xtask bench`: the comparisons of `docs/src/performance.md`, each against something that runs beside it. A run
//! of all of them writes `docs/src/measured.md`.

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Result, ensure};
use chat_benches::{
    against,
    figures::{FIGURES, Figure, Setting},
    machine, page, peer, servers,
};
use clap::Parser;

#[derive(Parser)]
#[command(about = "Compares the engine with what it is held against, in turns, and says whether it is what it must be")]
struct Args {
    /// Which figures; all of them if none is named, which are then written to docs/src/measured.md.
    names: Vec<String>,
    /// How often each side is run.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// For how many seconds each time.
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    /// Messages without a `client_id`: nothing to remember for repeats.
    #[arg(long)]
    unnamed: bool,
    /// Where databases are put; what takes long to build is kept there.
    #[arg(long, default_value = "target/bench-data")]
    data: PathBuf,
    /// Measure another revision as well, in turns with this one, and say what moved more than its spread. Nothing else
    /// is held against anything, and nothing is written to the book.
    #[arg(long, value_name = "REVISION")]
    against: Option<String>,
    /// Write what was measured to a file, as JSON, and nothing to the book.
    #[arg(long, value_name = "FILE", conflicts_with = "against")]
    json: Option<PathBuf>,
    /// Only say which figures there are.
    #[arg(long)]
    list: bool,
}

fn main() -> Result<ExitCode> {
    let args = Args::parse();
    if args.list {
        FIGURES.iter().for_each(|figure| println!("{:<12} {}", figure.name, figure.about));
        return Ok(ExitCode::SUCCESS);
    }
    for name in &args.names {
        ensure!(FIGURES.iter().any(|figure| figure.name == name), "no figure is called {name:?}; see --list");
    }
    ensure!(args.rounds > 0 && args.seconds > 0.0, "nothing would be measured");
    let chosen: Vec<&Figure> = FIGURES
        .iter()
        .filter(|figure| args.names.is_empty() || args.names.iter().any(|name| name == figure.name))
        .collect();
    let setting = Setting { rounds: args.rounds, seconds: args.seconds, data: args.data, unnamed: args.unnamed };
    if let Some(revision) = &args.against {
        println!("{}", against::compare(revision, &args.names, &setting)?);
        return Ok(ExitCode::SUCCESS);
    }
    servers::build(chosen.iter().any(|figure| figure.server))?;
    if chosen.iter().any(|figure| figure.server)
        && let Err(error) = peer::install()
    {
        println!("NOTE: nothing is held against the server on Node: {error:#}");
    }
    if machine::can_pin() {
        println!("server on core {}, load on core {}", machine::SERVER_CORE, machine::LOAD_CORE);
    } else {
        println!("NOTE: there is no `taskset` or no second core: server and load share what there is");
    }
    println!(
        "{} rounds of {} s in turns; the middle one (the least … the greatest)\n",
        setting.rounds, setting.seconds
    );
    let (mut missed, mut failed, mut measured) = (0, 0, Vec::new());
    for figure in chosen {
        println!("{}: {}", figure.name, figure.about);
        match (figure.run)(&setting) {
            Ok(table) => {
                println!("{table}");
                if args.json.is_none() {
                    page::draw(&table)?;
                }
                missed += table.missed();
                measured.push((figure, table));
            }
            Err(error) => {
                servers::progress("");
                println!("  FAILED: {error:#}\n");
                failed += 1;
            }
        }
    }
    match &args.json {
        Some(file) if failed == 0 => against::write(file, &measured)?,
        None if failed == 0 && args.names.is_empty() => page::write(&setting, &measured)?,
        _ => {}
    }
    println!("{missed} of what must hold was missed, {failed} figures failed");
    Ok(if missed + failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
