//! `cargo xtask prove`: the long forms of what the tests show in a short one, and the page that says what came of it.

mod advisories;
mod autobahn;
mod fuzz;
mod proofs;
mod report;
mod schemathesis;
mod watched;

use std::{
    hash::{BuildHasher, RandomState},
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};

use proofs::{PROOFS, Proof};

/// What came of a proof.
struct Outcome {
    proof: &'static Proof,
    how: How,
    took: Duration,
    /// The lines that say how much was done, and what was seen.
    said: Vec<String>,
}

/// How it ended.
enum How {
    Holds,
    /// It was not run, for lack of this.
    LeftOut(String),
    Fails(String),
}

/// Runs the proofs of these names, or all; all of them write the page.
pub(crate) fn run(root: &Path, names: &[&str]) -> Result<()> {
    if let Some(unknown) = names.iter().find(|name| PROOFS.iter().all(|proof| proof.name != **name)) {
        let known: Vec<_> = PROOFS.iter().map(|proof| proof.name).collect();
        bail!("there is no proof `{unknown}`; there are {}", known.join(", "));
    }
    let seed = RandomState::new().hash_one(Instant::now()) % 1_000_000_000;
    println!("seed {seed}");
    let chosen: Vec<_> = PROOFS.iter().filter(|proof| names.is_empty() || names.contains(&proof.name)).collect();
    let mut outcomes = Vec::new();
    for (n, proof) in chosen.iter().enumerate() {
        println!("\n==> {} of {}, {}: {}", n + 1, chosen.len(), proof.name, proof.shows);
        let began = Instant::now();
        let mut said = Vec::new();
        let how = (proof.run)(root, seed, proof, &mut said).unwrap_or_else(|error| How::Fails(format!("{error:#}")));
        let took = began.elapsed();
        println!("    {how}, {:.0} s", took.as_secs_f64());
        outcomes.push(Outcome { proof, how, took, said });
    }
    if names.is_empty() {
        report::write(root, seed, &outcomes)?;
    }
    let failed: Vec<_> = outcomes.iter().filter(|one| matches!(one.how, How::Fails(_))).collect();
    match failed.as_slice() {
        [] => Ok(()),
        failed => bail!("{} failed", failed.iter().map(|one| one.proof.name).collect::<Vec<_>>().join(", ")),
    }
}

impl std::fmt::Display for How {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Holds => f.write_str("holds"),
            Self::LeftOut(lack) => write!(f, "left out: {lack}"),
            Self::Fails(why) => write!(f, "FAILS: {why}"),
        }
    }
}
