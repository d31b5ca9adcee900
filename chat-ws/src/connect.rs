//! From a request to an open connection: everything that can be refused is refused before the first byte of it.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    extract::{ConnectInfo, Request, State},
    http::request::Parts,
    response::{IntoResponse, Response},
};
use chat_core::{
    Actor, Code, Error, RoomId, RoomKey, RoomRef,
    wire::{Connection, Identity, Output},
};

use crate::{
    auth::{AuthError, Credentials, find_token},
    drive::Driver,
    http::{ApiError, segment},
    metrics::Refusal,
    server::Shared,
    slots::Slot,
    sse::EventStream,
    ws::Upgrade,
};

/// How long those wait who come when there is no place, in milliseconds.
const WAIT_MS: u64 = 2_000;

/// The id of no room. A name that no room can have leads here: whoever asks learns no more, and no sooner, than about a
/// room that is not there.
const NOWHERE: RoomId = RoomId::from_bytes([0; 16]);

/// The room with the key that the path's `job_id` makes.
async fn room_of(shared: &Shared, parts: &mut Parts) -> RoomRef {
    let job = segment(parts, "job_id").await;
    let key = job.and_then(|job| RoomKey::new(format!("{}{job}", shared.settings.room_prefix)).ok());
    key.map_or(NOWHERE.into(), RoomRef::from)
}

/// `/ws/`: many rooms.
pub(crate) async fn general(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let in_query = shared.settings.query_tokens;
    answer(&shared, Box::pin(socket(&shared, None, in_query, &mut request.into_parts().0)).await)
}

/// `/ws/job_chat/{job_id}/`: in the room with the key that the id makes.
pub(crate) async fn room(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let mut parts = request.into_parts().0;
    let room = room_of(&shared, &mut parts).await;
    let in_query = shared.settings.room_query_tokens;
    answer(&shared, Box::pin(socket(&shared, Some(room), in_query, &mut parts)).await)
}

/// The same as [`general`], as a stream.
pub(crate) async fn general_stream(shared: &Arc<Shared>, request: Request) -> Response {
    answer(shared, Box::pin(stream(shared, None, &mut request.into_parts().0)).await)
}

/// The same as [`room`], as a stream.
pub(crate) async fn room_stream(shared: &Arc<Shared>, request: Request) -> Response {
    let mut parts = request.into_parts().0;
    let room = room_of(shared, &mut parts).await;
    answer(shared, Box::pin(stream(shared, Some(room), &mut parts)).await)
}

fn answer(shared: &Shared, opened: Result<Response, Refused>) -> Response {
    opened.unwrap_or_else(|refused| {
        shared.metrics.refused(refused.why);
        refused.error.into_response()
    })
}

/// Why there is no connection.
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

/// A connection that was let in, and has said its first word.
struct Admitted {
    connection: Connection,
    first: Vec<Output>,
    slot: Slot,
    /// Nobody yet, where the token is still to come.
    who: Option<Actor>,
}

/// A WebSocket, in a room or for many: the connection is handed to a task of its own, which waits for the upgrade.
async fn socket(
    shared: &Arc<Shared>,
    room: Option<RoomRef>,
    in_query: bool,
    parts: &mut Parts,
) -> Result<Response, Refused> {
    let upgrade = Upgrade::of(parts)
        .map_err(|(status, error)| Refused { why: Refusal::Malformed, error: ApiError::with(status, &error) })?;
    let Admitted { connection, first, slot, .. } = admit(shared, room, in_query, parts).await?;
    let (response, pending) = upgrade.accept();
    let (stop, shared) = (shared.life.stop(), Arc::clone(shared));
    // spawns: one socket's task; it holds a `Stop`, through which `ChatServer::close` ends it and waits for it.
    tokio::spawn(async move {
        let limits = &shared.settings.limits;
        let socket = pending.open(limits.frame_bytes, limits.handshake_timeout).await;
        if let Some(socket) = socket {
            Driver::new(socket, connection, first, shared, slot, stop).run().await;
        }
    });
    Ok(response)
}

/// A stream. Whoever can send requests can send headers: the token is there, or nobody is let in.
async fn stream(shared: &Arc<Shared>, room: Option<RoomRef>, parts: &mut Parts) -> Result<Response, Refused> {
    let Admitted { connection, first, slot, who } = admit(shared, room, false, parts).await?;
    let who = who.ok_or_else(|| Refused::new(Refusal::Unauthorized, AuthError::Missing.into()))?;
    let (response, link) = EventStream::open(&shared.inboxes, connection.id(), who);
    let driver = Driver::new(link, connection, first, Arc::clone(shared), slot, shared.life.stop());
    shared.metrics.streams_opened.add(1);
    // spawns: one stream's task; it holds a `Stop`, through which `ChatServer::close` ends it and waits for it.
    tokio::spawn(driver.run());
    Ok(response)
}

/// Checks everything, and lets the connection say its first word.
async fn admit(
    shared: &Arc<Shared>,
    room: Option<RoomRef>,
    in_query: bool,
    parts: &mut Parts,
) -> Result<Admitted, Refused> {
    if !shared.life.is_running() {
        return Err(Refused::new(Refusal::Draining, Error::Draining));
    }
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip());
    let mut slot = shared.slots.claim(peer).map_err(Refused::full)?;
    let identity = identify(shared, in_query, parts).await?;
    let who = identity.as_ref().map(|identity| identity.actor.clone());
    if let Some(user) = who.as_ref().and_then(Actor::user)
        && !slot.claim_user(user)
    {
        return Err(Refused::full(Refusal::User));
    }
    let (verifier, meter) = (Arc::clone(shared) as _, Arc::clone(shared) as _);
    let connection = Connection::open(shared.engine.clone(), verifier, shared.setup(room), identity, shared.now());
    let mut connection = connection.metered(meter);
    let mut first = Vec::new();
    if who.is_some() {
        greet(shared, &mut connection, &mut first).await?;
    }
    Ok(Admitted { connection, first, slot, who })
}

/// Whose connection it is; nobody's yet, if there is no token.
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

/// Waits for the first word of the connection: `ready`, or why not. Saying it now makes it a status.
async fn greet(shared: &Shared, connection: &mut Connection, first: &mut Vec<Output>) -> Result<(), Refused> {
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
