//! Members.

use chat_core::{Cursor, Marker, Member, MemberSettings, RoomId, Seq, UserId, store::Digester};
use rusqlite::{Connection, Row, params};

use crate::{failure::Outcome, sql::Sql};

use super::{Code, code, count, limit_of, name, optional_time, time};

macro_rules! columns {
    () => {
        "member.user, member.rev, standing, role, member.name, member.avatar, joined_at, joined_seq, joined_rev, \
         visible_from, muted_until, read_seq, delivered_seq, marker_seq, pinned, hidden, level, private_reading"
    };
}

fn read(row: &Row<'_>, room: RoomId) -> Outcome<Member> {
    Ok(Member {
        room,
        user: name(row, 0)?,
        rev: count(row, 1)?,
        standing: code(row, 2)?,
        role: code(row, 3)?,
        name: row.get(4)?,
        avatar: row.get(5)?,
        joined_at: time(row, 6)?,
        joined_seq: count(row, 7)?,
        joined_rev: count(row, 8)?,
        visible_from: count(row, 9)?,
        muted_until: optional_time(row, 10)?,
        read_seq: count(row, 11)?,
        delivered_seq: count(row, 12)?,
        marker_seq: count(row, 13)?,
        settings: MemberSettings {
            pinned: row.get(14)?,
            hidden: row.get(15)?,
            level: code(row, 16)?,
            private_reading: row.get(17)?,
        },
    })
}

/// What is stored about a user in a room.
pub(crate) fn member(connection: &Connection, number: i64, room: RoomId, user: &UserId) -> Outcome<Option<Member>> {
    const SELECT: &str = concat!("SELECT ", columns!(), " FROM member WHERE room = ?1 AND user = ?2");
    connection.one(SELECT, params![number, user.as_str()], |row| read(row, room))
}

/// Who is in a room, by user id, from after `after`.
pub(crate) fn active_members(
    connection: &Connection,
    number: i64,
    room: RoomId,
    after: Option<&UserId>,
    limit: usize,
) -> Outcome<Vec<Member>> {
    const SELECT: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM member WHERE room = ?1 AND user > ?2 AND standing = 0 ORDER BY user LIMIT ?3"
    );
    let params = params![number, after.map_or("", UserId::as_str), limit_of(limit)];
    connection.all(SELECT, params, |row| read(row, room))
}

/// The markers of who is in a room that stands at this position, by user id, and what is stored about `user` if they are
/// among them; nothing of a room that stands elsewhere, or has more than `limit` people in it.
pub(crate) fn markers_at(
    connection: &Connection,
    room: RoomId,
    at: Cursor,
    limit: usize,
    user: Option<&UserId>,
) -> Outcome<(Vec<Marker>, Option<Member>)> {
    const SELECT: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM room CROSS JOIN member ON member.room = room.number WHERE room.id = ?1 AND room.last_rev = ?2 \
         AND room.chain = ?3 AND room.members <= ?4 AND member.standing = 0 ORDER BY member.user"
    );
    let params = params![room.as_bytes(), at.rev.cast_signed(), at.chain.cast_signed(), limit_of(limit)];
    let mut own = None;
    let markers = connection.all(SELECT, params, |row| {
        let marker = Marker { user_id: name(row, 0)?, read_seq: count(row, 11)?, delivered_seq: count(row, 12)? };
        if user == Some(&marker.user_id) {
            own = Some(read(row, room)?);
        }
        Ok(marker)
    })?;
    Ok((markers, own))
}

/// Everybody of whom something is stored, by user id, from after `after`.
pub(crate) fn members(
    connection: &Connection,
    number: i64,
    room: RoomId,
    after: Option<&UserId>,
    limit: usize,
) -> Outcome<Vec<Member>> {
    const SELECT: &str =
        concat!("SELECT ", columns!(), " FROM member WHERE room = ?1 AND user > ?2 ORDER BY user LIMIT ?3");
    let params = params![number, after.map_or("", UserId::as_str), limit_of(limit)];
    connection.all(SELECT, params, |row| read(row, room))
}

/// Who of them has read the message at `seq`, may see it, and is not its sender.
pub(crate) fn readers_of(
    connection: &Connection,
    number: i64,
    room: RoomId,
    (seq, sender): (Seq, Option<&UserId>),
    after: Option<&UserId>,
    limit: usize,
) -> Outcome<Vec<Member>> {
    const SELECT: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM member WHERE room = ?1 AND user > ?2 AND standing = 0 AND read_seq >= ?4 AND visible_from <= ?4 \
         AND user <> ?5 ORDER BY user LIMIT ?3"
    );
    let after = after.map_or("", UserId::as_str);
    let sender = sender.map_or("", UserId::as_str);
    let params = params![number, after, limit_of(limit), seq.cast_signed(), sender];
    connection.all(SELECT, params, |row| read(row, room))
}

/// Writes the whole row.
pub(crate) fn put_member(connection: &Connection, digester: Digester, number: i64, member: &Member) -> Outcome<()> {
    const PUT: &str = "INSERT INTO member (room, user, rev, standing, role, name, avatar, joined_at, joined_seq, \
         joined_rev, visible_from, muted_until, read_seq, delivered_seq, marker_seq, pinned, hidden, level, \
         private_reading, digest) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, \
         ?18, ?19, ?20) ON CONFLICT (room, user) DO UPDATE SET rev = excluded.rev, standing = excluded.standing, \
         role = excluded.role, name = excluded.name, avatar = excluded.avatar, joined_at = excluded.joined_at, \
         joined_seq = excluded.joined_seq, joined_rev = excluded.joined_rev, visible_from = excluded.visible_from, \
         muted_until = excluded.muted_until, read_seq = excluded.read_seq, delivered_seq = excluded.delivered_seq, \
         marker_seq = excluded.marker_seq, pinned = excluded.pinned, hidden = excluded.hidden, \
         level = excluded.level, private_reading = excluded.private_reading, digest = excluded.digest";
    let settings = &member.settings;
    connection.run(
        PUT,
        params![
            number,
            member.user.as_str(),
            member.rev.cast_signed(),
            member.standing.code(),
            member.role.code(),
            member.name,
            member.avatar,
            member.joined_at.as_millis(),
            member.joined_seq.cast_signed(),
            member.joined_rev.cast_signed(),
            member.visible_from.cast_signed(),
            member.muted_until.map(chat_core::Timestamp::as_millis),
            member.read_seq.cast_signed(),
            member.delivered_seq.cast_signed(),
            member.marker_seq.cast_signed(),
            settings.pinned,
            settings.hidden,
            settings.level.code(),
            settings.private_reading,
            digester.member(member).cast_signed(),
        ],
    )?;
    Ok(())
}

/// Writes the markers and settings of a row that is there.
pub(crate) fn update_registers(
    connection: &Connection,
    digester: Digester,
    number: i64,
    member: &Member,
) -> Outcome<()> {
    const UPDATE: &str = "UPDATE member SET read_seq = ?3, delivered_seq = ?4, marker_seq = ?5, pinned = ?6, \
         hidden = ?7, level = ?8, private_reading = ?9, digest = ?10 WHERE room = ?1 AND user = ?2";
    let settings = &member.settings;
    connection.run(
        UPDATE,
        params![
            number,
            member.user.as_str(),
            member.read_seq.cast_signed(),
            member.delivered_seq.cast_signed(),
            member.marker_seq.cast_signed(),
            settings.pinned,
            settings.hidden,
            settings.level.code(),
            settings.private_reading,
            digester.member(member).cast_signed(),
        ],
    )?;
    Ok(())
}
