//! The stream of events and the requests that belong to it, for networks in which WebSockets do not open.

use std::sync::Arc;

use axum::{
    body::Bytes,
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

/// A number and its line break, which come on top of a frame.
const NUMBER_BYTES: usize = 24;

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

/// Brings commands to a stream of one's own; the answers come there. The first line is the number of the request, each
/// further one a frame. Requests are numbered from 1 and sent one after the other; repeating one is safe.
#[utoipa::path(post, path = "/events/frames/{connection_id}/", tag = "events", params(schema::ConnectionPath),
    security(("bearer" = [])), request_body(content = String, content_type = "text/plain"),
    responses((status = 202, description = "Taken"), schema::Failures))]
pub(super) async fn bring_frames(
    State(shared): State<Arc<Shared>>,
    Caller(session): Caller,
    request: Request,
) -> Result<StatusCode, ApiError> {
    let (mut parts, body) = request.into_parts();
    let id = segment(&mut parts, "connection_id").await.unwrap_or_default();
    let inbox = shared.inboxes.find(&id, session.actor())?;
    let limits = &shared.settings.limits;
    let body = read(Request::from_parts(parts, body), &shared, limits.frame_bytes + NUMBER_BYTES).await?;
    let (number, frames) = numbered(body).ok_or(Error::invalid("body", "must begin with the request's number"))?;
    inbox.bring(number, frames, limits.handshake_timeout).await?;
    Ok(StatusCode::ACCEPTED)
}

/// The number on the first line, and the lines after it. It is not in the path, since browsers ask for each path anew
/// whether a page of another origin may post there.
fn numbered(mut body: Bytes) -> Option<(u64, Bytes)> {
    let line = body.iter().position(|byte| *byte == b'\n').map_or(body.len(), |end| end + 1);
    let line = body.split_to(line);
    let number = std::str::from_utf8(&line).ok()?.trim().parse().ok()?;
    (number > 0).then_some((number, body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_is_the_number() {
        let read = |body: &'static str| numbered(Bytes::from_static(body.as_bytes()));
        assert_eq!(read("1"), Some((1, Bytes::new())));
        assert_eq!(read("12\r\n{}\n{}"), Some((12, Bytes::from_static(b"{}\n{}"))));
        for none in ["", "\n1", "0", "-1", "1.5", "{}", "18446744073709551616"] {
            assert_eq!(read(none), None, "{none}");
        }
    }
}
