//! Fuzzing: input that libFuzzer makes up, against each law of `fuzz/`.

use std::{fs, path::Path, process::Command};

use anyhow::{Context, Result};

use crate::tools;

use super::{How, proofs::Proof, watched::watch};

/// The laws, by the names of their targets.
const LAWS: [&str; 6] = ["tokens", "cursors", "frames", "requests", "commands", "imports"];

/// How long each law is tried; `CHAT_FUZZ_SECONDS` says otherwise.
const SECONDS: u64 = 60;

/// Tries each law in turn. What breaks one stays in `fuzz/libfuzzer/artifacts`; what was worth trying, under `target`.
pub(super) fn run(root: &Path, seed: u64, proof: &Proof, said: &mut Vec<String>) -> Result<How> {
    let seconds = match std::env::var("CHAT_FUZZ_SECONDS") {
        Ok(text) => text.parse().context("CHAT_FUZZ_SECONDS is a number of seconds")?,
        Err(_) => SECONDS,
    };
    let cargo_fuzz = tools::cargo_fuzz(root)?;
    let mut broken = Vec::new();
    for law in LAWS {
        let kept = root.join("target").join("fuzz").join("kept").join(law);
        fs::create_dir_all(&kept)?;
        let mut fuzz = Command::new(&cargo_fuzz);
        fuzz.current_dir(root).args(["run", "--fuzz-dir", "fuzz/libfuzzer", "--target-dir", "target/fuzz"]);
        // Unsafe code, which a sanitizer looks at, is forbidden here; without one, twice as much is tried.
        fuzz.args(["--sanitizer", "none", law]).arg(kept).arg(format!("fuzz/corpus/{law}")).arg("--");
        fuzz.args([format!("-max_total_time={seconds}"), format!("-seed={}", seed % u64::from(u32::MAX))]);
        fuzz.args(["-print_final_stats=1", "-timeout=30", "-rss_limit_mb=4096"]);
        // Files of a moment need no disk.
        if Path::new(MEMORY).is_dir() {
            fuzz.env("TMPDIR", MEMORY);
        }
        let mut lines = Vec::new();
        let how = watch(&mut fuzz, proof, &mut lines)?;
        let tried = lines.iter().find_map(|line| line.strip_prefix(TRIED)).map_or("?", str::trim);
        said.push(format!("{law}: {tried} inputs in {seconds} s"));
        if let How::Fails(why) = how {
            said.extend(lines.into_iter().filter(|line| !line.starts_with(TRIED)));
            broken.push(format!("{law}: {why}"));
        }
    }
    Ok(if broken.is_empty() { How::Holds } else { How::Fails(broken.join("; ")) })
}

/// What libFuzzer puts before the number of inputs.
const TRIED: &str = "stat::number_of_executed_units:";

/// Where Linux keeps files in memory.
const MEMORY: &str = "/dev/shm";
