//! What is counted about a connection's frames, without understanding them: understanding is the connection's.

use std::{borrow::Cow, collections::VecDeque, time::Instant};

use bytes::Bytes;
use chat_core::{Code, Error, wire::ErrorBody};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::metrics::{Action, Metrics, Outcome};

/// Commands whose answer is waited for at most; more than a connection has under way.
const OPEN: usize = 128;

/// How every frame from the server begins, and every answer that bears a `ref`.
const KIND_AT: usize = r#"{"type":""#.len();
const REF_AT: usize = r#"{"type":"reply","ref":"#.len();

/// The commands of one connection that are not answered yet.
#[derive(Debug, Default)]
pub(super) struct Tracker {
    open: VecDeque<Command>,
}

#[derive(Clone, Copy, Debug)]
struct Command {
    reference: u64,
    action: Action,
    at: Instant,
}

impl Tracker {
    /// A frame came.
    pub(super) fn arrived(&mut self, text: &str, metrics: &Metrics) {
        let action = value_of(text, "\"action\"").map_or("", |value| value.trim_matches('"'));
        let action = Action::named(action);
        match value_of(text, "\"ref\"") {
            Some(reference) if reference != "null" => {
                if self.open.len() == OPEN {
                    self.open.pop_front();
                }
                self.open.push_back(Command { reference: hash(reference.as_bytes()), action, at: Instant::now() });
            }
            _ => metrics.command(action, Outcome::Untold, None),
        }
    }

    /// Frames go out.
    pub(super) fn answered(&mut self, frames: &[Bytes], metrics: &Metrics) {
        let (mut events, mut resyncs) = (0, 0);
        for frame in frames {
            match frame.get(KIND_AT..KIND_AT + 3) {
                Some(b"rep") => self.close(frame, |_| Outcome::Ok, metrics),
                Some(b"err") => self.close(frame, failure, metrics),
                // `ready` and `closing` are no events of a room.
                Some(b"rea" | b"clo") => {}
                Some(b"res") => resyncs += 1,
                _ => events += 1,
            }
        }
        metrics.frames_out.add(frames.len() as u64);
        metrics.events_out.add(events);
        metrics.resyncs.add(resyncs);
    }

    /// Finds the command that a frame answers.
    fn close(&mut self, frame: &Bytes, outcome: impl Fn(&[u8]) -> Outcome, metrics: &Metrics) {
        let Some(reference) = frame.get(REF_AT..).and_then(|rest| std::str::from_utf8(rest).ok()).map(token) else {
            return;
        };
        let reference = hash(reference.as_bytes());
        let found = self.open.iter().position(|command| command.reference == reference);
        if let Some(command) = found.and_then(|n| self.open.remove(n)) {
            metrics.command(command.action, outcome(frame), Some(command.at.elapsed()));
        }
        if self.open.is_empty() && self.open.capacity() > 8 {
            self.open = VecDeque::new();
        }
    }
}

#[derive(Deserialize)]
struct Failure {
    code: Code,
}

fn failure(frame: &[u8]) -> Outcome {
    serde_json::from_slice(frame).map_or(Outcome::Untold, |Failure { code }| Outcome::Failed(code))
}

/// The value after a key, as it stands there. It may be the wrong one where a frame nests the same key: this is for
/// counting only.
fn value_of<'t>(text: &'t str, key: &str) -> Option<&'t str> {
    let rest = &text[text.find(key)? + key.len()..];
    Some(token(rest.trim_start().strip_prefix(':')?.trim_start()))
}

/// The text or number at the beginning.
fn token(text: &str) -> &str {
    match text.strip_prefix('"') {
        Some(rest) => &text[..rest.find('"').map_or(text.len(), |end| end + 2)],
        None => &text[..text.find([',', '}', ' ', '\n', '\r', '\t']).unwrap_or(text.len())],
    }
}

/// FNV-1a.
fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow)]
    action: Cow<'a, str>,
    r#ref: Option<Value>,
}

/// If a frame sends or edits a message: its `ref`, as far as it may be repeated. This is exact, so that nobody gets
/// around a limit by spelling.
pub(super) fn send_of(text: &str) -> Option<Option<Value>> {
    let head: Head<'_> = serde_json::from_str(text).ok()?;
    let may_repeat = |value: &Value| match value {
        Value::Number(_) => true,
        Value::String(text) => text.len() <= 64,
        _ => false,
    };
    matches!(&*head.action, "send_message" | "edit_message").then(|| head.r#ref.filter(may_repeat))
}

#[derive(Serialize)]
struct Refusal<'a> {
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    r#ref: Option<Value>,
    #[serde(flatten)]
    body: &'a ErrorBody,
}

/// The answer to a frame that is not given to the connection.
pub(super) fn refusal(reference: Option<Value>, error: &Error) -> Bytes {
    let refusal = Refusal { r#type: "error", r#ref: reference, body: &ErrorBody::from(error) };
    serde_json::to_vec(&refusal).expect("plain data is JSON").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line<'a>(text: &'a str, start: &str) -> Option<&'a str> {
        text.lines().find(|line| line.starts_with(start))
    }

    #[test]
    fn an_answer_is_counted_for_the_action_that_it_answers() {
        let (mut tracker, metrics) = (Tracker::default(), Metrics::default());
        for frame in [
            r#"{"action":"send_message","content":"\"ref\":9","ref":1}"#,
            r#"{ "ref" : "b", "action" : "history" }"#,
            r#"{"action":"typing_start"}"#,
            r#"{"action":"made up","ref":3}"#,
        ] {
            tracker.arrived(frame, &metrics);
        }
        let frames = [
            r#"{"type":"chat_message","room":"r"}"#,
            r#"{"type":"reply","ref":1,"ok":{}}"#,
            r#"{"type":"error","ref":"b","code":"not_found","message":"x","retry":"never"}"#,
            r#"{"type":"error","ref":3,"code":"invalid_argument","message":"x","retry":"never"}"#,
            r#"{"type":"resync","room":"r","reason":"gap"}"#,
            r#"{"type":"ready"}"#,
            r#"{"type":"error","code":"invalid_argument","message":"x","retry":"never"}"#,
        ];
        tracker.answered(&frames.map(|frame| Bytes::from_static(frame.as_bytes())), &metrics);
        assert!(tracker.open.is_empty());
        let text = metrics.render(0);
        for counted in [
            "chat_commands_total{action=\"send_message\",outcome=\"ok\"} 1",
            "chat_commands_total{action=\"history\",outcome=\"not_found\"} 1",
            "chat_commands_total{action=\"typing_start\",outcome=\"untold\"} 1",
            "chat_commands_total{action=\"unknown\",outcome=\"invalid_argument\"} 1",
            "chat_events_out_total 1",
            "chat_resyncs_total 1",
            "chat_frames_out_total 7",
        ] {
            assert_eq!(line(&text, counted), Some(counted));
        }
    }

    #[test]
    fn what_waits_for_an_answer_is_bounded() {
        let (mut tracker, metrics) = (Tracker::default(), Metrics::default());
        for n in 0..1_000 {
            tracker.arrived(&format!(r#"{{"action":"ping","ref":{n}}}"#), &metrics);
        }
        assert_eq!(tracker.open.len(), OPEN);
    }

    #[test]
    fn a_send_is_known_however_it_is_spelled() {
        assert_eq!(send_of(r#"{"\u0061ction":"send\u005fmessage","ref":5}"#), Some(Some(5.into())));
        assert_eq!(send_of(r#"{"action":"edit_message","ref":[1]}"#), Some(None));
        assert_eq!(send_of(r#"{"action":"ping","ref":5}"#), None);
        assert_eq!(send_of("nonsense"), None);
        let refusal = refusal(Some("a".into()), &Error::RateLimited { retry_after_ms: 7 });
        let expected = r#"{"type":"error","ref":"a","code":"rate_limited","message":"too many requests; try again in 7 ms","retry":"later","retry_after_ms":7}"#;
        assert_eq!(refusal, expected);
    }
}
