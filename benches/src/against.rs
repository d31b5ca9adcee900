//! `cargo xtask bench --against REVISION`: the same figures of another revision, in turns with this one's.
//!
//! Each side is its own bench program, so that each drives its own engine as it wants to be driven. They are told
//! apart by what they measure, not by how much: a figure that one of them does not have is left out.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};

use crate::{
    figures::{Figure, Setting, Table},
    servers::progress,
    spread::{Spread, short},
};

/// Where the other revision is checked out, and built; what it took to build is kept.
const TREE: &str = "target/against";

/// Fewer rounds do not show how far a figure moves by itself.
const ROUNDS: usize = 3;

/// What one line of a figure came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Measured {
    figure: String,
    row: String,
    value: f64,
}

/// Writes what was measured for [`compare`] to read.
///
/// # Errors
/// If the file cannot be written.
pub fn write(file: &Path, measured: &[(&Figure, Table)]) -> Result<()> {
    let lines = measured.iter().flat_map(|(figure, table)| {
        let line = |row: &crate::figures::Row| Measured {
            figure: figure.name.to_owned(),
            row: row.name.clone(),
            value: row.spread.median,
        };
        table.rows.iter().map(line)
    });
    let lines: Vec<Measured> = lines.collect();
    fs::write(file, serde_json::to_vec(&lines)?).with_context(|| format!("writing {}", file.display()))
}

/// Measures the figures of these names, or all, here and in another revision.
///
/// # Errors
/// If there is no such revision, it does not build, or it cannot write what it measured; or if a figure fails.
pub fn compare(revision: &str, names: &[String], setting: &Setting) -> Result<Comparison> {
    ensure!(setting.rounds >= ROUNDS, "--against takes at least {ROUNDS} rounds: fewer do not show a spread");
    let here = Side { folder: std::env::current_dir()?, program: std::env::current_exe()? };
    let there = Side::checked_out(revision)?;
    let (mut now, mut then) = (Vec::new(), Vec::new());
    for round in 1..=setting.rounds {
        for (side, name, runs) in [(&there, revision, &mut then), (&here, "this one", &mut now)] {
            progress(&format!("round {round} of {}: {name} …", setting.rounds));
            runs.push(side.measure(names, setting)?);
        }
    }
    progress("");
    Ok(Comparison::of(&then, &now))
}

/// One of the two bench programs.
struct Side {
    /// Where it runs, and keeps its databases.
    folder: PathBuf,
    program: PathBuf,
}

impl Side {
    /// The bench program of another revision, in a worktree of its own.
    fn checked_out(revision: &str) -> Result<Self> {
        let commit = git(&["rev-parse", "--verify", "--quiet", &format!("{revision}^{{commit}}")])
            .with_context(|| format!("there is no revision {revision:?}"))?;
        let folder = std::env::current_dir()?.join(TREE);
        if folder.join(".git").exists() {
            git(&["-C", TREE, "checkout", "--quiet", "--force", "--detach", &commit])?;
        } else {
            // Forced: a target folder that was removed has left its entry behind.
            git(&["worktree", "add", "--force", "--detach", TREE, &commit])?;
        }
        eprintln!("building {revision} in {TREE} …");
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.args(["build", "--release", "--quiet", "-p", "chat-benches", "--bins", "-p", "chat-server"]);
        cargo.current_dir(&folder).env_remove("CARGO_TARGET_DIR");
        ensure!(cargo.status().context("running cargo")?.success(), "{revision} does not build");
        let program = folder.join("target/release/bench");
        let help = Command::new(&program).arg("--help").output().with_context(|| format!("running {program:?}"))?;
        let can = String::from_utf8_lossy(&help.stdout).contains("--json");
        ensure!(can, "{revision} cannot be compared: its bench program does not know --json yet");
        Ok(Self { folder, program })
    }

    /// One round.
    fn measure(&self, names: &[String], setting: &Setting) -> Result<Vec<Measured>> {
        let file = self.folder.join("target/measured.json");
        if file.exists() {
            fs::remove_file(&file)?;
        }
        let mut bench = Command::new(&self.program);
        bench.args(names).args(["--rounds", "1", "--seconds", &setting.seconds.to_string(), "--json"]).arg(&file);
        if setting.unnamed {
            bench.arg("--unnamed");
        }
        bench.current_dir(&self.folder).env_remove("CARGO_TARGET_DIR").stdin(Stdio::null());
        // It fails as well where a must is missed, which is not the question here.
        let said = bench.output().with_context(|| format!("running {:?}", self.program))?;
        match fs::read(&file) {
            Ok(json) => serde_json::from_slice(&json).with_context(|| format!("reading {}", file.display())),
            Err(_) => bail!(
                "{:?} measured nothing:\n{}{}",
                self.program,
                String::from_utf8_lossy(&said.stdout),
                String::from_utf8_lossy(&said.stderr)
            ),
        }
    }
}

/// What git says, without the last line's end.
fn git(args: &[&str]) -> Result<String> {
    let answer = Command::new("git").args(args).output().context("running git")?;
    let said = String::from_utf8_lossy(&answer.stderr);
    ensure!(answer.status.success(), "git {}: {}", args.join(" "), said.trim());
    Ok(String::from_utf8(answer.stdout)?.trim().to_owned())
}

/// Both sides, line by line.
#[derive(Debug)]
pub struct Comparison {
    pairs: Vec<Pair>,
    /// How many lines only one side has.
    alone: usize,
}

/// One line on both sides.
#[derive(Debug)]
struct Pair {
    figure: String,
    row: String,
    then: Spread,
    now: Spread,
    /// What it is now by what it was, round by round.
    ratio: Spread,
}

impl Pair {
    /// Whether it is further from what it was than its rounds are from each other.
    fn moved(&self) -> bool {
        (self.ratio.median - 1.0).abs() > self.ratio.max - self.ratio.min
    }
}

impl Comparison {
    /// Of the rounds of each side.
    fn of(then: &[Vec<Measured>], now: &[Vec<Measured>]) -> Self {
        let (before, after) = (keyed(then), keyed(now));
        let mut pairs = Vec::new();
        for (key, new) in &after {
            let Some((_, old)) = before.iter().find(|(other, _)| other == key) else { continue };
            pairs.push(Pair {
                figure: key.0.clone(),
                row: key.1.clone(),
                then: Spread::of(old.iter().copied()),
                now: Spread::of(new.iter().copied()),
                ratio: Spread::of(new.iter().zip(old).map(|(new, old)| new / old)),
            });
        }
        let alone = before.len() + after.len() - 2 * pairs.len();
        Self { pairs, alone }
    }
}

/// A figure, the name of a line, and which of the lines of that name it is.
type Key = (String, String, usize);

/// The values of each line in all rounds, in the order of the first.
fn keyed(rounds: &[Vec<Measured>]) -> Vec<(Key, Vec<f64>)> {
    let mut lines: Vec<(Key, Vec<f64>)> = Vec::new();
    for (n, round) in rounds.iter().enumerate() {
        for (place, Measured { figure, row, value }) in round.iter().enumerate() {
            let same = |other: &&Measured| other.figure == *figure && other.row == *row;
            let key = (figure.clone(), row.clone(), round[..place].iter().filter(same).count());
            match lines.iter_mut().find(|(other, _)| *other == key) {
                Some((_, values)) => values.push(*value),
                None if n == 0 => lines.push((key, vec![*value])),
                None => {}
            }
        }
    }
    lines.retain(|(_, values)| values.len() == rounds.len());
    lines
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut figure = "";
        for pair in &self.pairs {
            if pair.figure != figure {
                figure = &pair.figure;
                writeln!(f, "{figure}")?;
            }
            let (then, now) = (short(pair.then.median), short(pair.now.median));
            let verdict = if pair.moved() { "MOVED" } else { "" };
            let line = format!("  {:<52} {then:>8} → {now:<8} × {:<26} {verdict}", pair.row, pair.ratio.to_string());
            writeln!(f, "{}", line.trim_end())?;
        }
        let moved = self.pairs.iter().filter(|pair| pair.moved()).count();
        write!(f, "{moved} of {} lines moved more than their spread", self.pairs.len())?;
        match self.alone {
            0 => Ok(()),
            alone => write!(f, "; {alone} are on one side only"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::{FIGURES, Must};

    fn round(values: &[(&str, f64)]) -> Vec<Measured> {
        let line = |(row, value): &(&str, f64)| Measured { figure: "f".into(), row: (*row).into(), value: *value };
        values.iter().map(line).collect()
    }

    #[test]
    fn what_moved_more_than_its_rounds_differ_is_named() {
        let then = [10.0, 10.5, 10.2].map(|value| round(&[("steady", value), ("slower", value), ("gone", value)]));
        let now = [10.2, 10.1, 10.6].map(|value| round(&[("steady", value), ("slower", value * 1.3), ("new", 1.0)]));
        let compared = Comparison::of(&then, &now);
        let text = compared.to_string();
        let moved: Vec<&str> = text.lines().filter(|line| line.ends_with("MOVED")).collect();
        assert!(matches!(moved[..], [line] if line.starts_with("  slower ")), "{text}");
        assert!(text.ends_with("1 of 2 lines moved more than their spread; 2 are on one side only"), "{text}");
    }

    #[test]
    fn lines_of_one_name_are_told_apart_by_their_order() {
        let then = vec![round(&[("ratio", 1.0), ("ratio", 4.0)]); 3];
        let now = vec![round(&[("ratio", 2.0), ("ratio", 4.0)]); 3];
        let ratios: Vec<f64> = Comparison::of(&then, &now).pairs.iter().map(|pair| pair.ratio.median).collect();
        assert_eq!(ratios, [2.0, 1.0]);
    }

    #[test]
    fn what_one_writes_the_other_reads() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("measured.json");
        let mut table = Table::default();
        table.row("p50, µs", [3.0, 1.0, 2.0], Must::Known(""));
        write(&file, &[(&FIGURES[0], table)]).unwrap();
        let read: Vec<Measured> = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        assert_eq!(read, [Measured { figure: FIGURES[0].name.into(), row: "p50, µs".into(), value: 2.0 }]);
    }

    #[test]
    fn a_revision_that_is_not_there_and_too_few_rounds_are_said() {
        let mut setting = Setting { rounds: 2, seconds: 1.0, data: "data".into(), unnamed: false };
        let said = |setting: &Setting| compare("no-such-revision", &[], setting).unwrap_err().to_string();
        assert!(said(&setting).contains("at least 3 rounds"));
        setting.rounds = 3;
        assert_eq!(said(&setting), r#"there is no revision "no-such-revision""#);
    }
}
