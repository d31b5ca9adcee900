//! Messages.

use super::MessageType;
use crate::value::{Json, Time};

data! {
    /// A message. A deleted one keeps its place: its content is gone, `deleted_at` is there.
    pub struct Message {
        /// Its id.
        pub id: String,
        /// Its room.
        pub room: String,
        /// Its place in the room: 1, 2, 3, …
        pub seq: i64,
        /// The last change that touched it.
        pub rev: i64,
        /// Who sent it; nobody for a system message.
        #[cfg_attr(test, ts(type = "string | null", optional = false))]
        pub sender: Option<String>,
        /// The text; absent from a tombstone, possibly empty beside attachments.
        pub content: Option<String>,
        /// What it is.
        pub message_type: MessageType,
        /// When the engine took it.
        pub created_at: Time,
        /// The sender's name for the send.
        pub client_id: Option<String>,
        /// When it was last edited.
        pub edited_at: Option<Time>,
        /// How often it was edited, plus one; absent until the first edit.
        pub version: Option<i64>,
        /// The message that it answers, in the same room.
        pub reply_to: Option<String>,
        /// Free JSON.
        pub metadata: Option<Json>,
        /// Files.
        #[serde(default)]
        #[cfg_attr(test, ts(as = "Option<Vec<Attachment>>", optional))]
        pub attachments: Vec<Attachment>,
        /// When it was deleted.
        pub deleted_at: Option<Time>,
        /// Who deleted it; absent if the application did.
        pub deleted_by: Option<String>,
    }

    /// A file that a message refers to. The engine stores the reference, not the bytes.
    pub struct Attachment {
        /// The application's id of the file.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "uniffi", uniffi(default))]
        pub id: Option<String>,
        /// The file's name, for people.
        pub name: String,
        /// Its media type, such as `image/png`.
        pub content_type: String,
        /// Its size in bytes.
        pub size: i64,
        /// Where it is: an `http` or `https` URL, or a path on the application's own site.
        pub url: String,
        /// Width in pixels.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "uniffi", uniffi(default))]
        pub width: Option<i64>,
        /// Height in pixels.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "uniffi", uniffi(default))]
        pub height: Option<i64>,
        /// What else the application says about it (a blur hash, a duration).
        #[serde(flatten, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "uniffi", uniffi(default))]
        #[cfg_attr(test, ts(skip))]
        pub more: Option<Json>,
    }

    /// The answer to a send.
    pub struct Sent {
        /// The message as it is stored now.
        pub message: Message,
        /// Whether it had been sent before under the same `client_id`.
        pub duplicate: bool,
    }

    /// A page of messages.
    pub struct MessagePage {
        /// The messages.
        pub results: Vec<Message>,
        /// What to ask for next, in the same direction; nothing at the end.
        #[cfg_attr(test, ts(type = "string | null", optional = false))]
        pub next: Option<String>,
    }
}
