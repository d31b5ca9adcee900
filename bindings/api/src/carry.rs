//! How values cross: through the JSON that the wire shows, so that every language sees the same object and what is
//! wrong with an argument is said in the same words.

use chat_core::wire::from_json;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::error::ChatError;

/// A value of the facade, and what the core calls it.
pub(crate) trait Carried: Sized {
    /// The core's own type.
    type Core: DeserializeOwned + Send + 'static;

    /// The core's value of an argument called `name`.
    fn into_core(self, name: &'static str) -> Result<Self::Core, ChatError>;
}

/// One value as another type of the same JSON.
pub(crate) fn carry<T: DeserializeOwned>(value: &impl Serialize) -> Result<T, ChatError> {
    shown(&write(value)?)
}

/// What the core shows, as a record.
pub(crate) fn shown<T: DeserializeOwned>(json: &str) -> Result<T, ChatError> {
    serde_json::from_str(json).map_err(|_| ChatError::unavailable("a record does not fit what the core shows"))
}

/// The JSON of a value.
pub(crate) fn write(value: &impl Serialize) -> Result<String, ChatError> {
    serde_json::to_string(value).map_err(|_| ChatError::unavailable("a value is no JSON"))
}

/// Reads an argument called `name`, an object by the core's own reader; the error names the field, and never what stood
/// in it.
pub(crate) fn read<'a, T: Deserialize<'a>>(json: &'a str, name: &'static str) -> Result<T, ChatError> {
    if json.starts_with('{') {
        return Ok(from_json(name, json.as_bytes())?);
    }
    serde_json::from_str(json).map_err(|_| ChatError::invalid(name, "is missing, or not what it must be"))
}

/// What crosses unchanged.
macro_rules! plain {
    ($($ty:ty),*) => {
        $(impl Carried for $ty {
            type Core = Self;
            fn into_core(self, _: &'static str) -> Result<Self, ChatError> {
                Ok(self)
            }
        })*
    };
}
plain!(String, bool);

/// Places and counts: never negative, and below 2^53.
impl Carried for i64 {
    type Core = u64;
    fn into_core(self, name: &'static str) -> Result<u64, ChatError> {
        let place = u64::try_from(self).ok().filter(|place| *place <= chat_core::MAX_INTEGER);
        place.ok_or_else(|| ChatError::invalid(name, "must be an integer from 0 to 2^53 - 1"))
    }
}

impl<T: Carried> Carried for Option<T> {
    type Core = Option<T::Core>;
    fn into_core(self, name: &'static str) -> Result<Self::Core, ChatError> {
        self.map(|value| value.into_core(name)).transpose()
    }
}
