//! A room that somebody has open, and how far each of its subscribers is.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use tokio::time::Instant;

use crate::model::{Event, ResyncReason, Rev, RoomId, Seq, UserId};

use super::{
    burst::{Burst, Frame},
    queue::Queue,
};

/// A room that somebody has open.
#[derive(Debug, Default)]
pub(super) struct OpenRoom {
    pub(super) subscribers: BTreeMap<u64, Subscriber>,
    /// Who has it open, or did when that was told last.
    present: BTreeMap<UserId, Here>,
    /// Whether few enough are in it to be told who comes online and goes.
    pub(super) small: bool,
}

/// A user who has a room open.
#[derive(Debug, Default)]
struct Here {
    connections: usize,
    /// Whether the others were told that they are there.
    shown: bool,
    /// Until when nothing more is told of them, where something was told lately.
    quiet: Option<Instant>,
}

/// For how long nothing more is told of somebody who came or went: who does so all the time costs the others little.
const QUIET: Duration = Duration::from_secs(1);

/// One connection that has a room open, or is about to.
#[derive(Debug)]
pub(super) struct Subscriber {
    pub(super) queue: Arc<Queue>,
    pub(super) user: Option<UserId>,
    pub(super) visible_from: Seq,
    pub(super) stage: Stage,
    /// Whether it is counted among those present.
    pub(super) present: bool,
}

/// How far a subscriber is.
#[derive(Debug)]
pub(super) enum Stage {
    /// It reads from storage; what happens meanwhile waits here.
    Joining(Waiting),
    /// It was given everything up to this change. Like a gate, it takes the next one and no other.
    Live(Rev),
    /// It missed something and must catch up first.
    Lost,
}

/// What happened while somebody joins; bounded in bytes like a queue.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    bursts: Vec<Arc<Burst>>,
    bytes: usize,
    /// Why not everything is here that happened.
    lost: Option<ResyncReason>,
}

/// The frames of a burst for those who may not see what they are about, each made when the first of them comes.
type Hidden = Vec<Option<Arc<Frame>>>;

impl OpenRoom {
    /// One more connection of a user has it open.
    pub(super) fn arrived(&mut self, user: &UserId) {
        self.present.entry(user.clone()).or_default().connections += 1;
    }

    /// One connection of a user is gone; whether it was their last one.
    pub(super) fn departed(&mut self, user: &UserId) -> bool {
        let Some(here) = self.present.get_mut(user) else { return false };
        here.connections = here.connections.saturating_sub(1);
        here.connections == 0
    }

    /// Whether a user has it open.
    pub(super) fn has(&self, user: &UserId) -> bool {
        self.present.get(user).is_some_and(|here| here.connections > 0)
    }

    /// The first `most` of those who have it open, as it was told.
    pub(super) fn company(&self, most: usize) -> Vec<UserId> {
        self.present.iter().filter(|(_, here)| here.shown).take(most).map(|(user, _)| user.clone()).collect()
    }

    /// Shows who is there as it is, and tells so if that is news and no more than `most` are there: at once, or later
    /// where something was told of them lately. When to look again, if ever.
    pub(super) fn show(
        &mut self,
        room: RoomId,
        user: &UserId,
        now: Instant,
        most: usize,
        behind: &mut Vec<Arc<Queue>>,
    ) -> Option<Instant> {
        let few = self.present.len() <= most;
        let here = self.present.get_mut(user)?;
        if let Some(quiet) = here.quiet.filter(|quiet| now < *quiet) {
            return Some(quiet);
        }
        let is_there = here.connections > 0;
        let is_news = few && here.shown != is_there;
        (here.shown, here.quiet) = (is_there, is_news.then_some(now + QUIET));
        let quiet = here.quiet;
        if is_news {
            let (user_id, present) = (user.clone(), self.company(most));
            let event = if is_there {
                Event::UserJoined { room, user_id, present }
            } else {
                Event::UserLeft { room, user_id, present }
            };
            self.tell(&Burst::one(event), behind);
        } else if !is_there {
            self.present.remove(user);
        }
        quiet
    }

    /// Tells everybody who has it open. `behind` takes those whose queue is full.
    pub(super) fn tell(&mut self, burst: &Arc<Burst>, behind: &mut Vec<Arc<Queue>>) {
        let mut hidden = Hidden::new();
        for subscriber in self.subscribers.values_mut() {
            subscriber.offer(burst, &mut hidden, behind);
        }
    }
}

impl Subscriber {
    /// One that begins to open a room.
    pub(super) fn joining(queue: &Arc<Queue>, user: Option<&UserId>) -> Self {
        Self {
            queue: Arc::clone(queue),
            user: user.cloned(),
            visible_from: 1,
            stage: Stage::Joining(Waiting::default()),
            present: false,
        }
    }

    /// Goes live after `read`, and takes what happened since.
    pub(super) fn open(&mut self, room: RoomId, read: Rev, visible_from: Seq, behind: &mut Vec<Arc<Queue>>) {
        self.visible_from = visible_from;
        let Stage::Joining(waited) = std::mem::replace(&mut self.stage, Stage::Live(read)) else { return };
        if let Some(reason) = waited.lost {
            return self.lose(room, reason);
        }
        for burst in &waited.bursts {
            self.offer(burst, &mut Hidden::new(), behind);
        }
    }

    /// Gives it events, as far as it may see them and can take them now.
    fn offer(&mut self, burst: &Arc<Burst>, hidden: &mut Hidden, behind: &mut Vec<Arc<Queue>>) {
        match &mut self.stage {
            Stage::Joining(waiting) => waiting.add(burst, self.queue.limit()),
            Stage::Live(at) => {
                let mut gap = None;
                let fits = if let Some(last) = burst.leads(*at, self.visible_from) {
                    *at = last;
                    self.queue.push(burst)
                } else {
                    let some = some_of(burst, at, self.visible_from, hidden, &mut gap);
                    some.is_empty() || self.queue.push(&Burst::of(some))
                };
                if !fits {
                    behind.push(Arc::clone(&self.queue));
                } else if let Some(room) = gap {
                    self.lose(room, ResyncReason::Gap);
                }
            }
            Stage::Lost => {}
        }
    }

    /// Something may have happened that it is not told of.
    pub(super) fn miss(&mut self, room: RoomId) {
        match &mut self.stage {
            Stage::Joining(waiting) => waiting.lose(ResyncReason::Gap),
            Stage::Live(_) => self.lose(room, ResyncReason::Gap),
            Stage::Lost => {}
        }
    }

    /// From here on it gets nothing of the room until it has caught up, and is told so.
    fn lose(&mut self, room: RoomId, reason: ResyncReason) {
        self.stage = Stage::Lost;
        self.queue.resync(&[room], reason);
    }
}

impl Waiting {
    /// Adds more, unless that is more than may wait.
    fn add(&mut self, burst: &Arc<Burst>, limit: usize) {
        self.bytes += burst.bytes();
        if self.bytes > limit {
            self.lose(ResyncReason::TooSlow);
        } else if self.lost.is_none() {
            self.bursts.push(Arc::clone(burst));
        }
    }

    /// Whoever joins must do so again.
    fn lose(&mut self, reason: ResyncReason) {
        self.bursts = Vec::new();
        self.lost.get_or_insert(reason);
    }
}

/// What of a burst is for somebody who stands at change `at`, which moves on, and may see messages from `visible_from`
/// on. `gap` is set where changes are missing; what follows it is not for them either.
fn some_of(
    burst: &Burst,
    at: &mut Rev,
    visible_from: Seq,
    hidden: &mut Hidden,
    gap: &mut Option<RoomId>,
) -> Vec<Arc<Frame>> {
    hidden.resize(burst.frames().len(), None);
    let mut some = Vec::new();
    for (frame, hidden) in burst.frames().iter().zip(hidden) {
        if let Some(change) = frame.event().position() {
            if change.rev <= *at {
                continue;
            }
            if change.follows() > *at {
                // A commit whose outcome was unknown did happen: it was stored and never told.
                *gap = Some(change.room);
                break;
            }
            *at = change.rev;
        }
        let shown =
            if frame.is_hidden(visible_from) { &*hidden.get_or_insert_with(|| frame.without_what()) } else { frame };
        some.push(Arc::clone(shown));
    }
    some
}
