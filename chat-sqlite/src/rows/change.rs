//! Changes: those that a row of their own records, and the way from any `rev` to its row.

use chat_core::{
    Rev, Seq, Timestamp, UserId,
    store::{ChangeKind, Target},
};
use rusqlite::{Connection, Row, params};

use crate::{
    failure::Outcome,
    place::{number_at, place},
    sql::Sql,
};

use super::{Code, chain_of_post, count, hash, optional_name, time};

/// A change that is no post.
#[derive(Clone, Debug)]
pub(crate) struct ChangeRow {
    pub(crate) rev: Rev,
    pub(crate) about: About,
    pub(crate) actor: Option<UserId>,
    pub(crate) at: Timestamp,
    pub(crate) chain: u64,
}

/// What a change is about.
#[derive(Clone, Debug)]
pub(crate) enum About {
    Room,
    Message(Seq),
    Member(UserId),
}

/// Adds a change. `posted` is how many messages there were before it.
pub(crate) fn insert_change(
    connection: &Connection,
    number: i64,
    posted: Seq,
    kind: ChangeKind,
    target: &Target,
    change: (Rev, Option<&UserId>, Timestamp, u64),
) -> Outcome<()> {
    const INSERT: &str = "INSERT INTO change (place, posted, kind, seq, user, actor, at, chain) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    let (rev, actor, at, chain) = change;
    let (seq, user) = match target {
        Target::Message { seq, .. } => (Some(seq.cast_signed()), None),
        Target::Member(user) => (None, Some(user.as_str())),
        Target::Room => (None, None),
    };
    let actor = actor.map(UserId::as_str);
    let params = params![
        place(number, rev),
        posted.cast_signed(),
        kind.code(),
        seq,
        user,
        actor,
        at.as_millis(),
        chain.cast_signed()
    ];
    connection.run(INSERT, params)?;
    Ok(())
}

/// The changes after `since` and up to `last` that are no posts.
pub(crate) fn changes(connection: &Connection, number: i64, since: Rev, last: Rev) -> Outcome<Vec<ChangeRow>> {
    const SELECT: &str =
        "SELECT place, seq, user, actor, at, chain FROM change WHERE place BETWEEN ?1 AND ?2 ORDER BY place";
    let read = |row: &Row<'_>| {
        let about = match (row.get::<_, Option<i64>>(1)?, optional_name(row, 2)?) {
            (Some(_), _) => About::Message(count(row, 1)?),
            (None, Some(user)) => About::Member(user),
            (None, None) => About::Room,
        };
        let actor = optional_name(row, 3)?;
        Ok(ChangeRow { rev: number_at(row.get(0)?), about, actor, at: time(row, 4)?, chain: hash(row, 5)? })
    };
    connection.all(SELECT, [place(number, since + 1), place(number, last)], read)
}

/// How many messages there were after the change `rev`, and the chain then, if the change stands in a row of its own.
fn after(connection: &Connection, number: i64, rev: Rev) -> Outcome<(Seq, Option<u64>)> {
    const SELECT: &str = "SELECT place, posted, chain FROM change WHERE place BETWEEN ?1 AND ?2 \
         ORDER BY place DESC LIMIT 1";
    let places = [place(number, 0), place(number, rev)];
    let last = connection.one(SELECT, places, |row| Ok((number_at(row.get(0)?), count(row, 1)?, hash(row, 2)?)))?;
    Ok(match last {
        Some((change, posted, chain)) if change == rev => (posted, Some(chain)),
        // What follows it, up to `rev`, are posts.
        Some((change, posted, _)) => (posted + (rev - change), None),
        None => (rev, None),
    })
}

/// How many messages there were after the change `rev`.
pub(crate) fn posted_by(connection: &Connection, number: i64, rev: Rev) -> Outcome<Seq> {
    Ok(after(connection, number, rev)?.0)
}

/// The chain after the change `rev`; nothing for a change that is not there.
pub(crate) fn chain_at(connection: &Connection, number: i64, rev: Rev) -> Outcome<Option<u64>> {
    if rev == 0 {
        // Before the first change, if that is still there.
        return Ok(after(connection, number, 1)?.1.map(|_| 0));
    }
    match after(connection, number, rev)? {
        (_, Some(chain)) => Ok(Some(chain)),
        (seq, None) => chain_of_post(connection, number, seq, rev),
    }
}
