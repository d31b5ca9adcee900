//! Everything that can be asked for, and what it takes.

use chat_core::{
    Role, RoomKind, RoomState,
    rules::{Action, least_role},
};

use super::cast::Caller;

/// One thing to ask for, on the socket, over HTTP, or both.
///
/// Names that begin with `$` stand for what the room has: `$room`, `$tim` (a member), `$olga` (an owner), `$bob`
/// (banned), `$new` (nobody yet), `$me`, and the messages `$own`, `$tims`, `$olgas`.
pub(super) struct Row {
    pub(super) says: &'static str,
    /// The action of the frame.
    pub(super) socket: Option<&'static str>,
    /// Method and path.
    pub(super) http: Option<(&'static str, &'static str)>,
    /// The fields of the frame, or of the body.
    pub(super) fields: &'static str,
    pub(super) needs: Needs,
}

impl Row {
    /// Whether it names something by `name`.
    pub(super) fn names(&self, name: &str) -> bool {
        self.fields.contains(name) || self.http.is_some_and(|(_, path)| path.contains(name))
    }

    /// Whether it posts as whoever asks; the host posts only for others.
    pub(super) const fn speaks_for_oneself(&self) -> bool {
        matches!(self.needs, Needs::Room(Rule { action: Action::Send, .. }))
    }
}

/// What somebody must be to be given something.
#[derive(Clone, Copy)]
pub(super) enum Needs {
    /// Nobody in particular.
    Nothing,
    /// Whoever has a token.
    Token,
    /// Whoever has a user's token.
    User,
    /// The application.
    Host,
    /// Somebody in the room.
    Room(Rule),
}

/// What somebody in the room must be, beside what the permission table says.
#[derive(Clone, Copy)]
pub(super) struct Rule {
    action: Action,
    /// Takes a higher role than this one.
    above: Option<Role>,
    /// Only while the room is open: for everybody, or for all but the host.
    open: Option<Everybody>,
    /// Not while muted.
    voice: bool,
    /// Takes somebody who reads: not the host.
    user: bool,
    /// A direct room keeps its two people.
    people: bool,
    /// Names a message that newcomers may not know of; it is looked up first, or last.
    old: Option<Looked>,
    /// The room is another one afterwards.
    pub(super) changes: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Everybody {
    EvenTheHost,
    ButTheHost,
}

#[derive(Clone, Copy, PartialEq)]
enum Looked {
    First,
    Last,
}

/// What comes of asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Allowed,
    Forbidden,
    NotFound,
    Unauthorized,
}

impl Needs {
    /// What the permission table, and the words below it, say.
    pub(super) fn of(self, caller: Caller, kind: RoomKind, state: RoomState) -> Verdict {
        match self {
            Self::Nothing => Verdict::Allowed,
            _ if caller == Caller::Nobody => Verdict::Unauthorized,
            Self::User if caller == Caller::Host => Verdict::Forbidden,
            Self::Token | Self::User => Verdict::Allowed,
            Self::Host if caller == Caller::Host => Verdict::Allowed,
            Self::Host => Verdict::Forbidden,
            Self::Room(rule) => rule.of(caller, kind, state),
        }
    }
}

impl Rule {
    fn of(self, caller: Caller, kind: RoomKind, state: RoomState) -> Verdict {
        if caller.is_outside() || self.old == Some(Looked::First) && caller == Caller::Newcomer {
            return Verdict::NotFound;
        }
        let may = match caller.role() {
            None => true,
            role => least_role(self.action, kind).is_some_and(|least| role >= Some(least)),
        };
        let high = match (self.above, caller.role()) {
            (None, _) | (_, None | Some(Role::Owner)) => true,
            (above, role) => role > above,
        };
        let bound = match self.open {
            None => false,
            Some(Everybody::EvenTheHost) => true,
            Some(Everybody::ButTheHost) => caller != Caller::Host,
        };
        let denied = !may
            || !high
            || bound && state != RoomState::Open
            || self.voice && caller == Caller::Muted
            || self.user && caller == Caller::Host
            || self.people && kind == RoomKind::Direct;
        match self.old {
            _ if denied => Verdict::Forbidden,
            Some(Looked::Last) if caller == Caller::Newcomer => Verdict::NotFound,
            _ => Verdict::Allowed,
        }
    }

    const fn above(mut self, rank: Role) -> Self {
        self.above = Some(rank);
        self
    }

    const fn open(mut self) -> Self {
        self.open = Some(Everybody::EvenTheHost);
        self
    }

    const fn open_for_users(mut self) -> Self {
        self.open = Some(Everybody::ButTheHost);
        self
    }

    const fn voice(mut self) -> Self {
        self.voice = true;
        self
    }

    const fn user(mut self) -> Self {
        self.user = true;
        self
    }

    const fn people(mut self) -> Self {
        self.people = true;
        self
    }

    const fn old(mut self) -> Self {
        self.old = Some(Looked::First);
        self
    }

    const fn old_at_last(mut self) -> Self {
        self.old = Some(Looked::Last);
        self
    }

    const fn keeps(mut self) -> Self {
        self.changes = false;
        self
    }
}

const fn may(action: Action) -> Rule {
    let changes = !matches!(action, Action::Read);
    Rule { action, above: None, open: None, voice: false, user: false, people: false, old: None, changes }
}

const fn row(
    says: &'static str,
    socket: &'static str,
    http: (&'static str, &'static str),
    fields: &'static str,
    rule: Rule,
) -> Row {
    both(says, Some(socket), Some(http), fields, Needs::Room(rule))
}

const fn both(
    says: &'static str,
    socket: Option<&'static str>,
    http: Option<(&'static str, &'static str)>,
    fields: &'static str,
    needs: Needs,
) -> Row {
    Row { says, socket, http, fields, needs }
}

const ROOM: &str = "/api/chatrooms/$room/";
const PEOPLE: &str = "/api/chatrooms/$room/participants/";
const SEND: &str = "/api/chatrooms/$room/send_message/";
const TIM: &str = "/api/chatrooms/$room/participants/$tim/";
const OLGA: &str = "/api/chatrooms/$room/participants/$olga/";
const ME: &str = "/api/chatrooms/$room/participants/$me/";
const BOB: &str = "/api/chatrooms/$room/participants/$bob/";

use Action::{
    Add, DeleteOthers, DeleteOwn, DeleteRoom, EditOwn, GiveRole, Leave, Moderate, Read, Send, SpeakForHost, Type,
};
use Role::{Admin, Member, Owner};

/// The whole matrix's rows. A new action or path without one makes the tests fail.
#[rustfmt::skip]
pub(super) const ROWS: [Row; 59] = [
    both("asks whether it is up", None, Some(("GET", "/healthz")), "{}", Needs::Nothing),
    both("asks whether it is ready", None, Some(("GET", "/readyz")), "{}", Needs::Nothing),
    both("reads the metrics, from the machine itself", None, Some(("GET", "/metrics")), "{}", Needs::Nothing),
    both("pings", Some("ping"), None, "{}", Needs::Token),
    both("brings a new token", Some("authenticate"), None, r#"{"token":"$token"}"#, Needs::Token),
    both("lists their rooms", Some("list_rooms"), Some(("GET", "/api/chatrooms/")), "{}", Needs::Token),
    both("lists what they may read", None, Some(("GET", "/api/messages/")), "{}", Needs::Token),
    both("counts what they have not read", None, Some(("GET", "/api/unread/")), "{}", Needs::User),
    both("closes a room, there or not", Some("unsubscribe"), None, r#"{"rooms":["$room"]}"#, Needs::Token),
    both("makes a room", Some("create_room"), Some(("POST", "/api/chatrooms/")), r#"{"name":"own"}"#, Needs::Token),
    both("makes a room with a key", Some("create_room"), Some(("POST", "/api/chatrooms/")), r#"{"key":"made:$new"}"#, Needs::Host),

    row("reads the room", "get_room", ("GET", ROOM), "{}", may(Read)),
    row("reads the history", "history", ("GET", "/api/chatrooms/$room/messages/"), "{}", may(Read)),
    row("lists who is there", "list_participants", ("GET", PEOPLE), "{}", may(Read)),
    both("opens the room", Some("subscribe"), None, r#"{"rooms":[{"room":"$room"}]}"#, Needs::Room(may(Read))),
    both("lists the room's messages", None, Some(("GET", "/api/messages/?room=$room")), "{}", Needs::Room(may(Read))),
    both("reads one old message", None, Some(("GET", "/api/messages/$tims/")), "{}", Needs::Room(may(Read).old())),
    row("lists who read an old message", "readers", ("GET", "/api/messages/$tims/readers/"), r#"{"message_id":"$tims"}"#, may(Read).old()),
    row("marks as read", "read_message", ("POST", "/api/chatrooms/$room/mark_read/"), r#"{"seq":1}"#, may(Read).user()),
    row("marks an old message as read", "read_message", ("POST", "/api/messages/$tims/mark_read/"), r#"{"message_id":"$tims"}"#, may(Read).user().old()),
    row("marks as unread", "mark_unread", ("POST", "/api/chatrooms/$room/mark_unread/"), r#"{"seq":1}"#, may(Read).user()),
    row("marks as received", "message_delivered", ("POST", "/api/chatrooms/$room/mark_delivered/"), r#"{"seq":1}"#, may(Read).user()),
    both("marks an old message as received", Some("message_delivered"), None, r#"{"message_id":"$tims"}"#, Needs::Room(may(Read).user().old())),
    row("changes their own settings", "update_me", ("PATCH", "/api/chatrooms/$room/me/"), r#"{"pinned":true}"#, may(Read).user()),
    both("types", Some("typing_start"), None, "{}", Needs::Room(may(Type).user().open().voice().keeps())),
    both("stops typing", Some("typing_stop"), None, "{}", Needs::Room(may(Read).user())),

    row("posts", "send_message", ("POST", SEND), r#"{"content":"x"}"#, may(Send).open().voice()),
    row("posts for another", "send_message", ("POST", SEND), r#"{"content":"x","sender":"$tim"}"#, may(SpeakForHost).open()),
    row("posts a system message", "send_message", ("POST", SEND), r#"{"content":"x","message_type":"system"}"#, may(SpeakForHost).open()),
    row("edits their own message", "edit_message", ("PATCH", "/api/messages/$own/"), r#"{"message_id":"$own","content":"y"}"#, may(EditOwn).open().voice()),
    row("edits another's message", "edit_message", ("PATCH", "/api/messages/$tims/"), r#"{"message_id":"$tims","content":"y"}"#, may(SpeakForHost).open().old()),
    row("deletes their own message", "delete_message", ("DELETE", "/api/messages/$own/"), r#"{"message_id":"$own"}"#, may(DeleteOwn).open_for_users()),
    row("deletes a member's message", "delete_message", ("DELETE", "/api/messages/$tims/"), r#"{"message_id":"$tims"}"#, may(DeleteOthers).above(Member).open_for_users().old()),
    row("deletes an owner's message", "delete_message", ("DELETE", "/api/messages/$olgas/"), r#"{"message_id":"$olgas"}"#, may(DeleteOthers).above(Owner).open_for_users().old()),

    row("renames the room", "update_room", ("PATCH", ROOM), r#"{"name":"hush, renamed"}"#, may(Action::UpdateRoom)),
    row("archives the room", "update_room", ("PATCH", ROOM), r#"{"state":"archived"}"#, may(Action::UpdateRoom)),
    row("deletes the room", "delete_room", ("DELETE", ROOM), "{}", may(DeleteRoom)),
    row("adds a member", "add_participant", ("POST", PEOPLE), r#"{"user_id":"$new"}"#, may(Add).above(Member).people()),
    row("adds an admin", "add_participant", ("POST", PEOPLE), r#"{"user_id":"$new","role":"admin"}"#, may(Add).above(Admin).people()),
    row("adds somebody by another name", "add_participant", ("POST", PEOPLE), r#"{"user_id":"$new","name":"N"}"#, may(SpeakForHost).people()),
    row("shows somebody new the past", "add_participant", ("POST", PEOPLE), r#"{"user_id":"$new","visible_from":1}"#, may(SpeakForHost).people()),
    row("names somebody", "update_participant", ("PATCH", TIM), r#"{"user_id":"$tim","name":"N"}"#, may(SpeakForHost)),
    row("names themselves", "update_participant", ("PATCH", ME), r#"{"user_id":"$me","name":"N"}"#, may(SpeakForHost)),
    row("promotes themselves", "update_participant", ("PATCH", ME), r#"{"user_id":"$me","role":"owner"}"#, may(GiveRole).above(Owner).keeps()),
    row("makes a member an observer", "update_participant", ("PATCH", TIM), r#"{"user_id":"$tim","role":"observer"}"#, may(GiveRole).above(Member)),
    row("makes a member an admin", "update_participant", ("PATCH", TIM), r#"{"user_id":"$tim","role":"admin"}"#, may(GiveRole).above(Admin)),
    row("takes an owner's role", "update_participant", ("PATCH", OLGA), r#"{"user_id":"$olga","role":"member"}"#, may(GiveRole).above(Owner)),
    row("mutes a member", "update_participant", ("PATCH", TIM), r#"{"user_id":"$tim","muted_until":"2100-01-01T00:00:00Z"}"#, may(Moderate).above(Member)),
    row("mutes an owner", "update_participant", ("PATCH", OLGA), r#"{"user_id":"$olga","muted_until":"2100-01-01T00:00:00Z"}"#, may(Moderate).above(Owner)),
    row("lifts their own mute", "update_participant", ("PATCH", ME), r#"{"user_id":"$me","muted_until":null}"#, may(Moderate).above(Owner).keeps()),
    row("bans a member", "update_participant", ("PATCH", TIM), r#"{"user_id":"$tim","banned":true}"#, may(Moderate).above(Member).people()),
    row("bans an owner", "update_participant", ("PATCH", OLGA), r#"{"user_id":"$olga","banned":true}"#, may(Moderate).above(Owner).people()),
    row("lifts a ban", "update_participant", ("PATCH", BOB), r#"{"user_id":"$bob","banned":false}"#, may(Moderate).people()),
    row("bans somebody who never was there", "update_participant", ("PATCH", "/api/chatrooms/$room/participants/$new/"), r#"{"user_id":"$new","banned":true}"#, may(Moderate).people()),
    row("removes a member", "remove_participant", ("DELETE", TIM), r#"{"user_id":"$tim"}"#, may(Moderate).above(Member).people()),
    row("removes an owner", "remove_participant", ("DELETE", OLGA), r#"{"user_id":"$olga"}"#, may(Moderate).above(Owner).people()),
    row("removes themselves", "remove_participant", ("DELETE", ME), r#"{"user_id":"$me"}"#, may(Leave).people()),
    both("leaves", Some("leave_room"), None, "{}", Needs::Room(may(Leave).user().people())),
    row("answers an old message", "send_message", ("POST", SEND), r#"{"content":"x","reply_to":"$tims"}"#, may(Send).open().voice().old_at_last()),
];

/// What is wrong with these, whatever room they name.
#[rustfmt::skip]
pub(super) const WRONG: [Row; 10] = [
    row("posts nothing", "send_message", ("POST", SEND), r#"{"content":""}"#, may(Send)),
    row("answers nothing", "send_message", ("POST", SEND), r#"{"content":" ","reply_to":"$tims"}"#, may(Send)),
    row("changes nothing of a message", "edit_message", ("PATCH", "/api/messages/$tims/"), r#"{"message_id":"$tims"}"#, may(EditOwn)),
    row("marks what is too far away", "read_message", ("POST", "/api/chatrooms/$room/mark_read/"), r#"{"seq":9007199254740992}"#, may(Read)),
    row("gives the room a name that is none", "update_room", ("PATCH", ROOM), r#"{"name":"a\u0007"}"#, may(Action::UpdateRoom)),
    row("shows somebody new what cannot be", "add_participant", ("POST", PEOPLE), r#"{"user_id":"$new","visible_from":0}"#, may(Add)),
    row("gives somebody a name that is none", "update_participant", ("PATCH", TIM), r#"{"user_id":"$tim","name":"a\u0007"}"#, may(SpeakForHost)),
    both("goes on where no page ended", None, Some(("GET", "/api/chatrooms/$room/participants/?cursor=")), "{}", Needs::Room(may(Read))),
    row("reads a history without a place", "history", ("GET", "/api/chatrooms/$room/messages/?before=x"), r#"{"before":"x"}"#, may(Read)),
    both("opens a room twice", Some("subscribe"), None, r#"{"rooms":["$room","$room"]}"#, Needs::Room(may(Read))),
];
