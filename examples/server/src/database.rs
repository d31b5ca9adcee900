//! Where the data is: `sqlite:PATH` or `memory:`.

use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

use serde::{Deserialize, Serialize};

use crate::failure::Failure;

/// Where the data is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) enum Database {
    /// In a file.
    Sqlite(PathBuf),
    /// Nowhere: gone with the process.
    Memory,
}

impl Database {
    /// The file, for what only a file can have done to it.
    pub(crate) fn file(&self) -> Result<&Path, Failure> {
        match self {
            Self::Sqlite(path) => Ok(path),
            Self::Memory => {
                Err(Failure::usage("there is nothing to maintain in memory:; name a file, --db sqlite:PATH"))
            }
        }
    }
}

impl FromStr for Database {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            Some(("sqlite", path)) if !path.is_empty() => Ok(Self::Sqlite(path.into())),
            Some(("memory", "")) => Ok(Self::Memory),
            _ => Err("must be sqlite:PATH or memory:".into()),
        }
    }
}

impl TryFrom<String> for Database {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Database> for String {
    fn from(database: Database) -> Self {
        database.to_string()
    }
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Memory => f.write_str("memory:"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_the_rest_is_refused() {
        for text in ["sqlite:chat.db", "sqlite:C:\\data\\chat.db", "memory:"] {
            assert_eq!(text.parse::<Database>().unwrap().to_string(), text);
        }
        for text in ["", "chat.db", "sqlite:", "memory", "memory:x", "postgres:x"] {
            assert!(text.parse::<Database>().is_err(), "{text}");
        }
    }
}
