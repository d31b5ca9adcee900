//! What the log no longer keeps: old changes that are no messages, and old names of operations that posted none.
//!
//! They are looked through a few at a time, between two batches, so that nobody waits for it. Of a room's old changes
//! the last one stays: from it on the history is whole, and leads from any rev to its row. Who resumes from before it
//! is given a snapshot.

use std::time::Duration;

use chat_core::Timestamp;
use rusqlite::Connection;

use crate::{failure::Outcome, place::room_at, rows::time, sql::Sql};

/// How many rows of each kind are looked at in one step.
const STEP: u32 = 1_024;

/// How long after a step the next one comes, in milliseconds: sooner where there was something to remove.
const PAUSE: (i64, i64) = (1_000, 60_000);

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Trim {
    /// When the last step was, by the time of the commits, and how long it is until the next one.
    last: i64,
    pause: i64,
    /// From where to look on.
    change: i64,
    operation: Option<Key>,
}

/// What an operation is found by: scope, actor and name.
type Key = (Vec<u8>, String, String);

impl Trim {
    /// Whether it is time for a step.
    pub(super) fn is_due(&self, now: Timestamp) -> bool {
        // Also where the clock was set back.
        (now.as_millis() - self.last).abs() >= self.pause
    }

    /// Takes a step: something of what is older than `retention` at `now` is removed.
    pub(super) fn step(&mut self, connection: &Connection, now: Timestamp, retention: Duration) -> Outcome<()> {
        let now = now.as_millis();
        let before = now.saturating_sub(i64::try_from(retention.as_millis()).unwrap_or(i64::MAX));
        let (changes, operations) = (self.changes(connection, before)?, self.operations(connection, before)?);
        let nothing = changes.is_empty() && operations.is_empty();
        (self.last, self.pause) = (now, if nothing { PAUSE.1 } else { PAUSE.0 });
        if nothing {
            return Ok(());
        }
        connection.run("BEGIN IMMEDIATE", [])?;
        for place in changes {
            connection.run("DELETE FROM change WHERE place = ?1", [place])?;
        }
        for (scope, actor, name) in operations {
            let delete = "DELETE FROM operation WHERE scope = ?1 AND actor = ?2 AND name = ?3";
            connection.run(delete, (scope, actor, name))?;
        }
        connection.run("COMMIT", [])?;
        Ok(())
    }

    /// The next changes that are followed by one that is old as well.
    fn changes(&mut self, connection: &Connection, before: i64) -> Outcome<Vec<i64>> {
        const SELECT: &str = "SELECT place, at FROM change WHERE place >= ?1 ORDER BY place LIMIT ?2";
        let read = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)?, time(row, 1)?.as_millis()));
        let rows = connection.all(SELECT, (self.change, STEP), read)?;
        // The last one is looked at again, beside what follows it.
        self.change = rows.last().filter(|_| is_full(&rows)).map_or(0, |(place, _)| *place);
        let old = rows.windows(2).filter_map(|two| match two {
            [(place, _), (next, at)] if room_at(*place) == room_at(*next) && *at < before => Some(*place),
            _ => None,
        });
        Ok(old.collect())
    }

    fn operations(&mut self, connection: &Connection, before: i64) -> Outcome<Vec<Key>> {
        const SELECT: &str = "SELECT scope, actor, name, at FROM operation WHERE (scope, actor, name) > (?1, ?2, ?3) \
             ORDER BY scope, actor, name LIMIT ?4";
        let (scope, actor, name) = self.operation.take().unwrap_or_default();
        let rows = connection.all(SELECT, (scope, actor, name, STEP), |row| {
            let key: Key = (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok((key, time(row, 3)?.as_millis()))
        })?;
        self.operation = rows.last().filter(|_| is_full(&rows)).map(|(key, _)| key.clone());
        Ok(rows.into_iter().filter(|(_, at)| *at < before).map(|(key, _)| key).collect())
    }
}

/// Whether there may be more.
const fn is_full<T>(rows: &[T]) -> bool {
    rows.len() == STEP as usize
}
