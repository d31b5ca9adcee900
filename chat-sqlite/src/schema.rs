//! The format of the file: how it is recognised, made, and brought up to date.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use chat_core::{Random, SystemRandom, store::Digester};
use rusqlite::{Connection, ErrorCode, OpenFlags, config::DbConfig};

use crate::{
    failure::{Failure, Outcome},
    open::{Options, Synchronous},
    sql::Sql,
};

/// `chat` in ASCII, in SQLite's field for programs that keep files of their own.
pub(crate) const APPLICATION_ID: u32 = 0x6368_6174;

/// The steps to the present format, the first one from nothing. What was released is never changed.
const MIGRATIONS: &[&str] =
    &[include_str!("../migrations/0001_start.sql"), include_str!("../migrations/0002_when_operations_were.sql")];

/// The present format: how many steps led to it.
pub(crate) const VERSION: u32 = MIGRATIONS.len() as u32;

/// After how many pages the log is written back into the file at the latest: 64 MiB. SQLite's own 1,000 would do it after
/// every large batch, and costs half of the throughput. Where batches are small it is done sooner, see `writer::wal`.
pub(crate) const CHECKPOINT_PAGES: u32 = 16_000;

/// More statements than there are, so that each is prepared once.
const STATEMENTS: usize = 128;

/// What SQLite keeps at the beginning of a file.
const HEADER_BYTES: usize = 100;

/// The beginning of a chat database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// Its format.
    pub(crate) version: u32,
    /// How long it should be.
    pub(crate) bytes: u64,
}

/// What the file says about itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Meta {
    pub(crate) epoch: u64,
    pub(crate) digester: Digester,
}

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    Write,
    Read,
}

impl Header {
    /// Nothing if it is anything else. See <https://www.sqlite.org/fileformat2.html>.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let number = |at: usize| Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
        let page = u16::from_be_bytes(bytes.get(16..18)?.try_into().ok()?);
        let ours = bytes.starts_with(b"SQLite format 3\0") && number(68)? == APPLICATION_ID;
        let page = if page == 1 { 65_536 } else { u64::from(page) };
        ours.then_some(Self { version: number(60)?, bytes: u64::from(number(28)?) * page })
    }
}

/// The beginning of a file; nothing if there is none, or an empty one. SQLite itself might leave traces.
pub(crate) fn first_bytes(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::with_capacity(HEADER_BYTES);
    match File::open(path) {
        Ok(file) => file.take(HEADER_BYTES as u64).read_to_end(&mut bytes)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
        Err(error) => return Err(error),
    };
    Ok((!bytes.is_empty()).then_some(bytes))
}

/// Makes an empty chat database, complete and on the disk when this returns.
pub(crate) fn make(path: &Path) -> Outcome<()> {
    let mut connection = Connection::open_with_flags(path, flags() | OpenFlags::SQLITE_OPEN_CREATE)?;
    connection.pragma_update(None, "application_id", APPLICATION_ID)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    let mut key = [0; 16];
    SystemRandom.fill(&mut key);
    migrate(&mut connection, MIGRATIONS)?;
    let meta = "INSERT INTO meta (one, epoch, digest_key, backup) VALUES (1, ?1, ?2, 0)";
    connection.run(meta, (random_epoch(), key))?;
    connection.close().map_err(|(_, error)| error.into())
}

/// Opens the database for the first time: runs the migrations that it lacks, and gives a backup its own epoch.
pub(crate) fn bring_up_to_date(path: &Path, options: &Options) -> Outcome<Meta> {
    let mut connection = connect(path, options, Purpose::Write)?;
    // What turns out to be of no use is closed as it is.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    // The header that was looked at may be older than the write-ahead log.
    recognise(&connection)?;
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    migrate(&mut connection, MIGRATIONS)?;
    let meta = meta(&mut connection)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    Ok(meta)
}

/// A connection that only reads, beside whoever has the file open.
pub(crate) fn read_only(path: &Path) -> Outcome<(Connection, Meta)> {
    recognise(&Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?)?;
    let connection = connect(path, &Options::default(), Purpose::Read)?;
    let meta = read_meta(&connection)?;
    Ok((connection, meta))
}

/// Refuses what is no chat database of a known format.
fn recognise(connection: &Connection) -> Outcome<()> {
    let id: rusqlite::Result<i64> = connection.pragma_query_value(None, "application_id", |row| row.get(0));
    match id {
        Ok(id) if id == i64::from(APPLICATION_ID) => {}
        Ok(_) => return Err(Failure::Foreign),
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::NotADatabase) => return Err(Failure::Foreign),
        Err(error) => return Err(error.into()),
    }
    match version(connection)? {
        found if found > VERSION => Err(Failure::Newer { found }),
        _ => Ok(()),
    }
}

/// A connection to a database that is up to date.
pub(crate) fn connect(path: &Path, options: &Options, purpose: Purpose) -> Outcome<Connection> {
    let connection = Connection::open_with_flags(path, flags())?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // A plan does not depend on values: otherwise some statements are prepared anew whenever another value is bound.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    let half = options.cache_bytes / 2;
    let cache = match purpose {
        Purpose::Write => half,
        Purpose::Read => half / options.readers.max(1),
    };
    // In KiB where it is negative.
    connection.pragma_update(None, "cache_size", -i64::try_from(cache >> 10).unwrap_or(i64::MAX))?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "trusted_schema", false)?;
    if purpose == Purpose::Read {
        connection.pragma_update(None, "query_only", true)?;
        return Ok(connection);
    }
    let synchronous = match options.synchronous {
        Synchronous::Full => "FULL",
        Synchronous::Normal => "NORMAL",
    };
    connection.pragma_update(None, "synchronous", synchronous)?;
    connection.pragma_update_and_check(None, "secure_delete", true, |_| Ok(()))?;
    // The writer takes this over, see `writer::wal`.
    connection.pragma_update_and_check(None, "wal_autocheckpoint", CHECKPOINT_PAGES, |_| Ok(()))?;
    connection.pragma_update_and_check(None, "journal_size_limit", i64::from(CHECKPOINT_PAGES) << 12, |_| Ok(()))?;
    Ok(connection)
}

/// No URI, so that a path is a path.
fn flags() -> OpenFlags {
    OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX
}

fn version(connection: &Connection) -> Outcome<u32> {
    Ok(connection.pragma_query_value(None, "user_version", |row| row.get(0))?)
}

/// Runs the steps that the database lacks, each whole or not at all.
fn migrate(connection: &mut Connection, steps: &[&str]) -> Outcome<()> {
    let done = version(connection)?;
    for (number, step) in (1..).zip(steps).skip(done as usize) {
        let transaction = connection.transaction()?;
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "user_version", number)?;
        transaction.commit()?;
    }
    Ok(())
}

/// Reads the row about the file; of a backup that is opened for the first time, after it got another epoch.
fn meta(connection: &mut Connection) -> Outcome<Meta> {
    let transaction = connection.transaction()?;
    transaction.run("UPDATE meta SET epoch = ?1, backup = 0 WHERE backup", [random_epoch()])?;
    let meta = read_meta(&transaction)?;
    transaction.commit()?;
    Ok(meta)
}

/// Reads the row about the file, and leaves it as it is.
pub(crate) fn read_meta(connection: &Connection) -> Outcome<Meta> {
    let meta = connection.one("SELECT epoch, digest_key FROM meta", [], |row| {
        Ok(Meta { epoch: row.get::<_, i64>(0)?.cast_unsigned(), digester: Digester::new(row.get(1)?) })
    })?;
    meta.ok_or(Failure::Damaged("its meta row is missing"))
}

/// Gives the data another epoch: clients begin anew, whatever they had.
pub(crate) fn begin_epoch(connection: &Connection) -> Outcome<()> {
    connection.run("UPDATE meta SET epoch = ?1", [random_epoch()]).map(drop)
}

/// Never 0, which reads like none.
fn random_epoch() -> i64 {
    let mut epoch = [0; 8];
    SystemRandom.fill(&mut epoch);
    u64::from_be_bytes(epoch).max(1).cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a database consists of, by name.
    fn described(connection: &Connection) -> Vec<(String, String)> {
        let sql = "SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name";
        // A column that was added later stands on a line that was there.
        let words = |sql: String| sql.split_whitespace().collect::<Vec<_>>().join(" ");
        connection.all(sql, [], |row| Ok((row.get(0)?, words(row.get(1)?)))).unwrap()
    }

    #[test]
    fn a_fresh_database_is_what_the_commented_schema_says() {
        let mut fresh = Connection::open_in_memory().unwrap();
        migrate(&mut fresh, MIGRATIONS).unwrap();
        let commented = Connection::open_in_memory().unwrap();
        commented.execute_batch(include_str!("../schema.sql")).unwrap();
        assert_eq!(described(&fresh), described(&commented));
        assert_eq!(version(&fresh).unwrap(), VERSION);
    }

    #[test]
    fn a_step_that_fails_leaves_what_was_there_before_it_and_can_be_repeated() {
        let mut database = Connection::open_in_memory().unwrap();
        let good = "CREATE TABLE a (x)";
        migrate(&mut database, &[good, "CREATE TABLE b (x); CREATE TABLE a (x)"]).unwrap_err();
        assert_eq!((version(&database).unwrap(), described(&database).len()), (1, 1));
        migrate(&mut database, &[good, "CREATE TABLE b (x)"]).unwrap();
        assert_eq!((version(&database).unwrap(), described(&database).len()), (2, 2));
    }
}
