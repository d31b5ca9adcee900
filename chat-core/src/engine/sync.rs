//! The locks of the live side. `tests/loom` puts loom's in their place, and tries every order of whoever takes them.

pub(super) use std::sync::{Mutex, MutexGuard};
