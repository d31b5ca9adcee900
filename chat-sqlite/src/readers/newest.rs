//! The messages of all rooms that a viewer may read, newest id first.
//!
//! For the host there is the index of ids. A user's are merged from their rooms, so that what others write costs
//! nothing: in a room, ids ascend with the place, as the engine gives them, and a place is found by halving. In a room
//! where they do not, as after the machine's clock was set back, they are sorted.

use std::collections::BinaryHeap;

use chat_core::{Message, MessageId, Seq, UserId};
use rusqlite::params;

use crate::{
    failure::{Failure, Outcome},
    place::{number_at, place},
    rows::{self, limit_of},
    sql::Sql,
};

use super::{
    Snapshot,
    seen::{OwnedViewer, Seen},
};

impl Snapshot<'_> {
    pub(crate) fn messages(
        &self,
        viewer: &OwnedViewer,
        before: Option<MessageId>,
        limit: usize,
    ) -> Outcome<Vec<Message>> {
        match viewer {
            OwnedViewer::Host => self.newest_of_all(before, limit),
            OwnedViewer::User(user) => self.newest_of(user, before, limit),
        }
    }

    fn newest_of_all(&self, before: Option<MessageId>, limit: usize) -> Outcome<Vec<Message>> {
        let places = rows::places_by_id(self.connection, before, limit)?;
        let message = |(number, seq)| {
            let room = rows::room_numbered(self.connection, number)?.room.id;
            rows::message_at(self.connection, number, room, seq)?.ok_or(Failure::Damaged("an index is wrong"))
        };
        places.into_iter().map(message).collect()
    }

    fn newest_of(&self, user: &UserId, before: Option<MessageId>, limit: usize) -> Outcome<Vec<Message>> {
        let rooms = self.all_of(user)?;
        let mut left = Vec::with_capacity(rooms.len());
        // The newest that is left of each room.
        let mut newest = BinaryHeap::with_capacity(rooms.len());
        for (n, seen) in rooms.iter().enumerate() {
            let mut descending = seen.descending(before, limit)?;
            newest.extend(descending.next(seen)?.map(|(id, seq)| (id, seq, n)));
            left.push(descending);
        }
        let mut messages = Vec::new();
        while messages.len() < limit
            && let Some((_, seq, n)) = newest.pop()
        {
            let seen = &rooms[n];
            messages.extend(seen.message(seq)?);
            newest.extend(left[n].next(seen)?.map(|(id, seq)| (id, seq, n)));
        }
        Ok(messages)
    }
}

/// The messages of one room that are left, by id, descending.
enum Descending {
    /// The places below this one.
    Places(Seq),
    /// What was sorted, the next one last.
    Sorted(Vec<(MessageId, Seq)>),
}

impl Descending {
    fn next(&mut self, seen: &Seen<'_>) -> Outcome<Option<(MessageId, Seq)>> {
        match self {
            Self::Sorted(left) => Ok(left.pop()),
            Self::Places(end) if *end <= seen.first_visible() => Ok(None),
            Self::Places(end) => {
                *end -= 1;
                Ok(Some((seen.id_at(*end)?, *end)))
            }
        }
    }
}

impl Seen<'_> {
    fn descending(&self, before: Option<MessageId>, limit: usize) -> Outcome<Descending> {
        if self.ids_ascend {
            Ok(Descending::Places(self.end_below(before)?))
        } else {
            self.sorted(before, limit).map(Descending::Sorted)
        }
    }

    /// The place after the last message whose id is below `before`.
    fn end_below(&self, before: Option<MessageId>) -> Outcome<Seq> {
        let (mut first, mut end) = (self.first_visible(), self.room.last_seq + 1);
        let Some(before) = before else { return Ok(end) };
        // Most rooms have been quiet for longer than that.
        let mut look_at = end.saturating_sub(1);
        while first < end {
            if self.id_at(look_at)? < before {
                first = look_at + 1;
            } else {
                end = look_at;
            }
            look_at = first.midpoint(end);
        }
        Ok(end)
    }

    fn sorted(&self, before: Option<MessageId>, limit: usize) -> Outcome<Vec<(MessageId, Seq)>> {
        const SELECT: &str = "SELECT id, place FROM message WHERE place BETWEEN ?1 AND ?2 AND (?3 IS NULL OR id < ?3) \
             ORDER BY +id DESC LIMIT ?4";
        let (first, last) = (place(self.number, self.first_visible()), place(self.number, u64::MAX));
        let params = params![first, last, before.as_ref().map(MessageId::as_bytes), limit_of(limit)];
        let mut found = self
            .snapshot
            .connection
            .all(SELECT, params, |row| Ok((MessageId::from_bytes(row.get(0)?), number_at(row.get(1)?))))?;
        found.reverse();
        Ok(found)
    }

    fn id_at(&self, seq: Seq) -> Outcome<MessageId> {
        let id = rows::id_at(self.snapshot.connection, self.number, seq)?;
        id.ok_or(Failure::Damaged("a room lacks a message"))
    }
}
