//! How many messages a member has not read: the formula of [`Counts`], from rows.

use chat_core::{
    Member, Room, Seq, UserId,
    store::{Counts, tally_blocks, tally_ranges},
};
use rusqlite::{Connection, params};

use crate::{
    failure::{Failure, Outcome},
    place::place,
    rows::count,
    sql::Sql,
};

/// Of how many places one row of `own` tells, in bits.
const BLOCK_BITS: u32 = 6;

/// After all blocks.
const LAST_BLOCK: u64 = u64::MAX >> 1;

/// The block of `own` that a place is in.
pub(crate) fn own_block(seq: Seq) -> u64 {
    seq >> BLOCK_BITS
}

/// The member's unread messages in a room whose rows say what `room` says.
pub(crate) fn unread(connection: &Connection, number: i64, room: &Room, member: &Member) -> Outcome<u64> {
    let (floor, user) = (member.unread_floor(), &member.user);
    if floor >= room.last_seq {
        return Ok(0);
    }
    let own_newest = own_by_block(connection, number, user, LAST_BLOCK)?;
    let own_at_marker = match own_newest {
        None => 0,
        // Nothing since, as with nearly everybody who has something to read.
        Some((block, ord)) if block < own_block(floor) => ord,
        Some(_) => own(connection, number, user, floor)?,
    };
    let counts = Counts {
        head: room.last_ord,
        at_marker: ord(connection, number, floor)?,
        own_head: own_newest.map_or(0, |(_, ord)| ord),
        own_at_marker,
        dead: 0,
        own_dead: 0,
    };
    if !has_deletions(connection, number)? {
        return Ok(counts.unread());
    }
    let (dead, own_dead) = (deleted(connection, number, None, floor)?, deleted(connection, number, Some(user), floor)?);
    Ok(Counts { dead, own_dead, ..counts }.unread())
}

/// How many countable messages were posted up to a place.
fn ord(connection: &Connection, number: i64, seq: Seq) -> Outcome<u64> {
    if seq == 0 {
        return Ok(0);
    }
    let ord = connection.one("SELECT ord FROM message WHERE place = ?1", [place(number, seq)], |row| count(row, 0))?;
    ord.ok_or(Failure::Damaged("a room lacks a message"))
}

/// How many of them the user posted in all.
pub(crate) fn own_head(connection: &Connection, number: i64, user: &UserId) -> Outcome<u64> {
    Ok(own_by_block(connection, number, user, LAST_BLOCK)?.map_or(0, |(_, ord)| ord))
}

/// How many of them the user posted up to a place.
fn own(connection: &Connection, number: i64, user: &UserId, seq: Seq) -> Outcome<u64> {
    let block = own_block(seq);
    match own_by_block(connection, number, user, block)? {
        None => Ok(0),
        Some((before, ord)) if before < block => Ok(ord),
        // They posted in this very block, perhaps after the place: look at its rows.
        Some(_) => match own_within(connection, number, user, block, seq)? {
            Some(ord) => Ok(ord),
            None if block == 0 => Ok(0),
            None => Ok(own_by_block(connection, number, user, block - 1)?.map_or(0, |(_, ord)| ord)),
        },
    }
}

/// The last block up to `block` that the user posted in, and how many there were by its end.
fn own_by_block(connection: &Connection, number: i64, user: &UserId, block: u64) -> Outcome<Option<(u64, u64)>> {
    const SELECT: &str = "SELECT block, ord FROM own WHERE room = ?1 AND user = ?2 AND block <= ?3 \
         ORDER BY block DESC LIMIT 1";
    let params = params![number, user.as_str(), block.cast_signed()];
    connection.one(SELECT, params, |row| Ok((count(row, 0)?, count(row, 1)?)))
}

/// The same by the user's last message in a block up to a place.
fn own_within(connection: &Connection, number: i64, user: &UserId, block: u64, seq: Seq) -> Outcome<Option<u64>> {
    const SELECT: &str = "SELECT own_ord FROM message WHERE place BETWEEN ?1 AND ?2 AND sender = ?3 \
         ORDER BY place DESC LIMIT 1";
    let params = params![place(number, block << BLOCK_BITS), place(number, seq), user.as_str()];
    connection.one(SELECT, params, |row| count(row, 0))
}

/// Writes how many countable messages the user had posted by the end of a block.
pub(crate) fn put_own(connection: &Connection, number: i64, user: &UserId, block: u64, ord: u64) -> Outcome<()> {
    const PUT: &str = "INSERT INTO own (room, user, block, ord) VALUES (?1, ?2, ?3, ?4) \
         ON CONFLICT (room, user, block) DO UPDATE SET ord = excluded.ord";
    connection.run(PUT, params![number, user.as_str(), block.cast_signed(), ord.cast_signed()])?;
    Ok(())
}

fn has_deletions(connection: &Connection, number: i64) -> Outcome<bool> {
    let any = connection.one("SELECT 1 FROM tally WHERE room = ?1 LIMIT 1", [number], |_| Ok(()))?;
    Ok(any.is_some())
}

/// How many countable messages after a place were deleted: everybody's, or the user's.
fn deleted(connection: &Connection, number: i64, user: Option<&UserId>, after: Seq) -> Outcome<u64> {
    const SUM: &str = "SELECT ifnull(sum(deleted), 0) FROM tally \
         WHERE room = ?1 AND user = ?2 AND level = ?3 AND block BETWEEN ?4 AND ?5";
    let user = user.map_or("", UserId::as_str);
    let mut sum = 0;
    for (level, first, last) in tally_ranges(after) {
        let last = last.map_or(i64::MAX, u64::cast_signed);
        let params = params![number, user, level, first.cast_signed(), last];
        sum += connection.one(SUM, params, |row| count(row, 0))?.unwrap_or(0);
    }
    Ok(sum)
}

/// Notes that the countable message at `seq` was deleted.
pub(crate) fn count_deleted(connection: &Connection, number: i64, sender: Option<&UserId>, seq: Seq) -> Outcome<()> {
    const ADD: &str = "INSERT INTO tally (room, user, level, block, deleted) VALUES (?1, ?2, ?3, ?4, 1) \
         ON CONFLICT (room, user, level, block) DO UPDATE SET deleted = deleted + 1";
    for user in [Some(""), sender.map(UserId::as_str)].into_iter().flatten() {
        for (level, block) in tally_blocks(seq) {
            connection.run(ADD, params![number, user, level, block.cast_signed()])?;
        }
    }
    Ok(())
}
