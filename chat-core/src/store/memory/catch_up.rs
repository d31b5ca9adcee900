//! What somebody missed.

use std::sync::Arc;

use crate::{
    model::{Cursor, Marker, Rev, RoomId, UserId},
    store::{CatchUp, CatchUpLimits, Change, ChangeBody, Missed, Target, Viewer},
};

use super::state::{Seen, State};

impl State {
    pub(super) fn catch_up(
        &self,
        epoch: u64,
        viewer: Viewer<'_>,
        rooms: &[(RoomId, Option<Cursor>)],
        mut limits: CatchUpLimits,
    ) -> Vec<Option<CatchUp>> {
        let one = |(room, since): &(RoomId, Option<Cursor>)| {
            let one = self.enter(viewer, *room)?.catch_up(epoch, *since, limits);
            limits = limits.after(&one);
            Some(one)
        };
        rooms.iter().map(one).collect()
    }
}

impl Seen<'_> {
    fn catch_up(self, epoch: u64, since: Option<Cursor>, limits: CatchUpLimits) -> CatchUp {
        let room = &self.data.room;
        let (cursor, missed) = match since.filter(|since| self.fits(epoch, *since)) {
            None => (room.cursor(epoch), self.snapshot(limits)),
            Some(since) if since.rev == room.last_rev => (since, Missed::Nothing),
            Some(since) => self.changes(since, limits),
        };
        CatchUp {
            cursor,
            member: self.member.cloned(),
            markers: self.markers(limits.members),
            members: room.members,
            missed,
        }
    }

    /// Whether a position is one of this history, and of the viewer's present membership.
    fn fits(self, epoch: u64, since: Cursor) -> bool {
        since.epoch == epoch
            && self.chain_at(since.rev) == Some(since.chain)
            && self.member.is_none_or(|member| since.rev >= member.joined_rev)
    }

    /// The running hash after a change; nothing for a change that is not there.
    fn chain_at(self, rev: Rev) -> Option<u64> {
        if rev == 0 { Some(0) } else { self.data.changes.get(&rev).map(|change| change.chain) }
    }

    fn snapshot(self, limits: CatchUpLimits) -> Missed {
        let mut messages: Vec<_> = self.visible().rev().take(limits.messages).cloned().collect();
        messages.reverse();
        let messages = limits.last_of(messages);
        Missed::Snapshot { room: Box::new(self.row()), members: self.participants(None, limits.members), messages }
    }

    fn changes(self, since: Cursor, limits: CatchUpLimits) -> (Cursor, Missed) {
        let (mut cursor, mut changes, mut bytes) = (since, Vec::new(), 0);
        for (rev, row) in self.data.changes.range(since.rev + 1..).take(limits.changes) {
            cursor = Cursor { rev: *rev, chain: row.chain, ..since };
            if let Some(body) = self.present(*rev, &row.target, since.rev) {
                let change = Change { cursor, actor: row.actor.clone(), at: row.at, body };
                bytes += change.weight();
                changes.push(change);
            }
            if bytes >= limits.bytes {
                break;
            }
        }
        (cursor, Missed::Changes { changes, more: cursor.rev < self.data.room.last_rev })
    }

    /// What the change `rev` was about, as it is now; nothing if the viewer may not see it, or it is not told here. What
    /// is new to a reader at `since` is told where it was posted, or came in: in steps, that may be one, and what became
    /// of it the next. Everything else is told at its last change.
    fn present(self, rev: Rev, target: &Target, since: Rev) -> Option<ChangeBody> {
        match target {
            Target::Room => {
                let room = &self.data.room;
                (room.info_rev == rev).then(|| ChangeBody::Room(Box::new(room.clone())))
            }
            Target::Message { seq, .. } => {
                let posted = self.data.messages.get(seq).filter(|_| self.sees(*seq))?;
                let message = Arc::clone(&posted.message);
                let is_new = posted.rev > since;
                let here = if is_new { posted.rev } else { message.rev };
                (here == rev).then_some(match () {
                    () if message.is_deleted() => ChangeBody::Deleted(message),
                    () if is_new => ChangeBody::Posted(message),
                    () => ChangeBody::Edited(message),
                })
            }
            Target::Member(user) => self.present_member(rev, user, since),
        }
    }

    fn present_member(self, rev: Rev, user: &UserId, since: Rev) -> Option<ChangeBody> {
        let member = self.data.members.get(user)?;
        let is_new = member.is_active() && member.joined_rev > since;
        let here = if is_new { member.joined_rev } else { member.rev };
        let told = Box::new(member.clone());
        (here == rev).then_some(match () {
            () if !member.is_active() => ChangeBody::Removed(told),
            () if is_new => ChangeBody::Added(told),
            () => ChangeBody::Updated(told),
        })
    }

    /// Everybody's markers in a room of at most `limit`, else the viewer's own.
    fn markers(self, limit: usize) -> Vec<Marker> {
        if self.data.room.members <= limit as u64 {
            self.active(None).map(Marker::from).collect()
        } else {
            self.member.map(Marker::from).into_iter().collect()
        }
    }
}
