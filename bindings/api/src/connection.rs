//! A connection of the protocol, carried over somebody else's socket.

use std::{
    future::poll_fn,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    task::Poll,
    time::Duration,
};

use async_trait::async_trait;
use chat_core::{
    Actor, Engine, UserId,
    wire::{self, CloseCode, Identity, Output, Setup, TokenVerifier},
};
use tokio::sync::{MutexGuard, Notify, mpsc};

use crate::{error::ChatError, runtime, session::Profile};

/// Frames of the peer that may wait; a peer that sends more is closed with `overloaded`.
const INBOX: usize = 256;
/// The largest frame of the peer; one that is larger ends the connection.
const FRAME_BYTES: usize = 128 * 1024;
/// The code for that, of RFC 6455 as every WebSocket library has it.
const TOO_LARGE: u16 = 1009;

/// A user's connection over a socket of your own: hand it the text frames that come, send those that it gives, and
/// close the socket with the code that it ends with.
///
/// Frames are pulled: while nobody asks for the next ones, nothing is worked on, so a slow socket is felt.
#[cfg_attr(feature = "uniffi", derive(uniffi::Object))]
#[derive(Clone, Debug)]
pub struct Connection {
    inbox: Arc<Mutex<Option<mpsc::Sender<Input>>>>,
    outbox: Arc<tokio::sync::Mutex<Outbox>>,
    ended: Arc<OnceLock<u16>>,
    /// The peer is gone.
    gone: Arc<Notify>,
}

/// What is to be sent.
#[derive(Debug)]
struct Outbox {
    coming: mpsc::Receiver<Vec<Output>>,
    /// What came and was not taken yet.
    ready: Option<Vec<Output>>,
}

/// What the peer did.
#[derive(Debug)]
enum Input {
    Text(String),
    Binary,
    TooLarge,
    TooMuch,
}

impl Connection {
    pub(crate) fn open(
        engine: &Engine,
        user: &str,
        room: Option<String>,
        Profile { name, avatar }: Profile,
    ) -> Result<Self, ChatError> {
        let identity = Identity { actor: Actor::User(UserId::new(user)?), name, avatar, expires_at: None };
        let setup = Setup {
            room: room.map(|room| room.parse()).transpose()?,
            heartbeat: Duration::from_secs(25),
            frame_bytes: FRAME_BYTES,
            auth_timeout: Duration::from_secs(10),
        };
        let now = engine.options().clock.now();
        let wire = wire::Connection::open(engine.clone(), Arc::new(NoTokens), setup, Some(identity), now);
        let (inbox, inputs) = mpsc::channel(INBOX);
        let (frames, coming) = mpsc::channel(1);
        let (ended, gone) = (Arc::new(OnceLock::new()), Arc::new(Notify::new()));
        // spawns: the connection; its peer's leaving, the engine's close and dropping the handle end it.
        runtime::runtime()?.spawn(carry(wire, inputs, frames, Arc::clone(&ended), Arc::clone(&gone)));
        Ok(Self {
            inbox: Arc::new(Mutex::new(Some(inbox))),
            outbox: Arc::new(tokio::sync::Mutex::new(Outbox { coming, ready: None })),
            ended,
            gone,
        })
    }

    /// The next frames to send, in order; nothing at the end. Dropping the future loses nothing.
    pub(crate) async fn frames(&self) -> Option<Vec<String>> {
        self.wait().await?.ready.take().as_deref().map(texts)
    }

    /// Waits until frames are there; nothing at the end.
    async fn wait(&self) -> Option<MutexGuard<'_, Outbox>> {
        let mut outbox = self.outbox.lock().await;
        if outbox.ready.is_none() {
            outbox.ready = Some(outbox.coming.recv().await?);
        }
        Some(outbox)
    }

    /// Takes what the peer sent, which has so many bytes.
    fn accept(&self, input: Input, bytes: usize) {
        let mut inbox = self.inbox();
        let Some(sender) = &*inbox else { return };
        let input = if bytes > FRAME_BYTES { Input::TooLarge } else { input };
        // One place is kept for saying so.
        if sender.capacity() > 1 {
            let _ = sender.try_send(input);
        } else {
            let _ = sender.try_send(Input::TooMuch);
            *inbox = None;
        }
    }

    /// Takes note of a binary frame from the peer.
    pub(crate) fn accept_binary(&self, bytes: usize) {
        self.accept(Input::Binary, bytes);
    }

    fn inbox(&self) -> std::sync::MutexGuard<'_, Option<mpsc::Sender<Input>>> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg_attr(feature = "uniffi", uniffi::export)]
impl Connection {
    /// Takes a text frame from the peer. Returns at once; after the end it does nothing.
    pub fn receive(&self, text: String) {
        let bytes = text.len();
        self.accept(Input::Text(text), bytes);
    }

    /// The peer is gone: ends the connection.
    pub fn stop(&self) {
        *self.inbox() = None;
        self.gone.notify_one();
    }

    /// The code to close the socket with, once the connection has ended from this side.
    pub fn close_code(&self) -> Option<u16> {
        self.ended.get().copied()
    }
}

#[cfg(feature = "uniffi")]
#[uniffi::export]
impl Connection {
    /// Takes a binary frame from the peer, which the protocol does not have: they are told so. Returns at once.
    #[expect(clippy::needless_pass_by_value, reason = "other languages hand over what they have")]
    pub fn receive_binary(&self, bytes: Vec<u8>) {
        self.accept_binary(bytes.len());
    }

    /// Waits until there are frames to take; `false` at the end. It takes none: see [`Events::ready`](crate::Events::ready).
    pub async fn ready(&self) -> bool {
        self.wait().await.is_some()
    }

    /// The frames to send that are there now, in order, if there are any.
    pub fn take(&self) -> Option<Vec<String>> {
        // Whoever waits holds them.
        let mut outbox = self.outbox.try_lock().ok()?;
        outbox.ready.take().or_else(|| outbox.coming.try_recv().ok()).as_deref().map(texts)
    }
}

fn texts(out: &[Output]) -> Vec<String> {
    out.iter().flat_map(Output::texts).map(|text| String::from_utf8_lossy(text).into_owned()).collect()
}

/// Joins a connection with what goes in and out, until either side ends it.
async fn carry(
    mut wire: wire::Connection,
    mut inputs: mpsc::Receiver<Input>,
    outbox: mpsc::Sender<Vec<Output>>,
    ended: Arc<OnceLock<u16>>,
    gone: Arc<Notify>,
) {
    let mut out = Vec::new();
    loop {
        tokio::select! {
            input = inputs.recv(), if wire.has_room() => match input {
                Some(Input::Text(text)) => wire.receive(&text),
                Some(Input::Binary) => wire.receive_binary(),
                Some(Input::TooLarge) => {
                    // As where the socket itself does not take it: nothing is said but the code.
                    let _ = ended.set(TOO_LARGE);
                    return;
                }
                Some(Input::TooMuch) => wire.close(CloseCode::Overloaded, None),
                None => return,
            },
            // Where there is room, what it sent before is taken first.
            () = gone.notified(), if !wire.has_room() => return,
            Some((place, done)) = output(&mut wire, &outbox, &mut out) => {
                if !out.is_empty() {
                    place.send(std::mem::take(&mut out));
                }
                if let Some(closing) = done {
                    let _ = ended.set(closing.code.number());
                    return;
                }
            }
            else => return,
        }
    }
}

/// What is to be sent, as soon as somebody takes it; nothing if there is only room for another frame of the peer.
async fn output<'a>(
    wire: &mut wire::Connection,
    outbox: &'a mpsc::Sender<Vec<Output>>,
    out: &mut Vec<Output>,
) -> Option<(mpsc::Permit<'a, Vec<Output>>, Option<wire::Closing>)> {
    let place = outbox.reserve().await.ok()?;
    let was_full = !wire.has_room();
    let closing = poll_fn(|cx| match wire.poll_output(cx, out) {
        Poll::Pending if was_full && wire.has_room() => Poll::Ready(None),
        output => output,
    })
    .await;
    Some((place, closing))
}

/// The host has said who it is; tokens in frames are not its way.
struct NoTokens;

#[async_trait]
impl TokenVerifier for NoTokens {
    async fn verify(&self, _: &str) -> chat_core::Result<Identity> {
        Err(chat_core::Error::Unauthorized { reason: "this connection takes no tokens" })
    }
}

#[cfg(test)]
mod tests {
    use chat_core::{MemoryStore, Options};

    use super::*;

    #[test]
    fn who_is_gone_is_let_go_of_also_where_nobody_takes_what_they_were_told() {
        let runtime = runtime::runtime().unwrap();
        let engine = runtime.block_on(async { Engine::open(Arc::new(MemoryStore::default()), Options::default()) });
        let conn = Connection::open(&engine, "ann", None, Profile::default()).unwrap();
        for _ in 0..200 {
            conn.receive(r#"{"action":"ping","ref":1}"#.into());
        }
        let inbox = conn.inbox().clone().unwrap();
        conn.stop();
        runtime.block_on(async { tokio::time::timeout(Duration::from_secs(60), inbox.closed()).await }).unwrap();
    }
}
