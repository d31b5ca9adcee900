//! One queue, whoever fills it, and whoever takes from it.

use std::{collections::VecDeque, future::poll_fn, sync::Arc};

use chat_core::model::{Event, ResyncReason, Rev};
use loom::{future::block_on, thread};

use crate::{
    burst,
    burst::Frame,
    every_order,
    queue::{End, Queue},
    room,
};

/// More than the frames of a model take.
const ROOM: usize = 1 << 20;

fn next(queue: &Queue) -> Result<Arc<Frame>, End> {
    block_on(poll_fn(|cx| queue.poll_next(cx)))
}

fn rev(frame: &Frame) -> Option<Rev> {
    frame.event().position().map(|at| at.rev)
}

#[test]
fn who_waits_is_woken_by_what_comes() {
    every_order("who waits is woken by what comes", || {
        let queue = Queue::new(1, ROOM);
        let filler = thread::spawn({
            let queue = Arc::clone(&queue);
            move || assert!(queue.push(&burst([1])) && queue.push(&burst([2])))
        });
        assert_eq!([1, 2].map(|_| rev(&next(&queue).unwrap())), [Some(1), Some(2)]);
        filler.join().unwrap();
    });
}

#[test]
fn what_is_taken_at_once_is_all_of_it_in_order() {
    every_order("what is taken at once is all of it in order", || {
        let queue = Queue::new(1, ROOM);
        let filler = thread::spawn({
            let queue = Arc::clone(&queue);
            move || {
                queue.push(&burst([1, 2]));
                queue.push(&burst([3]));
            }
        });
        let (mut taken, mut out) = (Vec::new(), VecDeque::new());
        while taken.len() < 3 {
            block_on(poll_fn(|cx| queue.poll_take(cx, &mut out))).unwrap();
            taken.extend(out.drain(..).flat_map(|burst| burst.frames().to_vec()).map(|frame| rev(&frame)));
        }
        assert_eq!(taken, [Some(1), Some(2), Some(3)]);
        filler.join().unwrap();
    });
}

#[test]
fn who_waits_is_woken_by_the_end_and_gets_first_what_was_there() {
    every_order("who waits is woken by the end and gets first what was there", || {
        let queue = Queue::new(1, ROOM);
        let closer = thread::spawn({
            let queue = Arc::clone(&queue);
            move || {
                queue.push(&burst([1]));
                queue.close(End::Closed);
            }
        });
        assert_eq!(rev(&next(&queue).unwrap()), Some(1));
        assert_eq!(next(&queue).unwrap_err(), End::Closed);
        closer.join().unwrap();
    });
}

#[test]
fn of_two_ends_the_first_one_stays() {
    every_order("of two ends the first one stays", || {
        let queue = Queue::new(1, ROOM);
        let closers = [End::Closed, End::TooSlow].map(|end| {
            let queue = Arc::clone(&queue);
            thread::spawn(move || queue.close(end))
        });
        let end = next(&queue).unwrap_err();
        closers.into_iter().for_each(|closer| closer.join().unwrap());
        assert_eq!(next(&queue).unwrap_err(), end);
    });
}

#[test]
fn who_falls_behind_is_told_and_then_gets_what_comes_after() {
    every_order("who falls behind is told and then gets what comes after", || {
        let queue = Queue::new(1, burst([1]).bytes());
        let filler = thread::spawn({
            let queue = Arc::clone(&queue);
            move || {
                queue.push(&burst([1]));
                // As the hub does when the second one does not fit any more.
                if !queue.push(&burst([2])) {
                    queue.resync(&[room()], ResyncReason::TooSlow);
                }
            }
        });
        let first = next(&queue).unwrap();
        match rev(&first) {
            // It was taken in time, or it was too late for the second one only.
            Some(first) => {
                assert_eq!(first, 1);
                let second = next(&queue).unwrap();
                assert!(rev(&second) == Some(2) || matches!(second.event(), Event::Resync { .. }));
            }
            None => assert!(matches!(first.event(), Event::Resync { reason: ResyncReason::TooSlow, .. })),
        }
        filler.join().unwrap();
    });
}

#[test]
fn a_slow_one_that_is_cut_is_woken() {
    every_order("a slow one that is cut is woken", || {
        // Not even a notice fits twice.
        let queue = Queue::new(1, 1);
        let filler = thread::spawn({
            let queue = Arc::clone(&queue);
            move || {
                assert!(!queue.push(&burst([1])));
                queue.resync(&[room()], ResyncReason::TooSlow);
            }
        });
        assert!(matches!(next(&queue).unwrap().event(), Event::Resync { .. }));
        assert_eq!(next(&queue).unwrap_err(), End::TooSlow);
        filler.join().unwrap();
    });
}

/// Who has had the first of three in one burst finds the other two gone with their room, or takes them at once.
#[test]
fn of_a_burst_that_is_taken_one_by_one_the_rest_is_forgotten_or_taken() {
    every_order("of a burst that is taken one by one the rest is forgotten or taken", || {
        let queue = Queue::new(1, burst([1, 2, 3]).bytes());
        assert!(queue.push(&burst([1, 2, 3])) && !queue.push(&burst([4])));
        assert_eq!(rev(&next(&queue).unwrap()), Some(1));
        assert!(queue.push(&burst([4])), "what is taken makes room");
        let forgets = thread::spawn({
            let queue = Arc::clone(&queue);
            move || {
                queue.forget(room());
                queue.push(&burst([5]));
            }
        });
        let (mut taken, mut out) = (Vec::new(), VecDeque::new());
        while taken.last() != Some(&Some(5)) {
            block_on(poll_fn(|cx| queue.poll_take(cx, &mut out))).unwrap();
            taken.extend(out.drain(..).flat_map(|burst| burst.frames().to_vec()).map(|frame| rev(&frame)));
        }
        assert!(taken == [Some(5)] || taken == [2, 3, 4, 5].map(Some), "{taken:?}");
        forgets.join().unwrap();
    });
}
