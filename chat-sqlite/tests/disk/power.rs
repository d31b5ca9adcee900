//! Power cuts at any point of a life: what was acknowledged is there afterwards.
//!
//! `CHAT_POWER_CUTS` asks for more cuts, `CHAT_POWER_SEED` for other ones. That a lost sync is seen is shown by two
//! planted ones: a disk that lies about syncs, and the option that leaves them out.

use std::{fs, sync::Arc};

use chat_core::{MemoryStore, Store};
use chat_sqlite::{Options, SqliteStore, Synchronous};
use chat_testkit::{
    SeededRandom,
    cast::{alice, bob, carol},
    picture,
};
use tempfile::TempDir;

use crate::{
    disk::{Disk, Done, File, Remains},
    life::{steps, take},
    vfs::watch,
};

/// How many cuts are tried; and how many of them in one life.
const CUTS: usize = 100;
const IN_ONE_LIFE: usize = 50;

/// After how many steps the store is closed and opened again, which writes the log back into the file.
const SESSION: usize = 13;

/// A life, as a disk remembers it.
struct Life {
    options: Options,
    /// The file from which it began.
    file: Vec<u8>,
    done: Vec<Done>,
    /// What could be read after each number of steps.
    pictures: Vec<String>,
}

/// What was found after a cut.
#[derive(Debug, PartialEq, Eq)]
enum Found {
    /// Everything that somebody was told is stored. The step under way may be there too, whole.
    Everything { and_one_more: bool },
    /// The state of an earlier moment: so many acknowledged steps are missing.
    Less(usize),
    /// A state that never was, or none.
    Damage(String),
}

/// The database, and its log.
type Files = (Option<Vec<u8>>, Option<Vec<u8>>);

/// Puts files into a folder of their own.
fn put((main, log): &Files) -> TempDir {
    let folder = TempDir::new().unwrap();
    for (name, content) in [("chat.db", main), ("chat.db-wal", log)] {
        if let Some(content) = content {
            fs::write(folder.path().join(name), content).unwrap();
        }
    }
    folder
}

fn options(synchronous: Synchronous) -> Options {
    Options { synchronous, readers: 1, cache_bytes: 1 << 20, ..Options::default() }
}

impl Life {
    async fn live(dice: &SeededRandom, synchronous: Synchronous, disk_lies: bool) -> Self {
        let (options, folder, disk) = (options(synchronous), TempDir::new().unwrap(), Arc::new(Disk::default()));
        let path = folder.path().join("chat.db");
        SqliteStore::open_with(&path, options.clone()).unwrap().close().await.unwrap();
        let file = fs::read(&path).unwrap();
        let watching = watch(folder.path(), &disk);
        if disk_lies {
            disk.lie();
        }
        let mut store = SqliteStore::open_with(&path, options.clone()).unwrap();
        let twin = MemoryStore::twin_of(&store);
        let mut pictures = vec![seen(&twin).await];
        for (n, step) in (1..).zip(steps(dice)) {
            assert!(take(&store, &step).await && take(&twin, &step).await);
            disk.told(n);
            pictures.push(seen(&twin).await);
            if n % SESSION == 0 {
                store.close().await.unwrap();
                store = SqliteStore::open_with(&path, options.clone()).unwrap();
            }
        }
        store.close().await.unwrap();
        drop(watching);
        Self { options, file, done: disk.done(), pictures }
    }

    /// Cuts the power after so many things were done, at `cuts` places, and looks at what is found.
    async fn cut(&self, dice: &SeededRandom, cuts: usize) -> Vec<(usize, Found)> {
        let mut places: Vec<_> = (0..cuts).map(|_| dice.below(self.done.len() as u64 + 1)).collect();
        places.sort_unstable();
        let (mut main, mut log, mut told) = (Remains::of(Some(self.file.clone())), Remains::default(), 0);
        let mut done = self.done.iter().cloned();
        let (mut past, mut found) = (0, Vec::new());
        for place in places {
            let more = usize::try_from(place - past).unwrap();
            for done in done.by_ref().take(more) {
                match done {
                    Done::Told(steps) => told = steps,
                    done if done.is_of(File::Main) => main.take(done),
                    done => log.take(done),
                }
            }
            past = place;
            let mut files = (main.found(dice), log.found(dice));
            if dice.below(4) == 0 {
                // The power is back, and goes again while the file is opened or closed.
                files = self.cut_again(dice, files).await;
            }
            found.push((told, self.find(told, files).await));
        }
        found
    }

    /// What the machine finds after another cut, while it came back from the first one.
    async fn cut_again(&self, dice: &SeededRandom, files: Files) -> Files {
        let (folder, disk) = (put(&files), Arc::new(Disk::default()));
        let watching = watch(folder.path(), &disk);
        if let Ok(store) = SqliteStore::open_with(folder.path().join("chat.db"), self.options.clone()) {
            store.close().await.unwrap();
        }
        drop(watching);
        let (mut main, mut log) = (Remains::of(files.0), Remains::of(files.1));
        let done = disk.done();
        let until = usize::try_from(dice.below(done.len() as u64 + 1)).unwrap();
        done.into_iter()
            .take(until)
            .for_each(|done| if done.is_of(File::Main) { main.take(done) } else { log.take(done) });
        (main.found(dice), log.found(dice))
    }

    /// What the machine finds when the power is back.
    async fn find(&self, told: usize, files: Files) -> Found {
        let folder = put(&files);
        let _watching = watch(folder.path(), &Arc::default());
        let path = folder.path().join("chat.db");
        let store = match SqliteStore::open_with(&path, self.options.clone()) {
            Ok(store) => store,
            Err(error) => return Found::Damage(error.to_string()),
        };
        let verified = chat_sqlite::verify(&path, |_| ());
        match verified {
            Ok(verified) if verified.damage.is_empty() => {}
            Ok(verified) => return Found::Damage(format!("{:?}", verified.damage)),
            Err(error) => return Found::Damage(error.to_string()),
        }
        let now = seen(&store).await;
        store.close().await.unwrap();
        if now == self.pictures[told] {
            return Found::Everything { and_one_more: false };
        }
        match self.pictures.iter().take(told + 2).rposition(|picture| *picture == now) {
            Some(steps) if steps > told => Found::Everything { and_one_more: true },
            Some(steps) => Found::Less(told - steps),
            None => Found::Damage("a state that never was".into()),
        }
    }
}

async fn seen(store: &dyn Store) -> String {
    picture(store, &[alice(), bob(), carol()]).await
}

fn setting(name: &str) -> Option<usize> {
    std::env::var(name).ok().map(|text| text.parse().expect("a number"))
}

/// Lives and cuts, until there were enough cuts.
async fn cuts(synchronous: Synchronous, disk_lies: bool, wanted: usize) -> Vec<(usize, Found)> {
    let seed = setting("CHAT_POWER_SEED").unwrap_or(1) as u64;
    println!("CHAT_POWER_SEED={seed}");
    let dice = SeededRandom::new(seed);
    let mut found = Vec::new();
    while found.len() < wanted {
        let life = Life::live(&dice, synchronous, disk_lies).await;
        found.extend(life.cut(&dice, IN_ONE_LIFE.min(wanted - found.len())).await);
        if found.len().is_multiple_of(500) {
            println!("{} cuts", found.len());
        }
    }
    found
}

#[tokio::test]
async fn a_power_cut_takes_nothing_that_was_acknowledged() {
    let wanted = setting("CHAT_POWER_CUTS").unwrap_or(CUTS);
    let found = cuts(Synchronous::Full, false, wanted).await;
    let bad: Vec<_> = found.iter().filter(|(_, found)| !matches!(found, Found::Everything { .. })).collect();
    assert_eq!(bad, Vec::<&(usize, Found)>::new());
    let more = found.iter().filter(|(_, found)| *found == Found::Everything { and_one_more: true }).count();
    println!("{wanted} cuts: 0 lost, 0 damaged; the step under way was there whole after {more} of them");
    assert!(more > 0 || wanted < 500, "a step that was under way is sometimes there");
}

#[tokio::test]
async fn the_relaxed_mode_loses_only_the_end() {
    let found = cuts(Synchronous::Normal, false, CUTS).await;
    let damaged: Vec<_> = found.iter().filter(|(_, found)| matches!(found, Found::Damage(_))).collect();
    assert_eq!(damaged, Vec::<&(usize, Found)>::new());
    let less = found.iter().filter(|(_, found)| matches!(found, Found::Less(_))).count();
    println!("{CUTS} cuts in the relaxed mode: acknowledged steps lost in {less}, 0 damaged");
    assert!(less > CUTS / 10, "lost in {less}: the cuts do not say much");
}

/// The planted bug: without its syncs the same store loses what it acknowledged, and this is seen.
#[tokio::test]
async fn syncs_that_are_left_out_are_caught() {
    let found = cuts(Synchronous::Full, true, IN_ONE_LIFE).await;
    let less = found.iter().filter(|(_, found)| matches!(found, Found::Less(_))).count();
    let damaged = found.iter().filter(|(_, found)| matches!(found, Found::Damage(_))).count();
    println!("{IN_ONE_LIFE} cuts without syncs: acknowledged steps lost in {less}, damage in {damaged}");
    assert!(less + damaged > IN_ONE_LIFE / 2, "{less} and {damaged}");
}

/// A file appears whole or not at all: what is left of one that was being made is in nobody's way.
#[tokio::test]
async fn a_power_cut_while_a_file_is_made_leaves_none_and_the_next_start_makes_it() {
    let (folder, disk) = (TempDir::new().unwrap(), Arc::new(Disk::default()));
    let watching = watch(folder.path(), &disk);
    SqliteStore::open(folder.path().join("chat.db")).unwrap().close().await.unwrap();
    drop(watching);
    let mut done: Vec<_> = disk.done();
    done.retain(|done| done.is_of(File::New) || done.is_of(File::Journal));
    assert!(done.len() > 10, "{} calls make a file", done.len());
    let (dice, mut new, mut journal) = (SeededRandom::new(1), Remains::default(), Remains::default());
    for done in done {
        let of = if done.is_of(File::New) { &mut new } else { &mut journal };
        of.take(done);
        let folder = TempDir::new().unwrap();
        for (name, content) in [("chat.db.new", new.found(&dice)), ("chat.db.new-journal", journal.found(&dice))] {
            if let Some(content) = content {
                fs::write(folder.path().join(name), content).unwrap();
            }
        }
        let path = folder.path().join("chat.db");
        let store = SqliteStore::open(&path).unwrap();
        assert!(take(&store, &steps(&dice)[0]).await);
        store.close().await.unwrap();
        assert!(chat_sqlite::verify(&path, |_| ()).unwrap().damage.is_empty());
    }
    assert!(new.is_certain(), "it gets its name when all of it is on the disk");
}
