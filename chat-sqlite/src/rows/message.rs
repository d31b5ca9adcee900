//! Messages. A row is also the change that posted it, and the operation that did.

use chat_core::{
    ClientId, Message, MessageId, Rev, RoomId, Seq, UserId,
    store::{Digester, MessageRow},
};
use rusqlite::{Connection, Row, params};

use crate::{
    failure::Outcome,
    place::{number_at, place, room_at},
    sql::Sql,
};

use super::{
    Code, code, count, hash, json, limit_of, metadata_json, name, optional_name, optional_time, time, to_json,
};

macro_rules! columns {
    () => {
        "place, id, rev, sender, content, message_type, created_at, client_id, edited_at, version, reply_to, \
         metadata, attachments, deleted_at, deleted_by"
    };
}
macro_rules! row_columns {
    () => {
        concat!(columns!(), ", post_rev, ord, own_ord, content_digest, chain, actor")
    };
}

/// A message with everything that its row says.
#[derive(Clone, Debug)]
pub(crate) struct Posted {
    pub(crate) row: MessageRow,
    /// The room's chain after it was posted.
    pub(crate) chain: u64,
    /// Who posted it; nobody is the host.
    pub(crate) actor: Option<UserId>,
}

fn read(row: &Row<'_>, room: RoomId) -> Outcome<Message> {
    Ok(Message {
        id: MessageId::from_bytes(row.get(1)?),
        room,
        seq: number_at(row.get(0)?),
        rev: count(row, 2)?,
        sender: optional_name(row, 3)?,
        content: row.get(4)?,
        message_type: code(row, 5)?,
        created_at: time(row, 6)?,
        client_id: optional_name(row, 7)?,
        edited_at: optional_time(row, 8)?,
        version: row.get(9)?,
        reply_to: row.get::<_, Option<[u8; 16]>>(10)?.map(MessageId::from_bytes),
        metadata: json(row, 11)?,
        attachments: json(row, 12)?.unwrap_or_default(),
        deleted_at: optional_time(row, 13)?,
        deleted_by: optional_name(row, 14)?,
    })
}

fn read_row(row: &Row<'_>, room: RoomId) -> Outcome<Posted> {
    let message = read(row, room)?;
    let actor = match row.get_ref(20)?.as_str_or_null().unwrap_or_default() {
        None => message.sender.clone(),
        Some("") => None,
        Some(_) => Some(name(row, 20)?),
    };
    let (post_rev, ord, own_ord) = (count(row, 15)?, count(row, 16)?, count(row, 17)?);
    let row_of_message = MessageRow { message, post_rev, ord, own_ord, content_digest: hash(row, 18)? };
    Ok(Posted { row: row_of_message, chain: hash(row, 19)?, actor })
}

/// Where a message is: the number of its room, and its seq.
pub(crate) fn place_of(connection: &Connection, id: MessageId) -> Outcome<Option<(i64, Seq)>> {
    let place: Option<i64> =
        connection.one("SELECT place FROM message WHERE id = ?1", [id.as_bytes()], |row| Ok(row.get(0)?))?;
    Ok(place.map(|place| (room_at(place), number_at(place))))
}

/// The message at a place.
pub(crate) fn message_at(connection: &Connection, number: i64, room: RoomId, seq: Seq) -> Outcome<Option<Message>> {
    const SELECT: &str = concat!("SELECT ", columns!(), " FROM message WHERE place = ?1");
    connection.one(SELECT, [place(number, seq)], |row| read(row, room))
}

/// The message at a place, with everything that its row says.
pub(crate) fn posted_at(connection: &Connection, number: i64, room: RoomId, seq: Seq) -> Outcome<Option<Posted>> {
    const SELECT: &str = concat!("SELECT ", row_columns!(), " FROM message WHERE place = ?1");
    connection.one(SELECT, [place(number, seq)], |row| read_row(row, room))
}

/// The messages from `first` to `last`, both included.
pub(crate) fn messages(
    connection: &Connection,
    number: i64,
    room: RoomId,
    (first, last): (Seq, Seq),
    newest_first: bool,
) -> Outcome<Vec<Message>> {
    const UP: &str = concat!("SELECT ", columns!(), " FROM message WHERE place BETWEEN ?1 AND ?2 ORDER BY place");
    const DOWN: &str =
        concat!("SELECT ", columns!(), " FROM message WHERE place BETWEEN ?1 AND ?2 ORDER BY place DESC");
    let places = [place(number, first), place(number, last)];
    connection.all(if newest_first { DOWN } else { UP }, places, |row| read(row, room))
}

/// The same in order, with everything that their rows say.
pub(crate) fn posted(
    connection: &Connection,
    number: i64,
    room: RoomId,
    (first, last): (Seq, Seq),
) -> Outcome<Vec<Posted>> {
    const SELECT: &str =
        concat!("SELECT ", row_columns!(), " FROM message WHERE place BETWEEN ?1 AND ?2 ORDER BY place");
    connection.all(SELECT, [place(number, first), place(number, last)], |row| read_row(row, room))
}

/// Messages of all rooms, newest id first, from below `before`: the number of the room, and the seq.
pub(crate) fn places_by_id(
    connection: &Connection,
    before: Option<MessageId>,
    limit: usize,
) -> Outcome<Vec<(i64, Seq)>> {
    const ALL: &str = "SELECT place FROM message ORDER BY id DESC LIMIT ?1";
    const BELOW: &str = "SELECT place FROM message WHERE id < ?2 ORDER BY id DESC LIMIT ?1";
    let read = |row: &Row<'_>| {
        let place = row.get(0)?;
        Ok((room_at(place), number_at(place)))
    };
    match before {
        None => connection.all(ALL, [limit_of(limit)], read),
        Some(before) => connection.all(BELOW, params![limit_of(limit), before.as_bytes()], read),
    }
}

/// The id at a place.
pub(crate) fn id_at(connection: &Connection, number: i64, seq: Seq) -> Outcome<Option<MessageId>> {
    let id = connection.one("SELECT id FROM message WHERE place = ?1", [place(number, seq)], |row| Ok(row.get(0)?))?;
    Ok(id.map(MessageId::from_bytes))
}

/// The chain after the message at a place was posted, if `rev` is what posted it.
pub(crate) fn chain_of_post(connection: &Connection, number: i64, seq: Seq, rev: Rev) -> Outcome<Option<u64>> {
    let select = "SELECT chain FROM message WHERE place = ?1 AND post_rev = ?2";
    connection.one(select, [place(number, seq), rev.cast_signed()], |row| hash(row, 0))
}

/// Adds a message; `request` is the hash of the operation that its row records as well.
///
/// # Errors
/// A violated `UNIQUE` constraint if its id is taken; then nothing is changed.
pub(crate) fn insert_message(
    connection: &Connection,
    digester: Digester,
    number: i64,
    posted: &Posted,
    request: Option<u64>,
) -> Outcome<()> {
    const INSERT: &str = "INSERT INTO message (place, id, rev, post_rev, ord, own_ord, chain, sender, actor, \
         message_type, created_at, client_id, request, content, metadata, attachments, reply_to, \
         content_digest, digest) VALUES (?1, ?2, ?3, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, \
         ?17, ?18)";
    let Posted { row, chain, actor } = posted;
    let message = &row.message;
    let actor = (*actor != message.sender).then(|| actor.as_ref().map_or("", UserId::as_str));
    connection.run(
        INSERT,
        params![
            place(number, message.seq),
            message.id.as_bytes(),
            row.post_rev.cast_signed(),
            row.ord.cast_signed(),
            row.own_ord.cast_signed(),
            chain.cast_signed(),
            message.sender.as_ref().map(UserId::as_str),
            actor,
            message.message_type.code(),
            message.created_at.as_millis(),
            message.client_id.as_ref().map(ClientId::as_str),
            request.map(u64::cast_signed),
            message.content,
            metadata_json(message.metadata.as_ref())?,
            attachments_json(message)?,
            message.reply_to.as_ref().map(MessageId::as_bytes),
            row.content_digest.cast_signed(),
            digester.message(row).cast_signed(),
        ],
    )?;
    Ok(())
}

/// Writes what an edit or a deletion changes.
pub(crate) fn update_message(
    connection: &Connection,
    digester: Digester,
    number: i64,
    row: &MessageRow,
) -> Outcome<()> {
    const UPDATE: &str = "UPDATE message SET rev = ?2, content = ?3, metadata = ?4, attachments = ?5, reply_to = ?6, \
         edited_at = ?7, version = ?8, deleted_at = ?9, deleted_by = ?10, content_digest = ?11, digest = ?12 \
         WHERE place = ?1";
    let message = &row.message;
    connection.run(
        UPDATE,
        params![
            place(number, message.seq),
            message.rev.cast_signed(),
            message.content,
            metadata_json(message.metadata.as_ref())?,
            attachments_json(message)?,
            message.reply_to.as_ref().map(MessageId::as_bytes),
            message.edited_at.map(chat_core::Timestamp::as_millis),
            message.version,
            message.deleted_at.map(chat_core::Timestamp::as_millis),
            message.deleted_by.as_ref().map(UserId::as_str),
            row.content_digest.cast_signed(),
            digester.message(row).cast_signed(),
        ],
    )?;
    Ok(())
}

fn attachments_json(message: &Message) -> Outcome<Option<String>> {
    (!message.attachments.is_empty()).then(|| to_json(&message.attachments)).transpose()
}
