//! Operations: what was done before under a name.

use chat_core::{
    ClientId, MessageId, RoomId, Timestamp, UserId,
    store::{Digester, Operation, OperationName, Target},
};
use rusqlite::{Connection, params};

use crate::{
    failure::Outcome,
    names::{self, Names},
    sql::Sql,
};

use super::{count, hash, optional_name};

/// What was done under a name, whichever table says so; nothing if the room is gone in which it was done. `number` is that of the room `scope`, if there is one.
pub(crate) fn operation(
    connection: &Connection,
    names: &Names,
    digester: Digester,
    number: Option<i64>,
    scope: RoomId,
    by: Option<&UserId>,
    name: &ClientId,
) -> Outcome<Option<Operation>> {
    const AT: &str = "SELECT request, ?2, id, place & 4294967295, NULL FROM message \
         WHERE place = ?1 AND request IS NOT NULL AND client_id = ?4 AND ifnull(sender, '') = ?3";
    // The index first: most often nothing is there.
    const SELECT: &str = "SELECT request, ?2, id, place & 4294967295, NULL FROM name \
         CROSS JOIN message ON place = (key >> 32 << 32 | name.seq) \
         WHERE key = ?1 AND request IS NOT NULL AND client_id = ?4 AND ifnull(sender, '') = ?3 \
         UNION ALL SELECT request, room, message, seq, user FROM operation \
         WHERE scope = ?2 AND actor = ?3 AND name = ?4 AND EXISTS (SELECT 1 FROM room WHERE id = operation.room)";
    let find = |select, place: Option<i64>| {
        let params = params![place, scope.as_bytes(), by.map_or("", UserId::as_str), name.as_str()];
        connection.one(select, params, |row| {
            let target = match row.get::<_, Option<[u8; 16]>>(2)? {
                Some(id) => Target::Message { id: MessageId::from_bytes(id), seq: count(row, 3)? },
                None => optional_name(row, 4)?.map_or(Target::Room, Target::Member),
            };
            Ok(Operation { digest: hash(row, 0)?, room: RoomId::from_bytes(row.get(1)?), target })
        })
    };
    let key = number.map(|number| names::key(digester, number, by, name));
    for place in key.map_or_else(Vec::new, |key| names.places(key)) {
        if let Some(found) = find(AT, Some(place))? {
            return Ok(Some(found));
        }
    }
    find(SELECT, key)
}

/// Records an operation that no message's row does.
pub(crate) fn insert_operation(
    connection: &Connection,
    named: &OperationName,
    room: RoomId,
    target: &Target,
    at: Timestamp,
) -> Outcome<()> {
    // A room may have been made under the name, and be gone.
    const INSERT: &str = "INSERT OR REPLACE INTO operation (scope, actor, name, request, room, message, seq, user, at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    let (message, seq, user) = match target {
        Target::Message { id, seq } => (Some(id.as_bytes()), Some(seq.cast_signed()), None),
        Target::Member(user) => (None, None, Some(user.as_str())),
        Target::Room => (None, None, None),
    };
    let by = named.by.as_ref().map_or("", UserId::as_str);
    let request = named.digest.cast_signed();
    let (scope, name, room, at) = (named.scope.as_bytes(), named.name.as_str(), room.as_bytes(), at.as_millis());
    connection.run(INSERT, params![scope, by, name, request, room, message, seq, user, at])?;
    Ok(())
}
