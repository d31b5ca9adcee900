//! What is proved, how often, and how long that may take.

use std::{path::Path, process::Command, time::Duration};

use anyhow::Result;

use crate::cargo;

use super::{How, advisories, autobahn, fuzz, schemathesis, watched::watch};

/// One harness in its long form.
pub(super) struct Proof {
    pub(super) name: &'static str,
    /// What it shows, in a line.
    pub(super) shows: &'static str,
    /// Longer than it needs; then it is ended.
    pub(super) limit: Duration,
    /// The lines of its output that the page keeps contain one of these.
    pub(super) keeps: &'static [&'static str],
    pub(super) run: fn(&Path, u64, &Proof, &mut Vec<String>) -> Result<How>,
}

const fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(60 * minutes)
}

/// Cheapest news first.
pub(super) const PROOFS: &[Proof] = &[
    Proof {
        name: "permissions",
        shows: "every action and path, asked for by everybody, is answered as the permission table says",
        limit: minutes(5),
        keeps: &["questions"],
        run: |root, _, proof, said| watch(&mut test(root, "chat-ws", "it", "permissions"), proof, said),
    },
    Proof {
        name: "planted",
        shows: "the suite for stores catches the mistakes that it is there for",
        limit: minutes(10),
        keeps: &["caught by"],
        run: |root, _, proof, said| watch(&mut test(root, "chat-testkit", "planted", ""), proof, said),
    },
    Proof {
        name: "loom",
        shows: "who opens a room, takes from a queue, leaves or closes is right in every order of their steps",
        limit: minutes(10),
        keeps: &["orders: "],
        run: |root, _, proof, said| watch(&mut test(root, "chat-core", "loom", ""), proof, said),
    },
    Proof {
        name: "cancellation",
        shows: "every public async method, given up at any await, is done whole or not at all, and once when asked again",
        limit: minutes(5),
        keeps: &["moments: "],
        run: |root, _, proof, said| watch(&mut test(root, "chat-testkit", "cancellation", ""), proof, said),
    },
    Proof {
        name: "stories",
        shows: "SQLite does and shows what the store in memory does and shows, over random stories",
        limit: minutes(15),
        keeps: &["stories"],
        run: |root, seed, proof, said| {
            let mut stories = test(root, "chat-sqlite", "it", "conformance");
            stories.env("PROPTEST_CASES", "1000").env("CHAT_MODEL_SEED", seed.to_string());
            watch(&mut stories, proof, said)
        },
    },
    Proof {
        name: "simulation",
        shows: "clients on a bad network end with what storage says, and each check catches its planted bug",
        limit: minutes(20),
        keeps: &["caught by", "seeds"],
        run: |root, seed, proof, said| {
            let mut simulation = test(root, "chat-testkit", "simulation", "");
            simulation.env("CHAT_SIM_SEEDS", "20000").env("CHAT_SIM_FROM", seed.to_string());
            watch(&mut simulation, proof, said)
        },
    },
    Proof {
        name: "power",
        shows: "a power cut at any point takes nothing that was acknowledged, and a sync that is left out is seen",
        limit: minutes(20),
        keeps: &["cuts: ", "cuts in", "cuts without"],
        run: |root, seed, proof, said| {
            let mut power = test(root, "chat-sqlite", "disk", "power");
            power.env("CHAT_POWER_CUTS", "2000").env("CHAT_POWER_SEED", seed.to_string());
            watch(&mut power, proof, said)
        },
    },
    Proof {
        name: "disk",
        shows: "a disk that fails or is full at any call is answered for, and everything goes on by itself",
        limit: minutes(5),
        keeps: &["calls failed", "Silent"],
        run: |root, _, proof, said| watch(&mut test(root, "chat-sqlite", "disk", "faults"), proof, said),
    },
    Proof {
        name: "store",
        shows: "a store that fails or waits at any call is answered for, and nothing is told that is not stored",
        limit: minutes(5),
        keeps: &["test result"],
        run: |root, _, proof, said| watch(&mut test(root, "chat-testkit", "hostile", ""), proof, said),
    },
    Proof {
        name: "kill",
        shows: "the binary, killed under load again and again, loses and doubles nothing that was acknowledged",
        limit: minutes(20),
        keeps: &["rounds"],
        run: |root, seed, proof, said| {
            let mut kill = test(root, "chat-server", "it", "kill_9");
            kill.env("CHAT_KILL_ROUNDS", "100").env("CHAT_KILL_SEED", seed.to_string());
            watch(&mut kill, proof, said)
        },
    },
    Proof {
        name: "autobahn",
        shows: "WebSockets are as RFC 6455 says: the Autobahn cases, behind the upgrade that chat uses",
        limit: minutes(10),
        keeps: &["cases", "passed", "FAILED"],
        run: autobahn::run,
    },
    Proof {
        name: "schemathesis",
        shows: "requests made up from the OpenAPI document are answered as it says, whoever asks",
        limit: minutes(20),
        keeps: &["generated,", "covered", "❌", "[50"],
        run: schemathesis::run,
    },
    Proof {
        name: "fuzz",
        shows: "input that is made up breaks no law: frames, requests, cursors, tokens, imports, sequences of commands",
        // For each law; the first one waits for the build.
        limit: minutes(45),
        keeps: &["stat::number_of_executed_units", "panicked at", "SUMMARY", "Test unit written"],
        run: fuzz::run,
    },
    Proof {
        name: "advisories",
        shows: "no dependency has a known weakness that applies",
        limit: minutes(5),
        keeps: &["advisories", "error["],
        run: advisories::run,
    },
    soak(
        "half-open",
        "a thousand connections that never get in hold nobody up, and end with their time",
        &["half-open: "],
        5,
    ),
    soak(
        "readers",
        "a hundred readers who stop, or take a byte a second, cost themselves and nobody else",
        &["readers: "],
        5,
    ),
    soak(
        "reconnect",
        "after a restart five thousand come back at once, and each hears everything once",
        &["reconnect: "],
        5,
    ),
    soak("storms", "a thousand people type and read all at once, and messages go on as ever", &["storms: "], 5),
    soak("large", "a room of ten thousand, all of them connected, is a room like any other", &["large: "], 5),
    soak("many", "somebody in five thousand rooms lists, opens and resumes all of them", &["many: "], 5),
    soak(
        "idle",
        "ten thousand and fifteen thousand sockets are kept, in little memory, and given back",
        &["idle: "],
        5,
    ),
    soak("mixed", "ten minutes of all that people do leave memory, files and threads as they were", &["mixed: "], 15),
];

/// A trial of the load that lasts, against the server in release; what it measured stands in lines that begin with its
/// name.
const fn soak(name: &'static str, shows: &'static str, keeps: &'static [&'static str], limit: u64) -> Proof {
    let run = |root: &Path, _, proof: &Proof, said: &mut Vec<String>| {
        let mut soak = cargo(root);
        soak.args("run --quiet --release --package chat-benches --bin soak --".split(' ')).arg(proof.name);
        watch(&mut soak, proof, said)
    };
    Proof { name, shows, limit: minutes(limit), keeps, run }
}

/// The tests of a package's test program whose names contain `filter`, with what they print.
fn test(root: &Path, package: &str, program: &str, filter: &str) -> Command {
    let mut cargo = cargo(root);
    cargo.args(["test", "--quiet", "--package", package, "--test", program, "--"]);
    if !filter.is_empty() {
        cargo.arg(filter);
    }
    cargo.arg("--nocapture");
    cargo
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_proof_has_a_name_of_its_own() {
        let names: std::collections::BTreeSet<_> = PROOFS.iter().map(|proof| proof.name).collect();
        assert_eq!(names.len(), PROOFS.len());
    }
}
