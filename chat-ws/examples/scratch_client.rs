//! scratch
use std::time::*;
use chat_core::{Clock, SystemClock, UserId};
use chat_ws::*;
use futures_util::*;
use tokio_tungstenite::{*, tungstenite::{*, client::IntoClientRequest}};
#[tokio::main(flavor = "current_thread")]
async fn main() {
    let n: usize = std::env::args().nth(1).unwrap().parse().unwrap();
    let pairs = std::env::args().nth(2).as_deref() == Some("pairs");
    let key = SigningKey::hs256("a secret for tests, thirty-two bytes and more").unwrap();
    let tokens: Vec<_> = (0..n).map(|i| Grant::user(&UserId::new(format!("u{i}")).unwrap(), SystemClock.now(), Duration::from_secs(3600)).sign(&key)).collect();
    let t = Instant::now();
    let all = tokens.into_iter().enumerate().map(|(i, token)| async move {
        let room = if pairs { i / 2 } else { 0 };
        let mut r = format!("ws://127.0.0.1:9412/ws/job_chat/{room}/").into_client_request().unwrap();
        r.headers_mut().append("authorization", format!("Bearer {token}").parse().unwrap());
        let sock = tokio::net::TcpSocket::new_v4().unwrap();
        sock.bind(format!("127.0.0.{}:0", 2 + i / 5000).parse().unwrap()).unwrap();
        let s = sock.connect("127.0.0.1:9412".parse().unwrap()).await.unwrap();
        let cfg = tungstenite::protocol::WebSocketConfig::default().read_buffer_size(1024);
        let (mut ws, _) = client_async_with_config(r, s, Some(cfg)).await.unwrap();
        ws.next().await.unwrap().unwrap();
        ws
    });
    let mut socks: Vec<_> = stream::iter(all).buffer_unordered(std::env::var("C").map(|c| c.parse().unwrap()).unwrap_or(n)).collect().await;
    println!("{n} joined in {:?}", t.elapsed());
    let secs: u64 = std::env::args().nth(3).unwrap_or("8".into()).parse().unwrap();
    if secs > 100 {
        // flat out: the first sends `secs` thousands of messages pipelined, all read.
        let total = secs as usize * 10;
        let mut first = socks.remove(0);
        let t = Instant::now();
        let readers: Vec<_> = socks.into_iter().map(|mut ws| tokio::spawn(async move {
            let mut got = 0usize;
            while got < total { if let Some(Ok(m)) = ws.next().await { if let Ok(t) = m.to_text() { if t.starts_with("{\"type\":\"chat_m") { got += 1; } if t.starts_with("{\"type\":\"resync") { println!("resync after {got}"); return; } } } else { return } }
        })).collect();
        let (mut tx, mut rx) = first.split();
        let sender = tokio::spawn(async move { for i in 0..total { tx.feed(tungstenite::Message::text(format!("{{\"action\":\"send_message\",\"content\":\"message number {i} of a certain length to be realistic, about one hundred bytes\",\"ref\":{i}}}"))).await.unwrap(); if i % 16 == 15 { tx.flush().await.unwrap(); } } tx.flush().await.unwrap(); tx });
        let mut replies = 0; while replies < total { if let Some(Ok(m)) = rx.next().await { if m.to_text().unwrap_or("").starts_with("{\"type\":\"reply") { replies += 1; } } }
        println!("{replies} replies in {:?}", t.elapsed());
        for r in readers { r.await.unwrap(); }
        let e = t.elapsed();
        println!("{} deliveries in {e:?}: {:.0}/s", total * n, (total * n) as f64 / e.as_secs_f64());
        sender.await.unwrap();
        return;
    }
    tokio::time::sleep(Duration::from_secs(secs)).await;
    socks.clear();
}
