//! Rooms out of a database.

use std::{io::Write, path::Path};

use chat_core::Member;
use rusqlite::Connection;

use crate::{
    failure::Failure,
    maintenance::{MaintenanceError, Progress, read_only},
    rows::{self, RoomHead, count},
    sql::Sql,
};

use super::line::{Head, Line, VERSION};

/// How many messages are read at once.
const PAGE: u64 = 1_024;

/// What was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exported {
    /// Rooms.
    pub rooms: u64,
    /// Participants, past ones included.
    pub participants: u64,
    /// Messages, tombstones included.
    pub messages: u64,
}

/// Writes all rooms of the database at `path` as JSON Lines, as they are at one moment, while others may write it.
/// `progress` is told in messages.
///
/// # Errors
/// What the database says, or `out`.
pub fn export(
    path: &Path,
    out: &mut dyn Write,
    mut progress: impl FnMut(Progress),
) -> Result<Exported, MaintenanceError> {
    let (connection, _) = read_only(path)?;
    connection.execute_batch("BEGIN")?;
    let total = connection.one("SELECT count(*) FROM message", [], |row| count(row, 0))?.unwrap_or(0);
    let numbers = connection.all("SELECT number FROM room ORDER BY number", [], |row| Ok(row.get::<_, i64>(0)?))?;
    let mut export = Export { connection: &connection, out, exported: Exported::default() };
    export.line(&Line::Export(Head { version: VERSION }))?;
    for number in numbers {
        let head = rows::room_numbered(&connection, number)?;
        export.room(&head, |done| progress(Progress { done, total }))?;
    }
    export.out.flush().map_err(MaintenanceError::io("writing the export"))?;
    progress(Progress { done: export.exported.messages, total });
    Ok(export.exported)
}

struct Export<'a> {
    connection: &'a Connection,
    out: &'a mut dyn Write,
    exported: Exported,
}

impl Export<'_> {
    fn room(&mut self, head: &RoomHead, mut progress: impl FnMut(u64)) -> Result<(), MaintenanceError> {
        let RoomHead { number, room, .. } = head;
        self.line(&Line::Room(Box::new(room.clone().into())))?;
        self.exported.rooms += 1;
        let mut after = None;
        loop {
            let members = rows::members(self.connection, *number, room.id, after.as_ref(), PAGE as usize)?;
            let Some(last) = members.last().map(|member: &Member| member.user.clone()) else { break };
            after = Some(last);
            for member in members {
                self.line(&Line::Participant(Box::new(member.into())))?;
                self.exported.participants += 1;
            }
        }
        let mut first = 1;
        while first <= room.last_seq {
            let last = room.last_seq.min(first + PAGE - 1);
            for message in rows::messages(self.connection, *number, room.id, (first, last), false)? {
                self.line(&Line::Message(Box::new(message.into())))?;
                self.exported.messages += 1;
            }
            progress(self.exported.messages);
            first = last + 1;
        }
        Ok(())
    }

    fn line(&mut self, line: &Line) -> Result<(), MaintenanceError> {
        let mut json = serde_json::to_vec(line).map_err(|_| Failure::Damaged("a value is no JSON"))?;
        json.push(b'\n');
        self.out.write_all(&json).map_err(MaintenanceError::io("writing the export"))
    }
}
