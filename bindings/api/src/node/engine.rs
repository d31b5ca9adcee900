//! The engine, for Node.

use napi::{Env, bindgen_prelude::Object};
use napi_derive::napi;

use super::{Args, NodeSession, promise};
use crate::{engine::ChatEngine, session::Session};

/// See [`ChatEngine`].
#[napi(js_name = "ChatEngine")]
#[derive(Debug)]
pub struct NodeEngine(pub(crate) ChatEngine);

#[napi]
impl NodeEngine {
    /// An engine that keeps everything in memory.
    #[napi]
    pub fn in_memory(env: &Env) -> napi::Result<Object<'_>> {
        promise(env, async { ChatEngine::new_in_memory().map(NodeEngine) })
    }

    /// What a user may do.
    #[napi]
    pub fn session(&self, args: String) -> napi::Result<NodeSession> {
        let user: String = Args::parse(&args)?.next("user")?;
        Ok(NodeSession(self.0.session_of(&user)?))
    }

    /// What only the application may do.
    #[napi]
    pub fn host(&self) -> NodeSession {
        NodeSession(Session::new(self.0.core.host()))
    }

    /// Finishes what was accepted and lets go of everything.
    #[napi]
    pub fn close<'env>(&self, env: &'env Env) -> napi::Result<Object<'env>> {
        let engine = self.0.clone();
        promise(env, async move { engine.shut().await.map(|()| String::from("null")) })
    }
}
