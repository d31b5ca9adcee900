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
use tokio::{sync::oneshot, task::coop::consume_budget};

use crate::{
    failure::Outcome,
    names::Names,
    open::{self, OpenError, Options},
    readers::{Length, OwnedViewer, Reader, ReaderHandle, ReaderPool, Snapshot},
    schema::Meta,
    writer::{SharedWriter, Writer, WriterHandle},
};

/// Keeps everything in one SQLite file.
///
/// [`close`](Store::close) it to be sure that the file is free: it waits for the threads. A store that is dropped
/// finishes what it had accepted, and lets go of the file, by itself and a moment later.
pub struct SqliteStore {
    meta: Meta,
    /// `None` when the store is closed. Held while one of them is cloned, never across an `await`.
    handles: Mutex<Option<Handles>>,
    threads: tokio::sync::Mutex<Threads>,
}

/// The handles to those who work; these end when there is none any more.
struct Handles {
    writer: WriterHandle,
    readers: ReaderHandle,
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
        let names = Arc::new(Names::default());
        let open = |_| Reader::open(&database, Arc::clone(&names), Arc::clone(&lock));
        let readers = (0..database.options.readers.max(1)).map(open).collect::<Outcome<Vec<_>>>().map_err(failed)?;
        let mut threads = Threads::default();
        let numbers = 0..readers.len();
        let (pool, reader_handle) = ReaderPool::new(readers);
        for number in numbers {
            let (pool, name) = (Arc::clone(&pool), format!("chat-sqlite reader {}", number + 1));
            threads.readers.push(Running::start(path, name, move || pool.run(number))?);
        }
        let (shared, writer_handle, requests) = SharedWriter::new(Writer::open(database, names, lock).map_err(failed)?);
        threads.writer = Some(Running::start(path, "chat-sqlite writer".into(), move || shared.run(requests))?);
        let handles = Mutex::new(Some(Handles { writer: writer_handle, readers: reader_handle }));
        Ok(Self { meta, handles, threads: tokio::sync::Mutex::new(threads) })
    }

    /// One of the handles. It is dropped as soon as the work is done or waits: closing waits for that.
    fn handle<T>(&self, pick: impl FnOnce(&Handles) -> T) -> StoreResult<T> {
        self.handles.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(pick).ok_or(StoreError::Closed)
    }

    /// Reads. Whoever looks again and again at what is short, and never has to wait, lets others run now and then.
    async fn read<T: Send + 'static>(
        &self,
        length: Length,
        read: impl FnOnce(&Snapshot<'_>) -> Outcome<T> + Send + 'static,
    ) -> StoreResult<T> {
        if length == Length::Short {
            consume_budget().await;
        }
        self.handle(|handles| handles.readers.clone())?.read(length, read).await
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
        // spawns: a reader or the writer; it ends when the handles to it are dropped: by `close`, or with it.
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
        // As with a short read.
        consume_budget().await;
        let answers = async { self.handle(|handles| handles.writer.clone())?.commit(batch).await };
        answers.await.unwrap_or_else(|error: StoreError| vec![Err(error.into()); size])
    }

    async fn operation(
        &self,
        scope: RoomId,
        actor: Option<&UserId>,
        name: &ClientId,
    ) -> StoreResult<Option<Operation>> {
        let (actor, name) = (actor.cloned(), name.clone());
        self.read(Length::Short, move |snapshot| snapshot.operation(scope, actor.as_ref(), &name)).await
    }

    async fn view(&self, room: &RoomSelector, users: &[UserId]) -> StoreResult<Option<View>> {
        let (room, users) = (room.clone(), users.to_vec());
        self.read(Length::Short, move |snapshot| snapshot.view(&room, &users)).await
    }

    async fn message(&self, viewer: Viewer<'_>, id: MessageId) -> StoreResult<Option<Message>> {
        let viewer = viewer.into();
        self.read(Length::Short, move |snapshot| snapshot.message(&viewer, id)).await
    }

    async fn history(
        &self,
        viewer: Viewer<'_>,
        room: &RoomSelector,
        window: Window,
        limit: usize,
    ) -> StoreResult<Option<History>> {
        let (viewer, room) = (viewer.into(), room.clone());
        self.read(Length::Short, move |snapshot| snapshot.history(&viewer, &room, window, limit)).await
    }

    async fn messages(&self, viewer: Viewer<'_>, before: Option<MessageId>, limit: usize) -> StoreResult<Vec<Message>> {
        let viewer = viewer.into();
        // The host's are found by their ids; a user's, by looking into each of their rooms.
        let length = if matches!(viewer, OwnedViewer::Host) { Length::Short } else { Length::Any };
        self.read(length, move |snapshot| snapshot.messages(&viewer, before, limit)).await
    }

    async fn participants(
        &self,
        viewer: Viewer<'_>,
        room: RoomId,
        after: Option<&UserId>,
        limit: usize,
    ) -> StoreResult<Option<Vec<Member>>> {
        let (viewer, after) = (viewer.into(), after.cloned());
        self.read(Length::Short, move |snapshot| snapshot.participants(&viewer, room, after.as_ref(), limit)).await
    }

    async fn readers(
        &self,
        viewer: Viewer<'_>,
        message: MessageId,
        after: Option<&UserId>,
        limit: usize,
    ) -> StoreResult<Option<Vec<Member>>> {
        let (viewer, after) = (viewer.into(), after.cloned());
        self.read(Length::Any, move |snapshot| snapshot.readers(&viewer, message, after.as_ref(), limit)).await
    }

    async fn rooms(
        &self,
        viewer: Viewer<'_>,
        before: Option<(Timestamp, RoomId)>,
        limit: usize,
    ) -> StoreResult<Vec<RoomRow>> {
        let viewer = viewer.into();
        self.read(Length::Any, move |snapshot| snapshot.rooms(&viewer, before, limit)).await
    }

    async fn room(&self, viewer: Viewer<'_>, room: &RoomSelector) -> StoreResult<Option<RoomRow>> {
        let (viewer, room) = (viewer.into(), room.clone());
        self.read(Length::Short, move |snapshot| snapshot.room(&viewer, &room)).await
    }

    async fn catch_up(
        &self,
        viewer: Viewer<'_>,
        rooms: &[(RoomId, Option<Cursor>)],
        limits: CatchUpLimits,
    ) -> StoreResult<Vec<Option<CatchUp>>> {
        let (viewer, rooms) = (viewer.into(), rooms.to_vec());
        self.read(Length::Any, move |snapshot| snapshot.catch_up(&viewer, &rooms, limits)).await
    }

    async fn unread(&self, user: &UserId) -> StoreResult<u64> {
        let user = user.clone();
        self.read(Length::Any, move |snapshot| snapshot.unread(&user)).await
    }

    async fn memberships(&self, users: &[UserId]) -> StoreResult<Vec<u64>> {
        let users = users.to_vec();
        let length = if users.len() == 1 { Length::Short } else { Length::Awaited };
        self.read(length, move |snapshot| users.iter().map(|user| snapshot.memberships(user)).collect()).await
    }

    async fn close(&self) -> StoreResult<()> {
        // Whoever closes second waits for the first. A wait that is given up can be taken up by another call.
        let mut threads = self.threads.lock().await;
        let handles = self.handles.lock().unwrap_or_else(PoisonError::into_inner).take();
        let (writer_handle, reader_handle) = handles.map(|Handles { writer, readers }| (writer, readers)).unzip();
        // First the readers: the last to close the file removes the log, and two at once would each leave it.
        drop(reader_handle);
        while let Some(reader) = threads.readers.last_mut() {
            reader.end().await;
            threads.readers.pop().map(|reader| reader.thread.join());
        }
        drop(writer_handle);
        let Some(writer) = &mut threads.writer else { return Ok(()) };
        let ended = writer.end().await;
        threads.writer.take().map(|writer| writer.thread.join());
        ended.unwrap_or(Err(StoreError::Unavailable("the writer panicked".into())))
    }
}

#[cfg(test)]
mod tests {
    use std::{
        pin::{Pin, pin},
        sync::atomic::{AtomicUsize, Ordering},
        task::{Context, Waker},
        time::Duration,
    };

    use super::*;

    #[tokio::test]
    async fn a_read_that_panics_is_answered_and_its_thread_reads_on() {
        let folder = tempfile::tempdir().unwrap();
        let options = Options { readers: 1, ..Options::default() };
        let store = SqliteStore::open_with(folder.path().join("chat.db"), options).unwrap();
        for _ in 0..3 {
            let failed = store.read(Length::Any, |_| -> Outcome<()> { panic!("planted") }).await;
            assert!(matches!(failed, Err(StoreError::Unavailable(_))), "{failed:?}");
        }
        assert_eq!(store.messages(Viewer::Host, None, 10).await, Ok(Vec::new()));
        store.close().await.unwrap();
    }

    #[tokio::test]
    async fn reads_that_were_given_up_are_not_done_and_give_back_their_places() {
        let folder = tempfile::tempdir().unwrap();
        let options = Options { readers: 1, ..Options::default() };
        let store = SqliteStore::open_with(folder.path().join("chat.db"), options).unwrap();
        let (release, held) = std::sync::mpsc::sync_channel(1);
        let mut busy = pin!(store.read(Length::Any, move |_| Ok(held.recv())));
        assert!(is_pending(busy.as_mut()));
        let done = Arc::new(AtomicUsize::new(0));
        for _ in 0..2 * crate::readers::WAITING {
            let done = Arc::clone(&done);
            let given_up = pin!(store.read(Length::Any, move |_| Ok(done.fetch_add(1, Ordering::Relaxed))));
            assert!(is_pending(given_up));
            // One task may not do so much without a pause.
            tokio::task::yield_now().await;
        }
        let mut waits = pin!(store.messages(Viewer::Host, None, 10));
        assert!(is_pending(waits.as_mut()));
        release.send(()).unwrap();
        assert_eq!((busy.await, waits.await), (Ok(Ok(())), Ok(Vec::new())));
        assert_eq!(done.load(Ordering::Relaxed), 0);
        store.close().await.unwrap();
    }

    #[tokio::test]
    async fn long_reads_leave_a_thread_to_what_the_committer_waits_for() {
        let folder = tempfile::tempdir().unwrap();
        let options = Options { readers: 2, ..Options::default() };
        let store = SqliteStore::open_with(folder.path().join("chat.db"), options).unwrap();
        let (hold, held) = std::sync::mpsc::sync_channel::<()>(0);
        let held = Arc::new(std::sync::Mutex::new(held));
        let wait = |_: usize| {
            let held = Arc::clone(&held);
            // Until nobody holds them any more.
            Box::pin(store.read(Length::Any, move |_| Ok(held.lock().unwrap().recv().is_ok())))
        };
        let mut long: Vec<_> = (0..8).map(wait).collect();
        assert!(long.iter_mut().all(|read| is_pending(read.as_mut())));
        let everybody = [chat_testkit::cast::alice(), chat_testkit::cast::bob()];
        let short = async {
            let room = RoomSelector::Id(chat_testkit::cast::room_id(1));
            assert_eq!(store.view(&room, &everybody).await, Ok(None));
            assert_eq!(store.messages(Viewer::Host, None, 1).await, Ok(Vec::new()));
            assert_eq!(store.memberships(&everybody).await, Ok(vec![0, 0]));
        };
        tokio::time::timeout(Duration::from_secs(10), short).await.expect("the long ones do not hold them up");
        drop(hold);
        for read in long {
            assert_eq!(read.await, Ok(false));
        }
        store.close().await.unwrap();
    }

    fn is_pending(future: Pin<&mut impl Future>) -> bool {
        future.poll(&mut Context::from_waker(Waker::noop())).is_pending()
    }

    #[tokio::test]
    async fn what_a_read_failed_of_is_what_is_told_also_where_the_transaction_ended_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(folder.path().join("chat.db")).unwrap();
        let failed = store
            .read(Length::Any, |snapshot| -> Outcome<()> {
                snapshot.end()?;
                Err(crate::failure::Failure::Damaged("planted"))
            })
            .await;
        assert_eq!(failed, Err(StoreError::Corrupt("planted".into())));
        store.close().await.unwrap();
    }
}
