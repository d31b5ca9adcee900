//! Rooms full of people: as many messages as are allowed to be in flight, or so many a second.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use anyhow::Result;
use clap::Args;

use crate::{
    machine,
    message::{self, Finder},
    spread::Times,
    token,
};

use super::{
    outcome::Outcome,
    sockets::{Seat, Sockets},
};

/// Who sends what to whom.
#[derive(Args, Clone, Debug)]
pub struct RoomsPlan {
    /// Where the server listens.
    #[arg(long)]
    pub server: SocketAddr,
    /// The server's process, whose time is counted.
    #[arg(long)]
    pub pid: u32,
    /// How many rooms; the first is called `job:0`.
    #[arg(long, default_value_t = 1)]
    pub rooms: usize,
    /// How many are in each.
    #[arg(long, default_value_t = 2)]
    pub members: usize,
    /// How many of those write.
    #[arg(long, default_value_t = 1)]
    pub senders: usize,
    /// How many messages of a room may be under way: not yet with everybody.
    #[arg(long, default_value_t = 1)]
    pub in_flight: u64,
    /// How many messages a second, all rooms together, instead of as many as are allowed.
    #[arg(long)]
    pub rate: Option<f64>,
    /// For how long to count.
    #[arg(long, default_value_t = 5.0)]
    pub seconds: f64,
    /// Messages without a name of their own: the server need not remember it.
    #[arg(long)]
    pub unnamed: bool,
}

/// What is known of one room.
struct Room {
    /// Messages sent.
    sent: u64,
    /// Deliveries seen.
    seen: u64,
    /// When the last ones were sent, by their number in the room.
    sent_at: Vec<Instant>,
}

/// Before it counts, it runs for this long.
const WARM_UP: Duration = Duration::from_millis(700);

/// How many of a room's receivers take the time.
const TIMED: usize = 100;

struct Run<'a> {
    plan: &'a RoomsPlan,
    sockets: Sockets,
    rooms: Vec<Room>,
    /// The number that each receiver expects next of each sender of its room.
    expected: Vec<u64>,
    /// Rooms in which something arrived.
    stirred: Vec<usize>,
    /// Messages that were due to be sent by rate.
    paced: u64,
    finder: Finder,
    times: Times,
    seen: Outcome,
}

/// Runs it.
///
/// # Errors
/// If the server does not let everybody in.
pub fn run(plan: &RoomsPlan) -> Result<Outcome> {
    let seats: Vec<Seat> = (0..plan.rooms * plan.members)
        .map(|n| Seat {
            path: format!("/ws/job_chat/{}/", n / plan.members),
            token: token::of_user(&token::user(n)),
            source: None,
        })
        .collect();
    let (mut sockets, _) = Sockets::open(plan.server, &seats, Duration::from_secs(60))?;
    sockets.settle(Duration::from_millis(200))?;
    let ring = (plan.in_flight.max(if plan.rate.is_some() { 1 << 14 } else { 32 }) * 2).next_power_of_two() as usize;
    let run = Run {
        plan,
        rooms: (0..plan.rooms).map(|_| Room { sent: 0, seen: 0, sent_at: vec![Instant::now(); ring] }).collect(),
        expected: vec![0; seats.len() * plan.senders],
        sockets,
        stirred: Vec::with_capacity(plan.rooms),
        paced: 0,
        finder: Finder::default(),
        times: Times::default(),
        seen: Outcome::default(),
    };
    run.run()
}

impl Run<'_> {
    fn run(mut self) -> Result<Outcome> {
        let begun = Instant::now();
        if self.plan.rate.is_none() {
            for room in 0..self.plan.rooms {
                self.fill(room);
            }
        }
        while begun.elapsed() < WARM_UP {
            self.turn(begun)?;
        }
        let (start, deliveries, cpu) = (Instant::now(), self.seen.deliveries, self.cpu()?);
        self.times = Times::default();
        while start.elapsed().as_secs_f64() < self.plan.seconds {
            self.turn(begun)?;
        }
        let seconds = start.elapsed().as_secs_f64();
        let deliveries = self.seen.deliveries - deliveries;
        let now = self.cpu()?;
        let share = |before: Duration, now: Duration| (now - before).as_secs_f64() / seconds;
        self.drain()?;
        let late: u64 = self.rooms.iter().map(|room| room.sent * self.plan.members as u64 - room.seen).sum();
        Ok(Outcome {
            seconds,
            deliveries,
            messages: deliveries / self.plan.members as u64,
            p50_ms: self.times.quantile_ms(0.5),
            p99_ms: self.times.quantile_ms(0.99),
            lost: self.seen.lost.max(late),
            ended: self.sockets.ended() as u64,
            load_cpu: share(cpu.0, now.0),
            server_cpu: share(cpu.1, now.1),
            ..self.seen
        })
    }

    /// What the load and the server have had of their cores.
    fn cpu(&self) -> Result<(Duration, Duration)> {
        Ok((machine::cpu_time(std::process::id())?, machine::cpu_time(self.plan.pid)?))
    }

    fn turn(&mut self, begun: Instant) -> Result<()> {
        let patience = match self.plan.rate {
            None => Duration::from_millis(100),
            Some(rate) => {
                let due = (begun.elapsed().as_secs_f64() * rate) as u64;
                while self.paced < due {
                    let room = self.paced as usize % self.plan.rooms;
                    self.send(room, 1);
                    self.paced += 1;
                }
                Duration::from_secs_f64(((self.paced + 1) as f64 / rate - begun.elapsed().as_secs_f64()).max(0.0))
            }
        };
        self.receive(patience)?;
        if self.plan.rate.is_none() {
            while let Some(room) = self.stirred.pop() {
                self.fill(room);
            }
        }
        Ok(())
    }

    fn receive(&mut self, patience: Duration) -> Result<()> {
        let Self { plan, sockets, rooms, expected, stirred, finder, times, seen, .. } = self;
        let (mut now, mut of) = (Instant::now(), usize::MAX);
        sockets.turn(patience, |socket, text| {
            let Some((sender, number)) = finder.find(text) else {
                let refused = text.starts_with(br#"{"type":"error""#) || text.starts_with(br#"{"type":"resync""#);
                seen.refused += u64::from(refused);
                return;
            };
            if of != socket {
                (now, of) = (Instant::now(), socket);
            }
            let at = socket / plan.members;
            let next = &mut expected[socket * plan.senders + sender];
            if number < *next {
                seen.doubled += 1;
                return;
            }
            seen.lost += number - *next;
            *next = number + 1;
            let room = &mut rooms[at];
            room.seen += 1;
            seen.deliveries += 1;
            if socket % plan.members < TIMED {
                let sent = number as usize * plan.senders + sender;
                times.add(now.saturating_duration_since(room.sent_at[sent & (room.sent_at.len() - 1)]));
            }
            if stirred.last() != Some(&at) {
                stirred.push(at);
            }
        })?;
        Ok(())
    }

    /// Sends as many as may be under way, once enough of them may.
    fn fill(&mut self, at: usize) {
        let room = &self.rooms[at];
        let under_way = room.sent - room.seen / self.plan.members as u64;
        let free = self.plan.in_flight.saturating_sub(under_way);
        if free >= (self.plan.in_flight / 16).max(1) {
            self.send(at, free);
        }
    }

    /// Sends so many, the senders in turn, each what falls to it in one write.
    fn send(&mut self, at: usize, count: u64) {
        let Self { plan, sockets, rooms, .. } = self;
        let (room, senders) = (&mut rooms[at], plan.senders as u64);
        let (first, mask, now) = (room.sent, room.sent_at.len() - 1, Instant::now());
        for offset in 0..count.min(senders) {
            let sender = ((first + offset) % senders) as usize;
            sockets.send(at * plan.members + sender, |out| {
                for number in (first + offset..first + count).step_by(plan.senders) {
                    room.sent_at[number as usize & mask] = now;
                    message::push_frame(out, sender, number / senders, !plan.unnamed);
                }
            });
        }
        room.sent += count;
    }

    /// Waits for what is under way.
    fn drain(&mut self) -> Result<()> {
        let begun = Instant::now();
        let members = self.plan.members as u64;
        while begun.elapsed() < Duration::from_secs(10) && self.rooms.iter().any(|room| room.seen < room.sent * members)
        {
            self.receive(Duration::from_millis(50))?;
            self.stirred.clear();
        }
        Ok(())
    }
}
