//! A person logs in to the app and chats with its cookie, over a real socket.

#![allow(clippy::unwrap_used, reason = "the helpers of tests are tests too")]

use std::{net::SocketAddr, time::Duration};

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::oneshot,
    time::timeout,
};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Error, Message, client::IntoClientRequest as _},
};

use super::*;

/// How long anything may take before a test fails.
const PATIENCE: Duration = Duration::from_mins(1);

/// Logs in, and gives back the cookie.
async fn log_in(address: SocketAddr, user: &str) -> String {
    let body = json!({ "user": user }).to_string();
    let request = format!(
        "POST /login HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    timeout(PATIENCE, stream.read_to_string(&mut answer)).await.expect("an answer in time").unwrap();
    let cookie = answer.lines().find_map(|line| line.strip_prefix("set-cookie: ")).expect("a cookie");
    cookie.split(';').next().unwrap().to_owned()
}

async fn open(address: SocketAddr, cookie: &str) -> Result<WebSocketStream<TcpStream>, Error> {
    let mut request = format!("ws://{address}/chat/ws/job_chat/42/").into_client_request()?;
    request.headers_mut().insert(header::COOKIE, cookie.parse().unwrap());
    let stream = TcpStream::connect(address).await?;
    Ok(timeout(PATIENCE, client_async(request, stream)).await.expect("an answer in time")?.0)
}

/// The next frame of a type; others are passed over.
async fn hears(socket: &mut WebSocketStream<TcpStream>, kind: &str) -> Value {
    loop {
        let frame = timeout(PATIENCE, socket.next()).await.expect("a frame in time").expect("a frame").unwrap();
        if let Message::Text(text) = frame {
            let frame: Value = serde_json::from_str(&text).unwrap();
            if frame["type"] == kind {
                return frame;
            }
        }
    }
}

#[tokio::test]
async fn the_apps_own_cookie_opens_the_chat() {
    let sessions = Arc::new(Sessions::default());
    let engine = Engine::open(Arc::new(MemoryStore::default()), Options::default());
    let chat = ChatServer::new(engine.clone(), Arc::clone(&sessions) as _, Settings::default()).unwrap();
    let people = ["ann", "ben"].map(|name| UserId::new(name).unwrap());
    let job = people.into_iter().fold(CreateRoom::keyed("job:42".parse().unwrap()), CreateRoom::with);
    engine.host().create_room(job).await.unwrap();
    let listener = chat_ws::listen((Ipv4Addr::LOCALHOST, 0).into(), &chat.settings().limits).unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let app = app(sessions, &chat);
    // spawns: the app; it is stopped and waited for below.
    let serving = tokio::spawn(async move {
        let stopped = async {
            let _ = stopped.await;
        };
        chat_ws::serve(listener, app, &chat, stopped).await;
    });

    let mut ann = open(address, &log_in(address, "ann").await).await.unwrap();
    let mut ben = open(address, &format!("theme=dark; {}", log_in(address, "ben").await)).await.unwrap();
    assert_eq!(hears(&mut ann, "ready").await["user_id"], "ann");
    assert_eq!(hears(&mut ben, "ready").await["user_id"], "ben");
    let send = json!({ "action": "send_message", "content": "On my way" });
    ann.send(Message::text(send.to_string())).await.unwrap();
    let heard = hears(&mut ben, "chat_message").await;
    assert_eq!((&heard["message"]["sender"], &heard["message"]["content"]), (&json!("ann"), &json!("On my way")));

    for (cookie, status) in [("session=guessed", 401), (&*log_in(address, "eve").await, 404)] {
        let Err(Error::Http(refused)) = open(address, cookie).await else { panic!("{cookie} opened the chat") };
        assert_eq!(refused.status(), status, "{cookie}");
    }

    drop((ann, ben));
    stop.send(()).unwrap();
    timeout(PATIENCE, serving).await.expect("it stops").unwrap();
    engine.close().await.unwrap();
}
