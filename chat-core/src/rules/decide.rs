//! What a command does to a room, or why it may not.

use crate::{
    model::{
        AddParticipant, Command, EditMessage, Error, HistoryMode, Limits, MAX_INTEGER, Mark, MarkAt, MarkKind, Member,
        Message, MessageId, MessageType, RemoveParticipant, Result, Role, Room, RoomState, SendMessage, Seq, Standing,
        Timestamp, UpdateMe, UpdateParticipant, UpdateRoom, UserId, all_metadata, check_metadata,
    },
    store::{Edit, Guard, MarkerMove, MarkerTo, MemberChange, MemberWrite, Post, RoomSettings, Visible, Write},
};

use super::{Action, Actor, create::join, least_role};

/// What a decision looks at: the stored state of one moment, and the moment.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    /// The room.
    pub room: &'a Room,
    /// Who acts.
    pub actor: &'a Actor,
    /// What is stored about the user who acts.
    pub member: Option<&'a Member>,
    /// What is stored about the user whom it is about, or whom the host sends for.
    pub target: Option<&'a Member>,
    /// The message that it is about, or that it answers, if it is of this room.
    pub message: Option<&'a Message>,
    /// The id that a new message gets.
    pub fresh: MessageId,
    /// Now.
    pub now: Timestamp,
    /// The limits.
    pub limits: &'a Limits,
}

/// What to commit.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// What the decision relied on.
    pub guard: Guard,
    /// What to write; empty where nothing would change.
    pub writes: Vec<Write>,
}

/// Decides what a command about an existing room writes. That it is valid in itself, [`validate`](super::validate) says.
///
/// # Errors
/// Everything else that [`Command`]s can be refused for. A room or message that the actor may not know of is `not_found`.
pub fn decide(scene: &Scene<'_>, command: Command) -> Result<Decision> {
    scene.present()?;
    let guard = scene.guard(command.subject(scene.message));
    let writes = match command {
        Command::SendMessage(send) => scene.send(send)?,
        Command::EditMessage(edit) => scene.edit(edit)?,
        Command::DeleteMessage(delete) => scene.delete(delete.message_id)?,
        Command::Mark(mark) => scene.mark(&mark)?,
        Command::UpdateRoom(update) => scene.update_room(update)?,
        Command::DeleteRoom => {
            scene.may(Action::DeleteRoom)?;
            vec![Write::DeleteRoom]
        }
        Command::AddParticipant(add) => scene.add(add)?,
        Command::UpdateParticipant(update) => scene.update_participant(update)?,
        Command::RemoveParticipant(remove) => scene.remove(&remove)?,
        Command::UpdateMe(update) => scene.update_me(&update)?,
        Command::CreateRoom(_) => return Err(Error::invalid("action", "makes a room and cannot be done in one")),
    };
    Ok(Decision { guard, writes })
}

/// Whether a participant may show that they type. Typing is no command: nothing of it is stored.
pub(crate) fn may_type(room: &Room, member: &Member, now: Timestamp) -> Result<()> {
    let may = least_role(Action::Type, room.kind).is_some_and(|least| member.role >= least);
    if may && room.state == RoomState::Open && !member.is_muted(now) {
        Ok(())
    } else {
        Err(Error::Forbidden { reason: "you do not write in this room" })
    }
}

impl Scene<'_> {
    /// Whoever is not in the room learns nothing of it.
    fn present(&self) -> Result<()> {
        match self.actor {
            Actor::Host => Ok(()),
            Actor::User(_) if self.member.is_some_and(Member::is_active) => Ok(()),
            Actor::User(_) => Err(Error::not_found("room")),
        }
    }

    /// What must still hold when it is written.
    fn guard(&self, target: Option<&UserId>) -> Guard {
        let rev = |member: Option<&Member>| member.map_or(0, |member| member.rev);
        let actor = self.actor.user();
        let mut members = Vec::with_capacity(2);
        members.extend(actor.map(|user| (user.clone(), rev(self.member))));
        members.extend(target.filter(|user| actor != Some(*user)).map(|user| (user.clone(), rev(self.target))));
        Guard { policy: Some(self.room.policy_rev), members }
    }

    /// The rank of the user who acts; the host stands above everybody.
    fn role(&self) -> Option<Role> {
        self.member.map(|member| member.role)
    }

    fn may(&self, action: Action) -> Result<()> {
        let allowed = match self.actor {
            Actor::Host => true,
            Actor::User(_) => least_role(action, self.room.kind).is_some_and(|least| self.role() >= Some(least)),
        };
        if allowed { Ok(()) } else { Err(Error::Forbidden { reason: denial(action) }) }
    }

    /// The first message that the actor sees.
    fn first_seen(&self) -> Seq {
        self.member.map_or(1, |member| member.visible_from)
    }

    /// Whether the actor stands above somebody of `rank`; owners and the host stand above everybody.
    fn outranks(&self, rank: Role) -> Result<()> {
        let above = match (self.actor, self.role()) {
            (Actor::Host, _) | (_, Some(Role::Owner)) => true,
            (_, own) => own > Some(rank),
        };
        if above { Ok(()) } else { Err(Error::Forbidden { reason: "that takes a higher role than theirs" }) }
    }

    /// Whether anybody may write.
    fn open(&self) -> Result<()> {
        match self.room.state {
            RoomState::Open => Ok(()),
            RoomState::Frozen => Err(Error::Forbidden { reason: "the room is frozen" }),
            RoomState::Archived => Err(Error::Forbidden { reason: "the room is archived" }),
        }
    }

    /// Whether the actor may write now.
    fn writable(&self) -> Result<()> {
        self.open()?;
        if self.member.is_some_and(|member| member.is_muted(self.now)) {
            return Err(Error::Forbidden { reason: "you are muted in this room" });
        }
        Ok(())
    }

    fn send(&self, send: SendMessage) -> Result<Vec<Write>> {
        self.may(Action::Send)?;
        self.writable()?;
        let sender = self.sender(&send)?;
        if send.reply_to.is_some() && !self.message.is_some_and(|message| self.sees(message)) {
            return Err(Error::not_found("reply_to"));
        }
        let by_user = self.actor.user().is_some();
        let reader = if by_user { self.member } else { self.target };
        let private = reader.is_some_and(|reader| reader.settings.private_reading);
        let mut writes = Vec::with_capacity(2);
        // Who reads privately moves their own marker to the end, which is their message, and shows nothing.
        let reads_to = match send.read_seq {
            Some(seq) => Some(seq.min(self.room.last_seq)),
            None => (by_user && private).then_some(MAX_INTEGER),
        };
        writes.push(Write::Post(Box::new(Post {
            id: self.fresh,
            sender: sender.cloned(),
            content: send.content,
            message_type: send.message_type,
            metadata: send.metadata,
            attachments: send.attachments,
            reply_to: send.reply_to,
            client_id: send.client_id,
            reads: by_user && reads_to.is_none(),
        })));
        if let (Some(seq), Some(sender)) = (reads_to, sender) {
            writes.push(Write::Mark(reading(sender, reader, seq)));
        }
        Ok(writes)
    }

    /// Whom a message is from.
    fn sender(&self, send: &SendMessage) -> Result<Option<&UserId>> {
        let system = send.message_type == MessageType::System;
        match (self.actor, &send.sender) {
            (Actor::User(user), None) if !system => Ok(Some(user)),
            (Actor::User(_), None) => Err(Error::Forbidden { reason: "only the host posts system messages" }),
            (Actor::User(_), Some(_)) => Err(Error::Forbidden { reason: "only the host posts for others" }),
            (Actor::Host, None) if system => Ok(None),
            (Actor::Host, None) => {
                Err(Error::invalid("sender", "must name a participant, or the message be a system message"))
            }
            (Actor::Host, Some(_)) if system => Err(Error::invalid("sender", "must be absent from a system message")),
            (Actor::Host, Some(_)) => match self.target.filter(|target| target.is_active()) {
                Some(target) => Ok(Some(&target.user)),
                None => Err(Error::not_found("sender")),
            },
        }
    }

    /// Whether the actor may know of a message of this room.
    fn sees(&self, message: &Message) -> bool {
        message.room == self.room.id
            && match self.actor {
                Actor::Host => true,
                Actor::User(_) => self.member.is_some_and(|member| member.sees(message.seq)),
            }
    }

    fn known_message(&self) -> Result<&Message> {
        self.message.filter(|message| self.sees(message)).ok_or(Error::not_found("message"))
    }

    fn edit(&self, edit: EditMessage) -> Result<Vec<Write>> {
        let message = self.known_message()?;
        let own = self.actor.user().is_none_or(|user| message.sender.as_ref() == Some(user));
        if !own {
            return Err(Error::Forbidden { reason: "only its author edits a message" });
        }
        self.may(Action::EditOwn)?;
        self.writable()?;
        if message.is_deleted() {
            return Err(Error::Conflict { reason: "the message is deleted" });
        }
        let text = edit.content.as_ref().or(message.content.as_ref());
        let metadata = edit.metadata.as_ref().unwrap_or(&message.metadata);
        let files = edit.attachments.as_ref().unwrap_or(&message.attachments);
        if text.is_none_or(String::is_empty) && message.message_type.needs_words(metadata.is_some(), !files.is_empty())
        {
            return Err(Error::invalid("content", "must not be blank"));
        }
        // What stays counts beside what is new.
        check_metadata(all_metadata(metadata.as_ref(), files))?;
        Ok(vec![Write::Edit(Box::new(Edit {
            id: message.id,
            content: edit.content,
            metadata: edit.metadata,
            attachments: edit.attachments,
        }))])
    }

    fn delete(&self, id: MessageId) -> Result<Vec<Write>> {
        let message = self.known_message()?;
        if self.actor.user().is_some() && message.sender.as_ref() == self.actor.user() {
            self.may(Action::DeleteOwn)?;
        } else {
            self.may(Action::DeleteOthers)?;
            self.outranks(match self.target.filter(|author| author.is_active()) {
                Some(author) => author.role,
                // What the host said.
                None if message.sender.is_none() => Role::Owner,
                // Somebody who is gone has no rank any more.
                None => Role::Observer,
            })?;
        }
        // Who is muted may still take back what they said; the host may clean up what is closed.
        if self.actor.user().is_some() {
            self.open()?;
        }
        Ok(if message.is_deleted() { Vec::new() } else { vec![Write::Delete(id)] })
    }

    fn mark(&self, mark: &Mark) -> Result<Vec<Write>> {
        let user = self.acting_user("the host reads nothing")?;
        let seq = match mark.at {
            // Past the end means the end as it is now: what comes before this is stored is not meant.
            MarkAt::Seq(seq) => seq.min(self.room.last_seq + u64::from(mark.kind == MarkKind::Unread)),
            MarkAt::MessageId(_) => self.known_message()?.seq,
        };
        let marker = match mark.kind {
            MarkKind::Delivered => MarkerMove { user: user.clone(), delivered: Some(seq), read: None, marker: None },
            MarkKind::Read => reading(user, self.member, seq),
            MarkKind::Unread => {
                let before = seq.saturating_sub(1);
                MarkerMove {
                    user: user.clone(),
                    delivered: None,
                    read: None,
                    marker: Some(MarkerTo::Set(before, None)),
                }
            }
        };
        Ok(vec![Write::Mark(marker)])
    }

    fn update_room(&self, update: UpdateRoom) -> Result<Vec<Write>> {
        self.may(Action::UpdateRoom)?;
        let room = self.room;
        let before = RoomSettings {
            name: room.name.clone(),
            topic: room.topic.clone(),
            avatar: room.avatar.clone(),
            metadata: room.metadata.clone(),
            state: room.state,
            history: room.history,
        };
        let after = RoomSettings {
            name: update.name.unwrap_or_else(|| before.name.clone()),
            topic: update.topic.unwrap_or_else(|| before.topic.clone()),
            avatar: update.avatar.unwrap_or_else(|| before.avatar.clone()),
            metadata: update.metadata.unwrap_or_else(|| before.metadata.clone()),
            state: update.state.unwrap_or(before.state),
            history: update.history.unwrap_or(before.history),
        };
        Ok(if before == after { Vec::new() } else { vec![Write::UpdateRoom(Box::new(after))] })
    }

    fn add(&self, add: AddParticipant) -> Result<Vec<Write>> {
        self.may(Action::Add)?;
        if self.room.pair.is_some() {
            return Err(Error::Forbidden { reason: "a direct room keeps its two people" });
        }
        self.outranks(add.role)?;
        if add.name.is_some() || add.avatar.is_some() {
            self.may(Action::SpeakForHost)?;
        }
        match self.target {
            Some(member) if member.is_active() => return Err(Error::Conflict { reason: "already a participant" }),
            Some(member) if member.standing == Standing::Banned => {
                return Err(Error::Conflict { reason: "banned; lift the ban first" });
            }
            _ => {}
        }
        if self.room.members >= self.limits.members as u64 {
            return Err(Error::LimitReached { what: "participants", limit: self.limits.members });
        }
        let visible = match (add.visible_from, self.room.history) {
            (Some(_), _) if self.actor.user().is_some() && self.room.history == HistoryMode::SinceJoined => {
                return Err(Error::Forbidden { reason: "only the host opens the past of this room" });
            }
            (Some(seq), _) if self.actor.user().is_some() && seq > self.room.last_seq + 1 => {
                return Err(Error::invalid("visible_from", "must not be beyond the next message"));
            }
            // Nobody shows others what they do not see themselves.
            (Some(seq), _) => Visible::From(seq.max(self.first_seen())),
            (None, HistoryMode::All) => Visible::From(self.first_seen()),
            (None, HistoryMode::SinceJoined) => Visible::SinceJoined,
        };
        // Who comes back without a new name keeps the old one.
        let name = add.name.or_else(|| self.target.and_then(|target| target.name.clone()));
        let avatar = add.avatar.or_else(|| self.target.and_then(|target| target.avatar.clone()));
        let write = join(AddParticipant { name, avatar, ..add }, visible);
        Ok(vec![Write::Member(Box::new(write))])
    }

    fn update_participant(&self, update: UpdateParticipant) -> Result<Vec<Write>> {
        if update.banned.is_some() {
            return self.ban(&update);
        }
        let target = self.active_target()?;
        let itself = self.actor.user() == Some(&target.user);
        if update.name.is_some() || update.avatar.is_some() {
            self.may(Action::SpeakForHost)?;
        }
        if update.muted_until.is_some() {
            self.may(Action::Moderate)?;
            self.outranks(target.role)?;
        }
        if let Some(role) = update.role.filter(|role| *role != target.role) {
            self.may(Action::GiveRole)?;
            if !itself {
                self.outranks(target.role)?;
            }
            self.outranks(role)?;
            if target.role == Role::Owner {
                self.keeps_an_owner()?;
            }
        }
        let change = MemberChange::Update {
            role: update.role.unwrap_or(target.role),
            name: update.name.unwrap_or_else(|| target.name.clone()),
            avatar: update.avatar.unwrap_or_else(|| target.avatar.clone()),
            muted_until: update.muted_until.unwrap_or(target.muted_until),
        };
        let same = matches!(&change, MemberChange::Update { role, name, avatar, muted_until }
            if *role == target.role && *name == target.name && *avatar == target.avatar && *muted_until == target.muted_until);
        let write = MemberWrite { user: target.user.clone(), change };
        Ok(if same { Vec::new() } else { vec![Write::Member(Box::new(write))] })
    }

    fn ban(&self, update: &UpdateParticipant) -> Result<Vec<Write>> {
        self.may(Action::Moderate)?;
        if self.room.pair.is_some() {
            return Err(Error::Forbidden { reason: "a direct room keeps its two people" });
        }
        if update.role.is_some() || update.name.is_some() || update.avatar.is_some() || update.muted_until.is_some() {
            return Err(Error::invalid("banned", "must be changed alone"));
        }
        if self.actor.user() == Some(&update.user_id) {
            return Err(Error::Forbidden { reason: "nobody bans themselves" });
        }
        let banned = update.banned == Some(true);
        let standing = self.target.map(|target| target.standing);
        if banned == (standing == Some(Standing::Banned)) {
            return if banned || standing.is_some() { Ok(Vec::new()) } else { Err(Error::not_found("participant")) };
        }
        if let Some(target) = self.target.filter(|target| target.is_active()) {
            self.outranks(target.role)?;
            if target.role == Role::Owner {
                self.keeps_an_owner()?;
            }
        }
        let write = MemberWrite { user: update.user_id.clone(), change: MemberChange::End { banned } };
        Ok(vec![Write::Member(Box::new(write))])
    }

    fn remove(&self, remove: &RemoveParticipant) -> Result<Vec<Write>> {
        let target = self.active_target()?;
        if self.actor.user() == Some(&remove.user_id) {
            self.may(Action::Leave)?;
        } else {
            self.may(Action::Moderate)?;
            self.outranks(target.role)?;
        }
        if self.room.pair.is_some() {
            return Err(Error::Forbidden { reason: "a direct room keeps its two people" });
        }
        if target.role == Role::Owner {
            self.keeps_an_owner()?;
        }
        let write = MemberWrite { user: remove.user_id.clone(), change: MemberChange::End { banned: false } };
        Ok(vec![Write::Member(Box::new(write))])
    }

    fn update_me(&self, update: &UpdateMe) -> Result<Vec<Write>> {
        let user = self.acting_user("the host has no settings of its own")?;
        let mut settings = self.member.map(|member| member.settings).unwrap_or_default();
        settings.pinned = update.pinned.unwrap_or(settings.pinned);
        settings.hidden = update.hidden.unwrap_or(settings.hidden);
        settings.level = update.level.unwrap_or(settings.level);
        settings.private_reading = update.private_reading.unwrap_or(settings.private_reading);
        Ok(vec![Write::Settings(user.clone(), settings)])
    }

    fn active_target(&self) -> Result<&Member> {
        self.target.filter(|target| target.is_active()).ok_or(Error::not_found("participant"))
    }

    fn acting_user(&self, reason: &'static str) -> Result<&UserId> {
        self.actor.user().ok_or(Error::Forbidden { reason })
    }

    /// A room that has an owner never loses its last one.
    fn keeps_an_owner(&self) -> Result<()> {
        if self.room.owners > 1 {
            Ok(())
        } else {
            Err(Error::Conflict { reason: "the room would lose its last owner" })
        }
    }
}

/// Reads up to `seq`; privately, if the reader wants that.
fn reading(user: &UserId, reader: Option<&Member>, seq: u64) -> MarkerMove {
    let private = reader.is_some_and(|member| member.settings.private_reading);
    MarkerMove {
        user: user.clone(),
        delivered: Some(seq),
        read: (!private).then_some(seq),
        marker: Some(MarkerTo::AtLeast(seq)),
    }
}

const fn denial(action: Action) -> &'static str {
    match action {
        Action::Read => "your role does not read here",
        Action::Send => "your role does not post here",
        Action::Type => "your role does not write here",
        Action::EditOwn => "your role does not edit here",
        Action::DeleteOwn => "your role does not delete here",
        Action::DeleteOthers => "only moderators delete messages of others",
        Action::Leave => "a direct room is not left; hide it",
        Action::Add => "only moderators add people",
        Action::Moderate => "only moderators mute, remove and ban",
        Action::GiveRole => "only admins give roles",
        Action::UpdateRoom => "only admins change the room",
        Action::DeleteRoom => "only an owner deletes the room",
        Action::SpeakForHost => "only the host does that",
    }
}
