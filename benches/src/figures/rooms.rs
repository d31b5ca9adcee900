//! Rooms, flat out, over sockets.

use anyhow::{Result, ensure};

use crate::{
    load::Outcome,
    servers::{Load, Server},
};

use super::{Must, Setting, Table, alternate};

/// How the load is told what to do.
pub(super) struct Crowd {
    pub(super) rooms: usize,
    pub(super) members: usize,
    pub(super) senders: usize,
    pub(super) in_flight: u64,
    pub(super) rate: Option<f64>,
}

impl Crowd {
    /// Runs it against a server that has the rooms.
    pub(super) fn run(&self, server: &Server, setting: &Setting) -> Result<Outcome> {
        let mut args = vec!["rooms".to_owned(), format!("--server={}", server.address)];
        args.push(format!("--pid={}", server.pid()));
        args.push(format!("--rooms={}", self.rooms));
        args.push(format!("--members={}", self.members));
        args.push(format!("--senders={}", self.senders));
        args.push(format!("--in-flight={}", self.in_flight));
        args.push(format!("--seconds={}", setting.seconds));
        args.extend(self.rate.map(|rate| format!("--rate={rate}")));
        args.extend(setting.unnamed.then(|| "--unnamed".to_owned()));
        let (outcome, _load) = Load::run::<Outcome>(&args)?;
        ensure!(
            outcome.is_whole(),
            "not whole: {} lost, {} doubled or late, {} refused, {} sockets ended",
            outcome.lost,
            outcome.doubled,
            outcome.refused,
            outcome.ended
        );
        Ok(outcome)
    }

    /// Runs it against a new chat server.
    pub(super) fn chat(&self, setting: &Setting) -> Result<Outcome> {
        let server = Server::chat(&setting.database())?;
        server.make_rooms(self.rooms, self.members)?;
        self.run(&server, setting)
    }

    /// Runs it against a new bare loop.
    pub(super) fn bare(&self, setting: &Setting) -> Result<Outcome> {
        self.run(&Server::bare()?, setting)
    }
}

/// One room with many in it: eight write, 512 messages are under way.
pub(super) fn crowd(setting: &Setting, members: usize, must: Must) -> Result<Table> {
    let crowd = Crowd { rooms: 1, members, senders: 8, in_flight: 512, rate: None };
    let (ours, bare) = alternate(setting.rounds, || crowd.chat(setting), || crowd.bare(setting))?;
    let mut table = Table::default();
    table.compare((&rates(&ours), "chat-server"), (&rates(&bare), "bare"), must);
    add_load(&mut table, &ours, &bare);
    Ok(table)
}

/// Many rooms of two, with so many messages under way in each.
pub(super) fn pairs(setting: &Setting, rooms: usize, in_flight: u64) -> Result<Table> {
    let crowd = Crowd { rooms, members: 2, senders: 1, in_flight, rate: None };
    let (ours, bare) = alternate(setting.rounds, || crowd.chat(setting), || crowd.bare(setting))?;
    let sends = |outcomes: &[Outcome]| outcomes.iter().map(Outcome::send_rate).collect::<Vec<_>>();
    let note = Must::Known("the must is against Node, in its own issue");
    let mut table = Table::default();
    table.compare((&sends(&ours), "chat-server"), (&sends(&bare), "bare"), note);
    table.row("chat-server, p50 ms", ours.iter().map(|outcome| outcome.p50_ms), Must::Known(""));
    add_load(&mut table, &ours, &bare);
    Ok(table)
}

fn rates(outcomes: &[Outcome]) -> Vec<f64> {
    outcomes.iter().map(Outcome::delivery_rate).collect()
}

/// What a delivery costs, which others on the machine disturb less than the rate; and how busy the load was: with 1 it
/// would be the load that was measured.
fn add_load(table: &mut Table, ours: &[Outcome], bare: &[Outcome]) {
    let costs = |outcomes: &[Outcome]| outcomes.iter().map(Outcome::delivery_cost).collect::<Vec<_>>();
    let names = ("chat-server, µs of its core a delivery", "bare, µs of its core a delivery");
    table.compare((&costs(ours), names.0), (&costs(bare), names.1), Must::Known(""));
    let note = "near 1: the load is the limit";
    table.row("share of its core that the load used, chat-server", ours.iter().map(|o| o.load_cpu), Must::Known(note));
    table.row("share of its core that the load used, bare", bare.iter().map(|o| o.load_cpu), Must::Known(note));
}
