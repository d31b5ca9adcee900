//! Who is connected, and who was last when.

use std::{
    collections::{BTreeMap, BTreeSet},
    num::NonZeroUsize,
    sync::Arc,
    time::Duration,
};

use lru::LruCache;
use tokio::time::Instant;

use crate::model::{Timestamp, UserId};

use super::queue::Queue;

/// How long after their last connection somebody is still told to be online: a page that is reloaded is no news.
const OFFLINE_AFTER: Duration = Duration::from_secs(5);

/// How many people's last time is remembered.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(100_000).expect("not zero");

#[derive(Debug)]
pub(super) struct Presence {
    users: BTreeMap<UserId, Connected>,
    /// Whose state may have to be told, in order of time.
    due: BTreeSet<(Instant, UserId)>,
    last_seen: LruCache<UserId, Timestamp>,
}

#[derive(Debug, Default)]
struct Connected {
    queues: Vec<Arc<Queue>>,
    /// What the others were told last.
    online: bool,
    /// When what is so then is to be told.
    due: Option<Instant>,
    /// Until when they have used up what they may begin to type.
    typing: Option<Instant>,
}

/// In what time somebody may begin to type so often as they may: who does so all at once waits so long.
const TYPING: Duration = Duration::from_secs(1);

impl Default for Presence {
    fn default() -> Self {
        Self { users: BTreeMap::new(), due: BTreeSet::new(), last_seen: LruCache::new(REMEMBERED) }
    }
}

impl Presence {
    pub(super) fn connect(&mut self, user: &UserId, queue: Arc<Queue>, now: Instant) {
        let connected = self.users.entry(user.clone()).or_default();
        connected.queues.push(queue);
        let due = (!connected.online).then_some(now);
        self.tell_at(user, due);
    }

    pub(super) fn disconnect(&mut self, user: &UserId, queue: &Queue, now: Instant) {
        let Some(connected) = self.users.get_mut(user) else { return };
        connected.queues.retain(|other| other.id() != queue.id());
        if connected.queues.is_empty() {
            self.tell_at(user, Some(now + OFFLINE_AFTER));
        }
    }

    /// What is so at `due` is told then, and not before.
    fn tell_at(&mut self, user: &UserId, due: Option<Instant>) {
        let Some(connected) = self.users.get_mut(user) else { return };
        if let Some(before) = std::mem::replace(&mut connected.due, due) {
            self.due.remove(&(before, user.clone()));
        }
        if let Some(due) = due {
            self.due.insert((due, user.clone()));
        }
    }

    /// Whether somebody is online, as the others were told: whoever asks while a page is reloaded would otherwise see them
    /// gone, and not be told that they are back.
    pub(super) fn is_online(&self, user: &UserId) -> bool {
        self.users.get(user).is_some_and(|connected| connected.online || !connected.queues.is_empty())
    }

    /// Whether a user may begin to type once more, `most` times a second. Of who is not connected nothing is told anyway.
    pub(super) fn may_begin_typing(&mut self, user: &UserId, now: Instant, most: usize) -> bool {
        let Some(connected) = self.users.get_mut(user) else { return true };
        let Some(each) = u32::try_from(most).ok().and_then(|most| TYPING.checked_div(most)) else { return most > 0 };
        let used = connected.typing.map_or(now, |used| used.max(now)) + each;
        let may = used <= now + TYPING;
        if may {
            connected.typing = Some(used);
        }
        may
    }

    pub(super) fn last_seen(&self, user: &UserId) -> Option<Timestamp> {
        self.last_seen.peek(user).copied()
    }

    pub(super) fn connections(&self, user: &UserId) -> impl Iterator<Item = &Arc<Queue>> {
        self.users.get(user).into_iter().flat_map(|connected| &connected.queues)
    }

    pub(super) fn queues_of(&self, user: &UserId) -> Vec<Arc<Queue>> {
        self.connections(user).cloned().collect()
    }

    /// Who came online or went, as far as it is time to say so.
    pub(super) fn due(&mut self, now: Instant, wall: Timestamp) -> Vec<(UserId, bool)> {
        let mut news = Vec::new();
        while self.due.first().is_some_and(|(due, _)| *due <= now) {
            let Some((due, user)) = self.due.pop_first() else { break };
            let Some(connected) = self.users.get_mut(&user) else { continue };
            connected.due = None;
            let online = !connected.queues.is_empty();
            let told = std::mem::replace(&mut connected.online, online);
            if !online {
                self.users.remove(&user);
                // They went when it became due.
                let ago = OFFLINE_AFTER + now.duration_since(due);
                let ago = i64::try_from(ago.as_millis()).unwrap_or(i64::MAX);
                self.last_seen.put(user.clone(), Timestamp::from_millis(wall.as_millis().saturating_sub(ago)));
            }
            if online != told {
                news.push((user, online));
            }
        }
        news
    }

    pub(super) fn next_due(&self) -> Option<Instant> {
        self.due.first().map(|(due, _)| *due)
    }
}
