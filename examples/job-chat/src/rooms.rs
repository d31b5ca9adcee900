//! Where the marketplace and the chat meet: every job has a room, with the people who have to do with the job.

use std::collections::BTreeSet;

use chat_core::{AddParticipant, CreateRoom, Engine, RemoveParticipant, RoomKey, SendMessage, UserId};
use tokio::sync::Mutex;

use crate::{database::Database, jobs, people::Person, problem::Problem};

/// The rooms of the jobs.
#[derive(Debug)]
pub(crate) struct JobRooms {
    engine: Engine,
    database: Database,
    /// One at a time, so that nobody makes a room follow what the job was a moment ago.
    turn: Mutex<()>,
}

impl JobRooms {
    pub(crate) fn new(engine: Engine, database: Database) -> Self {
        Self { engine, database, turn: Mutex::new(()) }
    }

    /// The same for every job: what a crash kept from the chat is made up for when the program starts.
    pub(crate) async fn follow_all(&self) -> Result<(), Problem> {
        for job in self.database.call(|connection| jobs::numbers(connection)).await? {
            self.follow(job).await?;
        }
        Ok(())
    }

    /// Makes the chat as the job is: its room, its people, its notes. Doing that twice changes nothing, for a room is
    /// found by its key and a note is posted under a name.
    pub(crate) async fn follow(&self, id: i64) -> Result<(), Problem> {
        let _turn = self.turn.lock().await;
        let read = move |connection: &mut rusqlite::Connection| {
            Ok::<_, Problem>((jobs::job(connection, id)?, jobs::notes(connection, id)?))
        };
        let (job, notes) = self.database.call(read).await?;
        let host = self.engine.host();
        let people = [participant(&job.client)?, participant(&job.cleaner)?];

        let room = CreateRoom::keyed(key(id)?).named(&job.title);
        let room = host.create_room(people.iter().cloned().fold(room, CreateRoom::with)).await?.info.id;

        let there = host.participants(&room, None, None).await?.results;
        let there: BTreeSet<UserId> = there.into_iter().map(|participant| participant.user_id).collect();
        for user_id in there.iter().filter(|user| people.iter().all(|person| person.user_id != **user)) {
            host.remove_participant(&room, RemoveParticipant { user_id: user_id.clone(), client_id: None }).await?;
        }
        for person in people.into_iter().filter(|person| !there.contains(&person.user_id)) {
            host.add_participant(&room, person).await?;
        }
        for (note, text) in notes {
            let name = format!("note-{note}").parse()?;
            host.send(&room, SendMessage::system(text).with_client_id(name)).await?;
        }
        Ok(())
    }
}

/// The key of a job's room.
pub(crate) fn key(job: i64) -> Result<RoomKey, chat_core::Error> {
    format!("job:{job}").parse()
}

fn participant(person: &Person) -> Result<AddParticipant, chat_core::Error> {
    Ok(AddParticipant::new(UserId::new(&person.id)?).named(&person.name))
}
