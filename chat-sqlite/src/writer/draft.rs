//! How one commit is applied: numbers are given in memory, rows are written at once, and what moves with every send
//! (heads and markers) is left to the end of the transaction. It becomes what the writer knows when all of it went
//! well.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::Arc,
};

use chat_core::{
    Member, MemberSettings, Message, MessageId, Rev, Role, Room, RoomId, Seq, Standing, Timestamp, UserId,
    store::{
        Applied, Change, ChangeBody, ChangeKind, Commit, CommitError, Done, Edit, Guard, MarkerMove, MarkerTo,
        MemberChange, MemberWrite, MessageRow, NewRoom, OperationName, Post, Refusal, RoomSelector, RoomSettings,
        StoreError, Target, Visible, Write,
    },
};
use rusqlite::{Connection, ErrorCode};

use crate::{
    failure::{Failure, Outcome},
    names::{self, Names},
    place::fits,
    rows::{self, Posted, RoomHead},
    schema::Meta,
    sql::Sql,
    unread::{count_deleted, own_block},
};

use super::{
    Answer,
    heads::{Head, Heads, Person},
};

/// Why a commit ends early.
pub(super) enum Stop {
    /// It cannot be applied; its neighbours can.
    Refused(CommitError),
    /// The whole transaction is of no use.
    Failed(Failure),
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal.into())
    }
}
impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        match failure {
            // Nothing is wrong with the file: this one commit asks for too much.
            Failure::Exhausted(_) => Self::Refused(CommitError::Failed(failure.into())),
            _ => Self::Failed(failure),
        }
    }
}

/// A commit on its way.
pub(super) struct Draft<'a> {
    pub(super) connection: &'a Connection,
    heads: &'a mut Heads,
    names: &'a Names,
    meta: Meta,
    id: RoomId,
    actor: Option<UserId>,
    at: Timestamp,
    /// The name that is still to be recorded.
    operation: Option<OperationName>,
    /// The room; absent until the commit makes it, and when the commit removes it.
    head: Option<Head>,
    pub(super) people: HashMap<UserId, Person>,
    /// The key and the place of the name that a message's row has recorded.
    named: Option<(i64, Seq)>,
    /// What the first change is about.
    first: Option<Target>,
    pub(super) done: Done,
}

impl<'a> Draft<'a> {
    /// Applies one commit, or leaves everything as it is.
    pub(super) fn apply(
        connection: &'a Connection,
        heads: &'a mut Heads,
        names: &'a Names,
        meta: Meta,
        commit: Commit,
    ) -> Outcome<Answer> {
        // What consists of one change is refused before its first row is written, or not at all.
        let undo =
            commit.writes.iter().filter(|write| !matches!(write, Write::Mark(_) | Write::Settings(..))).count() > 1;
        if undo {
            connection.run("SAVEPOINT one", [])?;
        }
        let answer = match Self::attempt(connection, heads, names, meta, commit) {
            Ok(applied) => Ok(applied),
            Err(Stop::Failed(failure)) => return Err(failure),
            Err(Stop::Refused(error)) => {
                if undo {
                    connection.run("ROLLBACK TO one", [])?;
                }
                Err(error)
            }
        };
        if undo {
            connection.run("RELEASE one", [])?;
        }
        Ok(answer)
    }

    fn attempt(
        connection: &'a Connection,
        heads: &'a mut Heads,
        names: &'a Names,
        meta: Meta,
        commit: Commit,
    ) -> Result<Applied, Stop> {
        let Commit { room: id, actor, at, guard, operation, writes } = commit;
        let head = heads.room(connection, id)?;
        let (people, done) = (HashMap::new(), Done::default());
        let (named, first) = (None, None);
        let mut draft =
            Self { connection, heads, names, meta, id, actor, at, operation, head, people, named, first, done };
        if let Some(before) = draft.before()? {
            return Ok(before);
        }
        draft.check_room(&writes)?;
        draft.check_guard(&guard)?;
        for write in writes {
            draft.write(write)?;
        }
        draft.finish()
    }

    /// What was done before under the commit's name.
    fn before(&mut self) -> Result<Option<Applied>, Stop> {
        let Some(OperationName { scope, by, name, digest }) = &self.operation else { return Ok(None) };
        let number = match &self.head {
            Some(head) if *scope == self.id => Some(head.head.number),
            _ => self.heads.room(self.connection, *scope)?.map(|head| head.head.number),
        };
        match rows::operation(self.connection, self.names, self.meta.digester, number, *scope, by.as_ref(), name)? {
            Some(before) if before.digest == *digest => Ok(Some(Applied::Before(before))),
            Some(_) => Err(Refusal::OperationConflict.into()),
            None => Ok(None),
        }
    }

    /// A room is made where none is, and changed where one is.
    fn check_room(&self, writes: &[Write]) -> Result<(), Stop> {
        let known = self.head.is_some();
        let Some((Write::CreateRoom(new), rest)) = writes.split_first() else {
            return if known { only_the_first_makes_it(self.id, writes) } else { Err(Refusal::NoRoom.into()) };
        };
        let by_key = new.key.clone().map(RoomSelector::Key);
        let by_pair = new.pair.clone().map(|(first, second)| RoomSelector::Pair(first, second));
        for selector in by_key.iter().chain(&by_pair) {
            if let Some(taken) = rows::room(self.connection, selector)? {
                return Err(Refusal::Exists(taken.room.id).into());
            }
        }
        if known { Err(Refusal::Exists(self.id).into()) } else { only_the_first_makes_it(self.id, rest) }
    }

    fn check_guard(&mut self, guard: &Guard) -> Result<(), Stop> {
        let policy = self.head.as_ref().map(|head| head.head.room.policy_rev);
        let mut holds = guard.policy.is_none_or(|relied_on| policy == Some(relied_on));
        for (user, relied_on) in &guard.members {
            let rev = match self.head {
                Some(_) => self.person(user)?.member.as_ref().map_or(0, |member| member.rev),
                None => 0,
            };
            holds &= rev == *relied_on;
        }
        if holds { Ok(()) } else { Err(Refusal::Stale.into()) }
    }

    fn write(&mut self, write: Write) -> Result<(), Stop> {
        match write {
            Write::CreateRoom(new) => self.create(*new),
            Write::UpdateRoom(settings) => {
                self.set_room(&settings)?;
                let connection = self.connection;
                let head = self.head()?;
                rows::update_settings(connection, head.head.number, &head.head.room).map_err(Stop::from)
            }
            Write::DeleteRoom => self.delete_room(),
            Write::Member(change) => self.change_member(*change),
            Write::Post(post) => self.post(*post),
            Write::Edit(edit) => self.edit(*edit),
            Write::Delete(id) => self.delete(id),
            Write::Mark(marker) => self.mark(&marker),
            Write::Settings(user, settings) => self.set(&user, settings),
        }
    }

    /// Records the operation and makes the outcome what the writer knows.
    fn finish(mut self) -> Result<Applied, Stop> {
        if let Some(named) = self.operation.take()
            && (named.scope != self.id || self.head.is_some())
        {
            let target = self.first.take().unwrap_or(Target::Room);
            rows::insert_operation(self.connection, &named, self.id, &target, self.at)?;
        }
        if let Some((key, seq)) = self.named {
            self.names.put(key, seq);
        }
        if let Some(head) = self.head {
            for (user, person) in self.people {
                self.heads.put_person(head.head.number, user, person);
            }
            self.heads.put_room(head);
        }
        Ok(Applied::Done(self.done))
    }

    // ---- what is there --------------------------------------------------------------------------------------------

    /// The room; not there any more after its deletion.
    fn head(&mut self) -> Result<&mut Head, Refusal> {
        self.head.as_mut().ok_or(Refusal::NoRoom)
    }

    pub(super) fn room(&mut self) -> Result<&mut Room, Refusal> {
        Ok(&mut self.head()?.head.room)
    }

    pub(super) fn number(&mut self) -> Result<i64, Refusal> {
        Ok(self.head()?.head.number)
    }

    pub(super) fn person(&mut self, user: &UserId) -> Result<&mut Person, Stop> {
        let head = self.head.as_ref().ok_or(Refusal::NoRoom)?;
        match self.people.entry(user.clone()) {
            Entry::Occupied(known) => Ok(known.into_mut()),
            Entry::Vacant(unknown) => Ok(unknown.insert(self.heads.person(self.connection, &head.head, user)?)),
        }
    }

    fn live_message(&mut self, id: MessageId) -> Result<MessageRow, Stop> {
        let (connection, room, number) = (self.connection, self.id, self.number()?);
        let place = rows::place_of(connection, id)?.filter(|(of, _)| *of == number);
        let Some((_, seq)) = place else { return Err(Refusal::MessageGone.into()) };
        let posted = rows::posted_at(connection, number, room, seq)?;
        let live = posted.map(|posted| posted.row).filter(|row| !row.message.is_deleted());
        live.ok_or_else(|| Refusal::MessageGone.into())
    }

    // ---- changes --------------------------------------------------------------------------------------------------

    /// Takes the room's next number for a change, at the time that the change has.
    fn next(&mut self, kind: ChangeKind, target: &Target) -> Result<(Rev, Timestamp), Stop> {
        let (digester, actor, at) = (self.meta.digester, self.actor.clone(), self.at);
        let head = self.head()?;
        let room = &mut head.head.room;
        let (rev, at) = (room.last_rev + 1, at.max(room.last_at));
        fits(rev, "the room has had as many changes as this store can number")?;
        let chain = digester.chain(room.chain, rev, kind, target, actor.as_ref(), at);
        (room.last_rev, room.last_at, room.chain) = (rev, at, chain);
        head.moved = true;
        if self.first.is_none() {
            self.first = Some(target.clone());
        }
        Ok((rev, at))
    }

    /// The same for a change that needs a row of its own.
    fn next_in_a_row(&mut self, kind: ChangeKind, target: &Target) -> Result<(Rev, Timestamp), Stop> {
        let (rev, at) = self.next(kind, target)?;
        let (connection, number, actor) = (self.connection, self.number()?, self.actor.clone());
        let room = self.room()?;
        let change = (rev, actor.as_ref(), at, room.chain);
        rows::insert_change(connection, number, room.last_seq, kind, target, change)?;
        Ok((rev, at))
    }

    /// Says what the change that was just made has come to.
    fn tell(&mut self, body: ChangeBody) -> Result<(), Stop> {
        let (epoch, actor) = (self.meta.epoch, self.actor.clone());
        let room = self.room()?;
        let change = Change { cursor: room.cursor(epoch), actor, at: room.last_at, body };
        self.done.changes.push(change);
        Ok(())
    }

    fn create(&mut self, new: NewRoom) -> Result<(), Stop> {
        let NewRoom { key, pair, kind, settings } = new;
        let mut room = Room {
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
        };
        take_over(&mut room, &settings);
        let number = rows::insert_room(self.connection, self.meta.digester, &room)?;
        fits(number.cast_unsigned(), "there are as many rooms as this store can number")?;
        self.head = Some(Head { head: RoomHead { number, room, ids_ascend: true }, last_id: None, moved: true });
        self.set_room(&settings)
    }

    fn set_room(&mut self, settings: &RoomSettings) -> Result<(), Stop> {
        let (rev, _) = self.next_in_a_row(ChangeKind::Room, &Target::Room)?;
        let room = self.room()?;
        take_over(room, settings);
        (room.policy_rev, room.info_rev) = (rev, rev);
        let body = ChangeBody::Room(Box::new(room.clone()));
        self.tell(body)
    }

    fn delete_room(&mut self) -> Result<(), Stop> {
        let number = self.number()?;
        rows::delete_room(self.connection, number, self.id)?;
        self.heads.forget(self.id, number);
        (self.head, self.first, self.done) = (None, None, Done::default());
        self.people.clear();
        Ok(())
    }

    fn change_member(&mut self, write: MemberWrite) -> Result<(), Stop> {
        let MemberWrite { user, change } = write;
        let kind = match change {
            MemberChange::Join { .. } => ChangeKind::Added,
            MemberChange::Update { .. } => ChangeKind::Updated,
            MemberChange::End { .. } => ChangeKind::Removed,
        };
        let (rev, at) = self.next_in_a_row(kind, &Target::Member(user.clone()))?;
        let before = self.person(&user)?.member.clone();
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
        rows::put_member(self.connection, self.meta.digester, self.number()?, &member)?;
        self.person(&user)?.member = Some(member.clone());
        let member = Box::new(member);
        self.tell(match kind {
            ChangeKind::Added => ChangeBody::Added(member),
            ChangeKind::Removed => ChangeBody::Removed(member),
            _ => ChangeBody::Updated(member),
        })
    }

    fn post(&mut self, post: Post) -> Result<(), Stop> {
        let is_first = self.first.is_none();
        let seq = self.room()?.last_seq + 1;
        let (rev, at) = self.next(ChangeKind::Posted, &Target::Message { id: post.id, seq })?;
        let countable = u64::from(post.message_type.countable());
        let head = self.head()?;
        head.head.ids_ascend &= head.last_id.is_none_or(|last| last < post.id);
        head.last_id = Some(post.id);
        let room = &mut head.head.room;
        room.last_seq = seq;
        room.last_ord += countable;
        let (ord, chain) = (room.last_ord, room.chain);
        let own_ord = match &post.sender {
            None => 0,
            Some(sender) => self.count_own(sender, seq, countable)?,
        };
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
        let content_digest = self.meta.digester.content(&message);
        let row = MessageRow { message, post_rev: rev, ord, own_ord, content_digest };
        let posted = Posted { row, chain, actor: self.actor.clone() };
        self.insert(&posted, is_first)?;
        self.tell(ChangeBody::Posted(Arc::new(posted.row.message)))
    }

    /// Counts one more message of a sender's; how many there are with it.
    fn count_own(&mut self, sender: &UserId, seq: u64, countable: u64) -> Result<u64, Stop> {
        let (connection, number, block) = (self.connection, self.number()?, own_block(seq));
        let person = self.person(sender)?;
        if countable > 0 {
            if person.unwritten.is_some_and(|unwritten| unwritten != block) {
                person.write_own(connection, number, sender)?;
            }
            person.own += countable;
            person.unwritten = Some(block);
        }
        Ok(person.own)
    }

    /// Writes the row of a message; of the commit's first one, together with the operation that it is.
    fn insert(&mut self, posted: &Posted, is_first: bool) -> Result<(), Stop> {
        let (digester, number) = (self.meta.digester, self.number()?);
        let Message { client_id, sender, .. } = &posted.row.message;
        let says = |named: &OperationName| Some(&named.name) == client_id.as_ref() && named.by == *sender;
        let operation = self.operation.take_if(|named| is_first && named.scope == self.id && says(named));
        let request = operation.as_ref().map(|named| named.digest);
        rows::insert_message(self.connection, digester, number, posted, request).map_err(|failure| match failure {
            Failure::Sqlite(error) if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => {
                let taken = StoreError::Unavailable("a message with this id is there already".into());
                Stop::Refused(taken.into())
            }
            failure => Stop::Failed(failure),
        })?;
        if let Some(named) = operation {
            let key = names::key(digester, number, named.by.as_ref(), &named.name);
            self.named = Some((key, posted.row.message.seq));
        }
        Ok(())
    }

    fn edit(&mut self, edit: Edit) -> Result<(), Stop> {
        let mut row = self.live_message(edit.id)?;
        let target = Target::Message { id: edit.id, seq: row.message.seq };
        let (rev, at) = self.next_in_a_row(ChangeKind::Edited, &target)?;
        let message = &mut row.message;
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
        row.content_digest = self.meta.digester.content(&row.message);
        rows::update_message(self.connection, self.meta.digester, self.number()?, &row)?;
        self.tell(ChangeBody::Edited(Arc::new(row.message)))
    }

    fn delete(&mut self, id: MessageId) -> Result<(), Stop> {
        let mut row = self.live_message(id)?;
        let seq = row.message.seq;
        let (rev, at) = self.next_in_a_row(ChangeKind::Deleted, &Target::Message { id, seq })?;
        row.message.rev = rev;
        row.message.erase(at, self.actor.clone());
        let number = self.number()?;
        rows::update_message(self.connection, self.meta.digester, number, &row)?;
        if row.message.message_type.countable() {
            count_deleted(self.connection, number, row.message.sender.as_ref(), seq)?;
        }
        self.tell(ChangeBody::Deleted(Arc::new(row.message)))
    }
}

fn only_the_first_makes_it(id: RoomId, writes: &[Write]) -> Result<(), Stop> {
    let again = writes.iter().any(|write| matches!(write, Write::CreateRoom(_)));
    if again { Err(Refusal::Exists(id).into()) } else { Ok(()) }
}

fn take_over(room: &mut Room, settings: &RoomSettings) {
    let settings = settings.clone();
    room.name = settings.name;
    room.topic = settings.topic;
    room.avatar = settings.avatar;
    room.metadata = settings.metadata;
    room.state = settings.state;
    room.history = settings.history;
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
