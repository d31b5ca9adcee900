//! What can go wrong below the store's surface.

use chat_core::store::StoreError;
use rusqlite::ErrorCode;

/// Why a statement or a row was of no use.
#[derive(Debug)]
pub(crate) enum Failure {
    /// SQLite says no.
    Sqlite(rusqlite::Error),
    /// A row says what cannot be.
    Damaged(&'static str),
    /// It is no chat database.
    Foreign,
    /// A newer version wrote it.
    Newer { found: u32 },
    /// What can be stored is used up.
    Exhausted(&'static str),
    /// This program is wrong somewhere, and panicked.
    Panicked,
}

pub(crate) type Outcome<T> = Result<T, Failure>;

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Sqlite(error) => match error.sqlite_error_code() {
                Some(ErrorCode::DiskFull) => Self::Full,
                Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Corrupt(error.to_string()),
                // What SQLite gave is not what a row can hold. Its text names the column, not the value.
                None => Self::Corrupt(error.to_string()),
                Some(_) => Self::Unavailable(error.to_string()),
            },
            Failure::Damaged(what) => Self::Corrupt(what.into()),
            Failure::Foreign => Self::Corrupt("it is no chat database".into()),
            Failure::Newer { .. } => Self::Unavailable("the file was taken over by a newer version".into()),
            Failure::Exhausted(what) => Self::Unavailable(what.into()),
            Failure::Panicked => Self::Unavailable("the store panicked; the program's error output says where".into()),
        }
    }
}
