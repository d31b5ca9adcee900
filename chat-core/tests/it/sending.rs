//! Messages: posting, repeating, editing, deleting, paging.

use std::sync::Arc;

use chat_core::{
    Attachment, Code, CreateRoom, EditMessage, Engine, Error, MemoryStore, Message, MessageType, Metadata, Options,
    Page, SendMessage, Timestamp, UpdateRoom, Window,
};
use serde_json::json;

use crate::stage::{Hands, Stage, user};

#[tokio::test]
async fn messages_are_numbered_in_the_order_of_their_author() {
    let s = Stage::new().await;
    for n in 1..=5 {
        assert_eq!(s.says("ann", &format!("m{n}")).await.seq, n);
    }
    let page = s.of("ben").history(s.room, Window::Latest, None).await.unwrap();
    assert_eq!(page.results.iter().map(|m| m.seq).collect::<Vec<_>>(), [5, 4, 3, 2, 1]);
    assert_eq!(page.next, None);
}

#[tokio::test]
async fn a_repeated_send_returns_the_first_and_other_content_is_a_conflict() {
    let s = Stage::new().await;
    let named = |text: &str| SendMessage::text(text).with_client_id("op-1".parse().unwrap());
    let first = s.of("ann").send(s.room, named("hi")).await.unwrap();
    let again = s.of("ann").send(s.room, named("hi")).await.unwrap();
    assert!(!first.duplicate && again.duplicate);
    assert_eq!(first.message, again.message);
    let other = s.of("ann").send(s.room, named("ho")).await.unwrap_err();
    assert_eq!(other, Error::OperationConflict);
    // Names are scoped to their sender: ben's op-1 is another one.
    assert!(!s.of("ben").send(s.room, named("ho")).await.unwrap().duplicate);
}

#[tokio::test]
async fn concurrent_repeats_all_get_the_first_result() {
    let s = Stage::new().await;
    let sends = (0..50).map(|_| {
        let ann = s.of("ann");
        async move { ann.send(s.room, SendMessage::text("hi").with_client_id("op".parse().unwrap())).await.unwrap() }
    });
    let sent = futures_util::future::join_all(sends).await;
    assert_eq!(sent.iter().filter(|sent| !sent.duplicate).count(), 1);
    assert!(sent.iter().all(|other| other.message.seq == 1));
}

#[tokio::test]
async fn a_repeat_succeeds_where_the_room_was_frozen_since() {
    let s = Stage::new().await;
    let send = SendMessage::text("hi").with_client_id("op".parse().unwrap());
    s.of("ann").send(s.room, send.clone()).await.unwrap();
    let frozen = chat_core::UpdateRoom { state: Some(chat_core::RoomState::Frozen), ..Default::default() };
    s.host().update_room(s.room, frozen).await.unwrap();
    assert!(s.of("ann").send(s.room, send).await.unwrap().duplicate);
    let new = s.of("ann").send(s.room, SendMessage::text("ho")).await.unwrap_err();
    assert_eq!(new.code(), Code::Forbidden);
}

#[tokio::test]
async fn only_the_author_edits_and_an_edit_counts_its_versions() {
    let s = Stage::new().await;
    let message = s.says("ann", "helo").await;
    let denied = s.of("ben").edit(EditMessage::text(message.id, "mine")).await.unwrap_err();
    assert_eq!(denied.code(), Code::Forbidden);
    let edited = s.of("ann").edit(EditMessage::text(message.id, "hello")).await.unwrap();
    assert_eq!((edited.content.as_deref(), edited.version), (Some("hello"), Some(2)));
    assert!(edited.edited_at.is_some() && edited.rev > message.rev && edited.seq == message.seq);
}

#[tokio::test]
async fn a_deleted_message_keeps_its_place_and_nothing_else() {
    let s = Stage::new().await;
    let message = s.says("ann", "secret").await;
    let gone = s.of("ann").delete(message.id).await.unwrap();
    assert_eq!((gone.seq, gone.content.clone(), gone.deleted_by.clone()), (1, None, Some(user("ann"))));
    assert_eq!(s.of("ann").delete(message.id).await.unwrap(), gone, "deleting twice is fine");
    let edit = s.of("ann").edit(EditMessage::text(message.id, "back")).await.unwrap_err();
    assert_eq!(edit.code(), Code::Conflict);
    let json = serde_json::to_string(&s.of("ben").message(message.id).await.unwrap()).unwrap();
    assert!(!json.contains("secret"), "{json}");
}

#[tokio::test]
async fn answers_stay_in_their_room() {
    let s = Stage::new().await;
    let other = s.host().create_room(chat_core::CreateRoom::group().with(user("cat"))).await.unwrap().info.id;
    let hidden = s.of("cat").send(other, SendMessage::text("private")).await.unwrap().message;
    let error = s.of("ann").send(s.room, SendMessage::text("re").in_reply_to(hidden.id)).await.unwrap_err();
    assert_eq!(error, Error::NotFound { what: "reply_to" });
    let own = s.says("ann", "q").await;
    let answer = s.of("ben").send(s.room, SendMessage::text("a").in_reply_to(own.id)).await.unwrap();
    assert_eq!(answer.message.reply_to, Some(own.id));
}

#[tokio::test]
async fn only_the_host_posts_system_messages_and_for_others() {
    let s = Stage::new().await;
    let system = SendMessage::system("The job was moved");
    assert_eq!(s.of("ann").send(s.room, system.clone()).await.unwrap_err().code(), Code::Forbidden);
    let note = s.host().send(s.room, system).await.unwrap().message;
    assert_eq!((note.sender.clone(), note.message_type), (None, MessageType::System));
    let forged = SendMessage::text("x").on_behalf_of(user("ann"));
    assert_eq!(s.of("ben").send(s.room, forged.clone()).await.unwrap_err().code(), Code::Forbidden);
    assert_eq!(s.host().send(s.room, forged).await.unwrap().message.sender, Some(user("ann")));
    assert_eq!(s.unread("ben").await, 1, "a system message is never unread");
}

#[tokio::test]
async fn pages_go_both_ways_and_around() {
    let s = Stage::new().await;
    for n in 1..=20 {
        s.says("ann", &n.to_string()).await;
    }
    let ben = s.of("ben");
    let seqs =
        |page: chat_core::Page<chat_core::Message>| (page.results.iter().map(|m| m.seq).collect::<Vec<_>>(), page.next);
    let page = |window, limit| ben.history(s.room, window, Some(limit));
    assert_eq!(seqs(page(Window::Before(10), 3).await.unwrap()), (vec![9, 8, 7], Some("7".into())));
    assert_eq!(seqs(page(Window::After(18), 3).await.unwrap()), (vec![19, 20], None));
    assert_eq!(seqs(page(Window::Around(10), 4).await.unwrap()).0, [8, 9, 10, 11]);
    assert_eq!(page(Window::Latest, 100_000).await.unwrap().results.len(), 20);
    assert_eq!(page(Window::Latest, 0).await.unwrap().results.len(), 1, "clamped, never refused");
}

#[tokio::test]
async fn a_rooms_time_and_its_ids_never_run_backwards_whatever_the_clock_does() {
    let clock = Arc::new(Hands::at(1_000_000));
    let options = Options { clock: Arc::clone(&clock) as _, ..Options::default() };
    let store = Arc::new(MemoryStore::default());
    let s = Stage::over(store.clone(), options.clone(), CreateRoom::group().with(user("ann"))).await;
    let mut said = Vec::new();
    for at in [2_000_000, 1_000, i64::MIN, 2_000_001, 3_000_000, 2_500_000] {
        clock.turn(at);
        said.push(s.says("ann", "tick").await);
    }
    assert!(said.is_sorted_by_key(|message| (message.created_at, message.id, message.seq)));
    let edited = s.of("ann").edit(EditMessage::text(said[0].id, "tock")).await.unwrap();
    assert_eq!(edited.edited_at, Some(Timestamp::from_millis(3_000_000)));
    assert_eq!(s.of("ann").rooms(None, None).await.unwrap().results[0].last_seq, 6);
    // Nor does it matter if the clock was set back while nothing ran.
    clock.turn(1_000);
    let again = Engine::open(store, options).session(&user("ann"));
    let next = again.send(s.room, SendMessage::text("tick")).await.unwrap().message;
    assert!(said[5].id < next.id && said[5].created_at <= next.created_at);
}

#[tokio::test]
async fn an_edit_takes_words_away_only_where_something_else_is_left() {
    let s = Stage::new().await;
    let ann = s.of("ann");
    let file: Attachment =
        serde_json::from_value(json!({"name": "a.png", "content_type": "image/png", "size": 1, "url": "/a.png"}))
            .unwrap();
    let image =
        SendMessage { message_type: MessageType::Image, attachments: vec![file], ..SendMessage::text("the hall") };
    let image = ann.send(s.room, image).await.unwrap().message;
    let bare = ann.edit(EditMessage::text(image.id, "")).await.unwrap();
    assert_eq!((bare.content.as_deref(), bare.attachments.len()), (Some(""), 1));

    let metadata = serde_json::from_value(json!({"offer": 1})).unwrap();
    let custom = SendMessage { message_type: MessageType::Custom, metadata: Some(metadata), ..SendMessage::default() };
    let custom = ann.send(s.room, custom).await.unwrap().message;
    let text = s.says("ann", "x").await;
    let without = |id| EditMessage { content: None, ..EditMessage::text(id, "") };
    for edit in [
        EditMessage { attachments: Some(Vec::new()), ..without(image.id) },
        EditMessage { metadata: Some(None), ..without(custom.id) },
        EditMessage::text(text.id, ""),
    ] {
        let error = ann.edit(edit.clone()).await.unwrap_err();
        assert_eq!(error.to_string(), "`content` must not be blank", "{edit:?}");
    }
}

#[tokio::test]
async fn a_page_of_large_messages_is_shorter_and_leads_on_all_the_same() {
    const MOST: usize = 5 * 1024 * 1024;
    let s = Stage::new().await;
    let metadata: Metadata = serde_json::from_value(json!({"x": "y".repeat(8_000)})).unwrap();
    let file: Attachment = serde_json::from_value(
        json!({"name": "a", "content_type": "image/png", "size": 1, "url": "/a", "x": "y".repeat(8_000)}),
    )
    .unwrap();
    for n in 0..100 {
        let text = format!("{n} {}", "x".repeat(16_000));
        let large = SendMessage {
            metadata: Some(metadata.clone()),
            attachments: vec![file.clone(); 10],
            ..SendMessage::text(text)
        };
        s.of("ann").send(s.room, large).await.unwrap();
    }
    let size = |page: &Page<Message>| serde_json::to_vec(page).unwrap().len();

    let (mut seen, mut window) = (Vec::new(), Window::Latest);
    loop {
        let page = s.of("ben").history(s.room, window, Some(200)).await.unwrap();
        assert!(size(&page) < MOST && !page.results.is_empty());
        seen.extend(page.results.iter().map(|message| message.seq));
        let Some(next) = page.next else { break };
        window = Window::Before(next.parse().unwrap());
    }
    assert_eq!(seen, (1..=100).rev().collect::<Vec<_>>());

    let around = s.of("ben").history(s.room, Window::Around(50), Some(200)).await.unwrap();
    assert!(size(&around) < MOST && around.results.iter().any(|message| message.seq == 50));

    let (mut seen, mut after) = (0, None);
    loop {
        let page = s.of("ben").messages(after.as_deref(), Some(200)).await.unwrap();
        assert!(size(&page) < MOST && !page.results.is_empty());
        seen += page.results.len();
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, 100);
}

/// An object for each level: five bytes of JSON, and hundreds of memory.
fn bomb(levels: usize, times: usize) -> Metadata {
    let chain = (1..levels).fold(json!({}), |inner, _| json!({ "": inner }));
    Metadata::from_iter([("a".to_owned(), vec![chain; times].into())])
}

#[tokio::test]
async fn small_json_that_takes_much_memory_is_refused_wherever_it_stands() {
    let s = Stage::new().await;
    let refused = |error: Error| assert_eq!(error.to_string(), "`metadata` must not hold more than 512 values");
    let much = bomb(60, 26);
    assert!(serde_json::to_vec(&much).unwrap().len() < 8 * 1024);
    let file: Attachment =
        serde_json::from_value(json!({"name": "a", "content_type": "image/png", "size": 1, "url": "/a"})).unwrap();
    let some = |times| Some(bomb(60, times));
    let image = |metadata, more| SendMessage {
        message_type: MessageType::Image,
        metadata,
        attachments: vec![Attachment { more, ..file.clone() }],
        ..SendMessage::default()
    };
    let ann = s.of("ann");
    refused(ann.send(s.room, image(None, much.clone())).await.unwrap_err());
    refused(ann.send(s.room, image(some(5), bomb(60, 5))).await.unwrap_err());
    let sent = ann.send(s.room, image(some(4), bomb(60, 4))).await.unwrap().message;
    // What an edit leaves counts as well.
    let edit = EditMessage { metadata: Some(some(5)), ..EditMessage::text(sent.id, "more") };
    refused(ann.edit(edit).await.unwrap_err());
    ann.edit(EditMessage { metadata: Some(some(3)), ..EditMessage::text(sent.id, "less") }).await.unwrap();
    refused(ann.create_room(CreateRoom { metadata: Some(much.clone()), ..CreateRoom::group() }).await.unwrap_err());
    let update = UpdateRoom { metadata: Some(Some(much)), ..UpdateRoom::default() };
    refused(s.host().update_room(s.room, update).await.unwrap_err());
}

#[tokio::test]
async fn a_page_counts_what_its_json_takes_in_memory() {
    let s = Stage::new().await;
    for _ in 0..40 {
        let dear = SendMessage { metadata: Some(bomb(60, 8)), ..SendMessage::text("x") };
        s.of("ann").send(s.room, dear).await.unwrap();
    }
    let page = s.of("ben").history(s.room, Window::Latest, Some(40)).await.unwrap();
    assert!(page.results.len() < 20 && page.next.is_some(), "{}", page.results.len());
}

#[tokio::test]
async fn the_name_of_what_the_host_sends_for_somebody_is_theirs() {
    let s = Stage::new().await;
    let named = |text: &str| SendMessage::text(text).with_client_id("c1".parse().unwrap());
    let host = s.host();
    let for_ann = host.send(s.room, named("hi").on_behalf_of(user("ann"))).await.unwrap();
    let for_ben = host.send(s.room, named("ho").on_behalf_of(user("ben"))).await.unwrap();
    assert!(!for_ann.duplicate && !for_ben.duplicate);
    // Whoever repeats it, they themselves or the host, gets the first result.
    let again = s.of("ann").send(s.room, named("hi")).await.unwrap();
    assert_eq!((again.duplicate, again.message.id), (true, for_ann.message.id));
    let own = SendMessage::text("mine").with_client_id("c2".parse().unwrap());
    let sent = s.of("ann").send(s.room, own.clone()).await.unwrap().message;
    let repeated = host.send(s.room, own.clone().on_behalf_of(user("ann"))).await.unwrap();
    assert_eq!((repeated.duplicate, repeated.message.id), (true, sent.id));
    // Nobody else finds out what it stands for.
    let probe = own.on_behalf_of(user("ann"));
    assert_eq!(s.of("ben").send(s.room, probe).await.unwrap_err().code(), Code::Forbidden);
    assert_eq!(s.texts().await, ["hi", "ho", "mine"]);
}
