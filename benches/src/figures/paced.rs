//! A room of 100 at a steady 500 messages a second: what it costs, and how long a message takes.

use anyhow::Result;

use super::{
    Must, Setting, Table,
    rooms::{Crowd, against_bare, against_node},
};

pub(super) fn run(setting: &Setting) -> Result<Table> {
    let sides = Crowd { rate: Some(500.0), ..Crowd::room(100, 512) }.against_all(setting)?;
    let mut table = Table::default();
    let as_node = against_node(Must::AtMost(1.0).aim(0.8));
    let share = [against_bare(Must::AtMost(1.4).aim(1.2)), as_node];
    sides.compare(&mut table, "share of the core", |outcome| outcome.server_cpu, &share);
    sides.compare(&mut table, "p50, ms", |outcome| outcome.p50_ms, &[as_node]);
    sides.compare(&mut table, "p99, ms", |outcome| outcome.p99_ms, &[]);
    Ok(table)
}
