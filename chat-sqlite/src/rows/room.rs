//! Rooms.

use chat_core::{
    Room, RoomId, Timestamp,
    store::{Digester, RoomSelector},
};
use rusqlite::{Connection, Row, params};

use crate::{
    failure::{Failure, Outcome},
    names::Names,
    sql::Sql,
};

use super::{Code, code, count, hash, json, limit_of, metadata_json, optional_name, time};

macro_rules! columns {
    () => {
        "number, id, key, pair_first, pair_second, kind, name, topic, avatar, metadata, state, history, created_at, \
         last_seq, last_rev, last_ord, chain, last_at, policy_rev, info_rev, members, owners, ids_ascend"
    };
}

/// A room with what only this store needs.
#[derive(Clone, Debug)]
pub(crate) struct RoomHead {
    /// What stands for it in the other tables.
    pub(crate) number: i64,
    pub(crate) room: Room,
    /// Whether each message's id is above the one before.
    pub(crate) ids_ascend: bool,
}

fn read(row: &Row<'_>) -> Outcome<RoomHead> {
    let room = Room {
        id: RoomId::from_bytes(row.get(1)?),
        key: optional_name(row, 2)?,
        pair: optional_name(row, 3)?.zip(optional_name(row, 4)?),
        kind: code(row, 5)?,
        name: row.get(6)?,
        topic: row.get(7)?,
        avatar: row.get(8)?,
        metadata: json(row, 9)?,
        state: code(row, 10)?,
        history: code(row, 11)?,
        created_at: time(row, 12)?,
        last_seq: count(row, 13)?,
        last_rev: count(row, 14)?,
        last_ord: count(row, 15)?,
        chain: hash(row, 16)?,
        last_at: time(row, 17)?,
        policy_rev: count(row, 18)?,
        info_rev: count(row, 19)?,
        members: count(row, 20)?,
        owners: count(row, 21)?,
    };
    Ok(RoomHead { number: row.get(0)?, room, ids_ascend: row.get(22)? })
}

/// The room by any of its names.
pub(crate) fn room(connection: &Connection, selector: &RoomSelector) -> Outcome<Option<RoomHead>> {
    const BY_ID: &str = concat!("SELECT ", columns!(), " FROM room WHERE id = ?1");
    const BY_KEY: &str = concat!("SELECT ", columns!(), " FROM room WHERE key = ?1");
    const BY_PAIR: &str = concat!("SELECT ", columns!(), " FROM room WHERE pair_first = ?1 AND pair_second = ?2");
    match selector {
        RoomSelector::Id(id) => connection.one(BY_ID, [id.as_bytes()], read),
        RoomSelector::Key(key) => connection.one(BY_KEY, [key.as_str()], read),
        RoomSelector::Pair(first, second) => connection.one(BY_PAIR, [first.as_str(), second.as_str()], read),
    }
}

/// The room with this number.
pub(crate) fn room_numbered(connection: &Connection, number: i64) -> Outcome<RoomHead> {
    const SELECT: &str = concat!("SELECT ", columns!(), " FROM room WHERE number = ?1");
    connection.one(SELECT, [number], read)?.ok_or(Failure::Damaged("a row is of no room"))
}

/// All rooms, the latest change first, from below `before`.
pub(crate) fn rooms_by_activity(
    connection: &Connection,
    before: Option<(Timestamp, RoomId)>,
    limit: usize,
) -> Outcome<Vec<RoomHead>> {
    const ALL: &str = concat!("SELECT ", columns!(), " FROM room ORDER BY last_at DESC, id DESC LIMIT ?1");
    const BELOW: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM room WHERE (last_at, id) < (?2, ?3) ORDER BY last_at DESC, id DESC LIMIT ?1"
    );
    match before {
        None => connection.all(ALL, [limit_of(limit)], read),
        Some((at, id)) => connection.all(BELOW, params![limit_of(limit), at.as_millis(), id.as_bytes()], read),
    }
}

/// Adds a room and returns its number.
pub(crate) fn insert_room(connection: &Connection, digester: Digester, room: &Room) -> Outcome<i64> {
    const INSERT: &str = "INSERT INTO room (id, key, pair_first, pair_second, kind, name, topic, avatar, metadata, \
         state, history, created_at, last_seq, last_rev, last_ord, chain, last_at, policy_rev, info_rev, members, \
         owners, ids_ascend, digest) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, \
         ?17, ?18, ?19, ?20, ?21, 1, ?22)";
    connection.run(
        INSERT,
        params![
            room.id.as_bytes(),
            room.key.as_ref().map(AsRef::<str>::as_ref),
            room.pair.as_ref().map(|(first, _)| first.as_str()),
            room.pair.as_ref().map(|(_, second)| second.as_str()),
            room.kind.code(),
            room.name,
            room.topic,
            room.avatar,
            metadata_json(room.metadata.as_ref())?,
            room.state.code(),
            room.history.code(),
            room.created_at.as_millis(),
            room.last_seq.cast_signed(),
            room.last_rev.cast_signed(),
            room.last_ord.cast_signed(),
            room.chain.cast_signed(),
            room.last_at.as_millis(),
            room.policy_rev.cast_signed(),
            room.info_rev.cast_signed(),
            room.members.cast_signed(),
            room.owners.cast_signed(),
            digester.room(room).cast_signed(),
        ],
    )?;
    Ok(connection.last_insert_rowid())
}

/// Writes what can be set about a room. Its digest comes with its head.
pub(crate) fn update_settings(connection: &Connection, number: i64, room: &Room) -> Outcome<()> {
    const UPDATE: &str = "UPDATE room SET name = ?2, topic = ?3, avatar = ?4, metadata = ?5, state = ?6, history = ?7 \
         WHERE number = ?1";
    let metadata = metadata_json(room.metadata.as_ref())?;
    let (state, history) = (room.state.code(), room.history.code());
    connection.run(UPDATE, params![number, room.name, room.topic, room.avatar, metadata, state, history])?;
    Ok(())
}

/// Writes the head of a room's history.
pub(crate) fn update_head(connection: &Connection, digester: Digester, head: &RoomHead) -> Outcome<()> {
    const UPDATE: &str = "UPDATE room SET last_seq = ?2, last_rev = ?3, last_ord = ?4, chain = ?5, last_at = ?6, \
         policy_rev = ?7, info_rev = ?8, members = ?9, owners = ?10, ids_ascend = ?11, digest = ?12 WHERE number = ?1";
    let room = &head.room;
    connection.run(
        UPDATE,
        params![
            head.number,
            room.last_seq.cast_signed(),
            room.last_rev.cast_signed(),
            room.last_ord.cast_signed(),
            room.chain.cast_signed(),
            room.last_at.as_millis(),
            room.policy_rev.cast_signed(),
            room.info_rev.cast_signed(),
            room.members.cast_signed(),
            room.owners.cast_signed(),
            head.ids_ascend,
            digester.room(room).cast_signed(),
        ],
    )?;
    Ok(())
}

/// Removes a room and every trace of it.
pub(crate) fn delete_room(connection: &Connection, number: i64, id: RoomId) -> Outcome<()> {
    let (first, last) = (crate::place::place(number, 0), crate::place::place(number, u64::MAX));
    connection.run("DELETE FROM message WHERE place BETWEEN ?1 AND ?2", [first, last])?;
    connection.run("DELETE FROM change WHERE place BETWEEN ?1 AND ?2", [first, last])?;
    Names::delete_room(connection, number)?;
    connection.run("DELETE FROM operation WHERE scope = ?1", [id.as_bytes()])?;
    connection.run("DELETE FROM member WHERE room = ?1", [number])?;
    connection.run("DELETE FROM own WHERE room = ?1", [number])?;
    connection.run("DELETE FROM tally WHERE room = ?1", [number])?;
    connection.run("DELETE FROM room WHERE number = ?1", [number])?;
    Ok(())
}
