//! Sends back what comes: what the Autobahn cases run on, behind the very upgrade and writer that chat uses.

use std::{future::poll_fn, time::Duration};

use axum::{
    Router,
    extract::Request,
    response::{IntoResponse, Response},
    routing::get,
};

use chat_core::wire::Output;

use crate::link::{Incoming, Link};

use super::{socket::WsSocket, upgrade::Upgrade};

/// How long a peer may take to accept what is sent back.
const PATIENCE: Duration = Duration::from_secs(10);

/// A router whose `/ws` sends every message back; messages may have up to `frame_bytes`. For conformance tests only:
/// its sockets end with their peers, not with a server.
#[doc(hidden)]
pub fn echo_router(frame_bytes: usize) -> Router {
    Router::new().route("/ws", get(move |request: Request| async move { open(request, frame_bytes) }))
}

fn open(request: Request, frame_bytes: usize) -> Response {
    let (response, pending) = match Upgrade::of(&mut request.into_parts().0) {
        Ok(upgrade) => upgrade.accept(),
        Err((status, error)) => return (status, error.to_string()).into_response(),
    };
    // spawns: nobody stops it; it ends with its peer, and exists in tests only.
    tokio::spawn(async move {
        if let Some(socket) = pending.open(frame_bytes, PATIENCE).await {
            echo(socket).await;
        }
    });
    response
}

async fn echo(mut socket: WsSocket) {
    loop {
        let sent = match poll_fn(|cx| socket.poll_read(cx)).await {
            Incoming::Text(text) => socket.send(&[Output::Own(text.into())], PATIENCE).await,
            Incoming::Binary(bytes) => socket.send_binary(bytes, PATIENCE).await,
            Incoming::Alive => Ok(0),
            Incoming::Gone => return,
            Incoming::Violation(code) => return socket.fail(code).await,
        };
        if sent.is_err() {
            return;
        }
    }
}
