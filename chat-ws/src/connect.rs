//! From a request to an open socket: everything that can be refused is refused before the upgrade.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    extract::{ConnectInfo, Request, State},
    http::request::Parts,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use chat_core::{
    Code, Error, RoomKey, RoomRef,
    wire::{Connection, Identity},
};

use crate::{
    auth::{AuthError, Credentials, find_token},
    drive::Driver,
    http::{ApiError, segment},
    metrics::Refusal,
    server::Shared,
    slots::Slot,
    ws::{Pending, Upgrade},
};

/// How long those wait who come when there is no place, in milliseconds.
const WAIT_MS: u64 = 2_000;

/// What a socket is for.
enum Target {
    /// Many rooms.
    Many,
    Room(RoomRef),
    /// A room whose name cannot be one.
    Nowhere,
}

/// `/ws/`: many rooms.
pub(crate) async fn general(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let in_query = shared.settings.query_tokens;
    answer(&shared, Target::Many, in_query, request.into_parts().0).await
}

/// `/ws/job_chat/{job_id}/`: in the room with the key that the id makes.
pub(crate) async fn room(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let mut parts = request.into_parts().0;
    let job = segment(&mut parts, "job_id").await;
    let key = job.and_then(|job| RoomKey::new(format!("{}{job}", shared.settings.room_prefix)).ok());
    let target = key.map_or(Target::Nowhere, |key| Target::Room(key.into()));
    answer(&shared, target, shared.settings.room_query_tokens, parts).await
}

async fn answer(shared: &Arc<Shared>, target: Target, in_query: bool, mut parts: Parts) -> Response {
    Box::pin(open(shared, target, in_query, &mut parts)).await.unwrap_or_else(|refused| {
        shared.metrics.refused(refused.why);
        refused.error.into_response()
    })
}

/// Why there is no socket.
struct Refused {
    why: Refusal,
    error: ApiError,
}

impl Refused {
    fn new(why: Refusal, error: Error) -> Self {
        Self { why, error: error.into() }
    }

    /// There is no place, now.
    fn full(why: Refusal) -> Self {
        Self::new(why, Error::Busy { retry_after_ms: WAIT_MS })
    }
}

/// Checks everything, lets the connection say its first word, and hands the socket to a task of its own.
async fn open(shared: &Arc<Shared>, target: Target, in_query: bool, parts: &mut Parts) -> Result<Response, Refused> {
    if !shared.life.is_running() {
        return Err(Refused::new(Refusal::Draining, Error::Draining));
    }
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip());
    let upgrade = Upgrade::of(parts)
        .map_err(|(status, error)| Refused { why: Refusal::Malformed, error: ApiError::with(status, &error) })?;
    let mut slot = shared.slots.claim(peer).map_err(Refused::full)?;
    let identity = identify(shared, in_query, parts).await?;
    if let Some(user) = identity.as_ref().and_then(|identity| identity.actor.user())
        && !slot.claim_user(user)
    {
        return Err(Refused::full(Refusal::User));
    }
    let room = match target {
        Target::Many => None,
        Target::Room(room) => Some(room),
        // Whoever asks learns no more than about a room that is not there.
        Target::Nowhere => return Err(Refused::new(Refusal::NotFound, Error::not_found("room"))),
    };
    let is_known = identity.is_some();
    let (verifier, meter) = (Arc::clone(shared) as _, Arc::clone(shared) as _);
    let connection = Connection::open(shared.engine.clone(), verifier, shared.setup(room), identity, shared.now());
    let mut connection = connection.metered(meter);
    let mut first = Vec::new();
    if is_known {
        greet(shared, &mut connection, &mut first).await?;
    }
    let (response, pending) = upgrade.accept();
    spawn(shared, pending, connection, first, slot);
    Ok(response)
}

/// Whose socket it is; nobody's yet, if there is no token.
async fn identify(shared: &Shared, in_query: bool, parts: &Parts) -> Result<Option<Identity>, Refused> {
    let token = find_token(&parts.headers, &parts.uri, in_query);
    let credentials = Credentials { token: token.as_deref(), headers: &parts.headers };
    match shared.identify(credentials).await {
        Ok(identity) => Ok(Some(identity)),
        Err(AuthError::Missing) => Ok(None),
        Err(error) => {
            let why = if error == AuthError::Unavailable { Refusal::Busy } else { Refusal::Unauthorized };
            Err(Refused::new(why, error.into()))
        }
    }
}

/// Waits for the first word of the connection: `ready`, or why not. Saying it before the upgrade makes it a status.
async fn greet(shared: &Shared, connection: &mut Connection, first: &mut Vec<Bytes>) -> Result<(), Refused> {
    let said = tokio::time::timeout(shared.settings.limits.handshake_timeout, connection.output(first)).await;
    match (said, connection.refusal()) {
        (Ok(None), _) => Ok(()),
        (Ok(Some(_)), Some(error)) => Err(Refused::new(reason(error.code()), error.clone())),
        (Ok(Some(_)) | Err(_), _) => Err(Refused::full(Refusal::Busy)),
    }
}

/// As what a refusal is counted.
const fn reason(code: Code) -> Refusal {
    match code {
        Code::NotFound => Refusal::NotFound,
        Code::Draining => Refusal::Draining,
        Code::Unauthorized | Code::Forbidden => Refusal::Unauthorized,
        _ => Refusal::Busy,
    }
}

fn spawn(shared: &Arc<Shared>, pending: Pending, connection: Connection, first: Vec<Bytes>, slot: Slot) {
    let limits = &shared.settings.limits;
    let (frame_bytes, limit) = (limits.frame_bytes, limits.handshake_timeout);
    let stop = shared.life.stop();
    let shared = Arc::clone(shared);
    // spawns: one socket's task; it holds a `Stop`, through which `ChatServer::close` ends it and waits for it.
    tokio::spawn(async move {
        let socket = pending.open(frame_bytes, limit).await;
        if let Some(socket) = socket {
            Driver::new(socket, connection, first, shared, slot, stop).run().await;
        }
    });
}
