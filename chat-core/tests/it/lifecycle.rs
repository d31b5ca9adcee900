//! Closing.

use chat_core::{Error, SendMessage};

use crate::stage::Stage;

#[tokio::test]
async fn closing_finishes_what_was_accepted_and_refuses_the_rest() {
    let s = Stage::new().await;
    let mut live = s.opens("ben").await;
    let sends: Vec<_> = (0..100)
        .map(|n| {
            let ann = s.of("ann");
            tokio::spawn(async move { ann.send(s.room, SendMessage::text(n.to_string())).await })
        })
        .collect();
    tokio::task::yield_now().await;
    s.engine.close().await.unwrap();
    for send in sends {
        assert!(matches!(send.await.unwrap(), Ok(_) | Err(Error::Draining)));
    }
    assert_eq!(s.of("ann").send(s.room, SendMessage::text("late")).await.unwrap_err(), Error::Draining);
    while live.next().await.is_some() {}
    s.engine.close().await.unwrap();
}
