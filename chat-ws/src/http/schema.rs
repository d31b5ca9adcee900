//! The shapes of what HTTP takes and gives, for the OpenAPI document. `chat-core` knows no OpenAPI, so they are
//! described here a second time; a test compares each with what `chat-core` really reads and writes.
#![allow(dead_code, reason = "these types are described, never made")]

use std::collections::BTreeMap;

use serde_json::Value;
use utoipa::{
    IntoParams, IntoResponses, ToSchema,
    openapi::schema::{Object, ObjectBuilder, Type},
};

/// A page of a list.
#[derive(ToSchema)]
pub(super) struct Page<T> {
    /// The entries.
    results: Vec<T>,
    /// What to ask for next, in the same direction; null at the end.
    next: Option<String>,
}

/// What was wrong.
#[derive(ToSchema)]
pub(super) struct Error {
    /// A stable name, never renamed.
    #[schema(example = "not_found")]
    code: String,
    /// For developers.
    message: String,
    /// Whether to try again.
    retry: Retry,
    /// When, where that is known.
    retry_after_ms: Option<u64>,
}

/// Whether repeating the request can help.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(super) enum Retry {
    Never,
    Later,
    Fresh,
}

/// What every path can answer beside success.
#[derive(IntoResponses)]
pub(super) enum Failures {
    /// Malformed or invalid.
    #[response(status = 400)]
    Invalid(#[to_schema] Error),
    /// No valid token.
    #[response(status = 401)]
    Unauthorized(#[to_schema] Error),
    /// I see it, but may not do that; or the web page is of an origin that is not allowed.
    #[response(status = 403)]
    Forbidden(#[to_schema] Error),
    /// Missing, or hidden from me.
    #[response(status = 404)]
    NotFound(#[to_schema] Error),
    /// The body did not come in time.
    #[response(status = 408)]
    TooSlow(#[to_schema] Error),
    /// It does not fit the present state, or the `client_id` was used for something else.
    #[response(status = 409)]
    Conflict(#[to_schema] Error),
    /// The body is larger than the limit.
    #[response(status = 413)]
    TooLarge(#[to_schema] Error),
    /// Too many requests.
    #[response(status = 429)]
    RateLimited(#[to_schema] Error),
    /// Too much is under way, the storage does not answer, or the server is closing.
    #[response(status = 503)]
    Busy(#[to_schema] Error),
}

/// A room as I see it.
#[derive(ToSchema)]
pub(super) struct Room {
    #[schema(format = "uuid")]
    id: String,
    /// The host's name for it.
    key: Option<String>,
    kind: Kind,
    name: Option<String>,
    topic: Option<String>,
    avatar: Option<String>,
    metadata: Option<BTreeMap<String, Value>>,
    state: State,
    #[schema(format = "date-time")]
    created_at: String,
    history: History,
    /// Messages that I have not read; exact.
    unread_count: u64,
    last_message: Option<Message>,
    last_seq: u64,
    participants_count: u64,
    /// My own place in it; absent for the host.
    my: Option<My>,
    /// The position that this view shows.
    cursor: String,
}

/// My own place in a room.
#[derive(ToSchema)]
pub(super) struct My {
    role: Role,
    read_seq: u64,
    delivered_seq: u64,
    marker_seq: u64,
    pinned: bool,
    hidden: bool,
    level: Level,
    private_reading: bool,
}

/// A participant as the others see them.
#[derive(ToSchema)]
pub(super) struct Participant {
    user_id: String,
    name: Option<String>,
    avatar: Option<String>,
    role: Role,
    #[schema(format = "date-time")]
    joined_at: String,
    read_seq: u64,
    delivered_seq: u64,
    visible_from: Option<u64>,
    online: Option<bool>,
    #[schema(format = "date-time")]
    last_seen: Option<String>,
    #[schema(format = "date-time")]
    muted_until: Option<String>,
}

/// A message. A deleted one keeps its place, and has no content.
#[derive(ToSchema)]
pub(super) struct Message {
    #[schema(format = "uuid")]
    id: String,
    #[schema(format = "uuid")]
    room: String,
    seq: u64,
    rev: u64,
    /// Null for a system message.
    sender: Option<String>,
    content: Option<String>,
    message_type: MessageType,
    #[schema(format = "date-time")]
    created_at: String,
    client_id: Option<String>,
    #[schema(format = "date-time")]
    edited_at: Option<String>,
    version: Option<u32>,
    #[schema(format = "uuid")]
    reply_to: Option<String>,
    metadata: Option<BTreeMap<String, Value>>,
    attachments: Option<Vec<Attachment>>,
    #[schema(format = "date-time")]
    deleted_at: Option<String>,
    deleted_by: Option<String>,
}

/// A file that a message refers to. It may have other fields too.
#[derive(ToSchema)]
pub(super) struct Attachment {
    id: Option<String>,
    name: String,
    content_type: String,
    #[schema(maximum = 9007199254740991_u64)]
    size: u64,
    /// An `http` or `https` URL, or a path on the host's own site.
    #[schema(pattern = r"^([Hh][Tt][Tt][Pp][Ss]?://|/)")]
    url: String,
    width: Option<u32>,
    height: Option<u32>,
}

/// How far one has read, and what is left.
#[derive(ToSchema)]
pub(super) struct Markers {
    read_seq: u64,
    delivered_seq: u64,
    marker_seq: u64,
    unread_count: u64,
}

/// A message to post.
#[derive(ToSchema)]
pub(super) struct SendMessage {
    /// May be empty beside attachments, and in a custom message with metadata.
    #[schema(required = false)]
    content: String,
    #[schema(required = false)]
    message_type: MessageType,
    metadata: Option<BTreeMap<String, Value>>,
    #[schema(required = false)]
    attachments: Vec<Attachment>,
    #[schema(format = "uuid")]
    reply_to: Option<String>,
    /// How far the sender had read; without it, a send reads up to the message itself.
    #[schema(maximum = 9007199254740991_u64)]
    read_seq: Option<u64>,
    /// Whom the host sends for; only the host may name somebody.
    #[schema(min_length = 1, max_length = 128)]
    sender: Option<String>,
    /// The sender's name for this send: repeating it gives the first result.
    #[schema(min_length = 1, max_length = 128)]
    client_id: Option<String>,
}

/// What a message is to say instead.
#[derive(ToSchema)]
pub(super) struct EditMessage {
    #[schema(required = false)]
    content: String,
    metadata: Option<BTreeMap<String, Value>>,
    #[schema(required = false)]
    attachments: Vec<Attachment>,
    #[schema(min_length = 1, max_length = 128)]
    client_id: Option<String>,
}

/// A room to make, or to find.
#[derive(ToSchema)]
pub(super) struct CreateRoom {
    /// The host's name for it; only the host makes keyed rooms.
    #[schema(min_length = 1, max_length = 128, pattern = r"^[A-Za-z0-9:._@-]+$")]
    key: Option<String>,
    #[schema(required = false)]
    kind: Kind,
    name: Option<String>,
    topic: Option<String>,
    #[schema(pattern = r"^([Hh][Tt][Tt][Pp][Ss]?://|/)")]
    avatar: Option<String>,
    metadata: Option<BTreeMap<String, Value>>,
    #[schema(required = false)]
    history: History,
    #[schema(required = false)]
    participants: Vec<NewParticipant>,
    #[schema(min_length = 1, max_length = 128)]
    client_id: Option<String>,
}

/// A user's id alone, or with what else is to be said about them.
#[derive(ToSchema)]
#[serde(untagged)]
pub(super) enum NewParticipant {
    Id(String),
    Full(AddParticipant),
}

/// What is to change about a room.
#[derive(ToSchema)]
pub(super) struct UpdateRoom {
    name: Option<String>,
    topic: Option<String>,
    #[schema(pattern = r"^([Hh][Tt][Tt][Pp][Ss]?://|/)")]
    avatar: Option<String>,
    metadata: Option<BTreeMap<String, Value>>,
    state: Option<State>,
    history: Option<History>,
    #[schema(min_length = 1, max_length = 128)]
    client_id: Option<String>,
}

/// Somebody to add.
#[derive(ToSchema)]
pub(super) struct AddParticipant {
    #[schema(min_length = 1, max_length = 128)]
    user_id: String,
    #[schema(required = false)]
    role: Role,
    /// The host's word.
    name: Option<String>,
    /// The host's word.
    #[schema(pattern = r"^([Hh][Tt][Tt][Pp][Ss]?://|/)")]
    avatar: Option<String>,
    /// The first message they may read.
    #[schema(minimum = 1, maximum = 9007199254740991_u64)]
    visible_from: Option<u64>,
    #[schema(min_length = 1, max_length = 128)]
    client_id: Option<String>,
}

/// What is to change about a participant.
#[derive(ToSchema)]
pub(super) struct UpdateParticipant {
    role: Option<Role>,
    /// The host's word.
    name: Option<String>,
    /// The host's word.
    #[schema(pattern = r"^([Hh][Tt][Tt][Pp][Ss]?://|/)")]
    avatar: Option<String>,
    /// Until when they may not write; null lifts it.
    #[schema(format = "date-time")]
    muted_until: Option<String>,
    /// True removes and bans, false lifts the ban.
    banned: Option<bool>,
    #[schema(min_length = 1, max_length = 128)]
    client_id: Option<String>,
}

/// What to change about my own settings in a room; what is absent stays.
#[derive(ToSchema)]
pub(super) struct UpdateMe {
    /// Keeps the room on top of my list.
    pinned: Option<bool>,
    /// Keeps it out of my list.
    hidden: Option<bool>,
    level: Option<Level>,
    /// Reads without telling the others.
    private_reading: Option<bool>,
}

/// How much is unread, over all rooms.
#[derive(ToSchema)]
pub(super) struct Unread {
    unread_count: u64,
}

/// A place in a room.
#[derive(ToSchema)]
pub(super) struct Place {
    #[schema(maximum = 9007199254740991_u64)]
    seq: u64,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(super) enum Kind {
    Direct,
    Group,
    Channel,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(super) enum State {
    Open,
    Frozen,
    Archived,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(super) enum History {
    All,
    SinceJoined,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(super) enum Role {
    Observer,
    Member,
    Moderator,
    Admin,
    Owner,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(super) enum Level {
    All,
    Mentions,
    None,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(super) enum MessageType {
    Text,
    Image,
    File,
    System,
    Custom,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct RoomPath {
    /// The room's id, or its key.
    id: String,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct ParticipantPath {
    /// The room's id, or its key.
    id: String,
    /// Who.
    user_id: String,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct MessagePath {
    /// The message's id.
    #[param(format = "uuid")]
    id: String,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct JobPath {
    /// What the room's key has after its prefix.
    job_id: String,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct ConnectionPath {
    /// What `ready` on the stream calls it.
    connection_id: String,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Paging {
    /// How many, from 1 to 200; what is beyond is clamped.
    #[param(schema_with = whole, required = false)]
    limit: (),
    /// What `next` said.
    #[param(min_length = 1)]
    cursor: Option<String>,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Filter {
    /// Only of this room, by its id or key.
    room: Option<String>,
}

/// A whole number of any size.
fn whole() -> Object {
    ObjectBuilder::new().schema_type(Type::Integer).build()
}

/// At most one of the three places.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Window {
    /// Those nearest below this place, newest first.
    #[param(minimum = 0, maximum = 9007199254740991_u64)]
    before: Option<i64>,
    /// Those nearest above it, oldest first.
    #[param(minimum = 0, maximum = 9007199254740991_u64)]
    after: Option<i64>,
    /// Half on each side of it, oldest first.
    #[param(minimum = 0, maximum = 9007199254740991_u64)]
    around: Option<i64>,
    /// How many, from 1 to 200; what is beyond is clamped.
    #[param(schema_with = whole, required = false)]
    limit: (),
}
