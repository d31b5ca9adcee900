//! What the writer remembers: heads of rooms and what it knows of people in them, so that a send reads nothing.

use std::{collections::HashMap, num::NonZeroUsize};

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

const ROOMS: NonZeroUsize = NonZeroUsize::new(4_096).expect("not zero");
const PEOPLE: NonZeroUsize = NonZeroUsize::new(16_384).expect("not zero");

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

/// Rooms and people, first as the transaction under way leaves them, then as they were after the last one. The former
/// are written once each, at its end; they are forgotten, like everything, when it fails.
pub(super) struct Heads {
    changed_rooms: HashMap<RoomId, Head>,
    changed_people: HashMap<PersonKey, Person>,
    rooms: LruCache<RoomId, Head>,
    people: LruCache<PersonKey, Person>,
}

impl Default for Heads {
    fn default() -> Self {
        Self {
            changed_rooms: HashMap::new(),
            changed_people: HashMap::new(),
            rooms: LruCache::new(ROOMS),
            people: LruCache::new(PEOPLE),
        }
    }
}

impl Heads {
    /// The room as it is now.
    pub(super) fn room(&mut self, connection: &Connection, id: RoomId) -> Outcome<Option<Head>> {
        if let Some(head) = self.changed_rooms.get(&id).or_else(|| self.rooms.get(&id)) {
            return Ok(Some(head.clone()));
        }
        let Some(head) = rows::room(connection, &RoomSelector::Id(id))? else { return Ok(None) };
        let last_id = rows::id_at(connection, head.number, head.room.last_seq)?;
        Ok(Some(Head { head, last_id, moved: false }))
    }

    /// What is known of a user in a room now.
    pub(super) fn person(&mut self, connection: &Connection, head: &RoomHead, user: &UserId) -> Outcome<Person> {
        let key = (head.number, user.clone());
        if let Some(person) = self.changed_people.get(&key).or_else(|| self.people.get(&key)) {
            return Ok(person.clone());
        }
        let member = rows::member(connection, head.number, head.room.id, user)?;
        let own = own_head(connection, head.number, user)?;
        Ok(Person { member, own, ..Person::default() })
    }

    pub(super) fn put_room(&mut self, head: Head) {
        self.changed_rooms.insert(head.head.room.id, head);
    }

    pub(super) fn put_person(&mut self, number: i64, user: UserId, person: Person) {
        self.changed_people.insert((number, user), person);
    }

    /// Forgets a room that is gone. Its number may be given again.
    pub(super) fn forget(&mut self, id: RoomId, number: i64) {
        self.changed_rooms.remove(&id);
        self.rooms.pop(&id);
        self.changed_people.retain(|(room, _), _| *room != number);
        let gone: Vec<_> =
            self.people.iter().map(|(key, _)| key).filter(|(room, _)| *room == number).cloned().collect();
        for key in &gone {
            self.people.pop(key);
        }
    }

    /// Writes what the transaction has moved.
    pub(super) fn write(&mut self, connection: &Connection, digester: Digester) -> Outcome<()> {
        for head in self.changed_rooms.values_mut() {
            if std::mem::take(&mut head.moved) {
                rows::update_head(connection, digester, &head.head)?;
            }
        }
        for ((number, user), person) in &mut self.changed_people {
            person.write(connection, digester, *number, user)?;
        }
        Ok(())
    }

    /// Takes over what is durable now.
    pub(super) fn keep(&mut self) {
        for (id, head) in self.changed_rooms.drain() {
            self.rooms.put(id, head);
        }
        for (key, person) in self.changed_people.drain() {
            self.people.put(key, person);
        }
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

impl Person {
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
