//! Who is in a room, and as what.

use serde::{Deserialize, Serialize};

use super::{Rev, RoomId, Seq, Timestamp, UserId, message::ENVELOPE};

/// What a participant may do; the permission table in `rules` says exactly what. Ordered by rank.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Reads only.
    Observer,
    /// Reads, and writes where members may.
    #[default]
    Member,
    /// Also adds, mutes, removes and bans people, and deletes their messages.
    Moderator,
    /// Also changes the room and gives roles.
    Admin,
    /// May everything, also delete the room.
    Owner,
}

impl Role {
    /// Every role, lowest rank first.
    pub const ALL: [Self; 5] = [Self::Observer, Self::Member, Self::Moderator, Self::Admin, Self::Owner];
}

/// Where somebody stands with a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// In it.
    Active,
    /// Was in it: left, or was removed.
    Gone,
    /// Was removed and may not come back until the ban is lifted.
    Banned,
}

/// How much of a room a participant wants to be notified of; the engine stores it for the host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Everything.
    #[default]
    All,
    /// Only when named.
    Mentions,
    /// Nothing.
    None,
}

/// What is stored about one user in one room, past membership included.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Member {
    /// The room.
    pub room: RoomId,
    /// The user.
    pub user: UserId,
    /// The change that last touched the membership; what a commit's guard compares. 0 before the first.
    pub rev: Rev,
    /// In, gone or banned.
    pub standing: Standing,
    /// As what.
    pub role: Role,
    /// The name that the host gave.
    pub name: Option<String>,
    /// The picture that the host gave.
    pub avatar: Option<String>,
    /// When the present membership began.
    pub joined_at: Timestamp,
    /// The room's last message when it began: what came before is never unread.
    pub joined_seq: Seq,
    /// The change that began it: a cursor older than this gets a snapshot.
    pub joined_rev: Rev,
    /// The first message that may be read; 1 is all of them.
    pub visible_from: Seq,
    /// Until when writing is refused.
    pub muted_until: Option<Timestamp>,
    /// Everything up to here was shown to others as read.
    pub read_seq: Seq,
    /// Everything up to here was delivered.
    pub delivered_seq: Seq,
    /// One's own marker, which unread counts from; it may go back.
    pub marker_seq: Seq,
    /// One's own settings.
    pub settings: MemberSettings,
}

/// A participant's own settings for a room; only they see them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MemberSettings {
    /// Keeps the room on top of one's list.
    pub pinned: bool,
    /// Keeps it out of one's list.
    pub hidden: bool,
    /// What to be notified of.
    pub level: Level,
    /// Reads without telling the others.
    pub private_reading: bool,
}

impl Member {
    /// Whether the user is in the room now.
    pub const fn is_active(&self) -> bool {
        matches!(self.standing, Standing::Active)
    }

    /// About how many bytes it takes on the wire.
    pub fn weight(&self) -> usize {
        let texts = [&self.name, &self.avatar].into_iter().flatten();
        ENVELOPE + texts.map(String::len).sum::<usize>()
    }

    /// Whether writing is refused at `now`.
    pub fn is_muted(&self, now: Timestamp) -> bool {
        self.muted_until.is_some_and(|until| until > now)
    }

    /// Whether the message at `seq` may be read.
    pub const fn sees(&self, seq: Seq) -> bool {
        self.is_active() && seq >= self.visible_from
    }

    /// The last message that cannot be unread: `max(marker, visible_from − 1, joined_seq)`.
    pub fn unread_floor(&self) -> Seq {
        self.marker_seq.max(self.visible_from.saturating_sub(1)).max(self.joined_seq)
    }

    /// What the others in the room see of it.
    pub fn participant(&self) -> Participant {
        Participant {
            user_id: self.user.clone(),
            name: self.name.clone(),
            avatar: self.avatar.clone(),
            role: self.role,
            joined_at: self.joined_at,
            read_seq: self.read_seq,
            delivered_seq: self.delivered_seq,
            visible_from: Some(self.visible_from).filter(|from| *from > 1),
            online: None,
            last_seen: None,
            muted_until: self.muted_until,
        }
    }
}

/// A participant as the others in the room see them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Participant {
    /// Who.
    pub user_id: UserId,
    /// The name that the host gave.
    pub name: Option<String>,
    /// The picture that the host gave.
    pub avatar: Option<String>,
    /// As what.
    pub role: Role,
    /// Since when.
    pub joined_at: Timestamp,
    /// Everything up to here they have read.
    pub read_seq: Seq,
    /// Everything up to here was delivered to them.
    pub delivered_seq: Seq,
    /// The first message that they may read, and so have read; absent where they may read all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visible_from: Option<Seq>,
    /// Whether they are connected; absent in events, where it would depend on the moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub online: Option<bool>,
    /// When they were last connected, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen: Option<Timestamp>,
    /// Until when they may not write.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub muted_until: Option<Timestamp>,
}
