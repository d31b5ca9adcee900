//! What grows in the core grows in every language: its records, and the methods of an engine and of a subscriber.
//!
//! Rust has no list of a crate's types and methods; its source has.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// What is called otherwise, or is another shape of the same.
const RENAMED: [(&str, &str); 11] = [
    ("Code", "ErrorCode"),
    ("Error", "ChatError"),
    ("MyRoom", "Room"),
    ("Page", "MessagePage"),
    ("Subscribed", "Opened"),
    ("Sync", "Opened"),
    ("Timestamp", "Time"),
    ("RemoveParticipant", "Session"),
    ("DeleteMessage", "Session"),
    ("Mark", "Session"),
    ("Command", "Session"),
];

/// What has no counterpart, and why none is missed.
const OF_RUST: [(&str, &str); 10] = [
    ("Cursor", "a text that is kept and given back"),
    ("RoomRef", "a text: the room's id or its key"),
    ("MarkKind", "a method for each"),
    ("MarkAt", "a method for each"),
    ("Position", "the fields of each event"),
    ("Limits", "an embedding program in Rust sets them"),
    ("SettingError", "what is wrong with those"),
    ("Standing", "inside the engine: whether a member is still one"),
    ("Member", "inside the engine: `Participant` is what is shown"),
    ("MemberSettings", "inside the engine: `My` is what is shown"),
];

#[test]
fn every_record_of_the_core_has_a_counterpart() {
    let ours: Vec<String> = sources("src").iter().flat_map(|source| types(source)).collect();
    let of_core: Vec<String> = sources("../../chat-core/src/model").iter().flat_map(|source| types(source)).collect();
    for known in ["Message", "Event", "MyRoom", "Timestamp"] {
        assert!(of_core.iter().any(|name| name == known), "{known} is not found in the core");
    }
    for name in &of_core {
        let counterpart = RENAMED.iter().find(|(core, _)| core == name).map_or(name.as_str(), |(_, ours)| ours);
        let known = ours.iter().any(|ours| ours == counterpart) || OF_RUST.iter().any(|(core, _)| core == name);
        assert!(known, "`{name}` of the core has no counterpart");
    }
    let gone = |name: &&str| !of_core.iter().any(|of_core| of_core == name);
    let listed = RENAMED.iter().map(|(name, _)| *name).chain(OF_RUST.iter().map(|(name, _)| *name));
    assert_eq!(listed.filter(gone).collect::<Vec<_>>(), [""; 0], "the core has these no more");
}

/// A method of the core: what Kotlin, Swift and Python call it, and how Node declares it.
const METHODS: [(&str, &str, &str); 12] = [
    ("open", "open", "static open("),
    ("session", "session", "session("),
    ("host", "host", "host("),
    ("suspend", "suspend", "suspend("),
    ("resume", "resume", "resume("),
    ("close", "shut_down", "close(): Promise<void>"),
    ("live", "events", "events("),
    ("subscribe", "subscribe", "subscribe("),
    ("unsubscribe", "unsubscribe", "unsubscribe("),
    // Written in each language over the two below.
    ("next", "take", "interface Events extends AsyncIterable<Event>"),
    ("ready", "ready", "interface Events extends AsyncIterable<Event>"),
    ("try_next", "take", "interface Events extends AsyncIterable<Event>"),
];

/// Methods that are no language's but Rust's, and why none is missed.
const METHODS_OF_RUST: [(&str, &str); 7] = [
    ("options", "an embedding program in Rust sets them"),
    ("is_closed", "the error of a call says so"),
    ("is_suspended", "the error of a call says so"),
    ("enter", "`subscribe` without what came before, for a server whom ten thousand come to at once"),
    ("with_profile", "arguments of `session` and `connection`"),
    ("actor", "who made the session knows whose it is"),
    ("engine", "who made the session has it"),
];

#[test]
fn every_method_of_an_engine_and_its_events_has_a_counterpart() {
    let typed = [text("src/engine.rs"), text("src/events.rs")].concat();
    let node = text("../node/index.d.cts");
    for file in ["mod.rs", "live.rs", "session.rs"] {
        let source = text(&format!("../../chat-core/src/engine/{file}"));
        let mut names: Vec<&str> = ["    pub fn ", "    pub const fn ", "    pub async fn "]
            .into_iter()
            .flat_map(|start| source.lines().filter_map(move |line| line.strip_prefix(start)))
            .filter_map(|rest| rest.split(['(', '<']).next())
            .collect();
        // Those of a session that are awaited are commands and reads, which the facade's own test holds.
        if file == "session.rs" {
            names.retain(|name| !source.contains(&format!("pub async fn {name}(")));
        }
        assert!(!names.is_empty(), "no methods are found in {file}");
        for name in names {
            if METHODS_OF_RUST.iter().any(|(of_rust, _)| *of_rust == name) {
                continue;
            }
            let Some((_, of_typed, of_node)) = METHODS.iter().find(|(core, ..)| *core == name) else {
                panic!("`{name}` of the core has no counterpart");
            };
            assert!(typed.contains(&format!("fn {of_typed}(")), "Kotlin, Swift and Python have no `{of_typed}`");
            assert!(
                node.contains(&format!("  {of_node}")) || node.contains(&format!("export {of_node}")),
                "Node has no `{of_node}`"
            );
        }
    }
}

/// The public types that a source declares.
fn types(source: &str) -> Vec<String> {
    let declared = |line: &str| {
        let rest = ["pub struct ", "pub enum "].iter().find_map(|start| line.trim_start().strip_prefix(start))?;
        let name: String = rest.chars().take_while(|c| c.is_alphanumeric()).collect();
        Some(name).filter(|name| !name.is_empty())
    };
    source.lines().filter_map(declared).collect()
}

/// The Rust sources of a folder, those of its folders included.
fn sources(folder: &str) -> Vec<String> {
    fn collect(folder: &Path, into: &mut Vec<String>) {
        for entry in fs::read_dir(folder).expect("a folder of the project") {
            let path = entry.expect("a file").path();
            if path.is_dir() {
                collect(&path, into);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                into.push(fs::read_to_string(path).expect("a text"));
            }
        }
    }
    let mut sources = Vec::new();
    collect(&place(folder), &mut sources);
    sources
}

fn text(path: &str) -> String {
    fs::read_to_string(place(path)).expect("a file of the project")
}

fn place(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}
