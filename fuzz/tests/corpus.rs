//! Every entry of the corpus keeps its law: the fuzzers' short form, as ordinary tests.

use std::{fs, path::Path};

/// The whole corpus stays small: it is for what is worth replaying, not for everything that a fuzzer ever kept.
const BYTES: u64 = 200 * 1024;

fn replay(law: &str, holds: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(law);
    let mut entries: Vec<_> =
        fs::read_dir(folder).expect("a corpus").map(|entry| entry.expect("an entry").path()).collect();
    entries.sort();
    assert!(!entries.is_empty(), "there is nothing to replay");
    for entry in &entries {
        // Shown where the law does not hold.
        println!("{}", entry.display());
        holds(&fs::read(entry).expect("it is read"));
    }
    // Nothing at all is an input, too.
    holds(&[]);
}

#[test]
fn frames() {
    replay("frames", chat_fuzz::frames);
}

#[test]
fn requests() {
    replay("requests", chat_fuzz::requests);
}

#[test]
fn cursors() {
    replay("cursors", chat_fuzz::cursors);
}

#[test]
fn tokens() {
    replay("tokens", chat_fuzz::tokens);
}

#[test]
fn imports() {
    replay("imports", chat_fuzz::imports);
}

#[test]
fn commands() {
    replay("commands", chat_fuzz::commands);
}

#[test]
fn the_corpus_is_small() {
    let size = |folder: &Path| -> u64 {
        fs::read_dir(folder).unwrap().map(|file| file.unwrap().metadata().unwrap().len()).sum()
    };
    let laws = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus")).unwrap();
    let bytes: u64 = laws.map(|law| size(&law.unwrap().path())).sum();
    assert!(bytes < BYTES, "the corpus has {bytes} bytes");
}
