//! What receivers must hear: every message of each sender once, in order.

use anyhow::{Result, ensure};

use crate::message::Finder;

/// Which message each receiver expects next of each sender of its room.
#[derive(Debug)]
pub(super) struct Heard {
    next: Vec<u64>,
    senders: usize,
    finder: Finder,
    pub(super) deliveries: u64,
    pub(super) lost: u64,
    pub(super) doubled: u64,
    pub(super) resyncs: u64,
    pub(super) errors: u64,
}

impl Heard {
    /// So many receivers, and so many senders in the room of each.
    pub(super) fn new(receivers: usize, senders: usize) -> Self {
        Self {
            next: vec![0; receivers * senders],
            senders,
            finder: Finder::default(),
            deliveries: 0,
            lost: 0,
            doubled: 0,
            resyncs: 0,
            errors: 0,
        }
    }

    /// Takes what a receiver got. Returns who sent it and which of theirs it is, if it is a message.
    pub(super) fn hear(&mut self, receiver: usize, text: &[u8]) -> Option<(usize, u64)> {
        let Some((sender, number)) = self.finder.find(text) else {
            self.resyncs += u64::from(text.starts_with(br#"{"type":"resync""#));
            self.errors += u64::from(text.starts_with(br#"{"type":"error""#));
            return None;
        };
        let next = &mut self.next[receiver * self.senders + sender];
        if number < *next {
            self.doubled += 1;
            return None;
        }
        self.lost += number - *next;
        *next = number + 1;
        self.deliveries += 1;
        Some((sender, number))
    }

    /// Fails unless everybody heard everything once.
    pub(super) fn is_whole(&self) -> Result<()> {
        let Self { lost, doubled, resyncs, errors, .. } = self;
        ensure!(
            lost + doubled + resyncs + errors == 0,
            "{lost} lost, {doubled} doubled, {resyncs} resyncs, {errors} errors"
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn losses_and_doubles_are_counted() {
        let event = |number| {
            let text = crate::message::text(1, number);
            format!(r#"{{"type":"chat_message","room":"r","message":{{"content":"{text}"}}}}"#)
        };
        let mut heard = Heard::new(2, 2);
        assert_eq!(heard.hear(1, event(0).as_bytes()), Some((1, 0)));
        assert!(heard.is_whole().is_ok());
        assert_eq!(heard.hear(1, event(2).as_bytes()), Some((1, 2)));
        assert_eq!(heard.hear(1, event(2).as_bytes()), None);
        assert_eq!(heard.hear(0, br#"{"type":"resync","room":"r"}"#), None);
        assert_eq!((heard.lost, heard.doubled, heard.resyncs, heard.deliveries), (1, 1, 1, 2));
        assert!(heard.is_whole().is_err());
    }
}
