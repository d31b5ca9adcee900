//! The hub: who opens a room while something happens in it, who leaves meanwhile, and who is there when it closes.

use std::{
    future::poll_fn,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use chat_core::{
    model::{Event, Rev, UserId},
    store::{CatchUp, Missed},
};
use loom::{future::block_on, sync::Mutex, thread};

use crate::{
    at, burst,
    burst::Frame,
    change, every_order,
    hub::Hub,
    queue::{End, Queue},
    room,
};

/// More than the frames of a model take.
const ROOM: usize = 1 << 20;

fn hub(pending: usize) -> Arc<Hub> {
    Arc::new(Hub::new(&chat_core::Limits { pending_bytes: pending, ..Default::default() }))
}

fn ann() -> UserId {
    UserId::new("ann").unwrap()
}

/// What ann has read on another device.
fn marker() -> Event {
    Event::Marker { room: room(), read_seq: 1, delivered_seq: 1, marker_seq: 1, unread_count: 0 }
}

/// A store of nothing but the number of changes, and whether ann is out. What is told is stored before it is told.
#[derive(Default)]
struct Stored(Mutex<(Rev, bool)>);

impl Stored {
    fn commits(&self, rev: Rev) {
        self.0.lock().unwrap().0 = rev;
    }

    fn puts_out(&self, rev: Rev) {
        *self.0.lock().unwrap() = (rev, true);
    }

    /// What ann reads, as long as she is in.
    fn reads(&self) -> Option<CatchUp> {
        let (rev, out) = *self.0.lock().unwrap();
        let missed = Missed::Nothing;
        (!out).then(|| CatchUp { cursor: at(rev), member: None, markers: Vec::new(), members: 2, missed })
    }

    fn read(&self) -> CatchUp {
        self.reads().unwrap()
    }
}

/// A thread that stores changes and tells them, one after the other.
fn lane(hub: &Arc<Hub>, stored: &Arc<Stored>, revs: std::ops::RangeInclusive<Rev>) -> thread::JoinHandle<()> {
    let (hub, stored) = (Arc::clone(hub), Arc::clone(stored));
    thread::spawn(move || {
        for rev in revs {
            stored.commits(rev);
            hub.publish(room(), None, || change(rev));
        }
    })
}

fn next(queue: &Queue) -> Result<Arc<Frame>, End> {
    block_on(poll_fn(|cx| queue.poll_next(cx)))
}

/// What waits now.
fn waiting(queue: &Queue) -> Vec<Arc<Frame>> {
    let mut cx = Context::from_waker(Waker::noop());
    std::iter::from_fn(|| match queue.poll_next(&mut cx) {
        Poll::Ready(frame) => frame.ok(),
        Poll::Pending => None,
    })
    .collect()
}

fn revs(frames: &[Arc<Frame>]) -> Vec<Rev> {
    frames.iter().filter_map(|frame| frame.event().position()).map(|at| at.rev).collect()
}

#[test]
fn who_opens_a_room_misses_nothing_and_gets_nothing_twice() {
    every_order("who opens a room misses nothing and gets nothing twice", || {
        let (hub, stored) = (hub(ROOM), Arc::new(Stored::default()));
        let queue = hub.connect(None);
        let lane = lane(&hub, &stored, 1..=2);
        hub.join(&[room()], None, &queue);
        let read = stored.read();
        hub.activate(room(), &queue, &read).unwrap();
        lane.join().unwrap();
        let expected: Vec<_> = (read.cursor.rev + 1..=2).collect();
        assert_eq!(revs(&waiting(&queue)), expected);
    });
}

/// The mistake that the order of `join` and reading is there to prevent.
#[test]
#[should_panic(expected = "a hole")]
fn who_read_before_joining_would_miss_something() {
    every_order("who read before joining would miss something", || {
        let (hub, stored) = (hub(ROOM), Arc::new(Stored::default()));
        let queue = hub.connect(None);
        let lane = lane(&hub, &stored, 1..=1);
        let read = stored.read();
        hub.join(&[room()], None, &queue);
        hub.activate(room(), &queue, &read).unwrap();
        lane.join().unwrap();
        let expected: Vec<_> = (read.cursor.rev + 1..=1).collect();
        assert_eq!(revs(&waiting(&queue)), expected, "a hole");
    });
}

/// The mistake that the order of storing and telling is there to prevent.
#[test]
#[should_panic(expected = "a hole")]
fn what_was_told_before_it_is_stored_would_be_missed() {
    every_order("what was told before it is stored would be missed", || {
        let (hub, stored) = (hub(ROOM), Arc::new(Stored::default()));
        let queue = hub.connect(None);
        let lane = thread::spawn({
            let (hub, stored) = (Arc::clone(&hub), Arc::clone(&stored));
            move || {
                hub.publish(room(), None, || change(1));
                stored.commits(1);
            }
        });
        hub.join(&[room()], None, &queue);
        let read = stored.read();
        hub.activate(room(), &queue, &read).unwrap();
        lane.join().unwrap();
        let expected: Vec<_> = (read.cursor.rev + 1..=1).collect();
        assert_eq!(revs(&waiting(&queue)), expected, "a hole");
    });
}

#[test]
fn who_falls_behind_gets_a_resync_and_nothing_after_it() {
    every_order("who falls behind gets a resync and nothing after it", || {
        let (hub, stored) = (hub(burst([1]).bytes() * 2), Arc::new(Stored::default()));
        let queue = hub.connect(None);
        hub.join(&[room()], None, &queue);
        hub.activate(room(), &queue, &stored.read()).unwrap();
        let lane = lane(&hub, &stored, 1..=3);
        let mut got = vec![next(&queue).unwrap()];
        lane.join().unwrap();
        got.extend(waiting(&queue));
        let resync = got.iter().position(|frame| matches!(frame.event(), Event::Resync { .. }));
        let told = revs(&got);
        assert_eq!(told, (1..=told.len() as Rev).collect::<Vec<_>>(), "in order, from the first on");
        match resync {
            Some(place) => assert_eq!(place, got.len() - 1, "nothing comes after it"),
            None => assert_eq!(told.len(), 3, "nothing was dropped without a word"),
        }
    });
}

#[test]
fn who_is_cut_while_others_hear_leaves_nothing_behind() {
    every_order("who is cut while others hear leaves nothing behind", || {
        let (hub, stored) = (hub(ROOM), Arc::new(Stored::default()));
        let (going, staying) = (hub.connect(Some(&ann())), hub.connect(None));
        for queue in [&going, &staying] {
            hub.join(&[room()], None, queue);
            hub.activate(room(), queue, &stored.read()).unwrap();
        }
        let lane = lane(&hub, &stored, 1..=2);
        hub.disconnect(Some(&ann()), &going);
        lane.join().unwrap();
        assert_eq!(revs(&waiting(&staying)), [1, 2], "whoever stays hears everything");
        waiting(&going);
        hub.publish(room(), None, || change(3));
        assert!(waiting(&going).is_empty(), "whoever went hears nothing more");
        hub.disconnect(None, &staying);
        assert!(!hub.has_audience(), "the room is not kept");
    });
}

#[test]
fn who_is_put_out_while_they_come_in_hears_of_it_and_of_nothing_else_that_waits() {
    every_order("who is put out while they come in hears of it and of nothing else that waits", || {
        let (hub, stored) = (hub(ROOM), Arc::new(Stored::default()));
        let queue = hub.connect(Some(&ann()));
        let lane = thread::spawn({
            let (hub, stored) = (Arc::clone(&hub), Arc::clone(&stored));
            move || {
                stored.commits(1);
                hub.publish(room(), None, || change(1));
                // This one waits whether or not they have the room open.
                hub.publish_to(&ann(), marker);
                stored.puts_out(2);
                hub.put_out(room(), &ann());
                hub.publish(room(), None, || change(2));
            }
        });
        hub.join(&[room()], Some(&ann()), &queue);
        match stored.reads() {
            Some(read) => drop(hub.activate(room(), &queue, &read)),
            None => hub.leave(room(), &queue),
        }
        lane.join().unwrap();
        let left = waiting(&queue);
        let told: Vec<_> = left.iter().map(|frame| frame.event()).collect();
        assert!(matches!(told[..], [Event::RoomRemoved { .. }]), "{told:?}");
    });
}

#[test]
fn whoever_connects_while_it_closes_is_closed_too() {
    every_order("whoever connects while it closes is closed too", || {
        let hub = hub(ROOM);
        let closer = thread::spawn({
            let hub = Arc::clone(&hub);
            move || hub.close()
        });
        let queue = hub.connect(None);
        // Where nothing came of closing, this would wait for ever.
        assert_eq!(next(&queue).unwrap_err(), End::Closed);
        closer.join().unwrap();
    });
}

#[test]
fn who_gives_up_opening_a_room_that_was_open_is_told_to_catch_up() {
    every_order("who gives up opening a room that was open is told to catch up", || {
        let (hub, stored) = (hub(ROOM), Arc::new(Stored::default()));
        let queue = hub.connect(None);
        hub.join(&[room()], Some(&ann()), &queue);
        hub.activate(room(), &queue, &stored.read()).unwrap();
        waiting(&queue);
        let lane = lane(&hub, &stored, 1..=2);
        hub.join(&[room()], Some(&ann()), &queue);
        hub.give_up(room(), &queue, true);
        lane.join().unwrap();
        let got = waiting(&queue);
        assert!(matches!(got.last().unwrap().event(), Event::Resync { .. }), "what was dropped is said");
    });
}

/// What the lane makes way for is changes, and not who comes or types: nobody may have sent anything for long.
#[test]
fn only_changes_are_counted_as_told() {
    every_order("only changes are counted as told", || {
        let (hub, stored) = (hub(ROOM), Arc::new(Stored::default()));
        let queues = [(); 2].map(|()| {
            let queue = hub.connect(Some(&ann()));
            hub.join(&[room()], Some(&ann()), &queue);
            hub.activate(room(), &queue, &stored.read()).unwrap();
            queue
        });
        for _ in 0..3 {
            hub.start_typing(room(), &ann());
            hub.stop_typing(room(), &ann());
        }
        assert_eq!(hub.take_told(), 0);
        hub.publish(room(), None, || change(1));
        assert_eq!([hub.take_told(), hub.take_told()], [queues.len(), 0]);
    });
}
