//! The suite that every store must pass: one module per law, one short story per case.
//!
//! [`store_conformance!`](crate::store_conformance) makes a test of each. The laws are those of the contract at
//! [`Store`]; the memory store is their model, and [`model_matches`](crate::model_matches), which belongs to the
//! suite, compares with it whatever the stories did not think of.
//!
//! `tests/planted.rs` plants mistakes in a store and shows that each is caught.

pub mod atomicity;
pub mod cancellation;
pub mod catch_up;
pub mod closing;
pub mod concurrency;
pub mod guards;
pub mod history;
pub mod idempotency;
pub mod markers;
pub mod numbering;
pub mod rooms;
pub mod strictness;
pub mod unread;
pub mod visibility;

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

/// A case that runs.
pub type Running<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

/// One case of the suite.
#[derive(Clone, Copy)]
#[allow(missing_debug_implementations, reason = "a name and a function")]
pub struct Case {
    /// Its law and its name.
    pub name: &'static str,
    /// Runs it; it panics where the law does not hold.
    pub run: fn(&dyn Backend) -> Running<'_>,
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
            atomicity {
                what_cannot_be_done_whole_leaves_nothing
                neighbours_of_what_is_refused_are_untouched
                commits_of_a_batch_build_on_one_another
                a_large_commit_is_one_step
                nothing_is_answered_with_nothing
            }
            idempotency {
                a_repeat_returns_the_first_result
                another_request_under_the_name_is_a_conflict
                duplicates_at_once_are_done_once
                duplicates_in_one_batch_are_done_once
                names_belong_to_a_room_and_a_sender
                a_name_belongs_to_whom_the_host_speaks_for
                an_operation_remembers_its_first_change
                what_was_refused_leaves_its_name_free
                a_deleted_room_takes_its_names_along
            }
            guards {
                a_stale_policy_changes_nothing
                who_owns_the_room_is_policy
                a_stale_member_changes_nothing
                the_first_of_two_wins
                nothing_happens_in_a_room_that_is_not_there
                only_what_is_live_can_be_changed
            }
            rooms {
                key_pair_and_id_are_unique
                one_room_is_made_of_many_attempts
                a_deleted_room_leaves_nothing
                rooms_are_listed_by_their_last_change
            }
            visibility {
                a_newcomer_sees_from_where_they_may
                who_is_out_sees_nothing
                who_comes_back_has_a_new_view_and_old_markers
                hidden_and_missing_look_the_same
                participants_are_those_who_are_in
                readers_have_read_and_may_see
                a_snapshot_keeps_to_its_limits
            }
            markers {
                receipts_only_grow_and_stay_in_order
                ones_own_marker_may_go_back
                saying_something_reads_up_to_it
                registers_are_no_change
                nothing_happens_to_who_is_not_in_the_room
            }
            unread {
                unread_is_what_a_scan_says
                what_counts_is_live_and_by_others_and_new
                the_number_of_all_rooms_is_their_sum
            }
            history {
                every_page_is_a_piece_of_the_history
                pages_hold_while_others_write
                messages_of_all_rooms_are_one_list
                edits_and_deletes_are_what_is_read
            }
            catch_up {
                every_position_leads_to_the_present
                the_beginning_is_a_position
                a_position_that_does_not_fit_begins_anew
                each_thing_is_told_once_as_it_is_now
                what_is_new_is_told_as_new_in_steps_of_any_size
                a_change_is_the_same_live_and_later
                nothing_deleted_or_hidden_comes_back
                answers_keep_to_their_weight
                many_rooms_are_answered_in_their_order
                the_weight_is_that_of_all_rooms_together
                markers_come_along
            }
            strictness {
                messages_come_back_to_the_byte
                rooms_and_members_come_back_to_the_byte
                names_that_look_alike_are_different
                digests_have_64_bits
                a_message_id_is_used_once
                one_may_see_from_a_place_that_is_to_come
            }
            cancellation {
                a_commit_that_is_given_up_is_whole_or_not_at_all
                asking_again_does_it_once
                reads_that_are_given_up_hold_nothing_up
            }
            concurrency {
                who_follows_the_history_sees_no_hole
                who_follows_the_changes_sees_no_hole
                each_read_is_one_moment
                a_read_that_waits_shows_one_moment
                many_rooms_are_of_one_moment
            }
            closing {
                a_closed_store_says_so
                what_was_accepted_is_finished
                what_is_durable_outlives_the_store
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

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    use super::cases;

    #[test]
    fn every_case_is_in_the_list() {
        let laws = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/conformance")).unwrap();
        let mut written = BTreeSet::new();
        for file in laws.map(|file| file.unwrap().path()).filter(|file| !file.ends_with("mod.rs")) {
            let (law, text) = (file.file_stem().unwrap().to_str().unwrap(), fs::read_to_string(&file).unwrap());
            let cases = text.lines().filter_map(|line| line.strip_prefix("pub async fn ")?.split_once('('));
            written.extend(cases.map(|(case, _)| format!("{law}::{case}")));
        }
        assert_eq!(written, cases().into_iter().map(|case| case.name.to_owned()).collect());
    }
}
