//! A file that is up to date, as the threads know it.

use std::path::PathBuf;

use rusqlite::Connection;

use crate::{
    failure::Outcome,
    open::Options,
    schema::{self, Meta, Purpose},
};

/// What is needed to connect to it.
#[derive(Clone, Debug)]
pub(crate) struct Database {
    pub(crate) path: PathBuf,
    pub(crate) options: Options,
    pub(crate) meta: Meta,
}

impl Database {
    pub(crate) fn connect(&self, purpose: Purpose) -> Outcome<Connection> {
        schema::connect(&self.path, &self.options, purpose)
    }
}
