//! Pages of messages: each is a piece of the one history, whatever its size, and stays right while others write.

use std::sync::Arc;

use chat_core::{
    Message, Store, UserId, Window,
    store::{History, RoomSelector, Viewer, Visible},
};

use crate::{
    Story,
    cast::{alice, bob, carol, message_id},
    commits::{self, CommitExt},
    picture::ALL,
};

use super::Backend;

async fn page(story: &Story, viewer: Viewer<'_>, window: Window, limit: usize) -> History {
    story
        .store()
        .history(viewer, &RoomSelector::Id(story.room()), window, limit)
        .await
        .expect("the store answers")
        .expect("in the room")
}

fn seqs(messages: &[Message]) -> Vec<u64> {
    messages.iter().map(|message| message.seq).collect()
}

/// Every window at every place in every size, for somebody who sees all and for somebody who sees a part.
pub async fn every_page_is_a_piece_of_the_history(backend: &dyn Backend) {
    const LAST: u64 = 9;
    let store = backend.open().await;
    let story = Story::begin(&store, &[bob()]).await;
    for n in 1..=LAST {
        let message = story.says(&alice(), "hello").await;
        if n % 4 == 0 {
            story.deletes(&alice(), message.id).await;
        }
        if n == 4 {
            story.joins_seeing(&carol(), Visible::SinceJoined).await;
        }
    }
    let (bob, carol) = (bob(), carol());
    for (viewer, first) in [(Viewer::Host, 1), (Viewer::User(&bob), 1), (Viewer::User(&carol), 5)] {
        let newest_first = |below: u64| (first..below.min(LAST + 1)).rev();
        let oldest_first = |above: u64| first.max(above.saturating_add(1))..=LAST;
        for limit in (0..=LAST as usize + 2).chain([1_000]) {
            let latest: Vec<u64> = newest_first(u64::MAX).collect();
            check(&story, viewer, Window::Latest, limit, &latest).await;
            for place in (0..=LAST + 2).chain([u64::MAX]) {
                check(&story, viewer, Window::Before(place), limit, &newest_first(place).collect::<Vec<_>>()).await;
                check(&story, viewer, Window::After(place), limit, &oldest_first(place).collect::<Vec<_>>()).await;
                around(&story, viewer, place, limit, &newest_first(place).rev().collect::<Vec<_>>(), first, LAST).await;
            }
        }
    }
}

/// A page is the beginning of what there is in its direction, and says whether that was all.
async fn check(story: &Story, viewer: Viewer<'_>, window: Window, limit: usize, there: &[u64]) {
    let History { messages, more } = page(story, viewer, window, limit).await;
    let expected = &there[..there.len().min(limit)];
    assert_eq!((seqs(&messages).as_slice(), more), (expected, there.len() > limit), "{window:?}, {limit}, {viewer:?}");
}

/// Half before the place, half from it on.
async fn around(story: &Story, viewer: Viewer<'_>, place: u64, limit: usize, before: &[u64], first: u64, last: u64) {
    let History { messages, more } = page(story, viewer, Window::Around(place), limit).await;
    let from: Vec<u64> = (place.max(first)..=last).collect();
    let before = &before[before.len() - before.len().min(limit / 2)..];
    let rest = limit - limit / 2;
    let expected = [before, &from[..from.len().min(rest)]].concat();
    assert_eq!((seqs(&messages), more), (expected, from.len() > rest), "around {place}, {limit}, {viewer:?}");
}

/// Reading page by page while others write: what was there at the first page comes once, in order.
pub async fn pages_hold_while_others_write(backend: &dyn Backend) {
    const BEFORE: u64 = 60;
    const MEANWHILE: u64 = 60;
    let store = backend.open().await;
    let story = Story::begin(&store, &[bob()]).await;
    for _ in 0..BEFORE {
        story.says(&alice(), "before").await;
    }
    let writer = story.clone();
    // spawns: somebody who writes meanwhile; awaited below.
    let writing = tokio::spawn(async move {
        for n in 0..MEANWHILE {
            tokio::task::yield_now().await;
            let message = writer.says(&bob(), "meanwhile").await;
            if n % 3 == 0 {
                writer.deletes(&bob(), message.id).await;
            }
        }
    });
    let first = page(&story, Viewer::Host, Window::Latest, 7).await;
    let newest = first.messages[0].seq;
    let mut back = seqs(&first.messages);
    while let Some(place) = back.last().copied().filter(|place| *place > 1) {
        back.extend(seqs(&page(&story, Viewer::Host, Window::Before(place), 7).await.messages));
    }
    assert!(back.iter().copied().eq((1..=newest).rev()), "{back:?}");
    let mut forth = Vec::new();
    loop {
        let over = writing.is_finished();
        let place = forth.last().copied().unwrap_or(0);
        let page = page(&story, Viewer::Host, Window::After(place), 7).await;
        forth.extend(seqs(&page.messages));
        if over && page.messages.is_empty() {
            break;
        }
        tokio::task::yield_now().await;
    }
    assert!(forth.iter().copied().eq(1..=BEFORE + MEANWHILE), "{forth:?}");
    writing.await.expect("the writer comes to its end");
}

/// All rooms in one list, newest id first; the same in pages of every size.
pub async fn messages_of_all_rooms_are_one_list(backend: &dyn Backend) {
    let store: Arc<dyn Store> = backend.open().await;
    let (one, other) = (Story::begin(&store, &[bob()]).await, Story::elsewhere(&store, 2, &[bob()]).await);
    let hidden = Story::elsewhere(&store, 3, &[]).await;
    // Ids say when a message was written; they need not come in order.
    for (story, id) in [(&one, 5), (&other, 3), (&hidden, 4), (&one, 1), (&other, 9), (&one, 7), (&hidden, 8)] {
        story.apply(story.writes([commits::say(message_id(id), &alice(), "hello")]).by(&alice())).await;
    }
    one.deletes(&alice(), message_id(7)).await;
    let (bob, carol) = (bob(), carol());
    other.joins_seeing(&carol, Visible::SinceJoined).await;
    for limit in 1..=8 {
        assert_eq!(list(&*store, Viewer::Host, limit).await, [9, 8, 7, 5, 4, 3, 1].map(message_id), "pages of {limit}");
        assert_eq!(list(&*store, Viewer::User(&bob), limit).await, [9, 7, 5, 3, 1].map(message_id), "pages of {limit}");
        assert_eq!(list(&*store, Viewer::User(&carol), limit).await, []);
    }
    other.leaves(&bob).await;
    assert_eq!(list(&*store, Viewer::User(&bob), 2).await, [7, 5, 1].map(message_id));
}

async fn list(store: &dyn Store, viewer: Viewer<'_>, limit: usize) -> Vec<chat_core::MessageId> {
    let (mut ids, mut before) = (Vec::new(), None);
    loop {
        let page = store.messages(viewer, before, limit).await.expect("the store answers");
        assert!(page.len() <= limit, "{} messages on a page of {limit}", page.len());
        let Some(last) = page.last() else { return ids };
        before = Some(last.id);
        ids.extend(page.into_iter().map(|message| message.id));
    }
}

/// An edit replaces what it names and leaves the rest; a delete leaves the place, and nothing that was said.
pub async fn edits_and_deletes_are_what_is_read(backend: &dyn Backend) {
    let store = backend.open().await;
    let story = Story::begin(&store, &[bob()]).await;
    let first = story.says(&alice(), "one").await;
    let reply = {
        let plain = commits::plain(story.fresh(), Some(&bob()), "answer");
        let client_id = Some(crate::cast::client_id("op"));
        chat_core::store::Post { reply_to: Some(first.id), client_id, ..plain }
    };
    let metadata = serde_json::json!({"a": [1, {"b": null}]}).as_object().cloned();
    let id = reply.id;
    let reply = chat_core::store::Post { metadata: metadata.clone(), ..reply };
    story.apply(story.writes([chat_core::store::Write::Post(Box::new(reply))]).by(&bob())).await;
    let read = async |user: &UserId| {
        let alone = store.message(Viewer::User(user), id).await.expect("the store answers").expect("in the room");
        assert_eq!(
            page(&story, Viewer::User(user), Window::After(1), ALL).await.messages,
            std::slice::from_ref(&alone)
        );
        alone
    };
    let posted = read(&alice()).await;
    assert_eq!((posted.version, posted.edited_at, posted.seq), (None, None, 2));
    assert_eq!((posted.reply_to, &posted.metadata), (Some(first.id), &metadata));
    let edited = story.edits(&bob(), id, "another").await;
    assert_eq!(edited, read(&alice()).await);
    assert_eq!((edited.version, edited.edited_at), (Some(2), Some(story.head().await.last_at)));
    assert_eq!((&edited.metadata, edited.created_at), (&metadata, posted.created_at));
    assert_eq!(story.edits(&bob(), id, "a third").await.version, Some(3));
    let without = chat_core::store::Edit { id, content: None, metadata: Some(None), attachments: None };
    story.apply(story.writes([chat_core::store::Write::Edit(Box::new(without))])).await;
    let edited = read(&alice()).await;
    assert_eq!((edited.content.as_deref(), edited.metadata), (Some("a third"), None));
    let deleted = story.deletes(&alice(), id).await;
    assert_eq!(deleted, read(&bob()).await);
    let expected = Message {
        rev: deleted.rev,
        deleted_at: Some(story.head().await.last_at),
        deleted_by: Some(alice()),
        content: None,
        metadata: None,
        reply_to: None,
        ..posted
    };
    assert_eq!(deleted, expected);
    assert!(!format!("{:?}", crate::picture(&*store, &[alice(), bob()]).await).contains("a third"), "it is nowhere");
}
