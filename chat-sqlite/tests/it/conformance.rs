//! The suite that every store must pass.

use std::{path::PathBuf, sync::Arc};

use async_trait::async_trait;
use chat_core::Store;
use chat_sqlite::SqliteStore;
use chat_testkit::conformance::Backend;
use tempfile::TempDir;

/// A file in a folder of its own.
#[derive(Debug)]
struct File(TempDir);

impl File {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("chat.db")
    }
}

#[async_trait]
impl Backend for File {
    async fn open(&self) -> Arc<dyn Store> {
        Arc::new(SqliteStore::open(self.path()).expect("it opens"))
    }

    fn is_durable(&self) -> bool {
        true
    }
}

chat_testkit::store_conformance!(File::new());
