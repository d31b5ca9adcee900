//! The server as a value: what all its sockets and requests share.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use axum::{Router, http::HeaderMap};
use chat_core::{
    Code, Engine, Error, Timestamp, UserId,
    wire::{Identity, Meter, Setup, TokenVerifier},
};
use serde::{Deserialize, Serialize};

use crate::{
    auth::{AuthError, Authenticator, Credentials},
    http,
    lifecycle::{Lifecycle, Phase},
    limits::{ServerLimits, SettingError},
    metrics::{Action, Metrics, MetricsAccess},
    origin::Origins,
    rate::Rates,
    slots::Slots,
    sse::Inboxes,
};

/// How a server is set up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Every limit.
    pub limits: ServerLimits,
    /// From which web pages the server may be used.
    pub origins: Origins,
    /// What stands before `{jobId}` of `/ws/job_chat/{jobId}/` in the room's key. Default `job:`.
    pub room_prefix: String,
    /// Whether `/ws/job_chat/{jobId}/` takes its token from `?token=`, as the original's clients send it. Default true.
    pub room_query_tokens: bool,
    /// Whether `/ws/` does. URLs end up in logs; default false.
    pub query_tokens: bool,
    /// Who may read `/metrics`. Default this machine only.
    pub metrics: MetricsAccess,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            limits: ServerLimits::default(),
            origins: Origins::default(),
            room_prefix: "job:".into(),
            room_query_tokens: true,
            query_tokens: false,
            metrics: MetricsAccess::default(),
        }
    }
}

impl Settings {
    /// Checks that the server can work with them.
    ///
    /// # Errors
    /// Names the first one that cannot be.
    pub fn check(&self) -> Result<(), SettingError> {
        self.limits.check()?;
        self.origins.check()?;
        let is_key = |prefix: &str| prefix.is_empty() || chat_core::RoomKey::new(prefix).is_ok();
        if is_key(&self.room_prefix) {
            Ok(())
        } else {
            let problem = "may contain letters, digits and : . _ - @ only";
            Err(SettingError { setting: "room_prefix", problem })
        }
    }
}

/// Serves an engine over WebSocket and HTTP.
///
/// A handle: clones are cheap and share one server. Nest [`ChatServer::router`] in your own axum app, or give it to
/// [`serve`](crate::serve). Call [`ChatServer::close`] before you close the engine.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::sync::Arc;
/// use chat_core::{Engine, MemoryStore, Options};
/// use chat_ws::{ChatServer, JwtAuthenticator, JwtSettings, Settings, VerifyingKey};
///
/// let options = Options::default();
/// let key = VerifyingKey::hs256("a secret of at least thirty-two bytes")?;
/// let login = JwtAuthenticator::new(vec![key], JwtSettings::default(), options.clock.clone())?;
/// let engine = Engine::open(Arc::new(MemoryStore::default()), options);
/// let chat = ChatServer::new(engine.clone(), Arc::new(login), Settings::default())?;
///
/// let app: axum::Router = axum::Router::new().nest("/chat", chat.router());
/// # drop(app);
/// chat.close().await;
/// engine.close().await?;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct ChatServer {
    pub(crate) shared: Arc<Shared>,
}

/// What all sockets and requests share.
pub(crate) struct Shared {
    pub(crate) engine: Engine,
    pub(crate) authenticator: Arc<dyn Authenticator>,
    pub(crate) settings: Settings,
    pub(crate) metrics: Metrics,
    pub(crate) slots: Arc<Slots>,
    pub(crate) inboxes: Arc<Inboxes>,
    pub(crate) rates: Option<Rates>,
    pub(crate) life: Lifecycle,
}

impl ChatServer {
    /// A server over an engine, with the host's own way to say who is there.
    ///
    /// # Errors
    /// Names a setting that cannot be.
    pub fn new(
        engine: Engine,
        authenticator: Arc<dyn Authenticator>,
        settings: Settings,
    ) -> Result<Self, SettingError> {
        settings.check()?;
        let limits = &settings.limits;
        let shared = Shared {
            engine,
            authenticator,
            metrics: Metrics::default(),
            slots: Slots::new(limits),
            inboxes: Arc::default(),
            rates: limits.sends_per_second.map(|rate| Rates::new(rate, limits.send_burst)),
            life: Lifecycle::new(),
            settings,
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Every path of the protocol: `/ws/…`, `/events/…`, `/api/…`, `/healthz`, `/readyz` and `/metrics`. It can be nested or merged in an app of your own.
    ///
    /// Limits by address, and metrics for this machine only, need `axum::extract::ConnectInfo<SocketAddr>` in the
    /// requests; [`serve`](crate::serve) puts it there, and so does axum's `into_make_service_with_connect_info`. How
    /// long a peer may take for a request's head, and to read an answer, is the business of whoever listens.
    pub fn router(&self) -> Router {
        http::router(&self.shared)
    }

    /// The engine behind it.
    pub fn engine(&self) -> &Engine {
        &self.shared.engine
    }

    /// How it is set up.
    pub fn settings(&self) -> &Settings {
        &self.shared.settings
    }

    /// Stops: new sockets are refused, those that are open are told to come back elsewhere and closed, requests are
    /// finished. What has not ended within [`ServerLimits::drain_timeout`] is cut. Returns when nothing of the server
    /// runs any more; the engine runs on.
    pub async fn close(&self) {
        let life = &self.shared.life;
        life.enter(Phase::Draining);
        if tokio::time::timeout(self.shared.settings.limits.drain_timeout, life.all_gone()).await.is_err() {
            life.enter(Phase::Over);
            life.all_gone().await;
        }
    }
}

impl Shared {
    pub(crate) fn now(&self) -> Timestamp {
        self.engine.options().clock.now()
    }

    /// Asks the host whom the credentials belong to, within the time that is set.
    pub(crate) async fn identify(&self, credentials: Credentials<'_>) -> Result<Identity, AuthError> {
        let answer = self.authenticator.authenticate(credentials);
        let answer = tokio::time::timeout(self.settings.limits.auth_timeout, answer).await;
        let identity = answer.unwrap_or(Err(AuthError::Unavailable));
        if let Err(AuthError::Refused(_)) = identity {
            self.metrics.auth_failures.add(1);
        }
        identity
    }

    /// How a connection for a room, or for many, is set up.
    pub(crate) fn setup(&self, room: Option<chat_core::RoomRef>) -> Setup {
        let limits = &self.settings.limits;
        Setup { room, heartbeat: limits.ping_every, frame_bytes: limits.frame_bytes, auth_timeout: limits.auth_timeout }
    }
}

/// Tokens that come in frames.
#[async_trait]
impl TokenVerifier for Shared {
    async fn verify(&self, token: &str) -> Result<Identity, Error> {
        Ok(self.identify(Credentials { token: Some(token), headers: &HeaderMap::new() }).await?)
    }
}

/// What is written over sockets and HTTP together has one pace, and is counted together.
impl Meter for Shared {
    fn pace(&self, user: &UserId, cost: u32) -> Result<(), Error> {
        let Some(rates) = &self.rates else { return Ok(()) };
        rates.take(user, cost, self.now()).map_err(|retry_after_ms| Error::RateLimited { retry_after_ms })
    }

    fn answered(&self, action: &'static str, failed: Option<Code>, took: Duration) {
        self.metrics.command(Action::named(action), failed, took);
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("settings", &self.settings).finish_non_exhaustive()
    }
}
