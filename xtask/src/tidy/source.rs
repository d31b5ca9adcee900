//! Rules about source files.

use super::{Finding, Tree, tree::File};

/// The machine's clock and randomness.
const CLOCK_AND_CHANCE: [&str; 3] = ["SystemTime::now", "std::time::Instant", "getrandom"];

pub(super) fn clock(tree: &Tree) -> Vec<Finding> {
    let files =
        tree.rust().filter(|file| file.path.starts_with("chat-core/src/") && file.path != "chat-core/src/system.rs");
    let lines = files.flat_map(|file| code(file).map(move |(n, line)| (file, n, line)));
    lines
        .flat_map(|(file, n, line)| {
            let named = CLOCK_AND_CHANCE.iter().filter(move |name| line.contains(**name));
            named.map(move |name| Finding::new(file.at(n), format!("names `{name}`; take a `Clock` or `Random`")))
        })
        .collect()
}

/// The parts of the core; each may name only those before it.
const PARTS: [&str; 5] = ["model", "store", "rules", "engine", "wire"];

pub(super) fn parts(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (file, at) in tree.rust().filter_map(|file| Some((file, part(&file.path)?))) {
        for (n, line) in code(file) {
            let names =
                |part: &str| line.contains(&format!("crate::{part}")) || line.trim().starts_with(&format!("{part}::"));
            let above = PARTS[at + 1..].iter().filter(|part| names(part));
            findings
                .extend(above.map(|part| Finding::new(file.at(n), format!("names `{part}`, which stands above it"))));
        }
    }
    findings
}

/// The place of the part that a file of the core belongs to.
fn part(path: &str) -> Option<usize> {
    let name = path.strip_prefix("chat-core/src/")?.split(['/', '.']).next()?;
    PARTS.iter().position(|part| *part == name)
}

/// How a library starts what runs on its own.
const SPAWNS: [&str; 5] = ["tokio::spawn(", "task::spawn(", "thread::spawn(", "thread::Builder::new(", "spawn_local("];

pub(super) fn spawns(tree: &Tree) -> Vec<Finding> {
    let is_library = |file: &&File| {
        ["chat-core/src/", "chat-sqlite/src/", "chat-ws/src/"].iter().any(|dir| file.path.starts_with(dir))
    };
    let mut findings = Vec::new();
    for file in tree.rust().filter(is_library) {
        let lines: Vec<&str> = file.text.lines().collect();
        for (n, line) in code(file) {
            let above = lines[..n - 1].iter().rev().take_while(|line| line.trim_start().starts_with("//"));
            let owned = above.map(|line| line.trim_start()).any(|line| line.starts_with("// spawns:"));
            if SPAWNS.iter().any(|spawn| line.contains(spawn)) && !owned {
                findings.push(Finding::new(file.at(n), "starts something; say above it who ends it: `// spawns: …`"));
            }
        }
    }
    findings
}

pub(super) fn opening(tree: &Tree) -> Vec<Finding> {
    let bare = tree.rust().filter(|file| !file.text.starts_with("//! "));
    bare.map(|file| Finding::new(&file.path, "must begin with `//! ` and what it is")).collect()
}

/// How long a file may be before its tests.
const LINES: usize = 600;

pub(super) fn length(tree: &Tree) -> Vec<Finding> {
    let lengths = tree.rust().map(|file| (file, file.code().count()));
    let long = lengths.filter(|(_, lines)| *lines > LINES);
    long.map(|(file, lines)| Finding::new(&file.path, format!("has {lines} lines before its tests; split it")))
        .collect()
}

/// Paths of somebody's machine; put together here, so that this file does not contain them.
const MACHINES: [&str; 3] = [concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/tmp/bash", "_jobs")];

pub(super) fn machines(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in &tree.files {
        for (n, line) in file.text.lines().enumerate() {
            for path in MACHINES.iter().filter(|path| line.contains(**path)) {
                findings.push(Finding::new(file.at(n + 1), format!("names `{path}`")));
            }
        }
    }
    findings
}

/// Files that may contain unsafe code, each with a reason beside it here.
const UNSAFE: [&str; 1] = [
    // A test: SQLite's interface to the operating system, through which disks are made to fail, is one of C.
    "chat-sqlite/tests/disk/vfs.rs",
];

pub(super) fn unsafe_code(tree: &Tree) -> Vec<Finding> {
    let word = concat!("un", "safe");
    let followed = |line: &str| {
        line.match_indices(word).any(|(at, _)| {
            let rest = &line[at + word.len()..];
            [" {", " fn", " impl", " trait", " extern"].iter().any(|next| rest.starts_with(next))
        })
    };
    let mut findings = Vec::new();
    for file in tree.rust().filter(|file| !UNSAFE.contains(&file.path.as_str())) {
        let lines = file.text.lines().enumerate().filter(|(_, line)| !is_comment(line) && followed(line));
        findings.extend(lines.map(|(n, _)| Finding::new(file.at(n + 1), "is not safe")));
    }
    findings
}

/// The lines before the tests that are not comments.
fn code(file: &File) -> impl Iterator<Item = (usize, &str)> {
    file.code().filter(|(_, line)| !is_comment(line))
}

fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with("//")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(check: fn(&Tree) -> Vec<Finding>, files: &[(&str, &str)]) -> Vec<String> {
        check(&Tree::of(files)).into_iter().map(|finding| finding.place).collect()
    }

    #[test]
    fn the_parts_of_the_core_name_only_what_is_below_them() {
        let files = [
            (
                "chat-core/src/engine/a.rs",
                "//! A.\n/// See [`crate::wire`].\nuse crate::{\n    model::Id,\n    wire::Code,\n};",
            ),
            ("chat-core/src/model/b.rs", "//! B.\nuse crate::rules::Actor;"),
            ("chat-core/src/wire/mod.rs", "//! C.\nuse crate::{engine::End, model::Id};"),
            ("chat-core/src/clock.rs", "//! D.\nuse crate::wire::Code;"),
        ];
        assert_eq!(places(parts, &files), ["chat-core/src/engine/a.rs:5", "chat-core/src/model/b.rs:2"]);
    }

    #[test]
    fn only_one_file_of_the_core_reads_the_clock() {
        let text = "//! x\n// not SystemTime::now\nlet t = SystemTime::now();\n";
        let files = [("chat-core/src/system.rs", text), ("chat-core/src/lane.rs", text), ("chat-ws/src/lib.rs", text)];
        assert_eq!(places(clock, &files), ["chat-core/src/lane.rs:3"]);
    }

    #[test]
    fn a_spawn_names_its_owner_in_the_comment_above() {
        let owned = "// spawns: the lane; close() waits for it,\n// or its drop ends it.\ntokio::spawn(lane.run());\n";
        let orphan = "let a = 1;\ntokio::spawn(lane.run());\n#[cfg(test)]\nmod tests { fn f() { tokio::spawn(x); } }\n";
        let files = [("chat-core/src/a.rs", owned), ("chat-ws/src/b.rs", orphan), ("benches/src/c.rs", orphan)];
        assert_eq!(places(spawns, &files), ["chat-ws/src/b.rs:2"]);
    }

    #[test]
    fn a_file_begins_with_what_it_is() {
        let files = [("a.rs", "//! A.\nfn a() {}\n"), ("b.rs", "// B.\n"), ("c.rs", ""), ("d.md", "")];
        assert_eq!(places(opening, &files), ["b.rs", "c.rs"]);
    }

    #[test]
    fn length_is_counted_up_to_the_tests() {
        let (fits, long) = ("x\n".repeat(600), "x\n".repeat(601));
        let tested = format!("{fits}#[cfg(test)]\n{long}");
        assert_eq!(places(length, &[("a.rs", &fits), ("b.rs", &long), ("c.rs", &tested)]), ["b.rs"]);
    }

    #[test]
    fn paths_of_a_machine_are_found_in_any_file() {
        let text = format!("fine\nsee {}x\n", MACHINES[0]);
        assert_eq!(places(machines, &[("docs/a.md", &text), ("b.rs", "a/work\n")]), ["docs/a.md:2"]);
    }

    #[test]
    fn unsafe_code_is_found_and_talk_of_it_is_not() {
        let word = concat!("un", "safe");
        let text =
            format!("// {word} {{ }}\n#![deny({word}_code)]\npub {word} fn f() {{}}\nlet x = {word} {{ f() }};\n");
        assert_eq!(places(unsafe_code, &[("a.rs", &text)]), ["a.rs:3", "a.rs:4"]);
    }
}
