//! A permission hook written in JavaScript.

use std::fmt;

use async_trait::async_trait;
use chat_core::Denial;
use napi::{
    Status,
    bindgen_prelude::Function,
    threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode},
};
use napi_derive::napi;

use crate::{
    carry,
    permit::{self, Verdict},
};

/// See [`permit::Question`].
#[napi]
#[derive(Debug)]
pub struct Question(permit::Question);

#[napi]
impl Question {
    /// What it is about, in JSON.
    #[napi]
    pub fn attempt(&self) -> napi::Result<String> {
        Ok(carry::write(&self.0.attempt())?)
    }

    /// Answers it: yes, or no with a reason, or neither.
    #[napi]
    pub fn answer(&self, allowed: Option<bool>, reason: String) {
        self.0.answer(allowed.map(|allowed| if allowed { Verdict::Allow } else { Verdict::Deny { reason } }));
    }
}

/// Hands questions to JavaScript. It does not keep the process alive; the call that is asked about does.
pub(super) struct Hook(ThreadsafeFunction<Question, (), Question, Status, false, true>);

impl Hook {
    pub(super) fn new(ask: &Function<'_, Question, ()>) -> napi::Result<Self> {
        Ok(Self(ask.build_threadsafe_function().weak::<true>().callee_handled::<false>().build()?))
    }
}

#[async_trait]
impl chat_core::PermissionHook for Hook {
    async fn permit(&self, attempt: chat_core::Attempt<'_>) -> Result<(), Denial> {
        let (question, answer) = permit::Question::of(attempt).map_err(|_| Denial::Unavailable)?;
        // Where the environment is gone, the question is let go of.
        self.0.call(Question(question), ThreadsafeFunctionCallMode::NonBlocking);
        answer.wait().await
    }
}

impl fmt::Debug for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hook").finish_non_exhaustive()
    }
}
