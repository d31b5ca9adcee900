//! Somebody in five thousand rooms: their list, what is unread in all of it, opening all rooms, and coming back.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::{http::Client, load::Sockets, message, spread::Times, token};

use super::{
    Scale,
    host::{Host, ask},
    seat, within,
};

/// Rooms named in one command: as many as may be.
const BATCH: usize = 100;

/// How many rooms change while they are away.
const CHANGED: usize = 10;

/// By how much the server may grow for it, in MiB.
const MOST_MIB: f64 = 64.0;

pub(super) fn run(scale: &Scale) -> Result<()> {
    let rooms = scale.of(5_000, 150);
    let host = Host::start(scale, "many", &[])?;
    let begun = Instant::now();
    make(&host, rooms)?;
    println!("many: {rooms} rooms with one message each, made in {:.1} s", begun.elapsed().as_secs_f64());
    let before = host.vitals()?;
    list(&host, rooms)?;

    let (mut sockets, came) = Sockets::open(host.address, &[seat("/ws/", "everywhere", None)], Duration::from_mins(1))?;
    let begun = Instant::now();
    let mut cursors: HashMap<String, String> = HashMap::new();
    let all: Vec<_> = (0..rooms).map(|n| json!({ "room": format!("job:{n}") })).collect();
    for opened in subscribe(&mut sockets, &all)? {
        ensure!(opened["snapshot"].is_object(), "a room opened for the first time has no snapshot");
        cursors.insert(text(&opened["room"])?, text(&opened["cursor"])?);
    }
    println!(
        "many: the socket is in after {:.1} ms; {rooms} rooms opened {BATCH} at a time after {:.2} s",
        came.as_secs_f64() * 1e3,
        begun.elapsed().as_secs_f64()
    );
    ensure!(cursors.len() == rooms, "{} rooms were opened", cursors.len());
    let heard = hear(&host, &mut sockets, &mut cursors, rooms)?;
    println!(
        "many: a message in each room: all heard once, p50 {}, p99 {} after the send",
        within(&heard, 0.5),
        within(&heard, 0.99)
    );

    leave(&host, sockets)?;
    for room in 0..CHANGED {
        write(&mut other(&host)?, room)?;
    }
    let (mut sockets, _) = Sockets::open(host.address, &[seat("/ws/", "everywhere", None)], Duration::from_mins(1))?;
    let begun = Instant::now();
    let back: Vec<_> = cursors.iter().map(|(room, cursor)| json!({ "room": room, "cursor": cursor })).collect();
    let opened = subscribe(&mut sockets, &back)?;
    let took = begun.elapsed();
    let same = opened.iter().filter(|opened| opened["same"] == true).count();
    let changes: usize = opened.iter().filter_map(|opened| opened["changes"].as_array()).map(Vec::len).sum();
    let grown = host.vitals()?.kib.saturating_sub(before.kib) as f64 / 1024.0;
    println!(
        "many: back after {:.2} s: {same} rooms the same, {changes} changes; the server grew by {grown:.1} MiB (at most \
         {MOST_MIB})",
        took.as_secs_f64()
    );
    ensure!((same, changes) == (rooms - CHANGED, CHANGED), "{same} rooms the same, {changes} changes");
    ensure!(grown <= MOST_MIB, "the server grew by {grown:.1} MiB");
    Ok(())
}

/// Makes the rooms, with one message in each by somebody else.
fn make(host: &Host, rooms: usize) -> Result<()> {
    let mut service = Client::connect(host.address, &token::of_service())?;
    let mut writer = other(host)?;
    for room in 0..rooms {
        let body = json!({ "key": format!("job:{room}"), "participants": ["everywhere", "other"] });
        ask(&mut service, "POST", "/api/chatrooms/", &body)?;
        write(&mut writer, room)?;
    }
    Ok(())
}

fn other(host: &Host) -> Result<Client> {
    Client::connect(host.address, &token::of_user("other"))
}

fn write(writer: &mut Client, room: usize) -> Result<()> {
    let path = format!("/api/chatrooms/job:{room}/send_message/");
    ask(writer, "POST", &path, &json!({ "content": message::text(0, room as u64) })).map(drop)
}

/// The whole list, page by page, and what is unread in it.
fn list(host: &Host, rooms: usize) -> Result<()> {
    let mut reader = Client::connect(host.address, &token::of_user("everywhere"))?;
    let (mut listed, mut unread, mut cursor, mut times) = (0, 0, String::new(), Times::default());
    let begun = Instant::now();
    loop {
        let asked = Instant::now();
        let page = ask(&mut reader, "GET", &format!("/api/chatrooms/?limit=200{cursor}"), &Value::Null)?;
        times.add(asked.elapsed());
        let results = page["results"].as_array().context("a page has results")?;
        listed += results.len();
        unread += results.iter().filter_map(|room| room["unread_count"].as_u64()).sum::<u64>();
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    println!(
        "many: the list with {unread} unread in all, 200 rooms a page: {:.2} s for {listed}, p99 of a page {}",
        begun.elapsed().as_secs_f64(),
        within(&times, 0.99)
    );
    ensure!((listed, unread) == (rooms, rooms as u64), "{listed} rooms with {unread} unread");
    Ok(())
}

/// Opens rooms, so many at a time, and returns what was answered.
fn subscribe(sockets: &mut Sockets, rooms: &[Value]) -> Result<Vec<Value>> {
    let mut opened = Vec::new();
    for batch in rooms.chunks(BATCH) {
        let command = json!({ "action": "subscribe", "ref": 1, "rooms": batch }).to_string();
        sockets.send(0, |out| message::push_text_frame(out, command.as_bytes()));
        let (begun, mut answer) = (Instant::now(), None);
        while answer.is_none() {
            ensure!(begun.elapsed() < Duration::from_secs(30), "rooms were not opened");
            sockets.turn(Duration::from_millis(20), |_, text| {
                if text.starts_with(br#"{"type":"reply","ref":1,"#) {
                    answer = serde_json::from_slice::<Value>(text).ok();
                }
            })?;
        }
        let rooms = answer.and_then(|mut answer| Some(answer["ok"]["rooms"].take().as_array()?.clone()));
        opened.extend(rooms.context("an answer to `subscribe` has rooms")?);
    }
    Ok(opened)
}

/// Somebody else writes in each room; each message comes once.
fn hear(host: &Host, sockets: &mut Sockets, cursors: &mut HashMap<String, String>, rooms: usize) -> Result<Times> {
    let (mut writer, mut times) = (other(host)?, Times::default());
    let mut came = vec![0_u32; rooms];
    for room in 0..rooms {
        let begun = Instant::now();
        write(&mut writer, room)?;
        while came[room] == 0 {
            ensure!(begun.elapsed() < Duration::from_mins(1), "the message in room {room} did not come");
            let mut wrong = Ok(());
            sockets.turn(Duration::from_millis(5), |_, event| wrong = take(event, cursors, &mut came))?;
            wrong?;
        }
        times.add(begun.elapsed());
    }
    ensure!(came.iter().all(|times| *times == 1), "a message came twice");
    Ok(times)
}

fn take(event: &[u8], cursors: &mut HashMap<String, String>, came: &mut [u32]) -> Result<()> {
    if !event.starts_with(br#"{"type":"chat_message""#) {
        return Ok(());
    }
    let event: Value = serde_json::from_slice(event)?;
    let (_, room) = message::numbers(&text(&event["message"]["content"])?).context("no message of ours")?;
    *came.get_mut(room as usize).context("no room of ours")? += 1;
    cursors.insert(text(&event["room"])?, text(&event["cursor"])?);
    Ok(())
}

/// Leaves all rooms at once, which holds up nobody: somebody else's request is answered meanwhile.
fn leave(host: &Host, sockets: Sockets) -> Result<()> {
    let mut other = other(host)?;
    drop(sockets);
    let begun = Instant::now();
    let mut slowest = Duration::ZERO;
    while host.metric("chat_sockets_open")? > 0 {
        let asked = Instant::now();
        ask(&mut other, "GET", "/api/chatrooms/job:0/", &Value::Null)?;
        slowest = slowest.max(asked.elapsed());
        ensure!(begun.elapsed() < Duration::from_mins(1), "the socket is still open");
    }
    println!(
        "many: gone after {:.1} ms, while the slowest answer to somebody else took {:.1} ms",
        begun.elapsed().as_secs_f64() * 1e3,
        slowest.as_secs_f64() * 1e3
    );
    Ok(())
}

fn text(value: &Value) -> Result<String> {
    value.as_str().map(str::to_owned).with_context(|| format!("{value} is no text"))
}
