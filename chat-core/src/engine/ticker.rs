//! The task that ends what was only meant to last a while, and tells who came online or went.

use std::sync::Arc;

use crate::{model::RoomId, store::Viewer};

use super::Inner;

/// In how many of somebody's rooms, the latest first, it is told that they came online or went.
const ROOMS: usize = 100;

pub(super) async fn run(inner: Arc<Inner>) {
    loop {
        let (news, next) = inner.hub.tick(tokio::time::Instant::now(), inner.now());
        for (user, online) in news {
            if !inner.hub.has_audience() {
                continue;
            }
            let Ok(store) = inner.store() else { continue };
            let Ok(rooms) = store.rooms(Viewer::User(&user), None, ROOMS).await else { continue };
            let rooms: Vec<RoomId> = rooms.into_iter().map(|row| row.room.id).collect();
            let last_seen = if online { None } else { inner.hub.seen(&user).1 };
            inner.hub.publish_presence(user, online, last_seen, &rooms);
        }
        let due = async {
            match next {
                Some(next) => tokio::time::sleep_until(next).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = inner.closing.notified() => return,
            () = inner.hub.changed.notified() => {}
            () = due => {}
        }
    }
}
