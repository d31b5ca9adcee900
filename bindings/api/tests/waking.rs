//! Other languages resume whatever waits where it is woken: what they do there must not meet a lock of the engine.

use std::{
    future::Future,
    pin::pin,
    sync::{Arc, Mutex, mpsc},
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

use chat_api::{ChatEngine, Session, record};

/// Uses the engine in the moment in which it is woken.
struct Eager {
    session: Arc<Session>,
    done: Mutex<mpsc::Sender<()>>,
}

impl Wake for Eager {
    fn wake(self: Arc<Self>) {
        self.session.events().stop();
        let _ = self.done.lock().unwrap().send(());
    }
}

#[test]
fn who_is_woken_by_an_event_may_use_the_engine_at_once() {
    let engine = ChatEngine::in_memory(None).unwrap();
    let host = engine.host();
    let (done, woken) = mpsc::channel();
    let waker = Waker::from(Arc::new(Eager { session: Arc::clone(&host), done: Mutex::new(done) }));

    let events = host.events();
    let mut ready = pin!(events.ready());
    assert_eq!(ready.as_mut().poll(&mut Context::from_waker(&waker)), Poll::Pending);
    // Whoever makes it stands still with it, should this fail.
    std::thread::spawn(move || block_on(engine.shut_down()));
    woken.recv_timeout(Duration::from_secs(60)).expect("whoever is woken comes back from the engine");
    assert_eq!(block_on(ready), false);
}

fn block_on<T>(call: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(call)
}
