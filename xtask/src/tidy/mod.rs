//! `cargo xtask tidy`: the project's own rules. A rule that no program checks is dropped.

mod arrows;
mod docs;
mod evidence;
mod source;
mod tree;

use std::{fmt::Write as _, path::Path};

use anyhow::{Result, bail};

use tree::Tree;

/// One rule.
struct Rule {
    code: &'static str,
    /// What must hold.
    says: &'static str,
    /// Why it should.
    why: &'static str,
    /// Where it does not.
    check: fn(&Tree) -> Vec<Finding>,
}

/// A place where a rule does not hold.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    /// The file, with the line where there is one; or the crate.
    place: String,
    problem: String,
}

impl Finding {
    fn new(place: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { place: place.into(), problem: problem.into() }
    }
}

/// Every rule. `docs/src/architecture.md` shows them as they stand here.
const RULES: [Rule; 16] = [
    Rule {
        code: "A1",
        says: "dependencies point only down: the core knows no transport, SQL, HTTP or JWT, stores and server do not know each other",
        why: "each part can be used, replaced and tested alone",
        check: arrows::check,
    },
    Rule {
        code: "A2",
        says: "in chat-core only `system.rs` names the machine's clock or randomness",
        why: "time and chance are inputs, so that the whole engine runs deterministically under test",
        check: source::clock,
    },
    Rule {
        code: "A3",
        says: "above every task or thread that a library starts stands `// spawns:` and who ends it",
        why: "after `close()` nothing is left running",
        check: source::spawns,
    },
    Rule {
        code: "A4",
        says: "every Rust file begins with what it is, as a `//!` comment",
        why: "a reader knows what a file is about before reading it",
        check: source::opening,
    },
    Rule {
        code: "A5",
        says: "no Rust file has more than 600 lines before its tests",
        why: "a file that grows past that holds more than one idea",
        check: source::length,
    },
    Rule {
        code: "A6",
        says: "no file names a path of somebody's machine",
        why: "what works on one machine only is not part of the project",
        check: source::machines,
    },
    Rule {
        code: "A7",
        says: "every relative link and include in a Markdown file leads to a file, and to a heading where it names one",
        why: "docs rot where nothing checks them",
        check: docs::links,
    },
    Rule {
        code: "A8",
        says: "every page of the book is listed in its summary",
        why: "a page that is not listed is not rendered",
        check: docs::summary,
    },
    Rule {
        code: "A9",
        says: "the changelog has a section for what is not released yet",
        why: "a change is described when it is made",
        check: docs::changelog,
    },
    Rule {
        code: "A10",
        says: "no file contains unsafe code, but for the one test that SQLite itself calls",
        why: "memory safety is the compiler's business here",
        check: source::unsafe_code,
    },
    Rule {
        code: "A11",
        says: "every JSON example in the docs is JSON, one value a line or one value in all",
        why: "client authors paste them",
        check: docs::json,
    },
    Rule {
        code: "A12",
        says: "code in the book, in Rust and on the pages of the other languages, is included from a file that is compiled or run, and all code of the README stands in an example word for word",
        why: "an example that does not compile is worse than none",
        check: docs::code,
    },
    Rule {
        code: "A13",
        says: "the protocol page lists every action, event, error code and close code of the core",
        why: "client authors rely on that page alone",
        check: docs::protocol,
    },
    Rule {
        code: "A14",
        says: "every test and file that the book names as evidence is there",
        why: "a claim whose test was renamed away is a claim without one",
        check: evidence::shown,
    },
    Rule {
        code: "A15",
        says: "chat-core needs at most 40 other packages",
        why: "each one is code that every program compiles and trusts",
        check: arrows::few,
    },
    Rule {
        code: "A16",
        says: "within chat-core as well, uses point only down: wire, engine, rules, store, model",
        why: "each part can be read without those above it",
        check: source::parts,
    },
];

pub(crate) fn run(root: &Path) -> Result<()> {
    let tree = Tree::read(root)?;
    let mut findings = 0;
    for rule in &RULES {
        let found = (rule.check)(&tree);
        for Finding { place, problem } in &found {
            eprintln!("{} {place}: {problem}", rule.code);
        }
        if !found.is_empty() {
            eprintln!("   {}: {}; {}\n", rule.code, rule.says, rule.why);
        }
        findings += found.len();
    }
    if findings > 0 {
        bail!("tidy found {findings} places where a rule does not hold");
    }
    println!("tidy: {} rules hold in {} files", RULES.len(), tree.files.len());
    Ok(())
}

/// The rules as the docs show them, in Markdown.
pub(crate) fn table() -> String {
    let mut table = String::from("| rule | what holds | why |\n| --- | --- | --- |\n");
    for Rule { code, says, why, .. } in &RULES {
        let _ = writeln!(table, "| {code} | {says} | {why} |");
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_docs_show_these_rules() {
        let docs = include_str!("../../../docs/src/architecture.md");
        assert!(docs.contains(&table()), "docs/src/architecture.md must contain:\n{}", table());
    }

    #[test]
    fn the_rules_are_numbered_in_order() {
        for (n, rule) in RULES.iter().enumerate() {
            assert_eq!(rule.code, format!("A{}", n + 1));
        }
    }
}
