//! Load that lasts, storms, and peers that behave badly, against the real server in a process of its own: `soak`.
//!
//! A trial says what it measured, and fails where memory, open files, losses or doubles pass their bounds. Times are
//! told and hardly bounded, since they depend on what else runs. Afterwards everything that anybody was told is compared
//! with what is stored.

mod half_open;
mod heard;
mod history;
mod host;
mod idle;
mod large;
mod many;
mod mixed;
mod readers;
mod reconnect;
mod replica;
mod storms;

use std::{net::IpAddr, path::PathBuf};

use anyhow::Result;

use crate::{load::Seat, spread::Times, token};

pub use host::build;

/// How much of everything.
#[derive(Clone, Debug)]
pub struct Scale {
    /// A few of everything, for seconds: it shows that the trials work, not that the server is good.
    pub short: bool,
    /// For how many seconds the mixed load lasts.
    pub seconds: f64,
    /// Where databases are put.
    pub data: PathBuf,
}

impl Scale {
    /// One or the other.
    fn of<T>(&self, long: T, short: T) -> T {
        if self.short { short } else { long }
    }
}

/// One of the things that a server must stand.
#[derive(Clone, Copy, Debug)]
pub struct Trial {
    /// Its name on the command line; every line that it says begins with it.
    pub name: &'static str,
    /// What it is about.
    pub about: &'static str,
    /// Runs it.
    pub run: fn(&Scale) -> Result<()>,
}

/// All of them, the quickest first.
pub const TRIALS: &[Trial] = &[
    Trial {
        name: "half-open",
        about: "a thousand connections that never get in hold nobody up, and are gone when their time is over",
        run: half_open::run,
    },
    Trial {
        name: "readers",
        about: "readers who stop, or take a byte a second, cost themselves and nobody else",
        run: readers::run,
    },
    Trial {
        name: "reconnect",
        about: "after a restart five thousand come back at once, and each hears everything once",
        run: reconnect::run,
    },
    Trial { name: "storms", about: "a thousand people type, and read, all at once", run: storms::run },
    Trial { name: "large", about: "a room of ten thousand, all of them connected", run: large::run },
    Trial { name: "many", about: "somebody in five thousand rooms", run: many::run },
    Trial { name: "idle", about: "ten thousand sockets that do nothing, and fifteen thousand", run: idle::run },
    Trial {
        name: "mixed",
        about: "all that people do, for minutes: memory, files and threads stay where they were",
        run: mixed::run,
    },
];

/// Where somebody sits.
fn seat(path: impl Into<String>, user: &str, source: Option<IpAddr>) -> Seat {
    Seat { path: path.into(), token: token::of_user(user), source }
}

/// Within how long this share of all was done, as it is told.
fn within(times: &Times, share: f64) -> String {
    match times.quantile_ms(share) {
        longest if longest >= Times::LONGEST_MS => format!("{longest:.0} ms or more"),
        ms => format!("{ms:.1} ms"),
    }
}
