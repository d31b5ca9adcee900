//! What requests bring: who asks, paths, queries and bodies. Everything that is wrong is answered in JSON.

use std::{collections::HashMap, sync::Arc};

use axum::{
    body::{Body, BodyDataStream, Bytes},
    extract::{FromRequest, FromRequestParts, Path, Query, Request},
    http::{StatusCode, header, request::Parts},
};
use chat_core::{Actor, Error, MAX_INTEGER, MessageId, RoomRef, Seq, Session, UserId, Window};
use futures_util::StreamExt;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::{
    auth::{self, Credentials, find_token},
    server::Shared,
};

use super::error::ApiError;

/// Who asks. A request without a good token does not get further than this.
pub(crate) struct Caller(pub(crate) Session);

impl Caller {
    /// Counts a message that is sent or edited against its sender's rate.
    ///
    /// # Errors
    /// `rate_limited`.
    pub(crate) fn pace(&self, shared: &Shared) -> Result<(), ApiError> {
        match (&shared.rates, self.0.actor().user()) {
            (Some(rates), Some(user)) => {
                rates.take(user, shared.now()).map_err(|retry_after_ms| Error::RateLimited { retry_after_ms }.into())
            }
            _ => Ok(()),
        }
    }
}

impl FromRequestParts<Arc<Shared>> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, shared: &Arc<Shared>) -> Result<Self, ApiError> {
        let token = find_token(&parts.headers, &parts.uri, false);
        let credentials = Credentials { token: token.as_deref(), headers: &parts.headers };
        let limit = shared.settings.limits.auth_timeout;
        match auth::ask(&*shared.authenticator, credentials, limit).await {
            Ok(identity) => Ok(Self(match &identity.actor {
                Actor::Host => shared.engine.host(),
                Actor::User(user) => shared.engine.session(user).with_profile(identity.name, identity.avatar),
            })),
            Err(error) => {
                shared.metrics.auth_failures.add(1);
                Err(Error::from(error).into())
            }
        }
    }
}

/// The room that a path names, by id or key. What cannot be a name is not found, like what is none.
pub(crate) struct InRoom(pub(crate) RoomRef);

impl FromRequestParts<Arc<Shared>> for InRoom {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, shared: &Arc<Shared>) -> Result<Self, ApiError> {
        let text = segment(parts, shared, "id").await;
        text.and_then(|text| text.parse().ok()).map(Self).ok_or_else(|| Error::not_found("room").into())
    }
}

/// The message that a path names.
pub(crate) struct OfMessage(pub(crate) MessageId);

impl FromRequestParts<Arc<Shared>> for OfMessage {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, shared: &Arc<Shared>) -> Result<Self, ApiError> {
        let text = segment(parts, shared, "id").await;
        text.and_then(|text| text.parse().ok()).map(Self).ok_or_else(|| Error::not_found("message").into())
    }
}

/// The participant that a path names.
pub(crate) struct Somebody(pub(crate) UserId);

impl FromRequestParts<Arc<Shared>> for Somebody {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, shared: &Arc<Shared>) -> Result<Self, ApiError> {
        let text = segment(parts, shared, "user_id").await;
        text.and_then(|text| text.parse().ok()).map(Self).ok_or_else(|| Error::not_found("participant").into())
    }
}

/// A part of the path, unescaped; nothing if it is no text.
async fn segment(parts: &mut Parts, shared: &Arc<Shared>, name: &str) -> Option<String> {
    let Path(mut segments) = Path::<HashMap<String, String>>::from_request_parts(parts, shared).await.ok()?;
    segments.remove(name)
}

/// The query's parameters. Those that nobody knows are ignored.
pub(crate) struct Params(HashMap<String, String>);

impl<S: Sync> FromRequestParts<S> for Params {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let query = Query::<HashMap<String, String>>::try_from_uri(&parts.uri);
        query.map(|Query(params)| Self(params)).map_err(|_| ApiError::invalid("query", "must be UTF-8"))
    }
}

impl Params {
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Where the page goes on.
    pub(crate) fn cursor(&self) -> Option<&str> {
        self.get("cursor")
    }

    /// How many entries: any whole number, clamped.
    pub(crate) fn limit(&self) -> Result<Option<usize>, ApiError> {
        let Some(text) = self.get("limit") else { return Ok(None) };
        let (below, digits) = match text.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(ApiError::invalid("limit", "must be a whole number"));
        }
        Ok(Some(if below { 1 } else { digits.parse().unwrap_or(usize::MAX) }))
    }

    /// Which messages of a room.
    pub(crate) fn window(&self) -> Result<Window, ApiError> {
        let place = |name| self.get(name).map(|text| seq(name, text)).transpose();
        match (place("before")?, place("after")?, place("around")?) {
            (None, None, None) => Ok(Window::Latest),
            (Some(seq), None, None) => Ok(Window::Before(seq)),
            (None, Some(seq), None) => Ok(Window::After(seq)),
            (None, None, Some(seq)) => Ok(Window::Around(seq)),
            _ => Err(ApiError::invalid("before", "and `after` and `around` exclude each other")),
        }
    }
}

/// A place in a room.
pub(crate) fn seq(name: &str, text: &str) -> Result<Seq, ApiError> {
    text.parse()
        .ok()
        .filter(|seq| *seq <= MAX_INTEGER)
        .ok_or_else(|| ApiError::invalid(name, "must be a whole number from 0 to 2^53 - 1"))
}

/// A JSON body. None at all means `{}`.
pub(crate) struct JsonBody<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<Arc<Shared>> for JsonBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, shared: &Arc<Shared>) -> Result<Self, ApiError> {
        let bytes = read(request, shared).await?;
        let bytes: &[u8] = if bytes.is_empty() { b"{}" } else { &bytes };
        // serde would take an array for an object, field by field.
        if bytes.trim_ascii_start().first() != Some(&b'{') {
            return Err(ApiError::invalid("body", "must be a JSON object"));
        }
        let mut json = serde_json::Deserializer::from_slice(bytes);
        let value = serde_path_to_error::deserialize(&mut json).map_err(|error| explain(&error))?;
        json.end().map_err(|_| ApiError::invalid("body", "must be a JSON object, and nothing after it"))?;
        Ok(Self(value))
    }
}

/// A JSON object, for what also takes something from the path.
pub(crate) type Fields = JsonBody<Map<String, Value>>;

impl Fields {
    /// The object with one more field, which wins over one of that name in the body.
    pub(crate) fn with<T: DeserializeOwned>(mut self, field: &str, value: impl Into<Value>) -> Result<T, ApiError> {
        self.0.insert(field.to_owned(), value.into());
        serde_path_to_error::deserialize(Value::Object(self.0)).map_err(|error| explain(&error))
    }
}

/// Reads a body, within its limit and its time.
async fn read(request: Request, shared: &Shared) -> Result<Bytes, ApiError> {
    let limits = &shared.settings.limits;
    let length = request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if length.is_some_and(|length: usize| length > limits.body_bytes) {
        return Err(ApiError::body_too_large(limits.body_bytes));
    }
    let reading = gather(Body::into_data_stream(request.into_body()), limits.body_bytes);
    let too_slow = || Error::invalid("body", "did not come in time");
    tokio::time::timeout(limits.handshake_timeout, reading)
        .await
        .unwrap_or_else(|_| Err(ApiError::with(StatusCode::REQUEST_TIMEOUT, &too_slow())))
}

async fn gather(mut body: BodyDataStream, limit: usize) -> Result<Bytes, ApiError> {
    let mut first = Bytes::new();
    let mut all = Vec::new();
    while let Some(part) = body.next().await {
        let part = part.map_err(|_| ApiError::invalid("body", "was cut off"))?;
        if first.len() + all.len() + part.len() > limit {
            return Err(ApiError::body_too_large(limit));
        }
        // Most bodies come in one part, and need no copy.
        if first.is_empty() && all.is_empty() {
            first = part;
        } else {
            if all.is_empty() {
                all.extend_from_slice(&std::mem::take(&mut first));
            }
            all.extend_from_slice(&part);
        }
    }
    Ok(if all.is_empty() { first } else { all.into() })
}

/// Says which field is wrong, never what stood in it. The path's first part is a field of the type that is read: names
/// that a stranger made up are further down, or ignored.
fn explain(error: &serde_path_to_error::Error<serde_json::Error>) -> ApiError {
    let inner = error.inner();
    if inner.classify() != serde_json::error::Category::Data {
        return ApiError::invalid("body", &format!("must be a JSON object; it is not JSON at line {}", inner.line()));
    }
    let field = match error.path().iter().next() {
        Some(serde_path_to_error::Segment::Map { key }) => Some((key.clone(), "is missing, or not what it must be")),
        _ => named(inner),
    };
    match field {
        Some((field, problem)) => ApiError::invalid(&field, problem),
        None => ApiError::invalid("body", "must be a JSON object"),
    }
}

/// serde names a field that is missing or given twice only in its text; such names are our own.
fn named(error: &serde_json::Error) -> Option<(String, &'static str)> {
    let text = error.to_string();
    let (rest, problem) = match text.strip_prefix("missing field `") {
        Some(rest) => (rest, "is missing, or not what it must be"),
        None => (text.strip_prefix("duplicate field `")?, "is given twice"),
    };
    Some((rest.split('`').next()?.to_owned(), problem))
}
