//! What somebody missed.

use std::sync::Arc;

use chat_core::{
    Cursor, Marker, Member, Rev, RoomId, Timestamp, UserId,
    store::{CatchUp, CatchUpLimits, Change, ChangeBody, Missed, RoomSelector},
};

use crate::{
    failure::Outcome,
    rows::{self, About, ChangeRow, Posted},
};

use super::{
    Snapshot,
    seen::{OwnedViewer, Seen},
};

/// A change, whichever table it stands in.
struct Step {
    rev: Rev,
    chain: u64,
    actor: Option<UserId>,
    at: Timestamp,
    about: What,
}

enum What {
    Post(Box<Posted>),
    Other(About),
}

impl Snapshot<'_> {
    pub(crate) fn catch_up(
        &self,
        viewer: &OwnedViewer,
        rooms: &[(RoomId, Option<Cursor>)],
        mut limits: CatchUpLimits,
    ) -> Outcome<Vec<Option<CatchUp>>> {
        let one = |(room, since): &(RoomId, Option<Cursor>)| {
            let one = self.catch_up_one(viewer, *room, *since, limits)?;
            limits = one.as_ref().map_or(limits, |one| limits.after(one));
            Ok(one)
        };
        rooms.iter().map(one).collect()
    }

    fn catch_up_one(
        &self,
        viewer: &OwnedViewer,
        room: RoomId,
        since: Option<Cursor>,
        limits: CatchUpLimits,
    ) -> Outcome<Option<CatchUp>> {
        // Of many rooms that somebody comes back to, most have not changed: those are to cost as little as can be.
        if let Some(since) = since
            && let Some(same) = self.unchanged(viewer, room, since, limits.members)?
        {
            return Ok(Some(same));
        }
        let Some(seen) = self.enter(viewer, &RoomSelector::Id(room))? else { return Ok(None) };
        seen.catch_up(since, limits).map(Some)
    }

    /// What was missed of a room that stands where it stood and has few people in it: nothing, told by one statement. No
    /// answer says no more than that it is to be looked at as a whole.
    fn unchanged(&self, viewer: &OwnedViewer, room: RoomId, since: Cursor, limit: usize) -> Outcome<Option<CatchUp>> {
        if since.epoch != self.meta.epoch {
            return Ok(None);
        }
        let user = match viewer {
            OwnedViewer::Host => None,
            OwnedViewer::User(user) => Some(user),
        };
        let (markers, member) = rows::markers_at(self.connection, room, since, limit, user)?;
        let theirs = match &member {
            Some(member) => member.joined_rev <= since.rev,
            None => user.is_none() && !markers.is_empty(),
        };
        let members = markers.len() as u64;
        Ok(theirs.then_some(CatchUp { cursor: since, member, markers, members, missed: Missed::Nothing }))
    }
}

impl Seen<'_> {
    fn catch_up(self, since: Option<Cursor>, limits: CatchUpLimits) -> Outcome<CatchUp> {
        let (member, members) = (self.member.clone(), self.room.members);
        let markers = self.markers(limits.members)?;
        let fitting = match since {
            Some(since) if self.fits(since)? => Some(since),
            _ => None,
        };
        let (cursor, missed) = match fitting {
            None => (self.room.cursor(self.snapshot.meta.epoch), self.snapshot(limits)?),
            Some(since) if since.rev == self.room.last_rev => (since, Missed::Nothing),
            Some(since) => self.changes(since, limits)?,
        };
        Ok(CatchUp { cursor, member, markers, members, missed })
    }

    /// Whether a position is one of this history, and of the viewer's present membership.
    fn fits(&self, since: Cursor) -> Outcome<bool> {
        let joined = self.member.as_ref().map_or(0, |member| member.joined_rev);
        if since.epoch != self.snapshot.meta.epoch || since.rev < joined || since.rev > self.room.last_rev {
            return Ok(false);
        }
        if since.rev == self.room.last_rev {
            return Ok(since.chain == self.room.chain);
        }
        Ok(rows::chain_at(self.snapshot.connection, self.number, since.rev)? == Some(since.chain))
    }

    fn snapshot(self, limits: CatchUpLimits) -> Outcome<Missed> {
        let messages = limits.last_of(self.latest(limits.messages)?);
        let members = self.participants(None, limits.members)?;
        Ok(Missed::Snapshot { room: Box::new(self.row()?), members, messages })
    }

    fn changes(&self, since: Cursor, limits: CatchUpLimits) -> Outcome<(Cursor, Missed)> {
        let last = self.room.last_rev.min(since.rev.saturating_add(limits.changes as u64));
        let (mut cursor, mut changes, mut bytes) = (since, Vec::new(), 0);
        for Step { rev, chain, actor, at, about } in self.steps(since.rev, last)? {
            cursor = Cursor { rev, chain, ..since };
            if let Some(body) = self.present(rev, about, since.rev)? {
                let change = Change { cursor, actor, at, body };
                bytes += change.weight();
                changes.push(change);
            }
            if bytes >= limits.bytes {
                break;
            }
        }
        Ok((cursor, Missed::Changes { changes, more: cursor.rev < self.room.last_rev }))
    }

    /// The changes after `since` and up to `last`, in order.
    fn steps(&self, since: Rev, last: Rev) -> Outcome<Vec<Step>> {
        let connection = self.snapshot.connection;
        let posted = |rev| rows::posted_by(connection, self.number, rev);
        let seqs = (posted(since)? + 1, posted(last)?);
        let posts = rows::posted(connection, self.number, self.room.id, seqs)?.into_iter().map(Step::from);
        let others = rows::changes(connection, self.number, since, last)?.into_iter().map(Step::from);
        let mut steps: Vec<_> = posts.chain(others).collect();
        steps.sort_by_key(|step| step.rev);
        Ok(steps)
    }

    /// What the change `rev` was about, as it is now; nothing if the viewer may not see it, or it is not told here. What
    /// is new to a reader at `since` is told where it was posted, or came in: in steps, that may be one, and what became
    /// of it the next. Everything else is told at its last change.
    fn present(&self, rev: Rev, about: What, since: Rev) -> Outcome<Option<ChangeBody>> {
        let connection = self.snapshot.connection;
        match about {
            What::Post(posted) => Ok(self.present_message(rev, *posted, since)),
            What::Other(About::Message(seq)) => {
                let posted = rows::posted_at(connection, self.number, self.room.id, seq)?;
                Ok(posted.and_then(|posted| self.present_message(rev, posted, since)))
            }
            What::Other(About::Member(user)) => {
                let member = rows::member(connection, self.number, self.room.id, &user)?;
                Ok(member.and_then(|member| present_member(rev, member, since)))
            }
            What::Other(About::Room) => {
                Ok((self.room.info_rev == rev).then(|| ChangeBody::Room(Box::new(self.room.clone()))))
            }
        }
    }

    fn present_message(&self, rev: Rev, posted: Posted, since: Rev) -> Option<ChangeBody> {
        let (message, post_rev) = (posted.row.message, posted.row.post_rev);
        let is_new = post_rev > since;
        let here = if is_new { post_rev } else { message.rev };
        if here != rev || message.seq < self.first_visible() {
            return None;
        }
        let (deleted, message) = (message.is_deleted(), Arc::new(message));
        Some(match () {
            () if deleted => ChangeBody::Deleted(message),
            () if is_new => ChangeBody::Posted(message),
            () => ChangeBody::Edited(message),
        })
    }

    /// Everybody's markers in a room of at most `limit`, else the viewer's own.
    fn markers(&self, limit: usize) -> Outcome<Vec<Marker>> {
        if self.room.members <= limit as u64 {
            Ok(self.participants(None, limit)?.iter().map(Marker::from).collect())
        } else {
            Ok(self.member.iter().map(Marker::from).collect())
        }
    }
}

fn present_member(rev: Rev, member: Member, since: Rev) -> Option<ChangeBody> {
    let active = member.is_active();
    let is_new = active && member.joined_rev > since;
    let here = if is_new { member.joined_rev } else { member.rev };
    let member = Box::new(member);
    (here == rev).then_some(match () {
        () if !active => ChangeBody::Removed(member),
        () if is_new => ChangeBody::Added(member),
        () => ChangeBody::Updated(member),
    })
}

impl From<Posted> for Step {
    fn from(posted: Posted) -> Self {
        let (rev, at) = (posted.row.post_rev, posted.row.message.created_at);
        Self { rev, chain: posted.chain, actor: posted.actor.clone(), at, about: What::Post(Box::new(posted)) }
    }
}
impl From<ChangeRow> for Step {
    fn from(row: ChangeRow) -> Self {
        Self { rev: row.rev, chain: row.chain, actor: row.actor, at: row.at, about: What::Other(row.about) }
    }
}
