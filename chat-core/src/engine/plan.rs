//! From a command to a commit: what the lane does before anything is stored.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use crate::{
    model::{
        Command, CreateRoom, DeleteMessage, EditMessage, Error, Member, Message, MessageId, Result, Role, Room, RoomId,
        RoomInfo, RoomKey, RoomRef, SendMessage, Timestamp, UserId,
    },
    rules::{self, Actor, Decision, NewRoomPlan, Scene, plan_room},
    store::{Commit, Guard, MemberChange, NO_ROOM, Operation, OperationName, RoomSelector, Target, Viewer, Write},
};

use super::{
    lane::{Lane, Place, Reply, Request},
    markers::Gathered,
};

/// What one batch has come to so far.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) commits: Vec<Commit>,
    /// For each commit, what to do when it is applied.
    pub(super) plans: Vec<Plan>,
    sealed: Sealed,
    /// Names that rooms get in this batch.
    making: HashSet<RoomSelector>,
    /// How many come into rooms that users make in this batch.
    joining: usize,
}

/// How many come into rooms that users make in one batch, about: what others write does not wait for more of it. Nobody
/// can do anything in a room whose id they do not know yet, so nothing that comes after depends on it.
const JOINING: usize = 256;

/// What a commit of a batch is for.
pub(super) enum Plan {
    /// Somebody's command.
    Command { request: Box<Request>, room: RoomId, telling: Telling },
    /// Markers that were gathered.
    Markers(Gathered),
}

/// What telling of a change takes, as it was known when the change was decided.
#[derive(Default)]
pub(super) struct Telling {
    /// Whether a message says that its sender has read up to it.
    pub(super) reads: bool,
    /// Whether everybody's receipts are shown in the room.
    pub(super) receipts: bool,
    /// Who is to hear of a change of the room itself also where they do not have it open.
    pub(super) people: Vec<UserId>,
    /// Whether somebody who is put out was in the room.
    pub(super) was_in: bool,
    /// The room, for whoever is added.
    pub(super) room: Option<RoomInfo>,
}

/// What a command has come to before anything is written.
#[allow(clippy::large_enum_variant, reason = "the large one, a commit, is the common one")]
enum Planned {
    Commit(Commit, Telling),
    Marker(Gathered),
    /// It depends on something else in this batch.
    Later,
    /// There is nothing to change in the room, and no name that would have to be taken.
    Already(RoomId),
}

/// What commits of this batch change, so that later commands cannot be decided before the batch is stored.
///
/// A change of the room's rules, and of who is in it, seals the room; another change of a member seals what they do and
/// what is done to them there; an edit seals the message against another one, which is decided on what it leaves.
#[derive(Default)]
struct Sealed {
    rooms: HashSet<RoomId>,
    messages: HashSet<MessageId>,
    people: HashMap<RoomId, BTreeSet<Option<UserId>>>,
}

impl Lane {
    /// Decides one command and adds it to the batch, answers it, or puts it off.
    pub(super) async fn plan(&mut self, request: Box<Request>, batch: &mut Batch) {
        if let Err(none) = self.inner.store() {
            return request.answer(Err(none));
        }
        let of_a_user = request.actor.user().is_some();
        if of_a_user && batch.joining >= JOINING && matches!(request.command, Command::CreateRoom(_)) {
            return self.deferred.push_back(request);
        }
        let planned = match &request.command {
            Command::CreateRoom(create) => self.plan_new_room(&request, create.clone(), batch).await,
            _ => self.plan_in_room(&request, batch).await,
        };
        match planned {
            Ok(Planned::Commit(commit, telling)) => {
                // What they marked comes before what they do next.
                if let Some(user) = request.actor.user()
                    && let Some(gathered) = self.markers.take(commit.room, user)
                {
                    batch.add_markers(gathered, commit.at);
                }
                let room = commit.room;
                batch.commits.push(commit);
                batch.plans.push(Plan::Command { request, room, telling });
            }
            Ok(Planned::Marker(gathered)) => self.markers.gather(gathered, *request),
            Ok(Planned::Later) => self.deferred.push_back(request),
            Ok(Planned::Already(room)) => {
                let answer = self.as_it_is(&request, room).await;
                request.answer(answer);
            }
            Err(error) => {
                let answer = self.denied(&request, error).await;
                request.answer(answer);
            }
        }
    }

    async fn plan_new_room(&self, request: &Request, create: CreateRoom, batch: &mut Batch) -> Result<Planned> {
        let limits = &self.inner.options.limits;
        let NewRoomPlan { unique, writes } = plan_room(&request.actor, request.own.clone(), create, limits)?;
        request.verdict.clone()?;
        if unique.as_ref().is_some_and(|unique| batch.making.contains(unique)) {
            return Ok(Planned::Later);
        }
        if let Err(full) = self.may_join_more(&request.actor, &writes).await {
            // What is there already, or was done before, is found all the same.
            let found = match &unique {
                Some(unique) => self.store.view(unique, &[]).await?.is_some(),
                None => self.done_before(request, NO_ROOM).await?.is_some(),
            };
            if !found {
                return Err(full);
            }
        }
        batch.making.extend(unique);
        batch.joining += request.actor.user().map_or(0, |_| writes.len());
        let room = self.inner.ids.room(self.inner.now(), &*self.inner.options.random);
        let commit = self.commit_of(request, room, NO_ROOM, Decision { guard: Guard::default(), writes });
        Ok(Planned::Commit(commit, Telling::default()))
    }

    async fn plan_in_room(&mut self, request: &Request, batch: &mut Batch) -> Result<Planned> {
        // Before anything is read: what must wait may do so often.
        if let Place::Room(place) = &request.place
            && let Some(room) = self.cache.room(place)
            && batch.sealed.keeps(room, request.actor.user(), None)
        {
            batch.sealed.person(room, request.actor.user());
            return Ok(Planned::Later);
        }
        let (place, message) = self.find(request).await?;
        if let RoomRef::Key(key) = &place
            && batch.makes(key)
        {
            return Ok(Planned::Later);
        }
        let target = request.command.subject(message.as_deref());
        let people: Vec<&UserId> = request.actor.user().into_iter().chain(target).collect();
        let room = self.cache.load(&place, &people).await?.ok_or(Error::not_found("room"))?;
        let of_the_room = matches!(request.command, Command::UpdateRoom(_) | Command::DeleteRoom);
        let edited = match &request.command {
            Command::EditMessage(edit) => batch.sealed.messages.contains(&edit.message_id),
            _ => false,
        };
        if edited || batch.sealed.keeps(room, request.actor.user(), target) || of_the_room && batch.sealed.anybody(room)
        {
            // Nor may anything else that they do here overtake it.
            batch.sealed.person(room, request.actor.user());
            return Ok(Planned::Later);
        }
        if matches!(request.command, Command::SendMessage(_)) {
            self.know_ids().await?;
        }
        let known = self.cache.get(room).ok_or(Error::not_found("room"))?;
        let member = |user: Option<&UserId>| user.and_then(|user| known.members.get(user)).and_then(Option::as_ref);
        let now = self.inner.now();
        let scene = Scene {
            room: &known.room,
            actor: &request.actor,
            member: member(request.actor.user()),
            target: member(target),
            message: message.as_deref(),
            fresh: self.inner.ids.message(now, &*self.inner.options.random),
            now,
            limits: &self.inner.options.limits,
        };
        let decision = rules::decide(&scene, request.command.clone())?;
        // Only now: what is hidden from the actor must look so whatever the application says.
        request.verdict.clone()?;
        // Where there is a name, it is taken all the same: what it stands for must not be done later.
        if decision.writes.is_empty() && request.command.client_id().is_none() {
            return Ok(Planned::Already(room));
        }
        let receipts = known.room.members <= self.inner.options.limits.small_room as u64;
        if let (Command::Mark(mark), [Write::Mark(marker)]) = (&request.command, &decision.writes[..]) {
            return Ok(Planned::Marker(Gathered::new(room, marker.clone(), mark.message_id(), receipts)));
        }
        self.may_join_more(&request.actor, &decision.writes).await?;
        batch.sealed.add(room, &decision.writes, scene.target);
        let telling = Telling {
            reads: decision.writes.iter().any(|write| matches!(write, Write::Post(post) if post.reads)),
            receipts,
            people: self.people_to_tell(&known.room, &decision.writes).await?,
            was_in: scene.target.is_some_and(Member::is_active),
            room: matches!(request.command, Command::AddParticipant(_)).then(|| known.room.info()),
        };
        Ok(Planned::Commit(self.commit_of(request, room, room, decision), telling))
    }

    /// Ids go on after the last one that is stored, also if the clock was set back while nothing ran.
    async fn know_ids(&mut self) -> Result<()> {
        if !self.ids_known {
            let newest = self.store.messages(Viewer::Host, None, 1).await?;
            newest.iter().for_each(|message| self.inner.ids.go_on_after(message.id));
            self.ids_known = true;
        }
        Ok(())
    }

    /// The room that a command is about, and the message, where it is about one.
    async fn find(&mut self, request: &Request) -> Result<(RoomRef, Option<Arc<Message>>)> {
        let wanted = match &request.command {
            Command::EditMessage(EditMessage { message_id, .. })
            | Command::DeleteMessage(DeleteMessage { message_id, .. }) => Some(*message_id),
            Command::SendMessage(send) => send.reply_to,
            Command::Mark(mark) => mark.message_id(),
            _ => None,
        };
        let message = match wanted {
            Some(id) => self.cache.message(id).await?,
            None => None,
        };
        let place = match &request.place {
            Place::Room(room) => room.clone(),
            Place::OfMessage(id) => match &message {
                Some(message) if message.id == *id => RoomRef::Id(message.room),
                _ => return Err(Error::not_found("message")),
            },
            Place::New => return Err(Error::not_found("room")),
        };
        Ok((place, message))
    }

    /// Whether those who come in by `writes` may be in one more room. Who comes into several at the same moment may end
    /// up in a few more. The host may always put them into one: nobody who adds them to many keeps them out of a job's.
    async fn may_join_more(&self, actor: &Actor, writes: &[Write]) -> Result<()> {
        let joining = writes.iter().filter_map(|write| match write {
            Write::Member(member) if matches!(member.change, MemberChange::Join { .. }) => Some(member.user.clone()),
            _ => None,
        });
        let joining: Vec<UserId> = joining.collect();
        if *actor == Actor::Host || joining.is_empty() {
            return Ok(());
        }
        let limit = self.inner.options.limits.rooms_per_user;
        let counts = self.store.memberships(&joining).await?;
        if counts.into_iter().all(|rooms| rooms < limit as u64) {
            Ok(())
        } else {
            Err(Error::LimitReached { what: "rooms_per_user", limit })
        }
    }

    /// Who should hear of a change of the room itself, beside those who have it open. Who of them is connected is asked
    /// when it is told: others may have come by then.
    async fn people_to_tell(&self, room: &Room, writes: &[Write]) -> Result<Vec<UserId>> {
        if !writes.iter().any(|write| matches!(write, Write::UpdateRoom(_) | Write::DeleteRoom)) {
            return Ok(Vec::new());
        }
        let limit = self.inner.options.limits.members;
        let members = self.store.participants(Viewer::Host, room.id, None, limit).await?.unwrap_or_default();
        Ok(members.into_iter().map(|member| member.user).collect())
    }

    // ---- what is answered without a commit ---------------------------------------------------------------------

    /// The answer to a command that changes nothing.
    pub(super) async fn as_it_is(&self, request: &Request, room: RoomId) -> Result<Reply> {
        match &request.command {
            Command::DeleteMessage(delete) => {
                let message = self.message_now((&request.actor).into(), delete.message_id).await?;
                Ok(Reply::Message { message, before: false })
            }
            Command::UpdateParticipant(update) => self.member_now(room, update.user_id.clone()).await,
            Command::CreateRoom(_) => Ok(Reply::Room { room, made: false }),
            _ => Ok(Reply::Done),
        }
    }

    /// The answer to a command that may not be: the first result, if it was carried out before under its name and the
    /// actor is still in the room.
    async fn denied(&mut self, request: &Request, denial: Error) -> Result<Reply> {
        let denial = match (denial, &request.place) {
            // A message of a room that is hidden must look like a message that is not there.
            (Error::NotFound { .. }, Place::OfMessage(_)) => Error::not_found("message"),
            (denial, _) => denial,
        };
        let may_follow = matches!(
            denial,
            Error::Forbidden { .. }
                | Error::Denied { .. }
                | Error::Conflict { .. }
                | Error::NotFound { .. }
                | Error::LimitReached { .. }
        );
        if request.command.client_id().is_none() || !may_follow {
            return Err(denial);
        }
        if matches!(request.place, Place::New) {
            let made = self.done_before(request, NO_ROOM).await?.ok_or(denial)?;
            return self.before(request, made).await;
        }
        let Ok((place, _)) = self.find(request).await else { return Err(denial) };
        let people: Vec<&UserId> = request.actor.user().into_iter().collect();
        let Some(room) = self.cache.load(&place, &people).await? else { return Err(denial) };
        let known = self.cache.get(room);
        let still_in = request.actor.user().is_none_or(|user| {
            known.and_then(|known| known.members.get(user)?.as_ref()).is_some_and(Member::is_active)
        });
        // Whoever left is told that they did, and nothing else.
        let left =
            |done: &Operation| matches!(&done.target, Target::Member(user) if Some(user) == request.actor.user());
        match self.done_before(request, room).await {
            Ok(Some(done)) if still_in || left(&done) => self.before(request, done).await,
            Err(error) if still_in => Err(error),
            _ => Err(denial),
        }
    }

    /// What was done before under the command's name, if it has one.
    async fn done_before(&self, request: &Request, scope: RoomId) -> Result<Option<Operation>> {
        let Some(name) = request.command.client_id() else { return Ok(None) };
        let digest = self.digest_of(request);
        match self.store.operation(scope, request.speaks_for(), name).await? {
            Some(operation) if operation.digest != digest => Err(Error::OperationConflict),
            operation => Ok(operation),
        }
    }

    /// What a command asks for. Whom a message is from says whose its name is already.
    fn digest_of(&self, request: &Request) -> u64 {
        let digester = self.store.digester();
        match &request.command {
            Command::SendMessage(send) if send.sender.is_some() => {
                digester.request(&Command::SendMessage(SendMessage { sender: None, ..send.clone() }))
            }
            command => digester.request(command),
        }
    }

    pub(super) fn commit_of(&self, request: &Request, room: RoomId, scope: RoomId, decision: Decision) -> Commit {
        let operation = request.command.client_id().map(|name| OperationName {
            scope,
            by: request.speaks_for().cloned(),
            name: name.clone(),
            digest: self.digest_of(request),
        });
        Commit {
            room,
            actor: request.actor.user().cloned(),
            at: self.inner.now(),
            guard: decision.guard,
            operation,
            writes: decision.writes,
        }
    }
}

impl Request {
    /// Whose the command's name is: what the host sends for somebody is theirs, as if they had sent it themselves.
    fn speaks_for(&self) -> Option<&UserId> {
        match (&self.actor, &self.command) {
            (Actor::Host, Command::SendMessage(send)) => send.sender.as_ref(),
            (actor, _) => actor.user(),
        }
    }
}

impl Batch {
    fn makes(&self, key: &RoomKey) -> bool {
        !self.making.is_empty() && self.making.contains(&RoomSelector::Key(key.clone()))
    }

    pub(super) fn add_markers(&mut self, gathered: Gathered, at: Timestamp) {
        self.commits.push(Commit {
            room: gathered.room,
            actor: Some(gathered.marker.user.clone()),
            at,
            guard: Guard::default(),
            operation: None,
            writes: vec![Write::Mark(gathered.marker.clone())],
        });
        self.plans.push(Plan::Markers(gathered));
    }
}

impl Sealed {
    /// Whether something that `actor` does in a room, perhaps to `target`, must wait.
    fn keeps(&self, room: RoomId, actor: Option<&UserId>, target: Option<&UserId>) -> bool {
        let person = |people: &BTreeSet<Option<UserId>>| {
            people.contains(&actor.cloned()) || target.is_some_and(|target| people.contains(&Some(target.clone())))
        };
        self.rooms.contains(&room) || self.people.get(&room).is_some_and(person)
    }

    /// Whether anything about anybody in a room changes: who hears of a change of the room itself is not known yet.
    fn anybody(&self, room: RoomId) -> bool {
        self.people.contains_key(&room)
    }

    fn person(&mut self, room: RoomId, person: Option<&UserId>) {
        self.people.entry(room).or_default().insert(person.cloned());
    }

    /// Seals what `writes` change; `target` is whom they are about, as they were.
    fn add(&mut self, room: RoomId, writes: &[Write], target: Option<&Member>) {
        let owned = target.is_some_and(|target| target.role == Role::Owner);
        for write in writes {
            match write {
                Write::Settings(user, _) => self.person(room, Some(user)),
                Write::Member(member) => match &member.change {
                    MemberChange::Update { role, .. } if *role != Role::Owner && !owned => {
                        self.person(room, Some(&member.user));
                    }
                    MemberChange::End { .. } if !owned => self.person(room, Some(&member.user)),
                    _ => self.rooms.extend([room]),
                },
                Write::UpdateRoom(_) | Write::DeleteRoom | Write::CreateRoom(_) => self.rooms.extend([room]),
                Write::Edit(edit) => {
                    self.messages.insert(edit.id);
                }
                Write::Post(_) | Write::Delete(_) | Write::Mark(_) => {}
            }
        }
    }
}
