//! What writes: one transaction at a time.
//!
//! `shared` says who works with it, its own thread or whoever asks. `draft` is how one commit is applied, `heads` what is
//! remembered from one to the next, `wal` how much is to be written back, `trim` what is kept no longer.

mod draft;
mod heads;
mod registers;
mod shared;
mod trim;
mod wal;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use chat_core::{
    Timestamp,
    store::{Applied, Commit, CommitError, StoreError, StoreResult},
};
use rusqlite::Connection;

use crate::{
    database::Database,
    failure::{Failure, Outcome},
    lock::Lock,
    names::Names,
    schema::Purpose,
    sql::Sql,
};

use draft::Draft;
use heads::Heads;
use trim::Trim;
use wal::{Load, Wal};

pub(crate) use shared::{SharedWriter, WriterHandle};

/// What a commit came to.
pub(crate) type Answer = Result<Applied, CommitError>;

/// See the module.
pub(crate) struct Writer {
    database: Database,
    /// Absent after a failure: the next batch opens it anew.
    connection: Option<Connection>,
    heads: Heads,
    names: Arc<Names>,
    wal: Wal,
    trim: Trim,
    _lock: Arc<Lock>,
}

impl Writer {
    pub(crate) fn open(database: Database, names: Arc<Names>, lock: Arc<Lock>) -> Outcome<Self> {
        let (heads, trim, wal) = (Heads::default(), Trim::default(), Wal::default());
        let connection = Some(connect(&database, &names, &wal)?);
        Ok(Self { database, connection, heads, names, wal, trim, _lock: lock })
    }

    /// Writes what was asked for, all together, and says what became of it.
    fn answer(&mut self, batches: Vec<Vec<Commit>>) -> Vec<Vec<Answer>> {
        let sizes: Vec<_> = batches.iter().map(Vec::len).collect();
        let written = catch_unwind(AssertUnwindSafe(|| self.write(batches))).unwrap_or(Err(Failure::Panicked));
        written.unwrap_or_else(|failure| {
            // After a failed sync nobody knows what this connection believes. Closing it rolls back.
            self.connection = None;
            self.heads.clear();
            let error = StoreError::from(failure);
            sizes.iter().map(|size| vec![Err(error.clone().into()); *size]).collect()
        })
    }

    /// One transaction. Where it fails, nothing of it is there.
    fn write(&mut self, batches: Vec<Vec<Commit>>) -> Outcome<Vec<Vec<Answer>>> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            closed => closed.insert(connect(&self.database, &self.names, &self.wal)?),
        };
        connection.run("BEGIN IMMEDIATE", [])?;
        let mut answers = Vec::with_capacity(batches.len());
        for batch in batches {
            let apply = |commit| Draft::apply(connection, &mut self.heads, &self.names, self.database.meta, commit);
            answers.push(batch.into_iter().map(apply).collect::<Outcome<Vec<_>>>()?);
        }
        self.heads.write(connection, self.database.meta.digester)?;
        let moved = self.names.write(connection)?;
        connection.run("COMMIT", [])?;
        self.names.forget(&moved);
        self.heads.trim();
        Ok(answers)
    }

    /// Whether a commit at this time takes more than to be written: the file must be opened anew, or something is to be
    /// tidied within it or after it.
    fn has_chores(&self, now: Timestamp) -> bool {
        self.connection.is_none() || self.wal.is_due(Load::Light) || self.names.are_due() || self.trim.is_due(now)
    }

    /// Tidies: writes a long log back, and removes a little of what need not be kept any more.
    fn do_chores(&mut self, now: Timestamp, load: Load) {
        let tidied = catch_unwind(AssertUnwindSafe(|| self.tidy(now, load))).unwrap_or(Err(Failure::Panicked));
        if tidied.is_err() {
            // It is tried again; whatever is wrong, the next batch will be told.
            self.connection = None;
            self.heads.clear();
        }
    }

    fn tidy(&mut self, now: Timestamp, load: Load) -> Outcome<()> {
        let Some(connection) = &self.connection else { return Ok(()) };
        self.wal.write_back(connection, load);
        if self.trim.is_due(now) {
            self.trim.step(connection, now, self.database.options.retention)?;
        }
        Ok(())
    }

    /// Writes the log back into the file and removes it.
    fn close(self) -> StoreResult<()> {
        let Some(connection) = self.connection else { return Ok(()) };
        let checkpoint = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        let closed = checkpoint.and_then(|()| connection.close().map_err(|(_, error)| error));
        closed.map_err(|error| Failure::from(error).into())
    }
}

/// A connection that writes. What was known of the names is as it finds them.
fn connect(database: &Database, names: &Names, wal: &Wal) -> Outcome<Connection> {
    let mut connection = database.connect(Purpose::Write)?;
    wal.watch(&mut connection)?;
    names.load(&connection)?;
    Ok(connection)
}

#[cfg(test)]
mod tests {
    use chat_core::Role;
    use chat_testkit::{
        cast::{alice, message_id, room_id},
        commits::{CommitExt as _, commit, create, join, post},
    };

    use super::*;
    use crate::open::{self, Options};

    fn writer(folder: &tempfile::TempDir) -> Writer {
        let (database, lock) = open::open(&folder.path().join("chat.db"), Options::default()).unwrap();
        Writer::open(database, Arc::default(), Arc::new(lock)).unwrap()
    }

    fn ask(writer: &mut Writer, commits: Vec<Commit>) -> Vec<Answer> {
        writer.answer(vec![commits]).swap_remove(0)
    }

    /// A named message; its name tells its number.
    fn named(number: u64) -> Commit {
        let said = post(message_id(number), &alice(), "hi");
        commit(room_id(1), [said]).by(&alice()).named(&format!("op-{number}"), number)
    }

    fn make_room(writer: &mut Writer) {
        let made = ask(writer, vec![commit(room_id(1), [create(), join(&alice(), Role::Member)])]);
        assert!(made[0].is_ok());
    }

    /// The place that a message was given.
    fn place(answer: &Answer) -> u64 {
        match answer {
            Ok(Applied::Done(done)) => done.changes[0].cursor.rev,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_full_disk_fails_the_whole_batch_and_the_writer_goes_on_when_there_is_room_again() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = writer(&folder);
        make_room(&mut writer);
        let connection = writer.connection.as_ref().unwrap();
        let pages: i64 = connection.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
        connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(())).unwrap();
        let large = "x".repeat(16_000);
        let large = (1..=3).map(|n| commit(room_id(1), [post(message_id(n), &alice(), &large)])).collect();
        let full: Answer = Err(StoreError::Full.into());
        assert_eq!(ask(&mut writer, large), vec![full; 3]);
        // The new connection knows of no limit; the numbers were given back.
        let posted = ask(&mut writer, vec![commit(room_id(1), [post(message_id(1), &alice(), "hi")])]);
        assert_eq!(place(&posted[0]), 3);
    }

    #[test]
    fn a_row_that_cannot_be_fails_the_batch_and_what_was_remembered_is_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = writer(&folder);
        make_room(&mut writer);
        let damage = |sql| writer.connection.as_ref().unwrap().execute(sql, []).unwrap();
        damage("INSERT INTO change (place, posted, kind, at, chain) VALUES ((1 << 32) + 4, 0, 1, 0, 0)");
        let (said, renamed) = (post(message_id(1), &alice(), "hi"), chat_testkit::commits::rename("kitchen"));
        let answers = ask(&mut writer, vec![commit(room_id(1), [said.clone()]), commit(room_id(1), [renamed])]);
        assert!(matches!(answers[..], [Err(CommitError::Failed(_)), Err(CommitError::Failed(_))]), "{answers:?}");
        let posted = ask(&mut writer, vec![commit(room_id(1), [said])]);
        assert_eq!(place(&posted[0]), 3);
    }

    #[test]
    fn a_name_is_found_before_and_after_it_moved_to_the_index_and_when_the_file_is_opened_again() {
        let folder = tempfile::tempdir().unwrap();
        let mut first = writer(&folder);
        make_room(&mut first);
        // More than gather before they move: the first of them have moved, the last of them have not.
        let total = 18_000;
        for start in (1..=total).step_by(600) {
            let answers = ask(&mut first, (start..start + 600).map(named).collect());
            assert!(answers.iter().all(Result::is_ok));
        }
        let count = |writer: &Writer, sql: &str| {
            writer.connection.as_ref().unwrap().query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap()
        };
        let indexed = count(&first, "SELECT count(*) FROM name");
        assert!((1..i64::try_from(total).unwrap()).contains(&indexed), "{indexed}");
        let repeated = |writer: &mut Writer, total: u64| {
            let again = ask(writer, (1..=total).step_by(7).map(named).collect());
            assert!(again.iter().all(|answer| matches!(answer, Ok(Applied::Before(_)))));
        };
        repeated(&mut first, total);
        first.close().unwrap();

        let mut second = writer(&folder);
        repeated(&mut second, total);
        // They go on moving, the ones that had moved before as well, until all of that time are in the index.
        for start in (total + 1..=total + 36_000).step_by(600) {
            ask(&mut second, (start..start + 600).map(named).collect());
        }
        let indexed = count(&second, "SELECT count(DISTINCT seq) FROM name WHERE seq <= 18000");
        assert_eq!(indexed, i64::try_from(total).unwrap());
        repeated(&mut second, total + 36_000);
        let rows = count(&second, "SELECT sum(length(names)) / 16 FROM fresh");
        assert!(rows < 60_000, "what has moved is removed: {rows}");
        second.close().unwrap();
        let file = folder.path().join("chat.db");
        assert!(crate::verify(&file, |_| ()).unwrap().is_sound());
        Connection::open(&file).unwrap().execute("DELETE FROM fresh", []).unwrap();
        let damage = crate::verify(&file, |_| ()).unwrap().damage;
        assert!(damage.iter().all(|row| row.problem == "is not found by its name") && !damage.is_empty());
    }

    #[test]
    fn a_name_whose_transaction_failed_is_free_again() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = writer(&folder);
        make_room(&mut writer);
        let damage = |sql| writer.connection.as_ref().unwrap().execute(sql, []).unwrap();
        damage("INSERT INTO change (place, posted, kind, at, chain) VALUES ((1 << 32) + 4, 0, 1, 0, 0)");
        let renamed = commit(room_id(1), [chat_testkit::commits::rename("kitchen")]);
        let failed = ask(&mut writer, vec![named(1), renamed]);
        assert!(matches!(failed[..], [Err(CommitError::Failed(_)), Err(CommitError::Failed(_))]), "{failed:?}");
        assert!(matches!(ask(&mut writer, vec![named(1)])[..], [Ok(Applied::Done(_))]));
        assert!(matches!(ask(&mut writer, vec![named(1)])[..], [Ok(Applied::Before(_))]));
    }
}
