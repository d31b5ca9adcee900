//! What a change is told as, and to whom.

use std::sync::Arc;

use crate::{
    model::{Event, MessageId, Position, RoomId, RoomInfo, UserId},
    store::{Change, ChangeBody, Registers},
};

use super::{hub::Hub, lane::Reply};

/// The event of a change. `prev` is the change before it where that is not `rev − 1`.
pub(super) fn event(room: RoomId, change: &Change, prev: Option<u64>, read_seq: Option<u64>) -> Event {
    let at = Position { room, rev: change.cursor.rev, prev, cursor: change.cursor };
    match &change.body {
        ChangeBody::Room(room) => Event::RoomUpdated { at, room_info: room.info() },
        ChangeBody::Posted(message) => Event::ChatMessage { at, message: Arc::clone(message), read_seq },
        ChangeBody::Edited(message) => Event::MessageEdited { at, message: Arc::clone(message) },
        ChangeBody::Deleted(message) => Event::MessageDeleted { at, message: Arc::clone(message) },
        ChangeBody::Added(member) => Event::ParticipantAdded { at, participant: member.participant() },
        ChangeBody::Updated(member) => Event::ParticipantUpdated { at, participant: member.participant() },
        ChangeBody::Removed(member) => Event::ParticipantRemoved { at, participant: member.participant() },
    }
}

/// What whoever asked for a change is answered.
pub(super) fn reply(change: &Change) -> Option<Reply> {
    Some(match &change.body {
        ChangeBody::Room(_) => return None,
        ChangeBody::Posted(message) | ChangeBody::Edited(message) | ChangeBody::Deleted(message) => {
            Reply::Message { message: Arc::clone(message), before: false }
        }
        ChangeBody::Added(member) | ChangeBody::Updated(member) | ChangeBody::Removed(member) => {
            Reply::Member(member.clone())
        }
    })
}

/// Tells a change to everybody who may know of it.
///
/// `reads`: its message says that its sender has read up to it. `people`: who is to hear of a change of the room
/// itself also where they do not have it open.
pub(super) fn change(hub: &Hub, room: RoomId, change: &Change, info: Option<RoomInfo>, reads: bool, people: &[UserId]) {
    let seq = match &change.body {
        ChangeBody::Posted(message) | ChangeBody::Edited(message) | ChangeBody::Deleted(message) => Some(message.seq),
        _ => None,
    };
    let read_seq = (!reads && matches!(change.body, ChangeBody::Posted(_))).then_some(0);
    if let ChangeBody::Removed(member) = &change.body {
        // First: nothing of the room reaches them from this change on.
        hub.put_out(room, &member.user);
    }
    hub.publish(room, seq, || event(room, change, None, read_seq));
    match &change.body {
        ChangeBody::Posted(message) => {
            if let Some(sender) = &message.sender {
                hub.set_typing(room, sender, false);
            }
        }
        ChangeBody::Added(member) => {
            if let Some(room_info) = info {
                hub.publish_to(&member.user, || Event::RoomAdded { room, room_info });
            }
        }
        ChangeBody::Room(_) if !people.is_empty() => {
            hub.publish_outside(room, people, &event(room, change, None, None))
        }
        _ => {}
    }
}

/// Tells how far somebody has read: the room, where everybody's receipts are shown, and their own devices.
pub(super) fn registers(hub: &Hub, registers: &Registers, message_id: Option<MessageId>, to_room: bool) {
    let member = &registers.member;
    let (room, user_id) = (member.room, &member.user);
    if to_room && registers.delivered_moved && !registers.read_moved {
        let seq = member.delivered_seq;
        hub.publish(room, None, || Event::MessageDelivered { room, user_id: user_id.clone(), message_id, seq });
    }
    if to_room && registers.read_moved {
        let seq = member.read_seq;
        hub.publish(room, None, || Event::MessageRead { room, user_id: user_id.clone(), message_id, seq });
    }
    hub.publish_to(user_id, || Event::Marker {
        room,
        read_seq: member.read_seq,
        delivered_seq: member.delivered_seq,
        marker_seq: member.marker_seq,
        unread_count: registers.unread,
    });
}

/// Tells everybody that a room is gone.
pub(super) fn room_deleted(hub: &Hub, room: RoomId, people: &[UserId]) {
    hub.publish_outside(room, people, &Event::RoomRemoved { room });
    hub.remove_room(room);
}
