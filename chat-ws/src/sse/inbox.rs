//! Where the requests that belong to a stream bring their frames.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use chat_core::{Actor, Error};
use tokio::{
    sync::{Mutex as AsyncMutex, mpsc},
    time::timeout,
};

/// How long those wait who find the inbox full all the time, in milliseconds.
const WAIT_MS: u64 = 1_000;

/// The inboxes of the streams that are open, by the ids of their connections.
#[derive(Default)]
pub(crate) struct Inboxes(Mutex<HashMap<String, Arc<Inbox>>>);

/// Where one stream's peer brings frames.
pub(crate) struct Inbox {
    owner: Actor,
    door: AsyncMutex<Door>,
}

struct Door {
    /// The number of the next request.
    next: u64,
    /// Holds one request; the one before it is with the connection.
    to: mpsc::Sender<Bytes>,
}

/// Keeps an inbox open; dropping it ends what is read from there.
pub(crate) struct Open {
    inboxes: Arc<Inboxes>,
    id: String,
}

impl Inboxes {
    /// Opens an inbox that its owner alone finds; beside it, what will be brought there.
    pub(crate) fn open(self: &Arc<Self>, id: &str, owner: Actor) -> (Open, mpsc::Receiver<Bytes>) {
        let (to, brought) = mpsc::channel(1);
        let inbox = Inbox { owner, door: AsyncMutex::new(Door { next: 1, to }) };
        self.all().insert(id.to_owned(), Arc::new(inbox));
        (Open { inboxes: Arc::clone(self), id: id.to_owned() }, brought)
    }

    /// The inbox of a connection, if it is there and this is its owner.
    ///
    /// # Errors
    /// `not_found`, which of the two it was.
    pub(crate) fn find(&self, id: &str, who: &Actor) -> Result<Arc<Inbox>, Error> {
        let found = self.all().get(id).filter(|inbox| inbox.owner == *who).cloned();
        found.ok_or(Error::not_found("connection"))
    }

    fn all(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<Inbox>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inbox {
    /// Takes what request number `n` brought, whole or not at all. One that was taken already is not taken again, so
    /// that a request whose answer was lost can be repeated.
    ///
    /// # Errors
    /// `conflict` if an earlier one is missing; `busy` if the connection took nothing for so long as `patience`;
    /// `not_found` if it has ended.
    pub(crate) async fn bring(&self, n: u64, frames: Bytes, patience: Duration) -> Result<(), Error> {
        let bring = async {
            let mut door = self.door.lock().await;
            if n < door.next {
                return Ok(());
            }
            if n > door.next {
                return Err(Error::Conflict { reason: "an earlier request of this connection is missing" });
            }
            door.to.send(frames).await.map_err(|_| Error::not_found("connection"))?;
            door.next += 1;
            Ok(())
        };
        timeout(patience, bring).await.unwrap_or(Err(Error::Busy { retry_after_ms: WAIT_MS }))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.inboxes.all().remove(&self.id);
    }
}

impl fmt::Debug for Inboxes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inboxes").field("open", &self.all().len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_millis(20);

    fn ann() -> Actor {
        Actor::User("ann".parse().unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn each_request_is_taken_once_and_in_its_turn() {
        let inboxes = Arc::new(Inboxes::default());
        let (open, mut brought) = inboxes.open("c", ann());
        let inbox = inboxes.find("c", &ann()).unwrap();
        let bring = |n, text: &'static str| inbox.bring(n, Bytes::from(text), PATIENCE);
        assert_eq!(bring(2, "two").await.unwrap_err().code().as_str(), "conflict");
        bring(1, "one").await.unwrap();
        bring(1, "one, repeated").await.unwrap();
        // One waits; the next finds the inbox full, and is not taken.
        assert_eq!(bring(2, "two").await.unwrap_err().code().as_str(), "busy");
        assert_eq!(brought.recv().await.unwrap(), "one");
        bring(2, "two").await.unwrap();
        assert_eq!(brought.recv().await.unwrap(), "two");
        drop(brought);
        assert_eq!(bring(3, "three").await.unwrap_err().code().as_str(), "not_found");
        drop(open);
        assert!(inboxes.find("c", &ann()).is_err());
    }

    #[tokio::test]
    async fn an_inbox_is_there_for_its_owner_alone() {
        let inboxes = Arc::new(Inboxes::default());
        let (_open, mut brought) = inboxes.open("c", ann());
        let others = inboxes.find("c", &Actor::User("ben".parse().unwrap())).err();
        assert_eq!(others, inboxes.find("d", &ann()).err());
        assert!(others.is_some() && inboxes.find("c", &Actor::Host).is_err());
        inboxes.find("c", &ann()).unwrap().bring(1, Bytes::new(), PATIENCE).await.unwrap();
        assert!(brought.recv().await.unwrap().is_empty());
    }
}
