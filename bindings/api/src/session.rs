//! What one user, or the application itself, may do: every method of every language, listed once.

use chat_core::{MarkKind, RemoveParticipant, RoomRef};

use crate::record::{
    AddParticipant, CreateRoom, EditMessage, History, Markers, Message, MessagePage, My, Paging, Participant,
    ParticipantPage, Room, RoomPage, SendMessage, Sent, UpdateMe, UpdateParticipant, UpdateRoom,
};

/// How a user is shown in the rooms that they open; what is absent, or does not fit, stays as it is.
#[derive(Clone, Debug, Default, serde::Deserialize)]
pub(crate) struct Profile {
    pub(crate) name: Option<String>,
    pub(crate) avatar: Option<String>,
}

/// What one user, or the application itself, may do. Cheap to make: one per request, or keep it.
///
/// A `room` is an id or a key such as `job:42`. What the caller may not know of is `not_found`; what they see but may
/// not do is `forbidden`. A call that is cancelled leaves the room unchanged or fully changed: repeat it under the same
/// `client_id` to be sure which.
#[cfg_attr(feature = "uniffi", derive(uniffi::Object))]
#[derive(Clone, Debug)]
pub struct Session {
    pub(crate) core: chat_core::Session,
}

impl Session {
    pub(crate) const fn new(core: chat_core::Session) -> Self {
        Self { core }
    }

    pub(crate) fn shown_as(self, Profile { name, avatar }: Profile) -> Self {
        Self { core: self.core.with_profile(name, avatar) }
    }
}

facade! {
    impl Session(session) {
        /// Makes a room, or finds the one that has the key or the pair.
        async fn create_room(create: CreateRoom) -> Room {
            session.create_room(create).await
        }

        /// One room as the caller sees it.
        async fn room(room: String) -> Room {
            session.room(room.parse::<RoomRef>()?).await
        }

        /// The caller's rooms, latest activity first.
        async fn rooms(paging: Option<Paging> = None) -> RoomPage {
            let (cursor, limit) = Paging::split(paging);
            session.rooms(cursor.as_deref(), limit).await
        }

        /// Changes a room's settings or state.
        async fn update_room(room: String, update: UpdateRoom) -> Room {
            session.update_room(room.parse::<RoomRef>()?, update).await
        }

        /// Removes a room and all that is in it, for ever.
        async fn delete_room(room: String) -> () {
            session.delete_room(room.parse::<RoomRef>()?).await
        }

        /// Adds somebody.
        async fn add_participant(room: String, participant: AddParticipant) -> Participant {
            session.add_participant(room.parse::<RoomRef>()?, participant).await
        }

        /// Changes somebody's role, name, mute or ban.
        async fn update_participant(room: String, update: UpdateParticipant) -> Participant {
            session.update_participant(room.parse::<RoomRef>()?, update).await
        }

        /// Removes somebody, or oneself.
        async fn remove_participant(room: String, user_id: String) -> () {
            let remove = RemoveParticipant { user_id: user_id.parse()?, client_id: None };
            session.remove_participant(room.parse::<RoomRef>()?, remove).await
        }

        /// Leaves a room.
        async fn leave(room: String) -> () {
            session.leave(room.parse::<RoomRef>()?).await
        }

        /// Who is in a room, by user id.
        async fn participants(room: String, paging: Option<Paging> = None) -> ParticipantPage {
            let (cursor, limit) = Paging::split(paging);
            session.participants(room.parse::<RoomRef>()?, cursor.as_deref(), limit).await
        }

        /// Who has read a message, by user id, without its sender.
        async fn readers(message_id: String, paging: Option<Paging> = None) -> ParticipantPage {
            let (cursor, limit) = Paging::split(paging);
            session.readers(message_id.parse()?, cursor.as_deref(), limit).await
        }

        /// Posts a message. Under a `client_id` it can be repeated safely.
        async fn send(room: String, message: SendMessage) -> Sent {
            session.send(room.parse::<RoomRef>()?, message).await
        }

        /// Changes what a message says.
        async fn edit(edit: EditMessage) -> Message {
            session.edit(edit).await
        }

        /// Takes a message's content away. Deleting a deleted one is fine.
        async fn delete(message_id: String) -> Message {
            session.delete(message_id.parse()?).await
        }

        /// One message.
        async fn message(message_id: String) -> Message {
            session.message(message_id.parse()?).await
        }

        /// A page of a room's messages, newest first. `next` is the place to give as `before` or `after` to go on, a number.
        async fn history(room: String, query: Option<History> = None) -> MessagePage {
            let query = query.unwrap_or_default();
            session.history(room.parse::<RoomRef>()?, query.window()?, query.limit()).await
        }

        /// What the caller may see in all rooms, newest first.
        async fn messages(paging: Option<Paging> = None) -> MessagePage {
            let (cursor, limit) = Paging::split(paging);
            session.messages(cursor.as_deref(), limit).await
        }

        /// Says that everything up to `seq` was read. Past the end means the end.
        async fn mark_read(room: String, seq: i64) -> Markers {
            session.mark(room.parse::<RoomRef>()?, MarkKind::Read, seq).await
        }

        /// Says that everything up to `seq` was delivered.
        async fn mark_delivered(room: String, seq: i64) -> Markers {
            session.mark(room.parse::<RoomRef>()?, MarkKind::Delivered, seq).await
        }

        /// Makes the message at `seq` the first unread one again; receipts stay.
        async fn mark_unread(room: String, seq: i64) -> Markers {
            session.mark(room.parse::<RoomRef>()?, MarkKind::Unread, seq).await
        }

        /// Says that everything up to this message was read.
        async fn mark_message_read(message_id: String) -> Markers {
            session.mark_message(MarkKind::Read, message_id.parse()?).await
        }

        /// Changes one's own settings in a room.
        async fn update_me(room: String, update: UpdateMe) -> My {
            session.update_me(room.parse::<RoomRef>()?, update).await
        }

        /// How many messages the caller has not read, over all rooms.
        async fn unread() -> i64 {
            session.unread().await
        }

        /// Says that one is typing, or no longer is. It ends by itself after 3 s, and with a send.
        async fn typing(room: String, is_typing: bool) -> () {
            session.typing(room.parse::<RoomRef>()?, is_typing).await
        }
    }
}
