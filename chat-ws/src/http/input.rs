//! What requests bring: who asks, paths, queries and bodies. Everything that is wrong is answered in JSON.

use std::{collections::HashMap, str::FromStr, sync::Arc};

use axum::{
    body::{Body, BodyDataStream, Bytes},
    extract::{FromRequest, FromRequestParts, Query, RawPathParams, Request},
    http::{header, request::Parts},
};
use chat_core::{
    Actor, Error, MAX_INTEGER, MessageId, RoomRef, Seq, Session, UserId, Window,
    wire::{Meter, from_json},
};
use futures_util::StreamExt;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::{
    auth::{Credentials, find_token},
    server::Shared,
};

use super::error::ApiError;

/// Who asks. A request without a good token does not get further than this.
pub(crate) struct Caller(pub(crate) Session);

impl Caller {
    /// Counts what a user writes against their rate, as so many messages.
    ///
    /// # Errors
    /// `rate_limited`.
    pub(crate) fn pace(&self, shared: &Shared, cost: u32) -> Result<(), Error> {
        self.0.actor().user().map_or(Ok(()), |user| shared.pace(user, cost))
    }
}

impl FromRequestParts<Arc<Shared>> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, shared: &Arc<Shared>) -> Result<Self, ApiError> {
        let token = find_token(&parts.headers, &parts.uri, false);
        let credentials = Credentials { token: token.as_deref(), headers: &parts.headers };
        let identity = shared.identify(credentials).await.map_err(Error::from)?;
        Ok(Self(match &identity.actor {
            Actor::Host => shared.engine.host(),
            Actor::User(user) => shared.engine.session(user).with_profile(identity.name, identity.avatar),
        }))
    }
}

/// The room that a path names, by id or key.
pub(crate) struct InRoom(pub(crate) RoomRef);

impl<S: Sync> FromRequestParts<S> for InRoom {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        Ok(Self(named(parts, "id", "room").await?))
    }
}

/// The message that a path names.
pub(crate) struct OfMessage(pub(crate) MessageId);

impl<S: Sync> FromRequestParts<S> for OfMessage {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        Ok(Self(named(parts, "id", "message").await?))
    }
}

/// The participant that a path names.
pub(crate) struct Somebody(pub(crate) UserId);

impl<S: Sync> FromRequestParts<S> for Somebody {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        Ok(Self(named(parts, "user_id", "participant").await?))
    }
}

/// What a part of the path names. What cannot be a name is not found, like what is none.
async fn named<T: FromStr>(parts: &mut Parts, part: &str, what: &'static str) -> Result<T, Error> {
    let text = segment(parts, part).await;
    text.and_then(|text| text.parse().ok()).ok_or(Error::not_found(what))
}

/// A part of the path, unescaped; nothing if it is no text. The app that the router is nested in may have parts of its
/// own.
pub(crate) async fn segment(parts: &mut Parts, name: &str) -> Option<String> {
    let segments = RawPathParams::from_request_parts(parts, &()).await.ok()?;
    segments.iter().find(|(known, _)| *known == name).map(|(_, text)| text.to_owned())
}

/// The query's parameters. Those that nobody knows are ignored.
pub(crate) struct Params(HashMap<String, String>);

impl<S: Sync> FromRequestParts<S> for Params {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let query = Query::<HashMap<String, String>>::try_from_uri(&parts.uri);
        query.map(|Query(params)| Self(params)).map_err(|_| Error::invalid("query", "must be UTF-8").into())
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
    pub(crate) fn limit(&self) -> Result<Option<usize>, Error> {
        let Some(text) = self.get("limit") else { return Ok(None) };
        let (below, digits) = match text.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(Error::invalid("limit", "must be a whole number"));
        }
        Ok(Some(if below { 1 } else { digits.parse().unwrap_or(usize::MAX) }))
    }

    /// Which messages of a room.
    pub(crate) fn window(&self) -> Result<Window, Error> {
        let place = |name| self.get(name).map(|text| seq(name, text)).transpose();
        Window::named(place("before")?, place("after")?, place("around")?)
    }
}

/// A place in a room.
pub(crate) fn seq(name: &'static str, text: &str) -> Result<Seq, Error> {
    let seq = text.parse().ok().filter(|seq| *seq <= MAX_INTEGER);
    seq.ok_or_else(|| Error::invalid(name, "must be a whole number below 2^53"))
}

/// A JSON body. None at all means `{}`.
pub(crate) struct JsonBody<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<Arc<Shared>> for JsonBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, shared: &Arc<Shared>) -> Result<Self, ApiError> {
        let bytes = read(request, shared, shared.settings.limits.body_bytes).await?;
        Ok(Self(from_json("body", if bytes.is_empty() { b"{}" } else { &bytes })?))
    }
}

/// A JSON object, for what also takes something from the path.
pub(crate) type Fields = JsonBody<Map<String, Value>>;

impl Fields {
    /// The object with one more field, which wins over one of that name in the body.
    pub(crate) fn with<T: DeserializeOwned>(mut self, field: &str, value: impl Into<Value>) -> Result<T, Error> {
        self.0.insert(field.to_owned(), value.into());
        from_json("body", Value::Object(self.0).to_string().as_bytes())
    }
}

/// Reads a body, within `limit` bytes and its time.
pub(crate) async fn read(request: Request, shared: &Shared, limit: usize) -> Result<Bytes, ApiError> {
    let length = request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if length.is_some_and(|length: usize| length > limit) {
        return Err(ApiError::body_too_large(limit));
    }
    let reading = gather(Body::into_data_stream(request.into_body()), limit);
    tokio::time::timeout(shared.settings.limits.handshake_timeout, reading)
        .await
        .unwrap_or_else(|_| Err(ApiError::body_incomplete("did not come in time")))
}

async fn gather(mut body: BodyDataStream, limit: usize) -> Result<Bytes, ApiError> {
    let mut first = Bytes::new();
    let mut all = Vec::new();
    while let Some(part) = body.next().await {
        let part = part.map_err(|_| ApiError::body_incomplete("was cut off"))?;
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
