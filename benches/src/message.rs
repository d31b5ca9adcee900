//! The text of a measured message: who sent it and which of theirs it is, so that receivers notice loss, order and
//! doubles without keeping what they saw.

/// Words that make it as long as a chat message is.
const WORDS: &str = " The kitchen is done; I start with the windows now and will be ready by half past four.";

/// `"content":"` and then the text: what comes before the numbers in every event.
const BEFORE: &[u8] = b"\"content\":\"#";

const SENDER_DIGITS: usize = 5;
const NUMBER_DIGITS: usize = 9;

/// The text of a sender's message number `number`.
pub fn text(sender: usize, number: u64) -> String {
    format!("#{sender:0SENDER_DIGITS$}:{number:0NUMBER_DIGITS$}{WORDS}")
}

/// Who sent a message with this text, and which of theirs it is; nothing if [`text`] did not make it.
pub fn numbers(text: &str) -> Option<(usize, u64)> {
    let (sender, rest) = text.strip_prefix('#')?.split_at_checked(SENDER_DIGITS)?;
    let number = rest.strip_prefix(':')?.get(..NUMBER_DIGITS)?;
    Some((sender.parse().ok()?, number.parse().ok()?))
}

/// Adds the client's frame that sends it: a masked text frame whose mask is zero, so that masking it costs nothing.
pub fn push_frame(out: &mut Vec<u8>, sender: usize, number: u64, with_client_id: bool) {
    use std::io::Write as _;
    let mut json = format!(r#"{{"action":"send_message","content":"{}""#, text(sender, number)).into_bytes();
    if with_client_id {
        // Writing into a Vec cannot fail.
        let _ = write!(json, r#","client_id":"{sender}-{number}""#);
    }
    json.push(b'}');
    push_text_frame(out, &json);
}

/// Adds a client's text frame.
pub fn push_text_frame(out: &mut Vec<u8>, payload: &[u8]) {
    out.push(0x81);
    match payload.len() {
        short @ 0..=125 => out.push(0x80 | short as u8),
        long => {
            out.push(0x80 | 126);
            out.extend_from_slice(&(long as u16).to_be_bytes());
        }
    }
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(payload);
}

/// Finds messages in events, without allocation.
#[derive(Debug)]
pub struct Finder(memchr::memmem::Finder<'static>);

impl Default for Finder {
    fn default() -> Self {
        Self(memchr::memmem::Finder::new(BEFORE))
    }
}

impl Finder {
    /// Who sent the message that this event brings, and which of theirs it is; nothing if it is not such an event.
    pub fn find(&self, event: &[u8]) -> Option<(usize, u64)> {
        if !event.starts_with(br#"{"type":"chat_message""#) {
            return None;
        }
        let numbers = &event[self.0.find(event)? + BEFORE.len()..];
        let sender = digits(numbers.get(..SENDER_DIGITS)?);
        let number = digits(numbers.get(SENDER_DIGITS + 1..SENDER_DIGITS + 1 + NUMBER_DIGITS)?);
        Some((usize::try_from(sender).ok()?, number))
    }
}

fn digits(text: &[u8]) -> u64 {
    text.iter().fold(0, |number, digit| number * 10 + u64::from(digit.wrapping_sub(b'0')))
}

/// A WebSocket frame from a server, as it lies in a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// What it is: 1 text, 8 close, 9 ping, 10 pong.
    pub opcode: u8,
    /// Where its payload begins.
    pub start: usize,
    /// Where it ends.
    pub end: usize,
}

impl Header {
    /// Reads the header at the beginning of `bytes`; `None` while too little is there.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let (first, length) = (*bytes.first()?, *bytes.get(1)? & 0x7f);
        let (start, length) = match length {
            126 => (4, usize::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?))),
            127 => (10, usize::try_from(u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?)).ok()?),
            short => (2, usize::from(short)),
        };
        Some(Self { opcode: first & 0x0f, start, end: start + length })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_found_again() {
        let event = format!(r#"{{"type":"chat_message","room":"r","message":{{"content":"{}"}}}}"#, text(17, 123_456));
        assert_eq!(Finder::default().find(event.as_bytes()), Some((17, 123_456)));
        assert_eq!(numbers(&text(17, 123_456)), Some((17, 123_456)));
        assert_eq!(numbers("#00017:12"), None);
        assert_eq!(Finder::default().find(br##"{"type":"typing","content":"#00001:000000001"}"##), None);
    }

    #[test]
    fn headers_of_each_length() {
        assert_eq!(Header::parse(&[0x81, 5]), Some(Header { opcode: 1, start: 2, end: 7 }));
        assert_eq!(Header::parse(&[0x81, 126, 1, 0]), Some(Header { opcode: 1, start: 4, end: 260 }));
        assert_eq!(Header::parse(&[0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]).map(|h| h.end), Some(65_546));
        assert_eq!(Header::parse(&[0x81, 126, 1]), None);
    }
}
