//! Everything that can be read of a store, as text that can be compared.

use std::fmt::{Debug, Write as _};

use chat_core::{
    Cursor, RoomId, Store, UserId, Window,
    store::{CatchUpLimits, RoomSelector, Viewer},
};

/// More than any test has of anything, and small enough to be added to.
pub(crate) const ALL: usize = 1 << 20;

/// The limits of a catch-up that leaves nothing out.
pub(crate) const WHOLE: CatchUpLimits = CatchUpLimits { changes: ALL, messages: ALL, members: ALL, bytes: ALL };

/// From how many positions of each room the picture catches up, about.
const POSITIONS: usize = 4;

/// What the host and each of `users` can read of a store: one line for each thing.
///
/// Two stores with the same epoch and hashes that were told the same have the same picture.
///
/// # Panics
/// If the store fails.
pub async fn picture(store: &dyn Store, users: &[UserId]) -> String {
    let rooms = store.rooms(Viewer::Host, None, ALL).await.expect("the store lists its rooms");
    let mut text = String::new();
    for row in &rooms {
        let view = store.view(&RoomSelector::Id(row.room.id), users).await.expect("the store shows the room");
        put(&mut text, "stored", row.room.id, &view);
    }
    for viewer in std::iter::once(Viewer::Host).chain(users.iter().map(Viewer::User)) {
        let who = match viewer {
            Viewer::Host => "the host",
            Viewer::User(user) => user.as_str(),
        };
        let mine = store.rooms(viewer, None, ALL).await.expect("the store lists rooms");
        mine.iter().for_each(|row| put(&mut text, who, "rooms", row));
        let messages = store.messages(viewer, None, ALL).await.expect("the store lists messages");
        messages.iter().for_each(|message| put(&mut text, who, "messages", message));
        if let Viewer::User(user) = viewer {
            put(&mut text, who, "unread", store.unread(user).await.expect("the store counts"));
        }
        for row in &rooms {
            one_room(store, viewer, row.room.id, who, &mut text).await;
        }
    }
    text
}

async fn one_room(store: &dyn Store, viewer: Viewer<'_>, room: RoomId, who: &str, text: &mut String) {
    let who = format!("{who} in {room}");
    let row = store.room(viewer, &RoomSelector::Id(room)).await.expect("the store shows the room");
    put(text, &who, "room", row);
    let history =
        store.history(viewer, &RoomSelector::Id(room), Window::After(0), ALL).await.expect("the store has a history");
    for message in history.iter().flat_map(|history| &history.messages) {
        put(text, &who, "history", message);
        put(text, &who, "alone", store.message(viewer, message.id).await.expect("the store has the message"));
        put(text, &who, "read by", store.readers(viewer, message.id, None, ALL).await.expect("the store has readers"));
    }
    let people = store.participants(viewer, room, None, ALL).await.expect("the store has participants");
    people.iter().flatten().for_each(|member| put(text, &who, "participants", member));
    let since = std::iter::once(None).chain(positions(store, room, POSITIONS).await.into_iter().map(Some));
    let since: Vec<_> = since.map(|since| (room, since)).collect();
    let missed = store.catch_up(viewer, &since, WHOLE).await.expect("the store catches up");
    for ((_, since), missed) in since.iter().zip(missed) {
        put(text, &who, format_args!("missed since {:?}", since.map(|since| since.rev)), missed);
    }
}

/// Positions of a room from its beginning to its end: about `number` of them, evenly spaced, or all.
pub(crate) async fn positions(store: &dyn Store, room: RoomId, number: usize) -> Vec<Cursor> {
    let mut positions = vec![Cursor { epoch: store.epoch(), rev: 0, chain: 0 }];
    let row = store.room(Viewer::Host, &RoomSelector::Id(room)).await.expect("the store shows the room");
    let Some(end) = row.map(|row| row.room.last_rev) else { return positions };
    let changes = usize::try_from(end).unwrap_or(ALL).div_ceil(number).max(1);
    let limits = CatchUpLimits { changes, ..WHOLE };
    while let Some(since) = positions.last().filter(|last| last.rev < end) {
        let step = store.catch_up(Viewer::Host, &[(room, Some(*since))], limits).await.expect("the store catches up");
        let after = step.into_iter().flatten().next().expect("the room is there").cursor;
        assert!(after.rev > since.rev, "a step of catching up leads from {} to {}", since.rev, after.rev);
        positions.push(after);
    }
    positions
}

fn put(text: &mut String, who: &str, what: impl std::fmt::Display, thing: impl Debug) {
    writeln!(text, "{who}, {what}: {thing:?}").expect("a string takes every text");
}

/// Where two pictures part: the first lines that are not the same, or nothing.
pub fn difference(one: &str, other: &str) -> Option<String> {
    let (mut ones, mut others) = (one.lines(), other.lines());
    loop {
        match (ones.next(), others.next()) {
            (None, None) => return None,
            (one, other) if one == other => {}
            (one, other) => {
                return Some(format!("  one: {}\nother: {}", one.unwrap_or("(its end)"), other.unwrap_or("(its end)")));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_lines_that_differ_are_shown() {
        assert_eq!(difference("a\nb", "a\nb"), None);
        assert_eq!(difference("a\nb\nc", "a\nx\nc"), Some("  one: b\nother: x".to_owned()));
        assert_eq!(difference("a", "a\nb"), Some("  one: (its end)\nother: b".to_owned()));
    }
}
