//! What one user, or the host, may do: a typed method for every command and every read.

use std::{str::FromStr, sync::Arc};

use crate::{
    model::{
        AddParticipant, Command, CreateRoom, DeleteMessage, EditMessage, Error, Limits, Mark, MarkAt, MarkKind,
        Markers, Member, Message, MessageId, My, MyRoom, Page, Participant, RemoveParticipant, Result, RoomId, RoomRef,
        SendMessage, Sent, Seq, Timestamp, UpdateMe, UpdateParticipant, UpdateRoom, UserId,
    },
    rules::{Actor, fitting, may_type},
    store::{RoomRow, Viewer, Window},
};

use super::{Engine, Inner, Live, hand_over::SETTLE, lane::Place};

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
        let (room, made) = self.carry_out(Place::New, Command::CreateRoom(create)).await?.room()?;
        Ok((self.room(&room).await?, made))
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
        let _turn = self.inner().reading.turn(self.actor.user()).await;
        let store = self.inner().store()?;
        let rows = loop {
            let rows = store.rooms(self.viewer(), before, limit + 1).await?;
            match smaller(limit, rows.iter().map(RoomRow::weight)) {
                Some(less) => limit = less,
                None => break rows,
            }
        };
        let page = page(rows, limit, |row| format!("{}.{}", row.room.last_at.as_millis(), row.room.id));
        Ok(page.map(|row| row.shown(store.epoch())))
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
        let added = self.carry_out(Place::Room(room.into()), Command::AddParticipant(add.into())).await?.member()?;
        Ok(self.shown(&added))
    }

    /// Changes somebody's role, name, mute or ban.
    pub async fn update_participant(&self, room: impl Into<RoomRef>, update: UpdateParticipant) -> Result<Participant> {
        let updated = self.carry_out(Place::Room(room.into()), Command::UpdateParticipant(update)).await?.member()?;
        Ok(self.shown(&updated))
    }

    /// Removes somebody, or oneself.
    pub async fn remove_participant(&self, room: impl Into<RoomRef>, remove: RemoveParticipant) -> Result<()> {
        self.carry_out(Place::Room(room.into()), Command::RemoveParticipant(remove)).await.map(drop)
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
        // First: what is wrong with a cursor must not tell whether there is a room.
        let after = after.map(parse_cursor::<UserId>).transpose()?;
        let room = self.resolve(room.into()).await?;
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
        self.carry_out(Place::Room(room.into()), Command::SendMessage(send)).await?.sent()
    }

    /// Changes what a message says.
    pub async fn edit(&self, edit: EditMessage) -> Result<Arc<Message>> {
        self.carry_out(Place::OfMessage(edit.message_id), Command::EditMessage(edit)).await?.message()
    }

    /// Takes a message's content away. Deleting a deleted one is fine.
    pub async fn delete(&self, message_id: MessageId) -> Result<Arc<Message>> {
        let delete = Command::DeleteMessage(DeleteMessage { message_id, client_id: None });
        self.carry_out(Place::OfMessage(message_id), delete).await?.message()
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
        let _turn = self.inner().reading.turn(self.actor.user()).await;
        let results = loop {
            let results = self.inner().store()?.messages(self.viewer(), before, limit + 1).await?;
            match smaller(limit, results.iter().map(Message::weight)) {
                Some(less) => limit = less,
                None => break results,
            }
        };
        Ok(page(results, limit, |message| message.id.to_string()))
    }

    // ---- one's own place in a room -----------------------------------------------------------------------------

    /// Says how far one has read or received, or that something is to be unread again. Past the end means the end.
    pub async fn mark(&self, room: impl Into<RoomRef>, kind: MarkKind, seq: Seq) -> Result<Markers> {
        let mark = Command::Mark(Mark { kind, at: MarkAt::Seq(seq) });
        self.carry_out(Place::Room(room.into()), mark).await?.markers()
    }

    /// The same for a message by its id.
    pub async fn mark_message(&self, kind: MarkKind, message_id: MessageId) -> Result<Markers> {
        let mark = Command::Mark(Mark { kind, at: MarkAt::MessageId(message_id) });
        self.carry_out(Place::OfMessage(message_id), mark).await?.markers()
    }

    /// Changes one's own settings in a room.
    pub async fn update_me(&self, room: impl Into<RoomRef>, update: UpdateMe) -> Result<My> {
        self.carry_out(Place::Room(room.into()), Command::UpdateMe(update)).await?.my()
    }

    /// How many messages the caller has not read, over all rooms.
    pub async fn unread(&self) -> Result<u64> {
        self.settle().await;
        let _turn = self.inner().reading.turn(self.actor.user()).await;
        Ok(self.inner().store()?.unread(self.user()?).await?)
    }

    /// Says that one is typing, or no longer is. It ends by itself 3 s after it was last said, and with a send. Who
    /// begins more often than [`Limits::typing_per_second`](crate::Limits::typing_per_second) is not told of. Shown to
    /// others only while the caller has the room open, and in rooms of up to
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
        if !is_typing {
            hub.stop_typing(view.room.id, user);
            return Ok(());
        }
        may_type(&view.room, &member, self.inner().now())?;
        if view.room.members <= self.inner().options.limits.small_room as u64 {
            hub.start_typing(view.room.id, user);
        }
        Ok(())
    }

    // ---- what they have in common -----------------------------------------------------------------------------

    /// The user as they join a room that they make.
    pub(super) fn own_place(&self) -> Option<AddParticipant> {
        let user = self.actor.user()?.clone();
        let profile = self.profile.as_deref();
        Some(AddParticipant {
            name: profile.and_then(|profile| profile.name.clone()),
            avatar: profile.and_then(|profile| profile.avatar.clone()),
            ..AddParticipant::new(user)
        })
    }

    /// Shows the user in the rooms of these memberships as their token says; whether any was changed. A storage that
    /// cannot store keeps nobody from reading.
    pub(super) async fn refresh_profile(&self, members: impl Iterator<Item = &Member>) -> bool {
        let Some(profile) = &self.profile else { return false };
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
            let host = self.engine.host();
            match tokio::time::timeout(SETTLE, host.update_participant(member.room, update)).await {
                Ok(Ok(_)) => changed = true,
                // They were put out meanwhile, which catching up says.
                Ok(Err(Error::NotFound { .. })) => {}
                // Then the others cannot be stored now either. The next opening tries again.
                Ok(Err(_)) | Err(_) => break,
            }
        }
        changed
    }

    /// A participant as shown to others, with whether they are connected.
    pub(crate) fn shown(&self, member: &Member) -> Participant {
        let (online, last_seen) = self.inner().hub.seen(&member.user);
        Participant { online: Some(online), last_seen, ..member.participant() }
    }

    fn people(&self, members: Vec<Member>, limit: usize) -> Page<Participant> {
        page(members, limit, |member| member.user.to_string()).map(|member| self.shown(&member))
    }

    pub(crate) fn user(&self) -> Result<&UserId> {
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

/// How many to ask for instead, where these weigh more than a page may.
fn smaller(limit: usize, weights: impl Iterator<Item = usize>) -> Option<usize> {
    let weight: usize = weights.sum();
    (limit > 1 && weight > PAGE_BYTES).then(|| (limit.saturating_mul(PAGE_BYTES) / weight).max(1))
}

/// A page of what was asked for with one more than it may have, and the place of its last one where there is more.
fn page<T>(mut results: Vec<T>, limit: usize, place: impl FnOnce(&T) -> String) -> Page<T> {
    let more = results.len() > limit;
    results.truncate(limit);
    let next = results.last().filter(|_| more).map(place);
    Page { results, next }
}

fn parse_cursor<T: FromStr>(text: &str) -> Result<T> {
    text.parse().map_err(|_| Error::invalid("cursor", "must be what `next` said"))
}

fn parse_room_cursor(text: &str) -> Result<(Timestamp, RoomId)> {
    let (at, room) = text.split_once('.').unwrap_or_default();
    Ok((Timestamp::from_millis(parse_cursor(at)?), parse_cursor(room)?))
}
