//! What is counted, in Prometheus' text format. Labels come from fixed lists: no user, room, token or text is in one.

mod action;
mod histogram;
mod text;

use std::{
    net::IpAddr,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use chat_core::{
    Code, Event,
    wire::{CloseCode, Output},
};
use serde::{Deserialize, Serialize};

pub(crate) use action::Action;
use histogram::Histogram;
use text::Text;

/// Who may read `/metrics`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MetricsAccess {
    /// Everybody who reaches the port.
    Open,
    /// Who connects from this machine, and not through a proxy that says so (`Forwarded`, `X-Forwarded-For`).
    #[default]
    Loopback,
    /// Who has a token of the host's own, with the service role.
    Service,
}

impl MetricsAccess {
    /// Whether who connects from `peer` may read them without a token.
    pub(crate) fn admits(self, peer: Option<IpAddr>, forwarded: bool) -> bool {
        match self {
            Self::Open => true,
            Self::Loopback => !forwarded && peer.is_some_and(|peer| peer.to_canonical().is_loopback()),
            Self::Service => false,
        }
    }
}

/// A number that only grows.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Why a socket was refused before it was one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    Draining,
    Full,
    User,
    Address,
    Unauthorized,
    NotFound,
    Origin,
    Malformed,
    Busy,
}

const REFUSALS: [&str; 9] =
    ["draining", "full", "user", "address", "unauthorized", "not_found", "origin", "malformed", "busy"];

/// How a socket ended, beside the codes of [`CloseCode`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// With this code, said by us.
    Ours(CloseCode),
    /// The peer closed it, or went away.
    Peer,
    /// The peer said nothing for too long.
    Idle,
    /// The peer did not take what was sent.
    Stuck,
    /// The peer broke the WebSocket protocol, or sent a frame past the limit.
    Violation,
    /// The time to drain was over.
    Cut,
}

const ENDS: [&str; 5] = ["peer", "idle", "stuck", "violation", "cut"];

/// Everything that is counted.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    pub(crate) sockets_opened: Counter,
    pub(crate) streams_opened: Counter,
    pub(crate) frames_in: Counter,
    frames_out: Counter,
    pub(crate) bytes_in: Counter,
    pub(crate) bytes_out: Counter,
    events_out: Counter,
    resyncs: Counter,
    pub(crate) auth_failures: Counter,
    pub(crate) connections: Counter,
    pub(crate) connections_shed: Counter,
    pub(crate) connections_stuck: Counter,
    pub(crate) accept_errors: Counter,
    refused: [Counter; REFUSALS.len()],
    closed: [Counter; CloseCode::ALL.len()],
    ended: [Counter; ENDS.len()],
    commands: Box<[Commands; Action::COUNT]>,
}

/// What is counted about the commands of one action.
#[derive(Debug, Default)]
struct Commands {
    outcomes: [Counter; OUTCOMES],
    latency: Histogram,
}

/// Success, and each code.
const OUTCOMES: usize = Code::ALL.len() + 1;

fn outcome(failed: Option<Code>) -> usize {
    failed.and_then(|code| Code::ALL.iter().position(|other| *other == code)).map_or(0, |found| found + 1)
}

fn outcome_name(index: usize) -> &'static str {
    index.checked_sub(1).map_or("ok", |found| Code::ALL[found].as_str())
}

impl Metrics {
    pub(crate) fn refused(&self, why: Refusal) {
        self.refused[why as usize].add(1);
    }

    pub(crate) fn ended(&self, how: End) {
        let ended = |n: usize| &self.ended[n];
        let counter = match how {
            End::Ours(code) => match CloseCode::ALL.iter().position(|other| *other == code) {
                Some(n) => &self.closed[n],
                None => return,
            },
            End::Peer => ended(0),
            End::Idle => ended(1),
            End::Stuck => ended(2),
            End::Violation => ended(3),
            End::Cut => ended(4),
        };
        counter.add(1);
    }

    /// A command was answered.
    pub(crate) fn command(&self, action: Action, failed: Option<Code>, took: Duration) {
        let commands = &self.commands[action.index()];
        commands.outcomes[outcome(failed)].add(1);
        commands.latency.observe(took);
    }

    /// Frames go out.
    pub(crate) fn sent(&self, out: &[Output]) {
        let (mut own, mut events, mut resyncs) = (0, 0, 0);
        for out in out {
            match out {
                Output::Own(_) => own += 1,
                Output::Events(burst) => match burst.frames() {
                    [frame] if matches!(frame.event(), Event::Resync { .. }) => resyncs += 1,
                    frames => events += frames.len() as u64,
                },
            }
        }
        self.frames_out.add(own + events + resyncs);
        self.events_out.add(events);
        self.resyncs.add(resyncs);
    }

    /// Everything as Prometheus reads it. `sockets` are open now.
    pub(crate) fn render(&self, sockets: usize) -> String {
        let mut text = Text::default();
        text.gauge("chat_sockets_open", "WebSockets and streams that are open now.", sockets as u64);
        self.render_totals(&mut text);
        text.family("chat_sockets_refused_total", "counter", "WebSockets and streams that were refused, by reason.");
        for (reason, counter) in REFUSALS.iter().zip(&self.refused) {
            text.sample("chat_sockets_refused_total", &[("reason", reason)], counter.get());
        }
        text.family("chat_sockets_closed_total", "counter", "WebSockets and streams that ended, by how.");
        for (code, counter) in CloseCode::ALL.iter().zip(&self.closed) {
            text.sample("chat_sockets_closed_total", &[("how", code.reason())], counter.get());
        }
        for (how, counter) in ENDS.iter().zip(&self.ended) {
            text.sample("chat_sockets_closed_total", &[("how", how)], counter.get());
        }
        self.render_commands(&mut text);
        text.finish()
    }

    fn render_totals(&self, text: &mut Text) {
        for (name, help, counter) in [
            ("chat_sockets_opened_total", "WebSockets and streams that were opened.", &self.sockets_opened),
            ("chat_streams_opened_total", "Streams among them.", &self.streams_opened),
            ("chat_frames_in_total", "Text and binary frames from clients.", &self.frames_in),
            ("chat_frames_out_total", "Text frames to clients.", &self.frames_out),
            ("chat_frame_bytes_in_total", "Bytes in frames from clients.", &self.bytes_in),
            ("chat_frame_bytes_out_total", "Bytes written to WebSockets and streams.", &self.bytes_out),
            ("chat_events_out_total", "Events among the frames to clients: the fan-out.", &self.events_out),
            ("chat_resyncs_total", "Times a client was told to catch up.", &self.resyncs),
            ("chat_auth_failures_total", "Tokens that were refused.", &self.auth_failures),
            ("chat_http_connections_total", "Connections accepted.", &self.connections),
            ("chat_http_connections_shed_total", "Connections dropped at the limit.", &self.connections_shed),
            (
                "chat_http_connections_stuck_total",
                "Connections dropped because too little was read.",
                &self.connections_stuck,
            ),
            ("chat_accept_errors_total", "Failures to accept a connection.", &self.accept_errors),
        ] {
            text.family(name, "counter", help);
            text.sample(name, &[], counter.get());
        }
    }

    fn render_commands(&self, text: &mut Text) {
        let name = "chat_commands_total";
        text.family(name, "counter", "Commands by action and outcome, over sockets and HTTP.");
        for ((_, action), commands) in Action::all().zip(self.commands.iter()) {
            for (index, counter) in commands.outcomes.iter().enumerate().filter(|(_, counter)| counter.get() > 0) {
                text.sample(name, &[("action", action), ("outcome", outcome_name(index))], counter.get());
            }
        }
        let name = "chat_command_duration_seconds";
        text.family(name, "histogram", "From a command's arrival to its answer, by action.");
        for ((_, action), commands) in Action::all().zip(self.commands.iter()) {
            commands.latency.render(text, name, ("action", action));
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use chat_core::{Burst, ResyncReason, RoomId};

    use super::*;

    #[test]
    fn what_was_counted_is_told() {
        let metrics = Metrics::default();
        metrics.refused(Refusal::Origin);
        metrics.ended(End::Ours(CloseCode::TooSlow));
        metrics.ended(End::Stuck);
        metrics.auth_failures.add(3);
        let send = Action::named("send_message");
        metrics.command(send, None, Duration::from_millis(3));
        metrics.command(send, Some(Code::Busy), Duration::from_secs(99));
        metrics.command(Action::named("what is this"), Some(Code::InvalidArgument), Duration::ZERO);
        let room = RoomId::from_bytes([1; 16]);
        let resync = Event::Resync { room, reason: ResyncReason::TooSlow };
        let own = Output::Own(Bytes::from_static(b"{}"));
        let events = [resync, Event::RoomRemoved { room }].map(|event| Output::Events(Burst::one(event)));
        metrics.sent(&[&[own.clone(), own][..], &events].concat());
        let text = metrics.render(2);
        for line in [
            "# TYPE chat_sockets_open gauge",
            "chat_sockets_open 2",
            "chat_sockets_refused_total{reason=\"origin\"} 1",
            "chat_sockets_closed_total{how=\"too_slow\"} 1",
            "chat_sockets_closed_total{how=\"stuck\"} 1",
            "chat_auth_failures_total 3",
            "chat_commands_total{action=\"send_message\",outcome=\"ok\"} 1",
            "chat_commands_total{action=\"send_message\",outcome=\"busy\"} 1",
            "chat_commands_total{action=\"unknown\",outcome=\"invalid_argument\"} 1",
            "chat_frames_out_total 4",
            "chat_events_out_total 1",
            "chat_resyncs_total 1",
            "chat_command_duration_seconds_bucket{action=\"send_message\",le=\"0.0025\"} 0",
            "chat_command_duration_seconds_bucket{action=\"send_message\",le=\"0.005\"} 1",
            "chat_command_duration_seconds_bucket{action=\"send_message\",le=\"+Inf\"} 2",
            "chat_command_duration_seconds_count{action=\"send_message\"} 2",
            "chat_command_duration_seconds_sum{action=\"send_message\"} 99.003",
        ] {
            assert!(text.lines().any(|other| other == line), "{line}\nis not in\n{text}");
        }
        assert!(text.ends_with('\n'));
    }

    #[test]
    fn each_family_is_declared_once_and_before_its_samples() {
        let text = Metrics::default().render(0);
        let declared: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")).collect();
        let mut names: Vec<_> = declared.iter().filter_map(|line| line.split(' ').next()).collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all);
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let name = line.split(['{', ' ']).next().unwrap();
            assert!(names.contains(&name), "{line}");
        }
    }

    #[test]
    fn loopback_means_this_machine_and_no_proxy() {
        let here = Some("127.0.0.1".parse().unwrap());
        assert!(MetricsAccess::Loopback.admits(here, false));
        assert!(MetricsAccess::Loopback.admits(Some("::ffff:127.0.0.1".parse().unwrap()), false));
        assert!(!MetricsAccess::Loopback.admits(here, true));
        assert!(!MetricsAccess::Loopback.admits(None, false));
        assert!(!MetricsAccess::Loopback.admits(Some("10.0.0.1".parse().unwrap()), false));
        assert!(MetricsAccess::Open.admits(None, true));
        assert!(!MetricsAccess::Service.admits(here, false));
    }
}
