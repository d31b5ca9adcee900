//! Every change that was committed, and what must hold of each at once.

use std::collections::{BTreeMap, BTreeSet};

use chat_core::{
    Member, Message, MessageId, Rev, Role, RoomId, Seq, Standing, Timestamp, UserId,
    store::{Change, ChangeBody, Commit, MemberChange, Write},
};
use tokio::time::Instant;

/// The truth that the checks go by.
#[derive(Debug, Default)]
pub(super) struct Log {
    rooms: BTreeMap<RoomId, Head>,
    /// Who came and went.
    comings: BTreeMap<(RoomId, UserId), Vec<Coming>>,
    /// Whom somebody asked to keep out.
    banned: BTreeSet<(RoomId, UserId)>,
    deleted: BTreeSet<MessageId>,
    /// Every post as it was sent.
    pub(super) posts: Vec<Post>,
    /// What is wrong already.
    pub(super) wrong: Option<String>,
}

/// A room as its last change left it.
#[derive(Debug, Default)]
struct Head {
    rev: Rev,
    at: Option<Timestamp>,
    last: Option<MessageId>,
    people: BTreeMap<UserId, Role>,
    had_an_owner: bool,
}

/// Somebody came into a room, or went.
#[derive(Clone, Copy, Debug)]
pub(super) struct Coming {
    pub(super) rev: Rev,
    pub(super) came: bool,
    pub(super) at: Instant,
    pub(super) joined_seq: Seq,
    pub(super) visible_from: Seq,
}

/// A message when it was posted.
#[derive(Debug)]
pub(super) struct Post {
    pub(super) id: MessageId,
    pub(super) room: RoomId,
    pub(super) seq: Seq,
    pub(super) sender: Option<UserId>,
    pub(super) text: String,
}

impl Log {
    /// A commit was applied `at` this moment, and these changes came of it.
    pub(super) fn record(&mut self, commit: &Commit, changes: &[Change], at: Instant) {
        for write in &commit.writes {
            if let Write::Member(member) = write
                && let MemberChange::End { banned } = member.change
            {
                let whom = (commit.room, member.user.clone());
                if banned {
                    self.banned.insert(whom)
                } else {
                    self.banned.remove(&whom)
                };
            }
        }
        for change in changes {
            if let Err(wrong) = self.change(change, commit.room, at) {
                self.wrong.get_or_insert(wrong);
            }
        }
    }

    fn change(&mut self, change: &Change, room: RoomId, now: Instant) -> Result<(), String> {
        let (rev, at) = (change.cursor.rev, change.at);
        let head = self.rooms.entry(room).or_default();
        let (last, last_at) = (std::mem::replace(&mut head.rev, rev), head.at.replace(at));
        if rev != last + 1 {
            return Err(format!("change {rev} was committed after {last}"));
        }
        if last_at.is_some_and(|last| at < last) {
            return Err(format!("change {rev} is of {at}, and the one before of {last_at:?}"));
        }
        match &change.body {
            ChangeBody::Posted(message) => self.posted(message)?,
            ChangeBody::Edited(message) if self.deleted.contains(&message.id) => {
                return Err(format!("message {} was edited after it was deleted", message.seq));
            }
            ChangeBody::Deleted(message) => {
                self.deleted.insert(message.id);
            }
            ChangeBody::Added(member) | ChangeBody::Updated(member) => {
                head.people.insert(member.user.clone(), member.role);
                if matches!(change.body, ChangeBody::Added(_)) {
                    self.come(member, rev, true, now);
                    if self.banned.contains(&(room, member.user.clone())) {
                        return Err(format!("{} came in, who is banned", member.user));
                    }
                }
            }
            ChangeBody::Removed(member) => {
                head.people.remove(&member.user);
                self.come(member, rev, false, now);
            }
            ChangeBody::Edited(_) | ChangeBody::Room(_) => {}
        }
        let head = self.rooms.entry(room).or_default();
        let owned = head.people.values().any(|role| *role == Role::Owner);
        if head.had_an_owner && !owned {
            return Err(format!("change {rev} took the last owner away"));
        }
        head.had_an_owner |= owned;
        Ok(())
    }

    fn posted(&mut self, message: &Message) -> Result<(), String> {
        self.posts.push(Post {
            id: message.id,
            room: message.room,
            seq: message.seq,
            sender: message.sender.clone(),
            text: message.content.clone().unwrap_or_default(),
        });
        let last = self.rooms.entry(message.room).or_default().last.replace(message.id);
        match last.filter(|last| *last >= message.id) {
            None => Ok(()),
            Some(last) => Err(format!("message {} has an id before the last one: {}, {last}", message.seq, message.id)),
        }
    }

    fn come(&mut self, member: &Member, rev: Rev, came: bool, at: Instant) {
        let &Member { joined_seq, visible_from, .. } = member;
        let coming = Coming { rev, came, at, joined_seq, visible_from };
        self.comings.entry((member.room, member.user.clone())).or_default().push(coming);
        debug_assert_eq!(came, member.standing == Standing::Active, "who came is in");
    }

    /// How somebody stood with a room after change `rev`.
    pub(super) fn standing(&self, room: RoomId, user: &UserId, rev: Rev) -> Option<Coming> {
        let comings = self.comings.get(&(room, user.clone()))?;
        comings.iter().rev().find(|coming| coming.rev <= rev).copied()
    }

    /// Whether somebody was in a room after change `rev`.
    pub(super) fn was_in(&self, room: RoomId, user: &UserId, rev: Rev) -> bool {
        self.standing(room, user, rev).is_some_and(|coming| coming.came)
    }

    /// Who owns a room.
    pub(super) fn owners(&self, room: RoomId) -> Vec<UserId> {
        let people = self.rooms.get(&room).into_iter().flat_map(|head| &head.people);
        people.filter(|(_, role)| **role == Role::Owner).map(|(user, _)| user.clone()).collect()
    }

    /// Whether a message was deleted.
    pub(super) fn is_deleted(&self, message: MessageId) -> bool {
        self.deleted.contains(&message)
    }
}
