//! Positions in a room's history.

use std::{fmt, str::FromStr};

use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize, Serializer};

use super::{Error, MAX_INTEGER, Result, Rev};

/// A position in one room's changes. Opaque to clients: a string that is handed back as it came.
///
/// `epoch` names the incarnation of the store (a restored backup has another), `chain` is the running hash of the
/// room's changes up to `rev`: a position of a history that diverged is noticed, not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct Cursor {
    /// The store's incarnation.
    pub epoch: u64,
    /// The last change that is included.
    pub rev: Rev,
    /// The running hash up to `rev`.
    pub chain: u64,
}

impl Serialize for Cursor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = [0; 24];
        bytes[..8].copy_from_slice(&self.epoch.to_be_bytes());
        bytes[8..16].copy_from_slice(&self.rev.to_be_bytes());
        bytes[16..].copy_from_slice(&self.chain.to_be_bytes());
        let mut text = [0; 32];
        BASE64URL_NOPAD.encode_mut(&bytes, &mut text);
        f.write_str(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

impl FromStr for Cursor {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        let bad = || Error::invalid("cursor", "must be a cursor that the server gave");
        let bytes: [u8; 24] =
            BASE64URL_NOPAD.decode(text.as_bytes()).ok().and_then(|b| b.try_into().ok()).ok_or_else(bad)?;
        let part = |at: usize| bytes[at..at + 8].iter().fold(0, |n, b| n << 8 | u64::from(*b));
        let cursor = Self { epoch: part(0), rev: part(8), chain: part(16) };
        if cursor.rev > MAX_INTEGER { Err(bad()) } else { Ok(cursor) }
    }
}
impl TryFrom<String> for Cursor {
    type Error = Error;
    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_survives_its_text_and_a_damaged_one_is_refused() {
        let cursor = Cursor { epoch: u64::MAX, rev: MAX_INTEGER, chain: 0x0123_4567_89ab_cdef };
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
        for bad in ["", "x", "%%%", &"A".repeat(31), &"A".repeat(33), &"_".repeat(32)] {
            assert!(bad.parse::<Cursor>().is_err(), "{bad:?}");
        }
    }
}
