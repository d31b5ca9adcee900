//! Reads everything, and says which rows are not what was written.
//!
//! SQLite's own check looks at structure and misses many a flipped bit inside a value. Here every row is compared
//! with its digest, every history with its running hash, and every count with what it counts.

use std::{collections::BTreeMap, fmt, path::Path};

use chat_core::{
    Member, Rev, Room, RoomId, Seq, Timestamp, UserId,
    store::{ChangeKind, Digester, Target, tally_blocks},
};
use rusqlite::{Connection, params};

use crate::{
    failure::{Failure, Outcome},
    names::{self, Names},
    place::{number_at, place},
    rows::{self, Code as _, Posted, count, hash},
    sql::Sql,
    unread::own_block,
};

use super::{MaintenanceError, Progress, read_only};

/// How many damaged rows are told one by one.
const TOLD: usize = 100;

/// After how many messages progress is told.
const STEP: u64 = 4_096;

/// What was found in a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// How many rooms were read.
    pub rooms: u64,
    /// How many members, past ones included.
    pub members: u64,
    /// How many messages, tombstones included.
    pub messages: u64,
    /// How many rows are not what was written.
    pub damaged: u64,
    /// The first hundred of them.
    pub damage: Vec<Damage>,
}

/// A row that is not what was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// Which row: of what, in which room.
    pub row: String,
    /// What is wrong with it. Never what it says.
    pub problem: String,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.row, self.problem)
    }
}

impl Verified {
    /// Whether everything is as it was written.
    pub const fn is_sound(&self) -> bool {
        self.damaged == 0
    }

    fn found(&mut self, row: impl fmt::Display, problem: impl fmt::Display) {
        self.damaged += 1;
        if self.damage.len() < TOLD {
            self.damage.push(Damage { row: row.to_string(), problem: problem.to_string() });
        }
    }
}

/// Reads the whole database at `path`, as it is at one moment, while others may write it. `progress` is told in
/// messages.
///
/// # Errors
/// What the database says where it cannot be read at all; damage to rows is no error but in what is returned.
pub fn verify(path: &Path, mut progress: impl FnMut(Progress)) -> Result<Verified, MaintenanceError> {
    let (connection, meta) = read_only(path)?;
    connection.execute_batch("BEGIN")?;
    let mut verified = Verified::default();
    structure(&connection, &mut verified)?;
    let names = Names::default();
    names.load(&connection)?;
    let total = connection.one("SELECT count(*) FROM message", [], |row| count(row, 0))?.unwrap_or(0);
    progress(Progress { done: 0, total });
    let numbers = connection.all("SELECT number FROM room ORDER BY number", [], |row| Ok(row.get::<_, i64>(0)?))?;
    for number in numbers {
        let (connection, names, digester) = (&connection, &names, meta.digester);
        let mut check = Check { connection, names, digester, number, verified: &mut verified };
        check.room(&mut |done| progress(Progress { done, total }))?;
    }
    strays(&connection, &mut verified)?;
    progress(Progress { done: verified.messages, total });
    Ok(verified)
}

/// What SQLite itself finds: pages and indices.
fn structure(connection: &Connection, verified: &mut Verified) -> Outcome<()> {
    let found = connection.all("PRAGMA integrity_check(100)", [], |row| Ok(row.get::<_, String>(0)?));
    match found {
        Ok(found) => found.iter().filter(|line| *line != "ok").for_each(|line| verified.found("the file", line)),
        Err(Failure::Sqlite(error)) => verified.found("the file", error),
        Err(failure) => return Err(failure),
    }
    Ok(())
}

/// Rows that belong to no room.
fn strays(connection: &Connection, verified: &mut Verified) -> Outcome<()> {
    for (what, sql) in [
        ("messages", "SELECT count(*) FROM message WHERE place >> 32 NOT IN (SELECT number FROM room)"),
        ("changes", "SELECT count(*) FROM change WHERE place >> 32 NOT IN (SELECT number FROM room)"),
        ("members", "SELECT count(*) FROM member WHERE room NOT IN (SELECT number FROM room)"),
    ] {
        let strays = connection.one(sql, [], |row| count(row, 0))?.unwrap_or(0);
        if strays > 0 {
            verified.found(what, format!("{strays} are of no room"));
        }
    }
    Ok(())
}

/// The check of one room.
struct Check<'a> {
    connection: &'a Connection,
    names: &'a Names,
    digester: Digester,
    number: i64,
    verified: &'a mut Verified,
}

/// What the messages of a room add up to.
#[derive(Default)]
struct Sums {
    ord: u64,
    own: BTreeMap<UserId, u64>,
    /// As the table `own` has it.
    own_by_block: BTreeMap<(String, u64), u64>,
    /// As the table `tally` has it.
    deleted: BTreeMap<(String, u32, u64), u64>,
}

impl Check<'_> {
    fn room(&mut self, progress: &mut dyn FnMut(u64)) -> Outcome<()> {
        self.verified.rooms += 1;
        let head = match rows::room_numbered(self.connection, self.number) {
            Ok(head) => head,
            Err(failure) => {
                self.verified.found(format!("room number {}", self.number), told(&failure));
                return Ok(());
            }
        };
        let room = head.room;
        let digest = self.digest("SELECT digest FROM room WHERE number = ?1", self.number)?;
        self.compare(digest, self.digester.room(&room), &format!("room {}", room.id));
        self.members(&room)?;
        let sums = self.messages(&room, progress)?;
        self.history(&room)?;
        self.sums(&room, &sums)
    }

    fn members(&mut self, room: &Room) -> Outcome<()> {
        const USERS: &str = "SELECT user, digest FROM member WHERE room = ?1 ORDER BY user";
        let users = self.connection.all(USERS, [self.number], |row| Ok((row.get::<_, String>(0)?, hash(row, 1)?)))?;
        let (mut active, mut owners) = (0, 0);
        for (user, digest) in users {
            self.verified.members += 1;
            let row = format!("a member of room {}", room.id);
            let member = UserId::new(&user).map_err(|_| Failure::Damaged("a name is none"));
            let member = member.and_then(|user| rows::member(self.connection, self.number, room.id, &user));
            match member {
                Ok(Some(member)) => {
                    active += u64::from(member.is_active());
                    owners += u64::from(member.is_active() && member.role == chat_core::Role::Owner);
                    self.compare(Some(digest), self.digester.member(&member), &row);
                    self.markers(room, &member, &row);
                }
                Ok(None) => self.verified.found(row, "is listed and not there"),
                Err(failure) => self.verified.found(row, told(&failure)),
            }
        }
        if (active, owners) != (room.members, room.owners) {
            self.verified.found(format!("room {}", room.id), "counts other members than it has");
        }
        Ok(())
    }

    fn markers(&mut self, room: &Room, member: &Member, row: &str) {
        if member.read_seq > member.delivered_seq || member.delivered_seq.max(member.marker_seq) > room.last_seq {
            self.verified.found(row, "has read what is not there");
        }
    }

    fn messages(&mut self, room: &Room, progress: &mut dyn FnMut(u64)) -> Outcome<Sums> {
        let mut sums = Sums::default();
        for seq in 1..=room.last_seq {
            let row = format!("message {seq} of room {}", room.id);
            match rows::posted_at(self.connection, self.number, room.id, seq) {
                Ok(Some(posted)) => {
                    self.name(&posted, &row)?;
                    let digest = self.digest("SELECT digest FROM message WHERE place = ?1", place(self.number, seq))?;
                    self.compare(digest, self.digester.message(&posted.row), &row);
                    self.content(&posted, &row);
                    self.ordinals(&posted, &mut sums, &row);
                }
                Ok(None) => self.verified.found(row, "is missing"),
                Err(failure) => self.verified.found(row, told(&failure)),
            }
            self.verified.messages += 1;
            if self.verified.messages.is_multiple_of(STEP) {
                progress(self.verified.messages);
            }
        }
        let places = [place(self.number, room.last_seq + 1), place(self.number, u64::MAX)];
        let past = "SELECT count(*) FROM message WHERE place BETWEEN ?1 AND ?2";
        if self.connection.one(past, places, |row| count(row, 0))? != Some(0) {
            self.verified.found(format!("room {}", room.id), "has messages after its last one");
        }
        Ok(sums)
    }

    /// That an operation which the row records is found by its name.
    fn name(&mut self, posted: &Posted, row: &str) -> Outcome<()> {
        let place = place(self.number, posted.row.message.seq);
        let recorded = "SELECT request FROM message WHERE place = ?1 AND request IS NOT NULL";
        let Some(name) = posted.row.message.client_id.as_ref() else { return Ok(()) };
        if self.digest(recorded, place)?.is_none() {
            return Ok(());
        }
        // It is its sender's; in older files, of a message that the host sent for somebody, the host's.
        for by in [&posted.row.message.sender, &posted.actor] {
            let key = names::key(self.digester, self.number, by.as_ref(), name);
            let indexed = "SELECT 1 FROM name WHERE key = ?1 AND seq = ?2";
            let indexed = self.connection.one(indexed, [key, number_at(place).cast_signed()], |_| Ok(()))?;
            if indexed.is_some() || self.names.places(key).contains(&place) {
                return Ok(());
            }
        }
        self.verified.found(row, "is not found by its name");
        Ok(())
    }

    fn content(&mut self, posted: &Posted, row: &str) {
        let message = &posted.row.message;
        if !message.is_deleted() && self.digester.content(message) != posted.row.content_digest {
            self.verified.found(row, "does not say what was written");
        }
    }

    fn ordinals(&mut self, posted: &Posted, sums: &mut Sums, row: &str) {
        let message = &posted.row.message;
        let countable = message.message_type.countable();
        sums.ord += u64::from(countable);
        let own = message.sender.as_ref().map_or(0, |sender| {
            let own = sums.own.entry(sender.clone()).or_default();
            *own += u64::from(countable);
            if countable {
                sums.own_by_block.insert((sender.to_string(), own_block(message.seq)), *own);
            }
            *own
        });
        if (posted.row.ord, posted.row.own_ord) != (sums.ord, own) {
            self.verified.found(row, "is counted wrongly");
        }
        if countable && message.is_deleted() {
            for user in [Some(String::new()), message.sender.as_ref().map(ToString::to_string)].into_iter().flatten() {
                for (level, block) in tally_blocks(message.seq) {
                    *sums.deleted.entry((user.clone(), level, block)).or_default() += 1;
                }
            }
        }
    }

    /// That the changes are 1, 2, 3, … and that each hash follows from the one before; from the first one on that is
    /// still kept.
    fn history(&mut self, room: &Room) -> Outcome<()> {
        let mut follows = Follows { rev: 0, seq: 0, chain: 0 };
        let others = rows::changes(self.connection, self.number, 0, room.last_rev)?;
        let kinds = self.kinds()?;
        let mut others = others.into_iter().zip(kinds).peekable();
        if let Some((first, _)) = others.next_if(|(change, _)| change.rev > 1) {
            let seq = rows::posted_by(self.connection, self.number, first.rev)?;
            follows = Follows { rev: first.rev, seq, chain: first.chain };
        }
        while follows.rev < room.last_rev {
            let rev = follows.rev + 1;
            let row = format!("change {rev} of room {}", room.id);
            let next = match others.next_if(|(change, _)| change.rev == rev) {
                Some((change, kind)) => {
                    let target = match self.target(room.id, change.about) {
                        Ok(target) => target,
                        Err(failure) => {
                            self.verified.found(row, told(&failure));
                            return Ok(());
                        }
                    };
                    (kind, target, change.actor, change.at, change.chain)
                }
                None => match self.post(room.id, follows.seq + 1, rev) {
                    Ok(Some(post)) => {
                        follows.seq += 1;
                        post
                    }
                    Ok(None) => {
                        self.verified.found(row, "is missing");
                        return Ok(());
                    }
                    Err(failure) => {
                        self.verified.found(row, told(&failure));
                        return Ok(());
                    }
                },
            };
            let (kind, target, actor, at, chain) = next;
            let expected = self.digester.chain(follows.chain, rev, kind, &target, actor.as_ref(), at);
            if chain != expected {
                // What follows is built on it, and would all be told.
                self.verified.found(row, "does not follow from what was before it");
                return Ok(());
            }
            (follows.rev, follows.chain) = (rev, chain);
        }
        if (follows.chain, follows.seq) != (room.chain, room.last_seq) || others.next().is_some() {
            self.verified.found(format!("room {}", room.id), "does not end where its history does");
        }
        Ok(())
    }

    fn kinds(&self) -> Outcome<Vec<ChangeKind>> {
        let places = [place(self.number, 0), place(self.number, u64::MAX)];
        let select = "SELECT kind FROM change WHERE place BETWEEN ?1 AND ?2 ORDER BY place";
        self.connection.all(select, places, |row| {
            ChangeKind::of(row.get(0)?).ok_or(Failure::Damaged("a number stands for nothing"))
        })
    }

    fn target(&self, room: RoomId, about: rows::About) -> Outcome<Target> {
        Ok(match about {
            rows::About::Room => Target::Room,
            rows::About::Member(user) => Target::Member(user),
            rows::About::Message(seq) => {
                let posted = rows::posted_at(self.connection, self.number, room, seq)?;
                let id = posted.ok_or(Failure::Damaged("is about a message that is not there"))?.row.message.id;
                Target::Message { id, seq }
            }
        })
    }

    fn post(&self, room: RoomId, seq: Seq, rev: Rev) -> Outcome<Option<Step>> {
        let posted = rows::posted_at(self.connection, self.number, room, seq)?;
        Ok(posted.filter(|posted| posted.row.post_rev == rev).map(|posted| {
            let message = posted.row.message;
            let target = Target::Message { id: message.id, seq };
            (ChangeKind::Posted, target, posted.actor, message.created_at, posted.chain)
        }))
    }

    /// That what unread is computed from is what the messages add up to.
    fn sums(&mut self, room: &Room, sums: &Sums) -> Outcome<()> {
        let row = || format!("room {}", room.id);
        if sums.ord != room.last_ord {
            self.verified.found(row(), "counts other messages than it has");
        }
        const OWN: &str = "SELECT user, block, ord FROM own WHERE room = ?1";
        let own = self
            .connection
            .all(OWN, [self.number], |row| Ok(((row.get::<_, String>(0)?, count(row, 1)?), count(row, 2)?)))?;
        if own.into_iter().collect::<BTreeMap<_, _>>() != sums.own_by_block {
            self.verified.found(row(), "counts other messages of its people than it has");
        }
        const TALLY: &str = "SELECT user, level, block, deleted FROM tally WHERE room = ?1";
        let tally = self.connection.all(TALLY, params![self.number], |row| {
            Ok(((row.get::<_, String>(0)?, row.get::<_, u32>(1)?, count(row, 2)?), count(row, 3)?))
        })?;
        if tally.into_iter().collect::<BTreeMap<_, _>>() != sums.deleted {
            self.verified.found(row(), "counts other deletions than it has");
        }
        Ok(())
    }

    fn digest(&self, sql: &str, place: i64) -> Outcome<Option<u64>> {
        self.connection.one(sql, [place], |row| hash(row, 0))
    }

    fn compare(&mut self, written: Option<u64>, found: u64, row: &str) {
        if written != Some(found) {
            self.verified.found(row, "is not what was written");
        }
    }
}

/// A change as its hash has it.
type Step = (ChangeKind, Target, Option<UserId>, Timestamp, u64);

/// How far the history was followed.
struct Follows {
    rev: Rev,
    seq: Seq,
    chain: u64,
}

/// A failure without anything that a row says.
fn told(failure: &Failure) -> String {
    match failure {
        Failure::Damaged(what) => (*what).to_owned(),
        Failure::Sqlite(error) => error.to_string(),
        _ => "cannot be read".to_owned(),
    }
}
