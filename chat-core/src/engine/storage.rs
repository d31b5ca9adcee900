//! The store that the engine works over, which it can let go of for a while.

use std::sync::{Arc, PoisonError, RwLock};

use crate::{
    model::{Error, Result},
    store::Store,
};

/// The store, or why there is none. Held for a moment, never across an `await`.
#[derive(Debug)]
pub(super) struct Storage(RwLock<Result<Arc<dyn Store>>>);

impl Storage {
    pub(super) const fn new(store: Arc<dyn Store>) -> Self {
        Self(RwLock::new(Ok(store)))
    }

    /// The store.
    ///
    /// # Errors
    /// `suspended` while the engine has let go of it; `draining` where it was closed then.
    pub(super) fn get(&self) -> Result<Arc<dyn Store>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Lets go of it.
    pub(super) fn suspend(&self) -> Result<Arc<dyn Store>> {
        self.replace(Err(Error::Suspended))
    }

    /// Goes on over this one.
    pub(super) fn resume(&self, store: Arc<dyn Store>) {
        let _ = self.replace(Ok(store));
    }

    /// Has none any more, and will have none.
    pub(super) fn end(&self) {
        let _ = self.replace(Err(Error::Draining));
    }

    fn replace(&self, with: Result<Arc<dyn Store>>) -> Result<Arc<dyn Store>> {
        std::mem::replace(&mut *self.0.write().unwrap_or_else(PoisonError::into_inner), with)
    }
}
