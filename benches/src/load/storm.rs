//! Everybody connects at once, and stays.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Duration,
};

use anyhow::Result;
use clap::Args;
use serde::{Deserialize, Serialize};

use crate::token;

use super::sockets::{Seat, Sockets};

/// How many connect to what.
#[derive(Args, Clone, Debug)]
pub struct StormPlan {
    /// Where the server listens.
    #[arg(long)]
    pub server: SocketAddr,
    /// How many sockets.
    #[arg(long, default_value_t = 10_000)]
    pub sockets: usize,
    /// How many are in each room; 0 for sockets without a room.
    #[arg(long, default_value_t = 2)]
    pub members: usize,
}

/// What it came to.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Storm {
    /// From the first SYN to the last `ready`.
    pub seconds: f64,
}

/// Where a socket comes from. A port that was used stays taken for a minute, and where many are, the system looks long for
/// a free one: seconds for a storm that follows another. So there are many addresses, and each run has its own.
pub fn source(n: usize) -> IpAddr {
    let [run, more, ..] = std::process::id().to_le_bytes();
    let [address, ..] = (n % 32).to_le_bytes();
    IpAddr::V4(Ipv4Addr::new(127, 1 + more % 250, run, 2 + address))
}

impl Storm {
    /// Connects all of them, and returns them for as long as they are to stay.
    ///
    /// # Errors
    /// If one is refused, or they are not all in after two minutes.
    pub fn run(plan: &StormPlan) -> Result<(Self, Sockets)> {
        let seats: Vec<Seat> = (0..plan.sockets)
            .map(|n| Seat {
                path: n.checked_div(plan.members).map_or("/ws/".into(), |room| format!("/ws/job_chat/{room}/")),
                token: token::of_user(&token::user(n)),
                source: Some(source(n)),
            })
            .collect();
        let (sockets, took) = Sockets::open(plan.server, &seats, Duration::from_secs(120))?;
        Ok((Self { seconds: took.as_secs_f64() }, sockets))
    }
}
