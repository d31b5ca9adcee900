//! What a line of an export says.

use chat_core::{
    Attachment, ClientId, HistoryMode, Member, MemberSettings, Message, MessageId, MessageType, Metadata, Role, Room,
    RoomId, RoomKey, RoomKind, RoomState, Seq, Standing, Timestamp, UserId,
};
use serde::{Deserialize, Serialize};

/// The form that lines have.
pub(super) const VERSION: u32 = 1;

/// One line. Participants and messages belong to the room above them: first the participants, then the messages.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Line {
    /// The first line of an export; an import may come without.
    Export(Head),
    Room(Box<RoomLine>),
    Participant(Box<ParticipantLine>),
    Message(Box<MessageLine>),
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Head {
    pub(super) version: u32,
}

/// A room. Only `created_at` must be there.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RoomLine {
    /// Absent: a new one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<RoomId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) key: Option<RoomKey>,
    /// The two of a direct room.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) pair: Option<(UserId, UserId)>,
    #[serde(default)]
    pub(super) kind: RoomKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) topic: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) avatar: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) metadata: Option<Metadata>,
    #[serde(default)]
    pub(super) state: RoomState,
    #[serde(default)]
    pub(super) history: HistoryMode,
    pub(super) created_at: Timestamp,
}

/// Somebody who is, was, or must not be in the room. Only `user_id` must be there.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ParticipantLine {
    pub(super) user_id: UserId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) avatar: Option<String>,
    #[serde(default)]
    pub(super) role: Role,
    #[serde(default = "active", skip_serializing_if = "is_active")]
    pub(super) standing: Standing,
    /// Absent: since the room was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) joined_at: Option<Timestamp>,
    /// The room's last message when they came: what is older is never unread.
    #[serde(default)]
    pub(super) joined_seq: Seq,
    #[serde(default = "first")]
    pub(super) visible_from: Seq,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) muted_until: Option<Timestamp>,
    #[serde(default)]
    pub(super) read_seq: Seq,
    #[serde(default)]
    pub(super) delivered_seq: Seq,
    /// Absent: `read_seq`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) marker_seq: Option<Seq>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) settings: MemberSettings,
}

/// A message. Only `created_at`, and `content` or `attachments`, must be there.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MessageLine {
    /// Absent: a new one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<MessageId>,
    /// Absent: the next one. Where it is there, it must be the next one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) seq: Option<Seq>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) sender: Option<UserId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) content: Option<String>,
    #[serde(default)]
    pub(super) message_type: MessageType,
    pub(super) created_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) client_id: Option<ClientId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) edited_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) version: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) reply_to: Option<MessageId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) metadata: Option<Metadata>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) attachments: Vec<Attachment>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) deleted_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) deleted_by: Option<UserId>,
}

const fn active() -> Standing {
    Standing::Active
}

fn is_active(standing: &Standing) -> bool {
    *standing == Standing::Active
}

const fn first() -> Seq {
    1
}

fn is_default(settings: &MemberSettings) -> bool {
    *settings == MemberSettings::default()
}

impl From<Room> for RoomLine {
    fn from(room: Room) -> Self {
        Self {
            id: Some(room.id),
            key: room.key,
            pair: room.pair,
            kind: room.kind,
            name: room.name,
            topic: room.topic,
            avatar: room.avatar,
            metadata: room.metadata,
            state: room.state,
            history: room.history,
            created_at: room.created_at,
        }
    }
}

impl From<Member> for ParticipantLine {
    fn from(member: Member) -> Self {
        Self {
            user_id: member.user,
            name: member.name,
            avatar: member.avatar,
            role: member.role,
            standing: member.standing,
            joined_at: Some(member.joined_at),
            joined_seq: member.joined_seq,
            visible_from: member.visible_from,
            muted_until: member.muted_until,
            read_seq: member.read_seq,
            delivered_seq: member.delivered_seq,
            marker_seq: Some(member.marker_seq),
            settings: member.settings,
        }
    }
}

impl From<Message> for MessageLine {
    fn from(message: Message) -> Self {
        Self {
            id: Some(message.id),
            seq: Some(message.seq),
            sender: message.sender,
            content: message.content,
            message_type: message.message_type,
            created_at: message.created_at,
            client_id: message.client_id,
            edited_at: message.edited_at,
            version: message.version,
            reply_to: message.reply_to,
            metadata: message.metadata,
            attachments: message.attachments,
            deleted_at: message.deleted_at,
            deleted_by: message.deleted_by,
        }
    }
}
