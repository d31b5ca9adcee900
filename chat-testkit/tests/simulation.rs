//! Clients on a bad network end as storage says; and the simulation sees it when they do not.

use chat_testkit::simulation::{Fault, find_failure, run};

/// How many seeds run; `CHAT_SIM_SEEDS` asks for more, `CHAT_SIM_FROM` for others.
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
        None => {
            let from = setting("CHAT_SIM_FROM").unwrap_or(0);
            from..from + setting("CHAT_SIM_SEEDS").unwrap_or(SEEDS)
        }
    };
    println!("{} seeds, from {}", seeds.end - seeds.start, seeds.start);
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

#[test]
fn every_planted_bug_is_caught() {
    for fault in Fault::ALL {
        let failure = find_failure(0..CAUGHT_WITHIN, Some(fault));
        let failure = failure.unwrap_or_else(|| panic!("{fault:?} is not caught within {CAUGHT_WITHIN} seeds"));
        println!("{fault:?} caught by seed {}: {}", failure.seed, first_line(&failure.what));
    }
}

/// As much as says what it was.
fn first_line(what: &str) -> String {
    what.lines().next().unwrap_or_default().chars().take(110).collect()
}
