//! Known weaknesses of dependencies, as RustSec lists them.

use std::{fs, path::Path, process::Command};

use anyhow::Result;

use crate::{output, tools};

use super::{How, proofs::Proof, watched::watch};

/// Asks for the list as it is now; where it is not to be had, the copy that is there is better than nothing.
pub(super) fn run(root: &Path, _: u64, proof: &Proof, said: &mut Vec<String>) -> Result<How> {
    let program = tools::cargo_deny(root)?;
    let check = |offline: bool| {
        let mut deny = Command::new(&program);
        deny.current_dir(root).args(offline.then_some("--offline"));
        deny.args(["check", "--hide-inclusion-graph", "advisories"]);
        deny
    };
    let how = watch(&mut check(false), proof, said)?;
    // Without a weakness that is named, it is the list that is not to be had.
    if matches!(how, How::Holds) || said.iter().any(|line| line.contains("error[")) {
        return Ok(how);
    }
    said.clear();
    let Some(day) = copied_on() else {
        return Ok(How::LeftOut("the list of known weaknesses could not be fetched".to_owned()));
    };
    Ok(match watch(&mut check(true), proof, said)? {
        // An old list shows little.
        How::Holds => How::LeftOut(format!("today's list could not be fetched; that of {day} names none that applies")),
        how => how,
    })
}

/// Of which day the copy of the list is.
fn copied_on() -> Option<String> {
    let home = std::env::var_os("CARGO_HOME")
        .map_or_else(|| std::env::home_dir().map(|home| home.join(".cargo")), |home| Some(home.into()))?;
    let copies = fs::read_dir(home.join("advisory-dbs")).ok()?;
    let day = |copy: fs::DirEntry| {
        output(Command::new("git").arg("-C").arg(copy.path()).args(["log", "-1", "--format=%cs"])).ok()
    };
    copies.filter_map(Result::ok).find_map(day).map(|day| day.trim().to_owned())
}
