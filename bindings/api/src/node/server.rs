//! Serving from inside a Node process.

use std::{
    collections::HashMap,
    fmt,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use chat_core::{Actor, UserId};
use chat_ws::{
    AuthError, Authenticator, ChatServer, Credentials, Identity, JwtAuthenticator, JwtSettings, Origins, Settings,
    VerifyingKey, listen, serve,
};
use napi::{
    Env, Status,
    bindgen_prelude::{Function, Object},
    threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode},
};
use napi_derive::napi;
use serde::Deserialize;
use tokio::sync::{Notify, oneshot};

use super::{Args, engine::ChatEngine, promise};
use crate::{error::ChatError, runtime};

/// How to serve.
#[derive(Deserialize)]
struct ServeOptions {
    #[serde(default)]
    port: u16,
    host: Option<String>,
    jwt_secret: Option<String>,
    #[serde(default)]
    allow_origin: Vec<String>,
}

/// A server that serves. It keeps the process alive until it is closed.
#[napi]
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    stop: Arc<Notify>,
    stopped: Arc<tokio::sync::watch::Sender<bool>>,
    logins: Arc<Logins>,
}

/// Asks JavaScript who somebody is: with the number of the question, and the token.
type Ask = ThreadsafeFunction<(u32, String), (), napi::bindgen_prelude::FnArgs<(u32, String)>, Status, false, true>;

#[napi]
impl ChatEngine {
    /// Serves on a port; `ask` is the login hook, if there is one.
    #[napi]
    pub fn serve<'env>(
        &self,
        env: &'env Env,
        args: String,
        ask: Option<Function<'_, napi::bindgen_prelude::FnArgs<(u32, String)>, ()>>,
    ) -> napi::Result<Object<'env>> {
        let ask = ask.map(|ask| {
            ask.build_threadsafe_function::<(u32, String)>()
                .weak::<true>()
                .callee_handled::<false>()
                .build_callback(|call| Ok(napi::bindgen_prelude::FnArgs::from(call.value)))
        });
        let (ask, engine) = (ask.transpose()?, self.0.core.clone());
        promise(env, async move {
            let options: ServeOptions = Args::parse(&args)?.next("options")?;
            if engine.is_closed() {
                return Err(chat_core::Error::Draining.into());
            }
            let host = options.host.as_deref().unwrap_or("127.0.0.1");
            let host = host.parse().map_err(|_| ChatError::invalid("host", "must be an IP address of this machine"))?;
            let logins = Arc::new(Logins::new(ask));
            let authenticator: Arc<dyn Authenticator> = match options.jwt_secret {
                Some(_) if logins.ask.is_some() => {
                    return Err(ChatError::invalid("authenticate", "and `jwtSecret` exclude each other"));
                }
                Some(secret) => Arc::new(tokens(&secret, &engine)?),
                None if logins.ask.is_some() => Arc::clone(&logins) as Arc<dyn Authenticator>,
                None => return Err(ChatError::invalid("jwtSecret", "or `authenticate` must be given")),
            };
            let settings = Settings { origins: Origins::and(options.allow_origin), ..Settings::default() };
            let listener = listen(SocketAddr::new(host, options.port), &settings.limits)
                .map_err(|error| ChatError::invalid("port", &format!("cannot be listened on: {}", error.kind())))?;
            let address = listener.local_addr().map_err(|error| ChatError::unavailable(error.kind().to_string()))?;
            let server = ChatServer::new(engine, authenticator, settings)
                .map_err(|error| ChatError::invalid(error.setting, error.problem))?;
            let (stop, stopped) = (Arc::new(Notify::new()), Arc::new(tokio::sync::watch::Sender::new(false)));
            let (stopping, over) = (Arc::clone(&stop), Arc::clone(&stopped));
            // spawns: the server; `close` ends it, and dropping the handle, as where its worker is ended.
            runtime::runtime()?.spawn(async move {
                serve(listener, server.router(), &server, stopping.notified()).await;
                over.send_replace(true);
            });
            Ok(Server { address, stop, stopped, logins })
        })
    }
}

#[napi]
impl Server {
    /// The port it listens on.
    #[napi]
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// What a login hook said: a user's id and how they are shown, or nothing to refuse; `failed` if it could not say.
    #[napi]
    pub fn answer(
        &self,
        question: u32,
        user: Option<String>,
        name: Option<String>,
        avatar: Option<String>,
        failed: bool,
    ) {
        let answer = match user {
            Some(user) => UserId::new(user)
                .map(|user| Identity { actor: Actor::User(user), name, avatar, expires_at: None })
                .map_err(|_| AuthError::Refused("the login gave no user id")),
            None if failed => Err(AuthError::Unavailable),
            None => Err(AuthError::Refused("the login refused")),
        };
        self.logins.answer(question, answer);
    }

    /// Resolves when the server has stopped; until then it keeps the process alive.
    #[napi]
    pub fn stopped<'env>(&self, env: &'env Env) -> napi::Result<Object<'env>> {
        let mut stopped = self.stopped.subscribe();
        promise(env, async move {
            // The sender lives as long as the server.
            let _ = stopped.wait_for(|stopped| *stopped).await;
            Ok(String::from("null"))
        })
    }

    /// Stops listening, tells every socket, and finishes requests.
    #[napi]
    pub fn close(&self) {
        self.stop.notify_one();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.close();
    }
}

fn tokens(secret: &str, engine: &chat_core::Engine) -> Result<JwtAuthenticator, ChatError> {
    let key = VerifyingKey::hs256(secret).map_err(|error| ChatError::invalid("jwtSecret", &error.to_string()))?;
    JwtAuthenticator::new(vec![key], JwtSettings::default(), Arc::clone(&engine.options().clock))
        .map_err(|error| ChatError::invalid("jwtSecret", &error.to_string()))
}

/// A login hook written in JavaScript: questions that wait for its answer. Without an answer in time nobody gets in.
struct Logins {
    ask: Option<Ask>,
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    last: u32,
    questions: HashMap<u32, oneshot::Sender<Result<Identity, AuthError>>>,
}

impl Logins {
    fn new(ask: Option<Ask>) -> Self {
        Self { ask, waiting: Mutex::default() }
    }

    fn answer(&self, question: u32, answer: Result<Identity, AuthError>) {
        let asked = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).questions.remove(&question);
        // Whoever asked may have gone.
        let _ = asked.map(|asked| asked.send(answer));
    }
}

#[async_trait]
impl Authenticator for Logins {
    async fn authenticate(&self, credentials: Credentials<'_>) -> Result<Identity, AuthError> {
        let token = credentials.token.ok_or(AuthError::Missing)?.to_owned();
        let ask = self.ask.as_ref().ok_or(AuthError::Unavailable)?;
        let (sender, answer) = oneshot::channel();
        let question = {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            waiting.questions.retain(|_, asked| !asked.is_closed());
            waiting.last = waiting.last.wrapping_add(1);
            let question = waiting.last;
            waiting.questions.insert(question, sender);
            question
        };
        if ask.call((question, token), ThreadsafeFunctionCallMode::NonBlocking) != Status::Ok {
            self.answer(question, Err(AuthError::Unavailable));
        }
        answer.await.map_err(|_| AuthError::Unavailable)?
    }
}

impl fmt::Debug for Logins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Logins").finish_non_exhaustive()
    }
}
