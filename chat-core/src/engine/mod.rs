//! The engine: sessions in front, one committer lane, the store behind it, and the live hub beside it.
//!
//! The way of a send: a [`Session`] hands the command to the lane; the lane decides it, commits it with what else
//! waits, tells the hub, and answers; the hub puts the one encoded frame into the queue of everybody who has the room
//! open; each [`Live`] takes what waits for it in one go. Reads go from the session straight to the store.

mod cache;
mod hub;
mod lane;
mod live;
mod markers;
mod options;
mod outcome;
mod permission;
mod plan;
mod presence;
mod publish;
mod queue;
mod session;
mod subscriber;
mod ticker;
mod typing;

use std::{fmt, sync::Arc};

use tokio::{
    sync::{Mutex, Notify, mpsc},
    task::JoinHandle,
};

pub(crate) use lane::{Place, Reply};
pub use live::Live;
pub use options::Options;
pub use permission::{Attempt, Denial, PermissionHook};
pub use queue::Frame;
pub use session::Session;

use crate::{
    clock::Ids,
    model::{Result, Timestamp, UserId},
    rules::Actor,
    store::Store,
};

use hub::Hub;
use lane::{Lane, Work};
use markers::Unsettled;
use permission::Permissions;

/// A running chat engine.
///
/// A handle: clones are cheap and share one engine. Call [`Engine::close`] when you are done with it; dropping the last
/// handle stops its tasks too, but nobody then waits for them.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> chat_core::Result<()> {
/// use std::sync::Arc;
/// use chat_core::{CreateRoom, Engine, MemoryStore, Options, SendMessage, UserId};
///
/// let engine = Engine::open(Arc::new(MemoryStore::default()), Options::default());
/// let (ann, ben) = (UserId::new("ann")?, UserId::new("ben")?);
/// let room = engine.host().create_room(CreateRoom::keyed("job:42".parse()?).with(ann.clone()).with(ben.clone())).await?;
///
/// engine.session(&ann).send(&room.info.id, SendMessage::text("On my way")).await?;
/// assert_eq!(engine.session(&ben).room(&room.info.id).await?.unread_count, 1);
/// engine.close().await?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
    /// Stops the tasks when the last handle goes.
    tasks: Arc<Tasks>,
}

/// What every part of the engine shares.
pub(crate) struct Inner {
    store: Arc<dyn Store>,
    options: Options,
    permissions: Option<Permissions>,
    ids: Ids,
    hub: Hub,
    work: mpsc::WeakSender<Work>,
    unsettled: Arc<Unsettled>,
    closing: Notify,
}

#[derive(Debug)]
struct Tasks {
    work: mpsc::Sender<Work>,
    /// Whoever closes the engine holds this until they have ended.
    running: Mutex<Vec<JoinHandle<()>>>,
}

impl Engine {
    /// Starts an engine over a store. Must be called within a tokio runtime; the engine runs two tasks on it.
    pub fn open(store: Arc<dyn Store>, options: Options) -> Self {
        let (work, works) = mpsc::channel(options.limits.pending_commands.max(1));
        let inner = Arc::new(Inner {
            hub: Hub::new(options.limits.small_room, options.limits.pending_bytes),
            store,
            permissions: options.permission.clone().map(|hook| Permissions::new(hook, options.permission_time)),
            options,
            ids: Ids::new(),
            work: work.downgrade(),
            unsettled: Arc::default(),
            closing: Notify::new(),
        });
        let lane = Lane::new(Arc::clone(&inner), works);
        let running = vec![
            // spawns: the committer; Engine::close waits for it, dropping the last handle ends it.
            tokio::spawn(lane.run()),
            // spawns: the ticker; the same.
            tokio::spawn(ticker::run(Arc::clone(&inner))),
        ];
        Self { inner, tasks: Arc::new(Tasks { work, running: Mutex::new(running) }) }
    }

    /// What a user may do. Cheap: make one per request, or keep it.
    pub fn session(&self, user: &UserId) -> Session {
        Session::new(self.clone(), Actor::User(user.clone()))
    }

    /// What only the application itself may do: rooms with keys, system messages, sending for others, reading
    /// everything. Never hand it to a user.
    pub fn host(&self) -> Session {
        Session::new(self.clone(), Actor::Host)
    }

    /// A name that nothing else bears.
    pub(crate) fn new_name(&self) -> String {
        self.inner.ids.message(self.inner.now(), &*self.inner.options.random).to_string()
    }

    /// How it was set up.
    pub fn options(&self) -> &Options {
        &self.inner.options
    }

    /// Finishes what was accepted, ends every subscription, and closes the store. Later commands answer `draining`.
    /// Closing twice, also at once, is fine: each call returns when the engine is closed.
    ///
    /// # Cancellation
    /// Dropping the future takes nothing back: no more commands are accepted, and what was accepted is finished. Call
    /// it again to wait for that, and to close the store.
    ///
    /// # Errors
    /// What the store says when it is closed.
    pub async fn close(&self) -> Result<()> {
        // The lane may be gone already.
        let _ = self.tasks.work.send(Work::Close).await;
        self.inner.closing.notify_one();
        let mut running = self.tasks.running.lock().await;
        while let Some(task) = running.last_mut() {
            let _ = task.await;
            running.pop();
        }
        self.inner.hub.close();
        Ok(self.inner.store.close().await?)
    }
}

impl Inner {
    fn now(&self) -> Timestamp {
        self.options.clock.now()
    }
}

impl Drop for Tasks {
    fn drop(&mut self) {
        for task in self.running.get_mut() {
            task.abort();
        }
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("store", &self.inner.store).finish_non_exhaustive()
    }
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inner").finish_non_exhaustive()
    }
}
