//! A room of 100 at a steady 500 messages a second: what it costs, and how long a message takes.

use std::time::Instant;

use anyhow::Result;

use crate::{load::Outcome, machine, servers::Server};

use super::{Must, Setting, Table, alternate, rooms::Crowd};

pub(super) fn run(setting: &Setting) -> Result<Table> {
    let crowd = Crowd { rooms: 1, members: 100, senders: 8, in_flight: 512, rate: Some(500.0) };
    let measured = |server: &Server| {
        let (begun, cpu) = (Instant::now(), machine::cpu_time(server.pid())?);
        let outcome = crowd.run(server, setting)?;
        let share = (machine::cpu_time(server.pid())? - cpu).as_secs_f64() / begun.elapsed().as_secs_f64();
        Ok((share, outcome))
    };
    let chat = || {
        let server = Server::chat(&setting.database())?;
        server.make_rooms(1, 100)?;
        measured(&server)
    };
    let (ours, bare) = alternate(setting.rounds, chat, || measured(&Server::bare()?))?;
    let shares = |runs: &[(f64, Outcome)]| runs.iter().map(|(share, _)| *share).collect::<Vec<_>>();
    let halves = |runs: &[(f64, Outcome)]| runs.iter().map(|(_, outcome)| outcome.p50_ms).collect::<Vec<_>>();
    let mut table = Table::default();
    table.compare((&shares(&ours), "chat-server, CPU"), (&shares(&bare), "bare, CPU"), Must::AtMost(1.4));
    let note = Must::Known("the must is against Node, in its own issue");
    table.compare((&halves(&ours), "chat-server, p50 ms"), (&halves(&bare), "bare, p50 ms"), note);
    table.row("chat-server, p99 ms", ours.iter().map(|(_, outcome)| outcome.p99_ms), Must::Known(""));
    Ok(table)
}
