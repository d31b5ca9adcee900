//! Rooms.

use serde::{Deserialize, Serialize};

use super::{
    Cursor, Message, Metadata, Rev, Role, RoomId, RoomKey, Seq, Timestamp, UserId,
    message::{ENVELOPE, json_bytes},
    metadata::held,
};

/// What a room is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RoomKind {
    /// Two people; unique per pair.
    Direct,
    /// Several people who all write.
    #[default]
    Group,
    /// Announcements: moderators and above write, everybody reads.
    Channel,
}

/// Where a room is in its life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RoomState {
    /// In use.
    #[default]
    Open,
    /// Read only.
    Frozen,
    /// Read only, and done with.
    Archived,
}

/// What a newcomer sees of what was said before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HistoryMode {
    /// All of it.
    #[default]
    All,
    /// Nothing.
    SinceJoined,
}

/// A room as it is stored: its settings and the head of its history.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Room {
    /// Its id.
    pub id: RoomId,
    /// The host's name for it, unique.
    pub key: Option<RoomKey>,
    /// The two of a direct room, in order; unique.
    pub pair: Option<(UserId, UserId)>,
    /// What it is for.
    pub kind: RoomKind,
    /// Its name.
    pub name: Option<String>,
    /// Its topic.
    pub topic: Option<String>,
    /// Its picture.
    pub avatar: Option<String>,
    /// Free JSON.
    pub metadata: Option<Metadata>,
    /// Open, frozen or archived.
    pub state: RoomState,
    /// What newcomers see.
    pub history: HistoryMode,
    /// When it was made.
    pub created_at: Timestamp,
    /// The number of the last message.
    pub last_seq: Seq,
    /// The number of the last change.
    pub last_rev: Rev,
    /// How many countable messages were ever posted.
    pub last_ord: u64,
    /// The running hash of the changes.
    pub chain: u64,
    /// The time of the last change; a room's time never runs backwards.
    pub last_at: Timestamp,
    /// The last change that rules depend on: settings, state, who owns it. What a commit's guard compares.
    pub policy_rev: Rev,
    /// The last change of the room itself.
    pub info_rev: Rev,
    /// How many are in it.
    pub members: u64,
    /// How many of them own it.
    pub owners: u64,
}

impl Room {
    /// The position after its last change.
    pub const fn cursor(&self, epoch: u64) -> Cursor {
        Cursor { epoch, rev: self.last_rev, chain: self.chain }
    }

    /// About how many bytes it takes: those of its text, and what its free JSON holds in memory beside that.
    pub fn weight(&self) -> usize {
        let texts = [&self.name, &self.topic, &self.avatar].into_iter().flatten();
        let metadata = self.metadata.as_ref().map_or(0, |metadata| json_bytes(metadata) + held(metadata));
        ENVELOPE + texts.map(String::len).sum::<usize>() + metadata
    }

    /// What is the same for every reader.
    pub fn info(&self) -> RoomInfo {
        RoomInfo {
            id: self.id,
            key: self.key.clone(),
            kind: self.kind,
            name: self.name.clone(),
            topic: self.topic.clone(),
            avatar: self.avatar.clone(),
            metadata: self.metadata.clone(),
            state: self.state,
            created_at: self.created_at,
            history: self.history,
        }
    }
}

/// What every reader of a room sees alike.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RoomInfo {
    /// Its id.
    pub id: RoomId,
    /// The host's name for it.
    pub key: Option<RoomKey>,
    /// What it is for.
    pub kind: RoomKind,
    /// Its name.
    pub name: Option<String>,
    /// Its topic.
    pub topic: Option<String>,
    /// Its picture.
    pub avatar: Option<String>,
    /// Free JSON.
    pub metadata: Option<Metadata>,
    /// Open, frozen or archived.
    pub state: RoomState,
    /// When it was made.
    pub created_at: Timestamp,
    /// What newcomers see.
    pub history: HistoryMode,
}

/// A room as one reader sees it, in the room list and alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MyRoom {
    /// What everybody sees.
    #[serde(flatten)]
    pub info: RoomInfo,
    /// How many messages the reader has not read; exact. 0 for the host.
    pub unread_count: u64,
    /// The last message the reader may see, a tombstone included.
    pub last_message: Option<Message>,
    /// The number of the last message.
    pub last_seq: Seq,
    /// How many are in it.
    pub participants_count: u64,
    /// The reader's own place in it; absent for the host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub my: Option<My>,
    /// The position that this view shows.
    pub cursor: Cursor,
}

/// A reader's own place in a room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct My {
    /// As what.
    pub role: Role,
    /// What others see as read.
    pub read_seq: Seq,
    /// What was delivered.
    pub delivered_seq: Seq,
    /// What unread counts from.
    pub marker_seq: Seq,
    /// One's own settings.
    #[serde(flatten)]
    pub settings: super::MemberSettings,
}

impl From<&super::Member> for My {
    fn from(member: &super::Member) -> Self {
        Self {
            role: member.role,
            read_seq: member.read_seq,
            delivered_seq: member.delivered_seq,
            marker_seq: member.marker_seq,
            settings: member.settings,
        }
    }
}
