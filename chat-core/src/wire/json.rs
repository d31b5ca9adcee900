//! Reads what strangers sent. An error names the field that is wrong, and never what stood in it.

use serde::{Deserialize, de::IgnoredAny};
use serde_json::error::Category;
use serde_path_to_error::Segment;

use crate::model::{Error, Result};

/// Reads a JSON object, and nothing after it; `what` is the name of the whole in errors.
///
/// # Errors
/// `invalid_argument` that names the first field that is wrong, or `what` where the whole is no JSON object.
pub fn from_json<'de, T: Deserialize<'de>>(what: &'static str, text: &'de [u8]) -> Result<T> {
    // serde would take an array for an object, field by field.
    if text.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'{') {
        return Err(Error::invalid(what, "must be a JSON object"));
    }
    let mut json = serde_json::Deserializer::from_slice(text);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| explain(what, text, &error))?;
    json.end().map_err(|_| Error::invalid(what, "must be one JSON object, and nothing after it"))?;
    Ok(value)
}

fn explain(what: &'static str, text: &[u8], error: &serde_path_to_error::Error<serde_json::Error>) -> Error {
    let inner = error.inner();
    // To serde_json a list where a name belongs is no JSON either.
    if inner.classify() != Category::Data && serde_json::from_slice::<IgnoredAny>(text).is_err() {
        let (line, column) = (inner.line(), inner.column());
        return Error::invalid(what, format!("must be a JSON object; line {line}, column {column} is no JSON"));
    }
    let field = match error.path().iter().next() {
        Some(Segment::Map { key }) => known(key).map(|field| (field, "is missing, or not what it must be")),
        _ => named(inner),
    };
    let (field, problem) = field.unwrap_or((what, "must be a JSON object of the right shape"));
    Error::invalid(field, problem)
}

/// serde names a field that is missing, or given twice, only in its text.
fn named(error: &serde_json::Error) -> Option<(&'static str, &'static str)> {
    let text = error.to_string();
    let (rest, problem) = match text.strip_prefix("missing field `") {
        Some(rest) => (rest, "is missing, or not what it must be"),
        None => (text.strip_prefix("duplicate field `")?, "is given twice"),
    };
    Some((known(rest.split('`').next()?)?, problem))
}

/// The field of that name, if the protocol has one: so an error can name it without repeating what a stranger wrote.
fn known(name: &str) -> Option<&'static str> {
    FIELDS.into_iter().find(|field| *field == name)
}

const FIELDS: [&str; 37] = [
    "action",
    "ref",
    "room",
    "rooms",
    "cursor",
    "content",
    "message_type",
    "client_id",
    "metadata",
    "attachments",
    "reply_to",
    "read_seq",
    "sender",
    "message_id",
    "seq",
    "before",
    "after",
    "around",
    "limit",
    "token",
    "user_id",
    "role",
    "name",
    "avatar",
    "topic",
    "kind",
    "key",
    "history",
    "state",
    "participants",
    "visible_from",
    "muted_until",
    "banned",
    "pinned",
    "hidden",
    "level",
    "private_reading",
];

#[cfg(test)]
mod tests {
    use serde::de::DeserializeOwned;

    use super::*;
    use crate::model::{AddParticipant, CreateRoom, EditMessage, SendMessage, UpdateMe, UpdateParticipant, UpdateRoom};

    fn said<T: DeserializeOwned + std::fmt::Debug>(text: &str) -> String {
        from_json::<T>("body", text.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn the_whole_is_one_json_object() {
        assert!(from_json::<UpdateMe>("body", b" {} \n").is_ok());
        for (text, message) in [
            ("", "`body` must be a JSON object"),
            ("null", "`body` must be a JSON object"),
            (r#"["x"]"#, "`body` must be a JSON object"),
            ("\u{feff}{}", "`body` must be a JSON object"),
            ("{", "`body` must be a JSON object; line 1, column 1 is no JSON"),
            ("{}{}", "`body` must be one JSON object, and nothing after it"),
            ("{} secret", "`body` must be one JSON object, and nothing after it"),
        ] {
            assert_eq!(said::<UpdateMe>(text), message, "{text:?}");
        }
        assert!(said::<UpdateMe>(&"{\"secret\":".repeat(5_000)).starts_with("`body` must be a JSON object; line 1"));
    }

    #[test]
    fn each_field_of_the_protocol_is_named_when_it_is_wrong() {
        fn names<T: DeserializeOwned + std::fmt::Debug>(fields: &[&str]) {
            for field in fields {
                let text = format!(r#"{{"message_id":"0190a1b2-0000-7000-8000-000000000000","{field}":[{{}}]}}"#);
                assert_eq!(said::<T>(&text), format!("`{field}` is missing, or not what it must be"));
            }
        }
        names::<SendMessage>(&["content", "message_type", "metadata", "attachments", "reply_to", "read_seq", "sender"]);
        names::<EditMessage>(&["content", "metadata", "attachments", "client_id"]);
        names::<CreateRoom>(&["key", "kind", "name", "topic", "avatar", "history", "participants", "client_id"]);
        names::<UpdateRoom>(&["name", "topic", "avatar", "state", "history"]);
        names::<UpdateMe>(&["pinned", "hidden", "level", "private_reading"]);
        assert_eq!(said::<UpdateParticipant>("{}"), "`user_id` is missing, or not what it must be");
        assert_eq!(said::<UpdateMe>(r#"{"pinned":true,"pinned":true}"#), "`pinned` is given twice");
        let king = r#"{"user_id":"ann","role":"king"}"#;
        assert_eq!(said::<AddParticipant>(king), "`role` is missing, or not what it must be");
    }
}
