//! The engine, for Node.

use napi::{Env, bindgen_prelude::Object};
use napi_derive::napi;

use super::{Args, Session, promise};
use crate::{engine, session};

/// See [`crate::ChatEngine`].
#[napi]
#[derive(Debug)]
pub struct ChatEngine(pub(crate) engine::ChatEngine);

#[napi]
impl ChatEngine {
    /// An engine that keeps everything in memory.
    #[napi]
    pub fn in_memory(env: &Env) -> napi::Result<Object<'_>> {
        promise(env, async { engine::ChatEngine::new_in_memory().map(ChatEngine) })
    }

    /// What a user may do.
    #[napi]
    pub fn session(&self, args: String) -> napi::Result<Session> {
        let user: String = Args::parse(&args)?.next("user")?;
        Ok(Session(self.0.session_of(&user)?))
    }

    /// What only the application may do.
    #[napi]
    pub fn host(&self) -> Session {
        Session(session::Session::new(self.0.core.host()))
    }

    /// Finishes what was accepted and lets go of everything.
    #[napi]
    pub fn close<'env>(&self, env: &'env Env) -> napi::Result<Object<'env>> {
        let engine = self.0.clone();
        promise(env, async move { engine.shut().await.map(|()| String::from("null")) })
    }
}
