//! The storage contract: what the engine asks of whoever keeps its data.
//!
//! The engine decides, the store checks the guard, gives the numbers and applies all or nothing. A store knows no
//! chat rule. Two come with the project: [`MemoryStore`], the model that every other one is compared with, and SQLite
//! in the crate `chat-sqlite`. `chat-testkit` holds the suite that every store must pass.

mod digest;
mod memory;
mod unread;

use std::{fmt, sync::Arc};

use async_trait::async_trait;

pub use digest::Digester;
pub use memory::MemoryStore;
pub use unread::{Counts, TALLY_BITS, TALLY_LEVELS, tally_blocks, tally_ranges};

use crate::model::{
    Attachment, ClientId, Cursor, Error, HistoryMode, MAX_INTEGER, Marker, Member, MemberSettings, Message, MessageId,
    MessageType, Metadata, MyRoom, Rev, Role, Room, RoomId, RoomKey, RoomKind, RoomRef, RoomState, Seq, Timestamp,
    UserId,
};

/// Where rooms, members and messages are kept.
///
/// # Contract
///
/// * **Atomic**: each [`Commit`] is applied whole or not at all. One that is refused or fails leaves its neighbours in
///   the batch as they would have been without it.
/// * **Durable**: what [`commit`](Store::commit) reports as applied survives a crash from then on, and no read shows
///   anything that a crash can still take back.
/// * **Numbered**: `seq` and `rev` of a room are 1, 2, 3, … in the order of commits, without hole or reuse; what is
///   rolled back gives its numbers back.
/// * **Timed**: a change's time is the commit's, or the room's last one if that is later.
/// * **Guarded**: a commit whose [`Guard`] does not hold any more changes nothing.
/// * **Idempotent**: a commit under an operation's name that was applied before changes nothing and returns what it
///   did, whatever its guard says; with another digest it is refused.
/// * **Consistent**: each read is one snapshot. A page stays right while others write.
/// * **Scoped**: a read for [`Viewer::User`] shows nothing of a room the user is not in at that moment, and no message
///   before their `visible_from`. What is hidden and what is missing look the same: `None`.
/// * **Owned**: dropping a returned future changes nothing: the work is done whole, or was never begun.
///
/// There are no default methods: a wrapper must forward everything.
#[async_trait]
pub trait Store: fmt::Debug + Send + Sync + 'static {
    /// The incarnation of this data: another one after a restore.
    fn epoch(&self) -> u64;

    /// The store's own keyed hashes.
    fn digester(&self) -> Digester;

    /// Applies the commits in order, together in one durable step where that is possible, and answers each.
    async fn commit(&self, batch: Vec<Commit>) -> Vec<Result<Applied, CommitError>>;

    /// What was done before under an operation's name.
    async fn operation(&self, scope: RoomId, actor: Option<&UserId>, name: &ClientId)
    -> StoreResult<Option<Operation>>;

    /// A room and, for each of `users` in order, what is stored about them in it.
    async fn view(&self, room: &RoomSelector, users: &[UserId]) -> StoreResult<Option<View>>;

    /// One message.
    async fn message(&self, viewer: Viewer<'_>, id: MessageId) -> StoreResult<Option<Message>>;

    /// A page of a room's messages, in the order that the window says.
    async fn history(
        &self,
        viewer: Viewer<'_>,
        room: RoomId,
        window: Window,
        limit: usize,
    ) -> StoreResult<Option<History>>;

    /// The viewer's messages of all rooms, newest id first, from below `before`. For the host: of all rooms there are.
    async fn messages(&self, viewer: Viewer<'_>, before: Option<MessageId>, limit: usize) -> StoreResult<Vec<Message>>;

    /// Who is in a room now, by user id, from after `after`.
    async fn participants(
        &self,
        viewer: Viewer<'_>,
        room: RoomId,
        after: Option<&UserId>,
        limit: usize,
    ) -> StoreResult<Option<Vec<Member>>>;

    /// Who has read a message, by user id, from after `after`: members whose `read_seq` has reached it and who may
    /// see it, without its sender.
    async fn readers(
        &self,
        viewer: Viewer<'_>,
        message: MessageId,
        after: Option<&UserId>,
        limit: usize,
    ) -> StoreResult<Option<Vec<Member>>>;

    /// The viewer's rooms, the latest change first, ties by larger room id first, from below `before`. For the host:
    /// all rooms there are.
    async fn rooms(
        &self,
        viewer: Viewer<'_>,
        before: Option<(Timestamp, RoomId)>,
        limit: usize,
    ) -> StoreResult<Vec<RoomRow>>;

    /// One room as the viewer sees it.
    async fn room(&self, viewer: Viewer<'_>, room: &RoomSelector) -> StoreResult<Option<RoomRow>>;

    /// What the viewer missed since `since`: at most `limit` changes, or `limits.messages` and `limits.members` of a
    /// snapshot.
    async fn catch_up(
        &self,
        viewer: Viewer<'_>,
        room: RoomId,
        since: Option<Cursor>,
        limits: CatchUpLimits,
    ) -> StoreResult<Option<CatchUp>>;

    /// How many messages the user has not read, over all rooms they are in.
    async fn unread(&self, user: &UserId) -> StoreResult<u64>;

    /// Finishes what was accepted and lets go of every file, thread and lock. Later calls answer
    /// [`StoreError::Closed`]; closing twice is fine.
    async fn close(&self) -> StoreResult<()>;
}

/// Who reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Viewer<'a> {
    /// The application itself: everything.
    Host,
    /// A user: the rooms they are in, from where they may see.
    User(&'a UserId),
}

/// A room by one of the names that are unique.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum RoomSelector {
    /// By id.
    Id(RoomId),
    /// By the host's key.
    Key(RoomKey),
    /// A direct room by its two people, in order.
    Pair(UserId, UserId),
}

impl From<RoomRef> for RoomSelector {
    fn from(room: RoomRef) -> Self {
        match room {
            RoomRef::Id(id) => Self::Id(id),
            RoomRef::Key(key) => Self::Key(key),
        }
    }
}
impl From<&RoomRef> for RoomSelector {
    fn from(room: &RoomRef) -> Self {
        room.clone().into()
    }
}

/// What the rules look at.
#[derive(Clone, Debug, PartialEq)]
pub struct View {
    /// The room.
    pub room: Room,
    /// What is stored about each user that was asked for.
    pub members: Vec<Option<Member>>,
}

/// Which messages of a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// The last ones, newest first.
    Latest,
    /// The nearest below a place, newest first.
    Before(Seq),
    /// The nearest above a place, oldest first.
    After(Seq),
    /// Half on each side of a place, the place itself among them, oldest first.
    Around(Seq),
}

impl Window {
    /// The window that a request names, by one place or by none.
    ///
    /// # Errors
    /// `invalid_argument` for more than one, and for what is beyond every place.
    pub fn named(before: Option<Seq>, after: Option<Seq>, around: Option<Seq>) -> Result<Self, Error> {
        let (field, window) = match (before, after, around) {
            (None, None, None) => return Ok(Self::Latest),
            (Some(seq), None, None) => ("before", Self::Before(seq)),
            (None, Some(seq), None) => ("after", Self::After(seq)),
            (None, None, Some(seq)) => ("around", Self::Around(seq)),
            _ => return Err(Error::invalid("before", "and `after` and `around` exclude each other")),
        };
        if before.or(after).or(around).is_some_and(|seq| seq > MAX_INTEGER) {
            return Err(Error::invalid(field, "must be below 2^53"));
        }
        Ok(window)
    }
}

/// A page of messages.
#[derive(Clone, Debug, PartialEq)]
pub struct History {
    /// The messages, in the window's order.
    pub messages: Vec<Message>,
    /// Whether there are more in that direction.
    pub more: bool,
}

/// One room as a viewer sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct RoomRow {
    /// The room.
    pub room: Room,
    /// The viewer in it; nobody for the host.
    pub member: Option<Member>,
    /// The viewer's unread messages; 0 for the host.
    pub unread: u64,
    /// The last message the viewer may see, a tombstone included.
    pub last_message: Option<Message>,
}

impl RoomRow {
    /// The same as the reader is shown it.
    pub fn shown(self, epoch: u64) -> MyRoom {
        MyRoom {
            info: self.room.info(),
            unread_count: self.unread,
            last_message: self.last_message,
            last_seq: self.room.last_seq,
            participants_count: self.room.members,
            my: self.member.as_ref().map(Into::into),
            cursor: self.room.cursor(epoch),
        }
    }
}

/// How much a catch-up returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CatchUpLimits {
    /// Changes that are looked at.
    pub changes: usize,
    /// Messages of a snapshot.
    pub messages: usize,
    /// Participants of a snapshot; also, up to how many members everybody's markers are told.
    pub members: usize,
}

/// What somebody missed.
#[derive(Clone, Debug, PartialEq)]
pub struct CatchUp {
    /// The position after it: the room's head, unless there is more.
    pub cursor: Cursor,
    /// The viewer's membership; nobody for the host.
    pub member: Option<Member>,
    /// Everybody's markers in a room of at most [`CatchUpLimits::members`], else the viewer's own.
    pub markers: Vec<Marker>,
    /// How many are in the room.
    pub members: u64,
    /// What it is.
    pub missed: Missed,
}

/// See [`CatchUp`].
#[derive(Clone, Debug, PartialEq)]
pub enum Missed {
    /// Nothing.
    Nothing,
    /// What changed, each target once, in its present state, in order of its last change.
    Changes {
        /// The changes that the viewer may see.
        changes: Vec<Change>,
        /// Whether more follow after [`CatchUp::cursor`].
        more: bool,
    },
    /// The room from scratch: no cursor, another epoch, a chain that does not fit, a position from the future or from
    /// before the present membership.
    Snapshot {
        /// The room.
        room: Box<RoomRow>,
        /// The first of its members, by user id.
        members: Vec<Member>,
        /// The last messages, oldest first.
        messages: Vec<Message>,
    },
}

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
    /// The name, unique per scope and actor.
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

/// The result of a read.
pub type StoreResult<T> = Result<T, StoreError>;

/// Why a store cannot answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// It was closed.
    #[error("the store is closed")]
    Closed,
    /// There is no room left.
    #[error("the disk is full")]
    Full,
    /// What it read cannot be.
    #[error("the data is damaged: {0}")]
    Corrupt(String),
    /// Anything else that may pass.
    #[error("{0}")]
    Unavailable(String),
}

impl From<StoreError> for crate::model::Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Closed => Self::Draining,
            other => Self::StorageUnavailable { reason: other.to_string() },
        }
    }
}
