//! A room of ten thousand, all of them connected: what coming in, a send, a newcomer, a snapshot and everybody's reading
//! cost there.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::{
    http::Client,
    load::{Sockets, source},
    message,
    spread::Times,
    token,
};

use super::{
    Scale,
    heard::Heard,
    history::History,
    host::{Host, ask},
    seat, within,
};

/// What a socket may hold in the server's memory, and the room with it.
const MOST_KIB: f64 = 12.0;

/// A snapshot shows few of the many, so it stays small.
const MOST_SNAPSHOT_KIB: usize = 128;

const PATIENCE: Duration = Duration::from_secs(120);

pub(super) fn run(scale: &Scale) -> Result<()> {
    let (members, small) = scale.of((10_000, "100"), (200, "100"));
    let host = Host::start(scale, "large", &[("CHAT_LIMITS_SMALL_ROOM", small)])?;
    let begun = Instant::now();
    // One less: somebody comes later.
    host.make_rooms(1, members - 1)?;
    let made = begun.elapsed();
    let before = host.vitals()?;
    let seats: Vec<_> = (0..members - 1).map(|n| seat("/ws/job_chat/0/", &token::user(n), Some(source(n)))).collect();
    let (sockets, came) = Sockets::open(host.address, &seats, PATIENCE)?;
    let mut room = Room { sockets, heard: Heard::new(members - 1, 1), sent: 0, sent_at: Vec::new(), added: 0 };
    room.sockets.settle(Duration::from_millis(500))?;
    let kib = host.vitals()?.kib.saturating_sub(before.kib) as f64 / members as f64;
    println!(
        "large: {} members: made in {:.2} s, all came in within {:.2} s, {kib:.1} KiB each (at most {MOST_KIB})",
        members - 1,
        made.as_secs_f64(),
        came.as_secs_f64()
    );
    ensure!(scale.short || kib <= MOST_KIB, "{kib:.1} KiB each");

    let times = room.talk(10.0, Duration::from_secs(scale.of(10, 2)))?;
    println!(
        "large: {} messages, 10 a second, were heard by all: p50 {}, p99 {} from the send to each",
        room.sent,
        within(&times, 0.5),
        within(&times, 0.99)
    );
    let begun = Instant::now();
    room.send(scale.of(50, 10));
    room.hear_all()?;
    let took = begun.elapsed().as_secs_f64();
    println!(
        "large: {} messages at once were with all after {took:.2} s: {:.0} k deliveries a second",
        scale.of(50, 10),
        (scale.of(50, 10) * (members - 1)) as f64 / took / 1e3
    );
    newcomer(&host, &mut room, members - 1)?;
    snapshot(&host)?;
    let grown = everybody_reads(&host, &mut room, members - 1)?;
    println!("large: while all read at once the server grew by {grown:.1} MiB");
    room.heard.is_whole()?;
    ensure!(room.sockets.ended() == 0, "{} sockets ended", room.sockets.ended());
    History::of(host.address)?.check("job:0", &[room.sent]).map(drop)
}

struct Room {
    sockets: Sockets,
    heard: Heard,
    sent: u64,
    sent_at: Vec<Instant>,
    /// How many heard of the newcomer.
    added: usize,
}

impl Room {
    fn send(&mut self, count: usize) {
        for _ in 0..count {
            let number = self.sent;
            self.sockets.send(0, |out| message::push_frame(out, 0, number, true));
            self.sent_at.push(Instant::now());
            self.sent += 1;
        }
    }

    /// Sends so many a second for so long, and tells how long it took to each.
    fn talk(&mut self, rate: f64, time: Duration) -> Result<Times> {
        let (begun, mut times) = (Instant::now(), Times::default());
        while begun.elapsed() < time {
            if self.sent < (begun.elapsed().as_secs_f64() * rate) as u64 {
                self.send(1);
            }
            self.turn(Duration::from_millis(2), &mut times)?;
        }
        self.hear_all()?;
        Ok(times)
    }

    fn hear_all(&mut self) -> Result<()> {
        let (begun, deliveries) = (Instant::now(), self.sent * self.sockets.len() as u64);
        while self.heard.deliveries < deliveries {
            ensure!(begun.elapsed() < PATIENCE, "{} deliveries are missing", deliveries - self.heard.deliveries);
            self.turn(Duration::from_millis(20), &mut Times::default())?;
        }
        Ok(())
    }

    fn turn(&mut self, patience: Duration, times: &mut Times) -> Result<()> {
        let Self { sockets, heard, sent_at, added, .. } = self;
        sockets.turn(patience, |n, text| {
            if let Some((_, number)) = heard.hear(n, text) {
                times.add(sent_at[number as usize].elapsed());
            }
            *added += usize::from(text.starts_with(br#"{"type":"participant_added""#));
        })?;
        Ok(())
    }
}

/// One more joins, of whom all are told; another one past the limit is not let in; and one goes.
fn newcomer(host: &Host, room: &mut Room, members: usize) -> Result<()> {
    let mut service = Client::connect(host.address, &token::of_service())?;
    let begun = Instant::now();
    ask(&mut service, "POST", "/api/chatrooms/job:0/participants/", &json!({ "user_id": "newcomer" }))?;
    let joined = begun.elapsed();
    while room.added < room.sockets.len() {
        ensure!(begun.elapsed() < PATIENCE, "{} of {members} heard of the newcomer", room.added);
        room.turn(Duration::from_millis(5), &mut Times::default())?;
    }
    let told = begun.elapsed();
    let begun = Instant::now();
    ask(&mut service, "DELETE", "/api/chatrooms/job:0/participants/newcomer/", &Value::Null)?;
    println!(
        "large: one more joined within {:.1} ms, all were told within {:.0} ms, and was removed within {:.1} ms",
        joined.as_secs_f64() * 1e3,
        told.as_secs_f64() * 1e3,
        begun.elapsed().as_secs_f64() * 1e3
    );
    Ok(())
}

/// What opening the room from scratch takes.
fn snapshot(host: &Host) -> Result<()> {
    let seats = [seat("/ws/", &token::user(1), None)];
    let (mut sockets, _) = Sockets::open(host.address, &seats, Duration::from_mins(1))?;
    let begun = Instant::now();
    let command = br#"{"action":"subscribe","ref":1,"rooms":[{"room":"job:0"}]}"#;
    sockets.send(0, |out| message::push_text_frame(out, command));
    let mut bytes = 0;
    while bytes == 0 {
        ensure!(begun.elapsed() < Duration::from_secs(30), "no snapshot came");
        sockets.turn(Duration::from_millis(5), |_, text| {
            if text.starts_with(br#"{"type":"reply","ref":1,"ok":{"rooms":[{"#) {
                bytes = text.len();
            }
        })?;
    }
    let took = begun.elapsed();
    let mut reader = Client::connect(host.address, &token::of_user(&token::user(1)))?;
    let begun = Instant::now();
    let listed = ask(&mut reader, "GET", "/api/chatrooms/?limit=1", &Value::Null)?;
    let unread = listed["results"][0]["unread_count"].as_u64().context("a room has an unread count")?;
    println!(
        "large: a snapshot is {} KiB (at most {MOST_SNAPSHOT_KIB}) and came after {:.1} ms; the list with {unread} unread \
         after {:.1} ms",
        bytes / 1024,
        took.as_secs_f64() * 1e3,
        begun.elapsed().as_secs_f64() * 1e3
    );
    ensure!(bytes / 1024 <= MOST_SNAPSHOT_KIB, "a snapshot of {} KiB", bytes / 1024);
    Ok(())
}

/// All read to the end at once, while somebody goes on writing. Returns by how many MiB the server grew.
fn everybody_reads(host: &Host, room: &mut Room, members: usize) -> Result<f64> {
    let (before, seq, begun) = (host.vitals()?.kib, room.sent, Instant::now());
    let command = format!(r#"{{"action":"read_message","seq":{seq}}}"#);
    for n in 0..members {
        room.sockets.send(n, |out| message::push_text_frame(out, command.as_bytes()));
    }
    room.send(1);
    room.hear_all()?;
    let sent = begun.elapsed();
    let mut history = History::of(host.address)?;
    let mut most = host.vitals()?.kib;
    // The one who writes has read further.
    while history.readers("job:0", seq)? < members - 1 {
        ensure!(begun.elapsed() < PATIENCE, "not everybody has read");
        room.turn(Duration::from_millis(20), &mut Times::default())?;
        most = most.max(host.vitals()?.kib);
    }
    println!(
        "large: all read at once: a message sent then was with all after {:.0} ms, all receipts were stored after {:.2} s",
        sent.as_secs_f64() * 1e3,
        begun.elapsed().as_secs_f64()
    );
    Ok(most.saturating_sub(before) as f64 / 1024.0)
}
