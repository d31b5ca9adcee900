//! What the writer remembers: heads of rooms and what it knows of people in them, so that a send reads nothing.

use chat_core::{
    Member, MessageId, RoomId, UserId,
    store::{Digester, RoomSelector},
};
use lru::LruCache;
use rusqlite::Connection;

use crate::{
    failure::Outcome,
    rows::{self, RoomHead},
    unread::{own_head, put_own},
};

/// How many rooms and people are remembered from one transaction to the next.
const ROOMS: usize = 4_096;
const PEOPLE: usize = 16_384;

/// A room as the writer knows it.
#[derive(Clone, Debug)]
pub(super) struct Head {
    pub(super) head: RoomHead,
    /// The id of its last message.
    pub(super) last_id: Option<MessageId>,
    /// Whether its row is older than this.
    pub(super) moved: bool,
}

/// What the writer knows of somebody in a room.
#[derive(Clone, Debug, Default)]
pub(super) struct Person {
    pub(super) member: Option<Member>,
    /// How many countable messages they posted.
    pub(super) own: u64,
    /// Whether the markers and settings in their row are older than these.
    pub(super) moved: bool,
    /// The block that `own` was not yet written for.
    pub(super) unwritten: Option<u64>,
}

type PersonKey = (i64, UserId);

/// Rooms and people as the transaction under way leaves them. What it moves is written once each, at its end. When it
/// fails, everything is forgotten.
pub(super) struct Heads {
    /// Not bounded by themselves: within a transaction nothing may be lost that is not written.
    rooms: LruCache<RoomId, Head>,
    people: LruCache<PersonKey, Person>,
    changed_rooms: Vec<(i64, RoomId)>,
    changed_people: Vec<PersonKey>,
}

impl Default for Heads {
    fn default() -> Self {
        Self {
            rooms: LruCache::unbounded(),
            people: LruCache::unbounded(),
            changed_rooms: Vec::new(),
            changed_people: Vec::new(),
        }
    }
}

impl Heads {
    /// The room as it is now.
    pub(super) fn room(&mut self, connection: &Connection, id: RoomId) -> Outcome<Option<Head>> {
        if let Some(head) = self.rooms.get(&id) {
            return Ok(Some(head.clone()));
        }
        let Some(head) = rows::room(connection, &RoomSelector::Id(id))? else { return Ok(None) };
        let last_id = rows::id_at(connection, head.number, head.room.last_seq)?;
        Ok(Some(Head { head, last_id, moved: false }))
    }

    /// What is known of a user in a room now.
    pub(super) fn person(&mut self, connection: &Connection, head: &RoomHead, user: &UserId) -> Outcome<Person> {
        let key = (head.number, user.clone());
        if let Some(person) = self.people.get(&key) {
            return Ok(person.clone());
        }
        let member = rows::member(connection, head.number, head.room.id, user)?;
        let own = own_head(connection, head.number, user)?;
        Ok(Person { member, own, ..Person::default() })
    }

    pub(super) fn put_room(&mut self, head: Head) {
        let (number, id, moved) = (head.head.number, head.head.room.id, head.moved);
        let before = self.rooms.put(id, head);
        if moved && before.is_none_or(|before| !before.moved) {
            self.changed_rooms.push((number, id));
        }
    }

    pub(super) fn put_person(&mut self, number: i64, user: UserId, person: Person) {
        let (key, changed) = ((number, user), person.changed());
        let before = self.people.put(key.clone(), person);
        if changed && before.is_none_or(|before| !before.changed()) {
            self.changed_people.push(key);
        }
    }

    /// Forgets a room that is gone. Its number may be given again.
    pub(super) fn forget(&mut self, id: RoomId, number: i64) {
        self.rooms.pop(&id);
        let gone: Vec<_> =
            self.people.iter().map(|(key, _)| key).filter(|(room, _)| *room == number).cloned().collect();
        for key in &gone {
            self.people.pop(key);
        }
    }

    /// Writes what the transaction has moved, in the order in which it lies.
    pub(super) fn write(&mut self, connection: &Connection, digester: Digester) -> Outcome<()> {
        self.changed_rooms.sort_unstable();
        for (_, id) in self.changed_rooms.drain(..) {
            // It may be gone again.
            if let Some(head) = self.rooms.peek_mut(&id).filter(|head| head.moved) {
                head.moved = false;
                rows::update_head(connection, digester, &head.head)?;
            }
        }
        self.changed_people.sort_unstable();
        for key in self.changed_people.drain(..) {
            if let Some(person) = self.people.peek_mut(&key) {
                person.write(connection, digester, key.0, &key.1)?;
            }
        }
        Ok(())
    }

    /// Forgets what is too much, when all of it is durable.
    pub(super) fn trim(&mut self) {
        while self.rooms.len() > ROOMS {
            self.rooms.pop_lru();
        }
        while self.people.len() > PEOPLE {
            self.people.pop_lru();
        }
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

impl Person {
    /// Whether rows are older than this.
    fn changed(&self) -> bool {
        self.moved || self.unwritten.is_some()
    }

    fn write(&mut self, connection: &Connection, digester: Digester, number: i64, user: &UserId) -> Outcome<()> {
        if let Some(member) = self.member.as_ref().filter(|_| self.moved) {
            rows::update_registers(connection, digester, number, member)?;
        }
        self.moved = false;
        self.write_own(connection, number, user)
    }

    /// Writes how much they posted, so that unread can be computed from rows.
    pub(super) fn write_own(&mut self, connection: &Connection, number: i64, user: &UserId) -> Outcome<()> {
        match self.unwritten.take() {
            Some(block) => put_own(connection, number, user, block, self.own),
            None => Ok(()),
        }
    }
}
