//! What the server is held against: a broadcast loop on tokio-tungstenite that stores, checks and promises nothing.
//!
//! Written as well as such a loop can be without changing what it is: one thread, a room is a `broadcast` channel, a
//! frame is made once and shared, a connection drains what waits for it and flushes once, small buffers while idle, a
//! listen backlog that takes a storm. It sends an event of the same shape and size as the engine's, so that both move
//! the same bytes.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    net::SocketAddr,
    rc::Rc,
};

use anyhow::{Context, Result};
// For its allocator.
use chat_benches as _;
use clap::Parser;
use futures_util::{SinkExt, StreamExt};
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    sync::broadcast::{
        self,
        error::{RecvError, TryRecvError},
    },
    task::LocalSet,
};
use tokio_tungstenite::{
    WebSocketStream, accept_hdr_async_with_config,
    tungstenite::{
        Message, Utf8Bytes,
        handshake::server::{Request, Response},
        protocol::WebSocketConfig,
    },
};

#[derive(Parser)]
#[command(about = "A broadcast server that stores nothing, to compare with")]
struct Args {
    /// Where to listen.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
}

/// What may wait for a connection that reads slowly.
const WAITING: usize = 4096;

/// The engine's limits, for `ready` to be as long.
const READY: &str = r#"{"type":"ready","user_id":"user00000","connection_id":"0190163d-8694-739b-aea5-966c26f8ad91","heartbeat_s":25,"limits":{"frame_bytes":131072,"message_bytes":16384}}"#;

/// An id and a cursor, as long as the engine's.
const ROOM: &str = "0190163d-8694-739b-aea5-966c26f8ad91";
const CURSOR: &str = "AQAAAAAAAAABAAAAAAAAAAAAAAAAAAAA";

#[derive(Clone)]
struct Room {
    told: broadcast::Sender<Utf8Bytes>,
    made: Rc<Cell<u64>>,
}

type Rooms = Rc<RefCell<HashMap<String, Room>>>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let args = Args::parse();
    LocalSet::new().run_until(serve(args.listen)).await
}

async fn serve(address: SocketAddr) -> Result<()> {
    let listener = listen(address)?;
    println!("bare broadcast at http://{}", listener.local_addr()?);
    let rooms = Rooms::default();
    loop {
        let (stream, _) = listener.accept().await.context("accepting")?;
        let rooms = Rc::clone(&rooms);
        // spawns: one connection; it ends with its socket.
        tokio::task::spawn_local(async move {
            // A connection that breaks is the load's business.
            let _ = connection(stream, rooms).await;
        });
    }
}

fn listen(address: SocketAddr) -> Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(address)?;
    socket.listen(4096).context("listening")
}

async fn connection(stream: TcpStream, rooms: Rooms) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut path = String::new();
    let config = WebSocketConfig::default().read_buffer_size(4096).write_buffer_size(64 * 1024);
    #[allow(clippy::result_large_err, reason = "the callback's type is tungstenite's")]
    let on_request = |request: &Request, response: Response| {
        request.uri().path().clone_into(&mut path);
        Ok(response)
    };
    let mut socket = accept_hdr_async_with_config(stream, on_request, Some(config)).await?;
    let room = room(&rooms, &path);
    let mut waiting = room.told.subscribe();
    socket.send(Message::text(READY)).await?;
    loop {
        tokio::select! {
            told = waiting.recv() => match told {
                Ok(frame) => pass_on(&mut socket, frame, &mut waiting).await?,
                Err(RecvError::Lagged(lost)) => anyhow::bail!("too slow by {lost}"),
                Err(RecvError::Closed) => return Ok(()),
            },
            came = socket.next() => match came {
                Some(Ok(Message::Text(text))) => {
                    // Nobody may be listening.
                    let _ = room.told.send(event(&room, &text));
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error.into()),
                None => return Ok(()),
            },
        }
    }
}

/// Sends what waits, and flushes once.
async fn pass_on(
    socket: &mut WebSocketStream<TcpStream>,
    first: Utf8Bytes,
    waiting: &mut broadcast::Receiver<Utf8Bytes>,
) -> Result<()> {
    socket.feed(Message::Text(first)).await?;
    loop {
        match waiting.try_recv() {
            Ok(frame) => socket.feed(Message::Text(frame)).await?,
            Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            Err(TryRecvError::Lagged(lost)) => anyhow::bail!("too slow by {lost}"),
        }
    }
    Ok(socket.flush().await?)
}

fn room(rooms: &Rooms, path: &str) -> Room {
    let mut rooms = rooms.borrow_mut();
    if let Some(room) = rooms.get(path) {
        return room.clone();
    }
    let room = Room { told: broadcast::channel(WAITING).0, made: Rc::default() };
    rooms.insert(path.to_owned(), room.clone());
    room
}

/// An event with the fields that the engine's has, made in the cheapest way there is.
fn event(room: &Room, text: &str) -> Utf8Bytes {
    let field = |name| text.split_once(name).and_then(|(_, rest)| rest.split('"').next()).unwrap_or("");
    let (content, client_id) = (field(r#""content":""#), field(r#""client_id":""#));
    let sender = content.get(1..6).unwrap_or("");
    let named = if client_id.is_empty() { String::new() } else { format!(r#","client_id":"{client_id}""#) };
    let n = room.made.get() + 1;
    room.made.set(n);
    format!(
        r#"{{"type":"chat_message","room":"{ROOM}","rev":{n},"cursor":"{CURSOR}","message":{{"id":"0190163d-8694-739b-aea5-{n:012x}","room":"{ROOM}","seq":{n},"rev":{n},"sender":"user{sender}","content":"{content}","message_type":"text","created_at":"2026-11-24T12:00:00.000Z"{named}}}}}"#
    )
    .into()
}
