//! Promises for calls of the core, and errors as JavaScript gets them.

use std::future::Future;

use napi::{
    Env,
    bindgen_prelude::{Object, ToNapiValue},
};
use serde::Serialize;

use crate::{
    error::{ChatError, ErrorCode, ErrorDetails, Retry},
    runtime,
};

/// A promise of what `call` comes to. It keeps the process alive until then.
pub(crate) fn promise<T: ToNapiValue + Send + 'static>(
    env: &Env,
    call: impl Future<Output = Result<T, ChatError>> + Send + 'static,
) -> napi::Result<Object<'_>> {
    let (deferred, promise) = env.create_deferred()?;
    // spawns: one call; it ends by itself, and its answer finds nobody where the environment is gone.
    runtime::runtime()?.spawn(async move {
        match call.await {
            Ok(value) => deferred.resolve(move |_| Ok(value)),
            Err(error) => deferred.reject(error.into()),
        }
    });
    Ok(promise)
}

/// An error's text on its way to JavaScript, which makes its `ChatError` of it.
#[derive(Serialize)]
struct Text<'a> {
    code: ErrorCode,
    message: &'a str,
    retry: Retry,
    retry_after_ms: Option<i64>,
    details: &'a ErrorDetails,
}

impl From<ChatError> for napi::Error {
    fn from(error: ChatError) -> Self {
        let ChatError::Failed { code, reason, retry, retry_after_ms, details } = &error;
        let text = Text { code: *code, message: reason, retry: *retry, retry_after_ms: *retry_after_ms, details };
        Self::from_reason(serde_json::to_string(&text).unwrap_or_default())
    }
}
