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
    /// Whose state may have to be told, and when.
    due: BTreeSet<(Instant, UserId)>,
    last_seen: LruCache<UserId, Timestamp>,
}

#[derive(Debug, Default)]
struct Connected {
    queues: Vec<Arc<Queue>>,
    /// What the others were told last.
    online: bool,
}

impl Default for Presence {
    fn default() -> Self {
        Self { users: BTreeMap::new(), due: BTreeSet::new(), last_seen: LruCache::new(REMEMBERED) }
    }
}

impl Presence {
    pub(super) fn connect(&mut self, user: &UserId, queue: Arc<Queue>, now: Instant) {
        let connected = self.users.entry(user.clone()).or_default();
        connected.queues.push(queue);
        if !connected.online {
            self.due.insert((now, user.clone()));
        }
    }

    pub(super) fn disconnect(&mut self, user: &UserId, queue: &Queue, now: Instant) {
        if let Some(connected) = self.users.get_mut(user) {
            connected.queues.retain(|other| other.id() != queue.id());
            if connected.queues.is_empty() {
                self.due.insert((now + OFFLINE_AFTER, user.clone()));
            }
        }
    }

    pub(super) fn is_online(&self, user: &UserId) -> bool {
        self.users.get(user).is_some_and(|connected| !connected.queues.is_empty())
    }

    pub(super) fn last_seen(&self, user: &UserId) -> Option<Timestamp> {
        self.last_seen.peek(user).copied()
    }

    pub(super) fn queues_of(&self, user: &UserId) -> Vec<Arc<Queue>> {
        self.users.get(user).map(|connected| connected.queues.clone()).unwrap_or_default()
    }

    pub(super) fn queues(&self) -> impl Iterator<Item = &Arc<Queue>> {
        self.users.values().flat_map(|connected| &connected.queues)
    }

    /// Who came online or went, as far as it is time to say so.
    pub(super) fn due(&mut self, now: Instant, wall: Timestamp) -> Vec<(UserId, bool)> {
        let mut news = Vec::new();
        while let Some((due, user)) = self.due.first().cloned()
            && due <= now
        {
            self.due.remove(&(due, user.clone()));
            let Some(connected) = self.users.get_mut(&user) else { continue };
            let online = !connected.queues.is_empty();
            if online != connected.online {
                connected.online = online;
                news.push((user.clone(), online));
            }
            if !online {
                self.users.remove(&user);
                self.last_seen.put(user, wall);
            }
        }
        news
    }

    pub(super) fn next_due(&self) -> Option<Instant> {
        self.due.first().map(|(due, _)| *due)
    }
}
