//! What the rules look at: the project's text files, and what cargo says of its packages.

use std::{collections::BTreeSet, fs, path::Path};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::{cargo, output};

/// The project at one moment.
#[derive(Debug, Default)]
pub(super) struct Tree {
    /// Every text file, by path.
    pub(super) files: Vec<File>,
    /// The paths of all files, pictures and the like included.
    pub(super) paths: BTreeSet<String>,
    /// The answer of `cargo metadata`.
    pub(super) metadata: Value,
    /// The packages that chat-core is built from on this machine, with itself. `metadata` would also name those of
    /// other systems, and of features that only its neighbours turn on.
    pub(super) core: BTreeSet<String>,
}

/// A text file.
#[derive(Debug)]
pub(super) struct File {
    /// From the root, with `/`.
    pub(super) path: String,
    pub(super) text: String,
}

/// A code block of a Markdown file.
#[derive(Debug)]
pub(super) struct Block<'a> {
    /// Where it begins.
    pub(super) line: usize,
    /// What stands behind the opening fence: the language.
    pub(super) info: &'a str,
    /// Its lines, numbered.
    pub(super) body: Vec<(usize, &'a str)>,
}

/// What is built, fetched or bought in, wherever it lies.
const NOT_OURS: [&str; 4] = ["target", "node_modules", "dist", "book"];

/// The hidden directories that are part of the project.
const HIDDEN: [&str; 3] = [".cargo", ".ci", ".github"];

impl Tree {
    pub(super) fn read(root: &Path) -> Result<Self> {
        let mut tree = Self::default();
        tree.read_dir(root, "")?;
        tree.files.sort_by(|a, b| a.path.cmp(&b.path));
        let metadata = output(cargo(root).args(["metadata", "--format-version", "1"]))?;
        tree.metadata = serde_json::from_str(&metadata).context("cargo metadata")?;
        let needed = output(cargo(root).args("tree --package chat-core --edges normal --prefix none".split(' ')))?;
        // What is needed twice is marked where it comes again.
        tree.core = needed.lines().map(|package| package.trim_end_matches(" (*)").to_owned()).collect();
        Ok(tree)
    }

    fn read_dir(&mut self, dir: &Path, prefix: &str) -> Result<()> {
        for entry in fs::read_dir(dir).with_context(|| format!("cannot read {}", dir.display()))? {
            let entry = entry?;
            let Some(name) = entry.file_name().to_str().map(str::to_owned) else { continue };
            let path = format!("{prefix}{name}");
            let kind = entry.file_type()?;
            if kind.is_dir() {
                let hidden = name.starts_with('.') && !HIDDEN.contains(&name.as_str());
                if !hidden && !NOT_OURS.contains(&name.as_str()) {
                    self.read_dir(&entry.path(), &format!("{path}/"))?;
                }
            } else if kind.is_file() {
                self.paths.insert(path.clone());
                if let Ok(text) = String::from_utf8(fs::read(entry.path())?) {
                    self.files.push(File { path, text });
                }
            }
        }
        Ok(())
    }

    pub(super) fn file(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }

    /// Whether there is a file or a directory of this path.
    pub(super) fn has(&self, path: &str) -> bool {
        let path = path.trim_end_matches('/');
        self.paths.contains(path)
            || self.paths.iter().any(|p| p.strip_prefix(path).is_some_and(|rest| rest.starts_with('/')))
    }

    /// The Rust files.
    pub(super) fn rust(&self) -> impl Iterator<Item = &File> {
        self.files.iter().filter(|file| file.path.ends_with(".rs"))
    }

    /// The Markdown files.
    pub(super) fn markdown(&self) -> impl Iterator<Item = &File> {
        self.files.iter().filter(|file| file.path.ends_with(".md"))
    }

    #[cfg(test)]
    pub(super) fn of(files: &[(&str, &str)]) -> Self {
        let file = |(path, text): &(&str, &str)| File { path: (*path).into(), text: (*text).into() };
        let paths = files.iter().map(|(path, _)| (*path).into()).collect();
        Self { files: files.iter().map(file).collect(), paths, metadata: Value::Null, ..Self::default() }
    }
}

impl File {
    /// What comes before the file's unit tests, as numbered lines.
    pub(super) fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let before_tests = |(_, line): &(usize, &str)| line.trim() != "#[cfg(test)]";
        self.text.lines().enumerate().map(|(n, line)| (n + 1, line)).take_while(before_tests)
    }

    /// A Markdown file's lines outside of code blocks, numbered, and its code blocks.
    pub(super) fn markdown(&self) -> (Vec<(usize, &str)>, Vec<Block<'_>>) {
        let (mut prose, mut blocks) = (Vec::new(), Vec::<Block<'_>>::new());
        let mut open = false;
        for (n, line) in self.text.lines().enumerate().map(|(n, line)| (n + 1, line)) {
            let fence = line.trim_start().strip_prefix("```");
            match (open, fence) {
                (false, Some(info)) => {
                    open = true;
                    blocks.push(Block { line: n, info: info.trim(), body: Vec::new() });
                }
                (true, Some(_)) => open = false,
                (true, None) => blocks.last_mut().into_iter().for_each(|block| block.body.push((n, line))),
                (false, None) => prose.push((n, line)),
            }
        }
        (prose, blocks)
    }

    /// A place in it, as editors understand it.
    pub(super) fn at(&self, line: usize) -> String {
        format!("{}:{line}", self.path)
    }
}
