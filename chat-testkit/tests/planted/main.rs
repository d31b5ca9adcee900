//! The suite catches what it is there to catch: a harness that never caught a planted bug proves nothing.

mod store;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use async_trait::async_trait;
use chat_core::{MemoryStore, Store};
use chat_testkit::{
    conformance::{Backend, Case, InMemory, cases},
    model_matches, run,
};

use store::{Bug, Planted};

/// Each mistake, and a case that must see it.
const SEEN_BY: [(Bug, &str); 32] = [
    (Bug::ForgetsTheGuard, "guards::a_stale_member_changes_nothing"),
    (Bug::ForgetsTheGuard, "guards::a_stale_policy_changes_nothing"),
    (Bug::RefusalTakesANumber, "numbering::what_is_refused_takes_no_number"),
    (Bug::ReusesAPlace, "numbering::what_is_refused_takes_no_number"),
    (Bug::TurnsTimeBack, "numbering::time_never_runs_backwards"),
    (Bug::WritesOneByOne, "atomicity::what_cannot_be_done_whole_leaves_nothing"),
    (Bug::WritesOneByOne, "numbering::what_fails_half_way_gives_its_numbers_back"),
    (Bug::SpoilsNeighbours, "atomicity::neighbours_of_what_is_refused_are_untouched"),
    (Bug::PausesInTheMiddle, "cancellation::a_commit_that_is_given_up_is_whole_or_not_at_all"),
    (Bug::PausesInTheMiddle, "concurrency::each_read_is_one_moment"),
    (Bug::ForgetsNames, "idempotency::a_repeat_returns_the_first_result"),
    (Bug::ForgetsNames, "idempotency::duplicates_at_once_are_done_once"),
    (Bug::IgnoresTheDigest, "idempotency::another_request_under_the_name_is_a_conflict"),
    (Bug::SharesNames, "idempotency::names_belong_to_a_room_and_a_sender"),
    (Bug::ShowsWhatIsHidden, "visibility::a_newcomer_sees_from_where_they_may"),
    (Bug::ShowsToOutsiders, "visibility::who_is_out_sees_nothing"),
    (Bug::ShowsOneMore, "history::every_page_is_a_piece_of_the_history"),
    (Bug::ListsTiesByAge, "rooms::rooms_are_listed_by_their_last_change"),
    (Bug::CountsTheDeleted, "unread::unread_is_what_a_scan_says"),
    (Bug::CountsTheDeleted, "unread::what_counts_is_live_and_by_others_and_new"),
    (Bug::ReadsInTwoSteps, "concurrency::a_read_that_waits_shows_one_moment"),
    (Bug::BelievesAnyPosition, "catch_up::a_position_that_does_not_fit_begins_anew"),
    (Bug::MissesEdits, "catch_up::every_position_leads_to_the_present"),
    (Bug::SaysThatWasAll, "catch_up::every_position_leads_to_the_present"),
    (Bug::IgnoresTheWeight, "catch_up::answers_keep_to_their_weight"),
    (Bug::WeighsEachRoomAlone, "catch_up::the_weight_is_that_of_all_rooms_together"),
    (Bug::CatchesUpOneByOne, "concurrency::many_rooms_are_of_one_moment"),
    (Bug::LeavesOutWhatIsHidden, "catch_up::many_rooms_are_answered_in_their_order"),
    (Bug::SenderIsAReader, "visibility::readers_have_read_and_may_see"),
    (Bug::EndsAtNul, "strictness::messages_come_back_to_the_byte"),
    (Bug::LosesABit, "strictness::digests_have_64_bits"),
    (Bug::StaysOpen, "closing::a_closed_store_says_so"),
];

/// Mistakes that a random story finds too.
const SEEN_BY_STORIES: [Bug; 10] = [
    Bug::ForgetsTheGuard,
    Bug::RefusalTakesANumber,
    Bug::TurnsTimeBack,
    Bug::WritesOneByOne,
    Bug::SpoilsNeighbours,
    Bug::ForgetsNames,
    Bug::ShowsWhatIsHidden,
    Bug::CountsTheDeleted,
    Bug::MissesEdits,
    Bug::SenderIsAReader,
];

/// A place of a store in memory with a mistake in it.
#[derive(Debug)]
struct WithBug(Option<Bug>);

#[async_trait]
impl Backend for WithBug {
    async fn open(&self) -> Arc<dyn Store> {
        Arc::new(Planted::new(self.0))
    }

    fn is_durable(&self) -> bool {
        false
    }
}

/// A place that says it keeps what it is given, and does not.
#[derive(Debug)]
struct Forgetful;

#[async_trait]
impl Backend for Forgetful {
    async fn open(&self) -> Arc<dyn Store> {
        Arc::new(MemoryStore::default())
    }

    fn is_durable(&self) -> bool {
        true
    }
}

fn case(name: &str) -> Case {
    cases().into_iter().find(|case| case.name == name).unwrap_or_else(|| panic!("no case {name}"))
}

fn fails(case: Case, backend: &dyn Backend) -> bool {
    catch_unwind(AssertUnwindSafe(|| run((case.run)(backend)))).is_err()
}

#[test]
fn each_planted_bug_is_caught_by_the_case_that_is_about_it() {
    let missed: Vec<_> = SEEN_BY.into_iter().filter(|(bug, name)| !fails(case(name), &WithBug(Some(*bug)))).collect();
    assert!(missed.is_empty(), "not caught: {missed:#?}");
    SEEN_BY.iter().for_each(|(bug, name)| println!("{bug:?} caught by {name}"));
}

#[test]
fn without_a_bug_nothing_is_caught() {
    let failed: Vec<_> =
        cases().into_iter().filter(|case| fails(*case, &WithBug(None))).map(|case| case.name).collect();
    assert!(failed.is_empty(), "{failed:#?}");
}

#[test]
fn a_store_that_forgets_when_it_is_closed_is_caught() {
    for name in ["closing::what_is_durable_outlives_the_store", "closing::what_was_accepted_is_finished"] {
        assert!(!fails(case(name), &InMemory), "{name} without a promise");
        assert!(fails(case(name), &Forgetful), "{name}");
    }
}

/// How many commits the story has that shows a bug, after it was shortened; nothing if no story showed it.
fn found_in(bug: Bug) -> Option<usize> {
    let found = catch_unwind(|| model_matches(|| WithBug(Some(bug)))).err()?;
    let said = found.downcast_ref::<String>().expect("it says what is wrong");
    assert!(said.contains("CHAT_MODEL_SEED="), "{bug:?}: {said}");
    Some(said.matches("Step {").count())
}

#[test]
fn random_stories_find_bugs_and_shorten_them() {
    for bug in SEEN_BY_STORIES {
        // One run finds about 99 bugs of 100, and most of them in 3 to 5 commits.
        let in_a_short_story = (0..5).any(|_| found_in(bug).is_some_and(|commits| commits <= 12));
        assert!(in_a_short_story, "{bug:?} was not found");
    }
    model_matches(|| WithBug(None));
}
