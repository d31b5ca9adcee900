//! Rooms, flat out, over sockets.

use anyhow::{Result, ensure};

use crate::{
    load::Outcome,
    peer::{self, Tell},
    servers::{Load, Server},
};

use super::{
    Goal, Setting, Table,
    sides::{Against, Side, Sides},
};

/// How the load is told what to do.
pub(super) struct Crowd {
    pub(super) rooms: usize,
    pub(super) members: usize,
    pub(super) senders: usize,
    pub(super) in_flight: u64,
    pub(super) rate: Option<f64>,
}

impl Crowd {
    /// One room: eight write, as many messages as are given are under way.
    pub(super) const fn room(members: usize, in_flight: u64) -> Self {
        Self { rooms: 1, members, senders: 8, in_flight, rate: None }
    }

    /// Runs it against a server that has the rooms.
    fn run(&self, server: &Server, setting: &Setting) -> Result<Outcome> {
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

    /// Runs it against a new server that stores: first the rooms are made.
    pub(super) fn stored(&self, server: Result<Server>, setting: &Setting) -> Result<Outcome> {
        let server = server?;
        server.make_rooms(self.rooms, self.members)?;
        self.run(&server, setting)
    }

    /// Runs it against a new chat server.
    pub(super) fn chat(&self, setting: &Setting) -> Result<Outcome> {
        self.stored(Server::chat(&setting.database()), setting)
    }

    /// Runs it against a new bare loop.
    pub(super) fn bare(&self, setting: &Setting) -> Result<Outcome> {
        self.run(&Server::bare()?, setting)
    }

    /// Runs it against a new chat server and a new bare loop in turns.
    pub(super) fn against_bare(&self, setting: &Setting) -> Result<Sides<Outcome>> {
        let (chat, bare) = (|| self.chat(setting), || self.bare(setting));
        Sides::in_turns(setting.rounds, &[("chat-server", &chat), (BARE, &bare)])
    }

    /// Runs it against new servers of all kinds in turns, those on Node where they can be run.
    pub(super) fn against_all(&self, setting: &Setting) -> Result<Sides<Outcome>> {
        let node = |tell| self.stored(Server::node(&setting.database(), tell), setting);
        let (chat, bare) = (|| self.chat(setting), || self.bare(setting));
        let (shared, corked) = (|| node(Tell::Shared), || node(Tell::Corked));
        let sides: [Side<'_, Outcome>; 4] =
            [("chat-server", &chat), (BARE, &bare), (NODE_SHARED, &shared), (NODE_CORKED, &corked)];
        Sides::in_turns(setting.rounds, if peer::is_there() { &sides } else { &sides[..2] })
    }
}

/// What the others are called: the bare loop, and the one on Node by how it tells.
const BARE: &str = "bare";
const NODE_SHARED: &str = "Node shared";
const NODE_CORKED: &str = "Node corked";

/// What must hold against the bare loop.
pub(super) const fn against_bare(goal: Goal) -> Against {
    (&[BARE], goal)
}

/// What must hold against the better of the two on Node.
pub(super) const fn against_node(goal: Goal) -> Against {
    (&[NODE_SHARED, NODE_CORKED], goal)
}

/// One room of a few, or of very many; it is held against the bare loop only.
pub(super) fn fan_out(setting: &Setting, members: usize, in_flight: u64) -> Result<Table> {
    let sides = Crowd::room(members, in_flight).against_bare(setting)?;
    let mut table = Table::default();
    sides.compare(&mut table, "deliveries/s", Outcome::delivery_rate, &[]);
    add_load(&mut table, &sides);
    Ok(table)
}

/// One room with many in it: 512 messages are under way.
pub(super) fn crowd(setting: &Setting, members: usize, goals: &[Against]) -> Result<Table> {
    let sides = Crowd::room(members, 512).against_all(setting)?;
    let mut table = Table::default();
    sides.compare(&mut table, "deliveries/s", Outcome::delivery_rate, goals);
    add_load(&mut table, &sides);
    Ok(table)
}

/// Many rooms of two, with so many messages under way in each.
pub(super) fn pairs(setting: &Setting, rooms: usize, in_flight: u64, goal: Goal) -> Result<Table> {
    let sides = Crowd { rooms, members: 2, senders: 1, in_flight, rate: None }.against_all(setting)?;
    let mut table = Table::default();
    sides.compare(&mut table, "sends/s", Outcome::send_rate, &[against_node(goal)]);
    sides.compare(&mut table, "p50, ms", |outcome| outcome.p50_ms, &[]);
    add_load(&mut table, &sides);
    Ok(table)
}

/// What a delivery costs, which others on the machine disturb less than the rate; and how busy the load was: with 1 it
/// would be the load that was measured.
fn add_load(table: &mut Table, sides: &Sides<Outcome>) {
    sides.compare(table, "µs of its core a delivery", Outcome::delivery_cost, &[]);
    let note = "near 1: the load is the limit";
    sides.show(table, "share of its core that the load used", |outcome| outcome.load_cpu, note);
}
