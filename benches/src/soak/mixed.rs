//! Minutes of all that people do. What the server holds in the second half is what it held at the end of the first.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::{http::Client, load::Sockets, message, spread::Times, token};

use super::{
    Scale,
    heard::Heard,
    history::History,
    host::{Host, Vitals, ask},
    seat, within,
};

const ROOMS: usize = 40;
/// How many of a room's members stay connected; the first two of them write.
const STAY: usize = 5;
const SENDERS: usize = 2;
/// One more of each room comes and goes.
const MEMBERS: usize = STAY + 1;

/// How often a second. So many messages are sent that SQLite's page cache is full before the second half.
const SENDS: f64 = 1_000.0;
const TYPES: f64 = 100.0;
const COMES: f64 = 10.0;
const LEAFS: f64 = 20.0;

/// Every so-manieth message is read, edited, deleted by those who got it.
const READ: u64 = 3;
const EDITED: u64 = 20;
const DELETED: u64 = 77;

/// By how much memory may grow in the second half, in MiB.
const MOST_MIB: f64 = 16.0;

/// How many more files may be open at the end than in the beginning.
const MOST_FILES: u64 = 8;

pub(super) fn run(scale: &Scale) -> Result<()> {
    let time = Duration::from_secs_f64(scale.of(scale.seconds, 4.0));
    let host = Host::start(scale, "mixed", &[])?;
    host.make_rooms(ROOMS, MEMBERS)?;
    let mut mix = Mix::begin(&host)?;
    // Everybody is in, and nobody has come or gone yet.
    let before = host.vitals()?.files;
    let (begun, mut samples): (_, Vec<(Duration, Vitals)>) = (Instant::now(), Vec::new());
    let every = time / 60;
    while begun.elapsed() < time {
        mix.go_on(begun.elapsed())?;
        if samples.last().is_none_or(|(at, _)| begun.elapsed() >= *at + every) {
            samples.push((begun.elapsed(), host.vitals()?));
        }
    }
    mix.hear_all()?;
    mix.say();
    mix.check(&host)?;
    // While people come and go, there may be two of each for a moment. Afterwards nothing is left of those who went.
    host.until(Duration::from_mins(1), "the files of those who went are closed", |host| {
        Ok(host.vitals()?.files <= before + MOST_FILES)
    })?;
    judge(scale, &samples)
}

/// Nothing grew in the second half.
fn judge(scale: &Scale, samples: &[(Duration, Vitals)]) -> Result<()> {
    let (first, second) = samples.split_at(samples.len() / 2);
    let told: Vec<_> = samples
        .iter()
        .step_by(samples.len().div_ceil(10).max(1))
        .map(|(at, vitals)| format!("{:.0} s {:.1}", at.as_secs_f64(), vitals.kib as f64 / 1024.0))
        .collect();
    println!("mixed: MiB in RAM: {}", told.join(", "));
    let most = |samples: &[(Duration, Vitals)], of: fn(&Vitals) -> u64| {
        samples.iter().map(|(_, vitals)| of(vitals)).max().unwrap_or_default()
    };
    let kib = [first, second].map(|half| most(half, |vitals| vitals.kib));
    let files = [first, second].map(|half| most(half, |vitals| vitals.files));
    let threads = [first, second].map(|half| most(half, |vitals| vitals.threads));
    let grown = kib[1].saturating_sub(kib[0]) as f64 / 1024.0;
    println!(
        "mixed: in the second half at most {grown:.1} MiB more than in the first (at most {MOST_MIB}); files {} and {}, \
         threads {} and {}",
        files[0], files[1], threads[0], threads[1]
    );
    ensure!(scale.short || grown <= MOST_MIB, "memory grew by {grown:.1} MiB in the second half");
    ensure!(scale.short || threads[1] <= threads[0], "threads grew from {} to {}", threads[0], threads[1]);
    Ok(())
}

/// What everybody does.
struct Mix {
    server: std::net::SocketAddr,
    sockets: Sockets,
    heard: Heard,
    /// Messages of each room and sender, and when the last of them was sent.
    sent: Vec<[u64; SENDERS]>,
    sent_at: Vec<[Instant; SENDERS]>,
    times: Times,
    /// What those who heard something do then.
    then: Vec<(usize, String)>,
    reader: Client,
    /// How often each was done.
    sends: u64,
    reads: u64,
    edits: u64,
    deletes: u64,
    types: u64,
    comes: u64,
    leafs: u64,
}

impl Mix {
    fn begin(host: &Host) -> Result<Self> {
        // Those who stay come first, then those who come and go.
        let stay = (0..ROOMS * STAY).map(|n| member(n / STAY, n % STAY));
        let seats: Vec<_> = stay.chain((0..ROOMS).map(|room| member(room, STAY))).collect();
        let (sockets, _) = Sockets::open(host.address, &seats, Duration::from_secs(30))?;
        Ok(Self {
            server: host.address,
            sockets,
            heard: Heard::new(ROOMS * STAY, SENDERS),
            sent: vec![[0; SENDERS]; ROOMS],
            sent_at: vec![[Instant::now(); SENDERS]; ROOMS],
            times: Times::default(),
            then: Vec::new(),
            reader: Client::connect(host.address, &token::of_user(&token::user(2)))?,
            sends: 0,
            reads: 0,
            edits: 0,
            deletes: 0,
            types: 0,
            comes: 0,
            leafs: 0,
        })
    }

    /// Does what is due.
    fn go_on(&mut self, elapsed: Duration) -> Result<()> {
        let due = |rate: f64| (elapsed.as_secs_f64() * rate) as u64;
        while self.sends < due(SENDS) {
            self.send();
        }
        while self.types < due(TYPES) {
            // Somebody who does not write, so that it lasts.
            let n = (self.types as usize % ROOMS) * STAY + 2;
            self.sockets.send(n, |out| message::push_text_frame(out, br#"{"action":"typing_start"}"#));
            self.types += 1;
        }
        while self.comes < due(COMES) {
            let room = self.comes as usize % ROOMS;
            self.sockets.replace(ROOMS * STAY + room, self.server, &member(room, STAY))?;
            self.comes += 1;
        }
        while self.leafs < due(LEAFS) {
            self.leaf()?;
        }
        self.turn(Duration::from_millis(2))
    }

    fn send(&mut self) {
        let room = self.sends as usize % ROOMS;
        let sender = self.sends as usize / ROOMS % SENDERS;
        let number = self.sent[room][sender];
        self.sent[room][sender] += 1;
        self.sent_at[room][sender] = Instant::now();
        self.sockets.send(room * STAY + sender, |out| message::push_frame(out, sender, number, true));
        self.sends += 1;
    }

    /// Somebody looks through the list, or through history.
    fn leaf(&mut self) -> Result<()> {
        let path = match self.leafs % 4 {
            0 => "/api/chatrooms/".to_owned(),
            1 => "/api/chatrooms/job:0/messages/".to_owned(),
            2 => format!("/api/chatrooms/job:0/messages/?before={}", self.leafs * 7 % self.sends.max(2)),
            _ => "/api/chatrooms/job:0/participants/".to_owned(),
        };
        ask(&mut self.reader, "GET", &path, &Value::Null)?;
        self.leafs += 1;
        Ok(())
    }

    /// Hears what came, and does what it leads to.
    fn turn(&mut self, patience: Duration) -> Result<()> {
        let Self { sockets, heard, sent, sent_at, times, then, reads, edits, deletes, .. } = self;
        let mut wrong = None;
        sockets.turn(patience, |n, text| {
            if n >= ROOMS * STAY {
                return;
            }
            let Some((sender, number)) = heard.hear(n, text) else { return };
            let (room, place) = (n / STAY, n % STAY);
            if number + 1 == sent[room][sender] {
                times.add(sent_at[room][sender].elapsed());
            }
            if place == sender && (number % EDITED == 1 || number % DELETED == 2) {
                match id_of(text) {
                    Ok(id) if number % EDITED == 1 => {
                        let content = format!("{} So it is.", message::text(sender, number));
                        let edit = json!({ "action": "edit_message", "message_id": id, "content": content });
                        then.push((n, edit.to_string()));
                        *edits += 1;
                    }
                    Ok(id) => {
                        then.push((n, json!({ "action": "delete_message", "message_id": id }).to_string()));
                        *deletes += 1;
                    }
                    Err(error) => wrong = Some(error),
                }
            } else if number % READ == 0 && place >= SENDERS {
                then.push((n, json!({ "action": "read_message", "seq": number + 1 }).to_string()));
                *reads += 1;
            }
        })?;
        for (n, command) in self.then.drain(..) {
            self.sockets.send(n, |out| message::push_text_frame(out, command.as_bytes()));
        }
        wrong.map_or(Ok(()), Err)
    }

    fn hear_all(&mut self) -> Result<()> {
        let begun = Instant::now();
        while self.heard.deliveries < self.sends * STAY as u64 {
            let missing = self.sends * STAY as u64 - self.heard.deliveries;
            ensure!(begun.elapsed() < Duration::from_secs(60), "{missing} deliveries are missing");
            self.turn(Duration::from_millis(20))?;
        }
        // What was begun last is answered.
        self.sockets.settle(Duration::from_millis(500))
    }

    fn say(&self) {
        println!(
            "mixed: {} messages ({} edited, {} deleted) heard {} times, {} reads, {} pages, {} came and went",
            self.sends, self.edits, self.deletes, self.heard.deliveries, self.reads, self.leafs, self.comes
        );
        println!(
            "mixed: p50 {}, p99 {} from a send to each; nobody fell behind, nothing was refused",
            within(&self.times, 0.5),
            within(&self.times, 0.99)
        );
    }

    /// Everything was heard, and is stored, once and in order.
    fn check(&self, host: &Host) -> Result<()> {
        self.heard.is_whole()?;
        for (n, busy) in [("send_message", "busy"), ("read_message", "busy")] {
            let refused = host.metric(&format!("chat_commands_total{{action=\"{n}\",outcome=\"{busy}\"}}"))?;
            ensure!(refused == 0, "{refused} × {n} were answered with {busy}");
        }
        let mut history = History::of(host.address)?;
        let mut stored = 0;
        for (room, sent) in self.sent.iter().enumerate() {
            stored += history.check(&format!("job:{room}"), sent)?;
        }
        println!("mixed: {stored} messages stored, none lost, none doubled");
        Ok(())
    }
}

/// The seat of a room's member.
fn member(room: usize, place: usize) -> crate::load::Seat {
    let user = token::user(room * MEMBERS + place);
    seat(format!("/ws/job_chat/{room}/"), &user, Some(crate::load::source(place)))
}

/// The id of the message that an event brings.
fn id_of(event: &[u8]) -> Result<String> {
    let event: Value = serde_json::from_slice(event)?;
    event["message"]["id"].as_str().map(str::to_owned).context("a message has an id")
}
