//! Keyed hashes that make damage, divergence and reuse visible.
//!
//! All of them are 64 bits of SipHash-2-4 under a key that is drawn when a store is made and kept in it. They stand
//! against bit flips and mixed-up files, and keep two requests apart; they are no signature.

use std::hash::Hasher;

use serde::Serialize;
use siphasher::sip::SipHasher24;

use crate::model::{Member, Message, MessageId, Rev, Room, Timestamp, UserId};

use super::{ChangeKind, MessageRow, Target};

/// Makes the hashes of one store.
#[derive(Clone, Copy)]
pub struct Digester {
    key: [u8; 16],
}

impl std::fmt::Debug for Digester {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Digester(…)")
    }
}

impl Digester {
    /// The hashes under this key.
    pub const fn new(key: [u8; 16]) -> Self {
        Self { key }
    }

    /// The key, for the store to keep.
    pub const fn key(&self) -> &[u8; 16] {
        &self.key
    }

    /// What a request says, so that a reused `client_id` with other content is noticed.
    pub fn request(&self, command: &impl Serialize) -> u64 {
        self.json(b'q', command)
    }

    /// The chain after one more change: a function of all changes so far.
    pub fn chain(
        &self,
        before: u64,
        rev: Rev,
        kind: ChangeKind,
        target: &Target,
        actor: Option<&UserId>,
        at: Timestamp,
    ) -> u64 {
        let mut hash = self.hasher(b'c');
        hash.write_u64(before);
        hash.write_u64(rev);
        hash.write_u8(kind as u8);
        match target {
            Target::Message { id, seq } => {
                hash.write_u8(b'm');
                hash.write(id.as_bytes());
                hash.write_u64(*seq);
            }
            Target::Member(user) => {
                hash.write_u8(b'u');
                text(&mut hash, user.as_str());
            }
            Target::Room => hash.write_u8(b'r'),
        }
        optional(&mut hash, actor.map(UserId::as_str));
        hash.write_i64(at.as_millis());
        hash.finish()
    }

    /// What a message says; kept when the message is erased, so that completeness can still be proven.
    pub fn content(&self, message: &Message) -> u64 {
        let mut hash = self.hasher(b'b');
        optional(&mut hash, message.content.as_deref());
        match &message.metadata {
            Some(metadata) => hash.write_u64(self.json(b'j', metadata)),
            None => hash.write_u8(0),
        }
        hash.write_u64(message.attachments.len() as u64);
        for attachment in &message.attachments {
            hash.write_u64(self.json(b'j', attachment));
        }
        optional_id(&mut hash, message.reply_to.as_ref());
        hash.finish()
    }

    /// A message's whole row.
    pub fn message(&self, row: &MessageRow) -> u64 {
        let m = &row.message;
        let mut hash = self.hasher(b'm');
        hash.write(m.id.as_bytes());
        hash.write(m.room.as_bytes());
        for number in [m.seq, m.rev, row.post_rev, row.ord, row.own_ord, row.content_digest] {
            hash.write_u64(number);
        }
        optional(&mut hash, m.sender.as_ref().map(UserId::as_str));
        hash.write_u8(m.message_type as u8);
        hash.write_i64(m.created_at.as_millis());
        optional(&mut hash, m.client_id.as_ref().map(AsRef::as_ref));
        time(&mut hash, m.edited_at);
        hash.write_u32(m.version.unwrap_or(0));
        time(&mut hash, m.deleted_at);
        optional(&mut hash, m.deleted_by.as_ref().map(UserId::as_str));
        hash.finish()
    }

    /// A member's whole row.
    pub fn member(&self, member: &Member) -> u64 {
        self.json(b'p', member)
    }

    /// A room's whole row.
    pub fn room(&self, room: &Room) -> u64 {
        self.json(b'r', room)
    }

    fn hasher(&self, kind: u8) -> SipHasher24 {
        let mut hash = SipHasher24::new_with_key(&self.key);
        hash.write_u8(kind);
        hash
    }

    /// The hash of a value as compact JSON; maps are sorted, so equal values have equal hashes.
    fn json(&self, kind: u8, value: &impl Serialize) -> u64 {
        // In one piece: JSON is written in pieces of a few bytes, and each would cost as much as a long one.
        let mut json = Vec::with_capacity(512);
        let written = serde_json::to_writer(&mut json, value);
        debug_assert!(written.is_ok(), "writing plain data into memory cannot fail");
        let mut hash = self.hasher(kind);
        hash.write(&json);
        hash.finish()
    }
}

/// Length first, so that neighbouring texts cannot run into each other.
fn text(hash: &mut SipHasher24, text: &str) {
    hash.write_u64(text.len() as u64);
    hash.write(text.as_bytes());
}

fn optional(hash: &mut SipHasher24, value: Option<&str>) {
    hash.write_u8(value.is_some().into());
    text(hash, value.unwrap_or_default());
}

fn optional_id(hash: &mut SipHasher24, id: Option<&MessageId>) {
    hash.write_u8(id.is_some().into());
    hash.write(&id.map_or([0; 16], |id| *id.as_bytes()));
}

fn time(hash: &mut SipHasher24, at: Option<Timestamp>) {
    hash.write_i64(at.map_or(-1, Timestamp::as_millis));
}
