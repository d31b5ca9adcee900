//! Unread, held against counting, over far more messages than one block of a tally has places.

use chat_core::{
    Member, Role, Store as _, UserId,
    store::{Applied, MarkerMove, MarkerTo, RoomSelector, Viewer, Visible, Write},
};
use chat_sqlite::{Options, SqliteStore, Synchronous};
use chat_testkit::{
    SeededRandom,
    cast::{alice, bob, carol, message_id, room_id},
    commits::{commit, create, end, join, join_seeing, note, post, say, set_marker},
};

use crate::file::Place;

const STEPS: u64 = 10_000;
const BATCH: u64 = 10;

/// A message as the test remembers it.
#[derive(Clone)]
struct Said {
    /// Nobody for one that is never unread.
    by: Option<UserId>,
    live: bool,
}

#[tokio::test]
async fn unread_is_what_counting_says_over_ten_thousand_random_steps() {
    let seed = std::env::var("CHAT_SEED").map_or(20_261_125, |text| text.parse().unwrap());
    println!("CHAT_SEED={seed}");
    let (place, random) = (Place::new(), SeededRandom::new(seed));
    // How durable it is makes no difference here.
    let options = Options { synchronous: Synchronous::Normal, ..Options::default() };
    let store = SqliteStore::open_with(place.path(), options).unwrap();
    let people = [alice(), bob(), carol()];
    let joins = people.iter().map(|user| join(user, Role::Member));
    let made = store.commit(vec![commit(room_id(1), std::iter::once(create()).chain(joins).collect::<Vec<_>>())]).await;
    assert!(made[0].is_ok());

    let mut said: Vec<Said> = Vec::new();
    for _ in 0..STEPS / BATCH {
        let (mut commits, mut marked) = (Vec::new(), Vec::new());
        for _ in 0..BATCH {
            let write = step(&random, &people, &mut said);
            marked.push(matches!(write, Write::Mark(_)).then(|| said.clone()));
            commits.push(commit(room_id(1), [write]));
        }
        // What the writer says of somebody whose marker moved, in the midst of a transaction.
        for (answer, said) in store.commit(commits).await.into_iter().zip(marked) {
            if let (Ok(Applied::Done(done)), Some(said)) = (answer, said) {
                for told in done.registers {
                    assert_eq!(told.unread, counted(&said, &told.member));
                }
            }
        }
        for user in &people {
            let view = store.view(&RoomSelector::Id(room_id(1)), std::slice::from_ref(user)).await;
            let member = view.unwrap().unwrap().members[0].clone().unwrap();
            let expected = if member.is_active() { counted(&said, &member) } else { 0 };
            assert_eq!(store.unread(user).await, Ok(expected), "{user} after {} messages", said.len());
        }
    }
    let stored = store
        .history(Viewer::Host, &RoomSelector::Id(room_id(1)), chat_core::Window::Latest, 1)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(stored.messages[0].seq, said.len() as u64);
    assert!(said.len() > 4_096 && said.iter().any(|said| !said.live), "the story was too short to show anything");
    store.close().await.unwrap();
}

fn counted(said: &[Said], member: &Member) -> u64 {
    let counts = |said: &&Said| said.live && said.by.as_ref().is_some_and(|by| *by != member.user);
    said.iter().skip(usize::try_from(member.unread_floor()).expect("small")).filter(counts).count() as u64
}

fn step(random: &SeededRandom, people: &[UserId; 3], said: &mut Vec<Said>) -> Write {
    let user = &people[usize::try_from(random.below(3)).expect("small")];
    let (last, id) = (said.len() as u64, message_id(said.len() as u64));
    match random.below(100) {
        0..35 => {
            said.push(Said { by: Some(user.clone()), live: true });
            say(id, user, "hi")
        }
        35..65 => {
            said.push(Said { by: Some(user.clone()), live: true });
            post(id, user, "hi")
        }
        65..68 => {
            said.push(Said { by: None, live: true });
            note(id, "moved to Friday")
        }
        68..85 if last > 0 => {
            let at = random.below(last);
            said[usize::try_from(at).expect("small")].live = false;
            // Who is deleted twice is refused the second time, which changes nothing.
            Write::Delete(message_id(at))
        }
        85..90 => Write::Mark(set_marker(user, random.below(last + 1))),
        90..97 => Write::Mark(MarkerMove {
            user: user.clone(),
            delivered: None,
            read: Some(random.below(last + 1)),
            marker: Some(MarkerTo::AtLeast(random.below(last + 1))),
        }),
        97 => end(user),
        98 => join_seeing(user, Role::Member, Visible::SinceJoined),
        _ => join_seeing(user, Role::Member, Visible::From(random.below(last + 2))),
    }
}
