//! The application's permission hook, written in its own language.
//!
//! A question goes out and its answer comes back when it comes: nothing here waits inside of another language. The time
//! limit is the core's, and so is what becomes of a question without a clear answer: it is a no for now.

use std::sync::{Arc, Mutex, PoisonError};

use chat_core::Denial;
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use crate::{carry, error::ChatError, record::RoomInfo, value::Json};

/// What somebody is about to do.
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    /// Who.
    pub user: String,
    /// What, in a word: `send_message`, `edit_message`, `delete_message`, `mark`, `create_room`, `update_room`,
    /// `delete_room`, `add_participant`, `update_participant`, `remove_participant`, `update_me`.
    pub action: String,
    /// The whole command: its `action` and its fields.
    pub command: Json,
    /// Where; nowhere yet for `create_room`.
    pub room: Option<RoomInfo>,
}

/// What a permission hook says.
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// They may.
    Allow,
    /// They may not.
    Deny {
        /// Why, for the caller: they get `forbidden` with it, cut after 256 characters. Put nothing into it that a user
        /// wrote.
        reason: String,
    },
}

/// Whether somebody may. The first answer counts; one that is let go of unanswered is a no for now.
#[cfg_attr(feature = "uniffi", derive(uniffi::Object))]
#[derive(Debug)]
pub struct Question {
    attempt: Attempt,
    answer: Mutex<Option<oneshot::Sender<Option<Verdict>>>>,
}

impl Question {
    /// A question, and where its answer comes.
    pub(crate) fn of(attempt: chat_core::Attempt<'_>) -> Result<(Self, Answer), ChatError> {
        let command: Json = carry::carry(attempt.command)?;
        let action = command.0.get("action").and_then(|action| action.as_str()).unwrap_or_default().to_owned();
        let room = attempt.room.map(carry::carry).transpose()?;
        let attempt = Attempt { user: attempt.user.to_string(), action, command, room };
        let (sender, answer) = oneshot::channel();
        Ok((Self { attempt, answer: Mutex::new(Some(sender)) }, Answer(answer)))
    }
}

#[cfg_attr(feature = "uniffi", uniffi::export)]
impl Question {
    /// What it is about.
    pub fn attempt(&self) -> Attempt {
        self.attempt.clone()
    }

    /// Answers it; nothing means that it cannot be said, and the caller is told to try again later.
    pub fn answer(&self, verdict: Option<Verdict>) {
        let answer = self.answer.lock().unwrap_or_else(PoisonError::into_inner).take();
        // Whoever asked may have gone.
        let _ = answer.map(|answer| answer.send(verdict));
    }
}

/// An answer that is on its way.
pub(crate) struct Answer(oneshot::Receiver<Option<Verdict>>);

impl Answer {
    pub(crate) async fn wait(self) -> Result<(), Denial> {
        match self.0.await {
            Ok(Some(Verdict::Allow)) => Ok(()),
            Ok(Some(Verdict::Deny { reason })) => Err(Denial::Forbidden(reason)),
            Ok(None) | Err(_) => Err(Denial::Unavailable),
        }
    }
}

/// The hook of an engine, which is let go of when that is closed, with all that it holds: others may keep the engine.
#[derive(Debug)]
pub(crate) struct UntilClosed(Mutex<Option<Arc<dyn chat_core::PermissionHook>>>);

impl UntilClosed {
    pub(crate) fn new(hook: Arc<dyn chat_core::PermissionHook>) -> Self {
        Self(Mutex::new(Some(hook)))
    }

    pub(crate) fn release(&self) {
        let hook = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        // Another language's code may run here: not under the lock.
        drop(hook);
    }
}

#[async_trait::async_trait]
impl chat_core::PermissionHook for UntilClosed {
    async fn permit(&self, attempt: chat_core::Attempt<'_>) -> Result<(), Denial> {
        let hook = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        hook.ok_or(Denial::Unavailable)?.permit(attempt).await
    }
}

/// Takes the questions whether a user may do something. It is called on threads of the engine: hand the question on to
/// where your program answers it, and return.
///
/// It is asked for each command of a user, never for the host's, and not for reading and typing. It only forbids: what
/// the engine's own rules refuse stays refused. Without an answer within 2 s the caller is told to try again later.
#[cfg(feature = "uniffi")]
#[uniffi::export(with_foreign)]
pub trait PermissionHook: std::fmt::Debug + Send + Sync {
    /// Takes a question.
    ///
    /// # Errors
    /// It cannot be asked.
    fn ask(&self, question: Arc<Question>) -> Result<(), HookFailed>;
}

/// A hook threw instead of answering.
#[cfg(feature = "uniffi")]
#[derive(Debug, thiserror::Error, uniffi::Error)]
pub enum HookFailed {
    /// It did.
    #[error("the hook failed")]
    Failed,
}

#[cfg(feature = "uniffi")]
impl From<uniffi::UnexpectedUniFFICallbackError> for HookFailed {
    fn from(_: uniffi::UnexpectedUniFFICallbackError) -> Self {
        Self::Failed
    }
}

/// A hook of another language, as the core asks it.
#[cfg(feature = "uniffi")]
#[derive(Debug)]
pub(crate) struct Foreign(pub(crate) Arc<dyn PermissionHook>);

#[cfg(feature = "uniffi")]
#[async_trait::async_trait]
impl chat_core::PermissionHook for Foreign {
    async fn permit(&self, attempt: chat_core::Attempt<'_>) -> Result<(), Denial> {
        let (question, answer) = Question::of(attempt).map_err(|_| Denial::Unavailable)?;
        let hook = Arc::clone(&self.0);
        // spawns: one call of the hook, where it may block; it ends when the hook returns.
        let asked = tokio::task::spawn_blocking(move || hook.ask(Arc::new(question)));
        match asked.await {
            Ok(Ok(())) => answer.wait().await,
            Ok(Err(_)) | Err(_) => Err(Denial::Unavailable),
        }
    }
}
