//! What is one's own in a room: how far one has read and received, one's settings; and how much is unread in all.

use std::sync::Arc;

use axum::{Json, extract::State};
use chat_core::{MarkKind, Markers, My, Seq, UpdateMe};
use serde::{Deserialize, Serialize};

use crate::server::Shared;

use super::{
    error::ApiError,
    input::{Caller, InRoom, JsonBody},
    schema,
};

type Answer<T> = Result<Json<T>, ApiError>;

/// A place in the room.
#[derive(Deserialize)]
pub(super) struct Place {
    seq: Seq,
}

/// Reads up to a place; past the end means the end.
#[utoipa::path(post, path = "/api/chatrooms/{id}/mark_read/", tag = "receipts", params(schema::RoomPath),
    security(("bearer" = [])), request_body = schema::Place,
    responses((status = 200, body = schema::Markers), schema::Failures))]
pub(super) async fn read_message(
    Caller(session): Caller,
    InRoom(room): InRoom,
    JsonBody(place): JsonBody<Place>,
) -> Answer<Markers> {
    Ok(Json(session.mark(room, MarkKind::Read, place.seq).await?))
}

/// Says that everything up to a place was received; past the end means the end.
#[utoipa::path(post, path = "/api/chatrooms/{id}/mark_delivered/", tag = "receipts", params(schema::RoomPath),
    security(("bearer" = [])), request_body = schema::Place,
    responses((status = 200, body = schema::Markers), schema::Failures))]
pub(super) async fn message_delivered(
    Caller(session): Caller,
    InRoom(room): InRoom,
    JsonBody(place): JsonBody<Place>,
) -> Answer<Markers> {
    Ok(Json(session.mark(room, MarkKind::Delivered, place.seq).await?))
}

/// Makes everything from a place on unread for oneself; receipts stay.
#[utoipa::path(post, path = "/api/chatrooms/{id}/mark_unread/", tag = "receipts", params(schema::RoomPath),
    security(("bearer" = [])), request_body = schema::Place,
    responses((status = 200, body = schema::Markers), schema::Failures))]
pub(super) async fn mark_unread(
    Caller(session): Caller,
    InRoom(room): InRoom,
    JsonBody(place): JsonBody<Place>,
) -> Answer<Markers> {
    Ok(Json(session.mark(room, MarkKind::Unread, place.seq).await?))
}

/// Changes my own settings in a room. Fields that are absent stay.
#[utoipa::path(patch, path = "/api/chatrooms/{id}/me/", tag = "rooms", params(schema::RoomPath),
    security(("bearer" = [])), request_body = schema::UpdateMe,
    responses((status = 200, body = schema::My), schema::Failures))]
pub(super) async fn update_me(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    InRoom(room): InRoom,
    JsonBody(update): JsonBody<UpdateMe>,
) -> Answer<My> {
    caller.pace(&shared, 1)?;
    Ok(Json(caller.0.update_me(room, update).await?))
}

/// How much is unread.
#[derive(Serialize)]
pub(super) struct Unread {
    pub(super) unread_count: u64,
}

/// How many messages I have not read, over all rooms.
#[utoipa::path(get, path = "/api/unread/", tag = "receipts", security(("bearer" = [])),
    responses((status = 200, body = schema::Unread), schema::Failures))]
pub(super) async fn unread(Caller(session): Caller) -> Answer<Unread> {
    Ok(Json(Unread { unread_count: session.unread().await? }))
}
