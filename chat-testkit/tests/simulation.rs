//! Clients on a bad network end as storage says; and the simulation sees it when they do not.

use chat_testkit::simulation::{Fault, find_failure, run};

/// How many seeds run; `CHAT_SIM_SEEDS` asks for more.
const SEEDS: u64 = 1_000;

/// Within how many seeds a planted bug must be caught.
const CAUGHT_WITHIN: u64 = 100;

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("a number"))
}

#[test]
fn everybody_ends_as_storage_says() {
    let seeds = match setting("CHAT_SIM_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..setting("CHAT_SIM_SEEDS").unwrap_or(SEEDS),
    };
    if let Some(failure) = find_failure(seeds, None) {
        panic!("{failure}");
    }
}

#[test]
fn a_seed_is_the_same_every_time() {
    for seed in 0..10 {
        assert_eq!(run(seed, None, true).ok(), run(seed, None, true).ok(), "seed {seed}");
    }
}

fn is_caught(fault: Fault) {
    let failure = find_failure(0..CAUGHT_WITHIN, Some(fault)).expect("the planted bug is caught");
    println!("{fault:?} caught by seed {}: {}", failure.seed, failure.what);
}

#[test]
fn a_cursor_that_moves_early_is_caught() {
    is_caught(Fault::CursorBeforeApplying);
}

#[test]
fn a_client_without_a_gate_is_caught() {
    is_caught(Fault::NoGate);
}

#[test]
fn a_send_that_is_repeated_without_its_name_is_caught() {
    is_caught(Fault::NoClientId);
}

#[test]
fn a_client_that_ignores_more_is_caught() {
    is_caught(Fault::IgnoresMore);
}
