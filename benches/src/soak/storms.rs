//! Everybody types, and everybody reads, all at once: in rooms where all of it is shown, and in one where none is.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use crate::{
    load::{Sockets, source},
    message,
    spread::Times,
    token,
};

use super::{Scale, heard::Heard, history::History, host::Host, seat, within};

/// By how much the server may grow, in MiB.
const MOST_MIB: f64 = 64.0;

/// Rooms of a storm.
struct Plan {
    rooms: usize,
    members: usize,
    /// Messages a second in each room; everybody reads each.
    rate: f64,
    seconds: u64,
    /// Whether the rooms are small enough to show who types, and who has read.
    shown: bool,
}

pub(super) fn run(scale: &Scale) -> Result<()> {
    let small = scale.of("100", "10");
    let plans = scale.of(
        [
            Plan { rooms: 10, members: 100, rate: 2.0, seconds: 20, shown: true },
            Plan { rooms: 1, members: 1_000, rate: 10.0, seconds: 20, shown: false },
        ],
        [
            Plan { rooms: 2, members: 10, rate: 5.0, seconds: 2, shown: true },
            Plan { rooms: 1, members: 40, rate: 10.0, seconds: 2, shown: false },
        ],
    );
    for plan in &plans {
        let host = Host::start(scale, "storms", &[("CHAT_LIMITS_SMALL_ROOM", small)])?;
        host.make_rooms(plan.rooms, plan.members)?;
        Storm::begin(&host, plan)?.run(&host)?;
    }
    Ok(())
}

struct Storm<'a> {
    plan: &'a Plan,
    sockets: Sockets,
    heard: Heard,
    /// Messages of each room.
    sent: Vec<u64>,
    /// When each message of the first room was sent.
    sent_at: Vec<Instant>,
    times: Times,
    /// Who is to read how far.
    reads: Vec<(usize, u64)>,
    /// Commands about typing, and about reading.
    typed: u64,
    read: u64,
    /// Events about them.
    typing_events: u64,
    read_events: u64,
    /// Whether the last that each heard was that nobody types.
    quiet: Vec<bool>,
}

impl<'a> Storm<'a> {
    fn begin(host: &Host, plan: &'a Plan) -> Result<Self> {
        let people = plan.rooms * plan.members;
        let path = |n: usize| format!("/ws/job_chat/{}/", n / plan.members);
        let seats: Vec<_> = (0..people).map(|n| seat(path(n), &token::user(n), Some(source(n)))).collect();
        let (mut sockets, _) = Sockets::open(host.address, &seats, Duration::from_secs(60))?;
        sockets.settle(Duration::from_millis(300))?;
        Ok(Self {
            plan,
            sockets,
            heard: Heard::new(people, 1),
            sent: vec![0; plan.rooms],
            sent_at: Vec::new(),
            times: Times::default(),
            reads: Vec::new(),
            typed: 0,
            read: 0,
            typing_events: 0,
            read_events: 0,
            quiet: vec![true; people],
        })
    }

    fn run(mut self, host: &Host) -> Result<()> {
        let (plan, before, begun) = (self.plan, host.vitals()?, Instant::now());
        let people = (plan.rooms * plan.members) as u64;
        let (mut most, mut looked) = (before.kib, 0);
        while begun.elapsed() < Duration::from_secs(plan.seconds) {
            let elapsed = begun.elapsed();
            while self.typed < elapsed.as_millis() as u64 * people / 1_000 {
                self.type_next(people);
            }
            while self.sent.iter().sum::<u64>() < (elapsed.as_secs_f64() * plan.rate * plan.rooms as f64) as u64 {
                self.send_next();
            }
            self.turn(Duration::from_millis(2))?;
            if elapsed.as_secs() > looked {
                looked = elapsed.as_secs();
                most = most.max(host.vitals()?.kib);
            }
        }
        let end = Instant::now();
        let deliveries = self.sent.iter().sum::<u64>() * plan.members as u64;
        let unheard = |storm: &Self| plan.shown && (storm.typing_events == 0 || storm.read_events == 0);
        while self.heard.deliveries < deliveries || self.quiet.contains(&false) || unheard(&self) {
            let left = deliveries.saturating_sub(self.heard.deliveries);
            ensure!(
                end.elapsed() < Duration::from_secs(60),
                "{left} deliveries are missing, or somebody types for ever, or nobody hears of typing and reading"
            );
            self.turn(Duration::from_millis(20))?;
        }
        self.heard.is_whole()?;
        ensure!(self.sockets.ended() == 0, "{} sockets ended", self.sockets.ended());
        let read = self.check_stored(host)?;
        let grown = most.max(host.vitals()?.kib).saturating_sub(before.kib) as f64 / 1024.0;
        println!(
            "storms: {} rooms of {}: {} typing commands and {} reads in {} s gave {} and {} events; the server grew by \
             {grown:.1} MiB (at most {MOST_MIB})",
            plan.rooms, plan.members, self.typed, self.read, plan.seconds, self.typing_events, self.read_events
        );
        println!(
            "storms: {} messages were heard {} times meanwhile, each once, p99 {}; all receipts stored {:.2} s after",
            self.sent.iter().sum::<u64>(),
            self.heard.deliveries,
            within(&self.times, 0.99),
            read.as_secs_f64()
        );
        ensure!(grown <= MOST_MIB, "the server grew by {grown:.1} MiB");
        for events in [self.typing_events, self.read_events] {
            ensure!((events > 0) == plan.shown, "{events} events, where showing them is {}", plan.shown);
        }
        Ok(())
    }

    /// Everybody begins or ends once a second, one after the other.
    fn type_next(&mut self, people: u64) {
        let (n, round) = ((self.typed % people) as usize, self.typed / people);
        let command: &[u8] =
            if round % 2 == 0 { br#"{"action":"typing_start"}"# } else { br#"{"action":"typing_stop"}"# };
        self.sockets.send(n, |out| message::push_text_frame(out, command));
        self.typed += 1;
    }

    fn send_next(&mut self) {
        let room = (self.sent.iter().sum::<u64>() % self.plan.rooms as u64) as usize;
        let number = self.sent[room];
        self.sent[room] += 1;
        if room == 0 {
            self.sent_at.push(Instant::now());
        }
        self.sockets.send(room * self.plan.members, |out| message::push_frame(out, 0, number, true));
    }

    /// Hears what came, and reads it.
    fn turn(&mut self, patience: Duration) -> Result<()> {
        let Self { plan, sockets, heard, sent_at, times, reads, typing_events, read_events, quiet, .. } = self;
        sockets.turn(patience, |n, text| {
            if let Some((_, number)) = heard.hear(n, text) {
                reads.push((n, number + 1));
                if n < plan.members {
                    times.add(sent_at[number as usize].elapsed());
                }
            } else if text.starts_with(br#"{"type":"typing""#) {
                *typing_events += 1;
                quiet[n] = text.ends_with(br#""typing":[]}"#);
            } else if text.starts_with(br#"{"type":"message_read""#) {
                *read_events += 1;
            }
        })?;
        for (n, seq) in self.reads.drain(..) {
            let command = format!(r#"{{"action":"read_message","seq":{seq}}}"#);
            self.sockets.send(n, |out| message::push_text_frame(out, command.as_bytes()));
            self.read += 1;
        }
        Ok(())
    }

    /// What is stored is what was sent, and everybody has read all of it.
    fn check_stored(&mut self, host: &Host) -> Result<Duration> {
        let begun = Instant::now();
        let mut history = History::of(host.address)?;
        for (room, sent) in self.sent.clone().into_iter().enumerate() {
            let room = format!("job:{room}");
            loop {
                let read = history.readers(&room, sent)?;
                if read == self.plan.members {
                    break;
                }
                let members = self.plan.members;
                ensure!(begun.elapsed() < Duration::from_secs(60), "{room}: {read} of {members} have read all");
                self.turn(Duration::from_millis(50))?;
            }
            history.check(&room, &[sent])?;
        }
        Ok(begun.elapsed())
    }
}
