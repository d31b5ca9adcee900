//! One file, opened, and what is read from it.

use std::{fs::File, io, time::Instant};

use anyhow::{Result, ensure};
use chat_core::{Cursor, Engine, Options, RoomId, RoomRef, SendMessage, Session, Subscribed, Sync, Window};

use crate::{figures::Setting, message, spread::Spread, store};

use super::{
    fill::{self, ROOMS_OF_ONE, Shape},
    sql::{self, Sql},
};

/// How many messages later than its cursor a reader comes back.
const MISSED: u64 = 20;

/// In how many rooms something is missed.
const CHANGED: usize = 10;

/// How many rooms one `subscribe` takes.
const AT_ONCE: usize = 100;

/// What is read.
#[derive(Clone, Copy)]
pub(super) enum Read {
    LatestPage,
    OldPage,
    Room,
    UnreadInAll,
    RoomList,
    Resume,
}

/// Whose rooms are read, one after the other.
#[derive(Clone, Copy)]
pub(super) enum Whose {
    /// Those of one reader, far apart in the file. Their pages stay in the library's cache.
    One,
    /// Those of all readers: every room there is, so that no cache but the machine's holds them.
    All,
}

type Positions = Vec<(RoomRef, Option<Cursor>)>;

/// One file, opened.
pub(super) struct Stored {
    shape: Shape,
    engine: Engine,
    sql: Sql,
    /// Every room, and the number of its reader. They come by reader.
    rooms: Vec<(RoomId, u64)>,
    /// Where readers were before the last [`MISSED`] messages.
    behind: Vec<(RoomId, u64, Cursor)>,
    /// Where who is in many rooms was before the last message of [`CHANGED`] of them, which come first.
    many: Positions,
    /// How many reads there were.
    reads: u64,
}

impl Stored {
    /// Opens the file of this size, and makes it first if it is not there.
    pub(super) async fn open(setting: &Setting, messages: u64) -> Result<Self> {
        let shape = Shape::of(messages);
        let data = fill::file(&setting.data, shape)?;
        // What the machine's disk takes is not the question: from here on, the machine has the file in memory.
        io::copy(&mut File::open(&data)?, &mut io::sink())?;
        let engine = Engine::open(store::open(&data)?, Options::default());
        let mut rooms = Vec::new();
        for number in 0..shape.readers() {
            let mine = engine.session(&fill::reader(number)).rooms(None, Some(ROOMS_OF_ONE as usize)).await?;
            ensure!(mine.results.len() as u64 == ROOMS_OF_ONE, "a reader has {} rooms", mine.results.len());
            rooms.extend(mine.results.iter().map(|room| (room.info.id, number)));
        }
        let mut behind = Vec::with_capacity(CHANGED);
        for (room, number) in rooms.iter().copied().step_by(rooms.len() / CHANGED) {
            behind.push((room, number, engine.session(&fill::reader(number)).room(room).await?.cursor));
            say(&engine, &room.into(), MISSED).await?;
        }
        let mut many = positions(&engine.session(&fill::many())).await?;
        let is_behind = |room: &RoomRef| behind.iter().any(|(other, ..)| *room == RoomRef::Id(*other));
        many.sort_by_key(|(room, _)| is_behind(room));
        for (room, _) in many.iter().take(CHANGED) {
            say(&engine, room, 1).await?;
        }
        Ok(Self { shape, engine, sql: Sql::open(&data)?, rooms, behind, many, reads: 0 })
    }

    pub(super) async fn close(self) -> Result<()> {
        Ok(self.engine.close().await?)
    }

    /// Half of so many reads of this kind take less than this many microseconds.
    pub(super) async fn time(&mut self, read: Read, whose: Whose, count: usize) -> Result<f64> {
        let mut times = Vec::with_capacity(count);
        for _ in 0..count {
            let (room, number) = self.next(whose);
            let mine = self.engine.session(&fill::reader(number));
            let begun = Instant::now();
            self.read(read, &mine, room).await?;
            times.push(begun.elapsed().as_secs_f64() * 1e6);
        }
        Ok(Spread::of(times).median)
    }

    async fn read(&self, read: Read, mine: &Session, room: RoomId) -> Result<()> {
        match read {
            Read::LatestPage => {
                ensure!(mine.history(room, Window::Latest, Some(50)).await?.results.len() == 50, "a short page");
            }
            Read::OldPage => {
                let middle = self.shape.in_room() / 2 + 1;
                let page = mine.history(room, Window::Before(middle), Some(50)).await?;
                ensure!(page.results.len() == 50, "a short page");
            }
            Read::Room => ensure!(mine.room(room).await?.unread_count > 0, "nothing is unread"),
            Read::UnreadInAll => ensure!(mine.unread().await? > 0, "nothing is unread"),
            Read::RoomList => ensure!(mine.rooms(None, Some(50)).await?.results.len() == 50, "a short list"),
            Read::Resume => {
                let (room, number, cursor) = self.behind[self.reads as usize % CHANGED];
                let positions = vec![(room.into(), Some(cursor))];
                let changes = resume(&self.engine.session(&fill::reader(number)), positions).await?;
                ensure!(changes as u64 == MISSED, "{changes} changes");
            }
        }
        Ok(())
    }

    /// The same of the latest page by SQL alone.
    pub(super) fn time_sql(&mut self, count: usize) -> Result<f64> {
        let mut times = Vec::with_capacity(count);
        for _ in 0..count {
            let (room, _) = self.next(Whose::All);
            let number = self.sql.number(room)?;
            let mut statement = self.sql.statement()?;
            let begun = Instant::now();
            let page = sql::page(&mut statement, room, number)?;
            times.push(begun.elapsed().as_secs_f64() * 1e6);
            ensure!(page.len() == 50, "a short page");
        }
        Ok(Spread::of(times).median)
    }

    /// The milliseconds of a resume of many rooms, and of only those that changed: of so many the middle one.
    pub(super) async fn time_resumes(&self, count: usize) -> Result<(f64, f64)> {
        let mine = self.engine.session(&fill::many());
        let (mut all, mut changed) = (Vec::with_capacity(count), Vec::with_capacity(count));
        for _ in 0..count {
            for (positions, times) in [(&self.many[..], &mut all), (&self.many[..CHANGED], &mut changed)] {
                let positions = positions.to_vec();
                let begun = Instant::now();
                let changes = resume(&mine, positions).await?;
                times.push(begun.elapsed().as_secs_f64() * 1e3);
                ensure!(changes == CHANGED, "{changes} changes");
            }
        }
        Ok((Spread::of(all).median, Spread::of(changed).median))
    }

    /// The next room.
    fn next(&mut self, whose: Whose) -> (RoomId, u64) {
        self.reads += 1;
        let among = match whose {
            Whose::One => ROOMS_OF_ONE,
            Whose::All => self.rooms.len() as u64,
        };
        // The step is prime, and no number of rooms is a multiple of it.
        self.rooms[(self.reads * 7_919 % among) as usize]
    }
}

/// Somebody's rooms, with where they are now.
async fn positions(mine: &Session) -> Result<Positions> {
    let (mut found, mut next) = (Vec::new(), None);
    loop {
        let page = mine.rooms(next.as_deref(), Some(200)).await?;
        found.extend(page.results.into_iter().map(|room| (room.info.id.into(), Some(room.cursor))));
        next = page.next;
        if next.is_none() {
            return Ok(found);
        }
    }
}

async fn say(engine: &Engine, room: &RoomRef, messages: u64) -> Result<()> {
    for n in 0..messages {
        engine.session(&fill::writer()).send(room.clone(), SendMessage::text(message::text(1, n))).await?;
    }
    Ok(())
}

/// Opens rooms from where one was; how many changes came.
async fn resume(mine: &Session, positions: Positions) -> Result<usize> {
    let (mut live, mut changes) = (mine.live(), 0);
    for some in positions.chunks(AT_ONCE) {
        for room in live.subscribe(some.to_vec()).await? {
            let Subscribed::Open(opened) = room else { anyhow::bail!("a room is gone") };
            match opened.sync {
                Sync::Same { .. } => {}
                Sync::Changes { changes: came, .. } => changes += came.len(),
                Sync::Snapshot { .. } => anyhow::bail!("a cursor does not fit"),
            }
        }
    }
    Ok(changes)
}
