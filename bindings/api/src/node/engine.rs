//! The engine, for Node.

use std::sync::Arc;

use napi::{
    Env,
    bindgen_prelude::{Function, Object},
};
use napi_derive::napi;
use serde::Deserialize;

use super::{
    Args, Session,
    permit::{Hook, Question},
    promise,
};
use crate::{engine, error::ChatError, session};

/// Where to keep the data.
#[derive(Deserialize)]
struct OpenOptions {
    path: Option<String>,
    memory: Option<bool>,
}

/// See [`crate::ChatEngine`].
#[napi]
#[derive(Debug)]
pub struct ChatEngine(pub(crate) engine::ChatEngine);

#[napi]
impl ChatEngine {
    /// An engine over a file, or in memory; `ask` is the permission hook, if there is one.
    #[napi]
    pub fn open<'env>(
        env: &'env Env,
        args: String,
        ask: Option<Function<'_, Question, ()>>,
    ) -> napi::Result<Object<'env>> {
        let hook = ask.map(|ask| Hook::new(&ask)).transpose()?;
        promise(env, async move {
            let hook = hook.map(|hook| Arc::new(hook) as Arc<dyn chat_core::PermissionHook>);
            let options: OpenOptions = Args::parse(&args)?.next("options")?;
            let engine = match (options.path, options.memory) {
                (Some(path), None | Some(false)) => engine::ChatEngine::over_file(path, hook).await?,
                (None, Some(true)) => engine::ChatEngine::over_memory(hook)?,
                _ => return Err(ChatError::invalid("path", "or `memory: true` must be given")),
            };
            Ok(Self(engine))
        })
    }

    /// What a user may do.
    #[napi]
    pub fn session(&self, args: String) -> napi::Result<Session> {
        let mut args = Args::parse(&args)?;
        let user: String = args.next("user")?;
        Ok(Session(self.0.session_of(&user)?.shown_as(args.next("profile")?)))
    }

    /// What only the application may do.
    #[napi]
    pub fn host(&self) -> Session {
        Session(session::Session::new(self.0.core.host()))
    }

    /// Lets go of the file for a while.
    #[napi]
    pub fn suspend<'env>(&self, env: &'env Env) -> napi::Result<Object<'env>> {
        let engine = self.0.clone();
        promise(env, async move { engine.let_go().await.map(|()| String::from("null")) })
    }

    /// Goes on with the same file.
    #[napi]
    pub fn resume<'env>(&self, env: &'env Env) -> napi::Result<Object<'env>> {
        let engine = self.0.clone();
        promise(env, async move { engine.go_on().await.map(|()| String::from("null")) })
    }

    /// Finishes what was accepted and lets go of everything.
    #[napi]
    pub fn close<'env>(&self, env: &'env Env) -> napi::Result<Object<'env>> {
        let engine = self.0.clone();
        promise(env, async move { engine.shut().await.map(|()| String::from("null")) })
    }
}
