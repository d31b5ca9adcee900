//! Messages.

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};
use chat_core::{EditMessage, MarkKind, Markers, Message, Page, Participant, RoomRef, SendMessage, Window};

use crate::server::Shared;

use super::{
    error::ApiError,
    input::{Caller, Fields, InRoom, JsonBody, OfMessage, Params, seq},
    schema,
};

type Answer<T> = Result<Json<T>, ApiError>;

/// A room's messages: the last ones, or those before, after or around a place. `next` goes on in the same direction.
#[utoipa::path(get, path = "/api/chatrooms/{id}/messages/", tag = "messages",
    params(schema::RoomPath, schema::Window), security(("bearer" = [])),
    responses((status = 200, body = schema::Page<schema::Message>), schema::Failures))]
pub(super) async fn history(Caller(session): Caller, InRoom(room): InRoom, params: Params) -> Answer<Page<Message>> {
    Ok(Json(session.history(room, params.window()?, params.limit()?).await?))
}

/// Posts a message. Under a `client_id` it can be repeated safely.
#[utoipa::path(post, path = "/api/chatrooms/{id}/send_message/", tag = "messages", params(schema::RoomPath),
    security(("bearer" = [])), request_body = schema::SendMessage,
    responses((status = 201, description = "Sent", body = schema::Message),
        (status = 200, description = "Sent before, under the same `client_id`", body = schema::Message),
        schema::Failures))]
pub(super) async fn send_message(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    InRoom(room): InRoom,
    JsonBody(send): JsonBody<SendMessage>,
) -> Result<(StatusCode, Json<Arc<Message>>), ApiError> {
    caller.pace(&shared, 1)?;
    let sent = caller.0.send(room, send).await?;
    Ok((if sent.duplicate { StatusCode::OK } else { StatusCode::CREATED }, Json(sent.message)))
}

/// What I may see, newest first by id; in one room if `room` is given.
#[utoipa::path(get, path = "/api/messages/", tag = "messages", params(schema::Filter, schema::Paging),
    security(("bearer" = [])), responses((status = 200, body = schema::Page<schema::Message>), schema::Failures))]
pub(super) async fn list_messages(Caller(session): Caller, params: Params) -> Answer<Page<Message>> {
    let limit = params.limit()?;
    let page = match params.get("room") {
        // Within a room, the order of ids is the order of places.
        Some(room) => {
            let room: RoomRef = room.parse().map_err(|_| chat_core::Error::not_found("room"))?;
            let window = params.cursor().map(|cursor| seq("cursor", cursor).map(Window::Before)).transpose()?;
            session.history(room, window.unwrap_or(Window::Latest), limit).await?
        }
        None => session.messages(params.cursor(), limit).await?,
    };
    Ok(Json(page))
}

/// One message.
#[utoipa::path(get, path = "/api/messages/{id}/", tag = "messages", params(schema::MessagePath),
    security(("bearer" = [])), responses((status = 200, body = schema::Message), schema::Failures))]
pub(super) async fn get_message(Caller(session): Caller, OfMessage(id): OfMessage) -> Answer<Message> {
    Ok(Json(session.message(id).await?))
}

/// Changes what a message says. Fields that are absent stay; `null` clears.
#[utoipa::path(patch, path = "/api/messages/{id}/", tag = "messages", params(schema::MessagePath),
    security(("bearer" = [])), request_body = schema::EditMessage,
    responses((status = 200, body = schema::Message), schema::Failures))]
pub(super) async fn edit_message(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    OfMessage(id): OfMessage,
    fields: Fields,
) -> Answer<Arc<Message>> {
    let edit: EditMessage = fields.with("message_id", id.to_string())?;
    caller.pace(&shared, 1)?;
    Ok(Json(caller.0.edit(edit).await?))
}

/// Takes a message's content away, and answers what is left of it. Deleting a deleted one is fine.
#[utoipa::path(delete, path = "/api/messages/{id}/", tag = "messages", params(schema::MessagePath),
    security(("bearer" = [])), responses((status = 200, body = schema::Message), schema::Failures))]
pub(super) async fn delete_message(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    OfMessage(id): OfMessage,
) -> Answer<Arc<Message>> {
    caller.pace(&shared, 1)?;
    Ok(Json(caller.0.delete(id).await?))
}

/// Reads up to this message.
#[utoipa::path(post, path = "/api/messages/{id}/mark_read/", tag = "receipts", params(schema::MessagePath),
    security(("bearer" = [])), responses((status = 200, body = schema::Markers), schema::Failures))]
pub(super) async fn mark_read(Caller(session): Caller, OfMessage(id): OfMessage) -> Answer<Markers> {
    Ok(Json(session.mark_message(MarkKind::Read, id).await?))
}

/// Who has read a message, by user id.
#[utoipa::path(get, path = "/api/messages/{id}/readers/", tag = "receipts",
    params(schema::MessagePath, schema::Paging), security(("bearer" = [])),
    responses((status = 200, body = schema::Page<schema::Participant>), schema::Failures))]
pub(super) async fn readers(
    Caller(session): Caller,
    OfMessage(id): OfMessage,
    params: Params,
) -> Answer<Page<Participant>> {
    Ok(Json(session.readers(id, params.cursor(), params.limit()?).await?))
}
