//! What a second core brings the chat server. The load needs some of it, which is why this says nothing of what would be
//! possible with a core more; where there is only one, it measures nothing.

use anyhow::Result;

use crate::{load::Outcome, machine, servers::Server};

use super::{KNOWN, Setting, Table, alternate, rooms::Crowd};

pub(super) fn run(setting: &Setting) -> Result<Table> {
    let mut table = Table::default();
    if !machine::can_pin() {
        return Ok(table);
    }
    let pairs = Crowd { rooms: 100, members: 2, senders: 1, in_flight: 16, rate: None };
    let one_by_one = Crowd { rooms: 500, members: 2, senders: 1, in_flight: 1, rate: None };
    for (what, crowd) in [
        ("100 rooms of two, 16 in flight, sends/s", pairs),
        ("500 rooms of two, one in flight, sends/s", one_by_one),
        ("room of 100, sends/s", Crowd::room(100, 512)),
    ] {
        let both = || crowd.stored(Server::chat_on_both(&setting.database()), setting);
        let (both, one) = alternate(setting.rounds, both, || crowd.chat(setting))?;
        let sends = |runs: &[Outcome]| runs.iter().map(Outcome::send_rate).collect::<Vec<_>>();
        let names = (format!("both cores, {what}"), format!("one core, {what}"));
        table.compare((&sends(&both), &names.0), (&sends(&one), &names.1), KNOWN);
    }
    Ok(table)
}
