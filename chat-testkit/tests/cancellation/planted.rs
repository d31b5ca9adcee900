//! Methods that nobody could give up safely: each is seen to be one.

use chat_core::SendMessage;
use tokio::task::yield_now;

use crate::{given_up_at_each_moment, methods::Does, world::says};

const SENDS_WITHOUT_A_NAME: Does =
    |w| Box::pin(async { w.alice.send(w.room, SendMessage::text("said")).await.map(drop) });

const DOES_TWO_THINGS: Does = |w| {
    Box::pin(async {
        w.alice.send(w.room, says("one")).await?;
        w.alice.send(w.room, says("two")).await.map(drop)
    })
};

const OPENS_AND_WAITS: Does = |w| {
    Box::pin(async {
        w.live.enter(w.elsewhere).await?;
        w.alice.unread().await.map(drop)
    })
};

const TAKES_AND_WAITS: Does = |w| {
    Box::pin(async {
        w.alice.send(w.room, says("said")).await?;
        while w.live.next().await.is_some_and(|frame| frame.event().position().is_none()) {}
        yield_now().await;
        Ok(())
    })
};

#[tokio::test(start_paused = true)]
#[should_panic(expected = "it is done once")]
async fn one_that_sends_without_a_name_does_it_twice() {
    given_up_at_each_moment("planted", SENDS_WITHOUT_A_NAME).await;
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "half is done")]
async fn one_that_does_two_things_does_half() {
    given_up_at_each_moment("planted", DOES_TWO_THINGS).await;
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "no room is open that was not")]
async fn one_that_waits_after_it_opened_a_room_leaves_it_open() {
    given_up_at_each_moment("planted", OPENS_AND_WAITS).await;
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "it comes to its end")]
async fn one_that_waits_with_what_it_took_loses_it() {
    given_up_at_each_moment("planted", TAKES_AND_WAITS).await;
}
