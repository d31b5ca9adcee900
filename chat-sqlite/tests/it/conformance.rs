//! The suite that every store must pass.

use std::sync::Arc;

use async_trait::async_trait;
use chat_core::Store;
use chat_sqlite::SqliteStore;
use chat_testkit::conformance::Backend;

use crate::file::Place;

#[async_trait]
impl Backend for Place {
    async fn open(&self) -> Arc<dyn Store> {
        Arc::new(SqliteStore::open(self.path()).expect("it opens"))
    }

    fn is_durable(&self) -> bool {
        true
    }
}

chat_testkit::store_conformance!(Place::new());
