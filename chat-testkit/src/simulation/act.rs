//! What people and the host do, at random.

use chat_core::{
    AddParticipant, Message, RemoveParticipant, Role, RoomId, RoomState, SendMessage, Session, UpdateParticipant,
    UpdateRoom, UserId,
};
use serde_json::json;

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
    let what = client.dice.below(20);
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
        (10, Some(id)) => client.act(json!({"action": "delete_message", "message_id": id})),
        (11..=13, _) => client.act(json!({"action": "read_message", "room": room, "seq": near})),
        (14 | 15, _) => client.act(json!({"action": "message_delivered", "room": room, "seq": last})),
        (16, _) if last > 0 => client.act(json!({"action": "mark_unread", "room": room, "seq": near.max(1)})),
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
    Room(UpdateRoom),
    Send(SendMessage),
}

impl Errand {
    /// Something about `user`; `number` makes it different from every other.
    pub(super) fn any(dice: &Dice, user: UserId, number: u64) -> Self {
        match dice.below(14) {
            0..=3 => Self::Add(AddParticipant::new(user)),
            4 | 5 => Self::Remove(user),
            6 => Self::Role(user, *dice.pick(&[Role::Observer, Role::Member, Role::Admin]).unwrap_or(&Role::Member)),
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
            Self::Room(update) => host.update_room(room, update).await.map(drop),
            Self::Send(send) => host.send(room, send).await.map(drop),
        };
    }
}
