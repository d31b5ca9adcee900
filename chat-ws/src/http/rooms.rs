//! Rooms and who is in them.

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};
use chat_core::{
    AddParticipant, CreateRoom, MyRoom, Page, Participant, RemoveParticipant, UpdateParticipant, UpdateRoom,
};

use crate::server::Shared;

use super::{
    error::ApiError,
    input::{Caller, Fields, InRoom, JsonBody, Params, Somebody},
    schema,
};

type Answer<T> = Result<Json<T>, ApiError>;

/// My rooms, latest activity first; for the host, all there are.
#[utoipa::path(get, path = "/api/chatrooms/", tag = "rooms", params(schema::Paging), security(("bearer" = [])),
    responses((status = 200, body = schema::Page<schema::Room>), schema::Failures))]
pub(super) async fn list_rooms(Caller(session): Caller, params: Params) -> Answer<Page<MyRoom>> {
    Ok(Json(session.rooms(params.cursor(), params.limit()?).await?))
}

/// Makes a room, or finds the one that has the key or the pair: its participants are left as they are.
#[utoipa::path(post, path = "/api/chatrooms/", tag = "rooms", security(("bearer" = [])),
    request_body = schema::CreateRoom,
    responses((status = 201, description = "Made", body = schema::Room),
        (status = 200, description = "Found", body = schema::Room), schema::Failures))]
pub(super) async fn create_room(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    JsonBody(create): JsonBody<CreateRoom>,
) -> Result<(StatusCode, Json<MyRoom>), ApiError> {
    caller.pace(&shared, create.cost())?;
    let (room, made) = caller.0.get_or_create_room(create).await?;
    Ok((if made { StatusCode::CREATED } else { StatusCode::OK }, Json(room)))
}

/// One room, as I see it.
#[utoipa::path(get, path = "/api/chatrooms/{id}/", tag = "rooms", params(schema::RoomPath),
    security(("bearer" = [])), responses((status = 200, body = schema::Room), schema::Failures))]
pub(super) async fn get_room(Caller(session): Caller, InRoom(room): InRoom) -> Answer<MyRoom> {
    Ok(Json(session.room(room).await?))
}

/// Changes a room's settings or state. Fields that are absent stay; `null` clears.
#[utoipa::path(patch, path = "/api/chatrooms/{id}/", tag = "rooms", params(schema::RoomPath),
    security(("bearer" = [])), request_body = schema::UpdateRoom,
    responses((status = 200, body = schema::Room), schema::Failures))]
pub(super) async fn update_room(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    InRoom(room): InRoom,
    JsonBody(update): JsonBody<UpdateRoom>,
) -> Answer<MyRoom> {
    caller.pace(&shared, 1)?;
    Ok(Json(caller.0.update_room(room, update).await?))
}

/// Removes a room and all that is in it, for ever.
#[utoipa::path(delete, path = "/api/chatrooms/{id}/", tag = "rooms", params(schema::RoomPath),
    security(("bearer" = [])), responses((status = 204, description = "Gone"), schema::Failures))]
pub(super) async fn delete_room(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    InRoom(room): InRoom,
) -> Result<StatusCode, ApiError> {
    caller.pace(&shared, 1)?;
    caller.0.delete_room(room).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Who is in a room, by user id.
#[utoipa::path(get, path = "/api/chatrooms/{id}/participants/", tag = "participants",
    params(schema::RoomPath, schema::Paging), security(("bearer" = [])),
    responses((status = 200, body = schema::Page<schema::Participant>), schema::Failures))]
pub(super) async fn list_participants(
    Caller(session): Caller,
    InRoom(room): InRoom,
    params: Params,
) -> Answer<Page<Participant>> {
    Ok(Json(session.participants(room, params.cursor(), params.limit()?).await?))
}

/// Adds somebody.
#[utoipa::path(post, path = "/api/chatrooms/{id}/participants/", tag = "participants", params(schema::RoomPath),
    security(("bearer" = [])), request_body = schema::AddParticipant,
    responses((status = 201, body = schema::Participant), schema::Failures))]
pub(super) async fn add_participant(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    InRoom(room): InRoom,
    JsonBody(add): JsonBody<AddParticipant>,
) -> Result<(StatusCode, Json<Participant>), ApiError> {
    caller.pace(&shared, 1)?;
    Ok((StatusCode::CREATED, Json(caller.0.add_participant(room, add).await?)))
}

/// Changes somebody's role, name, mute or ban. Fields that are absent stay; `null` clears.
#[utoipa::path(patch, path = "/api/chatrooms/{id}/participants/{user_id}/", tag = "participants",
    params(schema::ParticipantPath), security(("bearer" = [])), request_body = schema::UpdateParticipant,
    responses((status = 200, body = schema::Participant), schema::Failures))]
pub(super) async fn update_participant(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    InRoom(room): InRoom,
    Somebody(user): Somebody,
    fields: Fields,
) -> Answer<Participant> {
    let update: UpdateParticipant = fields.with("user_id", user.as_str())?;
    caller.pace(&shared, 1)?;
    Ok(Json(caller.0.update_participant(room, update).await?))
}

/// Removes somebody; oneself: leaves.
#[utoipa::path(delete, path = "/api/chatrooms/{id}/participants/{user_id}/", tag = "participants",
    params(schema::ParticipantPath), security(("bearer" = [])),
    responses((status = 204, description = "Removed"), schema::Failures))]
pub(super) async fn remove_participant(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    InRoom(room): InRoom,
    Somebody(user_id): Somebody,
) -> Result<StatusCode, ApiError> {
    caller.pace(&shared, 1)?;
    caller.0.remove_participant(room, RemoveParticipant { user_id, client_id: None }).await?;
    Ok(StatusCode::NO_CONTENT)
}
