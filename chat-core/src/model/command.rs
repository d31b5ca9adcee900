//! Everything that can be asked to change.

use std::fmt;

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{self, MapAccess, Visitor, value::MapAccessDeserializer},
};

use super::{
    Attachment, ClientId, HistoryMode, Level, Message, MessageId, MessageType, Metadata, Role, RoomKey, RoomKind,
    RoomState, Seq, Timestamp, UserId,
};

/// One request to change something. Who asks, and in which room, stands beside it.
///
/// The typed methods of a session, the sockets, the bindings and the tests all speak these.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
#[allow(clippy::large_enum_variant, reason = "the large one, a send, is the common one")]
pub enum Command {
    /// Posts a message.
    SendMessage(SendMessage),
    /// Changes what a message says.
    EditMessage(EditMessage),
    /// Takes a message's content away.
    DeleteMessage(DeleteMessage),
    /// Says how far one has read, or received.
    Mark(Mark),
    /// Makes a room, or finds the one that has the key or the pair.
    CreateRoom(CreateRoom),
    /// Changes a room's settings or state.
    UpdateRoom(UpdateRoom),
    /// Removes a room and all that is in it.
    DeleteRoom,
    /// Adds somebody.
    AddParticipant(AddParticipant),
    /// Changes somebody's role, name, mute or ban.
    UpdateParticipant(UpdateParticipant),
    /// Removes somebody, or oneself.
    RemoveParticipant(RemoveParticipant),
    /// Changes one's own settings in a room.
    UpdateMe(UpdateMe),
}

/// A message to post.
///
/// ```
/// use chat_core::SendMessage;
/// let message = SendMessage::text("On my way").with_client_id("m-1".parse()?);
/// # Ok::<(), chat_core::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SendMessage {
    /// The text, up to [`Limits::message_bytes`](super::Limits::message_bytes). May be empty beside attachments, and
    /// in a custom message with metadata.
    pub content: String,
    /// What it is.
    pub message_type: MessageType,
    /// Free JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Metadata>,
    /// Files.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment>,
    /// The message that it answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<MessageId>,
    /// How far the sender had read when they wrote it. Without it, a send reads up to the message itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read_seq: Option<Seq>,
    /// Whom the host sends for; only the host may name somebody.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sender: Option<UserId>,
    /// The sender's name for this send: repeating it gives the first result.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<ClientId>,
}

impl SendMessage {
    /// A plain text.
    pub fn text(content: impl Into<String>) -> Self {
        Self { content: content.into(), ..Self::default() }
    }

    /// A note from the application; only the host may send one.
    pub fn system(content: impl Into<String>) -> Self {
        Self { message_type: MessageType::System, ..Self::text(content) }
    }

    /// The same under a name, so that it can be repeated safely.
    #[must_use]
    pub fn with_client_id(mut self, client_id: ClientId) -> Self {
        self.client_id = Some(client_id);
        self
    }

    /// The same as an answer to `message`.
    #[must_use]
    pub fn in_reply_to(mut self, message: MessageId) -> Self {
        self.reply_to = Some(message);
        self
    }

    /// The same on behalf of a participant; only the host may say so.
    #[must_use]
    pub fn on_behalf_of(mut self, sender: UserId) -> Self {
        self.sender = Some(sender);
        self
    }
}

/// What a message is to say instead. Fields that are absent stay.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EditMessage {
    /// Which message.
    pub message_id: MessageId,
    /// The new text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// The new metadata; `null` takes it away.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "nullable")]
    pub metadata: Option<Option<Metadata>>,
    /// The new files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attachments: Option<Vec<Attachment>>,
    /// The name of this operation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<ClientId>,
}

impl EditMessage {
    /// A new text for a message.
    pub fn text(message_id: MessageId, content: impl Into<String>) -> Self {
        Self { message_id, content: Some(content.into()), metadata: None, attachments: None, client_id: None }
    }
}

/// Which message is to lose its content.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeleteMessage {
    /// Which message.
    pub message_id: MessageId,
    /// The name of this operation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<ClientId>,
}

/// What a marker says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MarkKind {
    /// Received up to here; only moves forward.
    Delivered,
    /// Read up to here; only moves forward, and receives too.
    Read,
    /// The first unread one; moves one's own marker just before it, receipts stay.
    Unread,
}

/// How far one has read, or received.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// What it says.
    pub kind: MarkKind,
    /// Up to where, or from where on.
    #[serde(flatten)]
    pub at: MarkAt,
}

impl Mark {
    /// The message, where it was named by its id.
    pub const fn message_id(&self) -> Option<MessageId> {
        match self.at {
            MarkAt::MessageId(id) => Some(id),
            MarkAt::Seq(_) => None,
        }
    }
}

/// A message, by its place or by its id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MarkAt {
    /// By its place; past the end means the end.
    Seq(Seq),
    /// By its id; the receipt repeats it.
    MessageId(MessageId),
}

/// A room to make, or to find.
///
/// A room with a `key` is found if there is one; its participants are left as they are. A direct room is found by its
/// two people.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CreateRoom {
    /// The host's name for it; only the host makes keyed rooms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<RoomKey>,
    /// What it is for.
    pub kind: RoomKind,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its topic.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// Its picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub avatar: Option<String>,
    /// Free JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Metadata>,
    /// What newcomers see.
    pub history: HistoryMode,
    /// Who is in it from the start, beside the user who makes it.
    pub participants: Vec<AddParticipant>,
    /// The name of this operation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<ClientId>,
}

impl CreateRoom {
    /// A group without a name.
    pub fn group() -> Self {
        Self::default()
    }

    /// The group that bears `key`.
    pub fn keyed(key: RoomKey) -> Self {
        Self { key: Some(key), ..Self::default() }
    }

    /// See [`Command::cost`]: one, and one more for every ten people who are named.
    pub fn cost(&self) -> u32 {
        u32::try_from(self.participants.len() / 10).unwrap_or(u32::MAX).saturating_add(1)
    }

    /// The direct room with `other`.
    pub fn direct(other: UserId) -> Self {
        Self { kind: RoomKind::Direct, ..Self::default() }.with(AddParticipant::new(other))
    }

    /// The same with one more participant.
    #[must_use]
    pub fn with(mut self, participant: impl Into<AddParticipant>) -> Self {
        self.participants.push(participant.into());
        self
    }

    /// The same with a name.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }
}

/// What is to change about a room. Fields that are absent stay; `null` clears.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct UpdateRoom {
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "nullable")]
    pub name: Option<Option<String>>,
    /// Its topic.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "nullable")]
    pub topic: Option<Option<String>>,
    /// Its picture.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "nullable")]
    pub avatar: Option<Option<String>>,
    /// Free JSON.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "nullable")]
    pub metadata: Option<Option<Metadata>>,
    /// Open, frozen or archived.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<RoomState>,
    /// What newcomers from now on see.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub history: Option<HistoryMode>,
    /// The name of this operation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<ClientId>,
}

/// Somebody to add. In JSON an object, or the user's id alone.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AddParticipant {
    /// Who.
    pub user_id: UserId,
    /// As what.
    pub role: Role,
    /// The name to show; the host's word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The picture to show; the host's word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub avatar: Option<String>,
    /// The first message they may read, where that differs from the room's rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub visible_from: Option<Seq>,
    /// The name of this operation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<ClientId>,
}

impl AddParticipant {
    /// A member.
    pub fn new(user_id: UserId) -> Self {
        Self { user_id, role: Role::Member, name: None, avatar: None, visible_from: None, client_id: None }
    }

    /// The same as something else.
    #[must_use]
    pub fn role(mut self, role: Role) -> Self {
        self.role = role;
        self
    }

    /// The same with a name to show.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }
}

impl From<UserId> for AddParticipant {
    fn from(user: UserId) -> Self {
        Self::new(user)
    }
}

impl<'de> Deserialize<'de> for AddParticipant {
    fn deserialize<D: Deserializer<'de>>(participant: D) -> Result<Self, D::Error> {
        participant.deserialize_any(IdOrObject)
    }
}

struct IdOrObject;

#[derive(Deserialize)]
struct ParticipantObject {
    user_id: UserId,
    #[serde(default)]
    role: Role,
    name: Option<String>,
    avatar: Option<String>,
    visible_from: Option<Seq>,
    client_id: Option<ClientId>,
}

impl<'de> Visitor<'de> for IdOrObject {
    type Value = AddParticipant;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a user's id, or an object with `user_id`")
    }

    fn visit_str<E: de::Error>(self, id: &str) -> Result<AddParticipant, E> {
        UserId::new(id).map(AddParticipant::new).map_err(E::custom)
    }

    /// Not an untagged enum, whose errors do not say which field is wrong.
    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<AddParticipant, A::Error> {
        let object = ParticipantObject::deserialize(MapAccessDeserializer::new(object))?;
        let ParticipantObject { user_id, role, name, avatar, visible_from, client_id } = object;
        Ok(AddParticipant { user_id, role, name, avatar, visible_from, client_id })
    }
}

/// What is to change about a participant. Fields that are absent stay; `null` clears.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UpdateParticipant {
    /// Who.
    pub user_id: UserId,
    /// As what.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// The name to show; the host's word.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "nullable")]
    pub name: Option<Option<String>>,
    /// The picture to show; the host's word.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "nullable")]
    pub avatar: Option<Option<String>>,
    /// Until when they may not write; `null` lifts it.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "nullable")]
    pub muted_until: Option<Option<Timestamp>>,
    /// `true` removes and bans, `false` lifts the ban.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub banned: Option<bool>,
    /// The name of this operation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<ClientId>,
}

impl UpdateParticipant {
    /// Nothing yet about `user_id`; set the fields that are to change.
    pub const fn of(user_id: UserId) -> Self {
        Self { user_id, role: None, name: None, avatar: None, muted_until: None, banned: None, client_id: None }
    }
}

/// Whom to remove; oneself means to leave.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RemoveParticipant {
    /// Who.
    pub user_id: UserId,
    /// The name of this operation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<ClientId>,
}

/// What is to change about one's own settings in a room. Fields that are absent stay.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct UpdateMe {
    /// Keeps the room on top of one's list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pinned: Option<bool>,
    /// Keeps it out of one's list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hidden: Option<bool>,
    /// What to be notified of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<Level>,
    /// Reads without telling the others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub private_reading: Option<bool>,
}

impl Command {
    /// The caller's name for the operation.
    pub const fn client_id(&self) -> Option<&ClientId> {
        match self {
            Self::SendMessage(c) => c.client_id.as_ref(),
            Self::EditMessage(c) => c.client_id.as_ref(),
            Self::DeleteMessage(c) => c.client_id.as_ref(),
            Self::CreateRoom(c) => c.client_id.as_ref(),
            Self::UpdateRoom(c) => c.client_id.as_ref(),
            Self::AddParticipant(c) => c.client_id.as_ref(),
            Self::UpdateParticipant(c) => c.client_id.as_ref(),
            Self::RemoveParticipant(c) => c.client_id.as_ref(),
            Self::Mark(_) | Self::DeleteRoom | Self::UpdateMe(_) => None,
        }
    }

    /// Whether it lets people into a room, or puts them out.
    pub(crate) const fn moves_people(&self) -> bool {
        match self {
            Self::UpdateParticipant(update) => update.banned.is_some(),
            Self::AddParticipant(_) | Self::RemoveParticipant(_) | Self::DeleteRoom => true,
            _ => false,
        }
    }

    /// For how many messages it counts where a user's are paced. Making a room writes for everybody in it; receipts are
    /// gathered and cost nothing.
    pub fn cost(&self) -> u32 {
        match self {
            Self::Mark(_) => 0,
            Self::CreateRoom(create) => create.cost(),
            _ => 1,
        }
    }

    /// The user whom it is about, beside the one who acts; `message` is the one that it names.
    pub fn subject<'a>(&'a self, message: Option<&'a Message>) -> Option<&'a UserId> {
        match self {
            Self::SendMessage(send) => send.sender.as_ref(),
            Self::DeleteMessage(_) => message.and_then(|message| message.sender.as_ref()),
            Self::AddParticipant(add) => Some(&add.user_id),
            Self::UpdateParticipant(update) => Some(&update.user_id),
            Self::RemoveParticipant(remove) => Some(&remove.user_id),
            _ => None,
        }
    }
}

/// Tells a field that is `null` from one that is absent.
fn nullable<'de, D: Deserializer<'de>, T: Deserialize<'de>>(value: D) -> Result<Option<Option<T>>, D::Error> {
    Option::<T>::deserialize(value).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_participant_is_named_by_an_id_or_an_object() {
        let by_id: AddParticipant = serde_json::from_str("\"ann\"").unwrap();
        let by_object: AddParticipant = serde_json::from_str(r#"{"user_id":"ann"}"#).unwrap();
        assert_eq!(by_id, by_object);
        for wrong in ["5", "\"\"", "{}", r#"{"user_id":"ann","role":"king"}"#] {
            assert!(serde_json::from_str::<AddParticipant>(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn null_clears_and_absence_keeps() {
        let clear: UpdateRoom = serde_json::from_str(r#"{"name":null}"#).unwrap();
        assert_eq!((clear.name, clear.topic), (Some(None), None));
    }
}
