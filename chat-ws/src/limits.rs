//! Every limit of the server. The engine's own are in [`chat_core::Limits`].

use std::time::Duration;

pub use chat_core::SettingError;
use serde::{Deserialize, Serialize};

/// The server's limits: sizes in bytes, times in seconds where they stand in a file.
///
/// What is `None` is off.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServerLimits {
    /// Bytes of a frame from a client; a socket that sends more is closed with 1009. Default 128 KiB.
    pub frame_bytes: usize,
    /// Bytes of an HTTP body; 413 past it. Default 128 KiB.
    pub body_bytes: usize,
    /// Bytes of a request's head, the URL included; 431 past it. Default 32 KiB.
    pub head_bytes: usize,
    /// How long a connection may take for a request's head, for its body, and for the upgrade. Default 10 s.
    #[serde(with = "seconds")]
    pub handshake_timeout: Duration,
    /// How long a socket may stay without a token, and an authenticator may think. Default 10 s.
    #[serde(with = "seconds")]
    pub auth_timeout: Duration,
    /// How often the server pings. Default 25 s.
    #[serde(with = "seconds")]
    pub ping_every: Duration,
    /// How long a peer may be silent, pongs included, before its socket is closed. Default 60 s.
    #[serde(with = "seconds")]
    pub idle_timeout: Duration,
    /// How long a peer may take to accept the next 64 KiB of a socket or an answer, or what is left of it; a slower one
    /// is cut. Default 10 s.
    #[serde(with = "seconds")]
    pub write_timeout: Duration,
    /// How long sockets and requests may take to end when the server stops; then they are cut. Default 8 s.
    #[serde(with = "seconds")]
    pub drain_timeout: Duration,
    /// Sockets and streams of one user. Default 32.
    pub sockets_per_user: usize,
    /// Sockets and streams in all. Default off.
    pub sockets_total: Option<usize>,
    /// Sockets and streams of one address, and of connections that are no sockets, or not yet, six times as many, which
    /// is what a browser opens. A /64 of IPv6 counts as one address. Behind a proxy all have
    /// the proxy's. Default off.
    pub sockets_per_address: Option<usize>,
    /// Connections in all that are not sockets, or not yet; streams are among them. Default 16,384.
    pub http_connections: usize,
    /// Messages that one user may send or edit each second in the long run, on all connections. Whatever else they write
    /// counts as one, and a room that they make as one more for every ten people whom they name; receipts are free.
    /// Default off.
    pub sends_per_second: Option<f64>,
    /// How many of them may come at once. Default 20.
    pub send_burst: u32,
    /// Connections that the system holds for the server to accept; fewer make a storm of reconnects wait for
    /// retries. Default 4,096.
    pub listen_backlog: u32,
}

impl Default for ServerLimits {
    fn default() -> Self {
        Self {
            frame_bytes: 128 * 1024,
            body_bytes: 128 * 1024,
            head_bytes: 32 * 1024,
            handshake_timeout: Duration::from_secs(10),
            auth_timeout: Duration::from_secs(10),
            ping_every: Duration::from_secs(25),
            idle_timeout: Duration::from_mins(1),
            write_timeout: Duration::from_secs(10),
            drain_timeout: Duration::from_secs(8),
            sockets_per_user: 32,
            sockets_total: None,
            sockets_per_address: None,
            http_connections: 16 * 1024,
            sends_per_second: None,
            send_burst: 20,
            listen_backlog: 4_096,
        }
    }
}

impl ServerLimits {
    /// Checks that the server can work with them.
    ///
    /// # Errors
    /// Names the first one that cannot be.
    pub fn check(&self) -> Result<(), SettingError> {
        let counts = [
            ("frame_bytes", self.frame_bytes),
            ("body_bytes", self.body_bytes),
            ("sockets_per_user", self.sockets_per_user),
            ("http_connections", self.http_connections),
            ("send_burst", self.send_burst as usize),
            ("listen_backlog", self.listen_backlog as usize),
            ("sockets_total", self.sockets_total.unwrap_or(1)),
            ("sockets_per_address", self.sockets_per_address.unwrap_or(1)),
        ];
        let times = [
            ("handshake_timeout", self.handshake_timeout),
            ("auth_timeout", self.auth_timeout),
            ("ping_every", self.ping_every),
            ("write_timeout", self.write_timeout),
        ];
        let zero = counts.iter().find(|(_, count)| *count == 0).map(|(setting, _)| *setting);
        let zero = zero.or_else(|| times.iter().find(|(_, time)| time.is_zero()).map(|(setting, _)| *setting));
        if let Some(setting) = zero {
            return Err(SettingError { setting, problem: "must not be 0" });
        }
        if self.head_bytes < 8 * 1024 {
            return Err(SettingError { setting: "head_bytes", problem: "must be at least 8192" });
        }
        if self.idle_timeout <= self.ping_every {
            return Err(SettingError { setting: "idle_timeout", problem: "must be longer than `ping_every`" });
        }
        if self.sends_per_second.is_some_and(|rate| !rate.is_finite() || rate <= 0.0) {
            return Err(SettingError { setting: "sends_per_second", problem: "must be above 0" });
        }
        Ok(())
    }
}

/// Durations as seconds, whole or not.
pub(crate) mod seconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(crate) fn serialize<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(time.as_secs_f64())
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        let seconds = f64::deserialize(deserializer)?;
        Duration::try_from_secs_f64(seconds).map_err(|_| D::Error::custom("must be a number of seconds, 0 or more"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_fine_and_survive_a_file() {
        let limits = ServerLimits::default();
        assert_eq!(limits.check(), Ok(()));
        let json = serde_json::to_string(&limits).unwrap();
        assert_eq!(serde_json::from_str::<ServerLimits>(&json).unwrap(), limits);
        let set: ServerLimits = serde_json::from_str(r#"{"ping_every": 2.5, "sockets_total": 7}"#).unwrap();
        assert_eq!((set.ping_every, set.sockets_total), (Duration::from_millis(2_500), Some(7)));
        assert!(serde_json::from_str::<ServerLimits>(r#"{"pnig_every": 2}"#).is_err());
        assert!(serde_json::from_str::<ServerLimits>(r#"{"ping_every": -1}"#).is_err());
    }

    #[test]
    fn what_cannot_be_is_named() {
        let named = |change: fn(&mut ServerLimits)| {
            let mut limits = ServerLimits::default();
            change(&mut limits);
            limits.check().unwrap_err().setting
        };
        assert_eq!(named(|l| l.frame_bytes = 0), "frame_bytes");
        assert_eq!(named(|l| l.ping_every = Duration::ZERO), "ping_every");
        assert_eq!(named(|l| l.idle_timeout = Duration::from_secs(25)), "idle_timeout");
        assert_eq!(named(|l| l.sends_per_second = Some(f64::NAN)), "sends_per_second");
        assert_eq!(named(|l| l.sockets_total = Some(0)), "sockets_total");
        assert_eq!(named(|l| l.head_bytes = 1), "head_bytes");
    }
}
