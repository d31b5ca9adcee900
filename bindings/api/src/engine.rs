//! The engine as a handle.

use std::sync::Arc;

use chat_core::{Engine, MemoryStore, Options, PermissionHook, Store, UserId};
use chat_sqlite::{OpenError, SqliteStore};
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::{
    connection::Connection,
    error::ChatError,
    permit::UntilClosed,
    runtime,
    session::{Profile, Session},
};

/// A running chat engine. Close it when you are done: that finishes what was accepted and lets go of the file.
#[cfg_attr(feature = "uniffi", derive(uniffi::Object))]
#[derive(Clone, Debug)]
pub struct ChatEngine {
    pub(crate) core: Engine,
    /// Where its file is; nowhere for one in memory. Held by whoever lets go of the file or opens it again: until the
    /// one is done the other must not begin.
    file: Option<Arc<Mutex<String>>>,
    /// The application's hook, if there is one.
    hook: Option<Arc<UntilClosed>>,
}

impl ChatEngine {
    /// An engine over a file.
    pub(crate) async fn over_file(path: String, hook: Option<Arc<dyn PermissionHook>>) -> Result<Self, ChatError> {
        let store = open(path.clone()).await?;
        Self::over(store, hook, Some(path))
    }

    /// An engine that keeps everything in memory.
    pub(crate) fn over_memory(hook: Option<Arc<dyn PermissionHook>>) -> Result<Self, ChatError> {
        Self::over(Arc::new(MemoryStore::default()), hook, None)
    }

    fn over(
        store: Arc<dyn Store>,
        hook: Option<Arc<dyn PermissionHook>>,
        path: Option<String>,
    ) -> Result<Self, ChatError> {
        let _here = runtime::runtime()?.enter();
        let hook = hook.map(|hook| Arc::new(UntilClosed::new(hook)));
        let permission = hook.clone().map(|hook| hook as Arc<dyn PermissionHook>);
        let core = Engine::open(store, Options { permission, ..Options::default() });
        Ok(Self { core, file: path.map(|path| Arc::new(Mutex::new(path))), hook })
    }

    pub(crate) fn session_of(&self, user: &str) -> Result<Session, ChatError> {
        Ok(Session::new(self.core.session(&UserId::new(user)?)))
    }

    pub(crate) async fn let_go(&self) -> Result<(), ChatError> {
        let Some(turn) = self.turn().await else { return Ok(()) };
        let engine = self.core.clone();
        runtime::finish(async move {
            let _turn = turn;
            Ok(engine.suspend().await?)
        })
        .await
    }

    pub(crate) async fn go_on(&self) -> Result<(), ChatError> {
        let Some(turn) = self.turn().await else { return Ok(()) };
        let engine = self.core.clone();
        runtime::finish(async move {
            if engine.is_closed() {
                return Err(chat_core::Error::Draining.into());
            }
            if !engine.is_suspended() {
                return Ok(());
            }
            let store = open(turn.clone()).await?;
            Ok(engine.resume(store).await?)
        })
        .await
    }

    /// One's turn at the file, in the order of the calls.
    async fn turn(&self) -> Option<OwnedMutexGuard<String>> {
        match &self.file {
            Some(file) => Some(Arc::clone(file).lock_owned().await),
            None => None,
        }
    }

    pub(crate) async fn shut(&self) -> Result<(), ChatError> {
        let engine = self.clone();
        runtime::finish(async move {
            let closed = engine.core.close().await;
            if let Some(hook) = engine.hook {
                hook.release();
            }
            Ok(closed?)
        })
        .await
    }
}

#[cfg(feature = "uniffi")]
#[uniffi::export]
impl ChatEngine {
    /// Opens the file at `path`, or makes it. One process has it open at a time. `permit` is asked whether a user may,
    /// before each of their commands.
    ///
    /// # Errors
    /// `storage_unavailable` where another has it open or the system says no; `invalid_argument` where it is something
    /// else, is damaged, or was written by a newer version. The file is as it was.
    #[uniffi::constructor(default(permit = None))]
    pub async fn open(path: String, permit: Option<Arc<dyn crate::PermissionHook>>) -> Result<Arc<Self>, ChatError> {
        Self::over_file(path, permit.map(asked)).await.map(Arc::new)
    }

    /// Opens an engine that keeps everything in memory, for trials and tests.
    ///
    /// # Errors
    /// The system gives no threads.
    #[uniffi::constructor(default(permit = None))]
    pub fn in_memory(permit: Option<Arc<dyn crate::PermissionHook>>) -> Result<Arc<Self>, ChatError> {
        Self::over_memory(permit.map(asked)).map(Arc::new)
    }

    /// What a user may do. Your program has decided who the user is, and may say how they are shown in the rooms that
    /// they open.
    ///
    /// # Errors
    /// `invalid_argument`: a user id has 1 to 128 bytes without control characters.
    #[uniffi::method(default(name = None, avatar = None))]
    pub fn session(&self, user: &str, name: Option<String>, avatar: Option<String>) -> Result<Arc<Session>, ChatError> {
        Ok(Arc::new(self.session_of(user)?.shown_as(Profile { name, avatar })))
    }

    /// What only the application itself may do: rooms with keys, system messages, sending for others. Never hand it to
    /// a user.
    pub fn host(&self) -> Arc<Session> {
        Arc::new(Session::new(self.core.host()))
    }

    /// Carries a user's connection over a socket of your own: text frames in, text frames out. `name` and `avatar` are
    /// how they are shown in the rooms that they open.
    ///
    /// # Errors
    /// `invalid_argument`: what is no user id.
    #[uniffi::method(default(room = None, name = None, avatar = None))]
    pub fn connection(
        &self,
        user: &str,
        room: Option<String>,
        name: Option<String>,
        avatar: Option<String>,
    ) -> Result<Arc<Connection>, ChatError> {
        Connection::open(&self.core, user, room, Profile { name, avatar }).map(Arc::new)
    }

    /// Lets go of the file for a while, as an app that goes to the background must: what was accepted is finished, then
    /// the file is free. Until [`ChatEngine::resume`] every call fails with `suspended`; subscriptions stay, and hear
    /// nothing. Twice is fine, and giving up on it takes nothing back. An engine in memory has no file and goes on.
    ///
    /// # Errors
    /// What the store says when it is closed; the file is free all the same. `draining` after the end.
    pub async fn suspend(&self) -> Result<(), ChatError> {
        self.let_go().await
    }

    /// Goes on with the same file, which others may have changed meanwhile: every open room gets `resync`. Where it was
    /// not suspended nothing happens.
    ///
    /// # Errors
    /// As for opening; then it is still suspended, and can be resumed later. `draining` after the end.
    pub async fn resume(&self) -> Result<(), ChatError> {
        self.go_on().await
    }

    /// Finishes what was accepted, ends every subscription and lets go of the file and of the permission hook. Later calls
    /// fail with `draining`; doing it twice is fine, and giving up on it takes nothing back.
    ///
    /// # Errors
    /// What the store says when it is closed.
    pub async fn shut_down(&self) -> Result<(), ChatError> {
        self.shut().await
    }
}

/// Opens the file. That reads and may migrate: not on a thread that others wait for.
async fn open(path: String) -> Result<Arc<dyn Store>, ChatError> {
    // spawns: the opening; it ends by itself.
    match runtime::runtime()?.spawn_blocking(move || SqliteStore::open(path)).await {
        Ok(store) => Ok(Arc::new(store?)),
        Err(_) => Err(ChatError::unavailable("the storage failed inside; please report it")),
    }
}

#[cfg(feature = "uniffi")]
fn asked(hook: Arc<dyn crate::PermissionHook>) -> Arc<dyn PermissionHook> {
    Arc::new(crate::permit::Foreign(hook))
}

impl From<OpenError> for ChatError {
    fn from(error: OpenError) -> Self {
        match &error {
            OpenError::Foreign { .. }
            | OpenError::Newer { .. }
            | OpenError::ReadOnly { .. }
            | OpenError::Corrupt { .. } => Self::invalid("path", &format!("cannot be opened: {error}")),
            _ => Self::unavailable(error.to_string()),
        }
    }
}
