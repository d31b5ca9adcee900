//! Whoever waits for the engine may stop waiting at any moment: each public async method is given up at each of its
//! awaits in turn. What it does is then done whole or not at all, is done once when it is asked for again, and holds
//! nothing and nobody up.

#![allow(clippy::unwrap_used, reason = "the helpers of tests are tests too")]

mod methods;
mod planted;
mod world;

use std::{collections::BTreeSet, fs, path::Path, sync::Arc};

use chat_core::{CreateRoom, Error, MemoryStore, SendMessage, Store};
use chat_testkit::{cast::bob, difference};

use methods::{Does, LIFE, METHODS};
use world::{World, give_up_after, in_time, slow, waiting};

/// The methods that the sources have, by name.
fn public_async_methods(folder: &Path, into: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            public_async_methods(&path, into);
        } else {
            let source = fs::read_to_string(path).unwrap();
            let names = source.split("pub async fn ").skip(1).filter_map(|rest| rest.split(['(', '<']).next());
            into.extend(names.map(str::to_owned));
        }
    }
}

#[test]
fn no_public_async_method_is_left_out() {
    let mut methods = BTreeSet::new();
    public_async_methods(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../chat-core/src"), &mut methods);
    let covered: BTreeSet<_> = METHODS.iter().map(|(name, _)| *name).chain(LIFE).map(str::to_owned).collect();
    assert_eq!(covered, methods);
}

/// Gives a method up at each moment in turn, and does it again; returns how many moments it has.
async fn given_up_at_each_moment(name: &str, does: Does) -> usize {
    let mut w = World::begin().await;
    let before = w.stored().await;
    in_time(does(&mut w)).await.unwrap();
    let after = w.stored().await;
    let told = waiting(&mut w.watcher);
    for polls in 1.. {
        let case = format!("{name}, given up after {polls} polls");
        let mut w = World::begin().await;
        if give_up_after(polls, does(&mut w)).await.is_some() {
            return polls - 1;
        }
        assert_eq!(w.present_elsewhere().await, [bob()], "{case}: no room is open that was not");
        let left = w.stored().await;
        let whole = difference(&left, &after);
        assert!(whole.is_none() || difference(&left, &before).is_none(), "{case}: half is done: {whole:?}");
        w.goes_on_and_ends(&case).await;

        let mut w = World::begin().await;
        give_up_after(polls, does(&mut w)).await;
        assert_eq!(in_time(does(&mut w)).await, Ok(()), "{case}: it is done again");
        assert_eq!(difference(&w.stored().await, &after), None, "{case}: it is done once");
        assert_eq!(waiting(&mut w.watcher), told, "{case}: it is told once");
        w.goes_on_and_ends(&case).await;
    }
    unreachable!("a future that is polled for ever ends")
}

#[tokio::test(start_paused = true)]
async fn whatever_is_given_up_is_done_whole_or_not_at_all_and_once_when_it_is_done_again() {
    for (name, does) in METHODS {
        let moments = given_up_at_each_moment(name, *does).await;
        println!("{moments} moments: {name}");
        assert!(moments > 0, "{name} waits for something");
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_breaks_has_done_what_came_first_and_the_next_one_does_the_rest() {
    let texts = ["one", "two", "three", "four"];
    for polls in 1.. {
        let case = format!("broken after {polls} polls");
        let mut w = World::begin().await;
        let broken = give_up_after(polls, w.wires(&texts)).await.is_none();
        w.reconnects();
        w.stored().await;
        let said = w.said().await;
        assert!(said.iter().eq(&texts[..said.len()]), "{case}: {said:?}");
        w.wires(&texts).await.unwrap();
        assert_eq!(w.said().await, texts, "{case}");
        w.goes_on_and_ends(&case).await;
        if !broken {
            return println!("{} moments: a connection", polls - 1);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn who_gives_up_suspending_suspends_it_by_doing_so_again() {
    for polls in 1.. {
        let w = World::begin().await;
        let given_up = give_up_after(polls, w.engine.suspend()).await.is_none();
        assert_eq!(w.engine.suspend().await, Ok(()), "after {polls} polls");
        assert_eq!(w.alice.unread().await, Err(Error::Suspended), "after {polls} polls");
        w.engine.resume(Arc::new(MemoryStore::default())).await.unwrap();
        w.engine.host().create_room(CreateRoom::group()).await.unwrap();
        assert_eq!(in_time(w.engine.close()).await, Ok(()), "after {polls} polls");
        if !given_up {
            return println!("{} moments: suspend", polls - 1);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn who_gives_up_resuming_resumes_it_by_doing_so_again_if_it_was_not() {
    for polls in 1.. {
        let w = World::begin().await;
        w.engine.suspend().await.unwrap();
        let stores: [Arc<dyn Store>; 2] = [Arc::new(MemoryStore::default()), Arc::new(MemoryStore::default())];
        let given_up = give_up_after(polls, w.engine.resume(slow(Arc::clone(&stores[0])))).await.is_none();
        match w.engine.resume(slow(Arc::clone(&stores[1]))).await {
            Ok(()) | Err(Error::Conflict { .. }) => {}
            other => panic!("{other:?} after {polls} polls"),
        }
        w.engine.host().create_room(CreateRoom::group()).await.unwrap();
        assert_eq!(in_time(w.engine.close()).await, Ok(()), "after {polls} polls");
        drop(w);
        assert!(stores.iter().all(|store| Arc::strong_count(store) == 1), "neither is held after {polls} polls");
        if !given_up {
            return println!("{} moments: resume", polls - 1);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn who_gives_up_closing_takes_nothing_back() {
    for polls in 1.. {
        let w = World::begin().await;
        let given_up = give_up_after(polls, w.engine.close()).await.is_none();
        let late = w.alice.send(w.room, SendMessage::text("late")).await;
        assert_eq!(late.unwrap_err(), Error::Draining, "after {polls} polls");
        assert_eq!(in_time(w.engine.close()).await, Ok(()), "after {polls} polls");
        let store = Arc::clone(&w.store);
        drop(w);
        assert_eq!(Arc::strong_count(&store), 1, "nothing holds the store after {polls} polls");
        if !given_up {
            return println!("{} moments: close", polls - 1);
        }
    }
}
