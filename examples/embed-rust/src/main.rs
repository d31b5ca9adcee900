//! A whole chat inside a program: no server, one file.

use std::sync::Arc;

use chat_core::{CreateRoom, Engine, Event, Options, SendMessage, UserId};
use chat_sqlite::SqliteStore;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::temp_dir().join("embed-rust.db");
    let engine = Engine::open(Arc::new(SqliteStore::open(path)?), Options::default());
    let (ann, ben) = (UserId::new("ann")?, UserId::new("ben")?);
    let room = CreateRoom::keyed("job:42".parse()?).with(ann.clone()).with(ben.clone());
    let room = engine.host().create_room(room).await?.info.id; // the one that is there, the next time

    let mut events = engine.session(&ben).live();
    events.subscribe(vec![(room.into(), None)]).await?;
    engine.session(&ann).send(&room, SendMessage::text("On my way")).await?; // on the disk when this returns
    while let Some(frame) = events.next().await {
        if let Event::ChatMessage { message, .. } = frame.event() {
            println!("#{} {}", message.seq, message.content.as_deref().unwrap_or_default());
            break;
        }
    }
    println!("{} unread", engine.session(&ben).room(&room).await?.unread_count);
    Ok(engine.close().await?)
}
