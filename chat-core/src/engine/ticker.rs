//! The task that ends what was only meant to last a while, and tells who came online or went.

use std::{future::pending, pin::Pin, sync::Arc};

use lru::LruCache;

use crate::{
    model::{RoomId, UserId},
    store::Viewer,
};

use super::Inner;

/// In how many of somebody's rooms, the latest first, it is told that they came online or went.
const ROOMS: usize = 100;

pub(super) async fn run(inner: Arc<Inner>) {
    // Who came online or went and was not told of yet, the longest first. Of each, what is so now is told.
    let mut news: LruCache<UserId, bool> = LruCache::unbounded();
    // A storage may take its time, and the rest does not wait for it.
    let mut telling: Option<Pin<Box<dyn Future<Output = ()> + Send>>> = None;
    loop {
        let (more, next) = inner.hub.tick(tokio::time::Instant::now(), inner.now());
        for (user, online) in more {
            news.put(user, online);
        }
        if telling.is_none()
            && let Some((user, online)) = news.pop_lru()
        {
            telling = Some(Box::pin(tell(Arc::clone(&inner), user, online)));
        }
        let told = async {
            match &mut telling {
                Some(telling) => telling.await,
                None => pending().await,
            }
        };
        let due = async {
            match next {
                Some(next) => tokio::time::sleep_until(next).await,
                None => pending().await,
            }
        };
        tokio::select! {
            () = inner.closing.notified() => return,
            () = inner.hub.changed.notified() => {}
            () = due => {}
            () = told => telling = None,
        }
    }
}

/// Tells those who could hear of it that somebody came online or went.
async fn tell(inner: Arc<Inner>, user: UserId, online: bool) {
    if !inner.hub.has_audience() {
        return;
    }
    let Ok(store) = inner.store() else { return };
    let Ok(rooms) = store.rooms(Viewer::User(&user), None, ROOMS).await else { return };
    let rooms: Vec<RoomId> = rooms.into_iter().map(|row| row.room.id).collect();
    let last_seen = if online { None } else { inner.hub.seen(&user).1 };
    inner.hub.publish_presence(user, online, last_seen, &rooms);
}
