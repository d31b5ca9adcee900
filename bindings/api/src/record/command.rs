//! Everything that can be asked to change. What is left out stays, or takes its default.

use chat_core as core;

use super::{Attachment, Field, HistoryMode, Level, MessageType, Role, RoomKind, RoomState};
use crate::{
    carry::{Carried, read, write},
    error::ChatError,
    value::{Json, Time},
};

data! {
    /// A message to post.
    pub struct SendMessage {
        /// The text, up to 16 KiB.
        #[cfg_attr(feature = "uniffi", uniffi(default))]
        #[cfg_attr(test, ts(as = "Option<String>", optional))]
        pub content: String,
        /// What it is; by default text.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "uniffi", uniffi(default))]
        pub message_type: Option<MessageType>,
        /// Free JSON.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "uniffi", uniffi(default))]
        pub metadata: Option<Json>,
        /// Files.
        #[cfg_attr(feature = "uniffi", uniffi(default))]
        #[cfg_attr(test, ts(as = "Option<Vec<Attachment>>", optional))]
        pub attachments: Vec<Attachment>,
        /// The message that it answers.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "uniffi", uniffi(default))]
        pub reply_to: Option<String>,
        /// How far the sender had read when they wrote it. Without it, a send reads up to the message itself.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "uniffi", uniffi(default))]
        pub read_seq: Option<i64>,
        /// Whom the host sends for; only the host may name somebody.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "uniffi", uniffi(default))]
        pub sender: Option<String>,
        /// The sender's name for this send: repeating it gives the first result.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "uniffi", uniffi(default))]
        pub client_id: Option<String>,
    }

    /// What a message is to say instead.
    pub struct EditMessage {
        /// Which message.
        pub message_id: String,
        /// The new text.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "uniffi", uniffi(default))]
        pub content: Option<String>,
        /// The new metadata.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "uniffi", uniffi(default))]
        #[cfg_attr(test, ts(type = "{ [key: string]: unknown } | null", optional))]
        pub metadata: Option<Json>,
        /// The new files.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "uniffi", uniffi(default))]
        pub attachments: Option<Vec<Attachment>>,
        /// The name of this operation.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "uniffi", uniffi(default))]
        pub client_id: Option<String>,
        /// What to take away: the metadata.
        #[serde(skip)]
        #[cfg_attr(feature = "uniffi", uniffi(default))]
        #[cfg_attr(test, ts(skip))]
        pub clear: Vec<Field>,
    }

    /// A room to make, or to find.
    pub struct CreateRoom {
        /// The application's name for it, such as `job:42`; only the host makes keyed rooms.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "uniffi", uniffi(default))]
        pub key: Option<String>,
        /// What it is for; by default a group.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "uniffi", uniffi(default))]
        pub kind: Option<RoomKind>,
        /// Its name.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "uniffi", uniffi(default))]
        pub name: Option<String>,
        /// Its topic.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "uniffi", uniffi(default))]
        pub topic: Option<String>,
        /// Its picture.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "uniffi", uniffi(default))]
        pub avatar: Option<String>,
        /// Free JSON.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "uniffi", uniffi(default))]
        pub metadata: Option<Json>,
        /// What newcomers see; by default everything.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "uniffi", uniffi(default))]
        pub history: Option<HistoryMode>,
        /// Who is in it from the start, beside the user who makes it.
        #[cfg_attr(feature = "uniffi", uniffi(default))]
        #[cfg_attr(test, ts(type = "(string | AddParticipant)[]", optional))]
        pub participants: Vec<AddParticipant>,
        /// The name of this operation.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "uniffi", uniffi(default))]
        pub client_id: Option<String>,
    }

    /// What is to change about a room.
    pub struct UpdateRoom {
        /// Its name.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "uniffi", uniffi(default))]
        #[cfg_attr(test, ts(type = "string | null", optional))]
        pub name: Option<String>,
        /// Its topic.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "uniffi", uniffi(default))]
        #[cfg_attr(test, ts(type = "string | null", optional))]
        pub topic: Option<String>,
        /// Its picture.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "uniffi", uniffi(default))]
        #[cfg_attr(test, ts(type = "string | null", optional))]
        pub avatar: Option<String>,
        /// Free JSON.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "uniffi", uniffi(default))]
        #[cfg_attr(test, ts(type = "{ [key: string]: unknown } | null", optional))]
        pub metadata: Option<Json>,
        /// Open, frozen or archived.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "uniffi", uniffi(default))]
        pub state: Option<RoomState>,
        /// What newcomers from now on see.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "uniffi", uniffi(default))]
        pub history: Option<HistoryMode>,
        /// The name of this operation.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "uniffi", uniffi(default))]
        pub client_id: Option<String>,
        /// What to take away: name, topic, avatar, metadata.
        #[serde(skip)]
        #[cfg_attr(feature = "uniffi", uniffi(default))]
        #[cfg_attr(test, ts(skip))]
        pub clear: Vec<Field>,
    }

    /// Somebody to add.
    pub struct AddParticipant {
        /// Who.
        pub user_id: String,
        /// As what; by default a member.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "uniffi", uniffi(default))]
        pub role: Option<Role>,
        /// The name to show; the application's word.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "uniffi", uniffi(default))]
        pub name: Option<String>,
        /// The picture to show; the application's word.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "uniffi", uniffi(default))]
        pub avatar: Option<String>,
        /// The first message they may read, where that differs from the room's rule.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "uniffi", uniffi(default))]
        pub visible_from: Option<i64>,
        /// The name of this operation.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "uniffi", uniffi(default))]
        pub client_id: Option<String>,
    }

    /// What is to change about a participant.
    pub struct UpdateParticipant {
        /// Who.
        pub user_id: String,
        /// As what.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "uniffi", uniffi(default))]
        pub role: Option<Role>,
        /// The name to show; the application's word.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "uniffi", uniffi(default))]
        #[cfg_attr(test, ts(type = "string | null", optional))]
        pub name: Option<String>,
        /// The picture to show; the application's word.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "uniffi", uniffi(default))]
        #[cfg_attr(test, ts(type = "string | null", optional))]
        pub avatar: Option<String>,
        /// Until when they may not write.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "uniffi", uniffi(default))]
        #[cfg_attr(test, ts(type = "string | Date | null", optional))]
        pub muted_until: Option<Time>,
        /// `true` removes and bans, `false` lifts the ban.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "uniffi", uniffi(default))]
        pub banned: Option<bool>,
        /// The name of this operation.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "uniffi", uniffi(default))]
        pub client_id: Option<String>,
        /// What to take away: name, avatar, the mute.
        #[serde(skip)]
        #[cfg_attr(feature = "uniffi", uniffi(default))]
        #[cfg_attr(test, ts(skip))]
        pub clear: Vec<Field>,
    }

    /// What is to change about one's own settings in a room.
    pub struct UpdateMe {
        /// Keeps the room on top of one's list.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "uniffi", uniffi(default))]
        pub pinned: Option<bool>,
        /// Keeps it out of one's list.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "uniffi", uniffi(default))]
        pub hidden: Option<bool>,
        /// What to be notified of.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "uniffi", uniffi(default))]
        pub level: Option<Level>,
        /// Reads without telling the others.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "uniffi", uniffi(default))]
        pub private_reading: Option<bool>,
    }
}

carried!(SendMessage, CreateRoom, AddParticipant, UpdateMe);

/// In JSON `null` takes a field away; the typed languages name it in `clear`, of which each update knows its own.
macro_rules! clearing {
    ($($name:ident: $($field:ident)+;)*) => { $(
        impl Carried for $name {
            type Core = core::$name;
            fn into_core(self, name: &'static str) -> Result<Self::Core, ChatError> {
                let mut json: core::Metadata = read(&write(&self)?, name)?;
                let known = [$(Field::$field),+];
                for field in &self.clear {
                    if !known.contains(field) {
                        return Err(ChatError::invalid("clear", concat!("may name", $(" ", stringify!($field)),+)));
                    }
                    json.insert(write(field)?.trim_matches('"').into(), serde_json::Value::Null);
                }
                read(&write(&json)?, name)
            }
        }
    )* };
}
clearing! {
    EditMessage: Metadata;
    UpdateRoom: Name Topic Avatar Metadata;
    UpdateParticipant: Name Avatar MutedUntil;
}
