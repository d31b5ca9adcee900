//! A program that runs for long: its progress is shown, what the page keeps is kept, and it does not run for ever.

use std::{
    io::{BufRead, BufReader, Read},
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};

use crate::shown;

use super::{How, proofs::Proof};

/// How many lines are shown of what failed.
const LAST: usize = 30;

/// How often it is said that it still runs.
const STILL: Duration = Duration::from_secs(20);

/// Runs a command to its end, or to the end of its time.
pub(super) fn watch(command: &mut Command, proof: &Proof, said: &mut Vec<String>) -> Result<How> {
    let words = shown(command);
    let began = Instant::now();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start `{words}`"))?;
    let lines = lines(&mut child);
    let mut last = Vec::new();
    loop {
        let left = proof.limit.saturating_sub(began.elapsed());
        match lines.recv_timeout(left.min(STILL)) {
            Ok(line) => {
                // Before what a test prints stand the dots of those that are done.
                let line = line.trim_start_matches('.').to_owned();
                if proof.keeps.iter().any(|part| line.contains(part)) {
                    println!("    {line}");
                    said.push(line.clone());
                }
                last.push(line);
                if last.len() > LAST {
                    last.remove(0);
                }
            }
            Err(mpsc::RecvTimeoutError::Timeout) if left > STILL => {
                println!("    … {:.0} s", began.elapsed().as_secs_f64());
            }
            Err(mpsc::RecvTimeoutError::Timeout) => {
                child.kill()?;
                child.wait()?;
                return Ok(How::Fails(format!("did not end within {:.0} s", proof.limit.as_secs_f64())));
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
        }
    }
    let status = child.wait()?;
    if status.success() {
        return Ok(How::Holds);
    }
    eprintln!("{}", last.join("\n"));
    Ok(How::Fails(format!("`{words}` ended with {status}")))
}

/// Everything that a child prints, line by line, until it closes both of its outputs.
fn lines(child: &mut Child) -> mpsc::Receiver<String> {
    let (send, lines) = mpsc::sync_channel(1_024);
    let outputs: [Option<Box<dyn Read + Send>>; 2] =
        [child.stdout.take().map(|out| Box::new(out) as _), child.stderr.take().map(|err| Box::new(err) as _)];
    for output in outputs.into_iter().flatten() {
        let send = send.clone();
        // spawns: a reader of one output; it ends with the child, or when nobody listens any more.
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if send.send(line).is_err() {
                    return;
                }
            }
        });
    }
    lines
}
