//! Names of things: users, rooms, messages, keys, operations.

use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Serialize, Serializer};
use uuid::Uuid;

use super::{Error, Result};

/// The place of a message in its room: 1, 2, 3, … without gaps. Always below 2^53.
pub type Seq = u64;

/// The number of a change in its room: 1, 2, 3, … without gaps. Always below 2^53.
pub type Rev = u64;

/// The largest integer that every client can hold (JavaScript's `Number.MAX_SAFE_INTEGER`).
pub const MAX_INTEGER: u64 = (1 << 53) - 1;

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $field:literal, $check:path) => {
        $(#[$doc])*
        ///
        /// Cloning is cheap: clones share one allocation.
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
        #[serde(try_from = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks `text` and makes the id.
            ///
            /// # Errors
            /// `invalid_argument` that says which rule was broken.
            pub fn new(text: impl AsRef<str>) -> Result<Self> {
                let text = text.as_ref();
                $check($field, text)?;
                Ok(Self(text.into()))
            }

            /// The id as the host wrote it.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }
        impl TryFrom<String> for $name {
            type Error = Error;
            fn try_from(text: String) -> Result<Self> {
                Self::new(text)
            }
        }
        impl FromStr for $name {
            type Err = Error;
            fn from_str(text: &str) -> Result<Self> {
                Self::new(text)
            }
        }
        impl TryFrom<&str> for $name {
            type Error = Error;
            fn try_from(text: &str) -> Result<Self> {
                Self::new(text)
            }
        }
        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0.as_ref().into()
            }
        }
        impl From<&$name> for $name {
            fn from(id: &$name) -> Self {
                id.clone()
            }
        }
        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", &*self.0)
            }
        }
    };
}

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident, $field:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub struct $name(Uuid);

        impl $name {
            /// The id with these 16 bytes.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Uuid::from_bytes(bytes))
            }

            /// The 16 bytes, in the order that sorts by time.
            pub const fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }
        impl FromStr for $name {
            type Err = Error;
            fn from_str(text: &str) -> Result<Self> {
                Uuid::parse_str(text).map(Self).map_err(|_| Error::invalid($field, "must be a UUID"))
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

text_id! {
    /// A user as the host names them: 1–128 bytes without control characters. The engine keeps no accounts.
    UserId, "user_id", check_name
}
text_id! {
    /// The sender's name for one operation: 1–128 bytes without control characters, unique per room and sender.
    /// Repeating an operation under the same name gives the first result.
    ClientId, "client_id", check_name
}
text_id! {
    /// The host's own name for a room (`job:42`): 1–128 letters, digits and `: . _ - @`, not shaped like a UUID.
    RoomKey, "key", check_key
}
uuid_id! {
    /// A room: UUIDv7.
    RoomId, "room"
}
uuid_id! {
    /// A message: UUIDv7, so ids sort by the time they were given.
    MessageId, "message_id"
}

/// A room by its id or by its key, as paths and commands name it.
///
/// ```
/// use chat_core::RoomRef;
/// assert!(matches!("job:42".parse()?, RoomRef::Key(_)));
/// assert!(matches!("0190a1b2-0000-7000-8000-000000000000".parse()?, RoomRef::Id(_)));
/// # Ok::<(), chat_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum RoomRef {
    /// By id.
    Id(RoomId),
    /// By the host's key.
    Key(RoomKey),
}

impl From<RoomId> for RoomRef {
    fn from(id: RoomId) -> Self {
        Self::Id(id)
    }
}
impl From<&RoomId> for RoomRef {
    fn from(id: &RoomId) -> Self {
        Self::Id(*id)
    }
}
impl From<RoomKey> for RoomRef {
    fn from(key: RoomKey) -> Self {
        Self::Key(key)
    }
}
impl From<&RoomRef> for RoomRef {
    fn from(room: &RoomRef) -> Self {
        room.clone()
    }
}
impl FromStr for RoomRef {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        match Uuid::parse_str(text) {
            Ok(id) => Ok(Self::Id(id.into())),
            Err(_) => RoomKey::new(text).map(Self::Key),
        }
    }
}
impl TryFrom<String> for RoomRef {
    type Error = Error;
    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}
impl From<RoomRef> for String {
    fn from(room: RoomRef) -> Self {
        room.to_string()
    }
}
impl fmt::Display for RoomRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            Self::Key(key) => key.fmt(f),
        }
    }
}

fn check_name(field: &'static str, text: &str) -> Result<()> {
    if text.is_empty() || text.len() > 128 {
        return Err(Error::invalid(field, "must have 1 to 128 bytes"));
    }
    if text.chars().any(char::is_control) {
        return Err(Error::invalid(field, "must not contain control characters"));
    }
    Ok(())
}

fn check_key(field: &'static str, text: &str) -> Result<()> {
    if text.is_empty() || text.len() > 128 {
        return Err(Error::invalid(field, "must have 1 to 128 characters"));
    }
    if !text.bytes().all(|b| b.is_ascii_alphanumeric() || b":._-@".contains(&b)) {
        return Err(Error::invalid(field, "may contain letters, digits and : . _ - @ only"));
    }
    if Uuid::parse_str(text).is_ok() {
        return Err(Error::invalid(field, "must not be shaped like a UUID"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_1_to_128_bytes_and_no_control_characters() {
        for good in ["a", "client 1", "jürgen", &"x".repeat(128)] {
            assert!(UserId::new(good).is_ok(), "{good:?}");
        }
        for bad in ["", "a\0b", "a\nb", "\u{85}", &"x".repeat(129)] {
            assert!(UserId::new(bad).is_err(), "{bad:?}");
            assert!(serde_json::from_value::<UserId>(bad.into()).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_key_is_never_shaped_like_an_id() {
        assert!(RoomKey::new("job:42").is_ok());
        for bad in ["", "job 42", "job/42", "0190a1b2-0000-7000-8000-000000000000", "0190a1b2000070008000000000000000"]
        {
            assert!(RoomKey::new(bad).is_err(), "{bad:?}");
        }
    }
}
