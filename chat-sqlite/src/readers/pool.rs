//! Who reads: one of the threads, or whoever finds a reader free and needs it for a moment.
//!
//! The threads do what waits, one read after the other. The committer waits for short reads, and with it everybody who
//! writes; so those come first, and while there are two threads or more, long ones never have all of them.

use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
};

use chat_core::store::{StoreError, StoreResult};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::{
    failure::{Failure, Outcome},
    pace::Pace,
};

use super::{Reader, Snapshot};

/// How many short reads wait at most, and how many others.
pub(crate) const WAITING: usize = 1_024;

/// How many may come first before one of the others has its turn.
const PASS: usize = 64;

/// One read on its way; it answers by itself.
type Job = Box<dyn FnOnce(&Snapshot<'_>) + Send>;

/// How long a read takes where everything is in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Length {
    /// Tens of microseconds.
    Short,
    /// Longer, and yet the committer waits for it.
    Awaited,
    /// As long as there is much to read.
    Any,
}

/// Where the readers are, and how long short reads take lately.
pub(crate) struct ReaderPool {
    /// Gone when they have closed the file.
    readers: Vec<Mutex<Option<Reader>>>,
    jobs: Mutex<Jobs>,
    /// Wakes the threads.
    more: Condvar,
    /// The places of those that wait first, and of the others.
    first: Arc<Semaphore>,
    others: Arc<Semaphore>,
    pace: Pace,
}

/// What waits for a thread.
#[derive(Default)]
struct Jobs {
    first: VecDeque<Waiting>,
    others: VecDeque<Waiting>,
    /// How many threads are at one of the others.
    busy: usize,
    /// How many came first since one of the others was begun.
    passed: usize,
    /// Whether nobody is left who could ask.
    ended: bool,
}

struct Waiting {
    job: Job,
    _place: OwnedSemaphorePermit,
}

/// A handle to the readers. They close the file when there is none any more.
#[derive(Clone)]
pub(crate) struct ReaderHandle(Arc<Asking>);

/// That somebody may ask.
struct Asking(Arc<ReaderPool>);

impl ReaderPool {
    pub(crate) fn new(readers: Vec<Reader>) -> (Arc<Self>, ReaderHandle) {
        let pool = Arc::new(Self {
            readers: readers.into_iter().map(|reader| Mutex::new(Some(reader))).collect(),
            jobs: Mutex::default(),
            more: Condvar::new(),
            first: Arc::new(Semaphore::new(WAITING)),
            others: Arc::new(Semaphore::new(WAITING)),
            pace: Pace::default(),
        });
        (Arc::clone(&pool), ReaderHandle(Arc::new(Asking(pool))))
    }

    fn jobs(&self) -> MutexGuard<'_, Jobs> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads with one of the readers until nobody is left who could ask; then lets go of the file.
    pub(crate) fn run(&self, number: usize) {
        let Some(reader) = self.readers.get(number) else { return };
        let mut jobs = self.jobs();
        loop {
            let Some((waiting, is_first)) = jobs.next(self.readers.len()) else {
                if jobs.ended {
                    break;
                }
                jobs = self.more.wait(jobs).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            drop(jobs);
            let Waiting { job, _place: place } = waiting;
            drop(place);
            if let Some(open) = &*reader.lock().unwrap_or_else(PoisonError::into_inner) {
                // Whoever asked learns of a panic by not being answered; this thread goes on.
                let _ = catch_unwind(AssertUnwindSafe(|| job(&open.snapshot())));
            }
            jobs = self.jobs();
            if !is_first {
                jobs.busy -= 1;
            }
        }
        drop(jobs);
        *reader.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn put_in_line(&self, length: Length, waiting: Waiting) {
        let mut jobs = self.jobs();
        if length == Length::Any {
            jobs.others.push_back(waiting);
        } else {
            jobs.first.push_back(waiting);
        }
        self.more.notify_one();
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

impl Jobs {
    /// What one of so many threads does next, and whether it is one of those that come first.
    fn next(&mut self, threads: usize) -> Option<(Waiting, bool)> {
        // One thread is kept for those that come first. At the end nobody asks for them any more.
        let may_be_long = self.busy + 1 < threads.max(2) || self.ended;
        let in_turn = may_be_long && self.passed >= PASS && !self.others.is_empty();
        if !in_turn && let Some(waiting) = self.first.pop_front() {
            self.passed += 1;
            return Some((waiting, true));
        }
        let waiting = if may_be_long { self.others.pop_front()? } else { return None };
        (self.busy, self.passed) = (self.busy + 1, 0);
        Some((waiting, false))
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        self.0.jobs().ended = true;
        self.0.more.notify_all();
    }
}

impl ReaderHandle {
    /// Has it read, and waits for what it finds.
    pub(crate) async fn read<T: Send + 'static>(
        self,
        length: Length,
        read: impl FnOnce(&Snapshot<'_>) -> Outcome<T> + Send + 'static,
    ) -> StoreResult<T> {
        let pool = Arc::clone(&self.0.0);
        // Whoever waits comes first.
        let is_next = length == Length::Short && pool.first.available_permits() == WAITING;
        let read = match if is_next { pool.at_once(read) } else { Err(read) } {
            Ok(found) => return found.map_err(StoreError::from),
            Err(read) => read,
        };
        let places = if length == Length::Any { &pool.others } else { &pool.first };
        // It is never closed.
        let place = Arc::clone(places).acquire_owned().await.map_err(|_| StoreError::Closed)?;
        let (reply, answer) = oneshot::channel();
        let learning = Arc::clone(&pool);
        let job = Box::new(move |snapshot: &Snapshot<'_>| {
            // Whoever asked may have gone, before or meanwhile.
            if reply.is_closed() {
                return;
            }
            let found = match length {
                Length::Short => learning.pace.learn(|| snapshot.consistently(read)),
                Length::Awaited | Length::Any => snapshot.consistently(read),
            };
            let _ = reply.send(found);
        });
        pool.put_in_line(length, Waiting { job, _place: place });
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
        assert_eq!(at_once(&handle, Length::Any, |_| Ok(1)), None);
        assert_eq!(at_once(&handle, Length::Short, |_| Ok(1)), None, "it waits for the reader");
        drop(reader);
        assert_eq!(at_once(&handle, Length::Short, |_| Ok(1)), None, "somebody waits");
        drop(handle);
        pool.run(0);
        assert!(pool.readers[0].lock().unwrap().is_none(), "the file is closed");
    }
}
