//! The first frame from the server.

use bytes::Bytes;
use serde::Serialize;

use crate::{
    engine::Engine,
    model::{MyRoom, Subscribed, UserId},
};

use super::{answer, connection::Setup};

#[derive(Serialize)]
struct Ready<'a> {
    r#type: &'static str,
    user_id: Option<UserId>,
    connection_id: String,
    heartbeat_s: u64,
    limits: ReadyLimits,
    #[serde(skip_serializing_if = "Option::is_none")]
    room: Option<ReadyRoom<'a>>,
}

#[derive(Serialize)]
struct ReadyLimits {
    frame_bytes: usize,
    message_bytes: usize,
    metadata_bytes: usize,
    attachments: usize,
    page: usize,
    subscribe_rooms: usize,
}

#[derive(Serialize)]
struct ReadyRoom<'a> {
    #[serde(flatten)]
    room: &'a MyRoom,
    present: &'a [UserId],
    typing: &'a [UserId],
}

/// Says who the peer is, what the server takes, and what the room looks like that the connection is for.
pub(super) fn frame(
    engine: &Engine,
    setup: &Setup,
    connection_id: String,
    user_id: Option<UserId>,
    room: Option<&(MyRoom, Subscribed)>,
) -> Bytes {
    let limits = &engine.options().limits;
    let room = room.map(|(room, entered)| {
        let (present, typing) = match entered {
            Subscribed::Open(opened) => (&*opened.present, &*opened.typing),
            Subscribed::Gone { .. } => (&[][..], &[][..]),
        };
        ReadyRoom { room, present, typing }
    });
    answer::encode(&Ready {
        r#type: "ready",
        user_id,
        connection_id,
        heartbeat_s: setup.heartbeat.as_secs(),
        limits: ReadyLimits {
            frame_bytes: setup.frame_bytes,
            message_bytes: limits.message_bytes,
            metadata_bytes: limits.metadata_bytes,
            attachments: limits.attachments,
            page: limits.page,
            subscribe_rooms: limits.subscribe_rooms,
        },
        room,
    })
}
