//! A room of 100 at a steady 500 messages a second: what it costs, and how long a message takes.

use anyhow::Result;

use crate::load::Outcome;

use super::{Must, Setting, Table, alternate, rooms::Crowd};

pub(super) fn run(setting: &Setting) -> Result<Table> {
    let crowd = Crowd { rooms: 1, members: 100, senders: 8, in_flight: 512, rate: Some(500.0) };
    let (ours, bare) = alternate(setting.rounds, || crowd.chat(setting), || crowd.bare(setting))?;
    let of = |runs: &[Outcome], what: fn(&Outcome) -> f64| runs.iter().map(what).collect::<Vec<_>>();
    let shares = (of(&ours, |o| o.server_cpu), of(&bare, |o| o.server_cpu));
    let halves = (of(&ours, |o| o.p50_ms), of(&bare, |o| o.p50_ms));
    let mut table = Table::default();
    table.compare((&shares.0, "chat-server, CPU"), (&shares.1, "bare, CPU"), Must::AtMost(1.4));
    let note = Must::Known("the must is against Node, in its own issue");
    table.compare((&halves.0, "chat-server, p50 ms"), (&halves.1, "bare, p50 ms"), note);
    table.row("chat-server, p99 ms", of(&ours, |o| o.p99_ms), Must::Known(""));
    Ok(table)
}
