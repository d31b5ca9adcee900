//! What must hold when everything has come to rest.

use std::collections::{BTreeMap, BTreeSet};

use chat_core::{
    Engine, Error, Message, MessageType, MyRoom, Participant, Result, RoomId, RoomInfo, Seq, UserId, Window,
};

use super::{
    client::Client,
    disk::Disk,
    log::{Coming, Post},
    room::Followed,
};

/// A room as storage has it.
struct Truth {
    info: RoomInfo,
    messages: BTreeMap<Seq, Message>,
    participants: BTreeMap<UserId, Participant>,
}

/// Compares what everybody has with what is stored.
pub(super) async fn everything(
    disk: &Disk,
    engine: &Engine,
    rooms: &[RoomId],
    clients: &[Client],
) -> Result<(), String> {
    if let Some(wrong) = &disk.log().wrong {
        return Err(wrong.clone());
    }
    posts(disk, clients)?;
    for room in rooms {
        let truth = truth(engine, *room).await.map_err(|error| format!("the host cannot read: {error}"))?;
        let last = truth.messages.len() as Seq;
        if !truth.messages.keys().copied().eq(1..=last) {
            return Err(format!("the history has holes: {:?}", truth.messages.keys()));
        }
        acknowledged(&truth, *room, clients)?;
        deleted(&truth, clients)?;
        for client in clients {
            one(disk, engine, *room, &truth, client, clients).await.map_err(|why| format!("{}: {why}", client.user))?;
        }
    }
    Ok(())
}

async fn truth(engine: &Engine, room: RoomId) -> Result<Truth> {
    let host = engine.host();
    let mut messages = BTreeMap::new();
    loop {
        let after = messages.keys().next_back().copied().unwrap_or(0);
        let page = host.history(room, Window::After(after), Some(200)).await?;
        if page.results.is_empty() {
            break;
        }
        messages.extend(page.results.into_iter().map(|message| (message.seq, message)));
    }
    let participants = host.participants(room, None, Some(200)).await?.results;
    let participants = participants.into_iter().map(|p| (p.user_id.clone(), offline(p))).collect();
    Ok(Truth { info: host.room(room).await?.info, messages, participants })
}

/// Whether somebody is connected depends on the moment.
fn offline(participant: Participant) -> Participant {
    Participant { online: None, last_seen: None, ..participant }
}

/// Everything was posted once.
fn posts(disk: &Disk, clients: &[Client]) -> Result<(), String> {
    let log = disk.log();
    let mut said = BTreeMap::new();
    for post in &log.posts {
        if let Some(before) = said.insert(&post.text, post) {
            return Err(format!("posted twice, as {} and {}: {:?}", before.seq, post.seq, post.text));
        }
    }
    for client in clients {
        for acknowledged in &client.outbox.acknowledged {
            let post = said.get(&acknowledged.text);
            let same = |post: &&&Post| {
                (post.room, post.seq, post.sender.as_ref()) == (acknowledged.room, acknowledged.seq, Some(&client.user))
            };
            if post.filter(same).is_none() {
                return Err(format!("acknowledged, but not so posted: {acknowledged:?}, {post:?}"));
            }
        }
    }
    Ok(())
}

/// Everything that was acknowledged is there, at its place, in the order in which its author sent it on
/// one connection.
fn acknowledged(truth: &Truth, room: RoomId, clients: &[Client]) -> Result<(), String> {
    for client in clients {
        let own = client.outbox.acknowledged.iter().filter(|own| own.room == room);
        let mut places: Vec<_> = own.clone().map(|own| (own.first_on, own.number, own.seq)).collect();
        places.retain(|(first_on, ..)| first_on.is_some());
        places.sort_unstable();
        let disorder = |pair: &&[(Option<u64>, u64, Seq)]| pair[0].0 == pair[1].0 && pair[0].2 > pair[1].2;
        if let Some(pair) = places.windows(2).find(disorder) {
            return Err(format!("{} wrote in another order: {pair:?}", client.user));
        }
        for own in own {
            let there = truth.messages.get(&own.seq).filter(|message| {
                let unchanged = message.version.is_none() && !message.is_deleted();
                message.sender.as_ref() == Some(&client.user)
                    && (!unchanged || message.content.as_ref() == Some(&own.text))
            });
            if there.is_none() {
                return Err(format!("acknowledged and lost: {own:?}"));
            }
        }
    }
    Ok(())
}

/// What somebody was told is deleted, is.
fn deleted(truth: &Truth, clients: &[Client]) -> Result<(), String> {
    let back = |message: &&Message| {
        let told = clients.iter().any(|client| client.deleted.contains(&message.id));
        told && (!message.is_deleted() || message.content.is_some())
    };
    match truth.messages.values().find(back) {
        None => Ok(()),
        Some(message) => Err(format!("was said to be deleted, and is there: {message:?}")),
    }
}

async fn one(
    disk: &Disk,
    engine: &Engine,
    room: RoomId,
    truth: &Truth,
    client: &Client,
    clients: &[Client],
) -> Result<(), String> {
    let followed = client.rooms.get(&room);
    match engine.session(&client.user).room(room).await {
        Ok(mine) => {
            let followed = followed.ok_or("does not know of a room that they are in")?;
            let standing =
                disk.log().standing(room, &client.user, u64::MAX).ok_or("is in a room that they never came to")?;
            picture(followed, &mine, truth, standing)?;
            unread(followed, &mine, truth, standing, &client.user)?;
            company(followed, truth, clients)
        }
        Err(Error::NotFound { .. }) => match followed.and_then(|followed| followed.kept.as_ref()) {
            None => Ok(()),
            Some(_) => Err("still shows a room that they are not in".to_owned()),
        },
        Err(error) => Err(format!("cannot read their room: {error}")),
    }
}

/// The picture is what is stored, as far as they may see it.
fn picture(followed: &Followed, mine: &MyRoom, truth: &Truth, standing: Coming) -> Result<(), String> {
    let kept = followed.kept.as_ref().ok_or("shows nothing of a room that they are in")?;
    if kept.cursor != mine.cursor {
        return Err(format!("stands at change {}, storage at {}", kept.cursor.rev, mine.cursor.rev));
    }
    if kept.replica.info != truth.info {
        return Err(format!("shows the room as {:?}, stored is {:?}", kept.replica.info, truth.info));
    }
    let shown: BTreeMap<_, _> =
        kept.replica.participants.iter().map(|(user, shown)| (user.clone(), offline(shown.clone()))).collect();
    let users: BTreeSet<_> = shown.keys().chain(truth.participants.keys()).collect();
    for user in users {
        let (shown, stored) = (shown.get(user), truth.participants.get(user));
        if shown != stored {
            return Err(format!("shows {user} as {shown:?}, stored is {stored:?}"));
        }
    }
    for (seq, message) in &kept.replica.messages {
        if truth.messages.get(seq) != Some(message) {
            return Err(format!("shows {message:?}, stored is {:?}", truth.messages.get(seq)));
        }
        if *seq < standing.visible_from {
            return Err(format!("shows what was said before they came: {message:?}"));
        }
    }
    let from = kept.from.max(standing.visible_from);
    match truth.messages.range(from..).find(|(seq, _)| !kept.replica.messages.contains_key(*seq)) {
        None => Ok(()),
        Some((_, missing)) => Err(format!("misses {missing:?}")),
    }
}

/// The number that is shown is what a look at every message says.
fn unread(followed: &Followed, mine: &MyRoom, truth: &Truth, standing: Coming, me: &UserId) -> Result<(), String> {
    let marker = mine.my.as_ref().map_or(0, |my| my.marker_seq);
    let floor = marker.max(standing.joined_seq).max(standing.visible_from.saturating_sub(1));
    let counts = |message: &&Message| {
        message.message_type != MessageType::System && !message.is_deleted() && message.sender.as_ref() != Some(me)
    };
    let scanned = truth.messages.range(floor + 1..).map(|(_, message)| message).filter(counts).count() as u64;
    if mine.unread_count != scanned {
        return Err(format!("{} not read by storage, {scanned} by a scan", mine.unread_count));
    }
    if followed.unread.count != scanned {
        return Err(format!("shows {} as not read, and {scanned} are", followed.unread.count));
    }
    Ok(())
}

/// Everybody who is in the room has it open, and nobody types.
fn company(followed: &Followed, truth: &Truth, clients: &[Client]) -> Result<(), String> {
    if !followed.typing.is_empty() {
        return Err(format!("shows {:?} as typing", followed.typing));
    }
    let present: BTreeSet<_> = followed.present.iter().collect();
    let there: BTreeSet<_> =
        clients.iter().map(|client| &client.user).filter(|user| truth.participants.contains_key(*user)).collect();
    if present == there { Ok(()) } else { Err(format!("shows {present:?} as present, and {there:?} are")) }
}
