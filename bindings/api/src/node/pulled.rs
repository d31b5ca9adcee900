//! Texts that JavaScript pulls: it takes what is ready, and is woken once when there is more.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use napi::{
    Status,
    bindgen_prelude::Function,
    threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode},
};
use tokio::sync::{Semaphore, mpsc};

use crate::runtime;

/// How many texts may lie ready; while they do, no more are asked for.
const READY: usize = 256;

/// How many bytes of them; one text may have more.
const READY_BYTES: usize = 1024 * 1024;

/// Wakes whoever waits in JavaScript. It does not keep the process alive.
type Wake = ThreadsafeFunction<(), (), (), Status, false, true>;

/// The end that JavaScript holds.
#[derive(Debug)]
pub(crate) struct Pulled {
    ready: mpsc::Receiver<String>,
    room: Arc<Semaphore>,
    waiting: Arc<AtomicBool>,
}

/// The end that is filled.
pub(crate) struct Filled {
    ready: mpsc::Sender<String>,
    room: Arc<Semaphore>,
    waiting: Arc<AtomicBool>,
    wake: Wake,
}

impl Pulled {
    /// Starts `fill`, which hands over texts until it returns or nobody pulls any more.
    pub(crate) fn start<F: Future<Output = ()> + Send + 'static>(
        wake: &Function<'_, (), ()>,
        fill: impl FnOnce(Filled) -> F,
    ) -> napi::Result<Self> {
        let wake = wake.build_threadsafe_function().weak::<true>().callee_handled::<false>().build()?;
        let (sender, ready) = mpsc::channel(READY);
        let room = Arc::new(Semaphore::new(READY_BYTES));
        let waiting = Arc::new(AtomicBool::new(false));
        let filled = Filled { ready: sender, room: Arc::clone(&room), waiting: Arc::clone(&waiting), wake };
        // spawns: what fills it; the end of its source and dropping the `Pulled` end it.
        runtime::runtime()?.spawn(fill(filled));
        Ok(Self { ready, room, waiting })
    }

    /// Nothing is pulled any more: what is ready is let go of, and whoever fills it ends.
    pub(crate) fn end(&mut self) {
        self.ready.close();
        self.room.close();
        while self.ready.try_recv().is_ok() {}
    }

    /// What is ready: nothing yet is empty, and then `wake` is called once when there is more; nothing ever is `None`.
    pub(crate) fn take(&mut self) -> Option<Vec<String>> {
        let texts = self.take_ready();
        // Only now: what is made meanwhile is not taken with it.
        self.room.add_permits(texts.iter().flatten().map(|text| weight(text) as usize).sum());
        texts
    }

    fn take_ready(&mut self) -> Option<Vec<String>> {
        let mut texts = Vec::new();
        for last in [false, true] {
            loop {
                match self.ready.try_recv() {
                    Ok(text) => texts.push(text),
                    Err(mpsc::error::TryRecvError::Empty) => break,
                    Err(mpsc::error::TryRecvError::Disconnected) => {
                        return Some(texts).filter(|texts| !texts.is_empty());
                    }
                }
                if texts.len() >= READY {
                    return Some(texts);
                }
            }
            if last || !texts.is_empty() {
                break;
            }
            // Something may come between looking and saying that one waits, so look again.
            self.waiting.store(true, Ordering::SeqCst);
        }
        Some(texts)
    }
}

impl Filled {
    /// Hands over a text, once there is room; `false` if nobody pulls any more.
    pub(crate) async fn put(&self, text: String) -> bool {
        let Ok(room) = self.room.acquire_many(weight(&text)).await else { return false };
        room.forget();
        let put = self.ready.send(text).await.is_ok();
        self.wake();
        put
    }

    fn wake(&self) {
        if self.waiting.swap(false, Ordering::SeqCst) {
            self.wake.call((), ThreadsafeFunctionCallMode::NonBlocking);
        }
    }
}

/// How much room a text takes; one that is larger than all of it takes all.
fn weight(text: &str) -> u32 {
    text.len().min(READY_BYTES).try_into().unwrap_or(u32::MAX)
}

impl Drop for Pulled {
    fn drop(&mut self) {
        self.room.close();
    }
}

impl Drop for Filled {
    fn drop(&mut self) {
        // Whoever waits must see the end: give the place up first.
        let (closed, _) = mpsc::channel(1);
        drop(std::mem::replace(&mut self.ready, closed));
        self.wake();
    }
}
