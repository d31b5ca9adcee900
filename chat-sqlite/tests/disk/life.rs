//! A life to interrupt: what people do in a room, in steps that are each one request.

use chat_core::{
    Role, Store,
    store::{Commit, Write},
};
use chat_testkit::{
    SeededRandom,
    cast::{alice, bob, carol, message_id, room_id},
    commits::{self, CommitExt as _, at, commit},
};

/// Steps of one life.
pub(crate) const STEPS: usize = 40;

/// The requests of a life; a request has one to four commits. Whatever is refused is refused everywhere.
pub(crate) fn steps(dice: &SeededRandom) -> Vec<Vec<Commit>> {
    let mut said = 0;
    let mut time = 0;
    let people = [alice(), bob(), carol()];
    let mut steps = vec![vec![commit(
        room_id(1),
        [commits::create(), commits::join(&alice(), Role::Owner), commits::join(&bob(), Role::Member)],
    )]];
    while steps.len() < STEPS {
        let step = (0..=dice.below(4)).map(|_| {
            time += 1;
            let who = &people[usize::try_from(dice.below(3)).expect("one of three")];
            let old = message_id(dice.below(said + 1));
            let write = match dice.below(10) {
                0 => commits::edit(old, "what I meant"),
                1 => Write::Delete(old),
                2 => Write::Mark(commits::read_to(who, dice.below(said + 1))),
                3 => commits::join(&carol(), Role::Member),
                4 => commits::end(&carol()),
                5 => commits::rename(&format!("room {time}")),
                _ => {
                    said += 1;
                    // Some are larger than a page.
                    let length = if dice.below(4) == 0 { 9_000 } else { 20 };
                    let text = format!("{said} {}", "x".repeat(length));
                    commits::say(message_id(said), who, &text)
                }
            };
            commit(room_id(1), [write]).by(who).at(at(time)).named(&format!("op {time}"), time)
        });
        steps.push(step.collect());
    }
    steps
}

/// Takes a step; whether the store could.
pub(crate) async fn take(store: &dyn Store, step: &[Commit]) -> bool {
    let answers = store.commit(step.to_vec()).await;
    answers.iter().all(|answer| !matches!(answer, Err(chat_core::store::CommitError::Failed(_))))
}
