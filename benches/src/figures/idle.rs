//! Ten thousand sockets join at once, with tokens that are checked, and stay.

use std::time::Duration;

use anyhow::Result;

use crate::{
    load::Storm,
    machine,
    servers::{Load, Server, rest},
};

use super::{KNOWN, Must, Setting, Table, alternate};

const SOCKETS: usize = 10_000;

pub(super) fn run(setting: &Setting) -> Result<Table> {
    let mut table = Table::default();
    for (members, what) in [(2, "in 5,000 rooms"), (0, "without a room")] {
        let chat = || {
            let server = Server::chat(&setting.database())?;
            if let Some(rooms) = SOCKETS.checked_div(members) {
                server.make_rooms(rooms, members)?;
            }
            storm(&server, members)
        };
        let (ours, bare) = alternate(setting.rounds, chat, || storm(&Server::bare()?, members))?;
        let kib = |runs: &[(f64, f64)]| runs.iter().map(|(_, kib)| *kib).collect::<Vec<_>>();
        let seconds = |runs: &[(f64, f64)]| runs.iter().map(|(seconds, _)| *seconds).collect::<Vec<_>>();
        table.row(format!("chat-server, KiB a socket, {what}"), kib(&ours), Must::AtMost(10.0).aim(6.0));
        table.row(format!("bare, KiB a socket, {what}"), kib(&bare), KNOWN);
        table.row(format!("chat-server, all in after s, {what}"), seconds(&ours), Must::AtMost(2.0));
        table.row(format!("bare, all in after s, {what}"), seconds(&bare), KNOWN);
        let note = Must::Known("aimed at: at most 2");
        table.ratio("  all in after, chat-server / bare", &seconds(&ours), &seconds(&bare), note);
    }
    Ok(table)
}

/// The seconds until all are in, and what each holds in memory, in KiB.
fn storm(server: &Server, members: usize) -> Result<(f64, f64)> {
    let before = machine::resident_kib(server.pid())?;
    let args = [
        "storm".into(),
        format!("--server={}", server.address),
        format!("--sockets={SOCKETS}"),
        format!("--members={members}"),
    ];
    let (storm, _load) = Load::run::<Storm>(&args)?;
    rest(Duration::from_secs(2));
    let after = machine::resident_kib(server.pid())?;
    Ok((storm.seconds, after.saturating_sub(before) as f64 / SOCKETS as f64))
}
