//! Readers who leaf through a room's history over HTTP.

use std::{
    net::SocketAddr,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, anyhow, ensure};
use clap::Args;
use serde::{Deserialize, Serialize};

use crate::{http::Client, machine, token};

/// Who reads what.
#[derive(Args, Clone, Debug)]
pub struct PagesPlan {
    /// Where the server listens.
    #[arg(long)]
    pub server: SocketAddr,
    /// The server's process, whose time is counted.
    #[arg(long)]
    pub pid: u32,
    /// How many read, each over a connection of its own.
    #[arg(long, default_value_t = 8)]
    pub readers: usize,
    /// How many messages the room `job:0` has.
    #[arg(long)]
    pub messages: u64,
    /// For how long.
    #[arg(long, default_value_t = 5.0)]
    pub seconds: f64,
}

/// What it came to.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Pages {
    /// Pages of 50 a second, all readers together.
    pub rate: f64,
    /// How much of its core the load used itself: near 1, it is the load that was measured.
    pub load_cpu: f64,
    /// How much of its core the server used.
    pub server_cpu: f64,
}

impl Pages {
    /// What a page costs the server, in microseconds of its core.
    pub fn cost(&self) -> f64 {
        self.server_cpu * 1e6 / self.rate
    }

    /// Reads, each reader at places of its own.
    ///
    /// # Errors
    /// If an answer is not a full page.
    pub fn run(plan: &PagesPlan) -> Result<Self> {
        let cpu = || anyhow::Ok((machine::cpu_time(std::process::id())?, machine::cpu_time(plan.pid)?));
        let before = cpu()?;
        let begun = Instant::now();
        let read = thread::scope(|scope| {
            let readers: Vec<_> = (0..plan.readers).map(|n| scope.spawn(move || read(plan, n, begun))).collect();
            readers.into_iter().try_fold(0, |pages, reader| {
                Ok::<_, anyhow::Error>(pages + reader.join().map_err(|_| anyhow!("a reader panicked"))??)
            })
        })?;
        let (seconds, now) = (begun.elapsed().as_secs_f64(), cpu()?);
        let share = |before: Duration, now: Duration| (now - before).as_secs_f64() / seconds;
        Ok(Self { rate: read as f64 / seconds, load_cpu: share(before.0, now.0), server_cpu: share(before.1, now.1) })
    }
}

fn read(plan: &PagesPlan, reader: usize, begun: Instant) -> Result<u64> {
    let mut client = Client::connect(plan.server, &token::of_user(&token::user(reader % 2)))?;
    let (mut pages, mut place) = (0, reader as u64 * 7919);
    while begun.elapsed() < Duration::from_secs_f64(plan.seconds) {
        place = (place + 7919 * 13) % plan.messages.saturating_sub(50).max(1);
        let path = format!("/api/chatrooms/job:0/messages/?limit=50&before={}", 51 + place);
        let (status, body) = client.ask("GET", &path, "")?;
        ensure!(status == 200, "a page was answered with {status}: {}", String::from_utf8_lossy(body));
        pages += 1;
    }
    Ok(pages)
}
