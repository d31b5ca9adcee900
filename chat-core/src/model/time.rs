//! Points in time as the engine stores and shows them.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize, Serializer};

use super::{Error, Result};

/// A point in time: milliseconds since 1970, shown as RFC 3339 in UTC with three decimals.
///
/// ```
/// use chat_core::Timestamp;
/// let t: Timestamp = "2026-01-02T03:04:05.678Z".parse()?;
/// assert_eq!(t.to_string(), "2026-01-02T03:04:05.678Z");
/// # Ok::<(), chat_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Deserialize)]
#[serde(try_from = "String")]
pub struct Timestamp(i64);

impl Timestamp {
    /// The latest time that can be shown: the second last day of the year 9999.
    pub const MAX: Self = Self(253_402_207_200_000);

    /// The time so many milliseconds after 1970; clamped to 1970 and [`Timestamp::MAX`].
    pub fn from_millis(ms: i64) -> Self {
        Self(ms.clamp(0, Self::MAX.0))
    }

    /// Milliseconds since 1970.
    pub const fn as_millis(self) -> i64 {
        self.0
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = jiff::Timestamp::from_millisecond(self.0).map_err(|_| fmt::Error)?;
        write!(f, "{time:.3}")
    }
}

impl FromStr for Timestamp {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        let time: jiff::Timestamp = text
            .parse()
            .map_err(|_| Error::invalid("time", "must be an RFC 3339 time such as 2026-01-02T03:04:05Z"))?;
        Ok(Self::from_millis(time.as_millisecond()))
    }
}
impl TryFrom<String> for Timestamp {
    type Error = Error;
    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_time_that_can_be_held_can_be_shown_and_read_again() {
        for ms in [i64::MIN, 0, 1, 1_767_355_200_000, Timestamp::MAX.as_millis() - 1, i64::MAX] {
            let time = Timestamp::from_millis(ms);
            assert_eq!(time.to_string().parse(), Ok(time), "{ms}");
        }
    }
}
