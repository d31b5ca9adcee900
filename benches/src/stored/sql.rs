//! What a page of history is held against: the one statement that reads its rows, made into the same messages.

use std::path::Path;

use anyhow::{Context, Result};
use chat_core::{ClientId, Message, MessageId, MessageType, RoomId, Timestamp, UserId};
use rusqlite::{CachedStatement, Connection, OpenFlags, Row};

/// In KiB: what the library's readers have together.
const CACHE: i64 = 32 << 10;

const PAGE: &str = "SELECT place, id, rev, sender, content, message_type, created_at, client_id, edited_at, version, \
     reply_to, metadata, attachments, deleted_at, deleted_by FROM message WHERE place BETWEEN ?1 AND ?2 \
     ORDER BY place DESC LIMIT 50";

/// A connection of its own. It knows the numbers of rooms, checks nobody, and hands nothing to another thread.
pub(super) struct Sql(Connection);

impl Sql {
    pub(super) fn open(data: &Path) -> Result<Self> {
        let connection = Connection::open_with_flags(data, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        connection.pragma_update(None, "cache_size", -CACHE)?;
        Ok(Self(connection))
    }

    /// A room's number in the tables.
    pub(super) fn number(&self, room: RoomId) -> Result<i64> {
        let number = self.0.query_row("SELECT number FROM room WHERE id = ?1", [room.as_bytes()], |row| row.get(0));
        number.context("a room's number")
    }

    pub(super) fn statement(&self) -> Result<CachedStatement<'_>> {
        Ok(self.0.prepare_cached(PAGE)?)
    }
}

/// The latest 50 messages of a room.
pub(super) fn page(statement: &mut CachedStatement<'_>, room: RoomId, number: i64) -> Result<Vec<Message>> {
    let mut rows = statement.query([number << 32, number << 32 | i64::from(u32::MAX)])?;
    let mut messages = Vec::new();
    while let Some(row) = rows.next()? {
        messages.push(message(row, room)?);
    }
    Ok(messages)
}

fn message(row: &Row<'_>, room: RoomId) -> Result<Message> {
    let user = |column| anyhow::Ok(row.get_ref(column)?.as_str_or_null()?.map(UserId::new).transpose()?);
    let time = |column| anyhow::Ok(row.get::<_, Option<i64>>(column)?.map(Timestamp::from_millis));
    let json = |column| anyhow::Ok(row.get_ref(column)?.as_str_or_null()?);
    Ok(Message {
        id: MessageId::from_bytes(row.get(1)?),
        room,
        seq: (row.get::<_, i64>(0)? & i64::from(u32::MAX)).cast_unsigned(),
        rev: row.get::<_, i64>(2)?.cast_unsigned(),
        sender: user(3)?,
        content: row.get(4)?,
        message_type: match row.get::<_, i64>(5)? {
            0 => MessageType::Text,
            1 => MessageType::Image,
            2 => MessageType::File,
            3 => MessageType::System,
            _ => MessageType::Custom,
        },
        created_at: time(6)?.context("no time")?,
        client_id: row.get_ref(7)?.as_str_or_null()?.map(ClientId::new).transpose()?,
        edited_at: time(8)?,
        version: row.get(9)?,
        reply_to: row.get::<_, Option<[u8; 16]>>(10)?.map(MessageId::from_bytes),
        metadata: json(11)?.map(serde_json::from_str).transpose()?,
        attachments: json(12)?.map(serde_json::from_str).transpose()?.unwrap_or_default(),
        deleted_at: time(13)?,
        deleted_by: user(14)?,
    })
}
