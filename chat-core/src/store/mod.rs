//! The storage contract: what the engine asks of whoever keeps its data.
//!
//! The engine decides, the store checks the guard, gives the numbers and applies all or nothing. A store knows no
//! chat rule. Two come with the project: [`MemoryStore`], the model that every other one is compared with, and SQLite
//! in the crate `chat-sqlite`. `chat-testkit` holds the suite that every store must pass.

mod commit;
mod digest;
mod memory;
mod unread;

use std::fmt;

use async_trait::async_trait;

pub use commit::{
    Applied, Change, ChangeBody, ChangeKind, Commit, CommitError, Done, Edit, Guard, MarkerMove, MarkerTo,
    MemberChange, MemberWrite, MessageRow, NO_ROOM, NewRoom, Operation, OperationName, Post, Refusal, Registers,
    RoomSettings, Target, Visible, Write,
};
pub use digest::Digester;
pub use memory::MemoryStore;
pub use unread::{Counts, TALLY_BITS, TALLY_LEVELS, tally_blocks, tally_ranges};

use crate::model::{
    ClientId, Cursor, Error, MAX_INTEGER, Marker, Member, Message, MessageId, MyRoom, Room, RoomId, RoomKey, RoomRef,
    Seq, Timestamp, UserId,
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
/// An async call that panics has failed for the engine as with [`StoreError::Unavailable`], and it goes on asking.
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

    /// What was done before under an operation's name, in a room that is still there; `by` is whose it is, see [`OperationName::by`].
    async fn operation(&self, scope: RoomId, by: Option<&UserId>, name: &ClientId) -> StoreResult<Option<Operation>>;

    /// A room and, for each of `users` in order, what is stored about them in it.
    async fn view(&self, room: &RoomSelector, users: &[UserId]) -> StoreResult<Option<View>>;

    /// One message.
    async fn message(&self, viewer: Viewer<'_>, id: MessageId) -> StoreResult<Option<Message>>;

    /// A page of a room's messages, in the order that the window says. By key it is one read as well: nobody first asks
    /// for the room's id.
    async fn history(
        &self,
        viewer: Viewer<'_>,
        room: &RoomSelector,
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

    /// What the viewer missed of each of `rooms`, in their order, since the position beside it. All of it is of one
    /// moment. [`CatchUpLimits::bytes`] holds for all of them together, see [`CatchUpLimits::after`].
    async fn catch_up(
        &self,
        viewer: Viewer<'_>,
        rooms: &[(RoomId, Option<Cursor>)],
        limits: CatchUpLimits,
    ) -> StoreResult<Vec<Option<CatchUp>>>;

    /// How many messages the user has not read, over all rooms they are in.
    async fn unread(&self, user: &UserId) -> StoreResult<u64>;

    /// How many rooms each of `users` is in, in their order.
    async fn memberships(&self, users: &[UserId]) -> StoreResult<Vec<u64>>;

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
    /// About how many bytes it takes on the wire.
    pub fn weight(&self) -> usize {
        self.room.weight() + self.last_message.as_ref().map_or(0, Message::weight)
    }

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

/// How much a catch-up returns. All but `bytes` holds for each room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CatchUpLimits {
    /// Changes that are looked at.
    pub changes: usize,
    /// Messages of a snapshot.
    pub messages: usize,
    /// Participants of a snapshot; also, up to how many members everybody's markers are told.
    pub members: usize,
    /// What all changes and snapshots together may weigh, see [`CatchUp::weight`]: a step ends with the change that
    /// reaches it, a snapshot has fewer messages. One comes in any case.
    pub bytes: usize,
}

impl CatchUpLimits {
    /// The limits of the next room of the same call: what `bytes` leaves, and once nothing is left the least that leads
    /// on, a change or a message.
    #[must_use]
    pub fn after(self, one: &CatchUp) -> Self {
        match self.bytes.saturating_sub(one.weight()) {
            0 => Self { changes: self.changes.min(1), messages: self.messages.min(1), bytes: 0, ..self },
            bytes => Self { bytes, ..self },
        }
    }

    /// The last of these messages, oldest first, that may come.
    pub fn last_of(&self, mut messages: Vec<Message>) -> Vec<Message> {
        let mut bytes = 0;
        let fit = messages.iter().rev().take_while(|message| {
            bytes += message.weight();
            bytes <= self.bytes
        });
        let fit = fit.count().max(1);
        messages.drain(..messages.len().saturating_sub(fit));
        messages
    }
}

impl CatchUp {
    /// About how many bytes it takes on the wire.
    pub fn weight(&self) -> usize {
        match &self.missed {
            Missed::Nothing => 0,
            Missed::Changes { changes, .. } => changes.iter().map(Change::weight).sum(),
            Missed::Snapshot { room, members, messages } => {
                let members: usize = members.iter().map(Member::weight).sum();
                room.room.weight() + members + messages.iter().map(Message::weight).sum::<usize>()
            }
        }
    }
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
    /// What changed, each target once, in its present state: what is new to the viewer in the place where it was posted
    /// or came in, everything else in that of its last change.
    Changes {
        /// The changes that the viewer may see.
        changes: Vec<Change>,
        /// Whether more follow after [`CatchUp::cursor`].
        more: bool,
    },
    /// The room from scratch: no cursor, another epoch, a chain that does not fit, a position from the future, from
    /// before the present membership, or from before what the store still keeps of its log.
    Snapshot {
        /// The room.
        room: Box<RoomRow>,
        /// The first of its members, by user id.
        members: Vec<Member>,
        /// The last messages, oldest first.
        messages: Vec<Message>,
    },
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
