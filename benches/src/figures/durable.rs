//! One durable send after the other, nothing beside it: from the send to the event at both sockets.

use anyhow::Result;

use super::{
    Must, Setting, Table,
    rooms::{Crowd, against_node},
};

pub(super) fn run(setting: &Setting) -> Result<Table> {
    let crowd = Crowd { rooms: 1, members: 2, senders: 1, in_flight: 1, rate: None };
    let sides = crowd.against_all(setting)?;
    let mut table = Table::default();
    let as_node = against_node(Must::AtMost(1.0).aim(0.7));
    sides.compare(&mut table, "p50, ms", |outcome| outcome.p50_ms, &[as_node]);
    sides.compare(&mut table, "p99, ms", |outcome| outcome.p99_ms, &[as_node]);
    Ok(table)
}
