//! Short ways to run statements. Each is prepared once per connection.

use rusqlite::{Connection, Params, Row};

use crate::failure::Outcome;

pub(crate) trait Sql {
    /// Runs a statement that returns nothing; how many rows it touched.
    fn run(&self, sql: &str, params: impl Params) -> Outcome<usize>;

    /// The first row, if there is one.
    fn one<T>(&self, sql: &str, params: impl Params, read: impl FnOnce(&Row<'_>) -> Outcome<T>) -> Outcome<Option<T>>;

    /// All rows.
    fn all<T>(&self, sql: &str, params: impl Params, read: impl FnMut(&Row<'_>) -> Outcome<T>) -> Outcome<Vec<T>>;
}

impl Sql for Connection {
    fn run(&self, sql: &str, params: impl Params) -> Outcome<usize> {
        Ok(self.prepare_cached(sql)?.execute(params)?)
    }

    fn one<T>(&self, sql: &str, params: impl Params, read: impl FnOnce(&Row<'_>) -> Outcome<T>) -> Outcome<Option<T>> {
        let mut statement = self.prepare_cached(sql)?;
        let mut rows = statement.query(params)?;
        rows.next()?.map(read).transpose()
    }

    fn all<T>(&self, sql: &str, params: impl Params, mut read: impl FnMut(&Row<'_>) -> Outcome<T>) -> Outcome<Vec<T>> {
        let mut statement = self.prepare_cached(sql)?;
        let mut rows = statement.query(params)?;
        let mut read_rows = Vec::new();
        while let Some(row) = rows.next()? {
            read_rows.push(read(row)?);
        }
        Ok(read_rows)
    }
}
