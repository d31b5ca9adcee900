//! What one user, or the host, may do: a typed method for every command and every read.

use std::{
    pin::Pin,
    str::FromStr,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use tokio::sync::{
    mpsc::{Permit, error::TrySendError},
    oneshot,
};

use crate::{
    model::{
        AddParticipant, Command, CreateRoom, DeleteMessage, EditMessage, Error, Limits, Mark, MarkAt, MarkKind,
        Markers, Member, Message, MessageId, My, MyRoom, Page, Participant, RemoveParticipant, Result, RoomId, RoomRef,
        SendMessage, Sent, Seq, Timestamp, UpdateMe, UpdateParticipant, UpdateRoom, UserId,
    },
    rules::{Action, Actor, fitting, least_role},
    store::{RoomRow, Viewer, Window},
};

use super::{
    Engine, Inner, Live,
    lane::{Place, Reply, Request, Work},
    permission::Asked,
};

/// What one user, or the host, may do. Cheap to make and to clone.
///
/// # Cancellation
/// Dropping the future of a command leaves the room unchanged or fully changed. To be sure which, repeat the command
/// under the same `client_id`.
///
/// # Errors
/// What a user may not know of is `not_found`; what they see but may not do is `forbidden`. Every method can also
/// answer `busy`, `storage_unavailable`, `suspended` and `draining`.
#[derive(Clone, Debug)]
pub struct Session {
    engine: Engine,
    actor: Actor,
    profile: Option<Arc<Profile>>,
}

/// How a user is shown, as their token says.
#[derive(Debug)]
struct Profile {
    name: Option<String>,
    avatar: Option<String>,
}

/// What one page may weigh: as many messages as a page holds at most, each with as long a text as it may have, and no more
/// where they carry as much beside that as they may.
const PAGE_BYTES: usize = 4 * 1024 * 1024;

/// How long a read waits at most for markers that its user has handed in.
const SETTLE: Duration = Duration::from_millis(50);

/// Where a page of rooms or messages of all rooms goes on.
type Continue<'a> = Option<&'a str>;

impl Session {
    pub(super) fn new(engine: Engine, actor: Actor) -> Self {
        Self { engine, actor, profile: None }
    }

    /// The same with the name and picture that the user's token gives; they are shown in rooms that the user opens. One
    /// that does not fit is left out.
    #[must_use]
    pub fn with_profile(mut self, name: Option<String>, avatar: Option<String>) -> Self {
        let (name, avatar) = fitting(name, avatar, &self.inner().options.limits);
        if name.is_some() || avatar.is_some() {
            self.profile = Some(Arc::new(Profile { name, avatar }));
        }
        self
    }

    /// Who acts.
    pub const fn actor(&self) -> &Actor {
        &self.actor
    }

    /// The engine.
    pub const fn engine(&self) -> &Engine {
        &self.engine
    }

    pub(super) fn inner(&self) -> &Inner {
        &self.engine.inner
    }

    fn viewer(&self) -> Viewer<'_> {
        (&self.actor).into()
    }

    /// A new connection: the events of the rooms that it opens.
    pub fn live(&self) -> Live {
        Live::new(self.clone())
    }

    // ---- rooms -------------------------------------------------------------------------------------------------

    /// Makes a room, or finds the one that has the key or the pair.
    pub async fn create_room(&self, create: CreateRoom) -> Result<MyRoom> {
        self.get_or_create_room(create).await.map(|(room, _)| room)
    }

    /// The same, and whether it was made now.
    pub async fn get_or_create_room(&self, create: CreateRoom) -> Result<(MyRoom, bool)> {
        match self.carry_out(Place::New, Command::CreateRoom(create)).await? {
            Reply::Room { room, made } => Ok((self.room(&room).await?, made)),
            _ => Err(unexpected()),
        }
    }

    /// One room as the caller sees it.
    pub async fn room(&self, room: impl Into<RoomRef>) -> Result<MyRoom> {
        self.settle().await;
        let store = self.inner().store()?;
        let row = store.room(self.viewer(), &room.into().into()).await?;
        Ok(row.ok_or(Error::not_found("room"))?.shown(store.epoch()))
    }

    /// The caller's rooms, latest activity first; for the host, all there are.
    pub async fn rooms(&self, after: Continue<'_>, limit: Option<usize>) -> Result<Page<MyRoom>> {
        self.settle().await;
        let before = after.map(parse_room_cursor).transpose()?;
        let mut limit = self.page_size(limit);
        let store = self.inner().store()?;
        let mut rows = loop {
            let rows = store.rooms(self.viewer(), before, limit + 1).await?;
            match smaller(limit, rows.iter().map(RoomRow::weight)) {
                Some(less) => limit = less,
                None => break rows,
            }
        };
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().filter(|_| more).map(|row| format!("{}.{}", row.room.last_at.as_millis(), row.room.id));
        let epoch = store.epoch();
        Ok(Page { results: rows.into_iter().map(|row| row.shown(epoch)).collect(), next })
    }

    /// Changes a room's settings or state.
    pub async fn update_room(&self, room: impl Into<RoomRef>, update: UpdateRoom) -> Result<MyRoom> {
        let room = room.into();
        self.carry_out(Place::Room(room.clone()), Command::UpdateRoom(update)).await?;
        self.room(room).await
    }

    /// Removes a room and all that is in it, for ever.
    pub async fn delete_room(&self, room: impl Into<RoomRef>) -> Result<()> {
        self.carry_out(Place::Room(room.into()), Command::DeleteRoom).await.map(drop)
    }

    // ---- participants ------------------------------------------------------------------------------------------

    /// Adds somebody.
    pub async fn add_participant(
        &self,
        room: impl Into<RoomRef>,
        add: impl Into<AddParticipant>,
    ) -> Result<Participant> {
        self.change_member(room.into(), Command::AddParticipant(add.into())).await
    }

    /// Changes somebody's role, name, mute or ban.
    pub async fn update_participant(&self, room: impl Into<RoomRef>, update: UpdateParticipant) -> Result<Participant> {
        self.change_member(room.into(), Command::UpdateParticipant(update)).await
    }

    /// Removes somebody, or oneself.
    pub async fn remove_participant(&self, room: impl Into<RoomRef>, remove: RemoveParticipant) -> Result<()> {
        self.change_member(room.into(), Command::RemoveParticipant(remove)).await.map(drop)
    }

    /// Leaves a room.
    pub async fn leave(&self, room: impl Into<RoomRef>) -> Result<()> {
        let user_id = self.user()?.clone();
        self.remove_participant(room, RemoveParticipant { user_id, client_id: None }).await
    }

    /// Who is in a room, by user id.
    pub async fn participants(
        &self,
        room: impl Into<RoomRef>,
        after: Continue<'_>,
        limit: Option<usize>,
    ) -> Result<Page<Participant>> {
        let room = self.resolve(room.into()).await?;
        let after = after.map(parse_cursor::<UserId>).transpose()?;
        let limit = self.page_size(limit);
        let members = self.inner().store()?.participants(self.viewer(), room, after.as_ref(), limit + 1).await?;
        Ok(self.people(members.ok_or(Error::not_found("room"))?, limit))
    }

    /// Who has read a message, by user id, without its sender.
    pub async fn readers(
        &self,
        message: MessageId,
        after: Continue<'_>,
        limit: Option<usize>,
    ) -> Result<Page<Participant>> {
        let after = after.map(parse_cursor::<UserId>).transpose()?;
        let limit = self.page_size(limit);
        let members = self.inner().store()?.readers(self.viewer(), message, after.as_ref(), limit + 1).await?;
        Ok(self.people(members.ok_or(Error::not_found("message"))?, limit))
    }

    // ---- messages ----------------------------------------------------------------------------------------------

    /// Posts a message. Under a `client_id` it can be repeated safely.
    pub async fn send(&self, room: impl Into<RoomRef>, send: SendMessage) -> Result<Sent> {
        match self.carry_out(Place::Room(room.into()), Command::SendMessage(send)).await? {
            Reply::Message { message, before } => Ok(Sent { message, duplicate: before }),
            _ => Err(unexpected()),
        }
    }

    /// Changes what a message says.
    pub async fn edit(&self, edit: EditMessage) -> Result<Arc<Message>> {
        self.change_message(edit.message_id, Command::EditMessage(edit)).await
    }

    /// Takes a message's content away. Deleting a deleted one is fine.
    pub async fn delete(&self, message_id: MessageId) -> Result<Arc<Message>> {
        self.change_message(message_id, Command::DeleteMessage(DeleteMessage { message_id, client_id: None })).await
    }

    /// One message.
    pub async fn message(&self, id: MessageId) -> Result<Message> {
        self.inner().store()?.message(self.viewer(), id).await?.ok_or(Error::not_found("message"))
    }

    /// A page of a room's messages. [`Page::next`] is the place to give as `Before` or `After` to go on.
    pub async fn history(
        &self,
        room: impl Into<RoomRef>,
        window: Window,
        limit: Option<usize>,
    ) -> Result<Page<Message>> {
        let room = room.into().into();
        let mut limit = self.page_size(limit);
        let page = loop {
            let page = self.inner().store()?.history(self.viewer(), &room, window, limit).await?;
            let page = page.ok_or(Error::not_found("room"))?;
            match smaller(limit, page.messages.iter().map(Message::weight)) {
                Some(less) => limit = less,
                None => break page,
            }
        };
        let next = page.messages.last().filter(|_| page.more).map(|message| message.seq.to_string());
        Ok(Page { results: page.messages, next })
    }

    /// What the caller may see in all rooms, newest first by id.
    pub async fn messages(&self, after: Continue<'_>, limit: Option<usize>) -> Result<Page<Message>> {
        let before = after.map(parse_cursor::<MessageId>).transpose()?;
        let mut limit = self.page_size(limit);
        let mut results = loop {
            let results = self.inner().store()?.messages(self.viewer(), before, limit + 1).await?;
            match smaller(limit, results.iter().map(Message::weight)) {
                Some(less) => limit = less,
                None => break results,
            }
        };
        let more = results.len() > limit;
        results.truncate(limit);
        let next = results.last().filter(|_| more).map(|message| message.id.to_string());
        Ok(Page { results, next })
    }

    // ---- one's own place in a room -----------------------------------------------------------------------------

    /// Says how far one has read or received, or that something is to be unread again. Past the end means the end.
    pub async fn mark(&self, room: impl Into<RoomRef>, kind: MarkKind, seq: Seq) -> Result<Markers> {
        self.change_marker(Place::Room(room.into()), Mark { kind, at: MarkAt::Seq(seq) }).await
    }

    /// The same for a message by its id.
    pub async fn mark_message(&self, kind: MarkKind, message_id: MessageId) -> Result<Markers> {
        self.change_marker(Place::OfMessage(message_id), Mark { kind, at: MarkAt::MessageId(message_id) }).await
    }

    /// Changes one's own settings in a room.
    pub async fn update_me(&self, room: impl Into<RoomRef>, update: UpdateMe) -> Result<My> {
        match self.carry_out(Place::Room(room.into()), Command::UpdateMe(update)).await? {
            Reply::Registers(registers) => Ok(My::from(&registers.member)),
            _ => Err(unexpected()),
        }
    }

    /// How many messages the caller has not read, over all rooms.
    pub async fn unread(&self) -> Result<u64> {
        self.settle().await;
        Ok(self.inner().store()?.unread(self.user()?).await?)
    }

    /// Says that one is typing, or no longer is. It ends by itself 3 s after it was last said, and with a send. Shown
    /// to others only while the caller has the room open, and in rooms of up to
    /// [`Limits::small_room`](crate::Limits::small_room) people.
    pub async fn typing(&self, room: impl Into<RoomRef>, is_typing: bool) -> Result<()> {
        let user = self.user()?;
        let room = room.into();
        let hub = &self.inner().hub;
        if let (RoomRef::Id(id), true) = (&room, is_typing)
            && hub.keep_typing(*id, user)
        {
            return Ok(());
        }
        let view = self.inner().store()?.view(&room.into(), std::slice::from_ref(user)).await?;
        let view = view.ok_or(Error::not_found("room"))?;
        let member = view.members.into_iter().flatten().next().filter(Member::is_active);
        let member = member.ok_or(Error::not_found("room"))?;
        let now = self.inner().now();
        let may = least_role(Action::Type, view.room.kind).is_some_and(|least| member.role >= least);
        if is_typing && (!may || member.is_muted(now) || view.room.state != crate::model::RoomState::Open) {
            return Err(Error::Forbidden { reason: "you do not write in this room" });
        }
        if !is_typing {
            hub.stop_typing(view.room.id, user);
        } else if view.room.members <= self.inner().options.limits.small_room as u64 {
            hub.start_typing(view.room.id, user);
        }
        Ok(())
    }

    // ---- how it is done ----------------------------------------------------------------------------------------

    /// Hands a command to the committer; it takes effect in the order in which commands are handed over. What is
    /// returned resolves when it is durable.
    ///
    /// # Errors
    /// `busy` if too much waits, `draining` if the engine closes.
    fn start(&self, asked: Asked, command: Command) -> Result<Pending> {
        let work = self.inner().work.upgrade().ok_or(Error::Draining)?;
        match work.try_reserve() {
            Ok(turn) => Ok(self.hand_over(turn, asked, command)),
            Err(TrySendError::Full(())) => Err(Error::Busy { retry_after_ms: 50 }),
            Err(TrySendError::Closed(())) => Err(Error::Draining),
        }
    }

    /// Asks the application, and then does the same, but waits for its turn where too much waits already: who can be
    /// made to wait need not be refused.
    pub(crate) async fn start_in_turn(&self, place: Place, command: Command) -> Result<Pending> {
        let asked = self.ask(place, &command).await;
        let work = self.inner().work.upgrade().ok_or(Error::Draining)?;
        let turn = work.reserve().await.map_err(|_closed| Error::Draining)?;
        Ok(self.hand_over(turn, asked, command))
    }

    /// Whether the application lets the user do it. Where it has no say, nothing is awaited.
    async fn ask(&self, place: Place, command: &Command) -> Asked {
        match (&self.inner().permissions, self.actor.user()) {
            (Some(permissions), Some(user)) => match self.inner().store() {
                Ok(store) => Box::pin(permissions.ask(&*store, user, place, command)).await,
                Err(error) => Asked { place, verdict: Err(error) },
            },
            _ => Asked { place, verdict: Ok(()) },
        }
    }

    fn hand_over(&self, turn: Permit<'_, Work>, Asked { place, verdict }: Asked, command: Command) -> Pending {
        let own = self.actor.user().map(|user| AddParticipant {
            name: self.profile.as_ref().and_then(|profile| profile.name.clone()),
            avatar: self.profile.as_ref().and_then(|profile| profile.avatar.clone()),
            ..AddParticipant::new(user.clone())
        });
        let own = own.filter(|_| matches!(command, Command::CreateRoom(_)));
        let marks = self.actor.user().filter(|_| matches!(command, Command::Mark(_)));
        let on_its_way = marks.map(|user| self.inner().unsettled.enter(user));
        let (reply, answer) = oneshot::channel();
        let request =
            Request { actor: self.actor.clone(), place, command, verdict, own, on_its_way, attempts: 0, reply };
        turn.send(Work::Command(Box::new(request)));
        Pending(answer)
    }

    async fn change_marker(&self, place: Place, mark: Mark) -> Result<Markers> {
        match self.carry_out(place, Command::Mark(mark)).await? {
            Reply::Registers(registers) => Ok(Markers::of(&registers.member, registers.unread)),
            _ => Err(unexpected()),
        }
    }

    async fn carry_out(&self, place: Place, command: Command) -> Result<Reply> {
        let asked = self.ask(place, &command).await;
        self.start(asked, command)?.await
    }

    async fn change_member(&self, room: RoomRef, command: Command) -> Result<Participant> {
        match self.carry_out(Place::Room(room), command).await? {
            Reply::Member(member) => Ok(self.shown(&member)),
            _ => Err(unexpected()),
        }
    }

    async fn change_message(&self, id: MessageId, command: Command) -> Result<Arc<Message>> {
        match self.carry_out(Place::OfMessage(id), command).await? {
            Reply::Message { message, .. } => Ok(message),
            _ => Err(unexpected()),
        }
    }

    /// Waits until the markers that the user has handed in are stored, so that what they read next shows them. A
    /// storage that cannot store keeps nobody from reading.
    pub(super) async fn settle(&self) {
        let inner = self.inner();
        if !self.actor.user().is_some_and(|user| inner.unsettled.has(user)) {
            return;
        }
        let Some(work) = inner.work.upgrade() else { return };
        let settling = async move {
            let (settled, done) = oneshot::channel();
            if work.send(Work::Settle(settled)).await.is_ok() {
                let _ = done.await;
            }
        };
        let _ = tokio::time::timeout(SETTLE, settling).await;
    }

    /// Shows the user in the rooms of these memberships as their token says; whether any had to be changed.
    pub(super) async fn refresh_profile(&self, members: impl Iterator<Item = &Member>) -> Result<bool> {
        let Some(profile) = &self.profile else { return Ok(false) };
        let mut changed = false;
        for member in members {
            let name = profile.name.as_ref().filter(|name| member.name.as_ref() != Some(*name));
            let avatar = profile.avatar.as_ref().filter(|avatar| member.avatar.as_ref() != Some(*avatar));
            if name.is_none() && avatar.is_none() {
                continue;
            }
            let update = UpdateParticipant {
                name: name.cloned().map(Some),
                avatar: avatar.cloned().map(Some),
                ..UpdateParticipant::of(member.user.clone())
            };
            match self.engine.host().update_participant(member.room, update).await {
                Ok(_) => changed = true,
                // They were put out meanwhile, which catching up says.
                Err(Error::NotFound { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(changed)
    }

    /// A participant as shown to others, with whether they are connected.
    pub(crate) fn shown(&self, member: &Member) -> Participant {
        let (online, last_seen) = self.inner().hub.seen(&member.user);
        Participant { online: Some(online), last_seen, ..member.participant() }
    }

    fn people(&self, mut members: Vec<Member>, limit: usize) -> Page<Participant> {
        let more = members.len() > limit;
        members.truncate(limit);
        let next = members.last().filter(|_| more).map(|member| member.user.to_string());
        Page { results: members.iter().map(|member| self.shown(member)).collect(), next }
    }

    fn user(&self) -> Result<&UserId> {
        self.actor.user().ok_or(Error::Forbidden { reason: "the host is no participant" })
    }

    fn page_size(&self, asked: Option<usize>) -> usize {
        self.limits().page_size(asked)
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.inner().options.limits
    }

    pub(crate) async fn resolve(&self, room: RoomRef) -> Result<RoomId> {
        match room {
            RoomRef::Id(id) => Ok(id),
            key => {
                let view = self.inner().store()?.view(&key.into(), &[]).await?;
                view.map(|view| view.room.id).ok_or(Error::not_found("room"))
            }
        }
    }
}

/// An answer that is on its way. What it is of takes effect whether or not this is awaited.
#[derive(Debug)]
pub(crate) struct Pending(oneshot::Receiver<Result<Reply>>);

impl Future for Pending {
    type Output = Result<Reply>;
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // Without an answer the committer is gone.
        Pin::new(&mut self.0).poll(cx).map(|answer| answer.unwrap_or(Err(Error::Draining)))
    }
}

/// How many to ask for instead, where these weigh more than a page may.
fn smaller(limit: usize, weights: impl Iterator<Item = usize>) -> Option<usize> {
    let weight: usize = weights.sum();
    (limit > 1 && weight > PAGE_BYTES).then(|| (limit.saturating_mul(PAGE_BYTES) / weight).max(1))
}

fn parse_cursor<T: FromStr>(text: &str) -> Result<T> {
    text.parse().map_err(|_| Error::invalid("cursor", "must be what `next` said"))
}

fn parse_room_cursor(text: &str) -> Result<(Timestamp, RoomId)> {
    let (at, room) = text.split_once('.').unwrap_or_default();
    Ok((Timestamp::from_millis(parse_cursor(at)?), parse_cursor(room)?))
}

/// The lane answers each command in its own way; anything else is a bug there.
fn unexpected() -> Error {
    Error::StorageUnavailable { reason: "the engine answered something else".into() }
}
