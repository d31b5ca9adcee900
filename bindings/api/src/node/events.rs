//! A subscriber's events, for Node.

use napi::{
    Env,
    bindgen_prelude::{Function, Object},
};
use napi_derive::napi;

use super::{Args, Session, promise, pulled::Pulled};
use crate::{
    carry::write,
    events::{self, rooms},
    record::OpenRoom,
    runtime::run,
};

/// See [`crate::Events`].
#[napi]
#[derive(Debug)]
pub struct Events {
    events: events::Events,
    pulled: Pulled,
}

#[napi]
impl Session {
    /// A new subscriber; `wake` is called when there is something to take again.
    #[napi]
    pub fn events(&self, wake: Function<'_, (), ()>) -> napi::Result<Events> {
        let events = events::Events::new(&self.0.core);
        let source = events.clone();
        let pulled = Pulled::start(&wake, |filled| async move {
            while let Some(frame) = source.next_frame().await {
                if !filled.put(String::from_utf8_lossy(frame.json()).into_owned()).await {
                    return;
                }
            }
        })?;
        Ok(Events { events, pulled })
    }
}

#[napi]
impl Events {
    /// What is ready, as JSON texts: empty for nothing yet, `null` at the end.
    #[napi]
    pub fn take(&mut self) -> Option<Vec<String>> {
        self.pulled.take()
    }

    /// Opens rooms.
    #[napi]
    pub fn subscribe<'env>(&self, env: &'env Env, args: String) -> napi::Result<Object<'env>> {
        let events = self.events.clone();
        promise(env, async move {
            let open = rooms(Args::parse(&args)?.list::<OpenRoom>("rooms")?)?;
            write(&run(async move { events.subscribe_core(open).await }).await?)
        })
    }

    /// Closes a room, by its id or key. One that is not there is not open.
    #[napi]
    pub fn unsubscribe<'env>(&self, env: &'env Env, args: String) -> napi::Result<Object<'env>> {
        let events = self.events.clone();
        promise(env, async move {
            let room = Args::parse(&args)?.next::<String>("room")?.parse()?;
            write(&run(async move { events.unsubscribe_core(room).await }).await?)
        })
    }

    /// Ends it and closes its rooms.
    #[napi]
    pub fn close(&mut self) {
        self.events.end();
        self.pulled.end();
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        self.events.end();
    }
}
