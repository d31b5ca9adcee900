//! A disk that remembers what was done to it, and fails when it is told to.

use std::{
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
};

use chat_testkit::SeededRandom;
use rusqlite::ffi::{
    SQLITE_FULL, SQLITE_IOERR_DELETE, SQLITE_IOERR_FSYNC, SQLITE_IOERR_READ, SQLITE_IOERR_TRUNCATE, SQLITE_IOERR_WRITE,
};

/// What a disk writes whole or not at all.
const SECTOR: usize = 512;

/// One of the database's files. What else SQLite keeps beside it is made anew after a crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum File {
    Main,
    Log,
    /// The database that is being made, before it gets its name; and the journal beside that.
    New,
    Journal,
}

impl File {
    pub(crate) fn of(path: &Path) -> Option<Self> {
        match path.file_name()?.to_str()? {
            "chat.db" => Some(Self::Main),
            "chat.db-wal" => Some(Self::Log),
            "chat.db.new" => Some(Self::New),
            "chat.db.new-journal" => Some(Self::Journal),
            _ => None,
        }
    }
}

/// Something that was done.
#[derive(Clone, Debug)]
pub(crate) enum Done {
    Write(File, u64, Vec<u8>),
    Truncate(File, u64),
    Delete(File),
    Sync(File),
    /// Somebody was told that this many steps are stored.
    Told(usize),
}

impl Done {
    /// Whether it was done to this file.
    pub(crate) fn is_of(&self, wanted: File) -> bool {
        match self {
            Self::Write(file, ..) | Self::Truncate(file, _) | Self::Delete(file) | Self::Sync(file) => *file == wanted,
            Self::Told(_) => false,
        }
    }
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The operating system cannot write.
    Broken,
    /// There is no room.
    Full,
    /// The operating system cannot read.
    Unreadable,
    /// A write is said to be done, and is not: what no store can do anything about, but what must be seen.
    Silent,
}

/// Whether a write is done that is said to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    Yes,
    No,
}

#[derive(Debug, Default)]
struct State {
    done: Vec<Done>,
    /// How many calls came that change something, and how many that read.
    calls: usize,
    reads: usize,
    /// From which call on what goes wrong, and for how many calls.
    failing: Option<(usize, usize, Fault)>,
    failed: usize,
    /// Syncs are said to be done, and are not.
    lies: bool,
}

impl State {
    /// What is wrong with the call of this number.
    fn fault_at(&self, call: usize) -> Option<Fault> {
        let (first, calls, fault) = self.failing?;
        (first..first.saturating_add(calls)).contains(&call).then_some(fault)
    }

    fn fails(&mut self, code: i32) -> i32 {
        self.failed += 1;
        code
    }
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Disk {
    state: Mutex<State>,
}

impl Disk {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on a sync does nothing.
    pub(crate) fn lie(&self) {
        self.state().lies = true;
    }

    /// Lets `calls` calls fail, after the next `after` ones: those that read, or those that change something.
    pub(crate) fn fail(&self, after: usize, calls: usize, fault: Fault) {
        let mut state = self.state();
        let first = after + if fault == Fault::Unreadable { state.reads } else { state.calls };
        state.failing = Some((first, calls, fault));
        state.failed = 0;
    }

    /// How many calls came that change something.
    pub(crate) fn calls(&self) -> usize {
        self.state().calls
    }

    /// How many calls came that read.
    pub(crate) fn reads(&self) -> usize {
        self.state().reads
    }

    /// Lets nothing fail any more; how many calls did.
    pub(crate) fn heal(&self) -> usize {
        let mut state = self.state();
        state.failing = None;
        state.failed
    }

    /// Notes that somebody was told of `steps` steps.
    pub(crate) fn told(&self, steps: usize) {
        self.state().done.push(Done::Told(steps));
    }

    /// Everything that was done.
    pub(crate) fn done(&self) -> Vec<Done> {
        std::mem::take(&mut self.state().done)
    }

    fn call(&self, done: Done, broken: i32) -> Result<Kept, i32> {
        let mut state = self.state();
        let call = state.calls;
        state.calls += 1;
        // A full disk still syncs and shortens.
        let is_write = matches!(done, Done::Write(..));
        let fault = state.fault_at(call).filter(|fault| *fault == Fault::Broken || is_write);
        match fault {
            Some(Fault::Broken) => return Err(state.fails(broken)),
            Some(Fault::Full) => return Err(state.fails(SQLITE_FULL)),
            Some(Fault::Silent) => {
                state.fails(0);
                return Ok(Kept::No);
            }
            Some(Fault::Unreadable) | None => {}
        }
        if !(state.lies && matches!(done, Done::Sync(_))) {
            state.done.push(done);
        }
        Ok(Kept::Yes)
    }

    pub(crate) fn read(&self) -> Result<(), i32> {
        let mut state = self.state();
        let read = state.reads;
        state.reads += 1;
        match state.fault_at(read) {
            Some(Fault::Unreadable) => Err(state.fails(SQLITE_IOERR_READ)),
            _ => Ok(()),
        }
    }

    pub(crate) fn write(&self, file: File, at: u64, content: &[u8]) -> Result<Kept, i32> {
        self.call(Done::Write(file, at, content.to_vec()), SQLITE_IOERR_WRITE)
    }

    pub(crate) fn truncate(&self, file: File, size: u64) -> Result<(), i32> {
        self.call(Done::Truncate(file, size), SQLITE_IOERR_TRUNCATE).map(drop)
    }

    pub(crate) fn sync(&self, file: File) -> Result<(), i32> {
        self.call(Done::Sync(file), SQLITE_IOERR_FSYNC).map(drop)
    }

    pub(crate) fn delete(&self, file: File, sync: bool) -> Result<(), i32> {
        self.call(Done::Delete(file), SQLITE_IOERR_DELETE)?;
        if sync { self.sync(file) } else { Ok(()) }
    }
}

/// A file after a power cut: what is certain, and what was done since and is not.
#[derive(Clone, Debug, Default)]
pub(crate) struct Remains {
    certain: Option<Vec<u8>>,
    since: Vec<Done>,
}

impl Remains {
    /// A file that is on the disk as it is.
    pub(crate) fn of(content: Option<Vec<u8>>) -> Self {
        Self { certain: content, since: Vec::new() }
    }

    /// What becomes of it with one more thing done.
    pub(crate) fn take(&mut self, done: Done) {
        if matches!(done, Done::Sync(_)) {
            for done in std::mem::take(&mut self.since) {
                apply(&mut self.certain, &done);
            }
        } else {
            self.since.push(done);
        }
    }

    /// Whether all that was done is on the disk.
    pub(crate) fn is_certain(&self) -> bool {
        self.since.is_empty()
    }

    /// What may be found after a cut now: of what was not synced, each part whole, torn or not at all.
    pub(crate) fn found(&self, dice: &SeededRandom) -> Option<Vec<u8>> {
        let mut content = self.certain.clone();
        // Some cuts lose everything, some little.
        let kept = dice.below(4);
        for done in &self.since {
            let keeps = dice.below(3) < kept;
            match done {
                // The name leads to the old file still: what came after went into one that has no name.
                Done::Delete(_) if !keeps => break,
                Done::Write(file, at, bytes) if !keeps && dice.below(4) == 0 => {
                    for (n, sector) in bytes.chunks(SECTOR).enumerate().filter(|_| dice.below(2) == 0) {
                        let at = at + (n * SECTOR) as u64;
                        apply(&mut content, &Done::Write(*file, at, sector.to_vec()));
                    }
                }
                done if keeps => apply(&mut content, done),
                _ => {}
            }
        }
        content
    }
}

fn apply(content: &mut Option<Vec<u8>>, done: &Done) {
    match done {
        Done::Write(_, at, bytes) => {
            let content = content.get_or_insert_default();
            let at = usize::try_from(*at).expect("a place in memory");
            content.resize(content.len().max(at + bytes.len()), 0);
            content[at..at + bytes.len()].copy_from_slice(bytes);
        }
        Done::Truncate(_, size) => content.get_or_insert_default().resize(usize::try_from(*size).expect("a size"), 0),
        Done::Delete(_) => *content = None,
        Done::Sync(_) | Done::Told(_) => {}
    }
}
