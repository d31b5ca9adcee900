//! The page `docs/src/proven.md`: what stands between two marks is written by the run.

use std::{fmt::Write as _, fs, path::Path, process::Command};

use anyhow::{Context, Result};

use crate::output;

use super::Outcome;

const PAGE: &str = "docs/src/proven.md";
const BEGIN: &str = "<!-- written by `cargo xtask prove`: from here -->";
const END: &str = "<!-- to here -->";

/// The longest line that is kept of what a proof said.
const WIDTH: usize = 150;

pub(super) fn write(root: &Path, seed: u64, outcomes: &[Outcome]) -> Result<()> {
    let path = root.join(PAGE);
    let page = fs::read_to_string(&path).with_context(|| format!("cannot read {PAGE}"))?;
    let page = with(&page, &written(root, seed, outcomes)).with_context(|| format!("{PAGE} has lost its marks"))?;
    fs::write(&path, page).with_context(|| format!("cannot write {PAGE}"))?;
    println!("\n{PAGE} says what came of it.");
    Ok(())
}

/// The page with this between its marks.
fn with(page: &str, text: &str) -> Option<String> {
    let (before, rest) = page.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n\n{text}\n{END}{after}"))
}

fn written(root: &Path, seed: u64, outcomes: &[Outcome]) -> String {
    let took: f64 = outcomes.iter().map(|one| one.took.as_secs_f64()).sum();
    let mut text = format!("{} All that was drawn was drawn from seed {seed}; {took:.0} s in all.\n\n", machine(root));
    text.push_str("| proof | what it shows | came of it | took |\n| --- | --- | --- | ---: |\n");
    for Outcome { proof, how, took, .. } in outcomes {
        // A String takes whatever is written to it.
        let _ = writeln!(text, "| `{}` | {} | {how} | {:.0} s |", proof.name, proof.shows, took.as_secs_f64());
    }
    for Outcome { proof, said, .. } in outcomes.iter().filter(|one| !one.said.is_empty()) {
        let _ = writeln!(text, "\n### {}\n\n```text", proof.name);
        for line in said {
            let line: String = line.trim().chars().take(WIDTH).collect();
            let _ = writeln!(text, "{line}");
        }
        text.push_str("```\n");
    }
    text
}

/// On what it ran.
fn machine(root: &Path) -> String {
    let said = |program: &str, args: &[&str]| {
        let said = output(Command::new(program).args(args).current_dir(root));
        said.map_or_else(|_| "unknown".to_owned(), |said| said.trim().to_owned())
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")).and_then(|line| line.split_once(": "));
    let model = model.map_or("unknown", |(_, model)| model);
    let (kernel, compiler) = (said("uname", &["-sr"]), said("rustc", &["--version"]));
    let (commit, day) = (said("git", &["rev-parse", "--short", "HEAD"]), said("date", &["-u", "+%F"]));
    format!("Ran on {day} at commit {commit}: {cores} cores ({model}), {kernel}, {compiler}.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_between_the_marks_is_replaced_and_nothing_else() {
        let page = format!("# Proven\n\n{BEGIN}\nold\n{END}\n\nend\n");
        let new = format!("# Proven\n\n{BEGIN}\n\nnew\n{END}\n\nend\n");
        assert_eq!(with(&page, "new").as_deref(), Some(&*new));
        assert_eq!(with(&new, "new").as_deref(), Some(&*new));
        assert_eq!(with("# Proven\n", "new"), None);
    }

    #[test]
    fn the_page_has_its_marks() {
        assert!(with(include_str!("../../../docs/src/proven.md"), "").is_some());
    }
}
