//! A room that somebody has open, and how far each of its subscribers is.

use std::{collections::BTreeMap, sync::Arc};

use crate::model::{Event, ResyncReason, Rev, RoomId, Seq, UserId};

use super::queue::{Frame, Queue};

/// A room that somebody has open.
#[derive(Debug, Default)]
pub(super) struct OpenRoom {
    pub(super) subscribers: BTreeMap<u64, Subscriber>,
    /// How many connections each user has it open on.
    pub(super) present: BTreeMap<UserId, usize>,
    /// Whether few enough are in it to be told who comes online and goes.
    pub(super) small: bool,
}

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
    tellings: Vec<Telling>,
    bytes: usize,
}

/// A frame and what it is about.
#[derive(Clone, Debug)]
pub(super) struct Telling {
    pub(super) frame: Arc<Frame>,
    /// The message that it shows, which not everybody may see.
    pub(super) seq: Option<Seq>,
}

impl OpenRoom {
    /// One connection of a user is gone; whether it was their last one.
    pub(super) fn departed(&mut self, user: &UserId) -> bool {
        match self.present.get_mut(user) {
            Some(connections) if *connections > 1 => {
                *connections -= 1;
                false
            }
            _ => self.present.remove(user).is_some(),
        }
    }

    /// The first `most` of those who have it open.
    pub(super) fn company(&self, most: usize) -> Vec<UserId> {
        self.present.keys().take(most).cloned().collect()
    }

    /// Tells everybody who has it open, each of everything before the next. `behind` takes those whose queue is full.
    pub(super) fn tell(&mut self, tellings: &[Telling], behind: &mut Vec<Arc<Queue>>) {
        let mut hidden = vec![None; tellings.len()];
        for subscriber in self.subscribers.values_mut() {
            subscriber.offer(tellings, &mut hidden, behind);
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
        match std::mem::replace(&mut self.stage, Stage::Live(read)) {
            Stage::Joining(waited) => {
                let mut hidden = vec![None; waited.tellings.len()];
                self.offer(&waited.tellings, &mut hidden, behind);
            }
            Stage::Live(_) => {}
            Stage::Lost => self.lose(room, ResyncReason::TooSlow),
        }
    }

    /// Gives it frames, as far as it may see them and can take them now. `hidden` are the frames for those who may not,
    /// each made when the first of them comes.
    fn offer(&mut self, tellings: &[Telling], hidden: &mut [Option<Arc<Frame>>], behind: &mut Vec<Arc<Queue>>) {
        match &mut self.stage {
            Stage::Joining(waiting) => {
                if !tellings.iter().all(|telling| waiting.add(telling, self.queue.limit())) {
                    self.stage = Stage::Lost;
                }
            }
            Stage::Live(at) => {
                let mut gap = None;
                let news = tellings.iter().zip(hidden).filter_map(|(telling, hidden)| {
                    let frame = &telling.frame;
                    if let Some(change) = frame.event().position() {
                        if gap.is_some() || change.rev <= *at {
                            return None;
                        }
                        if change.follows() > *at {
                            // A commit whose outcome was unknown did happen: it was stored and never told.
                            gap = Some(change.room);
                            return None;
                        }
                        *at = change.rev;
                    }
                    Some(match telling.seq {
                        Some(seq) if seq < self.visible_from => &*hidden.get_or_insert_with(|| without_what(frame)),
                        _ => frame,
                    })
                });
                if !self.queue.push_all(news) {
                    behind.push(Arc::clone(&self.queue));
                } else if let Some(room) = gap {
                    self.lose(room, ResyncReason::Gap);
                }
            }
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
    /// Adds one more; `false` if that is more than may wait.
    fn add(&mut self, telling: &Telling, limit: usize) -> bool {
        self.bytes += telling.frame.json().len();
        if self.bytes <= limit {
            self.tellings.push(telling.clone());
        }
        self.bytes <= limit
    }
}

/// The same news for somebody who may not see the message that it is about.
fn without_what(frame: &Arc<Frame>) -> Arc<Frame> {
    let mut event = frame.event().clone();
    match &mut event {
        Event::MessageRead { message_id, .. } | Event::MessageDelivered { message_id, .. } => *message_id = None,
        _ => match event.position() {
            Some(at) => event = Event::Advance { at: *at },
            None => return Arc::clone(frame),
        },
    }
    Frame::new(event)
}
