//! Who reads: one of the threads, or whoever finds a reader free and needs it for a moment.
//!
//! The threads do what waits, one read after the other.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, PoisonError},
};

use chat_core::store::{StoreError, StoreResult};
use tokio::sync::{mpsc, oneshot};

use crate::{
    failure::{Failure, Outcome},
    pace::Pace,
};

use super::{Reader, Snapshot};

/// How many reads wait at most.
pub(crate) const WAITING: usize = 1_024;

/// One read on its way; it answers by itself.
type Job = Box<dyn FnOnce(&Snapshot<'_>) + Send>;

/// How long a read takes where everything is in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Length {
    /// Tens of microseconds.
    Short,
    /// As long as there is much to read.
    Any,
}

/// Where the readers are, and how long short reads take lately.
pub(crate) struct ReaderPool {
    /// Gone when they have closed the file.
    readers: Vec<Mutex<Option<Reader>>>,
    /// Who waits for the next job holds the lock; the others wait for it.
    jobs: Mutex<mpsc::Receiver<Job>>,
    pace: Pace,
}

/// A handle to the readers. They close the file when there is none any more.
#[derive(Clone)]
pub(crate) struct ReaderHandle {
    pool: Arc<ReaderPool>,
    queue: mpsc::Sender<Job>,
}

impl ReaderPool {
    pub(crate) fn new(readers: Vec<Reader>) -> (Arc<Self>, ReaderHandle) {
        let (queue, jobs) = mpsc::channel(WAITING);
        let readers = readers.into_iter().map(|reader| Mutex::new(Some(reader))).collect();
        let pool = Arc::new(Self { readers, jobs: Mutex::new(jobs), pace: Pace::default() });
        (Arc::clone(&pool), ReaderHandle { pool, queue })
    }

    /// Reads with one of the readers until nobody is left who could ask; then lets go of the file.
    pub(crate) fn run(&self, number: usize) {
        let Some(reader) = self.readers.get(number) else { return };
        loop {
            let job = self.jobs.lock().unwrap_or_else(PoisonError::into_inner).blocking_recv();
            let mut reader = reader.lock().unwrap_or_else(PoisonError::into_inner);
            let (Some(job), Some(open)) = (job, &*reader) else {
                *reader = None;
                return;
            };
            // Whoever asked learns of a panic by not being answered; this thread goes on.
            let _ = catch_unwind(AssertUnwindSafe(|| job(&open.snapshot())));
        }
    }

    /// Does it here and now, or gives it back: where it may take long, or all readers are busy.
    fn at_once<T, R: FnOnce(&Snapshot<'_>) -> Outcome<T>>(&self, read: R) -> Result<Outcome<T>, R> {
        if !self.pace.is_brisk() {
            return Err(read);
        }
        for reader in &self.readers {
            if let Ok(reader) = reader.try_lock()
                && let Some(reader) = &*reader
            {
                let read = AssertUnwindSafe(|| reader.snapshot().consistently(read));
                return Ok(self.pace.learn(|| catch_unwind(read)).unwrap_or(Err(Failure::Panicked)));
            }
        }
        Err(read)
    }
}

impl ReaderHandle {
    /// Has it read, and waits for what it finds.
    pub(crate) async fn read<T: Send + 'static>(
        self,
        length: Length,
        read: impl FnOnce(&Snapshot<'_>) -> Outcome<T> + Send + 'static,
    ) -> StoreResult<T> {
        // Whoever waits comes first.
        let is_next = length == Length::Short && self.queue.capacity() == WAITING;
        let read = match if is_next { self.pool.at_once(read) } else { Err(read) } {
            Ok(found) => return found.map_err(StoreError::from),
            Err(read) => read,
        };
        let (reply, answer) = oneshot::channel();
        let pool = Arc::clone(&self.pool);
        let job = Box::new(move |snapshot: &Snapshot<'_>| {
            // Whoever asked may have gone, before or meanwhile.
            if reply.is_closed() {
                return;
            }
            let found = match length {
                Length::Short => pool.pace.learn(|| snapshot.consistently(read)),
                Length::Any => snapshot.consistently(read),
            };
            let _ = reply.send(found);
        });
        self.queue.send(job).await.map_err(|_| StoreError::Closed)?;
        // Closing waits until there is no handle to the readers any more.
        drop(self);
        answer.await.unwrap_or(Err(Failure::Panicked)).map_err(StoreError::from)
    }
}

#[cfg(test)]
mod tests {
    use std::{
        pin::pin,
        task::{Context, Poll, Waker},
    };

    use super::*;
    use crate::{
        lock::Lock,
        names::Names,
        open::{self, Options},
    };

    fn pool(folder: &tempfile::TempDir) -> (Arc<ReaderPool>, ReaderHandle) {
        let (database, lock) = open::open(&folder.path().join("chat.db"), Options::default()).unwrap();
        let (names, lock) = (Arc::<Names>::default(), Arc::<Lock>::new(lock));
        ReaderPool::new(vec![Reader::open(&database, names, lock).unwrap()])
    }

    /// What it comes to, if that is known without having waited.
    fn at_once<T: Send + 'static>(
        handle: &ReaderHandle,
        length: Length,
        read: impl FnOnce(&Snapshot<'_>) -> Outcome<T> + Send + 'static,
    ) -> Option<StoreResult<T>> {
        match pin!(handle.clone().read(length, read)).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(found) => Some(found),
            Poll::Pending => None,
        }
    }

    #[test]
    fn what_is_short_is_read_where_it_is_asked_for_as_long_as_that_is_so() {
        let folder = tempfile::tempdir().unwrap();
        let (pool, handle) = pool(&folder);
        assert!(pool.at_once(|_| Ok(1)).is_err(), "nothing is known of the disk");
        pool.pace.quicken();
        assert_eq!(at_once(&handle, Length::Short, |_| Ok(1)), Some(Ok(1)));
        let panicked = at_once(&handle, Length::Short, |_| -> Outcome<()> { panic!("planted") });
        assert!(matches!(panicked, Some(Err(StoreError::Unavailable(_)))), "{panicked:?}");
        assert_eq!(at_once(&handle, Length::Short, |_| Ok(1)), Some(Ok(1)));
        let reader = pool.readers[0].lock().unwrap();
        assert!(pool.at_once(|_| Ok(1)).is_err(), "the only reader is busy");
        drop(reader);
        assert_eq!(at_once(&handle, Length::Any, |_| Ok(1)), None);
        assert_eq!(at_once(&handle, Length::Short, |_| Ok(1)), None, "somebody waits");
        drop(handle);
        pool.run(0);
        assert!(pool.readers[0].lock().unwrap().is_none(), "the file is closed");
    }
}
