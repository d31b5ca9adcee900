//! The engine as a handle.

use std::sync::Arc;

use chat_core::{Engine, MemoryStore, Options, UserId};

use crate::{connection::Connection, error::ChatError, runtime, session::Session};

/// A running chat engine. Close it when you are done: that finishes what was accepted and lets go of the file.
#[cfg_attr(feature = "uniffi", derive(uniffi::Object))]
#[derive(Clone, Debug)]
pub struct ChatEngine {
    pub(crate) core: Engine,
}

impl ChatEngine {
    /// An engine that keeps everything in memory.
    pub(crate) fn new_in_memory() -> Result<Self, ChatError> {
        let _here = runtime::runtime()?.enter();
        Ok(Self { core: Engine::open(Arc::new(MemoryStore::default()), Options::default()) })
    }

    pub(crate) fn session_of(&self, user: &str) -> Result<Session, ChatError> {
        Ok(Session::new(self.core.session(&UserId::new(user)?)))
    }

    pub(crate) async fn shut(&self) -> Result<(), ChatError> {
        let engine = self.core.clone();
        runtime::run(async move { engine.close().await }).await
    }
}

#[cfg(feature = "uniffi")]
#[uniffi::export]
impl ChatEngine {
    /// Opens an engine that keeps everything in memory, for trials and tests.
    ///
    /// # Errors
    /// The system gives no threads.
    #[uniffi::constructor]
    pub fn in_memory() -> Result<Arc<Self>, ChatError> {
        Self::new_in_memory().map(Arc::new)
    }

    /// What a user may do. Your program has decided who the user is.
    ///
    /// # Errors
    /// `invalid_argument`: a user id has 1 to 128 bytes without control characters.
    pub fn session(&self, user: &str) -> Result<Arc<Session>, ChatError> {
        self.session_of(user).map(Arc::new)
    }

    /// What only the application itself may do: rooms with keys, system messages, sending for others. Never hand it to
    /// a user.
    pub fn host(&self) -> Arc<Session> {
        Arc::new(Session::new(self.core.host()))
    }

    /// Carries a user's connection over a socket of your own: text frames in, text frames out.
    ///
    /// # Errors
    /// `invalid_argument`: what is no user id.
    pub fn connection(&self, user: &str, room: Option<String>) -> Result<Arc<Connection>, ChatError> {
        Connection::open(&self.core, user, room).map(Arc::new)
    }

    /// Finishes what was accepted, ends every subscription and closes the store. Later calls fail with `draining`;
    /// closing twice is fine.
    ///
    /// # Errors
    /// What the store says when it is closed.
    pub async fn close(&self) -> Result<(), ChatError> {
        self.shut().await
    }
}
