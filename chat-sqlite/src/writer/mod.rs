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
    _lock: Arc<Lock>,
}

impl Writer {
    pub(crate) fn open(database: Database, lock: Arc<Lock>) -> Outcome<Self> {
        let connection = database.connect(Purpose::Write)?;
        Ok(Self { database, connection: Some(connection), heads: Heads::default(), _lock: lock })
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
            closed => closed.insert(self.database.connect(Purpose::Write)?),
        };
        connection.run("BEGIN IMMEDIATE", [])?;
        let mut answers = Vec::with_capacity(batches.len());
        for batch in batches {
            let apply = |commit| Draft::apply(connection, &mut self.heads, self.database.meta, commit);
            answers.push(batch.into_iter().map(apply).collect::<Outcome<Vec<_>>>()?);
        }
        self.heads.write(connection, self.database.meta.digester)?;
        connection.run("COMMIT", [])?;
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

#[cfg(test)]
mod tests {
    use chat_core::Role;
    use chat_testkit::{
        cast::{alice, message_id, room_id},
        commits::{commit, create, join, post},
    };

    use super::*;
    use crate::open::{self, Options};

    fn writer(folder: &tempfile::TempDir) -> Writer {
        let (database, lock) = open::open(&folder.path().join("chat.db"), Options::default()).unwrap();
        Writer::open(database, Arc::new(lock)).unwrap()
    }

    fn ask(writer: &mut Writer, commits: Vec<Commit>) -> Vec<Answer> {
        let (reply, mut answer) = oneshot::channel();
        writer.answer(vec![Request { commits, reply }]);
        answer.try_recv().expect("an answer")
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
}
