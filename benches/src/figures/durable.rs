//! One durable send after the other, nothing beside it: from the send to the event at both sockets.

use anyhow::Result;

use crate::load::Outcome;

use super::{Must, Setting, Table, alternate, rooms::Crowd};

pub(super) fn run(setting: &Setting) -> Result<Table> {
    let crowd = Crowd { rooms: 1, members: 2, senders: 1, in_flight: 1, rate: None };
    let (ours, bare) = alternate(setting.rounds, || crowd.chat(setting), || crowd.bare(setting))?;
    let note = Must::Known("the must is against Node, in its own issue");
    let of = |runs: &[Outcome], what: fn(&Outcome) -> f64| runs.iter().map(what).collect::<Vec<_>>();
    let mut table = Table::default();
    table.compare((&of(&ours, |o| o.p50_ms), "chat-server, p50"), (&of(&bare, |o| o.p50_ms), "bare, p50"), note);
    table.compare((&of(&ours, |o| o.p99_ms), "chat-server, p99"), (&of(&bare, |o| o.p99_ms), "bare, p99"), note);
    Ok(table)
}
