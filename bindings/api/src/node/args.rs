//! The arguments of a call: a JSON array.

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::{carry, error::ChatError};

/// The arguments that are left. What a caller left out is `null`.
#[derive(Debug)]
pub(crate) struct Args<'a>(std::vec::IntoIter<&'a RawValue>);

impl<'a> Args<'a> {
    pub(crate) fn parse(json: &'a str) -> Result<Self, ChatError> {
        carry::read::<Vec<&RawValue>>(json, "arguments").map(|args| Self(args.into_iter()))
    }

    /// The next one, which is called `name`. No argument is a list; serde would take one for an object.
    pub(crate) fn next<T: DeserializeOwned>(&mut self, name: &'static str) -> Result<T, ChatError> {
        let json = self.0.next().map_or("null", RawValue::get);
        if json.starts_with('[') {
            return Err(ChatError::invalid(name, "is missing, or not what it must be"));
        }
        carry::read(json, name)
    }

    /// The next one, which is a list.
    pub(crate) fn list<T: DeserializeOwned>(&mut self, name: &'static str) -> Result<Vec<T>, ChatError> {
        carry::read(self.0.next().map_or("null", RawValue::get), name)
    }
}
