//! What a change is told as, and to whom.

use std::sync::Arc;

use crate::{
    model::{Event, MessageId, Position, RoomId, RoomState, Seq, UserId},
    store::{Change, ChangeBody, Registers},
};

use super::{hub::Hub, lane::Reply, plan::Telling};

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
pub(super) fn change(hub: &Hub, room: RoomId, change: &Change, telling: &mut Telling) {
    if let ChangeBody::Removed(member) = &change.body
        && telling.was_in
    {
        // First: nothing of the room reaches them from this change on.
        hub.put_out(room, &member.user);
    }
    hub.publish_all(room, std::iter::once_with(|| told(room, change, telling.reads)));
    match &change.body {
        ChangeBody::Added(member) => {
            if let Some(room_info) = &telling.room {
                hub.publish_to(&member.user, || Event::RoomAdded { room, room_info: room_info.clone() });
            }
        }
        // They may be muted now, or it may be read only. Whoever still may says again that they type.
        ChangeBody::Updated(member) => hub.stop_typing(room, &member.user),
        ChangeBody::Room(now) => {
            if now.state != RoomState::Open {
                hub.stop_all_typing(room);
            }
            if !telling.people.is_empty() {
                hub.publish_outside(room, &telling.people, &event(room, change, None, None));
            }
            // For those who come in with it.
            telling.room = Some(now.info());
        }
        _ => {}
    }
}

/// Tells posts of one room, in order, each with whether it says that its sender has read up to it.
pub(super) fn posts<'a>(hub: &Hub, room: RoomId, posts: impl DoubleEndedIterator<Item = (&'a Change, bool)> + Clone) {
    hub.publish_all(room, posts.clone().map(|(change, reads)| told(room, change, reads)));
    let read = posts.rev().filter_map(|(change, reads)| match &change.body {
        ChangeBody::Posted(message) if reads => Some((message.sender.as_ref()?, message.seq)),
        _ => None,
    });
    hub.publish_own_reads(room, read);
}

/// The event of a change, and the message that it is about.
fn told(room: RoomId, change: &Change, reads: bool) -> (Option<Seq>, Event) {
    let (seq, read_seq) = match &change.body {
        ChangeBody::Posted(message) => (Some(message.seq), (!reads).then_some(0)),
        ChangeBody::Edited(message) | ChangeBody::Deleted(message) => (Some(message.seq), None),
        _ => (None, None),
    };
    (seq, event(room, change, None, read_seq))
}

/// Tells how far somebody has read: the room, where everybody's receipts are shown, and their own devices.
/// `message_id` is the message that the furthest of both named.
pub(super) fn registers(hub: &Hub, registers: &Registers, message_id: Option<MessageId>, to_room: bool) {
    let member = &registers.member;
    let (room, user_id) = (member.room, &member.user);
    let (read_seq, delivered_seq) = (member.read_seq, member.delivered_seq);
    // Reading tells as well that it was delivered so far.
    let delivered = registers.delivered_moved && delivered_seq > read_seq;
    if to_room && registers.read_moved {
        let message_id = message_id.filter(|_| !delivered);
        receipt(hub, room, message_id, read_seq, || Event::MessageRead {
            room,
            user_id: user_id.clone(),
            message_id,
            seq: read_seq,
        });
    }
    if to_room && delivered {
        receipt(hub, room, message_id, delivered_seq, || Event::MessageDelivered {
            room,
            user_id: user_id.clone(),
            message_id,
            seq: delivered_seq,
        });
    }
    hub.publish_to(user_id, || Event::Marker {
        room,
        read_seq: member.read_seq,
        delivered_seq: member.delivered_seq,
        marker_seq: member.marker_seq,
        unread_count: registers.unread,
    });
}

/// A message that a receipt names is named to those only who may see it.
fn receipt(hub: &Hub, room: RoomId, message_id: Option<MessageId>, seq: Seq, event: impl FnOnce() -> Event) {
    hub.publish(room, message_id.map(|_| seq), event);
}

/// Tells everybody that a room is gone.
pub(super) fn room_deleted(hub: &Hub, room: RoomId, people: &[UserId]) {
    hub.publish_outside(room, people, &Event::RoomRemoved { room });
    hub.remove_room(room);
}
