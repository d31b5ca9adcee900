//! A room of 100 at half of what the chat server can do: how long the slowest of a hundred deliveries takes. The bare
//! loop is given the same rate, which is less than half of what it can do.

use anyhow::Result;

use super::{
    KNOWN, Must, Setting, Table,
    rooms::{Crowd, against_bare},
};

pub(super) fn run(setting: &Setting) -> Result<Table> {
    let flat_out = Crowd::room(100, 512);
    let rate = flat_out.chat(setting)?.send_rate() / 2.0;
    let sides = Crowd { rate: Some(rate), ..flat_out }.against_bare(setting)?;
    let mut table = Table::default();
    table.row("messages/s", [rate], KNOWN);
    sides.compare(&mut table, "p50, ms", |outcome| outcome.p50_ms, &[]);
    sides.compare(&mut table, "p99, ms", |outcome| outcome.p99_ms, &[against_bare(Must::AtMost(2.0).into())]);
    Ok(table)
}
