//! From lines to rows: what an import checks, and the numbers that it gives.
//!
//! Whatever changes a room has been through, its import has one for the room, one for each participant, and one for
//! each message, in this order. Clients begin anew with it: their cursors are of another epoch.

use std::collections::{BTreeMap, HashMap};

use chat_core::{
    Ids, Member, Message, MessageId, Metadata, Role, Room, RoomId, RoomKind, Standing, SystemRandom, Timestamp, UserId,
    check_content, check_label, check_link, check_metadata,
    store::{ChangeKind, Digester, MessageRow, Target},
};

use crate::rows::Posted;

use super::line::{MessageLine, ParticipantLine, RoomLine};

/// What is wrong with a line, and what would be right.
pub(super) type Problem = String;

/// How long any text of a line may be: more than any limit of the engine, so that no setting of the past stands in
/// the way.
const TEXT_BYTES: usize = 1024 * 1024;

/// A room on its way.
pub(super) struct Plan {
    room: Room,
    members: BTreeMap<UserId, Member>,
    /// How many countable messages each sender has posted.
    own: HashMap<UserId, u64>,
    ids: Ids,
    last_id: Option<MessageId>,
    ids_ascend: bool,
    digester: Digester,
}

/// A change that an import makes.
pub(super) struct PlannedChange {
    pub(super) rev: u64,
    pub(super) kind: ChangeKind,
    pub(super) target: Target,
    pub(super) actor: Option<UserId>,
    pub(super) at: Timestamp,
    pub(super) chain: u64,
}

impl Plan {
    /// A room as its line says.
    pub(super) fn of(line: RoomLine, digester: Digester) -> Result<(Self, PlannedChange), Problem> {
        label("name", line.name.as_deref())?;
        label("topic", line.topic.as_deref())?;
        line.avatar.as_deref().map_or(Ok(()), |avatar| link("avatar", avatar))?;
        metadata(&line.metadata)?;
        if line.id == Some(RoomId::from_bytes([0; 16])) {
            return Err("`id` must not be the nil UUID, which is no room's".into());
        }
        if (line.kind == RoomKind::Direct) != line.pair.is_some() {
            return Err("`pair` must be given for a direct room, and for no other".into());
        }
        let pair = line.pair.map(|(a, b)| if a < b { (a, b) } else { (b, a) });
        if pair.as_ref().is_some_and(|(a, b)| a == b) {
            return Err("`pair` must be two different users".into());
        }
        let ids = Ids::new();
        let room = Room {
            id: line.id.unwrap_or_else(|| ids.room(line.created_at, &SystemRandom)),
            key: line.key,
            pair,
            kind: line.kind,
            name: line.name,
            topic: line.topic,
            avatar: line.avatar,
            metadata: line.metadata,
            state: line.state,
            history: line.history,
            created_at: line.created_at,
            last_seq: 0,
            last_rev: 0,
            last_ord: 0,
            chain: 0,
            last_at: line.created_at,
            policy_rev: 1,
            info_rev: 1,
            members: 0,
            owners: 0,
        };
        let mut plan = Self {
            room,
            members: BTreeMap::new(),
            own: HashMap::new(),
            ids,
            last_id: None,
            ids_ascend: true,
            digester,
        };
        let made = plan.change(ChangeKind::Room, Target::Room, None, line.created_at);
        Ok((plan, made))
    }

    /// The room as far as it has been told.
    pub(super) const fn room(&self) -> &Room {
        &self.room
    }

    /// Whether each message's id is above the one before.
    pub(super) const fn ids_ascend(&self) -> bool {
        self.ids_ascend
    }

    /// Somebody in it.
    pub(super) fn participant(&mut self, line: ParticipantLine) -> Result<PlannedChange, Problem> {
        if self.room.last_seq > 0 {
            return Err("the participants of a room come before its messages".into());
        }
        if self.members.contains_key(&line.user_id) {
            return Err("this participant was there already".into());
        }
        label("name", line.name.as_deref())?;
        line.avatar.as_deref().map_or(Ok(()), |avatar| link("avatar", avatar))?;
        if line.visible_from == 0 {
            return Err("`visible_from` must be at least 1".into());
        }
        let active = line.standing == Standing::Active;
        if active {
            self.room.members += 1;
            self.room.owners += u64::from(line.role == Role::Owner);
        }
        let kind = if active { ChangeKind::Added } else { ChangeKind::Removed };
        let change = self.change(kind, Target::Member(line.user_id.clone()), None, self.room.created_at);
        let member = Member {
            room: self.room.id,
            user: line.user_id.clone(),
            rev: change.rev,
            standing: line.standing,
            role: line.role,
            name: line.name,
            avatar: line.avatar,
            joined_at: line.joined_at.unwrap_or(self.room.created_at),
            joined_seq: line.joined_seq,
            joined_rev: if active { change.rev } else { 0 },
            visible_from: line.visible_from,
            muted_until: line.muted_until,
            read_seq: line.read_seq,
            delivered_seq: line.delivered_seq.max(line.read_seq),
            marker_seq: line.marker_seq.unwrap_or(line.read_seq),
            settings: line.settings,
        };
        self.members.insert(line.user_id, member);
        Ok(change)
    }

    /// What they said.
    pub(super) fn message(&mut self, line: MessageLine) -> Result<Posted, Problem> {
        let seq = self.room.last_seq + 1;
        if line.seq.is_some_and(|named| named != seq) {
            return Err(format!("`seq` must be {seq}, the next one, or absent"));
        }
        if line.created_at < self.room.last_at {
            return Err("`created_at` is earlier than that of the line above: messages come in order of time".into());
        }
        let deleted = line.deleted_at.is_some();
        check(&line, deleted)?;
        let id = line.id.unwrap_or_else(|| self.ids.message(line.created_at, &SystemRandom));
        let posted = Target::Message { id, seq };
        let change = self.change(ChangeKind::Posted, posted, line.sender.clone(), line.created_at);
        self.room.last_seq = seq;
        self.ids_ascend &= self.last_id.is_none_or(|last| last < id);
        self.last_id = Some(id);
        let countable = u64::from(line.message_type.countable());
        self.room.last_ord += countable;
        let own_ord = line.sender.as_ref().map_or(0, |sender| {
            let own = self.own.entry(sender.clone()).or_default();
            *own += countable;
            *own
        });
        let message = Message {
            id,
            room: self.room.id,
            seq,
            rev: change.rev,
            sender: line.sender,
            content: line.content,
            message_type: line.message_type,
            created_at: line.created_at,
            client_id: line.client_id,
            edited_at: line.edited_at,
            version: line.version,
            reply_to: line.reply_to,
            metadata: line.metadata,
            attachments: line.attachments,
            deleted_at: line.deleted_at,
            deleted_by: line.deleted_by,
        };
        let content_digest = self.digester.content(&message);
        let row = MessageRow { message, post_rev: change.rev, ord: self.room.last_ord, own_ord, content_digest };
        Ok(Posted { actor: row.message.sender.clone(), row, chain: change.chain })
    }

    /// The room and its people, when everything was said: nobody has read, or joined, past the end.
    pub(super) fn finish(self) -> (Room, impl Iterator<Item = Member>) {
        let last = self.room.last_seq;
        let members = self.members.into_values().map(move |mut member| {
            let Member { read_seq, delivered_seq, marker_seq, joined_seq, visible_from, .. } = &mut member;
            for place in [read_seq, delivered_seq, marker_seq, joined_seq] {
                *place = (*place).min(last);
            }
            *visible_from = (*visible_from).min(last + 1);
            member
        });
        (self.room, members)
    }

    fn change(&mut self, kind: ChangeKind, target: Target, actor: Option<UserId>, at: Timestamp) -> PlannedChange {
        let room = &mut self.room;
        room.last_rev += 1;
        room.last_at = room.last_at.max(at);
        room.chain = self.digester.chain(room.chain, room.last_rev, kind, &target, actor.as_ref(), room.last_at);
        PlannedChange { rev: room.last_rev, kind, target, actor, at: room.last_at, chain: room.chain }
    }
}

/// What a message may say: what the engine would take, of any length.
fn check(line: &MessageLine, deleted: bool) -> Result<(), Problem> {
    let content = line.content.as_deref().unwrap_or_default();
    if deleted {
        let erased = line.content.is_none() && line.metadata.is_none() && line.attachments.is_empty();
        return if erased { Ok(()) } else { Err("a deleted message has no content, metadata or attachments".into()) };
    }
    if line.deleted_by.is_some() {
        return Err("`deleted_by` takes a `deleted_at`".into());
    }
    metadata(line.metadata.iter().chain(line.attachments.iter().map(|file| &file.more)))?;
    for file in &line.attachments {
        link("attachments.url", &file.url)?;
    }
    if content.is_empty() && !line.message_type.needs_words(line.metadata.is_some(), !line.attachments.is_empty()) {
        return Ok(());
    }
    check_content(content, TEXT_BYTES).map_err(|error| error.to_string())
}

fn metadata<'a>(metadata: impl IntoIterator<Item = &'a Metadata>) -> Result<(), Problem> {
    check_metadata(metadata).map_err(|error| error.to_string())
}

fn link(field: &'static str, url: &str) -> Result<(), Problem> {
    check_link(field, url, TEXT_BYTES).map_err(|error| error.to_string())
}

fn label(field: &'static str, text: Option<&str>) -> Result<(), Problem> {
    check_label(field, text.unwrap_or_default(), TEXT_BYTES).map_err(|error| error.to_string())
}
