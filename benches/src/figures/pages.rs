//! History over HTTP.

use anyhow::Result;

use crate::{
    load::Pages,
    servers::{Load, Server, progress},
};

use super::{Must, Setting, Table};

const MESSAGES: u64 = 5_000;

pub(super) fn run(setting: &Setting) -> Result<Table> {
    let server = Server::chat(&setting.database())?;
    server.make_rooms(1, 2)?;
    progress(&format!("  writing {MESSAGES} messages …"));
    server.fill_room(MESSAGES)?;
    let mut rates = Vec::with_capacity(setting.rounds);
    for round in 1..=setting.rounds {
        progress(&format!("  round {round} of {}", setting.rounds));
        let args = [
            "pages".into(),
            format!("--server={}", server.address),
            format!("--messages={MESSAGES}"),
            format!("--seconds={}", setting.seconds),
        ];
        rates.push(Load::run::<Pages>(&args)?.0.rate);
    }
    progress("");
    let mut table = Table::default();
    table.row("chat-server", rates, Must::Known("the must is against Node, in its own issue; it did 1.4 k"));
    Ok(table)
}
