//! How a commit is applied: written into a draft beside what is kept, and taken over whole, or dropped.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    model::{Member, MemberSettings, Message, MessageId, Rev, Role, Room, RoomId, Seq, Standing, Timestamp, UserId},
    store::{
        Applied, Change, ChangeBody, ChangeKind, Commit, CommitError, Digester, Done, Edit, Guard, MarkerMove,
        MarkerTo, MemberChange, MemberWrite, NewRoom, Operation, Post, Refusal, Registers, RoomSettings, StoreError,
        Target, Visible, Write,
    },
};

use super::state::{ChangeRow, Posted, RoomData, State, unread};

impl State {
    /// Applies one commit, or leaves everything as it is.
    pub(super) fn commit(&mut self, epoch: u64, digester: Digester, commit: Commit) -> Result<Applied, CommitError> {
        let Commit { room, actor, at, guard, operation, writes } = commit;
        if let Some(named) = &operation
            && let Some(before) = self.operation(named.scope, named.by.as_ref(), &named.name)
        {
            let same = before.digest == named.digest;
            return if same { Ok(Applied::Before(before.clone())) } else { Err(Refusal::OperationConflict.into()) };
        }
        self.check_room(room, &writes)?;
        self.check_guard(room, &guard)?;

        let mut draft = Draft::new(self, room, epoch, digester, actor, at);
        for write in writes {
            draft.write(write)?;
        }
        let first = draft.written.changes.values().next();
        let target = first.map_or(Target::Room, |change| change.target.clone());
        let done = self.take_over(room, draft.written);
        if let Some(named) = operation
            && (named.scope != room || self.rooms.contains_key(&room))
        {
            self.operations
                .insert((named.scope, named.by, named.name), Operation { digest: named.digest, room, target });
        }
        Ok(Applied::Done(done))
    }

    /// A room is made where none is, and changed where one is.
    fn check_room(&self, id: RoomId, writes: &[Write]) -> Result<(), Refusal> {
        let known = self.rooms.contains_key(&id);
        let Some((Write::CreateRoom(new), rest)) = writes.split_first() else {
            return if known { only_the_first_makes_it(id, writes) } else { Err(Refusal::NoRoom) };
        };
        let by_key = new.key.as_ref().and_then(|key| self.keys.get(key));
        let by_pair = new.pair.as_ref().and_then(|pair| self.pairs.get(pair));
        match by_key.or(by_pair).or(known.then_some(&id)) {
            Some(taken) => Err(Refusal::Exists(*taken)),
            None => only_the_first_makes_it(id, rest),
        }
    }

    fn check_guard(&self, id: RoomId, guard: &Guard) -> Result<(), Refusal> {
        let data = self.rooms.get(&id);
        let policy = data.map(|data| data.room.policy_rev);
        let rev = |user| data.and_then(|data| data.members.get(user)).map_or(0, |member| member.rev);
        let holds = guard.policy.is_none_or(|relied_on| policy == Some(relied_on))
            && guard.members.iter().all(|(user, relied_on)| rev(user) == *relied_on);
        if holds { Ok(()) } else { Err(Refusal::Stale) }
    }

    fn take_over(&mut self, id: RoomId, written: Written) -> Done {
        let Some(room) = written.room else {
            self.remove(id);
            return written.done;
        };
        if let Some(key) = &room.key {
            self.keys.insert(key.clone(), id);
        }
        if let Some(pair) = &room.pair {
            self.pairs.insert(pair.clone(), id);
        }
        self.places.extend(written.messages.iter().map(|(seq, row)| (row.message.id, (id, *seq))));
        let data = self.rooms.entry(id).or_insert_with(|| RoomData {
            room: room.clone(),
            members: BTreeMap::new(),
            messages: BTreeMap::new(),
            changes: BTreeMap::new(),
        });
        data.room = room;
        data.members.extend(unboxed(written.members));
        data.messages.extend(written.messages);
        data.changes.extend(unboxed(written.changes));
        written.done
    }

    /// Removes a room and every trace of it. Its key and pair are free again.
    fn remove(&mut self, id: RoomId) {
        self.rooms.remove(&id);
        self.operations.retain(|(scope, _, _), _| *scope != id);
        self.keys.retain(|_, room| *room != id);
        self.pairs.retain(|_, room| *room != id);
        self.places.retain(|_, (room, _)| *room != id);
    }
}

fn unboxed<K, V>(rows: BTreeMap<K, Box<V>>) -> impl Iterator<Item = (K, V)> {
    rows.into_iter().map(|(key, row)| (key, *row))
}

fn only_the_first_makes_it(id: RoomId, writes: &[Write]) -> Result<(), Refusal> {
    let again = writes.iter().any(|write| matches!(write, Write::CreateRoom(_)));
    if again { Err(Refusal::Exists(id)) } else { Ok(()) }
}

/// A commit on its way: what is kept, which it cannot change, and what it has written so far.
struct Draft<'a> {
    state: &'a State,
    /// The room as it is kept; absent where the commit makes it.
    kept: Option<&'a RoomData>,
    id: RoomId,
    epoch: u64,
    digester: Digester,
    actor: Option<UserId>,
    at: Timestamp,
    written: Written,
}

/// The rows that a commit makes or replaces. Large ones are boxed: a map has place for eleven where nearly every commit
/// has one.
#[derive(Default)]
struct Written {
    /// The room; absent until the commit makes it, and when the commit removes it.
    room: Option<Room>,
    members: BTreeMap<UserId, Box<Member>>,
    messages: BTreeMap<Seq, Posted>,
    changes: BTreeMap<Rev, Box<ChangeRow>>,
    done: Done,
}

impl<'a> Draft<'a> {
    fn new(state: &'a State, id: RoomId, epoch: u64, digester: Digester, actor: Option<UserId>, at: Timestamp) -> Self {
        let kept = state.rooms.get(&id);
        let room = kept.map(|data| data.room.clone());
        Self { state, kept, id, epoch, digester, actor, at, written: Written { room, ..Written::default() } }
    }

    fn write(&mut self, write: Write) -> Result<(), CommitError> {
        match write {
            Write::CreateRoom(new) => self.create(*new)?,
            Write::UpdateRoom(settings) => self.update_room(*settings)?,
            Write::DeleteRoom => self.delete_room()?,
            Write::Member(change) => self.change_member(*change)?,
            Write::Post(post) => self.post(*post)?,
            Write::Edit(edit) => self.edit(*edit)?,
            Write::Delete(id) => self.delete(id)?,
            Write::Mark(marker) => self.mark(&marker)?,
            Write::Settings(user, settings) => self.set(&user, settings)?,
        }
        Ok(())
    }

    // ---- what is there, the draft before what is kept -------------------------------------------------------------

    /// The room; not there any more after its deletion.
    fn room(&mut self) -> Result<&mut Room, Refusal> {
        self.written.room.as_mut().ok_or(Refusal::NoRoom)
    }

    fn member(&self, user: &UserId) -> Option<&Member> {
        self.written.members.get(user).map(|member| &**member).or_else(|| self.kept?.members.get(user))
    }

    fn message(&self, seq: Seq) -> Option<&Posted> {
        self.written.messages.get(&seq).or_else(|| self.kept?.messages.get(&seq))
    }

    fn messages(&self) -> impl Iterator<Item = &Posted> {
        let last = self.written.room.as_ref().map_or(0, |room| room.last_seq);
        (1..=last).filter_map(|seq| self.message(seq))
    }

    fn live_message(&self, id: MessageId) -> Result<Posted, Refusal> {
        let kept = self.state.places.get(&id).filter(|(room, _)| *room == self.id).map(|(_, seq)| *seq);
        let new = || self.written.messages.values().find(|new| new.message.id == id).map(|new| new.message.seq);
        let posted = kept.or_else(new).and_then(|seq| self.message(seq));
        posted.filter(|posted| !posted.message.is_deleted()).cloned().ok_or(Refusal::MessageGone)
    }

    // ---- changes --------------------------------------------------------------------------------------------------

    /// Takes the room's next number for a change, at the time that the change has.
    fn next(&mut self, kind: ChangeKind, target: Target) -> Result<(Rev, Timestamp), Refusal> {
        let (digester, actor, at) = (self.digester, self.actor.clone(), self.at);
        let room = self.room()?;
        let (rev, at) = (room.last_rev + 1, at.max(room.last_at));
        let chain = digester.chain(room.chain, rev, kind, &target, actor.as_ref(), at);
        (room.last_rev, room.last_at, room.chain) = (rev, at, chain);
        self.written.changes.insert(rev, Box::new(ChangeRow { target, actor, at, chain }));
        Ok((rev, at))
    }

    /// Says what the change that was just made has come to.
    fn tell(&mut self, body: ChangeBody) -> Result<(), Refusal> {
        let (epoch, actor) = (self.epoch, self.actor.clone());
        let room = self.room()?;
        let change = Change { cursor: room.cursor(epoch), actor, at: room.last_at, body };
        self.written.done.changes.push(change);
        Ok(())
    }

    fn create(&mut self, new: NewRoom) -> Result<(), Refusal> {
        let NewRoom { key, pair, kind, settings } = new;
        self.written.room = Some(Room {
            id: self.id,
            key,
            pair,
            kind,
            name: None,
            topic: None,
            avatar: None,
            metadata: None,
            state: settings.state,
            history: settings.history,
            created_at: self.at,
            last_seq: 0,
            last_rev: 0,
            last_ord: 0,
            chain: 0,
            last_at: self.at,
            policy_rev: 0,
            info_rev: 0,
            members: 0,
            owners: 0,
        });
        self.update_room(settings)
    }

    fn update_room(&mut self, settings: RoomSettings) -> Result<(), Refusal> {
        let (rev, _) = self.next(ChangeKind::Room, Target::Room)?;
        let room = self.room()?;
        room.name = settings.name;
        room.topic = settings.topic;
        room.avatar = settings.avatar;
        room.metadata = settings.metadata;
        room.state = settings.state;
        room.history = settings.history;
        (room.policy_rev, room.info_rev) = (rev, rev);
        let body = ChangeBody::Room(Box::new(room.clone()));
        self.tell(body)
    }

    fn delete_room(&mut self) -> Result<(), Refusal> {
        self.room()?;
        self.written = Written::default();
        Ok(())
    }

    fn change_member(&mut self, write: MemberWrite) -> Result<(), Refusal> {
        let MemberWrite { user, change } = write;
        let kind = match change {
            MemberChange::Join { .. } => ChangeKind::Added,
            MemberChange::Update { .. } => ChangeKind::Updated,
            MemberChange::End { .. } => ChangeKind::Removed,
        };
        let (rev, at) = self.next(kind, Target::Member(user.clone()))?;
        let before = self.member(&user).cloned();
        let mut member = before.clone().unwrap_or_else(|| stranger(self.id, user.clone(), at));
        member.rev = rev;
        let room = self.room()?;
        match change {
            MemberChange::Join { role, name, avatar, visible } => {
                (member.standing, member.role, member.name, member.avatar) = (Standing::Active, role, name, avatar);
                (member.joined_at, member.joined_rev, member.joined_seq) = (at, rev, room.last_seq);
                member.visible_from = match visible {
                    Visible::From(seq) => seq,
                    Visible::SinceJoined => room.last_seq + 1,
                };
            }
            MemberChange::Update { role, name, avatar, muted_until } => {
                (member.role, member.name, member.avatar, member.muted_until) = (role, name, avatar, muted_until);
            }
            MemberChange::End { banned } => {
                member.standing = if banned { Standing::Banned } else { Standing::Gone };
            }
        }
        let is_in = |member: &Member| u64::from(member.is_active());
        let owns = |member: &Member| u64::from(member.is_active() && member.role == Role::Owner);
        let (was_in, owned) = before.as_ref().map_or((0, 0), |before| (is_in(before), owns(before)));
        room.members = room.members + is_in(&member) - was_in;
        room.owners = room.owners + owns(&member) - owned;
        if owns(&member) != owned {
            room.policy_rev = rev;
        }
        self.written.members.insert(user, Box::new(member.clone()));
        let member = Box::new(member);
        self.tell(match kind {
            ChangeKind::Added => ChangeBody::Added(member),
            ChangeKind::Removed => ChangeBody::Removed(member),
            _ => ChangeBody::Updated(member),
        })
    }

    fn post(&mut self, post: Post) -> Result<(), CommitError> {
        let taken = self.state.places.contains_key(&post.id)
            || self.written.messages.values().any(|row| row.message.id == post.id);
        if taken {
            return Err(StoreError::Unavailable("a message with this id is there already".into()).into());
        }
        let seq = self.room()?.last_seq + 1;
        let (rev, at) = self.next(ChangeKind::Posted, Target::Message { id: post.id, seq })?;
        let room = self.room()?;
        room.last_seq = seq;
        room.last_ord += u64::from(post.message_type.countable());
        let message = Message {
            id: post.id,
            room: self.id,
            seq,
            rev,
            sender: post.sender,
            content: Some(post.content),
            message_type: post.message_type,
            created_at: at,
            client_id: post.client_id,
            edited_at: None,
            version: None,
            reply_to: post.reply_to,
            metadata: post.metadata,
            attachments: post.attachments,
            deleted_at: None,
            deleted_by: None,
        };
        if post.reads
            && let Some(sender) = &message.sender
        {
            let up_to = MarkerMove {
                user: sender.clone(),
                delivered: None,
                read: Some(seq),
                marker: Some(MarkerTo::AtLeast(seq)),
            };
            self.move_markers(&up_to)?;
        }
        let message = Arc::new(message);
        self.written.messages.insert(seq, Posted { message: Arc::clone(&message), rev });
        Ok(self.tell(ChangeBody::Posted(message))?)
    }

    fn edit(&mut self, edit: Edit) -> Result<(), Refusal> {
        let mut posted = self.live_message(edit.id)?;
        let seq = posted.message.seq;
        let (rev, at) = self.next(ChangeKind::Edited, Target::Message { id: edit.id, seq })?;
        let message = Arc::make_mut(&mut posted.message);
        message.rev = rev;
        message.edited_at = Some(at);
        message.version = Some(message.version.unwrap_or(1).saturating_add(1));
        if let Some(content) = edit.content {
            message.content = Some(content);
        }
        if let Some(metadata) = edit.metadata {
            message.metadata = metadata;
        }
        if let Some(attachments) = edit.attachments {
            message.attachments = attachments;
        }
        let body = ChangeBody::Edited(Arc::clone(&posted.message));
        self.written.messages.insert(seq, posted);
        self.tell(body)
    }

    fn delete(&mut self, id: MessageId) -> Result<(), Refusal> {
        let mut posted = self.live_message(id)?;
        let seq = posted.message.seq;
        let (rev, at) = self.next(ChangeKind::Deleted, Target::Message { id, seq })?;
        let message = Arc::make_mut(&mut posted.message);
        message.rev = rev;
        message.erase(at, self.actor.clone());
        let body = ChangeBody::Deleted(Arc::clone(&posted.message));
        self.written.messages.insert(seq, posted);
        self.tell(body)
    }

    // ---- registers ------------------------------------------------------------------------------------------------

    fn mark(&mut self, to: &MarkerMove) -> Result<(), Refusal> {
        if let Some((read_moved, delivered_moved)) = self.move_markers(to)?
            && let Some(member) = self.member(&to.user).cloned()
        {
            self.tell_registers(member, read_moved, delivered_moved);
        }
        Ok(())
    }

    /// Moves the markers of somebody in the room; whether they read, and got, more than before.
    fn move_markers(&mut self, to: &MarkerMove) -> Result<Option<(bool, bool)>, Refusal> {
        let end = self.room()?.last_seq;
        let Some(before) = self.member(&to.user).filter(|member| member.is_active()) else { return Ok(None) };
        let mut after = before.clone();
        let (read, delivered) = (before.read_seq, before.delivered_seq);
        match to.marker {
            None => {}
            Some(MarkerTo::AtLeast(seq)) => after.marker_seq = after.marker_seq.max(seq.min(end)),
            Some(MarkerTo::Set(seq, then)) => after.marker_seq = seq.max(then.unwrap_or(0)).min(end),
        }
        after.read_seq = after.read_seq.max(to.read.unwrap_or(0).min(end));
        after.delivered_seq = after.delivered_seq.max(to.delivered.unwrap_or(0).min(end)).max(after.read_seq);
        let moved = (after.read_seq != read, after.delivered_seq != delivered);
        self.written.members.insert(to.user.clone(), Box::new(after));
        Ok(Some(moved))
    }

    fn set(&mut self, user: &UserId, settings: MemberSettings) -> Result<(), Refusal> {
        self.room()?;
        if let Some(member) = self.member(user).filter(|member| member.is_active()) {
            let member = Member { settings, ..member.clone() };
            self.written.members.insert(user.clone(), Box::new(member.clone()));
            self.tell_registers(member, false, false);
        }
        Ok(())
    }

    fn tell_registers(&mut self, member: Member, read_moved: bool, delivered_moved: bool) {
        let unread = unread(&member, self.messages());
        self.written.done.registers.push(Registers { member, read_moved, delivered_moved, unread });
    }
}

/// What is known of somebody about whom nothing is stored yet.
fn stranger(room: RoomId, user: UserId, at: Timestamp) -> Member {
    Member {
        room,
        user,
        rev: 0,
        standing: Standing::Gone,
        role: Role::Member,
        name: None,
        avatar: None,
        joined_at: at,
        joined_seq: 0,
        joined_rev: 0,
        visible_from: 1,
        muted_until: None,
        read_seq: 0,
        delivered_seq: 0,
        marker_seq: 0,
        settings: MemberSettings::default(),
    }
}
