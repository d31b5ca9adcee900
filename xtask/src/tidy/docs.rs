//! Rules about what is written for people.

use super::{
    Finding, Tree,
    tree::{Block, File},
};

const README: &str = "README.md";
const BOOK: &str = "docs/src/";
const SUMMARY: &str = "docs/src/SUMMARY.md";
const PROTOCOL: &str = "docs/src/protocol.md";

pub(super) fn links(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.markdown() {
        let (prose, blocks) = file.markdown();
        for (n, line) in &prose {
            let broken = targets(line).into_iter().filter_map(|target| broken_link(tree, file, target));
            findings.extend(broken.map(|problem| Finding::new(file.at(*n), problem)));
        }
        for (n, line) in prose.iter().chain(blocks.iter().flat_map(|block| &block.body)) {
            let broken = includes(line).and_then(|target| broken_include(tree, file, target));
            findings.extend(broken.map(|problem| Finding::new(file.at(*n), problem)));
        }
    }
    findings
}

/// What the links of a line lead to.
fn targets(line: &str) -> Vec<&str> {
    // Every other piece between back-ticks is code.
    let prose = line.split('`').step_by(2);
    let inline = prose.flat_map(|piece| piece.split("](").skip(1)).filter_map(|rest| rest.split([')', ' ']).next());
    let reference = line.strip_prefix('[').and_then(|rest| rest.split_once("]: ")).map(|(_, target)| target.trim());
    inline.chain(reference).collect()
}

fn broken_link(tree: &Tree, file: &File, target: &str) -> Option<String> {
    if target.contains("://") || target.starts_with("mailto:") {
        return None;
    }
    let (path, heading) = target.split_once('#').map_or((target, None), |(path, heading)| (path, Some(heading)));
    let path = if path.is_empty() { file.path.clone() } else { resolve(&file.path, path) };
    if !tree.has(&path) {
        return Some(format!("leads to `{target}`, which is not there"));
    }
    if file.path.starts_with(BOOK) && !path.starts_with(BOOK) {
        return Some(format!("leads to `{target}`, out of the book"));
    }
    let missing = heading.filter(|heading| !tree.file(&path).is_some_and(|file| has_heading(file, heading)));
    missing.map(|heading| format!("leads to `{path}`, which has no heading `#{heading}`"))
}

/// The path of an mdBook include, with what follows the colon.
fn includes(line: &str) -> Option<&str> {
    let (_, rest) = ["{{#include ", "{{#rustdoc_include "].iter().find_map(|mark| line.split_once(mark))?;
    Some(rest.split_once("}}")?.0.trim())
}

fn broken_include(tree: &Tree, file: &File, target: &str) -> Option<String> {
    let (path, part) = target.split_once(':').map_or((target, ""), |(path, part)| (path, part));
    let path = resolve(&file.path, path);
    let Some(included) = tree.file(&path) else { return Some(format!("includes `{path}`, which is not there")) };
    let is_anchor = part.starts_with(|c: char| c.is_alphabetic());
    let missing = is_anchor && !included.text.contains(&format!("ANCHOR: {part}"));
    missing.then(|| format!("includes `{part}` of `{path}`, which is not marked there"))
}

/// What `target` means in the file at `from`.
fn resolve(from: &str, target: &str) -> String {
    let mut path: Vec<&str> = from.split('/').collect();
    path.pop();
    for part in target.split('/') {
        match part {
            "." | "" => {}
            ".." => {
                path.pop();
            }
            name => path.push(name),
        }
    }
    path.join("/")
}

fn has_heading(file: &File, wanted: &str) -> bool {
    let (prose, _) = file.markdown();
    prose.iter().filter(|(_, line)| line.starts_with('#')).any(|(_, line)| slug(line.trim_start_matches('#')) == wanted)
}

/// A heading's name in links, as GitHub and mdBook make it.
fn slug(heading: &str) -> String {
    let kept = heading.trim().chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

pub(super) fn summary(tree: &Tree) -> Vec<Finding> {
    let Some(summary) = tree.file(SUMMARY) else { return vec![Finding::new(SUMMARY, "is not there")] };
    let listed: Vec<String> = summary.text.lines().flat_map(targets).map(|target| resolve(SUMMARY, target)).collect();
    let pages = tree.markdown().filter(|file| file.path.starts_with(BOOK) && file.path != SUMMARY);
    let missing = pages.filter(|page| !listed.contains(&page.path));
    missing.map(|page| Finding::new(&page.path, "is not listed in SUMMARY.md")).collect()
}

pub(super) fn changelog(tree: &Tree) -> Vec<Finding> {
    const CHANGELOG: &str = "CHANGELOG.md";
    let unreleased =
        |file: &File| file.text.lines().any(|line| matches!(line.trim(), "## [Unreleased]" | "## Unreleased"));
    match tree.file(CHANGELOG) {
        Some(file) if unreleased(file) => Vec::new(),
        _ => vec![Finding::new(CHANGELOG, "has no section `## [Unreleased]`")],
    }
}

pub(super) fn json(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.markdown() {
        for block in file.markdown().1.into_iter().filter(|block| language(block.info) == "json") {
            let is_json = |text: &str| serde_json::from_str::<serde_json::Value>(text).is_ok();
            let whole: String = block.body.iter().flat_map(|(_, line)| [*line, "\n"]).collect();
            let by_line = block.body.iter().find(|(_, line)| !line.trim().is_empty() && !is_json(line));
            if let (false, Some((n, _))) = (is_json(&whole), by_line) {
                findings.push(Finding::new(file.at(*n), "is not JSON"));
            }
        }
    }
    findings
}

pub(super) fn code(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.markdown().filter(|file| file.path.starts_with(BOOK) || file.path == README) {
        for block in file.markdown().1 {
            let language = language(block.info);
            let Some(ending) = ending(language) else { continue };
            let problem = if file.path == README {
                (!stands_in_an_example(tree, &block, ending)).then_some("stands in no example word for word")
            } else if matches!(language, "rust" | "rs") || LANGUAGE_PAGES.contains(&&*file.path) {
                let included = block.body.iter().all(|(_, line)| includes(line).is_some());
                (!included).then_some("is code that nothing runs; include it from a file")
            } else {
                None
            };
            findings.extend(problem.map(|problem| Finding::new(file.at(block.line), problem)));
        }
    }
    findings
}

/// The pages of the languages that the engine is called from.
const LANGUAGE_PAGES: [&str; 4] = [
    "docs/src/getting-started/node.md",
    "docs/src/getting-started/python.md",
    "docs/src/getting-started/kotlin.md",
    "docs/src/getting-started/swift.md",
];

/// How the files of a language end that pages show code in.
fn ending(language: &str) -> Option<&'static str> {
    match language {
        "rust" | "rs" => Some(".rs"),
        "js" => Some(".mjs"),
        "tsx" => Some(".tsx"),
        "python" => Some(".py"),
        "kotlin" => Some(".kt"),
        "swift" => Some(".swift"),
        _ => None,
    }
}

/// GitHub includes no files, so what a README shows is compared with the file that runs.
fn stands_in_an_example(tree: &Tree, block: &Block<'_>, ending: &str) -> bool {
    let shown: Vec<&str> = block.body.iter().map(|(_, line)| line.trim_end()).collect();
    let is_example = |path: &str| path.starts_with("examples/") || path.contains("/example/");
    let examples = tree.files.iter().filter(|file| is_example(&file.path) && file.path.ends_with(ending));
    examples
        .map(|file| file.text.lines().map(str::trim_end).collect::<Vec<_>>())
        .any(|lines| !shown.is_empty() && lines.windows(shown.len()).any(|window| window == shown))
}

fn language(info: &str) -> &str {
    info.split([',', ' ']).next().unwrap_or_default()
}

/// What a client author must know of, and how to find it in the core's source.
const VOCABULARY: [(&str, &str, Find); 4] = [
    ("action", "chat-core/src/wire/frame.rs", |text| quoted(text, "fn action_of", "\" =>")),
    ("event", "chat-core/src/model/event.rs", |text| variants(text, "pub enum Event {")),
    ("error code", "chat-core/src/model/error.rs", |text| variants(text, "pub enum Code {")),
    ("close code", "chat-core/src/wire/close.rs", |text| variants(text, "pub enum CloseCode {")),
];

type Find = fn(&str) -> Vec<String>;

pub(super) fn protocol(tree: &Tree) -> Vec<Finding> {
    let Some(page) = tree.file(PROTOCOL) else { return vec![Finding::new(PROTOCOL, "is not there")] };
    let mut findings = Vec::new();
    for (what, path, find) in VOCABULARY {
        let words = tree.file(path).map(|file| find(&file.text)).unwrap_or_default();
        if words.is_empty() {
            findings.push(Finding::new(path, format!("has no {what} any more; tell `xtask tidy` where they are")));
        }
        let missing = words.iter().filter(|word| !page.text.contains(&format!("`{word}`")));
        findings.extend(missing.map(|word| Finding::new(PROTOCOL, format!("does not mention the {what} `{word}`"))));
    }
    findings
}

/// The lines from the one that begins with `start` up to the closing brace at its own indentation.
fn item<'a>(text: &'a str, start: &str) -> impl Iterator<Item = &'a str> {
    text.lines().skip_while(move |line| !line.starts_with(start)).skip(1).take_while(|line| *line != "}")
}

/// The texts that stand in quotes before `mark`, one a line.
fn quoted(text: &str, start: &str, mark: &str) -> Vec<String> {
    let arm =
        |line: &str| line.split_once(mark).and_then(|(before, _)| before.trim().strip_prefix('"').map(str::to_owned));
    item(text, start).filter_map(arm).collect()
}

/// The variants of an enum, as serde's `snake_case` writes them.
fn variants(text: &str, start: &str) -> Vec<String> {
    let own = item(text, start).filter_map(|line| line.strip_prefix("    "));
    let names = own.filter(|line| line.starts_with(|c: char| c.is_ascii_uppercase()));
    names.map(|line| snake_case(line.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default())).collect()
}

fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    for (n, c) in name.chars().enumerate() {
        if c.is_uppercase() && n > 0 {
            snake.push('_');
        }
        snake.extend(c.to_lowercase());
    }
    snake
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(check: fn(&Tree) -> Vec<Finding>, files: &[(&str, &str)]) -> Vec<String> {
        check(&Tree::of(files)).into_iter().map(|finding| format!("{} {}", finding.place, finding.problem)).collect()
    }

    #[test]
    fn links_lead_to_files_and_headings() {
        let page = "# One `two`, three\n[a](b/c.md) [h](#one-two-three) [w](https://x.y) [d](b/)\n`[no](code)`\n\
                    ```\n[no](block)\n```\n[r]: b/c.md#head\n";
        assert_eq!(said(links, &[("docs/a.md", page), ("docs/b/c.md", "## Head\n[up](../a.md)\n")]), [""; 0]);

        let page = "[a](gone.md)\n[b](#gone)\n[c](../../README.md)\n";
        let broken = [
            "docs/src/a.md:1 leads to `gone.md`, which is not there",
            "docs/src/a.md:2 leads to `docs/src/a.md`, which has no heading `#gone`",
            "docs/src/a.md:3 leads to `../../README.md`, out of the book",
        ];
        assert_eq!(said(links, &[("docs/src/a.md", page), ("README.md", "")]), broken);
    }

    #[test]
    fn includes_lead_to_files_and_anchors() {
        let page = "```rust\n{{#include ../x.rs:ten}}\n{{#include ../x.rs:gone}}\n{{#include ../y.rs}}\n```\n";
        let broken = [
            "docs/a.md:3 includes `gone` of `x.rs`, which is not marked there",
            "docs/a.md:4 includes `y.rs`, which is not there",
        ];
        assert_eq!(said(links, &[("docs/a.md", page), ("x.rs", "// ANCHOR: ten\n")]), broken);
    }

    #[test]
    fn every_page_is_listed() {
        let files = [(SUMMARY, "- [A](a.md)\n- [B](b/b.md)\n"), ("docs/src/a.md", ""), ("docs/src/b/b.md", "")];
        assert_eq!(said(summary, &files), [""; 0]);
        let missing = ["docs/src/c.md is not listed in SUMMARY.md"];
        assert_eq!(said(summary, &[(SUMMARY, "[A](a.md)\n"), ("docs/src/a.md", ""), ("docs/src/c.md", "")]), missing);
    }

    #[test]
    fn the_changelog_is_open_for_changes() {
        assert_eq!(said(changelog, &[("CHANGELOG.md", "# Changelog\n\n## [Unreleased]\n")]), [""; 0]);
        assert_eq!(said(changelog, &[("CHANGELOG.md", "## [0.1.0]\n")]).len(), 1);
        assert_eq!(said(changelog, &[]).len(), 1);
    }

    #[test]
    fn json_is_json_by_line_or_in_all() {
        let good = "```json\n{\"a\":1}\n\n{\"b\":2}\n```\n```json,ready\n{\n  \"a\": 1\n}\n```\n```text\n{…}\n```\n";
        assert_eq!(said(json, &[("a.md", good)]), [""; 0]);
        assert_eq!(said(json, &[("a.md", "```json\n{\"a\":1}\n{\"b\":…}\n```\n")]), ["a.md:3 is not JSON"]);
    }

    #[test]
    fn code_in_the_book_is_included() {
        assert_eq!(said(code, &[("docs/src/a.md", "```rust\n{{#include ../../x.rs}}\n```\n")]), [""; 0]);
        assert_eq!(said(code, &[("docs/src/a.md", "x\n```rust,ignore\nfn main() {}\n```\n")]).len(), 1);
        for page in LANGUAGE_PAGES {
            assert_eq!(said(code, &[(page, "```python\n{{#include ../../x.py}}\n```\n")]), [""; 0]);
            assert_eq!(said(code, &[(page, "```js\nawait engine.close();\n```\n")]).len(), 1);
        }
    }

    #[test]
    fn rust_in_the_readme_stands_in_an_example() {
        let readme = (README, "```rust\nlet a = 1;\nlet b = 2;\n```\n");
        assert_eq!(said(code, &[readme, ("examples/a/src/main.rs", "//! A\nlet a = 1;\nlet b = 2;\n}\n")]), [""; 0]);
        let missing = ["README.md:1 stands in no example word for word"];
        assert_eq!(said(code, &[readme, ("examples/a/src/main.rs", "let a = 1;\n")]), missing);
        assert_eq!(said(code, &[readme, ("chat-core/src/a.rs", "let a = 1;\nlet b = 2;\n")]), missing);
    }

    #[test]
    fn the_protocol_page_knows_the_whole_vocabulary() {
        let core = [
            (
                "chat-core/src/wire/frame.rs",
                "fn action_of(a: &str) {\n        \"ping\" => x,\n        _ => y,\n}\n\"other\" => z\n",
            ),
            (
                "chat-core/src/model/event.rs",
                "pub enum Event {\n    /// Doc.\n    #[serde(x)]\n    ChatMessage {\n        Field: X,\n    },\n    Typing { a: B },\n}\n",
            ),
            ("chat-core/src/model/error.rs", "pub enum Code {\n    NotFound,\n}\n"),
            ("chat-core/src/wire/close.rs", "pub enum CloseCode {\n    TooSlow = 3001,\n}\n"),
        ];
        let with = |page| [&core[..], &[(PROTOCOL, page)]].concat();
        assert_eq!(said(protocol, &with("`ping` `chat_message` `typing` `not_found` `too_slow`")), [""; 0]);
        let missing = said(protocol, &with("`ping` `typing` `too_slow`"));
        let expected =
            ["event `chat_message`", "error code `not_found`"].map(|w| format!("{PROTOCOL} does not mention the {w}"));
        assert_eq!(missing, expected);
        assert_eq!(said(protocol, &[(PROTOCOL, "")]).len(), VOCABULARY.len());
    }
}
