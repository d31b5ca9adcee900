//! History over HTTP.

use anyhow::Result;

use crate::{
    load::Pages,
    peer::{self, Tell},
    servers::{Load, Server, progress},
};

use super::{
    Must, Setting, Table,
    sides::{Side, Sides},
};

const MESSAGES: u64 = 5_000;

/// How it tells makes no difference to a page.
const NODE: &str = "Node";

pub(super) fn run(setting: &Setting) -> Result<Table> {
    // Filled one after the other; both then stay, and the one rests while the other is read.
    let chat = filled(Server::chat(&setting.database())?)?;
    let chat = || read(&chat, setting);
    let mut sides: Vec<Side<'_, Pages>> = vec![("chat-server", &chat)];
    let node;
    if peer::is_there() {
        let server = filled(Server::node(&setting.data.join("node.db"), Tell::Shared)?)?;
        node = move || read(&server, setting);
        sides.push((NODE, &node));
    }
    let sides = Sides::in_turns(setting.rounds, &sides)?;
    let mut table = Table::default();
    sides.compare(&mut table, "pages/s", |pages| pages.rate, &[(&[NODE], Must::AtLeast(4.0).aim(6.0))]);
    sides.compare(&mut table, "µs of its core a page", Pages::cost, &[]);
    let note = "near 1: the load is the limit";
    sides.show(&mut table, "share of its core that the load used", |pages| pages.load_cpu, note);
    Ok(table)
}

/// The server, with a room that has a history.
fn filled(server: Server) -> Result<Server> {
    server.make_rooms(1, 2)?;
    progress(&format!("  writing {MESSAGES} messages …"));
    server.fill_room(MESSAGES)?;
    Ok(server)
}

fn read(server: &Server, setting: &Setting) -> Result<Pages> {
    let args = [
        "pages".into(),
        format!("--server={}", server.address),
        format!("--pid={}", server.pid()),
        format!("--messages={MESSAGES}"),
        format!("--seconds={}", setting.seconds),
    ];
    Ok(Load::run::<Pages>(&args)?.0)
}
