//! The figures: what is compared with what, and what must hold.

mod alone;
mod bindings;
mod build;
mod cores;
mod durable;
mod half;
mod idle;
mod library;
mod paced;
mod pages;
mod rooms;
mod sides;
mod table;

use std::path::PathBuf;

use anyhow::Result;

pub use table::{Goal, Must, Row, Table, alternate};

/// Nothing must hold; it is there to be known.
const KNOWN: Must = Must::Known("");

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
        run: |setting| {
            let node = rooms::against_node(Must::AtLeast(1.8).into());
            rooms::crowd(setting, 100, &[rooms::against_bare(Must::AtLeast(0.7).aim(1.0)), node])
        },
    },
    Figure {
        name: "room-1000",
        about: "one room of 1,000, flat out, deliveries/s",
        server: true,
        run: |setting| rooms::crowd(setting, 1_000, &[rooms::against_bare(Must::AtLeast(1.0).aim(1.3))]),
    },
    Figure {
        name: "room-10",
        about: "one room of 10, flat out, deliveries/s",
        server: true,
        run: |setting| rooms::fan_out(setting, 10, 512),
    },
    Figure {
        name: "room-10000",
        about: "one room of 10,000, flat out, deliveries/s",
        server: true,
        run: |setting| rooms::fan_out(setting, 10_000, 64),
    },
    Figure { name: "half", about: "100 members at half of what it can: p99", server: true, run: half::run },
    Figure { name: "paced", about: "100 members, 500 sends/s: CPU of the server, p50", server: true, run: paced::run },
    Figure {
        name: "pairs-500",
        about: "500 rooms of two, one message in flight each, sends/s",
        server: true,
        run: |setting| rooms::pairs(setting, 500, 1, Must::AtLeast(2.0).aim(2.5)),
    },
    Figure {
        name: "pairs-100",
        about: "100 rooms of two, 16 in flight each, sends/s",
        server: true,
        run: |setting| rooms::pairs(setting, 100, 16, Must::AtLeast(1.6).aim(2.5)),
    },
    Figure { name: "cores", about: "what a second core brings, sends/s", server: true, run: cores::run },
    Figure { name: "durable", about: "one durable send without load, ms", server: true, run: durable::run },
    Figure { name: "alone", about: "one sender alone in process, µs a send", server: false, run: alone::run },
    Figure {
        name: "library",
        about: "the library without sockets, many senders, rows/s",
        server: false,
        run: library::run,
    },
    Figure {
        name: "stored",
        about: "reads at 10 thousand to 10 million messages, µs",
        server: false,
        run: crate::stored::run,
    },
    Figure { name: "idle", about: "10,000 sockets join at once, and stay", server: true, run: idle::run },
    Figure { name: "pages", about: "pages of 50 over HTTP, 8 readers, pages/s", server: true, run: pages::run },
    Figure {
        name: "bindings",
        about: "a call and an event from Node, Python and Kotlin, µs above Rust",
        server: false,
        run: bindings::run,
    },
    Figure {
        name: "build",
        about: "building embed-rust from nothing, and sizes of programs",
        server: false,
        run: build::run,
    },
];
