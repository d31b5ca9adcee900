//! Who uses the marketplace.

use rusqlite::{Connection, OptionalExtension as _, Row, params};
use serde::Serialize;

use crate::problem::Problem;

/// Somebody, as everybody may see them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Person {
    /// The chat knows them by this id too.
    pub(crate) id: String,
    pub(crate) name: String,
    /// `client` or `cleaner`.
    pub(crate) role: String,
}

impl Person {
    /// From the columns `id, name, role`, which begin at `first`.
    pub(crate) fn from_row(row: &Row<'_>, first: usize) -> rusqlite::Result<Self> {
        Ok(Self { id: row.get(first)?, name: row.get(first + 1)?, role: row.get(first + 2)? })
    }
}

/// The person who has an address, and the hash of their password.
pub(crate) fn by_email(connection: &Connection, email: &str) -> Result<Option<(Person, String)>, Problem> {
    let mut found = connection.prepare_cached("SELECT id, name, role, password FROM people WHERE email = ?")?;
    Ok(found.query_row([email], |row| Ok((Person::from_row(row, 0)?, row.get(3)?))).optional()?)
}

/// Everybody who cleans.
pub(crate) fn cleaners(connection: &Connection) -> Result<Vec<Person>, Problem> {
    let mut found =
        connection.prepare_cached("SELECT id, name, role FROM people WHERE role = 'cleaner' ORDER BY name")?;
    let people = found.query_map([], |row| Person::from_row(row, 0))?;
    Ok(people.collect::<Result<_, _>>()?)
}

/// Adds somebody.
pub(crate) fn add(connection: &Connection, person: &Person, email: &str, password: &str) -> Result<(), Problem> {
    let Person { id, name, role } = person;
    connection.execute(
        "INSERT INTO people (id, name, email, role, password) VALUES (?, ?, ?, ?, ?)",
        params![id, name, email, role, password],
    )?;
    Ok(())
}
