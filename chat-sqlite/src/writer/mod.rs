//! The one thread that writes.
//!
//! It takes what waits, applies it in one transaction, and answers everybody when that is durable. While it commits,
//! the next batch gathers. `draft` is how one commit is applied, `heads` what is remembered from one to the next.

mod draft;
mod heads;
mod registers;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use chat_core::store::{Applied, Commit, CommitError, StoreError, StoreResult};
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

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

/// How many commits one transaction holds at most, unless one request brings more.
const BATCH: usize = 1_024;

/// How many requests wait at most.
pub(crate) const WAITING: usize = 256;

/// What a commit came to.
pub(crate) type Answer = Result<Applied, CommitError>;

/// Commits, and who waits for what becomes of them.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) commits: Vec<Commit>,
    pub(crate) reply: oneshot::Sender<Vec<Answer>>,
}

/// See the module.
pub(crate) struct Writer {
    database: Database,
    /// Absent after a failure: the next batch opens it anew.
    connection: Option<Connection>,
    heads: Heads,
    names: Arc<Names>,
    _lock: Arc<Lock>,
}

impl Writer {
    pub(crate) fn open(database: Database, names: Arc<Names>, lock: Arc<Lock>) -> Outcome<Self> {
        let connection = connect(&database, &names)?;
        Ok(Self { database, connection: Some(connection), heads: Heads::default(), names, _lock: lock })
    }

    /// Writes until nobody is left who could ask; then lets go of the file.
    pub(crate) fn run(mut self, mut waiting: mpsc::Receiver<Request>) -> StoreResult<()> {
        while let Some(first) = waiting.blocking_recv() {
            let mut commits = first.commits.len();
            let mut requests = vec![first];
            while commits < BATCH
                && let Ok(next) = waiting.try_recv()
            {
                commits += next.commits.len();
                requests.push(next);
            }
            self.answer(requests);
        }
        self.close()
    }

    /// Writes what was asked for, all together, and says what became of it.
    fn answer(&mut self, requests: Vec<Request>) {
        let (batches, replies): (Vec<_>, Vec<_>) =
            requests.into_iter().map(|request| (request.commits, request.reply)).unzip();
        let sizes: Vec<_> = batches.iter().map(Vec::len).collect();
        let written = catch_unwind(AssertUnwindSafe(|| self.write(batches))).unwrap_or(Err(Failure::Panicked));
        let answers = written.unwrap_or_else(|failure| {
            // After a failed sync nobody knows what this connection believes. Closing it rolls back.
            self.connection = None;
            self.heads.clear();
            let error = StoreError::from(failure);
            sizes.iter().map(|size| vec![Err(error.clone().into()); *size]).collect()
        });
        for (reply, answer) in replies.into_iter().zip(answers) {
            // Whoever asked may have gone.
            let _ = reply.send(answer);
        }
    }

    /// One transaction. Where it fails, nothing of it is there.
    fn write(&mut self, batches: Vec<Vec<Commit>>) -> Outcome<Vec<Vec<Answer>>> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            closed => closed.insert(connect(&self.database, &self.names)?),
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

    /// Writes the log back into the file and removes it.
    fn close(self) -> StoreResult<()> {
        let Some(connection) = self.connection else { return Ok(()) };
        let checkpoint = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        let closed = checkpoint.and_then(|()| connection.close().map_err(|(_, error)| error));
        closed.map_err(|error| Failure::from(error).into())
    }
}

/// A connection that writes. What was known of the names is as it finds them.
fn connect(database: &Database, names: &Names) -> Outcome<Connection> {
    let connection = database.connect(Purpose::Write)?;
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
        let (reply, mut answer) = oneshot::channel();
        writer.answer(vec![Request { commits, reply }]);
        answer.try_recv().expect("an answer")
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
