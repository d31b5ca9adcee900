//! Rooms into a database.

use std::{
    io::{BufRead, Read as _},
    path::Path,
};

use chat_core::store::{Digester, RoomSelector};
use rusqlite::{Connection, ErrorCode};

use crate::{
    failure::{Failure, Outcome},
    maintenance::{MaintenanceError, Progress},
    open::{self, Options},
    rows::{self, Posted, RoomHead},
    schema::{Purpose, begin_epoch},
    unread::{count_deleted, own_block, put_own},
};

use super::{
    line::{Line, RoomLine, VERSION},
    plan::{Plan, PlannedChange, Problem},
};

/// How long a line may be: more than the longest that an export writes.
const LINE_BYTES: u64 = 16 * 1024 * 1024;

/// After how many lines progress is told.
const STEP: u64 = 4_096;

/// What was brought in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// Rooms that were made.
    pub rooms: u64,
    /// Rooms that were there already, by id, key or pair, and were left as they are.
    pub skipped: u64,
    /// Participants of the rooms that were made.
    pub participants: u64,
    /// Their messages.
    pub messages: u64,
}

/// Makes rooms in the database at `path`, which is made if it is not there, from JSON Lines. Nobody else may have it
/// open. Ids, senders, times and markers are kept where they are given; numbers follow the order of the lines.
/// `progress` is told in lines, without a total.
///
/// Where rooms were made the file has another epoch: all clients begin anew. A room may have been here before, and
/// deleted; who had it open then must not take what was brought in for what they have.
///
/// Each room is made whole, or not at all.
///
/// # Errors
/// [`MaintenanceError::Line`] with the number of the first line that cannot be; what the database says, or `input`.
pub fn import(
    path: &Path,
    mut input: &mut dyn BufRead,
    mut progress: impl FnMut(Progress),
) -> Result<Imported, MaintenanceError> {
    let (database, _lock) = open::open(path, Options::default())?;
    let connection = database.connect(Purpose::Write)?;
    let digester = database.meta.digester;
    let mut import =
        Import { connection: &connection, digester, target: Target::Nothing, imported: Imported::default() };
    let (mut number, mut text) = (0, Vec::new());
    loop {
        text.clear();
        let read = (&mut input).take(LINE_BYTES + 1).read_until(b'\n', &mut text);
        if read.map_err(MaintenanceError::io("reading the import"))? == 0 {
            break;
        }
        number += 1;
        import.line(&text).map_err(|error| error.at(number))?;
        if number.is_multiple_of(STEP) {
            progress(Progress { done: number, total: 0 });
        }
    }
    import.finish().map_err(|error| error.at(number))?;
    let imported = import.imported;
    connection.pragma_update_and_check(None, "wal_checkpoint", "TRUNCATE", |_| Ok(()))?;
    connection.close().map_err(|(_, error)| error)?;
    progress(Progress { done: number, total: number });
    Ok(imported)
}

/// Why a line cannot be taken.
enum Refused {
    /// The line itself.
    Line(Problem),
    /// The database.
    Store(Failure),
}

impl Refused {
    fn at(self, line: u64) -> MaintenanceError {
        match self {
            Self::Line(problem) => MaintenanceError::Line { line, problem },
            Self::Store(failure) => failure.into(),
        }
    }
}

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        Self::Store(failure)
    }
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Self::Line(problem)
    }
}

/// Where participants and messages go.
enum Target {
    /// There was no room yet.
    Nothing,
    /// Into a room that is being made, in a transaction of its own.
    Room { number: i64, plan: Box<Plan> },
    /// Nowhere: the room was there already.
    Skipped,
}

struct Import<'a> {
    connection: &'a Connection,
    digester: Digester,
    target: Target,
    imported: Imported,
}

impl Import<'_> {
    fn line(&mut self, text: &[u8]) -> Result<(), Refused> {
        if text.len() as u64 > LINE_BYTES {
            return Err(Refused::Line(format!("a line may have {LINE_BYTES} bytes")));
        }
        if text.trim_ascii().is_empty() {
            return Ok(());
        }
        match parse(text)? {
            Line::Export(head) if head.version == VERSION => Ok(()),
            Line::Export(_) => Err(Refused::Line(format!("`version` must be {VERSION}; a newer program wrote this"))),
            Line::Room(room) => {
                self.finish()?;
                self.begin(*room)
            }
            Line::Participant(participant) => match &mut self.target {
                Target::Nothing => Err(Refused::Line("a participant must come after its room".into())),
                Target::Skipped => Ok(()),
                Target::Room { number, plan } => {
                    let change = plan.participant(*participant)?;
                    write_change(self.connection, *number, change)?;
                    self.imported.participants += 1;
                    Ok(())
                }
            },
            Line::Message(message) => match &mut self.target {
                Target::Nothing => Err(Refused::Line("a message must come after its room".into())),
                Target::Skipped => Ok(()),
                Target::Room { number, plan } => {
                    let posted = plan.message(*message)?;
                    write_message(self.connection, self.digester, *number, &posted)?;
                    self.imported.messages += 1;
                    Ok(())
                }
            },
        }
    }

    fn begin(&mut self, line: RoomLine) -> Result<(), Refused> {
        let (plan, made) = Plan::of(line, self.digester)?;
        let room = plan.room();
        let mut names = vec![RoomSelector::Id(room.id)];
        names.extend(room.key.clone().map(RoomSelector::Key));
        names.extend(room.pair.clone().map(|(a, b)| RoomSelector::Pair(a, b)));
        for name in names {
            if rows::room(self.connection, &name)?.is_some() {
                self.imported.skipped += 1;
                self.target = Target::Skipped;
                return Ok(());
            }
        }
        self.connection.execute_batch("BEGIN IMMEDIATE").map_err(Failure::from)?;
        let number = rows::insert_room(self.connection, self.digester, room)?;
        crate::place::fits(number.cast_unsigned(), "there are too many rooms")?;
        write_change(self.connection, number, made)?;
        self.target = Target::Room { number, plan: Box::new(plan) };
        Ok(())
    }

    /// The room that was begun is complete.
    fn finish(&mut self) -> Result<(), Refused> {
        let Target::Room { number, plan } = std::mem::replace(&mut self.target, Target::Nothing) else {
            return Ok(());
        };
        let ids_ascend = plan.ids_ascend();
        let (room, members) = plan.finish();
        for member in members {
            rows::put_member(self.connection, self.digester, number, &member)?;
        }
        rows::update_head(self.connection, self.digester, &RoomHead { number, room, ids_ascend })?;
        if self.imported.rooms == 0 {
            // A room that was here before may come back with the positions that it had, and with other content.
            begin_epoch(self.connection)?;
        }
        self.connection.execute_batch("COMMIT").map_err(Failure::from)?;
        self.imported.rooms += 1;
        Ok(())
    }
}

fn write_change(connection: &Connection, number: i64, change: PlannedChange) -> Outcome<()> {
    let PlannedChange { rev, kind, target, actor, at, chain } = change;
    rows::insert_change(connection, number, 0, kind, &target, (rev, actor.as_ref(), at, chain))
}

fn write_message(connection: &Connection, digester: Digester, number: i64, posted: &Posted) -> Result<(), Refused> {
    let message = &posted.row.message;
    crate::place::fits(posted.row.post_rev, "the room has too many messages")?;
    rows::insert_message(connection, digester, number, posted, None).map_err(|failure| match failure {
        Failure::Sqlite(error) if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => {
            Refused::Line("`id` is that of another message".into())
        }
        failure => failure.into(),
    })?;
    if message.is_deleted() || message.edited_at.is_some() {
        rows::update_message(connection, digester, number, &posted.row)?;
    }
    if message.message_type.countable() {
        if let Some(sender) = &message.sender {
            put_own(connection, number, sender, own_block(message.seq), posted.row.own_ord)?;
        }
        if message.is_deleted() {
            count_deleted(connection, number, message.sender.as_ref(), message.seq)?;
        }
    }
    Ok(())
}

/// Reads a line, or says what is wrong with it: by the names of fields, without anything that they say.
fn parse(text: &[u8]) -> Result<Line, Problem> {
    let mut json = serde_json::Deserializer::from_slice(text);
    let line = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        let error = error.into_inner();
        if !error.is_data() {
            return not_json(&error);
        }
        let said = error.to_string();
        match said.strip_prefix("missing field `").and_then(|rest| rest.split_once('`')) {
            Some((field, _)) => format!("`{field}` is missing"),
            None if said.starts_with("unknown field") => format!("`{path}` is no field of it"),
            None if path == "." => "is not what it must be: `export`, `room`, `participant` or `message`".to_owned(),
            None => format!("`{path}` is not what it must be"),
        }
    })?;
    json.end().map_err(|error| not_json(&error))?;
    Ok(line)
}

fn not_json(error: &serde_json::Error) -> Problem {
    format!("is not JSON, from column {} on", error.column())
}
