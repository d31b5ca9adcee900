//! Cursors and places of pages: what the server never gave is refused or leads to the present, and is never believed.

use std::collections::BTreeSet;

use chat_core::{Cursor, Error, Page, RoomRef, SendMessage, Subscribed, Sync};
use chat_testkit::cast::{alice, bob};

use crate::stage::{Stage, proper_error, run, somebody};

/// How many messages there are beside the first.
const MESSAGES: usize = 8;

/// Hands each line of the input in as a cursor, wherever one is taken; and numbers made of its bytes as the three parts
/// of one.
///
/// Then: a cursor is its text; a position that never was gets the room from scratch; a page that is refused is the
/// client's doing; a page that is not goes on, to the end, where the whole list goes on.
///
/// # Panics
/// If that does not hold.
pub fn cursors(input: &[u8]) {
    run(async {
        let stage = Stage::set().await;
        let mut positions = BTreeSet::from([position(&stage.cursor)]);
        for number in 0..MESSAGES {
            let say = SendMessage::text(number.to_string());
            stage.engine.session(&alice()).send(stage.room, say).await.expect("it is sent");
            let now = stage.engine.host().room(stage.room).await.expect("the room is there").cursor;
            positions.insert(position(&now));
        }
        let head = stage.engine.host().room(stage.room).await.expect("the room is there").cursor;
        for line in input.split(|byte| *byte == b'\n') {
            let text = stage.told(&String::from_utf8_lossy(line));
            if let Ok(cursor) = text.parse::<Cursor>() {
                assert_eq!(cursor.to_string(), text, "one position has two texts");
                comes_back(&stage, cursor, &positions).await;
            }
            for cursor in near(&head, line) {
                assert_eq!(cursor.to_string().parse(), Ok(cursor), "{cursor:?}");
                comes_back(&stage, cursor, &positions).await;
            }
            pages(&stage, &text).await;
        }
        stage.ends().await;
    });
}

const fn position(cursor: &Cursor) -> (u64, u64, u64) {
    (cursor.epoch, cursor.rev, cursor.chain)
}

/// Positions that differ from the present one in what the bytes say.
fn near(head: &Cursor, bytes: &[u8]) -> Vec<Cursor> {
    let number = |from: usize| bytes.iter().skip(from).step_by(3).take(8).fold(0, |n, byte| n << 8 | u64::from(*byte));
    let (epoch, rev, chain) = (number(0), number(1) & chat_core::MAX_INTEGER, number(2));
    vec![
        Cursor { epoch, ..*head },
        Cursor { rev, ..*head },
        Cursor { chain, ..*head },
        Cursor { rev: rev % (head.rev + 2), ..*head },
        Cursor { epoch, rev, chain },
    ]
}

/// Bob comes back with a cursor.
async fn comes_back(stage: &Stage, cursor: Cursor, positions: &BTreeSet<(u64, u64, u64)>) {
    let mut live = stage.engine.session(&bob()).live();
    let opened = live.subscribe(vec![(RoomRef::Id(stage.room), Some(cursor))]).await.expect("it is answered");
    let [Subscribed::Open(opened)] = opened.as_slice() else { panic!("bob's own room is gone") };
    let now = opened.cursor;
    match &opened.sync {
        Sync::Same { .. } => assert_eq!(cursor, now, "the present is elsewhere"),
        Sync::Changes { changes, more } => {
            assert!(positions.contains(&position(&cursor)), "a position that never was is believed: {cursor:?}");
            assert!(!changes.is_empty() && !more, "nothing, or not all, was told");
        }
        // The beginning of a room is from before one came into it.
        Sync::Snapshot { .. } => assert!(!positions.contains(&position(&cursor)), "a position is not believed"),
    }
}

/// Everything that is given out in pages, from a place that is text.
async fn pages(stage: &Stage, text: &str) {
    for user in 0..5 {
        let session = &stage.engine.session(&somebody(user));
        goes_on(text, |place, limit| async move { session.rooms(place.as_deref(), limit).await }).await;
        goes_on(text, |place, limit| async move { session.messages(place.as_deref(), limit).await }).await;
    }
}

/// The pages from a place on are the end of the whole list.
async fn goes_on<T: PartialEq, F: Future<Output = Result<Page<T>, Error>>>(
    place: &str,
    page: impl Fn(Option<String>, Option<usize>) -> F,
) {
    let whole = page(None, None).await.expect("the list is there").results;
    let (mut place, mut rest) = (place.to_owned(), Vec::new());
    loop {
        match page(Some(place), Some(3)).await {
            Ok(Page { results, next }) => {
                rest.extend(results);
                let Some(next) = next else { break };
                place = next;
            }
            Err(error) if rest.is_empty() => return proper_error(&error),
            Err(error) => panic!("a place that was given is refused: {error}"),
        }
        assert!(rest.len() <= whole.len(), "the pages do not end");
    }
    assert!(whole.ends_with(&rest), "the pages are not the end of the list");
}
