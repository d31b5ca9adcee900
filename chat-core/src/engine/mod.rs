//! The engine: sessions in front, one committer lane, the store behind it, and the live hub beside it.
//!
//! The way of a send: a [`Session`] hands the command to the lane; the lane decides it, commits it with what else
//! waits, tells the hub, and answers; the hub puts what was posted, encoded once, into the queue of everybody who has the
//! room open; each [`Live`] takes what waits for it in one go. Reads go from the session straight to the store.

mod burst;
mod cache;
mod contained;
mod hand_over;
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
mod reading;
mod session;
mod storage;
mod subscriber;
mod sync;
mod ticker;
mod typing;

use std::{
    fmt,
    sync::{Arc, PoisonError},
};

use tokio::{
    sync::{
        Mutex, Notify, Semaphore,
        mpsc::{self, OwnedPermit},
        oneshot,
    },
    task::JoinHandle,
};

pub use burst::{Burst, Frame};
pub(crate) use lane::{Place, Reply};
pub use live::Live;
pub use options::Options;
pub use permission::{Attempt, Denial, PermissionHook};
pub(crate) use queue::End;
pub use session::Session;

use crate::{
    clock::Ids,
    model::{Error, Result, Timestamp, UserId},
    rules::Actor,
    store::Store,
};

use contained::Contained;
use hub::Hub;
use lane::{Lane, Work};
use markers::Unsettled;
use permission::Permissions;
use reading::Reading;
use storage::Storage;

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
    storage: Storage,
    options: Options,
    permissions: Option<Permissions>,
    ids: Ids,
    hub: Hub,
    work: mpsc::WeakSender<Work>,
    unsettled: Arc<Unsettled>,
    reading: Reading,
    closing: Notify,
}

#[derive(Debug)]
struct Tasks {
    work: mpsc::Sender<Work>,
    /// The place in line that is kept for closing: it is in line at once, also where too much waits.
    last: std::sync::Mutex<Option<OwnedPermit<Work>>>,
    /// Whoever closes the engine holds this until they have ended.
    running: Mutex<Vec<JoinHandle<()>>>,
}

impl Engine {
    /// Starts an engine over a store. Must be called within a tokio runtime; the engine runs two tasks on it.
    pub fn open(store: Arc<dyn Store>, options: Options) -> Self {
        let store = Contained::of(store);
        // One place more than commands may take; tokio counts so far and no further.
        let commands = options.limits.pending_commands.clamp(1, Semaphore::MAX_PERMITS - 1);
        let (work, works) = mpsc::channel(commands + 1);
        let last = std::sync::Mutex::new(work.clone().try_reserve_owned().ok());
        let inner = Arc::new(Inner {
            hub: Hub::new(&options.limits),
            storage: Storage::new(Arc::clone(&store)),
            permissions: options.permission.clone().map(|hook| Permissions::new(hook, options.permission_time)),
            options,
            ids: Ids::new(),
            work: work.downgrade(),
            unsettled: Arc::default(),
            reading: Reading::default(),
            closing: Notify::new(),
        });
        let lane = Lane::new(Arc::clone(&inner), store, works);
        let running = vec![
            // spawns: the committer; Engine::close waits for it, dropping the last handle ends it.
            tokio::spawn(lane.run()),
            // spawns: the ticker; the same.
            tokio::spawn(ticker::run(Arc::clone(&inner))),
        ];
        Self { inner, tasks: Arc::new(Tasks { work, last, running: Mutex::new(running) }) }
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

    /// Lets go of the storage for a while, as an app in the background must: finishes what was accepted and closes the
    /// store. Until [`Engine::resume`] everything answers `suspended`; subscriptions stay, and hear nothing. Doing it
    /// twice is fine.
    ///
    /// # Cancellation
    /// Dropping the future leaves the engine as it is, or it is suspended when its turn comes. Call it again to be sure.
    ///
    /// # Errors
    /// What the store says when it is closed; the engine is suspended all the same. `draining` if it is closing.
    pub async fn suspend(&self) -> Result<()> {
        self.ask(Work::Suspend).await
    }

    /// Goes on over a store that was opened anew. It may have been changed by others meanwhile: whoever has a room open
    /// gets [`Event::Resync`](crate::Event::Resync) and catches up.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> chat_core::Result<()> {
    /// # use std::sync::Arc;
    /// # use chat_core::{Engine, Error, MemoryStore, Options};
    /// # let open = || Arc::new(MemoryStore::default());
    /// let engine = Engine::open(open(), Options::default());
    /// engine.suspend().await?;
    /// assert_eq!(engine.host().rooms(None, None).await.unwrap_err(), Error::Suspended);
    /// engine.resume(open()).await?;
    /// assert!(engine.host().rooms(None, None).await.is_ok());
    /// # Ok(()) }
    /// ```
    ///
    /// # Cancellation
    /// Dropping the future leaves the engine suspended, or it goes on over the store that was given when its turn comes.
    /// Call it again to be sure: `conflict` says that it went on already.
    ///
    /// # Errors
    /// `conflict` if it is not suspended: then the store that was given is left as it is. `draining` if it is closing.
    pub async fn resume(&self, store: Arc<dyn Store>) -> Result<()> {
        self.ask(|resumed| Work::Resume(Contained::of(store), resumed)).await
    }

    /// Whether it is closed, or about to be: it accepts nothing any more.
    pub fn is_closed(&self) -> bool {
        self.tasks.work.is_closed()
    }

    /// Whether it has let go of its storage.
    pub fn is_suspended(&self) -> bool {
        matches!(self.inner.store(), Err(Error::Suspended))
    }

    /// Asks the lane for something, after all that was accepted before.
    async fn ask(&self, work: impl FnOnce(oneshot::Sender<Result<()>>) -> Work) -> Result<()> {
        let (reply, answer) = oneshot::channel();
        self.tasks.work.send(work(reply)).await.map_err(|_closed| Error::Draining)?;
        answer.await.unwrap_or(Err(Error::Draining))
    }

    /// Finishes what was accepted, ends every subscription, and closes the store. Later commands answer `draining`.
    /// Closing twice, also at once, is fine: each call returns when the engine is closed.
    ///
    /// # Cancellation
    /// Dropping the future takes nothing back once it was polled: what was accepted is finished, and then no more
    /// commands are. Call it again to wait for that, and to close the store.
    ///
    /// # Errors
    /// What the store says when it is closed.
    pub async fn close(&self) -> Result<()> {
        let last = self.tasks.last.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(last) = last {
            last.send(Work::Close);
        }
        self.inner.closing.notify_one();
        let mut running = self.tasks.running.lock().await;
        while let Some(task) = running.last_mut() {
            let _ = task.await;
            running.pop();
        }
        self.inner.hub.close();
        let Ok(store) = self.inner.store() else {
            // It was suspended, and nobody will resume it.
            self.inner.storage.end();
            return Ok(());
        };
        Ok(store.close().await?)
    }
}

impl Inner {
    /// The store, if the engine has one at the moment.
    fn store(&self) -> Result<Arc<dyn Store>> {
        self.storage.get()
    }

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
        f.debug_struct("Engine").field("storage", &self.inner.storage).finish_non_exhaustive()
    }
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inner").finish_non_exhaustive()
    }
}
