//! The people, jobs and first words that a fresh file begins with, so that there is something to see.

use chat_core::{Clock as _, Engine, MarkKind, SendMessage, SystemClock, UserId};

use crate::{
    database::Database,
    jobs::{self, Step},
    login,
    people::{self, Person},
    problem::Problem,
    rooms,
};

/// The password of everybody here.
const PASSWORD: &str = "testpass123";

/// Id, name, role; the address is `ID@test.com`.
const PEOPLE: [(&str, &str, &str); 4] = [
    ("client1", "Clara Novak", "client"),
    ("client2", "Ben Haas", "client"),
    ("cleaner1", "Kim Osei", "cleaner"),
    ("cleaner2", "Lina Sato", "cleaner"),
];

/// Number, title, address, in how many hours, whose, and the steps that it has gone.
type Seed = (i64, &'static str, &'static str, i64, [&'static str; 2], &'static [Step]);

const JOBS: [Seed; 6] = [
    (41, "Move-out clean, third floor", "22 Canal Street", -2, ["client1", "cleaner1"], &[Step::Confirm, Step::Start]),
    (42, "Deep clean, two-room flat", "7 Orchard Lane", 20, ["client1", "cleaner1"], &[Step::Confirm]),
    (43, "Office, every week", "Harbour House, 4th floor", 70, ["client1", "cleaner1"], &[]),
    (44, "Windows and balcony", "7 Orchard Lane", 98, ["client1", "cleaner2"], &[Step::Confirm]),
    (45, "Holiday flat, changeover", "3 Beach Road", 26, ["client2", "cleaner1"], &[]),
    (
        46,
        "Kitchen and bathroom",
        "7 Orchard Lane",
        -190,
        ["client1", "cleaner2"],
        &[Step::Confirm, Step::Start, Step::Finish],
    ),
];

/// Job, who, and what they say.
const TALK: [(i64, &str, &str); 19] = [
    (46, "cleaner2", "All done! I left the keys in the letter box."),
    (46, "client1", "It looks wonderful, thank you 🙏"),
    (44, "client1", "Hello Lina! It is six windows and the balcony door."),
    (44, "client1", "The last time was in spring, so there is some pollen."),
    (44, "cleaner2", "No problem, about two hours then."),
    (44, "cleaner2", "Shall I bring the long ladder?"),
    (
        44,
        "client1",
        "Yes please, the upper panes are high. I wrote down how to get in: https://example.com/orchard-lane-7",
    ),
    (44, "cleaner2", "Perfect 👍"),
    (44, "cleaner2", "One more thing: is there water on the balcony?"),
    (42, "client1", "Hello Kim! The door code is 4711, the bell does not work."),
    (42, "cleaner1", "Thanks, noted. I will be there at nine."),
    (41, "cleaner1", "I am in. The oven will take a while."),
    (41, "client1", "No hurry, the handover is at five."),
    (41, "client1", "Did you find the spare bulbs?"),
    (41, "cleaner1", "Yes, in the hall. All lamps work again 💡"),
    (41, "client1", "Great, thank you!"),
    (41, "cleaner1", "Kitchen and bath are done, now the bedrooms."),
    (41, "cleaner1", "Found an earring behind the sofa, it is on the window sill."),
    (45, "client2", "Hi Kim, the next guests come at four. Is noon all right?"),
];

/// Who has not read how many of the last words, so that something is unread: everybody else has read all.
const UNREAD: [(i64, &str, u64); 3] = [(44, "client1", 2), (41, "client1", 2), (45, "cleaner1", 1)];

/// Fills a fresh file; whether it was one.
pub(crate) async fn people_and_jobs(database: &Database) -> Result<bool, Problem> {
    let now = SystemClock.now().as_millis();
    let fill = move |connection: &mut rusqlite::Connection| {
        let all = connection.transaction()?;
        if all.query_row("SELECT EXISTS (SELECT * FROM people)", [], |row| row.get(0))? {
            return Ok(false);
        }
        for (id, name, role) in PEOPLE {
            let person = Person { id: id.into(), name: name.into(), role: role.into() };
            people::add(&all, &person, &format!("{id}@test.com"), &login::hash(PASSWORD)?)?;
        }
        for (id, title, address, hours, [client, cleaner], _) in JOBS {
            jobs::add(&all, (id, title, address, next_hour(now) + hours * HOUR), (client, cleaner))?;
        }
        all.commit()?;
        for (id, _, _, _, [_, cleaner], steps) in JOBS {
            for step in steps {
                jobs::take(connection, id, cleaner, *step)?;
            }
        }
        Ok(true)
    };
    database.call(fill).await
}

/// The first words in the chats.
pub(crate) async fn talk(engine: &Engine) -> Result<(), Problem> {
    for (n, (job, who, text)) in TALK.into_iter().enumerate() {
        let name = format!("seed-{n}").parse()?;
        let message = SendMessage::text(text).on_behalf_of(UserId::new(who)?).with_client_id(name);
        engine.host().send(rooms::key(job)?, message).await?;
    }
    for (job, _, _, _, people, _) in JOBS {
        let last = engine.host().room(rooms::key(job)?).await?.last_seq;
        for who in people {
            let unread =
                UNREAD.iter().find(|(of, whose, _)| (*of, *whose) == (job, who)).map_or(0, |(_, _, count)| *count);
            let read = last.saturating_sub(unread);
            engine.session(&UserId::new(who)?).mark(rooms::key(job)?, MarkKind::Read, read).await?;
        }
    }
    Ok(())
}

const HOUR: i64 = 60 * 60 * 1_000;

const fn next_hour(now: i64) -> i64 {
    now - now % HOUR + HOUR
}
