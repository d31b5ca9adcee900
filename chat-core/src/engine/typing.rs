//! Who is typing: never stored, and healing by itself when a "stop" is lost.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use tokio::time::Instant;

use crate::model::{RoomId, UserId};

/// How long somebody types after they last said so.
pub(crate) const TYPING_TTL: Duration = Duration::from_secs(3);

/// Who is typing where, and until when.
#[derive(Debug, Default)]
pub(super) struct Typing {
    until: BTreeMap<RoomId, BTreeMap<UserId, Instant>>,
    /// The same in order of time.
    due: BTreeSet<(Instant, RoomId, UserId)>,
}

impl Typing {
    /// Begins, or goes on; whether that is news.
    pub(super) fn start(&mut self, room: RoomId, user: &UserId, now: Instant) -> bool {
        let news = !self.stop(room, user);
        self.until.entry(room).or_default().insert(user.clone(), now + TYPING_TTL);
        self.due.insert((now + TYPING_TTL, room, user.clone()));
        news
    }

    /// Goes on, if they are typing.
    pub(super) fn refresh(&mut self, room: RoomId, user: &UserId, now: Instant) -> bool {
        let typing = self.until.get(&room).is_some_and(|users| users.contains_key(user));
        if typing {
            self.start(room, user, now);
        }
        typing
    }

    /// Ends; whether that is news.
    pub(super) fn stop(&mut self, room: RoomId, user: &UserId) -> bool {
        let Some(users) = self.until.get_mut(&room) else { return false };
        let Some(until) = users.remove(user) else { return false };
        if users.is_empty() {
            self.until.remove(&room);
        }
        self.due.remove(&(until, room, user.clone()));
        true
    }

    /// Ends everything in a room that nobody has open.
    pub(super) fn forget(&mut self, room: RoomId) {
        for user in self.of(room) {
            self.stop(room, &user);
        }
    }

    /// Everybody who types in a room.
    pub(super) fn of(&self, room: RoomId) -> Vec<UserId> {
        self.until.get(&room).map(|users| users.keys().cloned().collect()).unwrap_or_default()
    }

    /// Ends what is due by `now`, and returns it.
    pub(super) fn expired(&mut self, now: Instant) -> Vec<(RoomId, UserId)> {
        let mut ended = Vec::new();
        while let Some((due, room, user)) = self.due.first().cloned()
            && due <= now
        {
            self.stop(room, &user);
            ended.push((room, user));
        }
        ended
    }

    /// When the next one is due.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.due.first().map(|(due, ..)| *due)
    }
}
