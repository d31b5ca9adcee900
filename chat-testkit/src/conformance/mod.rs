//! The suite that every store must pass: one module per law, one short story per case.
//!
//! [`store_conformance!`](crate::store_conformance) makes a test of each. The laws are those of the contract at
//! [`Store`]; the memory store is their model, and [`model_matches`](crate::model_matches), which belongs to the
//! suite, compares with it whatever the stories did not think of.
//!
//! `tests/planted.rs` plants mistakes in a store and shows that each is caught.

pub mod numbering;

use std::{fmt::Debug, pin::Pin, sync::Arc};

use async_trait::async_trait;
use chat_core::Store;

/// A place where a store keeps its data, for one test.
#[async_trait]
pub trait Backend: Debug + Send + Sync {
    /// Opens the store at this place; the first time there is nothing in it. The one before was closed.
    async fn open(&self) -> Arc<dyn Store>;

    /// Whether it keeps its data when it is closed and opened again.
    fn is_durable(&self) -> bool;
}

/// A [`Backend`] whose store ends with the test.
#[derive(Debug)]
pub struct InMemory;

#[async_trait]
impl Backend for InMemory {
    async fn open(&self) -> Arc<dyn Store> {
        Arc::new(chat_core::MemoryStore::default())
    }

    fn is_durable(&self) -> bool {
        false
    }
}

/// One case of the suite.
#[derive(Clone, Copy)]
#[allow(missing_debug_implementations, reason = "a name and a function")]
pub struct Case {
    /// Its law and its name.
    pub name: &'static str,
    /// Runs it; it panics where the law does not hold.
    pub run: for<'a> fn(&'a dyn Backend) -> Pin<Box<dyn Future<Output = ()> + 'a>>,
}

/// Every case, for whoever wants to run them otherwise than as tests.
pub fn cases() -> Vec<Case> {
    crate::store_conformance!(@each table ())
}

/// Makes a test of each case of the suite, and of the comparison with the model, for one store.
///
/// `$backend` is evaluated once for every test and gives a [`Backend`](crate::conformance::Backend) at a place of its
/// own.
///
/// ```
/// mod conformance {
///     use chat_testkit::conformance::InMemory;
///
///     chat_testkit::store_conformance!(InMemory);
/// }
/// ```
#[macro_export]
macro_rules! store_conformance {
    ($backend:expr) => {
        #[test]
        fn model_matches() {
            $crate::model_matches(|| $backend);
        }

        $crate::store_conformance!(@each tests ($backend));
    };

    (@each $made:ident ($($given:tt)*)) => {
        $crate::store_conformance! { @$made ($($given)*)
            numbering {
                places_and_changes_count_from_one
                what_is_refused_takes_no_number
                what_fails_half_way_gives_its_numbers_back
                rooms_count_for_themselves
                a_large_batch_is_answered_in_order
                time_never_runs_backwards
            }
        }
    };

    (@tests ($backend:expr) $($law:ident { $($case:ident)* })*) => {
        $(mod $law {
            #[allow(unused_imports, reason = "the backend may need nothing")]
            use super::*;

            $(#[test]
            fn $case() {
                $crate::run(async { $crate::conformance::$law::$case(&$backend).await });
            })*
        })*
    };

    (@table () $($law:ident { $($case:ident)* })*) => {
        vec![$($($crate::conformance::Case {
            name: concat!(stringify!($law), "::", stringify!($case)),
            run: |backend| Box::pin($crate::conformance::$law::$case(backend)),
        }),*),*]
    };
}
