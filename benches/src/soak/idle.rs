//! Sockets that do nothing: ten thousand, and five thousand more; and all of them again.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use crate::{
    load::{Sockets, source},
    message, token,
};

use super::{
    Scale,
    host::{Host, Vitals},
    seat,
};

/// What a socket may hold in the server's memory, in KiB.
const MOST_KIB: f64 = 10.0;

/// By how much more they may hold when they come once again, in MiB.
const MOST_MIB: f64 = 16.0;

/// Longer than a silent peer is kept, as the server is set up here.
const HOLD: Duration = Duration::from_secs(16);

const PATIENCE: Duration = Duration::from_secs(120);

pub(super) fn run(scale: &Scale) -> Result<()> {
    let settings = [("CHAT_SERVER_PING_EVERY", "4"), ("CHAT_SERVER_IDLE_TIMEOUT", "15")];
    let host = Host::start(scale, "idle", &settings)?;
    let (first, more) = scale.of((10_000, 5_000), (150, 50));
    host.make_rooms((first + more) / 2, 2)?;
    let before = host.vitals()?;

    let (mut sockets, took) = Sockets::open(host.address, &seats(0, first), PATIENCE)?;
    modest(scale, hold(scale, &host, before, &mut sockets, took)?, before, first)?;
    let took = sockets.add(host.address, &seats(first, more), PATIENCE, |_, _| {})?;
    modest(scale, hold(scale, &host, before, &mut sockets, took)?, before, first + more)?;
    drop(sockets);
    gone(&host, before)?;

    // All at once they leave other holes behind than those who came in two parts. From then on what was freed is used again.
    let mut held = Vec::new();
    for _ in 0..2 {
        let (mut sockets, took) = Sockets::open(host.address, &seats(0, first + more), PATIENCE)?;
        held.push(hold(scale, &host, before, &mut sockets, took)?);
        drop(sockets);
        gone(&host, before)?;
    }
    let grown = held[1].saturating_sub(held[0]) as f64 / 1024.0;
    println!("idle: all at once, and again: the second time {grown:.1} MiB more than the first (at most {MOST_MIB})");
    ensure!(grown <= MOST_MIB, "{grown:.1} MiB more the second time");
    Ok(())
}

/// No socket holds more than it may.
fn modest(scale: &Scale, held: u64, before: Vitals, sockets: usize) -> Result<()> {
    let each = held.saturating_sub(before.kib) as f64 / sockets as f64;
    // What a few sockets hold together says nothing about each.
    ensure!(scale.short || each <= MOST_KIB, "{each:.1} KiB each, and at most {MOST_KIB}");
    Ok(())
}

/// So many people, two in a room, from the `first` on.
fn seats(first: usize, count: usize) -> Vec<crate::load::Seat> {
    let path = |n| format!("/ws/job_chat/{}/", n / 2);
    (first..first + count).map(|n| seat(path(n), &token::user(n), Some(source(n)))).collect()
}

/// All stay, and all answer. Returns what the server holds, in KiB.
fn hold(scale: &Scale, host: &Host, before: Vitals, sockets: &mut Sockets, took: Duration) -> Result<u64> {
    let time = scale.of(HOLD, Duration::from_secs(1));
    sockets.turn_for(time, |_, _| {})?;
    ensure!(sockets.ended() == 0, "{} of {} sockets ended", sockets.ended(), sockets.len());
    let answered = ping_all(sockets)?;
    let held = host.vitals()?.kib;
    let each = held.saturating_sub(before.kib) as f64 / sockets.len() as f64;
    println!(
        "idle: {} sockets, the last in after {:.2} s: {each:.1} KiB each; all there after {:.0} s, a \
         ping answered by all within {:.2} s",
        sockets.len(),
        took.as_secs_f64(),
        time.as_secs_f64(),
        answered.as_secs_f64()
    );
    Ok(held)
}

/// Asks on every socket for a sign of life, and waits for all of them.
fn ping_all(sockets: &mut Sockets) -> Result<Duration> {
    let begun = Instant::now();
    let mut answered = vec![false; sockets.len()];
    for n in 0..sockets.len() {
        sockets.send(n, |out| message::push_text_frame(out, br#"{"action":"ping","ref":1}"#));
    }
    while answered.contains(&false) {
        let missing = answered.iter().filter(|answered| !**answered).count();
        ensure!(begun.elapsed() < Duration::from_secs(60), "{missing} sockets did not answer");
        sockets.turn(Duration::from_millis(50), |n, text| {
            answered[n] |= text.starts_with(br#"{"type":"reply","ref":1,"#);
        })?;
    }
    Ok(begun.elapsed())
}

/// The server has let go of all of them.
fn gone(host: &Host, before: Vitals) -> Result<()> {
    let gone = host.until(Duration::from_mins(1), "all sockets are closed", |host| {
        Ok(host.metric("chat_sockets_open")? == 0 && host.vitals()?.files <= before.files + 1)
    })?;
    let after = host.vitals()?;
    println!(
        "idle: all gone after {:.2} s: {} files open, {} before; {:.1} MiB, {:.1} before; {} threads, {} before",
        gone.as_secs_f64(),
        after.files,
        before.files,
        after.kib as f64 / 1024.0,
        before.kib as f64 / 1024.0,
        after.threads,
        before.threads
    );
    Ok(())
}
