//! The figures: what is compared with what, and what must hold.

mod durable;
mod idle;
mod library;
mod paced;
mod pages;
mod rooms;
mod table;

use std::path::PathBuf;

use anyhow::Result;

pub use table::{Must, Row, Table, alternate};

/// How everything is measured.
#[derive(Clone, Debug)]
pub struct Setting {
    /// How often each of the two is run, in turns.
    pub rounds: usize,
    /// For how long each time.
    pub seconds: f64,
    /// Where databases are put.
    pub data: PathBuf,
    /// Messages without a `client_id`.
    pub unnamed: bool,
}

impl Setting {
    /// A new database for a server.
    pub fn database(&self) -> PathBuf {
        self.data.join("server.db")
    }
}

/// One figure.
#[derive(Clone, Copy, Debug)]
pub struct Figure {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it is about.
    pub about: &'static str,
    /// Whether it needs the chat server's binary.
    pub server: bool,
    /// Measures it.
    pub run: fn(&Setting) -> Result<Table>,
}

/// All of them, in the order in which they are run.
pub const FIGURES: &[Figure] = &[
    Figure {
        name: "room-100",
        about: "one room of 100, flat out, deliveries/s",
        server: true,
        run: |setting| rooms::crowd(setting, 100, Must::AtLeast(0.7)),
    },
    Figure {
        name: "room-1000",
        about: "one room of 1,000, flat out, deliveries/s",
        server: true,
        run: |setting| rooms::crowd(setting, 1_000, Must::AtLeast(1.0)),
    },
    Figure { name: "paced", about: "100 members, 500 sends/s: CPU of the server, p50", server: true, run: paced::run },
    Figure {
        name: "pairs-500",
        about: "500 rooms of two, one message in flight each, sends/s",
        server: true,
        run: |setting| rooms::pairs(setting, 500, 1),
    },
    Figure {
        name: "pairs-100",
        about: "100 rooms of two, 16 in flight each, sends/s",
        server: true,
        run: |setting| rooms::pairs(setting, 100, 16),
    },
    Figure { name: "durable", about: "one durable send without load, ms", server: true, run: durable::run },
    Figure {
        name: "library",
        about: "the library without sockets, many senders, rows/s",
        server: false,
        run: library::run,
    },
    Figure {
        name: "stored",
        about: "reads at 10 thousand and at 1 million messages, µs",
        server: false,
        run: crate::stored::run,
    },
    Figure { name: "idle", about: "10,000 sockets join at once, and stay", server: true, run: idle::run },
    Figure { name: "pages", about: "pages of 50 over HTTP, 8 readers, pages/s", server: true, run: pages::run },
];
