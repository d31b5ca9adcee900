//! The store's front: hands work to the threads, and ends them.

use std::{
    fmt,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    thread::JoinHandle,
};

use async_trait::async_trait;
use chat_core::{
    ClientId, Cursor, Member, Message, MessageId, RoomId, Store, Timestamp, UserId,
    store::{
        Applied, CatchUp, CatchUpLimits, Commit, CommitError, Digester, History, Operation, RoomRow, RoomSelector,
        StoreError, StoreResult, View, Viewer, Window,
    },
};
use tokio::sync::{mpsc, oneshot};

use crate::{
    failure::Outcome,
    names::Names,
    open::{self, OpenError, Options},
    readers::{self, Job, Reader, Snapshot},
    schema::Meta,
    writer::{self, Request, Writer},
};

/// Keeps everything in one SQLite file.
///
/// [`close`](Store::close) it to be sure that the file is free: it waits for the threads. A store that is dropped
/// finishes what it had accepted, and lets go of the file, by itself and a moment later.
pub struct SqliteStore {
    meta: Meta,
    /// `None` when the store is closed. Held while one of them is cloned, never across an `await`.
    queues: Mutex<Option<Queues>>,
    threads: tokio::sync::Mutex<Threads>,
}

/// Where the threads take their work from; they end when nobody has a way into these any more.
struct Queues {
    commits: mpsc::Sender<Request>,
    reads: mpsc::Sender<Job>,
}

/// The threads, until they were waited for.
#[derive(Default)]
struct Threads {
    readers: Vec<Running<()>>,
    writer: Option<Running<StoreResult<()>>>,
}

struct Running<T> {
    /// What it comes to, sent as the last thing that the thread does.
    ended: oneshot::Receiver<T>,
    thread: JoinHandle<()>,
}

impl SqliteStore {
    /// Opens the database at `path`, or makes it, with the options that suit nearly everybody.
    ///
    /// # Errors
    /// See [`OpenError`]. The file is as it was.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        Self::open_with(path, Options::default())
    }

    /// The same with other options.
    ///
    /// # Errors
    /// See [`OpenError`]. The file is as it was.
    pub fn open_with(path: impl AsRef<Path>, options: Options) -> Result<Self, OpenError> {
        let path = path.as_ref();
        let (database, lock) = open::open(path, options)?;
        let (meta, lock) = (database.meta, Arc::new(lock));
        let failed = |failure| open::failed(path, failure);
        let (reads, jobs) = mpsc::channel(readers::WAITING);
        let (commits, requests) = mpsc::channel(writer::WAITING);
        let jobs = Arc::new(Mutex::new(jobs));
        let names = Arc::new(Names::default());
        let mut threads = Threads::default();
        for number in 1..=database.options.readers.max(1) {
            let reader = Reader::open(&database, Arc::clone(&names), Arc::clone(&lock)).map_err(failed)?;
            let jobs = Arc::clone(&jobs);
            let name = format!("chat-sqlite reader {number}");
            threads.readers.push(Running::start(path, name, move || reader.run(&jobs))?);
        }
        let writer = Writer::open(database, names, lock).map_err(failed)?;
        threads.writer = Some(Running::start(path, "chat-sqlite writer".into(), move || writer.run(requests))?);
        let queues = Mutex::new(Some(Queues { commits, reads }));
        Ok(Self { meta, queues, threads: tokio::sync::Mutex::new(threads) })
    }

    /// A way into one of the queues. It is dropped as soon as something is in: closing waits for it.
    fn queue<T>(&self, pick: impl FnOnce(&Queues) -> mpsc::Sender<T>) -> StoreResult<mpsc::Sender<T>> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(pick).ok_or(StoreError::Closed)
    }

    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Snapshot<'_>) -> Outcome<T> + Send + 'static,
    ) -> StoreResult<T> {
        readers::read(self.queue(|queues| queues.reads.clone())?, read).await
    }
}

impl<T: Send + 'static> Running<T> {
    /// Starts a thread.
    fn start(path: &Path, name: String, work: impl FnOnce() -> T + Send + 'static) -> Result<Self, OpenError> {
        let (end, ended) = oneshot::channel();
        let run = move || {
            // Whoever would wait may have gone.
            let _ = end.send(work());
        };
        // spawns: a reader or the writer; it ends when the store's queues are dropped: by `close`, or with the store.
        let thread = std::thread::Builder::new().name(name).spawn(run);
        thread.map(|thread| Self { ended, thread }).map_err(|error| open::io_error(path, error))
    }

    /// What the thread came to; nothing if it panicked.
    async fn end(&mut self) -> Option<T> {
        (&mut self.ended).await.ok()
    }
}

impl fmt::Debug for SqliteStore {
    /// Shows nothing of what people wrote.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").field("epoch", &self.meta.epoch).finish_non_exhaustive()
    }
}

#[async_trait]
impl Store for SqliteStore {
    fn epoch(&self) -> u64 {
        self.meta.epoch
    }

    fn digester(&self) -> Digester {
        self.meta.digester
    }

    async fn commit(&self, batch: Vec<Commit>) -> Vec<Result<Applied, CommitError>> {
        let size = batch.len();
        let answers = async {
            let (queue, (reply, answers)) = (self.queue(|queues| queues.commits.clone())?, oneshot::channel());
            let ended = || StoreError::Unavailable("the writer ended; open the store anew".into());
            queue.send(Request { commits: batch, reply }).await.map_err(|_| ended())?;
            drop(queue);
            answers.await.map_err(|_| ended())
        };
        answers.await.unwrap_or_else(|error: StoreError| vec![Err(error.into()); size])
    }

    async fn operation(
        &self,
        scope: RoomId,
        actor: Option<&UserId>,
        name: &ClientId,
    ) -> StoreResult<Option<Operation>> {
        let (actor, name) = (actor.cloned(), name.clone());
        self.read(move |snapshot| snapshot.operation(scope, actor.as_ref(), &name)).await
    }

    async fn view(&self, room: &RoomSelector, users: &[UserId]) -> StoreResult<Option<View>> {
        let (room, users) = (room.clone(), users.to_vec());
        self.read(move |snapshot| snapshot.view(&room, &users)).await
    }

    async fn message(&self, viewer: Viewer<'_>, id: MessageId) -> StoreResult<Option<Message>> {
        let viewer = viewer.into();
        self.read(move |snapshot| snapshot.message(&viewer, id)).await
    }

    async fn history(
        &self,
        viewer: Viewer<'_>,
        room: RoomId,
        window: Window,
        limit: usize,
    ) -> StoreResult<Option<History>> {
        let viewer = viewer.into();
        self.read(move |snapshot| snapshot.history(&viewer, room, window, limit)).await
    }

    async fn messages(&self, viewer: Viewer<'_>, before: Option<MessageId>, limit: usize) -> StoreResult<Vec<Message>> {
        let viewer = viewer.into();
        self.read(move |snapshot| snapshot.messages(&viewer, before, limit)).await
    }

    async fn participants(
        &self,
        viewer: Viewer<'_>,
        room: RoomId,
        after: Option<&UserId>,
        limit: usize,
    ) -> StoreResult<Option<Vec<Member>>> {
        let (viewer, after) = (viewer.into(), after.cloned());
        self.read(move |snapshot| snapshot.participants(&viewer, room, after.as_ref(), limit)).await
    }

    async fn readers(
        &self,
        viewer: Viewer<'_>,
        message: MessageId,
        after: Option<&UserId>,
        limit: usize,
    ) -> StoreResult<Option<Vec<Member>>> {
        let (viewer, after) = (viewer.into(), after.cloned());
        self.read(move |snapshot| snapshot.readers(&viewer, message, after.as_ref(), limit)).await
    }

    async fn rooms(
        &self,
        viewer: Viewer<'_>,
        before: Option<(Timestamp, RoomId)>,
        limit: usize,
    ) -> StoreResult<Vec<RoomRow>> {
        let viewer = viewer.into();
        self.read(move |snapshot| snapshot.rooms(&viewer, before, limit)).await
    }

    async fn room(&self, viewer: Viewer<'_>, room: &RoomSelector) -> StoreResult<Option<RoomRow>> {
        let (viewer, room) = (viewer.into(), room.clone());
        self.read(move |snapshot| snapshot.room(&viewer, &room)).await
    }

    async fn catch_up(
        &self,
        viewer: Viewer<'_>,
        room: RoomId,
        since: Option<Cursor>,
        limits: CatchUpLimits,
    ) -> StoreResult<Option<CatchUp>> {
        let viewer = viewer.into();
        self.read(move |snapshot| snapshot.catch_up(&viewer, room, since, limits)).await
    }

    async fn unread(&self, user: &UserId) -> StoreResult<u64> {
        let user = user.clone();
        self.read(move |snapshot| snapshot.unread(&user)).await
    }

    async fn memberships(&self, users: &[UserId]) -> StoreResult<Vec<u64>> {
        let users = users.to_vec();
        self.read(move |snapshot| users.iter().map(|user| snapshot.memberships(user)).collect()).await
    }

    async fn close(&self) -> StoreResult<()> {
        // Whoever closes second waits for the first. A wait that is given up can be taken up by another call.
        let mut threads = self.threads.lock().await;
        let queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner).take();
        let (commits, reads) = queues.map(|Queues { commits, reads }| (commits, reads)).unzip();
        // First the readers: the last to close the file removes the log, and two at once would each leave it.
        drop(reads);
        while let Some(reader) = threads.readers.last_mut() {
            reader.end().await;
            threads.readers.pop().map(|reader| reader.thread.join());
        }
        drop(commits);
        let Some(writer) = &mut threads.writer else { return Ok(()) };
        let ended = writer.end().await;
        threads.writer.take().map(|writer| writer.thread.join());
        ended.unwrap_or(Err(StoreError::Unavailable("the writer panicked".into())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_read_that_panics_is_answered_and_its_thread_reads_on() {
        let folder = tempfile::tempdir().unwrap();
        let options = Options { readers: 1, ..Options::default() };
        let store = SqliteStore::open_with(folder.path().join("chat.db"), options).unwrap();
        for _ in 0..3 {
            let failed = store.read(|_| -> Outcome<()> { panic!("planted") }).await;
            assert!(matches!(failed, Err(StoreError::Unavailable(_))), "{failed:?}");
        }
        assert_eq!(store.messages(Viewer::Host, None, 10).await, Ok(Vec::new()));
        store.close().await.unwrap();
    }

    #[tokio::test]
    async fn what_a_read_failed_of_is_what_is_told_also_where_the_transaction_ended_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(folder.path().join("chat.db")).unwrap();
        let failed = store
            .read(|snapshot| -> Outcome<()> {
                snapshot.end()?;
                Err(crate::failure::Failure::Damaged("planted"))
            })
            .await;
        assert_eq!(failed, Err(StoreError::Corrupt("planted".into())));
        store.close().await.unwrap();
    }
}
