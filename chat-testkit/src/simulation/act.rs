//! What people and the host do, at random.

use chat_core::{
    AddParticipant, EditMessage, Message, MessageId, RemoveParticipant, Role, RoomId, RoomState, SendMessage, Session,
    Timestamp, UpdateParticipant, UpdateRoom, UserId,
};
use serde_json::json;

use crate::START;

use super::{client::Client, dice::Dice};

/// Somebody does something: mostly they write.
pub(super) fn somebody(client: &mut Client) {
    let following: Vec<RoomId> = client.rooms.iter().filter(|(_, f)| f.kept.is_some()).map(|(id, _)| *id).collect();
    let Some(room) = client.dice.pick(&following).copied() else { return };
    let Some(kept) = client.rooms.get(&room).and_then(|followed| followed.kept.as_ref()) else { return };
    let last = kept.replica.messages.keys().next_back().copied().unwrap_or(0);
    let near = last.saturating_sub(client.dice.below(4));
    let own = |message: &&Message| message.sender.as_ref() == Some(&client.user) && !message.is_deleted();
    let own: Vec<_> = kept.replica.messages.values().filter(own).map(|message| message.id).collect();
    let others = |message: &&Message| message.sender.as_ref() != Some(&client.user);
    let others: Vec<_> = kept.replica.messages.values().filter(others).map(|message| message.id).collect();
    let people: Vec<UserId> = kept.replica.participants.keys().cloned().collect();
    let what = client.dice.below(22);
    if what < 8 || !client.online {
        let explicit_read = client.dice.chance(20).then_some(near);
        let who = client.user.to_string();
        return client.outbox.write(&who, room, explicit_read);
    }
    match (what, client.dice.pick(&own)) {
        (8 | 9, Some(id)) => {
            let content = format!("edited {}", client.dice.below(1_000));
            client.act(json!({"action": "edit_message", "message_id": id, "content": content}));
        }
        (10, Some(id)) => client.delete(*id),
        (11..=13, _) => client.act(json!({"action": "read_message", "room": room, "seq": near})),
        (14 | 15, _) => client.act(json!({"action": "message_delivered", "room": room, "seq": last})),
        (16, _) if last > 0 => client.act(json!({"action": "mark_unread", "room": room, "seq": near.max(1)})),
        // Who may not is refused.
        (18, _) if let Some(other) = client.dice.pick(&others) => client.delete(*other),
        (19, _)
            if client.dice.chance(20)
                && let Some(whom) = client.dice.pick(&people) =>
        {
            client.act(json!({"action": "remove_participant", "room": room, "user_id": whom}));
        }
        (17, _) if client.dice.chance(10) => client.act(json!({"action": "leave_room", "room": room})),
        _ => {
            let action = if client.dice.chance(80) { "typing_start" } else { "typing_stop" };
            client.act(json!({"action": action, "room": room}));
        }
    }
}

/// Something that the host does; whether it works depends on what else happens.
#[derive(Debug)]
pub(super) enum Errand {
    Add(AddParticipant),
    Remove(UserId),
    Role(UserId, Role),
    Name(UserId, String),
    Ban(UserId, bool),
    Mute(UserId, Option<Timestamp>),
    Room(UpdateRoom),
    Send(SendMessage),
    Edit(EditMessage),
    Delete(MessageId),
}

impl Errand {
    /// Something about `user`, or about `message`; `number` makes it different from every other.
    pub(super) fn any(dice: &Dice, user: UserId, message: Option<MessageId>, number: u64) -> Self {
        match (dice.below(20), message) {
            (14, _) => return Self::Ban(user, dice.chance(60)),
            (15, _) => return Self::Ban(user, false),
            (16, _) => {
                let until = Timestamp::from_millis(START + i64::try_from(dice.below(10_000)).unwrap_or(0));
                return Self::Mute(user, dice.chance(50).then_some(until));
            }
            (17, Some(message)) => return Self::Edit(EditMessage::text(message, format!("host {number}"))),
            (18, Some(message)) => return Self::Delete(message),
            _ => {}
        }
        match dice.below(14) {
            0..=3 => Self::Add(AddParticipant::new(user)),
            4 | 5 => Self::Remove(user),
            6 => Self::Role(user, *dice.pick(&Role::ALL).unwrap_or(&Role::Member)),
            7 | 8 => Self::Name(user, format!("name {number}")),
            9 | 10 => Self::Room(UpdateRoom { topic: Some(Some(format!("topic {number}"))), ..UpdateRoom::default() }),
            11 => {
                let state = if dice.chance(30) { RoomState::Frozen } else { RoomState::Open };
                Self::Room(UpdateRoom { state: Some(state), ..UpdateRoom::default() })
            }
            12 => Self::Send(SendMessage::system(format!("host {number}"))),
            _ => Self::Send(SendMessage::text(format!("host {number}")).on_behalf_of(user)),
        }
    }

    /// Does it. That it is refused, or that the server stops meanwhile, is part of the game.
    pub(super) async fn run(self, host: Session, room: RoomId) {
        let _ = match self {
            Self::Add(add) => host.add_participant(room, add).await.map(drop),
            Self::Remove(user_id) => {
                host.remove_participant(room, RemoveParticipant { user_id, client_id: None }).await.map(drop)
            }
            Self::Role(user, role) => {
                let update = UpdateParticipant { role: Some(role), ..UpdateParticipant::of(user) };
                host.update_participant(room, update).await.map(drop)
            }
            Self::Name(user, name) => {
                let update = UpdateParticipant { name: Some(Some(name)), ..UpdateParticipant::of(user) };
                host.update_participant(room, update).await.map(drop)
            }
            Self::Ban(user, banned) => {
                let update = UpdateParticipant { banned: Some(banned), ..UpdateParticipant::of(user) };
                host.update_participant(room, update).await.map(drop)
            }
            Self::Mute(user, until) => {
                let update = UpdateParticipant { muted_until: Some(until), ..UpdateParticipant::of(user) };
                host.update_participant(room, update).await.map(drop)
            }
            Self::Edit(edit) => host.edit(edit).await.map(drop),
            Self::Delete(message) => host.delete(message).await.map(drop),
            Self::Room(update) => host.update_room(room, update).await.map(drop),
            Self::Send(send) => host.send(room, send).await.map(drop),
        };
    }
}
