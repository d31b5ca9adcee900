//! Other languages resume whatever waits where it is woken: what they do there must not meet a lock of the engine.

use std::{
    future::Future,
    pin::pin,
    sync::{Arc, mpsc},
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

use chat_api::{ChatEngine, Session};

/// Uses the engine in the moment in which it is woken.
struct Eager {
    session: Arc<Session>,
    done: mpsc::SyncSender<()>,
}

impl Wake for Eager {
    fn wake(self: Arc<Self>) {
        self.session.events().stop();
        let _ = self.done.try_send(());
    }
}

#[test]
fn who_is_woken_may_use_the_engine_at_once() {
    let (over, ended) = mpsc::sync_channel(1);
    // A thread of its own: should this fail, it stands still for ever, with all that it holds.
    std::thread::spawn(move || {
        let engine = ChatEngine::in_memory(None).expect("an engine");
        let host = engine.host();
        let (done, woken) = mpsc::sync_channel(1);
        let waker = Waker::from(Arc::new(Eager { session: Arc::clone(&host), done }));

        let events = host.events();
        let mut ready = pin!(events.ready());
        assert_eq!(ready.as_mut().poll(&mut Context::from_waker(&waker)), Poll::Pending);
        // Closing wakes whoever waits.
        block_on(engine.shut_down()).expect("the end");
        woken.recv().expect("whoever is woken");
        assert!(!block_on(ready), "it is over");
        let _ = over.try_send(());
    });
    ended.recv_timeout(Duration::from_secs(20)).expect("whoever is woken comes back from the engine");
}

fn block_on<T>(call: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(call)
}
