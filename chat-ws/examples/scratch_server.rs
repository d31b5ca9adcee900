//! scratch
use std::{sync::Arc, time::Duration};
use chat_core::*;
use chat_ws::*;
#[tokio::main]
async fn main() {
    let n: usize = std::env::args().nth(1).unwrap().parse().unwrap();
    let mut options = Options::default();
    let clock = options.clock.clone();
    options.limits.members = 100_000;
    let engine = Engine::open(Arc::new(MemoryStore::default()), options);
    if std::env::args().nth(2).as_deref() == Some("pairs") {
        for i in 0..n / 2 {
            let create = CreateRoom::keyed(format!("job:{i}").parse().unwrap())
                .with(UserId::new(format!("u{}", 2 * i)).unwrap()).with(UserId::new(format!("u{}", 2 * i + 1)).unwrap());
            engine.host().create_room(create).await.unwrap();
        }
    } else {
        let mut create = CreateRoom::keyed("job:0".parse().unwrap());
        for i in 0..n { create = create.with(UserId::new(format!("u{i}")).unwrap()); }
        engine.host().create_room(create).await.unwrap();
    }
    let key = VerifyingKey::hs256("a secret for tests, thirty-two bytes and more").unwrap();
    let auth = JwtAuthenticator::new(vec![key], JwtSettings::default(), clock).unwrap();
    let chat = ChatServer::new(engine.clone(), Arc::new(auth), Settings { metrics: MetricsAccess::Open, ..Default::default() }).unwrap();
    let listener = listen("127.0.0.1:9412".parse().unwrap(), &chat.settings().limits).unwrap();
    let rss = || std::fs::read_to_string("/proc/self/statm").unwrap().split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4;
    let base = rss();
    println!("base {base} KiB");
    let c2 = chat.clone();
    tokio::spawn(async move { loop { tokio::time::sleep(Duration::from_secs(2)).await; println!("rss +{} KiB", rss() - base); let _ = &c2; } });
    serve(listener, chat.router(), &chat, async { tokio::signal::ctrl_c().await.unwrap() }).await;
    engine.close().await.unwrap();
}
