//! Files that hold so many messages, made once: by an import, as whoever brings an old chat along would.

use std::{
    fs,
    io::{self, BufReader, Read, Write as _},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use chat_core::{Timestamp, UserId};
use serde_json::json;

use crate::{
    message,
    servers::{progress, remove_database},
    store,
};

/// How many rooms each of the readers is in.
pub(super) const ROOMS_OF_ONE: u64 = 100;

/// How many rooms the one who is in many is in, where there are so many.
pub(super) const MANY_ROOMS: u64 = 1_000;

/// When the first room was made. A room's messages are a second apart; the next room begins after them.
const BEGUN: i64 = 1_700_000_000_000;

/// What a file holds. Two write in every room, `writer` and one of the readers, who has read half of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub(super) messages: u64,
    pub(super) rooms: u64,
}

impl Shape {
    /// A thousand messages a room; fewer where there would be fewer rooms than one reader is in.
    pub(super) fn of(messages: u64) -> Self {
        Self { messages, rooms: (messages / 1_000).max(ROOMS_OF_ONE) }
    }

    /// How many readers there are.
    pub(super) fn readers(self) -> u64 {
        self.rooms / ROOMS_OF_ONE
    }

    /// How many messages a room has.
    pub(super) fn in_room(self) -> u64 {
        self.messages / self.rooms
    }

    /// Whether who is in many rooms is in this one.
    fn has_many(self, room: u64) -> bool {
        self.rooms >= MANY_ROOMS && room.is_multiple_of(self.rooms / MANY_ROOMS)
    }
}

pub(super) fn reader(number: u64) -> UserId {
    UserId::new(format!("reader{number}")).expect("a valid name")
}

pub(super) fn writer() -> UserId {
    UserId::new("writer").expect("a valid name")
}

/// Who is in [`MANY_ROOMS`] rooms, and has read them.
pub(super) fn many() -> UserId {
    UserId::new("many").expect("a valid name")
}

/// The file, made if it is not there. It appears whole, or not at all.
pub(super) fn file(folder: &Path, shape: Shape) -> Result<PathBuf> {
    let data = folder.join(format!("reads-{}.db", shape.messages));
    if !data.exists() {
        let building = folder.join(format!("building-{}.db", shape.messages));
        remove_database(&building)?;
        let mut lines = BufReader::with_capacity(1 << 20, Rooms { shape, next: 0, ready: Vec::new(), taken: 0 });
        store::fill(&building, &mut lines, |done| {
            progress(&format!("  building {}: {done} lines of some {}", data.display(), shape.messages));
        })
        .with_context(|| format!("building {}", data.display()))?;
        progress("");
        fs::rename(&building, &data)?;
        remove_database(&building)?;
    }
    Ok(data)
}

/// The lines of the import, made room by room as they are read.
struct Rooms {
    shape: Shape,
    /// The room whose lines come next.
    next: u64,
    ready: Vec<u8>,
    /// How much of them was read.
    taken: usize,
}

impl Read for Rooms {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.taken == self.ready.len() && self.next < self.shape.rooms {
            self.ready.clear();
            self.taken = 0;
            self.room(self.next)?;
            self.next += 1;
        }
        let read = (&self.ready[self.taken..]).read(out)?;
        self.taken += read;
        Ok(read)
    }
}

impl Rooms {
    fn room(&mut self, room: u64) -> io::Result<()> {
        let (shape, out) = (self.shape, &mut self.ready);
        let messages = shape.in_room();
        let at = |seq: u64| Timestamp::from_millis(BEGUN + (room * messages + seq).cast_signed() * 1_000);
        let (reader, writer) = (reader(room % shape.readers()), writer());
        writeln!(out, "{}", json!({ "room": { "created_at": at(0) } }))?;
        let half = messages / 2;
        writeln!(out, "{}", json!({ "participant": { "user_id": reader, "read_seq": half } }))?;
        writeln!(out, "{}", json!({ "participant": { "user_id": writer, "read_seq": messages } }))?;
        if shape.has_many(room) {
            writeln!(out, "{}", json!({ "participant": { "user_id": many(), "read_seq": messages } }))?;
        }
        for seq in 1..=messages {
            let number = room * messages + seq;
            // Who writes next follows no pattern: the multiplier is odd and large.
            let by_reader = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 63 == 1;
            let (sender, text) = (if by_reader { &reader } else { &writer }, message::text(0, number));
            writeln!(out, "{}", json!({ "message": { "sender": sender, "content": text, "created_at": at(seq) } }))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_filled_in_is_there_and_is_made_once() {
        let folder = tempfile::tempdir().unwrap();
        let shape = Shape { messages: 400, rooms: 200 };
        let data = file(folder.path(), shape).unwrap();
        let made = fs::metadata(&data).unwrap().modified().unwrap();
        file(folder.path(), shape).unwrap();
        assert_eq!(fs::metadata(&data).unwrap().modified().unwrap(), made);
        let names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["reads-400.db"]);
        let store = store::open(&data).unwrap();
        let engine = chat_core::Engine::open(store, chat_core::Options::default());
        let mut seen = 0;
        for number in 0..shape.readers() {
            let rooms = engine.session(&reader(number)).rooms(None, Some(100)).await.unwrap().results;
            seen += rooms.iter().map(|room| room.last_seq).sum::<u64>();
            assert!(rooms.iter().all(|room| room.unread_count <= 1 && room.participants_count == 2));
        }
        assert_eq!(seen, 400);
        engine.close().await.unwrap();
    }
}
