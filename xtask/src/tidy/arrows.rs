//! The arrows: who may depend on whom.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Finding, Tree};

/// A crate and what it must never need, however indirectly. `tokio` stands for the very crate, `chat-*` for all of ours.
const NEVER: [(&str, &[&str]); 3] = [
    (
        "chat-core",
        &[
            "tokio-tungstenite",
            "tungstenite",
            "rusqlite",
            "libsqlite3-sys",
            "axum",
            "hyper",
            "jsonwebtoken",
            "uniffi",
            "napi",
            "chat-*",
        ],
    ),
    ("chat-sqlite", &["chat-ws", "axum", "hyper", "tokio-tungstenite", "tungstenite", "jsonwebtoken"]),
    ("chat-ws", &["chat-sqlite", "rusqlite", "libsqlite3-sys"]),
];

/// What stands at the top: nobody depends on it, except for tests.
const LEAVES: [&str; 9] = [
    "chat-testkit",
    "chat-fuzz",
    "chat-benches",
    "chat-server",
    "embed-rust",
    "embed-axum",
    "chat-node",
    "chat-uniffi",
    "xtask",
];

/// Is nothing but tests, and needs what they need.
const TESTS: &str = "chat-fuzz";

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let packages = Packages::of(&tree.metadata);
    let mut findings = Vec::new();
    for (from, banned) in NEVER {
        if !packages.needs.contains_key(from) {
            findings.push(Finding::new(from, "cargo metadata does not know it"));
        }
        for to in packages.reach(from) {
            let is_banned = banned.iter().any(|name| match name.strip_suffix('*') {
                Some(prefix) => to.starts_with(prefix),
                None => *name == to,
            });
            if is_banned {
                findings.push(Finding::new(from, format!("must not depend on {to}")));
            }
        }
    }
    for (from, to) in packages.needs.iter().filter(|(from, _)| **from != TESTS) {
        for leaf in LEAVES.iter().filter(|leaf| to.contains(**leaf)) {
            findings.push(Finding::new(*from, format!("must not depend on {leaf}, except for its tests")));
        }
    }
    findings
}

/// How many packages the core may need.
const CORE_NEEDS: usize = 40;

pub(super) fn few(tree: &Tree) -> Vec<Finding> {
    let needs = tree.core.len().saturating_sub(1);
    let problem = || format!("needs {needs} other packages; see `cargo tree -p chat-core -e normal`");
    (needs > CORE_NEEDS).then(|| Finding::new("chat-core", problem())).into_iter().collect()
}

/// Which package needs which others to be built; what only its tests need does not count.
struct Packages<'a> {
    needs: BTreeMap<&'a str, BTreeSet<&'a str>>,
}

impl<'a> Packages<'a> {
    fn of(metadata: &'a Value) -> Self {
        let names: BTreeMap<&str, &str> =
            list(&metadata["packages"]).iter().map(|package| (text(&package["id"]), text(&package["name"]))).collect();
        let name = |id| names.get(id).copied().unwrap_or_default();
        let built = |dep: &&Value| list(&dep["dep_kinds"]).iter().any(|kind| kind["kind"] != "dev");
        let mut needs: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for node in list(&metadata["resolve"]["nodes"]) {
            let deps = list(&node["deps"]).iter().filter(built).map(|dep| name(text(&dep["pkg"])));
            needs.entry(name(text(&node["id"]))).or_default().extend(deps);
        }
        Self { needs }
    }

    /// Everything that `from` needs, itself excluded.
    fn reach(&self, from: &str) -> BTreeSet<&'a str> {
        let mut reached = BTreeSet::new();
        let mut open: Vec<&str> = self.needs.get(from).into_iter().flatten().copied().collect();
        while let Some(name) = open.pop() {
            if reached.insert(name) {
                open.extend(self.needs.get(name).into_iter().flatten());
            }
        }
        reached
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A workspace in which each pair depends on the other, for building (`normal`) or for tests (`dev`).
    fn tree(deps: &[(&str, &str, &str)]) -> Tree {
        let names: BTreeSet<&str> =
            NEVER.iter().map(|(name, _)| *name).chain(deps.iter().flat_map(|d| [d.0, d.1])).collect();
        let packages: Vec<_> = names.iter().map(|name| json!({"id": format!("{name} 1"), "name": name})).collect();
        let kind = |kind: &str| if kind == "normal" { Value::Null } else { kind.into() };
        let node = |name: &&str| {
            let deps = deps.iter().filter(|dep| dep.0 == *name);
            let deps: Vec<_> =
                deps.map(|dep| json!({"pkg": format!("{} 1", dep.1), "dep_kinds": [{"kind": kind(dep.2)}]})).collect();
            json!({"id": format!("{name} 1"), "deps": deps})
        };
        let nodes: Vec<_> = names.iter().map(node).collect();
        Tree { metadata: json!({"packages": packages, "resolve": {"nodes": nodes}}), ..Tree::default() }
    }

    fn said(deps: &[(&str, &str, &str)]) -> Vec<String> {
        check(&tree(deps)).into_iter().map(|f| format!("{} {}", f.place, f.problem)).collect()
    }

    #[test]
    fn arrows_down_are_fine() {
        let deps = [
            ("chat-sqlite", "chat-core", "normal"),
            ("chat-ws", "chat-core", "normal"),
            ("chat-core", "tokio", "normal"),
        ];
        assert_eq!(said(&deps), [""; 0]);
    }

    #[test]
    fn tests_may_look_sideways() {
        assert_eq!(said(&[("chat-ws", "chat-sqlite", "dev"), ("chat-core", "chat-testkit", "dev")]), [""; 0]);
    }

    #[test]
    fn a_banned_crate_is_found_behind_another_one() {
        let deps = [("chat-core", "helper", "normal"), ("helper", "hyper", "normal")];
        assert_eq!(said(&deps), ["chat-core must not depend on hyper"]);
    }

    #[test]
    fn the_core_depends_on_none_of_ours_and_nobody_on_a_leaf() {
        let deps = [("chat-core", "chat-proto", "build"), ("chat-ws", "chat-testkit", "normal")];
        let expected = [
            "chat-core must not depend on chat-proto",
            "chat-ws must not depend on chat-testkit, except for its tests",
        ];
        assert_eq!(said(&deps), expected);
    }

    #[test]
    fn the_core_may_need_forty_packages_and_no_more() {
        let tree = |needs: usize| Tree { core: (0..=needs).map(|n| n.to_string()).collect(), ..Tree::default() };
        assert_eq!(few(&tree(CORE_NEEDS)), []);
        assert_eq!(few(&tree(CORE_NEEDS + 1)).len(), 1);
    }

    #[test]
    fn a_crate_that_is_not_there_is_a_finding() {
        assert_eq!(check(&Tree::default()).len(), NEVER.len());
    }
}
