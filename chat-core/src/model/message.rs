//! Messages and what they carry.

use serde::{Deserialize, Serialize};

use super::{
    ClientId, MessageId, Rev, RoomId, Seq, Timestamp, UserId,
    metadata::{all_metadata, held},
};

/// Free JSON that the host or a client attaches; the engine stores it and gives it back.
pub type Metadata = serde_json::Map<String, serde_json::Value>;

/// What a message is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageType {
    /// Text that a person wrote.
    #[default]
    Text,
    /// Pictures, as attachments, with an optional caption.
    Image,
    /// Files, as attachments, with an optional caption.
    File,
    /// A note from the application ("the job was moved to Friday"); it has no sender and is never unread.
    System,
    /// Whatever the application makes of it; what it means is in the metadata.
    Custom,
}

impl MessageType {
    /// Whether such a message can be unread.
    pub const fn countable(self) -> bool {
        !matches!(self, Self::System)
    }

    /// Whether such a message says nothing without a text.
    pub const fn needs_words(self, has_metadata: bool, has_files: bool) -> bool {
        match self {
            Self::Text | Self::System => true,
            Self::Image | Self::File => !has_files,
            Self::Custom => !has_metadata && !has_files,
        }
    }
}

/// What a message, a participant or a room takes on the wire beside what people wrote: ids, times, numbers, and names.
pub(super) const ENVELOPE: usize = 400;

/// A file that a message refers to. The engine stores the reference, not the bytes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attachment {
    /// The host's id of the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The file's name, for people.
    pub name: String,
    /// Its media type, such as `image/png`.
    pub content_type: String,
    /// Its size in bytes.
    pub size: u64,
    /// Where it is: an `http` or `https` URL, or a path on the host's own site.
    pub url: String,
    /// Width in pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// Height in pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
    /// What else the host says about it (a blur hash, a duration).
    #[serde(flatten)]
    pub more: Metadata,
}

/// A message as every reader sees it: the same object on the socket, over HTTP and in every binding.
///
/// A deleted message keeps its place as a tombstone: `content`, `metadata`, `attachments` and `reply_to` are gone,
/// `deleted_at` and `deleted_by` are there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// Its id.
    pub id: MessageId,
    /// Its room.
    pub room: RoomId,
    /// Its place in the room.
    pub seq: Seq,
    /// The last change that touched it.
    pub rev: Rev,
    /// Who sent it; nobody for a system message.
    pub sender: Option<UserId>,
    /// The text; absent from a tombstone, possibly empty beside attachments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// What it is.
    pub message_type: MessageType,
    /// When the server took it.
    pub created_at: Timestamp,
    /// The sender's name for the send.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<ClientId>,
    /// When it was last edited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edited_at: Option<Timestamp>,
    /// How often it was edited, plus one; absent until the first edit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    /// The message that it answers, in the same room.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<MessageId>,
    /// Free JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Metadata>,
    /// Files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment>,
    /// When it was deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<Timestamp>,
    /// Who deleted it; absent if the host did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_by: Option<UserId>,
}

impl Message {
    /// Whether its content is gone.
    pub const fn is_deleted(&self) -> bool {
        self.deleted_at.is_some()
    }

    /// About how many bytes it takes: those of its text, and what its free JSON holds in memory beside that.
    pub fn weight(&self) -> usize {
        let metadata = self.metadata.as_ref().map_or(0, json_bytes);
        let attachments = if self.attachments.is_empty() { 0 } else { json_bytes(&self.attachments) };
        ENVELOPE + self.content.as_ref().map_or(0, String::len) + metadata + attachments + self.held()
    }

    /// About how many bytes its free JSON takes in memory beside its text.
    pub(crate) fn held(&self) -> usize {
        all_metadata(self.metadata.as_ref(), &self.attachments).map(held).sum()
    }

    /// Turns it into the tombstone that keeps its place.
    pub fn erase(&mut self, at: Timestamp, by: Option<UserId>) {
        self.content = None;
        self.metadata = None;
        self.attachments = Vec::new();
        self.reply_to = None;
        self.edited_at = None;
        self.version = None;
        self.deleted_at = Some(at);
        self.deleted_by = by;
    }
}

pub(super) fn json_bytes(value: &impl Serialize) -> usize {
    serde_json::to_vec(value).map_or(0, |json| json.len())
}
