//! The rooms and members that the committer remembers, so that it decides without a read.
//!
//! It is the only writer and sees every change, so what it remembers is what is stored; the guard of each commit would
//! notice if it were not.

use std::{collections::HashMap, num::NonZeroUsize, sync::Arc};

use lru::LruCache;

use crate::{
    model::{Member, Result, Room, RoomId, RoomKey, RoomRef, UserId},
    store::{Change, ChangeBody, RoomSelector, Store},
};

/// See the module.
#[derive(Debug)]
pub(super) struct Cache {
    store: Arc<dyn Store>,
    rooms: LruCache<RoomId, Remembered>,
    keys: LruCache<RoomKey, RoomId>,
}

/// One room, and what is stored about the people who acted in it. `None`: nothing is.
#[derive(Debug)]
pub(super) struct Remembered {
    pub(super) room: Room,
    pub(super) members: HashMap<UserId, Option<Member>>,
}

/// How many people of one room are remembered.
const MEMBERS: usize = 1024;

impl Cache {
    pub(super) fn new(store: Arc<dyn Store>, rooms: usize) -> Self {
        let rooms = NonZeroUsize::new(rooms).unwrap_or(NonZeroUsize::MIN);
        Self { store, rooms: LruCache::new(rooms), keys: LruCache::new(rooms) }
    }

    /// The room, with `users` among its people; read from the store where they are not remembered.
    pub(super) async fn load(&mut self, room: &RoomRef, users: &[&UserId]) -> Result<Option<RoomId>> {
        let known = match room {
            RoomRef::Id(id) => Some(*id),
            RoomRef::Key(key) => self.keys.get(key).copied(),
        };
        let selector = match (room, known) {
            (_, Some(id)) => RoomSelector::Id(id),
            (RoomRef::Key(key), None) => RoomSelector::Key(key.clone()),
            (RoomRef::Id(id), None) => RoomSelector::Id(*id),
        };
        let remembered = known.and_then(|id| self.rooms.get(&id));
        let missing: Vec<UserId> = users
            .iter()
            .filter(|user| !remembered.is_some_and(|room| room.members.contains_key(**user)))
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
        let remembered = self.rooms.get_or_insert_mut(id, || Remembered { room: view.room, members: HashMap::new() });
        if remembered.members.len() + missing.len() > MEMBERS {
            remembered.members.retain(|user, _| users.contains(&user));
        }
        remembered.members.extend(missing.into_iter().zip(view.members));
        Ok(Some(id))
    }

    /// A room that was loaded.
    pub(super) fn get(&self, room: RoomId) -> Option<&Remembered> {
        self.rooms.peek(&room)
    }

    /// Takes over what a commit changed.
    pub(super) fn apply(&mut self, room: RoomId, change: &Change) {
        let Some(remembered) = self.rooms.peek_mut(&room) else { return };
        let head = &mut remembered.room;
        head.last_rev = change.cursor.rev;
        head.chain = change.cursor.chain;
        head.last_at = change.at;
        match &change.body {
            ChangeBody::Posted(message) => head.last_seq = message.seq,
            ChangeBody::Edited(_) | ChangeBody::Deleted(_) => {}
            ChangeBody::Room(now) => remembered.room = now.as_ref().clone(),
            // Counts and the policy's rev may have changed with the member: read them again.
            ChangeBody::Added(_) | ChangeBody::Updated(_) | ChangeBody::Removed(_) => self.forget(room),
        }
    }

    /// Takes over a member's registers.
    pub(super) fn apply_member(&mut self, member: &Member) {
        if let Some(remembered) = self.rooms.peek_mut(&member.room) {
            remembered.members.insert(member.user.clone(), Some(member.clone()));
        }
    }

    /// Forgets a room: it was deleted, or is not what was remembered.
    pub(super) fn forget(&mut self, room: RoomId) {
        if let Some(forgotten) = self.rooms.pop(&room)
            && let Some(key) = forgotten.room.key
        {
            self.keys.pop(&key);
        }
    }
}
