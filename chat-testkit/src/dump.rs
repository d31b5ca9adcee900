//! A room as text for people: what tests keep as the golden outcome of a story.

use std::fmt::Write as _;

use chat_core::{
    Member, Message, MessageType, Room, RoomId, Store, Window,
    store::{RoomSelector, Viewer},
};

use crate::picture::ALL;

/// What has become of a room: its head, who is in it, and what was said. Without ids, hashes and times, so that it is
/// the same for every store.
///
/// ```
/// # use std::sync::Arc;
/// # use chat_core::{MemoryStore, Store};
/// # use chat_testkit::{Story, cast::{alice, bob}};
/// # chat_testkit::run(async {
/// let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
/// let story = Story::begin(&store, &[bob()]).await;
/// let hello = story.says(&alice(), "Hello").await;
/// story.edits(&alice(), hello.id, "Hello Bob").await;
/// story.notes("The job was moved to Friday").await;
/// assert_eq!(story.dump().await, "\
/// Group, Open: 2 members, 2 messages, 6 changes
/// alice: Owner, read 1, delivered 1, marker 1, unread from 2
/// bob: Member, read 0, delivered 0, marker 0, unread from 1
/// 1 alice: \"Hello Bob\" (version 2)
/// 2 System: \"The job was moved to Friday\"
/// ");
/// # });
/// ```
///
/// # Panics
/// If the store fails.
pub async fn dump(store: &dyn Store, room: RoomId) -> String {
    let view = store.view(&RoomSelector::Id(room), &[]).await.expect("the store shows the room");
    let Some(view) = view else { return "no such room\n".to_owned() };
    let mut text = head(&view.room);
    let people = store.participants(Viewer::Host, room, None, ALL).await.expect("the store has participants");
    people.iter().flatten().for_each(|member| one_member(member, &mut text));
    let history = store
        .history(Viewer::Host, &RoomSelector::Id(room), Window::After(0), ALL)
        .await
        .expect("the store has a history");
    history.iter().flat_map(|history| &history.messages).for_each(|message| one_message(message, &mut text));
    text
}

fn head(room: &Room) -> String {
    let Room { kind, state, members, last_seq, last_rev, .. } = room;
    let name = room.name.as_ref().map(|name| format!("{name:?}, ")).unwrap_or_default();
    format!("{name}{kind:?}, {state:?}: {members} members, {last_seq} messages, {last_rev} changes\n")
}

fn one_member(member: &Member, text: &mut String) {
    let Member { user, role, read_seq, delivered_seq, marker_seq, visible_from, .. } = member;
    let sees = if *visible_from > 1 { format!(", sees from {visible_from}") } else { String::new() };
    let from = member.unread_floor() + 1;
    let line = format_args!(
        "{user}: {role:?}, read {read_seq}, delivered {delivered_seq}, marker {marker_seq}, unread from {from}{sees}"
    );
    writeln!(text, "{line}").expect("a string takes every text");
}

fn one_message(message: &Message, text: &mut String) {
    let who = match (&message.sender, message.message_type) {
        (Some(sender), MessageType::Text) => sender.to_string(),
        (Some(sender), other) => format!("{sender}, {other:?}"),
        (None, other) => format!("{other:?}"),
    };
    let what = match &message.content {
        Some(content) => format!("{content:?}"),
        None => message.deleted_by.as_ref().map_or("(deleted)".to_owned(), |by| format!("(deleted by {by})")),
    };
    let version = message.version.map(|version| format!(" (version {version})")).unwrap_or_default();
    writeln!(text, "{} {who}: {what}{version}", message.seq).expect("a string takes every text");
}
