//! What is kept, and what of it a viewer may see.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    model::{ClientId, Member, Message, MessageId, Rev, Room, RoomId, RoomKey, Seq, Timestamp, UserId},
    store::{History, Operation, RoomRow, RoomSelector, Target, View, Viewer, Window},
};

/// Everything that is kept.
#[derive(Default)]
pub(super) struct State {
    pub(super) rooms: BTreeMap<RoomId, RoomData>,
    pub(super) operations: BTreeMap<OperationKey, Operation>,

    // Where things are, by the names that are unique over all rooms.
    pub(super) keys: BTreeMap<RoomKey, RoomId>,
    pub(super) pairs: BTreeMap<(UserId, UserId), RoomId>,
    pub(super) places: BTreeMap<MessageId, (RoomId, Seq)>,
}

/// A room and all that belongs to it.
pub(super) struct RoomData {
    pub(super) room: Room,
    /// Everybody who was ever in it, or is banned from it.
    pub(super) members: BTreeMap<UserId, Member>,
    pub(super) messages: BTreeMap<Seq, Posted>,
    pub(super) changes: BTreeMap<Rev, ChangeRow>,
}

/// A message as it is now.
#[derive(Clone)]
pub(super) struct Posted {
    pub(super) message: Arc<Message>,
    /// The change that posted it.
    pub(super) rev: Rev,
}

/// That something changed. What it became stands in its own row, so what was deleted is nowhere.
pub(super) struct ChangeRow {
    pub(super) target: Target,
    pub(super) actor: Option<UserId>,
    pub(super) at: Timestamp,
    pub(super) chain: u64,
}

/// The scope and the name of an operation, and whose it is.
pub(super) type OperationKey = (RoomId, Option<UserId>, ClientId);

/// A room as somebody in it, or the host, may see it. Whoever may not see it does not get one.
#[derive(Clone, Copy)]
pub(super) struct Seen<'a> {
    pub(super) data: &'a RoomData,
    /// The viewer in it; nobody for the host.
    pub(super) member: Option<&'a Member>,
}

impl State {
    pub(super) fn find(&self, room: &RoomSelector) -> Option<RoomId> {
        match room {
            RoomSelector::Id(id) => Some(*id),
            RoomSelector::Key(key) => self.keys.get(key).copied(),
            RoomSelector::Pair(a, b) => self.pairs.get(&(a.clone(), b.clone())).copied(),
        }
    }

    /// The one way to a room's content for a read.
    pub(super) fn enter(&self, viewer: Viewer<'_>, room: RoomId) -> Option<Seen<'_>> {
        self.rooms.get(&room)?.seen_by(viewer)
    }

    /// The viewer's rooms.
    pub(super) fn seen_by(&self, viewer: Viewer<'_>) -> impl Iterator<Item = Seen<'_>> {
        self.rooms.values().filter_map(move |data| data.seen_by(viewer))
    }

    pub(super) fn operation(&self, scope: RoomId, by: Option<&UserId>, name: &ClientId) -> Option<&Operation> {
        let done = self.operations.get(&(scope, by.cloned(), name.clone()))?;
        // A room may have been made under the name, and be gone.
        self.rooms.contains_key(&done.room).then_some(done)
    }

    pub(super) fn view(&self, room: &RoomSelector, users: &[UserId]) -> Option<View> {
        let data = self.rooms.get(&self.find(room)?)?;
        let members = users.iter().map(|user| data.members.get(user).cloned()).collect();
        Some(View { room: data.room.clone(), members })
    }

    pub(super) fn message(&self, viewer: Viewer<'_>, id: MessageId) -> Option<Message> {
        let (room, seq) = self.places.get(&id)?;
        self.enter(viewer, *room)?.message(*seq).cloned()
    }

    pub(super) fn messages(&self, viewer: Viewer<'_>, before: Option<MessageId>, limit: usize) -> Vec<Message> {
        let newest_first = self.places.iter().rev().filter(|(id, _)| before.is_none_or(|before| **id < before));
        let visible = newest_first.filter_map(|(_, (room, seq))| self.enter(viewer, *room)?.message(*seq));
        visible.take(limit).cloned().collect()
    }

    pub(super) fn readers(
        &self,
        viewer: Viewer<'_>,
        id: MessageId,
        after: Option<&UserId>,
        limit: usize,
    ) -> Option<Vec<Member>> {
        let (room, seq) = *self.places.get(&id)?;
        let seen = self.enter(viewer, room)?;
        let message = seen.message(seq)?;
        let has_read = |member: &&Member| {
            member.read_seq >= seq && member.sees(seq) && message.sender.as_ref() != Some(&member.user)
        };
        Some(seen.active(after).filter(has_read).take(limit).cloned().collect())
    }

    pub(super) fn rooms(&self, viewer: Viewer<'_>, before: Option<(Timestamp, RoomId)>, limit: usize) -> Vec<RoomRow> {
        let mut seen: Vec<_> = self.seen_by(viewer).collect();
        let place = |seen: &Seen<'_>| (seen.data.room.last_at, seen.data.room.id);
        seen.retain(|seen| before.is_none_or(|before| place(seen) < before));
        seen.sort_by_key(|seen| std::cmp::Reverse(place(seen)));
        seen.into_iter().take(limit).map(Seen::row).collect()
    }
}

impl RoomData {
    fn seen_by(&self, viewer: Viewer<'_>) -> Option<Seen<'_>> {
        let member = match viewer {
            Viewer::Host => None,
            Viewer::User(user) => Some(self.members.get(user).filter(|member| member.is_active())?),
        };
        Some(Seen { data: self, member })
    }
}

impl<'a> Seen<'a> {
    /// Whether the viewer may read the message at `seq`.
    pub(super) fn sees(self, seq: Seq) -> bool {
        self.member.is_none_or(|member| member.sees(seq))
    }

    /// The messages that the viewer may read, oldest first.
    pub(super) fn visible(self) -> impl DoubleEndedIterator<Item = &'a Message> {
        self.data.messages.values().map(|posted| &*posted.message).filter(move |message| self.sees(message.seq))
    }

    fn message(self, seq: Seq) -> Option<&'a Message> {
        self.data.messages.get(&seq).map(|posted| &*posted.message).filter(|message| self.sees(message.seq))
    }

    pub(super) fn history(self, window: Window, limit: usize) -> History {
        match window {
            Window::Latest => page(self.visible().rev(), limit),
            Window::Before(place) => page(self.visible().rev().filter(|message| message.seq < place), limit),
            Window::After(place) => page(self.visible().filter(|message| message.seq > place), limit),
            Window::Around(place) => {
                // The odd one is the place itself; of an even limit, the side before it gets one more.
                let mut before = self.history(Window::Before(place), limit / 2).messages;
                before.reverse();
                let from = page(self.visible().filter(|message| message.seq >= place), limit - limit / 2);
                History { messages: [before, from.messages].concat(), more: from.more }
            }
        }
    }

    /// Who is in the room now, by user id, from after `after`.
    pub(super) fn active(self, after: Option<&UserId>) -> impl Iterator<Item = &'a Member> {
        self.data
            .members
            .values()
            .filter(move |member| member.is_active() && after.is_none_or(|after| member.user > *after))
    }

    pub(super) fn participants(self, after: Option<&UserId>, limit: usize) -> Vec<Member> {
        self.active(after).take(limit).cloned().collect()
    }

    pub(super) fn row(self) -> RoomRow {
        RoomRow {
            room: self.data.room.clone(),
            member: self.member.cloned(),
            unread: self.unread(),
            last_message: self.visible().next_back().cloned(),
        }
    }

    pub(super) fn unread(self) -> u64 {
        self.member.map_or(0, |member| unread(member, self.data.messages.values()))
    }
}

fn page<'a>(mut messages: impl Iterator<Item = &'a Message>, limit: usize) -> History {
    let page = messages.by_ref().take(limit).cloned().collect();
    History { messages: page, more: messages.next().is_some() }
}

/// How many of `messages` a member has not read. This is what unread means; other stores compute it.
pub(super) fn unread<'a>(member: &Member, messages: impl Iterator<Item = &'a Posted>) -> u64 {
    let counts = |message: &Message| {
        message.seq > member.unread_floor()
            && message.message_type.countable()
            && !message.is_deleted()
            && message.sender.as_ref() != Some(&member.user)
    };
    messages.filter(|posted| counts(&posted.message)).count() as u64
}
