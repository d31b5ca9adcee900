//! Nobody is told anything of a room that they are not in.

use std::time::Duration;

use chat_core::{Cursor, Event, RoomId, UserId};
use serde_json::Value;

use super::{disk::Disk, frame::Frame};
use tokio::time::Instant;

/// How long what was said before somebody was removed may still be on its way out of a connection that is read.
const LINGERS: Duration = Duration::from_millis(500);

/// Checks a frame that came to somebody; `since` is when their connection was last empty before it.
pub(super) fn check(disk: &Disk, user: &UserId, frame: &Frame, since: Instant) -> Result<(), String> {
    match frame {
        Frame::Event(event) => told(disk, user, event, since),
        Frame::Reply { ok, .. } => answered(disk, user, ok),
        Frame::Ready | Frame::Error { .. } => Ok(()),
    }
}

fn told(disk: &Disk, user: &UserId, event: &Event, since: Instant) -> Result<(), String> {
    let Some(room) = event.room() else { return Ok(()) };
    let log = disk.log();
    if let Some(at) = event.position() {
        let standing = log.standing(room, user, at.rev).filter(|standing| standing.came);
        let Some(standing) = standing else {
            return Err(format!("{user} was told a change of a room that they are not in: {event:?}"));
        };
        return match event {
            Event::ChatMessage { message, .. }
            | Event::MessageEdited { message, .. }
            | Event::MessageDeleted { message, .. }
                if message.seq < standing.visible_from =>
            {
                Err(format!("{user} was shown what was said before they came: {event:?}"))
            }
            _ => Ok(()),
        };
    }
    let now = log.standing(room, user, u64::MAX);
    match (event, now) {
        (Event::RoomRemoved { .. }, _) => Ok(()),
        (_, Some(standing)) if standing.came || standing.at + LINGERS > since => Ok(()),
        _ => Err(format!("{user} was told of a room that they are not in: {event:?}")),
    }
}

/// The answers that show a room say as of which change.
fn answered(disk: &Disk, user: &UserId, ok: &Value) -> Result<(), String> {
    let opened = ok["rooms"].as_array().into_iter().flatten().map(|room| (&room["room"], &room["cursor"]));
    let listed = ok["results"].as_array().into_iter().flatten().map(|room| (&room["id"], &room["cursor"]));
    for (room, cursor) in opened.chain(listed).chain([(&ok["id"], &ok["cursor"])]) {
        let room = room.as_str().and_then(|room| room.parse::<RoomId>().ok());
        let cursor = cursor.as_str().and_then(|cursor| cursor.parse::<Cursor>().ok());
        if let (Some(room), Some(cursor)) = (room, cursor)
            && !disk.log().was_in(room, user, cursor.rev)
        {
            return Err(format!("{user} was answered about a room that they were not in at {}: {ok}", cursor.rev));
        }
    }
    Ok(())
}
