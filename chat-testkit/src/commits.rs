//! Short ways to write down commits.

use chat_core::{
    MessageId, MessageType, Rev, Role, RoomId, RoomKey, RoomKind, Timestamp, UserId,
    store::{
        Commit, Edit, Guard, MarkerMove, MarkerTo, MemberChange, MemberWrite, NO_ROOM, NewRoom, OperationName, Post,
        RoomSettings, Visible, Write,
    },
};

use crate::{START, cast::client_id};

/// The time so many seconds after [`START`].
pub fn at(seconds: u64) -> Timestamp {
    Timestamp::from_millis(START + i64::try_from(seconds).unwrap_or(0) * 1000)
}

/// A commit by the host, at [`START`], that relies on nothing and has no name.
pub fn commit(room: RoomId, writes: impl Into<Vec<Write>>) -> Commit {
    Commit { room, actor: None, at: at(0), guard: Guard::default(), operation: None, writes: writes.into() }
}

/// What can be said about a commit beside its writes.
pub trait CommitExt: Sized {
    /// The same by a user.
    #[must_use]
    fn by(self, user: &UserId) -> Self;

    /// The same at another time.
    #[must_use]
    fn at(self, at: Timestamp) -> Self;

    /// The same under a name: in the room, or for a commit that makes one, in [`NO_ROOM`]. A message that it begins with
    /// bears it.
    #[must_use]
    fn named(self, name: &str, digest: u64) -> Self;

    /// The same if the room's policy is still that of `rev`.
    #[must_use]
    fn if_policy(self, rev: Rev) -> Self;

    /// The same if what is stored about `user` is still that of `rev`.
    #[must_use]
    fn if_member(self, user: &UserId, rev: Rev) -> Self;
}

impl CommitExt for Commit {
    fn by(mut self, user: &UserId) -> Self {
        self.actor = Some(user.clone());
        self
    }

    fn at(mut self, at: Timestamp) -> Self {
        self.at = at;
        self
    }

    fn named(mut self, name: &str, digest: u64) -> Self {
        let scope = if matches!(self.writes.first(), Some(Write::CreateRoom(_))) { NO_ROOM } else { self.room };
        if let Some(Write::Post(post)) = self.writes.first_mut() {
            post.client_id = Some(client_id(name));
        }
        self.operation = Some(OperationName { scope, by: self.actor.clone(), name: client_id(name), digest });
        self
    }

    fn if_policy(mut self, rev: Rev) -> Self {
        self.guard.policy = Some(rev);
        self
    }

    fn if_member(mut self, user: &UserId, rev: Rev) -> Self {
        self.guard.members.push((user.clone(), rev));
        self
    }
}

/// Makes a group.
pub fn create() -> Write {
    new_room(NewRoom { key: None, pair: None, kind: RoomKind::Group, settings: RoomSettings::default() })
}

/// Makes a group that has a key.
pub fn create_keyed(key: RoomKey) -> Write {
    new_room(NewRoom { key: Some(key), pair: None, kind: RoomKind::Group, settings: RoomSettings::default() })
}

/// Makes the direct room of two people.
pub fn create_direct(a: UserId, b: UserId) -> Write {
    let pair = if a < b { (a, b) } else { (b, a) };
    new_room(NewRoom { key: None, pair: Some(pair), kind: RoomKind::Direct, settings: RoomSettings::default() })
}

fn new_room(new: NewRoom) -> Write {
    Write::CreateRoom(Box::new(new))
}

/// Gives the room a name, and takes everything else away.
pub fn rename(name: &str) -> Write {
    Write::UpdateRoom(Box::new(RoomSettings { name: Some(name.into()), ..RoomSettings::default() }))
}

/// Lets somebody in, to see everything.
pub fn join(user: &UserId, role: Role) -> Write {
    join_seeing(user, role, Visible::From(1))
}

/// Lets somebody in, to see a part.
pub fn join_seeing(user: &UserId, role: Role, visible: Visible) -> Write {
    member(user, MemberChange::Join { role, name: None, avatar: None, visible })
}

/// Gives somebody in the room another role; takes name, picture and mute away.
pub fn give_role(user: &UserId, role: Role) -> Write {
    member(user, MemberChange::Update { role, name: None, avatar: None, muted_until: None })
}

/// Ends a membership, or lifts a ban.
pub fn end(user: &UserId) -> Write {
    member(user, MemberChange::End { banned: false })
}

/// Bans somebody.
pub fn ban(user: &UserId) -> Write {
    member(user, MemberChange::End { banned: true })
}

fn member(user: &UserId, change: MemberChange) -> Write {
    Write::Member(Box::new(MemberWrite { user: user.clone(), change }))
}

/// Posts a text by somebody, who has not thereby read anything.
pub fn post(id: MessageId, sender: &UserId, text: &str) -> Write {
    Write::Post(Box::new(plain(id, Some(sender), text)))
}

/// Posts a text by somebody, who has thereby read up to it.
pub fn say(id: MessageId, sender: &UserId, text: &str) -> Write {
    Write::Post(Box::new(Post { reads: true, ..plain(id, Some(sender), text) }))
}

/// Posts a system message.
pub fn note(id: MessageId, text: &str) -> Write {
    Write::Post(Box::new(Post { message_type: MessageType::System, ..plain(id, None, text) }))
}

/// A text with nothing beside it.
pub fn plain(id: MessageId, sender: Option<&UserId>, text: &str) -> Post {
    Post {
        id,
        sender: sender.cloned(),
        content: text.into(),
        message_type: MessageType::Text,
        metadata: None,
        attachments: Vec::new(),
        reply_to: None,
        client_id: None,
        reads: false,
    }
}

/// Gives a message another text.
pub fn edit(id: MessageId, text: &str) -> Write {
    Write::Edit(Box::new(Edit { id, content: Some(text.into()), metadata: None, attachments: None }))
}

/// Reads up to a place, as the engine says it: receipt and marker.
pub fn read_to(user: &UserId, seq: u64) -> MarkerMove {
    MarkerMove { delivered: Some(seq), read: Some(seq), marker: Some(MarkerTo::AtLeast(seq)), ..no_move(user) }
}

/// Sets one's own marker, also backwards.
pub fn set_marker(user: &UserId, seq: u64) -> MarkerMove {
    MarkerMove { marker: Some(MarkerTo::Set(seq, None)), ..no_move(user) }
}

/// Moves nothing.
pub fn no_move(user: &UserId) -> MarkerMove {
    MarkerMove { user: user.clone(), delivered: None, read: None, marker: None }
}
