//! What making a room means.

use crate::{
    model::{AddParticipant, CreateRoom, Error, Limits, Result, Role, RoomKind, RoomState, UserId},
    store::{MemberChange, MemberWrite, NewRoom, RoomSelector, RoomSettings, Visible, Write},
};

use super::Actor;

/// A room to make, and how to find the one that is there already.
#[derive(Clone, Debug, PartialEq)]
pub struct NewRoomPlan {
    /// The unique name under which it may be there already.
    pub unique: Option<RoomSelector>,
    /// What makes it.
    pub writes: Vec<Write>,
}

/// Decides what making a room writes. That it is valid in itself, [`validate`](super::validate) says. `own` is how the user who makes it is shown.
///
/// A user who makes a group or channel owns it; a room that the host makes needs no owner. A direct room has two equal
/// members.
///
/// # Errors
/// `forbidden` where only the host may, `invalid_argument` for people who do not fit the kind.
pub fn plan_room(
    actor: &Actor,
    own: Option<AddParticipant>,
    create: CreateRoom,
    limits: &Limits,
) -> Result<NewRoomPlan> {
    if actor.user().is_some() {
        if create.participants.len() > limits.people_at_once {
            return Err(Error::LimitReached { what: "participants", limit: limits.people_at_once });
        }
        only_the_host(&create)?;
    }
    let mut people = create.participants;
    let pair = match create.kind {
        RoomKind::Direct => Some(pair(actor, own.clone(), &mut people)?),
        RoomKind::Group | RoomKind::Channel => {
            if let Some(own) = own {
                people.insert(0, own.role(Role::Owner));
            }
            None
        }
    };
    if people.len() > limits.members {
        return Err(Error::LimitReached { what: "participants", limit: limits.members });
    }
    let unique = create.key.clone().map(RoomSelector::Key).or_else(|| {
        let (a, b) = pair.clone()?;
        Some(RoomSelector::Pair(a, b))
    });
    let settings = RoomSettings {
        name: create.name,
        topic: create.topic,
        avatar: create.avatar,
        metadata: create.metadata,
        state: RoomState::Open,
        history: create.history,
    };
    let room = NewRoom { key: create.key, pair, kind: create.kind, settings };
    let mut writes = vec![Write::CreateRoom(Box::new(room))];
    let mut named = std::collections::BTreeSet::new();
    for person in people {
        if !named.insert(person.user_id.clone()) {
            return Err(Error::invalid("participants", "must name everybody once"));
        }
        // A new room has no past: everybody sees all of it.
        let visible = Visible::From(person.visible_from.unwrap_or(1));
        writes.push(Write::Member(Box::new(join(person, visible))));
    }
    Ok(NewRoomPlan { unique, writes })
}

fn only_the_host(create: &CreateRoom) -> Result<()> {
    if create.key.is_some() {
        return Err(Error::Forbidden { reason: "only the host makes rooms with a key" });
    }
    if create.participants.iter().any(|p| p.name.is_some() || p.avatar.is_some()) {
        return Err(Error::Forbidden { reason: "only the host names people" });
    }
    if create.participants.iter().any(|person| person.visible_from.is_some()) {
        return Err(Error::Forbidden { reason: "only the host hides what is said in a new room" });
    }
    Ok(())
}

/// The two of a direct room, in order; both are made plain members.
fn pair(actor: &Actor, own: Option<AddParticipant>, people: &mut Vec<AddParticipant>) -> Result<(UserId, UserId)> {
    if let Some(own) = own {
        people.insert(0, own);
    }
    for person in people.iter_mut() {
        person.role = Role::Member;
    }
    match people.as_slice() {
        [a, b] if a.user_id != b.user_id => {
            let (a, b) = (a.user_id.clone(), b.user_id.clone());
            Ok(if a < b { (a, b) } else { (b, a) })
        }
        _ if actor.user().is_some() => Err(Error::invalid("participants", "of a direct room must be one other user")),
        _ => Err(Error::invalid("participants", "of a direct room must be two users")),
    }
}

pub(super) fn join(person: AddParticipant, visible: Visible) -> MemberWrite {
    let change = MemberChange::Join { role: person.role, name: person.name, avatar: person.avatar, visible };
    MemberWrite { user: person.user_id, change }
}
