//! The permission matrix: everything that can be asked for, by everybody, in every room, is answered as the permission
//! table says. What somebody may not know of is answered as if it were not there.

mod cast;
mod rows;

use std::collections::BTreeSet;

use chat_core::{RoomKind, RoomState, wire::ACTIONS};
use serde_json::Value;

use crate::{
    events::Events,
    stage::{Stage, token},
    wire::{Reply, request},
};

use cast::{Caller, HUSH, OLD, Place};
use rows::{Needs, ROWS, Row, Verdict, WRONG};

/// Names nothing.
const MISSING: &str = "0190a1b2-0000-7000-8000-000000000000";

fn of_frame(answer: &Value) -> Verdict {
    match answer["code"].as_str() {
        // Opening a room that is not there is no error; the answer says so.
        None if answer["ok"]["rooms"][0]["gone"] == true => Verdict::NotFound,
        None => Verdict::Allowed,
        Some("forbidden") => Verdict::Forbidden,
        Some("not_found") => Verdict::NotFound,
        Some("unauthorized") => Verdict::Unauthorized,
        Some(other) => panic!("{other}: {answer}"),
    }
}

fn of_reply(reply: &Reply) -> Verdict {
    match reply.status {
        200 | 201 | 204 => Verdict::Allowed,
        401 => Verdict::Unauthorized,
        403 => Verdict::Forbidden,
        404 => Verdict::NotFound,
        _ => panic!("{reply:?}"),
    }
}

/// Asks for everything, as everybody, in rooms of a kind; frozen ones and archived ones are closed alike.
async fn in_rooms_of(kind: RoomKind, closed: RoomState) {
    let s = Stage::new().await;
    let mut asked = 0;
    for state in [RoomState::Open, closed] {
        for caller in Caller::of(kind) {
            let mut place = Place::new(&s, caller, kind, state).await;
            for row in &ROWS {
                if !place.has(row) {
                    continue;
                }
                let expected = row.needs.of(caller, kind, state);
                let changes = matches!(row.needs, Needs::Room(rule) if rule.changes) && expected == Verdict::Allowed;
                let told = |text: &str| {
                    let hidden = if caller.is_outside() { HUSH } else { OLD };
                    let is_hidden = caller.is_outside() || caller == Caller::Newcomer;
                    assert!(!is_hidden || !text.contains(hidden), "{caller:?} {}: is told {text}", row.says);
                };
                if let Some(frame) = place.on_the_socket(row).await {
                    told(&frame.to_string());
                    assert_eq!(of_frame(&frame), expected, "{caller:?} {} in a {state:?} {kind:?}: {frame}", row.says);
                    asked += 1;
                    if changes {
                        place.rebuild().await;
                    }
                }
                if let Some(reply) = place.over_http(row).await {
                    told(&reply.body);
                    assert_eq!(
                        of_reply(&reply),
                        expected,
                        "{caller:?} {} in a {state:?} {kind:?}: {reply:?}",
                        row.says
                    );
                    asked += 1;
                    if changes {
                        place.rebuild().await;
                    }
                }
            }
        }
    }
    println!("{asked} questions in rooms of kind {kind:?}");
    assert!(asked > 500, "{asked} questions were asked");
    s.stop().await;
}

#[tokio::test]
async fn a_group_gives_everybody_what_the_table_says() {
    in_rooms_of(RoomKind::Group, RoomState::Archived).await;
}

#[tokio::test]
async fn a_channel_gives_everybody_what_the_table_says() {
    in_rooms_of(RoomKind::Channel, RoomState::Frozen).await;
}

#[tokio::test]
async fn a_direct_room_gives_everybody_what_the_table_says() {
    in_rooms_of(RoomKind::Direct, RoomState::Frozen).await;
}

/// What an answer is, without what names the question.
fn bare(reply: &Reply) -> String {
    let head = reply.head.lines().filter(|line| !line.to_lowercase().starts_with("date:"));
    format!("{}\n\n{}", head.collect::<Vec<_>>().join("\n"), reply.body)
}

#[tokio::test]
async fn what_is_hidden_and_what_is_missing_are_answered_alike_to_the_last_byte() {
    let s = Stage::new().await;
    for caller in [Caller::Stranger, Caller::Left, Caller::Kicked, Caller::Banned] {
        let mut place = Place::new(&s, caller, RoomKind::Group, RoomState::Open).await;
        let key = place.value("$key").to_owned();
        for (hidden, missing) in [(place.value("$room").to_owned(), MISSING), (key, "job:none")] {
            for row in ROWS.iter().chain(&WRONG).filter(|row| matches!(row.needs, Needs::Room(_))) {
                alike(&mut place, row, &[("$room", hidden.clone(), missing)]).await;
            }
        }
        let tims = place.value("$tims").to_owned();
        for row in ROWS.iter().chain(&WRONG).filter(|row| row.names("$tims")) {
            alike(&mut place, row, &[("$tims", tims.clone(), MISSING)]).await;
        }
    }
    // In a room that one is in: what was said before one came.
    let mut place = Place::new(&s, Caller::Newcomer, RoomKind::Group, RoomState::Open).await;
    let tims = place.value("$tims").to_owned();
    for row in ROWS.iter().chain(&WRONG).filter(|row| row.names("$tims")) {
        alike(&mut place, row, &[("$tims", tims.clone(), MISSING)]).await;
    }
    s.stop().await;
}

/// Asks for the same of what is hidden and of what is missing.
async fn alike(place: &mut Place<'_>, row: &Row, names: &[(&'static str, String, &'static str)]) {
    let mut answers = Vec::new();
    for missing in [false, true] {
        for (name, hidden, none) in names {
            place.rename(name, if missing { (*none).to_owned() } else { hidden.clone() });
        }
        let frame = place.on_the_socket(row).await.map(|frame| {
            let named = names.iter().map(|(_, hidden, none)| if missing { none } else { hidden.as_str() });
            named.fold(frame.to_string(), |frame, name| frame.replace(name, "$"))
        });
        answers.push((frame, place.over_http(row).await.as_ref().map(bare)));
    }
    for (name, hidden, _) in names {
        place.rename(name, hidden.clone());
    }
    assert_eq!(answers[0], answers[1], "{}", row.says);
}

#[tokio::test]
async fn a_rooms_socket_and_stream_open_to_those_in_the_room_and_are_missing_to_all_others() {
    let s = Stage::new().await;
    for caller in Caller::ALL.into_iter().filter(|caller| !matches!(caller, Caller::Nobody | Caller::Host)) {
        let place = Place::new(&s, caller, RoomKind::Group, RoomState::Open).await;
        let job = place.value("$key").strip_prefix("job:").unwrap();
        let opened = s.opens(&format!("/ws/job_chat/{job}/"), &token(&place.me)).await;
        match opened {
            Ok(mut peer) => {
                assert!(!caller.is_outside(), "{caller:?} came in");
                peer.until("ready").await;
            }
            Err(hidden) => {
                let missing = s.opens("/ws/job_chat/none/", &token(&place.me)).await.unwrap_err();
                assert_eq!((hidden.status, caller.is_outside()), (404, true), "{caller:?}");
                assert_eq!(bare(&hidden), bare(&missing), "{caller:?}");
            }
        }
        match Events::open(&s, &format!("/events/job_chat/{job}/"), &token(&place.me)).await {
            Ok(mut events) => {
                assert!(!caller.is_outside(), "{caller:?} came in");
                events.until("ready").await;
            }
            Err(hidden) => {
                let missing = Events::open(&s, "/events/job_chat/none/", &token(&place.me)).await.err().unwrap();
                assert_eq!((hidden.status, caller.is_outside()), (404, true), "{caller:?}");
                assert_eq!(bare(&hidden), bare(&missing), "{caller:?}");
            }
        }
    }
    s.stop().await;
}

#[tokio::test]
async fn every_action_and_every_path_has_its_row() {
    let actions: BTreeSet<_> = ROWS.iter().filter_map(|row| row.socket).collect();
    assert_eq!(actions, BTreeSet::from(ACTIONS), "the socket's actions, and those with a row");

    let s = Stage::new().await;
    let document = request(s.address, "GET", "/api/openapi.json", &[], b"").await.json();
    let mut served = BTreeSet::new();
    // A connection is no question: to whom one opens is shown above, and who reaches one in `streaming.rs`.
    let questions = document["paths"].as_object().unwrap().iter().filter(|(path, _)| !path.starts_with("/events/"));
    for (path, methods) in questions {
        let path = path.replace("{user_id}", "*").replace("{id}", "*");
        served.extend(methods.as_object().unwrap().keys().map(|method| (method.to_uppercase(), path.clone())));
    }
    let starred = |part: &str| if part.starts_with('$') { "*".to_owned() } else { part.to_owned() };
    let paths = ROWS.iter().filter_map(|row| row.http).map(|(method, path)| {
        let path = path.split('?').next().unwrap().split('/').map(starred).collect::<Vec<_>>().join("/");
        (method.to_owned(), path)
    });
    assert_eq!(paths.collect::<BTreeSet<_>>(), served, "the paths with a row, and those of the document");
    s.stop().await;
}
