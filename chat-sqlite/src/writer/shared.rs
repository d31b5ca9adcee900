//! Who works with the writer: its thread, or whoever finds it free and needs it for a moment.
//!
//! The thread takes what waits, writes it in one transaction, and answers everybody when that is durable. While it
//! commits, the next batch gathers.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chat_core::store::{Commit, StoreError, StoreResult, Write};
use tokio::sync::{mpsc, oneshot};

use crate::pace::Pace;

use super::{Answer, Writer, wal::Load};

/// How many commits one transaction holds at most, unless one request brings more.
const BATCH: usize = 1_024;

/// From how many on they are a batch that gathered while the one before it was written.
const MANY: usize = 128;

/// How many requests wait at most.
const WAITING: usize = 256;

/// How many writes take next to no longer than one.
const FEW: usize = 8;

/// Commits, and who waits for what becomes of them.
#[derive(Debug)]
struct Request {
    commits: Vec<Commit>,
    reply: oneshot::Sender<Vec<Answer>>,
}

/// Where the writer is, and how long it takes lately.
pub(crate) struct SharedWriter {
    /// Gone when it has closed the file.
    writer: Mutex<Option<Writer>>,
    pace: Pace,
}

/// A handle to the writer. It closes the file when there is none any more.
#[derive(Clone)]
pub(crate) struct WriterHandle {
    shared: Arc<SharedWriter>,
    queue: mpsc::Sender<Request>,
}

/// What the thread takes from.
pub(crate) struct Requests(mpsc::Receiver<Request>);

impl SharedWriter {
    pub(crate) fn new(writer: Writer) -> (Arc<Self>, WriterHandle, Requests) {
        let shared = Arc::new(Self { writer: Mutex::new(Some(writer)), pace: Pace::default() });
        let (queue, requests) = mpsc::channel(WAITING);
        (Arc::clone(&shared), WriterHandle { shared, queue }, Requests(requests))
    }

    /// Writes until nobody is left who could ask; then lets go of the file.
    pub(crate) fn run(&self, Requests(mut waiting): Requests) -> StoreResult<()> {
        while let Some(first) = waiting.blocking_recv() {
            let mut writer = self.lock();
            let Some(writer) = &mut *writer else { break };
            let mut commits = first.commits.len();
            let mut requests = vec![first];
            while commits < BATCH
                && let Ok(next) = waiting.try_recv()
            {
                commits += next.commits.len();
                requests.push(next);
            }
            let (batches, replies): (Vec<_>, Vec<_>) =
                requests.into_iter().map(|request| (request.commits, request.reply)).unzip();
            let now = batches.iter().flatten().map(|commit| commit.at).max();
            let is_small = is_small(batches.iter().flatten());
            let answers = if is_small { self.pace.learn(|| writer.answer(batches)) } else { writer.answer(batches) };
            for (reply, answer) in replies.into_iter().zip(answers) {
                // Whoever asked may have gone.
                let _ = reply.send(answer);
            }
            if let Some(now) = now {
                writer.do_chores(now, if commits < MANY { Load::Light } else { Load::Heavy });
            }
        }
        let writer = self.lock().take();
        writer.map_or(Ok(()), Writer::close)
    }

    /// Writes them here and now, or gives them back: where they may take long, or somebody else writes.
    fn at_once(&self, batch: Vec<Commit>) -> Result<Vec<Answer>, Vec<Commit>> {
        let Some(now) = batch.iter().map(|commit| commit.at).max() else { return Ok(Vec::new()) };
        if self.pace.is_brisk()
            && is_small(&batch)
            && let Ok(mut writer) = self.writer.try_lock()
            && let Some(writer) = &mut *writer
            && !writer.has_chores(now)
        {
            return Ok(self.pace.learn(|| writer.answer(vec![batch])).swap_remove(0));
        }
        Err(batch)
    }

    fn lock(&self) -> MutexGuard<'_, Option<Writer>> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl WriterHandle {
    /// Has them written, together, and says what became of each.
    pub(crate) async fn commit(self, batch: Vec<Commit>) -> StoreResult<Vec<Answer>> {
        // Whoever waits comes first.
        let is_next = self.queue.capacity() == WAITING;
        let batch = match if is_next { self.shared.at_once(batch) } else { Err(batch) } {
            Ok(answers) => return Ok(answers),
            Err(batch) => batch,
        };
        let ended = || StoreError::Unavailable("the writer ended; open the store anew".into());
        let (reply, answers) = oneshot::channel();
        self.queue.send(Request { commits: batch, reply }).await.map_err(|_| ended())?;
        // Closing waits until there is no handle to the writer any more.
        drop(self);
        answers.await.map_err(|_| ended())
    }
}

/// Whether they take next to no longer than one write. All of a room goes with it.
fn is_small<'a>(commits: impl IntoIterator<Item = &'a Commit>) -> bool {
    let mut writes = commits.into_iter().flat_map(|commit| &commit.writes);
    !writes.by_ref().take(FEW).any(|write| matches!(write, Write::DeleteRoom)) && writes.next().is_none()
}

#[cfg(test)]
mod tests {
    use std::{
        pin::pin,
        task::{Context, Poll, Waker},
    };

    use chat_core::Role;
    use chat_testkit::{
        cast::{alice, message_id, room_id},
        commits::{commit, create, join, post},
    };

    use super::*;
    use crate::open::{self, Options};

    fn shared(folder: &tempfile::TempDir) -> (Arc<SharedWriter>, WriterHandle, Requests) {
        let (database, lock) = open::open(&folder.path().join("chat.db"), Options::default()).unwrap();
        SharedWriter::new(Writer::open(database, Arc::default(), Arc::new(lock)).unwrap())
    }

    fn made() -> Vec<Commit> {
        vec![commit(room_id(1), [create(), join(&alice(), Role::Member)])]
    }

    fn said(number: u64) -> Vec<Commit> {
        vec![commit(room_id(1), [post(message_id(number), &alice(), "hi")])]
    }

    /// Whether it is done without having waited.
    fn is_done_at_once(handle: &WriterHandle, batch: Vec<Commit>) -> bool {
        let done = pin!(handle.clone().commit(batch)).poll(&mut Context::from_waker(Waker::noop()));
        matches!(done, Poll::Ready(Ok(answers)) if answers.iter().all(Result::is_ok))
    }

    #[tokio::test]
    async fn what_is_small_is_written_where_it_is_asked_for_as_long_as_that_is_short() {
        let folder = tempfile::tempdir().unwrap();
        let (shared, handle, requests) = shared(&folder);
        assert!(!is_done_at_once(&handle, made()), "nothing is known of the disk");
        shared.pace.quicken();
        assert!(!is_done_at_once(&handle, made()), "what is kept no longer is looked for first");
        let thread = std::thread::spawn({
            let shared = Arc::clone(&shared);
            move || shared.run(requests)
        });
        assert!(handle.clone().commit(said(1)).await.unwrap().iter().all(Result::is_ok));
        shared.pace.quicken();
        let many = (2..=10).flat_map(said).collect();
        assert!(!is_done_at_once(&handle, many));
        // The thread answers before it is done; whoever waits for it knows that it is.
        assert!(handle.clone().commit((11..=19).flat_map(said).collect()).await.unwrap().iter().all(Result::is_ok));
        shared.pace.quicken();
        drop(shared.lock());
        assert!(is_done_at_once(&handle, said(20)));
        let writer = shared.lock();
        assert!(!is_done_at_once(&handle, said(21)), "somebody else writes");
        drop(writer);
        assert!(handle.clone().commit(said(22)).await.unwrap().iter().all(Result::is_ok));
        shared.pace.quicken();
        drop(shared.lock());
        let gone = vec![commit(room_id(1), [Write::DeleteRoom])];
        assert!(!is_done_at_once(&handle, gone), "all of a room goes with it");
        drop(handle);
        thread.join().unwrap().unwrap();
        assert!(shared.lock().is_none(), "the file is closed");
    }
}
