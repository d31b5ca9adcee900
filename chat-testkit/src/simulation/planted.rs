//! Mistakes of a store or a server, planted where they would be made.

use chat_core::{
    UserId,
    store::{Applied, ChangeBody, Commit, CommitError, Edit, MemberChange, MemberWrite, Write},
};

use super::{faults::Fault, log::Log};

/// What a faulty store makes of a commit.
pub(super) fn before(fault: Fault, log: &Log, commit: &mut Commit) {
    let mut also = None;
    for write in &mut commit.writes {
        match write {
            Write::Member(member) if fault == Fault::ForgetsBans => {
                if let MemberChange::End { banned } = &mut member.change {
                    *banned = false;
                }
            }
            Write::Member(member) if fault == Fault::LetsBothOwnersGo => {
                if matches!(member.change, MemberChange::End { .. }) {
                    also = other_owner(log, commit.room, &member.user);
                }
            }
            Write::Delete(id) if fault == Fault::KeepsTheDeleted => {
                let content = Some("still here".to_owned());
                *write = Write::Edit(Box::new(Edit { id: *id, content, metadata: None, attachments: None }));
            }
            _ => {}
        }
    }
    if let Some(user) = also {
        let change = MemberChange::End { banned: false };
        commit.writes.push(Write::Member(Box::new(MemberWrite { user, change })));
    }
}

/// The one who owns the room beside `user`, if there is no third.
fn other_owner(log: &Log, room: chat_core::RoomId, user: &UserId) -> Option<UserId> {
    let owners = log.owners(room);
    let others: Vec<_> = owners.iter().filter(|owner| *owner != user).collect();
    (owners.contains(user) && others.len() == 1).then(|| others[0].clone())
}

/// What a faulty store says came of it.
pub(super) fn after(fault: Fault, commit: &Commit, result: &mut Result<Applied, CommitError>) {
    let Ok(Applied::Done(done)) = result else { return };
    for change in &mut done.changes {
        match (fault, &mut change.body) {
            (Fault::TurnsTimeBack, _) => change.at = change.at.min(commit.at),
            (Fault::SkipsANumber, ChangeBody::Edited(_)) => change.cursor.rev += 1,
            (Fault::BelievesOldReceipts, ChangeBody::Updated(member)) => {
                (member.read_seq, member.delivered_seq) = (0, 0);
            }
            _ => {}
        }
    }
}
