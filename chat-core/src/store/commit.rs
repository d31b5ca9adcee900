//! What is written, in one piece or not at all, and what comes of it.

use std::sync::Arc;

use crate::model::{
    Attachment, ClientId, Cursor, HistoryMode, Member, MemberSettings, Message, MessageId, MessageType, Metadata, Rev,
    Role, Room, RoomId, RoomKey, RoomKind, RoomState, Seq, Timestamp, UserId,
};

use super::StoreError;

/// One atomic change of one room.
#[derive(Clone, Debug, PartialEq)]
pub struct Commit {
    /// The room.
    pub room: RoomId,
    /// Who does it; nobody is the host.
    pub actor: Option<UserId>,
    /// When.
    pub at: Timestamp,
    /// What must still hold.
    pub guard: Guard,
    /// Under which name, if it has one.
    pub operation: Option<OperationName>,
    /// What to write, in order. At most one of them makes the room, and then it is the first.
    pub writes: Vec<Write>,
}

/// What the rules relied on when they allowed a commit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Guard {
    /// [`Room::policy_rev`]; absent where the commit makes the room.
    pub policy: Option<Rev>,
    /// [`Member::rev`] of the people concerned; 0 for somebody about whom nothing is stored.
    pub members: Vec<(UserId, Rev)>,
}

/// The name of an operation and what it asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperationName {
    /// The room it is unique in; [`NO_ROOM`] for one that makes a room.
    pub scope: RoomId,
    /// Whose it is: that of whoever acts, or of the one in whose name the host sends; nobody is the host.
    pub by: Option<UserId>,
    /// The name, unique per scope and whose it is.
    pub name: ClientId,
    /// The hash of the request.
    pub digest: u64,
}

/// The scope of operations that make a room.
pub const NO_ROOM: RoomId = RoomId::from_bytes([0; 16]);

/// What was done before under a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// The hash of the request.
    pub digest: u64,
    /// The room it was done in.
    pub room: RoomId,
    /// What the first of its changes was about.
    pub target: Target,
}

/// What a change is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// A message.
    Message {
        /// Its id.
        id: MessageId,
        /// Its place.
        seq: Seq,
    },
    /// A member.
    Member(UserId),
    /// The room itself.
    Room,
}

/// What a change did; the number is what stores keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum ChangeKind {
    /// The room was made or changed.
    Room = 1,
    /// A message was posted.
    Posted = 2,
    /// A message was edited.
    Edited = 3,
    /// A message was deleted.
    Deleted = 4,
    /// Somebody came in.
    Added = 5,
    /// A participant changed.
    Updated = 6,
    /// Somebody left, was removed or banned, or a ban was lifted.
    Removed = 7,
}

impl ChangeKind {
    /// The kind that a store kept as `number`.
    pub const fn from_number(number: u8) -> Option<Self> {
        Some(match number {
            1 => Self::Room,
            2 => Self::Posted,
            3 => Self::Edited,
            4 => Self::Deleted,
            5 => Self::Added,
            6 => Self::Updated,
            7 => Self::Removed,
            _ => return None,
        })
    }
}

/// One thing to write. The first group are changes: each takes the room's next `rev`. The second are registers.
#[derive(Clone, Debug, PartialEq)]
pub enum Write {
    /// Makes the room. Refused with [`Refusal::Exists`] if its key or pair is taken.
    CreateRoom(Box<NewRoom>),
    /// Changes the room; counts as a policy change.
    UpdateRoom(Box<RoomSettings>),
    /// Removes the room and all that belongs to it; leaves nothing, and has no `rev`.
    DeleteRoom,
    /// Changes a membership. One that makes or ends an owner counts as a policy change.
    Member(Box<MemberWrite>),
    /// Posts a message.
    Post(Box<Post>),
    /// Edits a live message; refused with [`Refusal::MessageGone`] if it is not live.
    Edit(Box<Edit>),
    /// Erases a live message; refused with [`Refusal::MessageGone`] if it is not live.
    Delete(MessageId),

    /// Moves markers.
    Mark(MarkerMove),
    /// Sets a member's own settings.
    Settings(UserId, MemberSettings),
}

/// A room to make.
#[derive(Clone, Debug, PartialEq)]
pub struct NewRoom {
    /// The host's name for it.
    pub key: Option<RoomKey>,
    /// The two of a direct room, in order.
    pub pair: Option<(UserId, UserId)>,
    /// What it is for.
    pub kind: RoomKind,
    /// Everything that can change later.
    pub settings: RoomSettings,
}

/// What can be changed about a room; written whole.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RoomSettings {
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
}

/// A change of one membership.
#[derive(Clone, Debug, PartialEq)]
pub struct MemberWrite {
    /// Whose.
    pub user: UserId,
    /// What it becomes.
    pub change: MemberChange,
}

/// See [`MemberWrite`].
#[derive(Clone, Debug, PartialEq)]
pub enum MemberChange {
    /// In, from now on. Markers and settings of an earlier membership stay.
    Join {
        /// As what.
        role: Role,
        /// The name to show.
        name: Option<String>,
        /// The picture to show.
        avatar: Option<String>,
        /// From where they may see.
        visible: Visible,
    },
    /// Still in, with these values.
    Update {
        /// As what.
        role: Role,
        /// The name to show.
        name: Option<String>,
        /// The picture to show.
        avatar: Option<String>,
        /// Until when they may not write.
        muted_until: Option<Timestamp>,
    },
    /// Out: gone, or banned. Also lifts a ban.
    End {
        /// Whether they may come back.
        banned: bool,
    },
}

/// From where a newcomer may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Visible {
    /// From this place on; 1 is everything.
    From(Seq),
    /// What comes after the joining.
    SinceJoined,
}

/// A message to post.
#[derive(Clone, Debug, PartialEq)]
pub struct Post {
    /// Its id.
    pub id: MessageId,
    /// Who sent it.
    pub sender: Option<UserId>,
    /// The text.
    pub content: String,
    /// What it is.
    pub message_type: MessageType,
    /// Free JSON.
    pub metadata: Option<Metadata>,
    /// Files.
    pub attachments: Vec<Attachment>,
    /// The message that it answers.
    pub reply_to: Option<MessageId>,
    /// The sender's name for it.
    pub client_id: Option<ClientId>,
    /// Whether its sender has thereby read up to it: all three markers move to its place.
    pub reads: bool,
}

/// What a message is to say instead; what is absent stays.
#[derive(Clone, Debug, PartialEq)]
pub struct Edit {
    /// Which message.
    pub id: MessageId,
    /// The text.
    pub content: Option<String>,
    /// Free JSON.
    pub metadata: Option<Option<Metadata>>,
    /// Files.
    pub attachments: Option<Vec<Attachment>>,
}

/// How markers move. Places past the end mean the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarkerMove {
    /// Whose; nothing happens to somebody who is not in the room.
    pub user: UserId,
    /// `delivered_seq` is at least this afterwards.
    pub delivered: Option<Seq>,
    /// `read_seq` and `delivered_seq` are at least this afterwards.
    pub read: Option<Seq>,
    /// What happens to `marker_seq`, before [`MarkerMove::read`] is looked at.
    pub marker: Option<MarkerTo>,
}

/// Where one's own marker goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MarkerTo {
    /// Forward to here, or nowhere.
    AtLeast(Seq),
    /// To here, also backwards; then forward to the second, if there is one.
    Set(Seq, Option<Seq>),
}

/// What a commit did.
#[derive(Clone, Debug, PartialEq)]
pub enum Applied {
    /// It was applied now.
    Done(Done),
    /// It had been applied before under the same name.
    Before(Operation),
}

/// What was written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Done {
    /// The changes, in order of `rev`. A room that was deleted leaves none.
    pub changes: Vec<Change>,
    /// The members whose registers were written by [`Write::Mark`] and [`Write::Settings`], in order of the writes.
    /// Of members who are not in the room there is nothing.
    pub registers: Vec<Registers>,
}

/// A member's registers after a write.
#[derive(Clone, Debug, PartialEq)]
pub struct Registers {
    /// The member.
    pub member: Member,
    /// Whether `read_seq` moved.
    pub read_moved: bool,
    /// Whether `delivered_seq` moved.
    pub delivered_moved: bool,
    /// The member's unread messages.
    pub unread: u64,
}

/// One change of a room, with the present row of what it is about.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The position after it.
    pub cursor: Cursor,
    /// Who did it; nobody is the host.
    pub actor: Option<UserId>,
    /// When.
    pub at: Timestamp,
    /// What it did.
    pub body: ChangeBody,
}

impl Change {
    /// About how many bytes it takes on the wire.
    pub fn weight(&self) -> usize {
        match &self.body {
            ChangeBody::Room(room) => room.weight(),
            ChangeBody::Posted(message) | ChangeBody::Edited(message) | ChangeBody::Deleted(message) => {
                message.weight()
            }
            ChangeBody::Added(member) | ChangeBody::Updated(member) | ChangeBody::Removed(member) => member.weight(),
        }
    }
}

/// See [`Change`].
#[derive(Clone, Debug, PartialEq)]
pub enum ChangeBody {
    /// The room was made or changed.
    Room(Box<Room>),
    /// A message was posted; catching up, also one that was edited since.
    Posted(Arc<Message>),
    /// A message was edited.
    Edited(Arc<Message>),
    /// A message was deleted.
    Deleted(Arc<Message>),
    /// Somebody came in.
    Added(Box<Member>),
    /// A participant changed.
    Updated(Box<Member>),
    /// Somebody left, was removed or banned, or a ban was lifted.
    Removed(Box<Member>),
}

/// A message with what only stores need.
#[derive(Clone, Debug, PartialEq)]
pub struct MessageRow {
    /// The message.
    pub message: Message,
    /// The change that posted it.
    pub post_rev: Rev,
    /// How many countable messages were posted up to it.
    pub ord: u64,
    /// How many of those its sender posted.
    pub own_ord: u64,
    /// The hash of what it says, or said before it was erased.
    pub content_digest: u64,
}

/// Why a commit was not applied.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    /// It cannot be; nothing was changed.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The store failed; whether it was applied may be unknown.
    #[error(transparent)]
    Failed(#[from] StoreError),
}

/// Why a commit cannot be applied.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The guard does not hold any more: read again and decide again.
    #[error("the room changed meanwhile")]
    Stale,
    /// The room is not there.
    #[error("no such room")]
    NoRoom,
    /// A room with this key or pair, or id, is there already.
    #[error("the room exists")]
    Exists(RoomId),
    /// The operation's name was used for something else.
    #[error("the operation's name was used for something else")]
    OperationConflict,
    /// The message is not there, or is deleted.
    #[error("no such message")]
    MessageGone,
}
