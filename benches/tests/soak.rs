//! Each trial of the load that lasts, with a few of everything: all of them at once, each against a server of its own.

use std::process::{Command, Output};

use chat_benches::soak::{TRIALS, build};

#[test]
fn every_trial_holds_with_a_few_of_everything() {
    build().unwrap();
    let data = tempfile::tempdir().unwrap();
    let running = TRIALS.iter().map(|trial| {
        let mut soak = Command::new(env!("CARGO_BIN_EXE_soak"));
        soak.args([trial.name, "--short", "--data"]).arg(data.path());
        // spawns: a thread that waits for one trial; joined below.
        (trial.name, std::thread::spawn(move || soak.output().unwrap()))
    });
    for (name, trial) in running.collect::<Vec<_>>() {
        let Output { status, stdout, stderr } = trial.join().unwrap();
        let (said, warned) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
        assert!(status.success(), "{name} failed: {said}{warned}");
        assert!(said.lines().any(|line| line.starts_with(name)), "{name} says nothing: {said}");
        print!("{said}");
    }
}
