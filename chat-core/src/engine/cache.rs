//! The rooms and members that the committer remembers, so that it decides without a read.
//!
//! It is the only writer and sees every change, so what it remembers is what is stored; the guard of each commit would
//! notice if it were not.

use std::{collections::HashMap, hash::Hash, num::NonZeroUsize, sync::Arc};

use lru::LruCache;

use crate::{
    model::{Member, Message, MessageId, Result, Role, Room, RoomId, RoomKey, RoomRef, UserId},
    store::{Change, ChangeBody, RoomSelector, Store, Viewer},
};

/// See the module.
#[derive(Debug)]
pub(super) struct Cache {
    store: Arc<dyn Store>,
    rooms: Recent<RoomId, Remembered>,
    keys: LruCache<RoomKey, RoomId>,
    /// The last messages: what is answered, edited, or named by a receipt.
    messages: Recent<MessageId, Arc<Message>>,
}

/// One room, and what is stored about the people who acted in it. `None`: nothing is.
#[derive(Debug)]
pub(super) struct Remembered {
    pub(super) room: Room,
    pub(super) members: HashMap<UserId, Option<Member>>,
}

/// How many people of one room are remembered.
const MEMBERS: usize = 1024;

/// How many messages are remembered, of all rooms together.
const MESSAGES: NonZeroUsize = NonZeroUsize::new(1024).expect("not zero");

/// What all rooms, and all messages, that are remembered may weigh: many times what people fill them with, and no more
/// where each is as large as may be.
const WEIGHT: usize = 64 * 1024 * 1024;

/// What was used last, as long as it is neither too many nor too heavy together.
#[derive(Debug)]
struct Recent<K: Hash + Eq, V> {
    known: LruCache<K, (V, usize)>,
    weight: usize,
}

impl Cache {
    /// Remembers nothing yet of what is in the store, and up to so many rooms of it.
    pub(super) fn new(store: Arc<dyn Store>, rooms: usize) -> Self {
        let rooms = NonZeroUsize::new(rooms).unwrap_or(NonZeroUsize::MIN);
        Self { store, rooms: Recent::of(rooms), keys: growing(rooms), messages: Recent::of(MESSAGES) }
    }

    /// The room, with `users` among its people; read from the store where they are not remembered.
    ///
    /// Whoever is not in the room is read each time: how long the answer takes must not tell them that there is a room.
    pub(super) async fn load(&mut self, room: &RoomRef, users: &[&UserId]) -> Result<Option<RoomId>> {
        let known = self.room(room);
        let selector = match (room, known) {
            (_, Some(id)) => RoomSelector::Id(id),
            (RoomRef::Key(key), None) => RoomSelector::Key(key.clone()),
            (RoomRef::Id(id), None) => RoomSelector::Id(*id),
        };
        let remembered = known.and_then(|id| self.rooms.get(&id));
        let missing: Vec<UserId> = users
            .iter()
            .filter(|user| !remembered.is_some_and(|room| room.has(user)))
            .map(|user| (*user).clone())
            .collect();
        if let Some(id) = known.filter(|_| remembered.is_some() && missing.is_empty()) {
            return Ok(Some(id));
        }
        let Some(view) = self.store.view(&selector, &missing).await? else { return Ok(None) };
        let id = view.room.id;
        if let Some(key) = &view.room.key {
            self.keys.put(key.clone(), id);
        }
        let known = self.rooms.pop(&id);
        let mut remembered = known.unwrap_or_else(|| Remembered { room: view.room, members: HashMap::new() });
        if remembered.members.len() + missing.len() > MEMBERS {
            remembered.members.retain(|user, _| users.contains(&user));
        }
        remembered.members.extend(missing.into_iter().zip(view.members));
        let weight = remembered.room.weight();
        self.rooms.put(id, remembered, weight);
        Ok(Some(id))
    }

    /// The id of a room, without reading; of one by its key, if that is remembered.
    pub(super) fn room(&mut self, room: &RoomRef) -> Option<RoomId> {
        match room {
            RoomRef::Id(id) => Some(*id),
            RoomRef::Key(key) => self.keys.get(key).copied(),
        }
    }

    /// A message, read from the store where it is not remembered.
    pub(super) async fn message(&mut self, id: MessageId) -> Result<Option<Arc<Message>>> {
        if let Some(message) = self.messages.get(&id) {
            return Ok(Some(Arc::clone(message)));
        }
        let Some(message) = self.store.message(Viewer::Host, id).await?.map(Arc::new) else { return Ok(None) };
        self.remember(&message);
        Ok(Some(message))
    }

    fn remember(&mut self, message: &Arc<Message>) {
        self.messages.put(message.id, Arc::clone(message), message.weight());
    }

    /// A room that was loaded.
    pub(super) fn get(&self, room: RoomId) -> Option<&Remembered> {
        self.rooms.peek(&room)
    }

    /// Takes over what a commit changed.
    pub(super) fn apply(&mut self, room: RoomId, change: &Change) {
        if let ChangeBody::Posted(message) | ChangeBody::Edited(message) | ChangeBody::Deleted(message) = &change.body {
            self.remember(message);
        }
        let Some(remembered) = self.rooms.peek_mut(&room) else { return };
        let head = &mut remembered.room;
        head.last_rev = change.cursor.rev;
        head.chain = change.cursor.chain;
        head.last_at = change.at;
        match &change.body {
            ChangeBody::Posted(message) => head.last_seq = message.seq,
            ChangeBody::Edited(_) | ChangeBody::Deleted(_) => {}
            ChangeBody::Room(now) => {
                let members = std::mem::take(&mut remembered.members);
                self.rooms.put(room, Remembered { room: now.as_ref().clone(), members }, now.weight());
            }
            ChangeBody::Added(member) | ChangeBody::Updated(member) | ChangeBody::Removed(member) => {
                if !remembered.apply(member) {
                    self.forget(room);
                }
            }
        }
    }

    /// Takes over a member's registers.
    pub(super) fn apply_member(&mut self, member: &Member) {
        if let Some(known) = self.rooms.peek_mut(&member.room).and_then(|room| room.members.get_mut(&member.user)) {
            *known = Some(member.clone());
        }
    }

    /// Forgets a room: it was deleted, or is not what was remembered.
    pub(super) fn forget(&mut self, room: RoomId) {
        self.rooms.pop(&room);
        // The room itself may be forgotten before its key is.
        let keys: Vec<_> = self.keys.iter().filter(|(_, id)| **id == room).map(|(key, _)| key.clone()).collect();
        for key in keys {
            self.keys.pop(&key);
        }
        self.messages.forget(|message| message.room == room);
    }
}

impl<K: Hash + Eq + Clone, V> Recent<K, V> {
    fn of(most: NonZeroUsize) -> Self {
        Self { known: growing(most), weight: 0 }
    }

    fn get(&mut self, key: &K) -> Option<&V> {
        self.known.get(key).map(|(value, _)| value)
    }

    fn peek(&self, key: &K) -> Option<&V> {
        self.known.peek(key).map(|(value, _)| value)
    }

    fn peek_mut(&mut self, key: &K) -> Option<&mut V> {
        self.known.peek_mut(key).map(|(value, _)| value)
    }

    /// Adds one, in the place of what was known of it; the oldest ones make way.
    fn put(&mut self, key: K, value: V, weight: usize) {
        let gone = self.known.push(key, (value, weight));
        self.weight = self.weight + weight - gone.map_or(0, |(_, (_, weight))| weight);
        // The last one is needed, whatever it weighs.
        while self.weight > WEIGHT && self.known.len() > 1 {
            self.weight -= self.known.pop_lru().map_or(0, |(_, (_, weight))| weight);
        }
    }

    fn pop(&mut self, key: &K) -> Option<V> {
        let (value, weight) = self.known.pop(key)?;
        self.weight -= weight;
        Some(value)
    }

    fn forget(&mut self, goes: impl Fn(&V) -> bool) {
        let gone: Vec<_> =
            self.known.iter().filter(|(_, (value, _))| goes(value)).map(|(key, _)| key.clone()).collect();
        for key in gone {
            self.pop(&key);
        }
    }
}

/// A cache that takes memory as it fills: a limit may be far above what is ever there.
fn growing<K: Hash + Eq, V>(limit: NonZeroUsize) -> LruCache<K, V> {
    let mut cache = LruCache::unbounded();
    cache.resize(limit);
    cache
}

impl Remembered {
    fn has(&self, user: &UserId) -> bool {
        self.members.get(user).and_then(Option::as_ref).is_some_and(Member::is_active)
    }

    /// Takes over a membership, and what follows for the room; `false` where that is not known, since what it was
    /// before is not remembered.
    fn apply(&mut self, member: &Member) -> bool {
        let Some(known) = self.members.get_mut(&member.user) else { return false };
        let before = known.replace(member.clone());
        let is_in = |member: &Member| u64::from(member.is_active());
        let owns = |member: &Member| u64::from(member.is_active() && member.role == Role::Owner);
        let (was_in, owned) = before.as_ref().map_or((0, 0), |before| (is_in(before), owns(before)));
        let room = &mut self.room;
        room.members = (room.members + is_in(member)).saturating_sub(was_in);
        room.owners = (room.owners + owns(member)).saturating_sub(owned);
        if owns(member) != owned {
            room.policy_rev = member.rev;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_is_neither_too_many_nor_too_heavy() {
        let mut recent = Recent::of(NonZeroUsize::new(3).unwrap());
        for n in 0..5 {
            recent.put(n, "light", 1);
        }
        assert_eq!((recent.known.len(), recent.weight), (3, 3));
        recent.put(5, "half", WEIGHT / 2);
        recent.put(6, "less", WEIGHT / 2 - 1);
        assert_eq!((recent.peek(&4), recent.weight), (Some(&"light"), WEIGHT));
        recent.put(6, "more", WEIGHT / 2);
        assert_eq!((recent.peek(&4), recent.peek(&5), recent.peek(&6)), (None, Some(&"half"), Some(&"more")));
        recent.put(7, "all", WEIGHT * 2);
        assert_eq!((recent.known.len(), recent.weight, recent.pop(&7)), (1, WEIGHT * 2, Some("all")));
        assert_eq!(recent.weight, 0);
    }
}
