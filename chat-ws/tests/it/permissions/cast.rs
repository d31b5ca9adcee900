//! Callers in every relation to a room, and the room.

use std::sync::atomic::{AtomicUsize, Ordering};

use chat_core::{
    AddParticipant, CreateRoom, HistoryMode, RemoveParticipant, Role, RoomId, RoomKind, RoomState, SendMessage,
    Timestamp, UpdateParticipant, UpdateRoom,
};
use serde_json::Value;

use crate::{
    stage::{Stage, service, token, user},
    wire::{Peer, Reply, request},
};

use super::rows::Row;

/// What somebody is to the room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Caller {
    /// Without a token.
    Nobody,
    /// Never was in the room.
    Stranger,
    Left,
    Kicked,
    Banned,
    Observer,
    Member,
    /// A member who may not write for now.
    Muted,
    /// A member who came after the old messages, which newcomers do not see.
    Newcomer,
    Moderator,
    Admin,
    Owner,
    /// The application, with a service token.
    Host,
}

use Caller::{
    Admin, Banned, Host, Kicked, Left, Member, Moderator, Muted, Newcomer, Nobody, Observer, Owner, Stranger,
};

impl Caller {
    pub(super) const ALL: [Self; 13] =
        [Nobody, Stranger, Left, Kicked, Banned, Observer, Member, Muted, Newcomer, Moderator, Admin, Owner, Host];

    pub(super) const fn is_outside(self) -> bool {
        matches!(self, Nobody | Stranger | Left | Kicked | Banned)
    }

    /// The role in the room; none for the host, who has none and needs none.
    pub(super) const fn role(self) -> Option<Role> {
        Some(match self {
            Observer => Role::Observer,
            Moderator => Role::Moderator,
            Admin => Role::Admin,
            Owner => Role::Owner,
            Host => return None,
            _ => Role::Member,
        })
    }

    /// Whether somebody can be that in a direct room, which has two equal members.
    const fn fits(self, kind: RoomKind) -> bool {
        !matches!(kind, RoomKind::Direct) || matches!(self, Nobody | Stranger | Member | Muted | Host)
    }

    pub(super) fn of(kind: RoomKind) -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(move |caller| caller.fits(kind))
    }

    fn token(self, me: &str) -> Option<String> {
        match self {
            Nobody => None,
            Host => Some(service()),
            _ => Some(token(me)),
        }
    }
}

/// A room that somebody has a relation to, and their connections.
pub(super) struct Place<'a> {
    stage: &'a Stage,
    caller: Caller,
    /// The caller's name; another place has another caller.
    pub(super) me: String,
    token: Option<String>,
    socket: Option<Peer>,
    kind: RoomKind,
    state: RoomState,
    names: Vec<(&'static str, String)>,
}

/// What an outsider must never be told: the room's name and everything that was said bear it.
pub(super) const HUSH: &str = "hush";
/// What a newcomer must never be told either.
pub(super) const OLD: &str = "hush, old";

static MADE: AtomicUsize = AtomicUsize::new(0);

impl<'a> Place<'a> {
    pub(super) async fn new(stage: &'a Stage, caller: Caller, kind: RoomKind, state: RoomState) -> Self {
        let me = format!("me{}", MADE.fetch_add(1, Ordering::Relaxed));
        let token = caller.token(&me);
        let socket = match &token {
            Some(token) => Some(stage.joins(token).await),
            None => None,
        };
        let mut place = Self { stage, caller, me, token, socket, kind, state, names: Vec::new() };
        place.rebuild().await;
        place
    }

    /// Makes a fresh room, where the last one was changed.
    pub(super) async fn rebuild(&mut self) {
        let (host, caller, n) = (self.stage.engine.host(), self.caller, MADE.fetch_add(1, Ordering::Relaxed));
        let tim = format!("tim{n}");
        let create = CreateRoom { kind: self.kind, history: HistoryMode::SinceJoined, ..CreateRoom::default() };
        let mut create = create.named("hush").with(user(&tim));
        create.key = Some(format!("job:m{n}").parse().unwrap());
        let pair = self.kind == RoomKind::Direct;
        let is_in = !matches!(caller, Nobody | Stranger | Newcomer | Host);
        // A direct room has two people; where the caller is not one of them, somebody else is.
        create = match (pair, is_in) {
            (_, true) => create.with(AddParticipant::new(user(&self.me)).role(caller.role().unwrap())),
            (true, false) => create.with(user("else")),
            (false, false) => create,
        };
        if !pair {
            for owner in ["olga", "otto"] {
                create = create.with(AddParticipant::new(user(owner)).role(Role::Owner));
            }
        }
        let room = host.create_room(create).await.unwrap().info.id;
        let says = async |who: &str, what: &str| {
            let send = SendMessage::text(what).on_behalf_of(user(who));
            host.send(room, send).await.unwrap().message.id.to_string()
        };
        let tims = says(&tim, OLD).await;
        let olgas = if pair { String::new() } else { says("olga", OLD).await };
        if !pair {
            let ban = UpdateParticipant { banned: Some(true), ..UpdateParticipant::of(user("bob")) };
            host.add_participant(room, user("bob")).await.unwrap();
            host.update_participant(room, ban).await.unwrap();
        }
        if caller == Newcomer {
            host.add_participant(room, user(&self.me)).await.unwrap();
        }
        let own = if is_in || caller == Newcomer { says(&self.me, "hush, own").await } else { tims.clone() };
        self.part(room).await;
        let freeze = UpdateRoom { state: Some(self.state), ..UpdateRoom::default() };
        host.update_room(room, freeze).await.unwrap();
        self.names = vec![
            ("$room", room.to_string()),
            ("$key", format!("job:m{n}")),
            ("$tims", tims),
            ("$tim", tim),
            ("$olgas", olgas),
            ("$olga", "olga".into()),
            ("$bob", "bob".into()),
            ("$new", format!("new{n}")),
            ("$me", self.me.clone()),
            ("$own", own),
            ("$token", self.token.clone().unwrap_or_default()),
        ];
    }

    /// What happened to the caller since.
    async fn part(&self, room: RoomId) {
        let (host, me) = (self.stage.engine.host(), user(&self.me));
        let changed = UpdateParticipant::of(me.clone());
        match self.caller {
            Left => self.stage.engine.session(&me).leave(room).await.unwrap(),
            Kicked => {
                host.remove_participant(room, RemoveParticipant { user_id: me, client_id: None }).await.unwrap();
            }
            Banned => {
                host.update_participant(room, UpdateParticipant { banned: Some(true), ..changed }).await.unwrap();
            }
            Muted => {
                let until = Some(Some(Timestamp::from_millis(4_000_000_000_000)));
                host.update_participant(room, UpdateParticipant { muted_until: until, ..changed }).await.unwrap();
            }
            _ => {}
        }
    }

    /// Whether the row can be asked for here: in a direct room is no owner, and the host is nobody of its own.
    pub(super) fn has(&self, row: &Row) -> bool {
        let (pair, host) = (self.kind == RoomKind::Direct, self.caller == Host);
        !(pair && row.names("$olga") || host && (row.names("$me") || row.names("$own") || row.speaks_for_oneself()))
    }

    /// The same room under another name, or a room that is not there.
    pub(super) fn rename(&mut self, name: &'static str, value: impl Into<String>) {
        let value = value.into();
        self.names.iter_mut().filter(|(known, _)| *known == name).for_each(|(_, known)| known.clone_from(&value));
    }

    pub(super) fn value(&self, name: &str) -> &str {
        self.names.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str()).unwrap()
    }

    fn fill(&self, text: &str) -> String {
        self.names.iter().fold(text.to_owned(), |text, (name, value)| text.replace(name, value))
    }

    /// Asks on the socket. The answer is the frame as it came.
    pub(super) async fn on_the_socket(&mut self, row: &Row) -> Option<Value> {
        let mut frame: Value = serde_json::from_str(&self.fill(row.fields)).unwrap();
        frame["action"] = row.socket?.into();
        if frame.get("rooms").is_none() {
            frame["room"] = self.value("$room").into();
        }
        Some(self.socket.as_mut()?.ask(frame).await)
    }

    /// Asks over HTTP.
    pub(super) async fn over_http(&self, row: &Row) -> Option<Reply> {
        let (method, path) = row.http?;
        let body = if method == "GET" { String::new() } else { self.fill(row.fields) };
        let token = self.token.as_ref().map(|token| format!("Bearer {token}"));
        let headers: Vec<_> = token.iter().map(|token| ("authorization", token.as_str())).collect();
        Some(request(self.stage.address, method, &self.fill(path), &headers, body.as_bytes()).await)
    }
}
