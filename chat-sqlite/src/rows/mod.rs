//! How values become rows, and rows values.

mod change;
mod code;
mod member;
mod message;
mod operation;
mod room;

use chat_core::{ClientId, Metadata, RoomKey, Timestamp, UserId};
use rusqlite::Row;
use serde::{Serialize, de::DeserializeOwned};

pub(crate) use change::{About, ChangeRow, chain_at, changes, insert_change, posted_by};
pub(crate) use code::{Code, code};
pub(crate) use member::{active_members, markers_at, member, members, put_member, readers_of, update_registers};
pub(crate) use message::{
    Posted, chain_of_post, id_at, insert_message, message_at, messages, place_of, places_by_id, posted, posted_at,
    update_message,
};
pub(crate) use operation::{insert_operation, operation};
pub(crate) use room::{
    RoomHead, delete_room, insert_room, room, room_numbered, rooms_by_activity, update_head, update_settings,
};

use crate::failure::{Failure, Outcome};

/// A number that is never negative.
pub(crate) fn count(row: &Row<'_>, column: usize) -> Outcome<u64> {
    u64::try_from(row.get::<_, i64>(column)?).map_err(|_| Failure::Damaged("a count is negative"))
}

/// A hash: all 64 bits of the column.
pub(crate) fn hash(row: &Row<'_>, column: usize) -> Outcome<u64> {
    Ok(row.get::<_, i64>(column)?.cast_unsigned())
}

/// A limit for SQL, where a negative one would mean none.
pub(crate) fn limit_of(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

pub(crate) fn time(row: &Row<'_>, column: usize) -> Outcome<Timestamp> {
    Ok(Timestamp::from_millis(row.get(column)?))
}

fn optional_time(row: &Row<'_>, column: usize) -> Outcome<Option<Timestamp>> {
    Ok(row.get::<_, Option<i64>>(column)?.map(Timestamp::from_millis))
}

/// A name that is checked where it is made: of a user, a room, an operation.
trait Name: Sized {
    fn parse(text: &str) -> chat_core::Result<Self>;
}

macro_rules! checked_texts {
    ($($type:ident),*) => {$(
        impl Name for $type {
            fn parse(text: &str) -> chat_core::Result<Self> {
                Self::new(text)
            }
        }
    )*};
}

checked_texts!(UserId, RoomKey, ClientId);

fn name<T: Name>(row: &Row<'_>, column: usize) -> Outcome<T> {
    optional_name(row, column)?.ok_or(Failure::Damaged("a name is missing"))
}

fn optional_name<T: Name>(row: &Row<'_>, column: usize) -> Outcome<Option<T>> {
    let text = row.get_ref(column)?.as_str_or_null().map_err(|_| Failure::Damaged("a name is no text"))?;
    text.map(T::parse).transpose().map_err(|_| Failure::Damaged("a name is none"))
}

fn json<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> Outcome<Option<T>> {
    let text = row.get_ref(column)?.as_str_or_null().map_err(|_| Failure::Damaged("JSON is no text"))?;
    text.map(serde_json::from_str).transpose().map_err(|_| Failure::Damaged("JSON is none"))
}

fn to_json(value: &impl Serialize) -> Outcome<String> {
    serde_json::to_string(value).map_err(|_| Failure::Damaged("a value is no JSON"))
}

fn metadata_json(metadata: Option<&Metadata>) -> Outcome<Option<String>> {
    metadata.map(to_json).transpose()
}
