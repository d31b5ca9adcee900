//! Where everything runs: one tokio runtime for the process, whatever language calls.
//!
//! Its threads never keep a process alive. A panic inside becomes an error of the one call, and a caller that goes
//! away takes its task along.

use std::{future::Future, sync::OnceLock};

use tokio::{
    runtime::{Builder, Runtime},
    task::JoinHandle,
};

use crate::error::ChatError;

/// The runtime, started by the first call.
///
/// # Errors
/// The system gives no threads.
pub(crate) fn runtime() -> Result<&'static Runtime, ChatError> {
    static RUNTIME: OnceLock<std::io::Result<Runtime>> = OnceLock::new();
    let started = RUNTIME
        .get_or_init(|| Builder::new_multi_thread().worker_threads(2).thread_name("chat-engine").enable_all().build());
    started.as_ref().map_err(|error| ChatError::unavailable(format!("no threads to run on: {}", error.kind())))
}

/// Runs a call of the core to its end.
pub(crate) async fn run<T: Send + 'static>(
    call: impl Future<Output = chat_core::Result<T>> + Send + 'static,
) -> Result<T, ChatError> {
    // spawns: one call; dropping the caller's future aborts it.
    let mut call = Call(runtime()?.spawn(call));
    match (&mut call.0).await {
        Ok(result) => Ok(result?),
        Err(_) => Err(ChatError::unavailable("the engine failed inside; please report it")),
    }
}

/// A call under way; it ends with whoever waits for it.
struct Call<T>(JoinHandle<T>);

impl<T> Drop for Call<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
