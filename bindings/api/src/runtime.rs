//! Where everything runs: one tokio runtime for the process, whatever language calls.
//!
//! Its threads never keep a process alive. A panic inside becomes an error of the one call, and a caller that goes
//! away takes its task along.

use std::{
    future::Future,
    sync::{Mutex, OnceLock, PoisonError},
    time::Duration,
};

use tokio::{
    runtime::{Builder, Handle, Runtime},
    task::{JoinError, JoinHandle},
};

use crate::error::ChatError;

/// How long to wait for the threads when the process ends.
const PATIENCE: Duration = Duration::from_secs(2);

/// The threads, started by the first call.
static THREADS: OnceLock<std::io::Result<Threads>> = OnceLock::new();

struct Threads {
    /// Whose they are: a fork of it has this value, and none of the threads.
    process: u32,
    handle: Handle,
    /// Absent once the process is about to end.
    runtime: Mutex<Option<Runtime>>,
}

/// Where to run something.
///
/// # Errors
/// The system gives no threads; or the process was forked from one that had them.
pub(crate) fn runtime() -> Result<&'static Handle, ChatError> {
    let started = THREADS.get_or_init(|| {
        let runtime = Builder::new_multi_thread().worker_threads(2).thread_name("chat-engine").enable_all().build()?;
        let handle = runtime.handle().clone();
        Ok(Threads { process: std::process::id(), handle, runtime: Mutex::new(Some(runtime)) })
    });
    match started {
        Ok(threads) if threads.is_here() => Ok(&threads.handle),
        Ok(_) => Err(ChatError::unavailable(
            "this process is a fork of one that used the engine: use it after the fork only, or spawn a new process",
        )),
        Err(error) => Err(ChatError::unavailable(format!("no threads to run on: {}", error.kind()))),
    }
}

impl Threads {
    /// Whether they run in this process.
    fn is_here(&self) -> bool {
        self.process == std::process::id()
    }
}

/// Ends the threads, for an interpreter that ends before the process does: none of them may call it any more. Calls
/// under way fail, and later ones. Waits for the threads, 2 s at most; what was acknowledged is on the disk.
///
/// Python calls it by itself at the end. Where there is no such interpreter nobody needs it.
#[cfg(feature = "uniffi")]
#[uniffi::export]
pub fn leave() {
    let Some(threads) = THREADS.get().and_then(|started| started.as_ref().ok()).filter(|it| it.is_here()) else {
        return;
    };
    let runtime = threads.runtime.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(runtime) = runtime {
        runtime.shutdown_timeout(PATIENCE);
    }
}

/// Runs a call of the core to its end.
pub(crate) async fn run<T: Send + 'static>(
    call: impl Future<Output = chat_core::Result<T>> + Send + 'static,
) -> Result<T, ChatError> {
    // spawns: one call; dropping the caller's future aborts it.
    let mut call = Call(runtime()?.spawn(call));
    Ok(came_to((&mut call.0).await)??)
}

/// The same for what must not be left half done: it goes on also where the caller goes away.
pub(crate) async fn finish<T: Send + 'static>(
    call: impl Future<Output = Result<T, ChatError>> + Send + 'static,
) -> Result<T, ChatError> {
    // spawns: one call; it ends by itself.
    came_to(runtime()?.spawn(call).await)?
}

fn came_to<T>(call: Result<T, JoinError>) -> Result<T, ChatError> {
    call.map_err(|_| ChatError::unavailable("the engine failed inside; please report it"))
}

/// A call under way; it ends with whoever waits for it.
struct Call<T>(JoinHandle<T>);

impl<T> Drop for Call<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
