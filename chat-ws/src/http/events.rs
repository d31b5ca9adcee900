//! The stream of events and the requests that belong to it, for networks in which WebSockets do not open.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::StatusCode,
    response::Response,
};
use chat_core::Error;

use crate::{connect, server::Shared};

use super::{
    error::ApiError,
    input::{Caller, read, segment},
    schema,
};

/// A connection for many rooms: events and answers come as `data` of server-sent events, one frame each; an event
/// `close` says why it ends.
#[utoipa::path(get, path = "/events/", tag = "events", security(("bearer" = [])),
    responses((status = 200, body = String, content_type = "text/event-stream"), schema::Failures))]
pub(super) async fn open_events(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    connect::general_stream(&shared, request).await
}

/// The same, inside one room.
#[utoipa::path(get, path = "/events/job_chat/{job_id}/", tag = "events", params(schema::JobPath),
    security(("bearer" = [])),
    responses((status = 200, body = String, content_type = "text/event-stream"), schema::Failures))]
pub(super) async fn open_room_events(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    connect::room_stream(&shared, request).await
}

/// Brings commands to a stream of one's own, one frame a line; the answers come there. Requests are numbered from 1 and
/// sent one after the other; repeating one is safe.
#[utoipa::path(post, path = "/events/frames/{connection_id}/{number}/", tag = "events", params(schema::FramesPath),
    security(("bearer" = [])), request_body(content = String, content_type = "application/x-ndjson"),
    responses((status = 202, description = "Taken"), schema::Failures))]
pub(super) async fn bring_frames(
    State(shared): State<Arc<Shared>>,
    Caller(session): Caller,
    request: Request,
) -> Result<StatusCode, ApiError> {
    let (mut parts, body) = request.into_parts();
    let id = segment(&mut parts, "connection_id").await.unwrap_or_default();
    let inbox = shared.inboxes.find(&id, session.actor())?;
    let number = segment(&mut parts, "number").await.and_then(|number| number.parse().ok());
    let number = number.filter(|number| *number > 0).ok_or(Error::invalid("number", "must be 1, 2, 3, …"))?;
    let limits = &shared.settings.limits;
    let frames = read(Request::from_parts(parts, body), &shared, limits.frame_bytes).await?;
    inbox.bring(number, frames, limits.handshake_timeout).await?;
    Ok(StatusCode::ACCEPTED)
}
