//! Somebody who keeps a room's cursor, and resumes from it. The room has one sender, who numbers what they write.

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use crate::message::{self, Finder};

/// What somebody has of a room.
#[derive(Debug)]
pub(super) struct Replica {
    room: String,
    cursor: Option<String>,
    /// The number of the message that comes next.
    pub(super) next: u64,
    /// Whether events come by themselves.
    pub(super) is_live: bool,
    /// How many messages came by catching up.
    pub(super) caught_up: u64,
    finder: Finder,
}

/// What is to be done after a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    Wait,
    /// Subscribe, with [`Replica::subscribe`].
    Subscribe,
}

impl Replica {
    pub(super) fn of(room: String) -> Self {
        Self { room, cursor: None, next: 0, is_live: false, caught_up: 0, finder: Finder::default() }
    }

    /// Somebody who has the room up to a cursor, and before that `next` messages.
    pub(super) fn at(room: String, cursor: String, next: u64) -> Self {
        Self { cursor: Some(cursor), next, ..Self::of(room) }
    }

    /// Adds the frame that opens the room from where one is.
    pub(super) fn subscribe(&mut self, out: &mut Vec<u8>) {
        self.is_live = false;
        let command = match &self.cursor {
            Some(cursor) => {
                json!({ "action": "subscribe", "ref": 1, "rooms": [{ "room": self.room, "cursor": cursor }] })
            }
            None => json!({ "action": "subscribe", "ref": 1, "rooms": [{ "room": self.room }] }),
        };
        message::push_text_frame(out, command.to_string().as_bytes());
    }

    /// Takes a frame.
    pub(super) fn take(&mut self, text: &[u8]) -> Result<Then> {
        if let Some((_, number)) = self.finder.find(text) {
            ensure!(self.is_live, "an event came before the room was open");
            self.apply(number)?;
            self.cursor = Some(cursor_in(text).context("an event of the log has a cursor")?);
            return Ok(Then::Wait);
        }
        if text.starts_with(br#"{"type":"resync""#) {
            return Ok(Then::Subscribe);
        }
        if text.starts_with(br#"{"type":"error""#) {
            bail!("an error: {}", String::from_utf8_lossy(text));
        }
        if !text.starts_with(br#"{"type":"reply","ref":1,"#) {
            return Ok(Then::Wait);
        }
        let answer: Value = serde_json::from_slice(text)?;
        self.catch_up(&answer["ok"]["rooms"][0])
    }

    fn catch_up(&mut self, opened: &Value) -> Result<Then> {
        if let Some(messages) = opened["snapshot"]["messages"].as_array() {
            ensure!(self.cursor.is_none(), "who came with a cursor got a snapshot");
            if let Some(last) = messages.last() {
                self.next = number_of(last)? + 1;
            }
        } else if let Some(changes) = opened["changes"].as_array() {
            for change in changes.iter().filter(|change| change["type"] == "chat_message") {
                self.apply(number_of(&change["message"])?)?;
                self.caught_up += 1;
            }
        } else {
            ensure!(opened["same"] == true, "an answer to `subscribe` that has none of its forms: {opened}");
        }
        self.cursor = Some(opened["cursor"].as_str().context("an opened room has a cursor")?.to_owned());
        self.is_live = opened["more"] != true;
        Ok(if self.is_live { Then::Wait } else { Then::Subscribe })
    }

    fn apply(&mut self, number: u64) -> Result<()> {
        ensure!(number == self.next, "{}: message {number} came where {} must", self.room, self.next);
        self.next += 1;
        Ok(())
    }
}

fn number_of(message: &Value) -> Result<u64> {
    let numbers = message["content"].as_str().and_then(message::numbers);
    Ok(numbers.with_context(|| format!("no message of ours: {message}"))?.1)
}

/// The cursor of an event of the log, which stands before its message, or of a room in `ready`.
pub(super) fn cursor_in(text: &[u8]) -> Option<String> {
    let begin = br#""cursor":""#;
    let start = memchr::memmem::find(text, begin)? + begin.len();
    let end = start + memchr::memchr(b'"', &text[start..])?;
    String::from_utf8(text[start..end].to_vec()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(number: u64) -> String {
        let text = message::text(0, number);
        format!(r#"{{"type":"chat_message","room":"r","rev":9,"cursor":"c{number}","message":{{"content":"{text}"}}}}"#)
    }

    #[test]
    fn gaps_and_doubles_are_noticed_live_and_in_catching_up() {
        let mut replica = Replica::of("r".into());
        assert!(replica.take(event(0).as_bytes()).is_err(), "it is not open yet");
        let open = br#"{"type":"reply","ref":1,"ok":{"rooms":[{"snapshot":{"messages":[]},"cursor":"a"}]}}"#;
        assert_eq!(replica.take(open).unwrap(), Then::Wait);
        assert_eq!(replica.take(event(0).as_bytes()).unwrap(), Then::Wait);
        assert_eq!(replica.cursor.as_deref(), Some("c0"));
        assert!(replica.take(event(0).as_bytes()).is_err());
        assert!(replica.take(event(2).as_bytes()).is_err());
        assert_eq!(replica.take(br#"{"type":"resync","room":"r"}"#).unwrap(), Then::Subscribe);
        let missed = format!(
            r#"{{"type":"reply","ref":1,"ok":{{"rooms":[{{"changes":[{}],"more":true,"cursor":"b"}}]}}}}"#,
            event(1)
        );
        assert_eq!(replica.take(missed.as_bytes()).unwrap(), Then::Subscribe);
        assert_eq!((replica.next, replica.caught_up, replica.is_live), (2, 1, false));
    }
}
