//! Rooms as a viewer may see them, and what can be read of them at once.

use chat_core::{
    ClientId, Member, Message, MessageId, Room, RoomId, Seq, Timestamp, UserId,
    store::{Operation, RoomRow, RoomSelector, View},
};
use rusqlite::{Row, params};

use crate::{
    failure::{Failure, Outcome},
    rows::{self, RoomHead, limit_of},
    sql::Sql,
    unread::unread,
};

use super::Snapshot;

/// Who reads; see [`chat_core::store::Viewer`], which cannot be sent to another thread.
#[derive(Clone, Debug)]
pub(crate) enum OwnedViewer {
    Host,
    User(UserId),
}

impl From<chat_core::store::Viewer<'_>> for OwnedViewer {
    fn from(viewer: chat_core::store::Viewer<'_>) -> Self {
        match viewer {
            chat_core::store::Viewer::Host => Self::Host,
            chat_core::store::Viewer::User(user) => Self::User(user.clone()),
        }
    }
}

/// A room as somebody in it, or the host, may see it. Whoever may not see it does not get one.
#[derive(Debug)]
pub(super) struct Seen<'a> {
    pub(super) snapshot: &'a Snapshot<'a>,
    pub(super) number: i64,
    pub(super) room: Room,
    pub(super) ids_ascend: bool,
    /// The viewer in it; nobody for the host.
    pub(super) member: Option<Member>,
}

impl<'a> Snapshot<'a> {
    /// The one way to a room's content.
    pub(super) fn enter(&self, viewer: &OwnedViewer, room: &RoomSelector) -> Outcome<Option<Seen<'_>>> {
        match rows::room(self.connection, room)? {
            Some(head) => self.enter_found(viewer, head),
            None => Ok(None),
        }
    }

    fn enter_found(&self, viewer: &OwnedViewer, head: RoomHead) -> Outcome<Option<Seen<'_>>> {
        let RoomHead { number, room, ids_ascend } = head;
        let member = match viewer {
            OwnedViewer::Host => None,
            OwnedViewer::User(user) => match rows::member(self.connection, number, room.id, user)? {
                Some(member) if member.is_active() => Some(member),
                _ => return Ok(None),
            },
        };
        Ok(Some(Seen { snapshot: self, number, room, ids_ascend, member }))
    }

    pub(crate) fn operation(
        &self,
        scope: RoomId,
        actor: Option<&UserId>,
        name: &ClientId,
    ) -> Outcome<Option<Operation>> {
        let number = rows::room(self.connection, &RoomSelector::Id(scope))?.map(|head| head.number);
        // What moved to the index meanwhile must be seen there.
        self.end()?;
        rows::operation(self.connection, self.names, self.meta.digester, number, scope, actor, name)
    }

    pub(crate) fn view(&self, room: &RoomSelector, users: &[UserId]) -> Outcome<Option<View>> {
        let Some(head) = rows::room(self.connection, room)? else { return Ok(None) };
        let member = |user| rows::member(self.connection, head.number, head.room.id, user);
        let members = users.iter().map(member).collect::<Outcome<_>>()?;
        Ok(Some(View { room: head.room, members }))
    }

    pub(crate) fn message(&self, viewer: &OwnedViewer, id: MessageId) -> Outcome<Option<Message>> {
        match self.enter_at(viewer, id)? {
            Some((seen, seq)) => seen.message(seq),
            None => Ok(None),
        }
    }

    /// The room of a message, and its place there.
    fn enter_at(&self, viewer: &OwnedViewer, id: MessageId) -> Outcome<Option<(Seen<'_>, Seq)>> {
        let Some((number, seq)) = rows::place_of(self.connection, id)? else { return Ok(None) };
        let seen = self.enter_found(viewer, rows::room_numbered(self.connection, number)?)?;
        Ok(seen.map(|seen| (seen, seq)))
    }

    pub(crate) fn participants(
        &self,
        viewer: &OwnedViewer,
        room: RoomId,
        after: Option<&UserId>,
        limit: usize,
    ) -> Outcome<Option<Vec<Member>>> {
        let Some(seen) = self.enter(viewer, &RoomSelector::Id(room))? else { return Ok(None) };
        seen.participants(after, limit).map(Some)
    }

    pub(crate) fn readers(
        &self,
        viewer: &OwnedViewer,
        id: MessageId,
        after: Option<&UserId>,
        limit: usize,
    ) -> Outcome<Option<Vec<Member>>> {
        let Some((seen, seq)) = self.enter_at(viewer, id)? else { return Ok(None) };
        let Some(message) = seen.message(seq)? else { return Ok(None) };
        let message = (seq, message.sender.as_ref());
        rows::readers_of(self.connection, seen.number, seen.room.id, message, after, limit).map(Some)
    }

    pub(crate) fn room(&self, viewer: &OwnedViewer, room: &RoomSelector) -> Outcome<Option<RoomRow>> {
        self.enter(viewer, room)?.map(Seen::row).transpose()
    }

    pub(crate) fn rooms(
        &self,
        viewer: &OwnedViewer,
        before: Option<(Timestamp, RoomId)>,
        limit: usize,
    ) -> Outcome<Vec<RoomRow>> {
        let heads = match viewer {
            OwnedViewer::Host => rows::rooms_by_activity(self.connection, before, limit)?,
            OwnedViewer::User(user) => self.rooms_of(user, before, limit)?,
        };
        let row = |head| self.enter_found(viewer, head)?.ok_or(Failure::Damaged("an index is wrong"))?.row();
        heads.into_iter().map(row).collect()
    }

    /// The rooms that a user is in, the latest change first: sorted from a row each, read where they are returned.
    fn rooms_of(&self, user: &UserId, before: Option<(Timestamp, RoomId)>, limit: usize) -> Outcome<Vec<RoomHead>> {
        const SELECT: &str = "SELECT room.number FROM member CROSS JOIN room ON room.number = member.room \
             WHERE member.user = ?1 AND member.standing = 0 AND (room.last_at, room.id) < (?2, ?3) \
             ORDER BY room.last_at DESC, room.id DESC LIMIT ?4";
        let (at, id) = before.unwrap_or((Timestamp::MAX, RoomId::from_bytes([0xff; 16])));
        let params = params![user.as_str(), at.as_millis(), id.as_bytes(), limit_of(limit)];
        let numbers: Vec<i64> = self.connection.all(SELECT, params, |row: &Row<'_>| Ok(row.get(0)?))?;
        numbers.into_iter().map(|number| rows::room_numbered(self.connection, number)).collect()
    }

    pub(crate) fn unread(&self, user: &UserId) -> Outcome<u64> {
        let mut sum = 0;
        for seen in self.all_of(user)? {
            sum += seen.unread()?;
        }
        Ok(sum)
    }

    /// How many rooms a user is in.
    pub(crate) fn memberships(&self, user: &UserId) -> Outcome<u64> {
        const COUNT: &str = "SELECT count(*) FROM member WHERE user = ?1 AND standing = 0";
        Ok(self.connection.one(COUNT, [user.as_str()], |row| rows::count(row, 0))?.unwrap_or(0))
    }

    /// All rooms that a user is in.
    pub(super) fn all_of(&self, user: &UserId) -> Outcome<Vec<Seen<'_>>> {
        const SELECT: &str = "SELECT room FROM member WHERE user = ?1 AND standing = 0";
        let numbers: Vec<i64> = self.connection.all(SELECT, [user.as_str()], |row: &Row<'_>| Ok(row.get(0)?))?;
        let viewer = OwnedViewer::User(user.clone());
        let enter = |number| {
            let head = rows::room_numbered(self.connection, number)?;
            self.enter_found(&viewer, head)?.ok_or(Failure::Damaged("an index is wrong"))
        };
        numbers.into_iter().map(enter).collect()
    }
}

impl Seen<'_> {
    /// The first message that the viewer may read.
    pub(super) fn first_visible(&self) -> Seq {
        self.member.as_ref().map_or(1, |member| member.visible_from.max(1))
    }

    pub(super) fn message(&self, seq: Seq) -> Outcome<Option<Message>> {
        if seq < self.first_visible() {
            return Ok(None);
        }
        rows::message_at(self.snapshot.connection, self.number, self.room.id, seq)
    }

    /// Who is in the room now, by user id, from after `after`.
    pub(super) fn participants(&self, after: Option<&UserId>, limit: usize) -> Outcome<Vec<Member>> {
        rows::active_members(self.snapshot.connection, self.number, self.room.id, after, limit)
    }

    pub(super) fn unread(&self) -> Outcome<u64> {
        let count = |member| unread(self.snapshot.connection, self.number, &self.room, member);
        self.member.as_ref().map_or(Ok(0), count)
    }

    pub(super) fn row(self) -> Outcome<RoomRow> {
        let (unread, last_message) = (self.unread()?, self.message(self.room.last_seq)?);
        Ok(RoomRow { room: self.room, member: self.member, unread, last_message })
    }
}
