//! What a run of the load has seen.

use serde::{Deserialize, Serialize};

/// What the load saw; one line of JSON between it and the bench program.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// For how long it counted.
    pub seconds: f64,
    /// Messages that everybody has got, in that time.
    pub messages: u64,
    /// Messages times receivers.
    pub deliveries: u64,
    /// Half of the deliveries came within this many milliseconds of the send.
    pub p50_ms: f64,
    /// All but one in a hundred came within this.
    pub p99_ms: f64,
    /// Messages that somebody did not get, while later ones came.
    pub lost: u64,
    /// Messages that somebody got twice, or after a later one.
    pub doubled: u64,
    /// Sockets that ended.
    pub ended: u64,
    /// Errors and resyncs that the server sent.
    pub refused: u64,
    /// How much of its core the load used itself: near 1, it is the load that was measured.
    pub load_cpu: f64,
    /// How much of its core the server used.
    pub server_cpu: f64,
}

impl Outcome {
    /// Deliveries a second.
    pub fn delivery_rate(&self) -> f64 {
        self.deliveries as f64 / self.seconds
    }

    /// Messages a second.
    pub fn send_rate(&self) -> f64 {
        self.messages as f64 / self.seconds
    }

    /// What a delivery costs the server, in microseconds of its core.
    pub fn delivery_cost(&self) -> f64 {
        self.server_cpu * 1e6 / self.delivery_rate()
    }

    /// Whether every message came everywhere once, in order.
    pub const fn is_whole(&self) -> bool {
        self.lost == 0 && self.doubled == 0 && self.ended == 0 && self.refused == 0
    }
}
