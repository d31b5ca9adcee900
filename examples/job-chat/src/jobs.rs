//! Jobs, and the steps that they go through. Every step leaves a note for the job's chat.

use rusqlite::{Connection, OptionalExtension as _, Row, params};
use serde::{Deserialize, Serialize};

use crate::{people::Person, problem::Problem};

/// How far a job has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Status {
    Requested,
    Confirmed,
    Started,
    Finished,
}

impl Status {
    pub(crate) const ALL: [Self; 4] = [Self::Requested, Self::Confirmed, Self::Started, Self::Finished];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Confirmed => "confirmed",
            Self::Started => "started",
            Self::Finished => "finished",
        }
    }
}

/// What its cleaner does with a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Step {
    Confirm,
    Start,
    Finish,
}

impl Step {
    /// From where to where it leads.
    const fn leads(self) -> (Status, Status) {
        match self {
            Self::Confirm => (Status::Requested, Status::Confirmed),
            Self::Start => (Status::Confirmed, Status::Started),
            Self::Finish => (Status::Started, Status::Finished),
        }
    }

    fn note(self, cleaner: &str) -> String {
        match self {
            Self::Confirm => format!("{cleaner} confirmed the job"),
            Self::Start => format!("{cleaner} started the job"),
            Self::Finish => format!("{cleaner} finished the job"),
        }
    }
}

/// A job, as the two people see it who have to do with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Job {
    pub(crate) id: i64,
    pub(crate) title: String,
    pub(crate) address: String,
    /// When it is, in milliseconds of the epoch.
    pub(crate) at: i64,
    pub(crate) status: Status,
    pub(crate) client: Person,
    pub(crate) cleaner: Person,
}

const SELECT: &str = "
    SELECT jobs.id, title, address, at, status,
           client.id, client.name, client.role, cleaner.id, cleaner.name, cleaner.role
    FROM jobs JOIN people AS client ON client.id = client JOIN people AS cleaner ON cleaner.id = cleaner";

impl Job {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        let status: String = row.get(4)?;
        Ok(Self {
            id: row.get(0)?,
            title: row.get(1)?,
            address: row.get(2)?,
            at: row.get(3)?,
            status: Status::ALL
                .into_iter()
                .find(|known| known.as_str() == status)
                .ok_or_else(|| rusqlite::Error::InvalidColumnType(4, "status".into(), rusqlite::types::Type::Text))?,
            client: Person::from_row(row, 5)?,
            cleaner: Person::from_row(row, 8)?,
        })
    }
}

/// The jobs that somebody has to do with, the next one first.
pub(crate) fn of(connection: &Connection, person: &str) -> Result<Vec<Job>, Problem> {
    let mut found =
        connection.prepare_cached(&format!("{SELECT} WHERE client.id = ?1 OR cleaner.id = ?1 ORDER BY at, jobs.id"))?;
    Ok(found.query_map([person], Job::from_row)?.collect::<Result<_, _>>()?)
}

/// Every job's number.
pub(crate) fn numbers(connection: &Connection) -> Result<Vec<i64>, Problem> {
    let mut found = connection.prepare("SELECT id FROM jobs ORDER BY id")?;
    Ok(found.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?)
}

/// One job, whoever has to do with it.
pub(crate) fn job(connection: &Connection, id: i64) -> Result<Job, Problem> {
    let mut found = connection.prepare_cached(&format!("{SELECT} WHERE jobs.id = ?"))?;
    found.query_row([id], Job::from_row).optional()?.ok_or(Problem::NotFound("job"))
}

/// What has happened to a job, with the number of each note.
pub(crate) fn notes(connection: &Connection, id: i64) -> Result<Vec<(i64, String)>, Problem> {
    let mut found = connection.prepare_cached("SELECT id, text FROM notes WHERE job = ? ORDER BY id")?;
    Ok(found.query_map([id], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?)
}

/// Adds a job that was just requested.
pub(crate) fn add(
    connection: &Connection,
    (id, title, address, at): (i64, &str, &str, i64),
    (client, cleaner): (&str, &str),
) -> Result<(), Problem> {
    connection.execute(
        "INSERT INTO jobs (id, title, address, at, status, client, cleaner) VALUES (?, ?, ?, ?, 'requested', ?, ?)",
        params![id, title, address, at, client, cleaner],
    )?;
    Ok(())
}

/// The job's cleaner goes one step on.
pub(crate) fn take(connection: &mut Connection, id: i64, by: &str, step: Step) -> Result<Job, Problem> {
    let all = connection.transaction()?;
    let job = visible(&all, id, by)?;
    if job.cleaner.id != by {
        return Err(Problem::OnlyThe("cleaner"));
    }
    let (from, to) = step.leads();
    if job.status != from {
        return Err(Problem::WrongStatus { status: job.status.as_str(), needed: from.as_str() });
    }
    all.execute("UPDATE jobs SET status = ? WHERE id = ?", params![to.as_str(), id])?;
    note(&all, id, &step.note(&job.cleaner.name))?;
    all.commit()?;
    Ok(Job { status: to, ..job })
}

/// The job's client gives it to another cleaner, who has to confirm it.
pub(crate) fn give(connection: &mut Connection, id: i64, by: &str, cleaner: &str) -> Result<Job, Problem> {
    let all = connection.transaction()?;
    let job = visible(&all, id, by)?;
    if job.client.id != by {
        return Err(Problem::OnlyThe("client"));
    }
    if !matches!(job.status, Status::Requested | Status::Confirmed) {
        return Err(Problem::WrongStatus { status: job.status.as_str(), needed: Status::Requested.as_str() });
    }
    let cleaner = cleaners_named(&all, cleaner)?;
    all.execute("UPDATE jobs SET cleaner = ?, status = 'requested' WHERE id = ?", params![cleaner.id, id])?;
    note(&all, id, &format!("{} gave the job to {}", job.client.name, cleaner.name))?;
    all.commit()?;
    Ok(Job { cleaner, status: Status::Requested, ..job })
}

/// One job of somebody's.
pub(crate) fn visible(connection: &Connection, id: i64, by: &str) -> Result<Job, Problem> {
    let job = job(connection, id)?;
    if [&job.client.id, &job.cleaner.id].into_iter().any(|person| person == by) {
        Ok(job)
    } else {
        Err(Problem::NotFound("job"))
    }
}

fn cleaners_named(connection: &Connection, id: &str) -> Result<Person, Problem> {
    let mut found = connection.prepare_cached("SELECT id, name, role FROM people WHERE id = ? AND role = 'cleaner'")?;
    found.query_row([id], |row| Person::from_row(row, 0)).optional()?.ok_or(Problem::NotFound("cleaner"))
}

fn note(connection: &Connection, job: i64, text: &str) -> Result<(), Problem> {
    connection.execute("INSERT INTO notes (job, text) VALUES (?, ?)", params![job, text])?;
    Ok(())
}
