//! Free JSON: how much of it is taken, and what it weighs.

use serde_json::Value;

use super::{Attachment, Error, Metadata, Result};

/// How deep free JSON may nest. Parsers end at 128, and it stands within pages, events and exports, each deeper than the
/// command that it came with.
pub const METADATA_DEPTH: usize = 64;

/// How many values the free JSON of one message or room may hold, lists and objects counted like what is in them. Each
/// takes hundreds of bytes of memory where it may be five of text.
pub const METADATA_VALUES: usize = 512;

/// What a value takes in memory beside its text: its place, and its key's, in a list or object that is half full.
const VALUE: usize = 160;

/// What an object takes as soon as anything is in it.
const OBJECT: usize = 640;

/// Checks that free JSON nests at most [`METADATA_DEPTH`] deep, itself included, and holds at most [`METADATA_VALUES`];
/// `metadata` is all that one message or room has.
///
/// # Errors
/// `invalid_argument`.
pub fn check_metadata<'a>(metadata: impl IntoIterator<Item = &'a Metadata>) -> Result<()> {
    let mut left = METADATA_VALUES;
    let mut values = metadata.into_iter().flat_map(|metadata| metadata.values());
    values.try_for_each(|value| check_value(value, METADATA_DEPTH - 1, &mut left))
}

fn check_value(value: &Value, levels: usize, left: &mut usize) -> Result<()> {
    *left = left.checked_sub(1).ok_or(Error::invalid("metadata", "must not hold more than 512 values"))?;
    if levels == 0 && (value.is_array() || value.is_object()) {
        return Err(Error::invalid("metadata", "must not nest deeper than 64 levels"));
    }
    match value {
        Value::Array(items) => items.iter().try_for_each(|item| check_value(item, levels - 1, left)),
        Value::Object(fields) => fields.values().try_for_each(|field| check_value(field, levels - 1, left)),
        _ => Ok(()),
    }
}

/// All the free JSON of a message.
pub(crate) fn all_metadata<'a>(
    metadata: Option<&'a Metadata>,
    attachments: &'a [Attachment],
) -> impl Iterator<Item = &'a Metadata> {
    metadata.into_iter().chain(attachments.iter().map(|file| &file.more))
}

/// About how many bytes free JSON takes in memory beside its text.
pub(crate) fn held(metadata: &Metadata) -> usize {
    let object = if metadata.is_empty() { 0 } else { OBJECT };
    object + metadata.values().map(held_by).sum::<usize>()
}

fn held_by(value: &Value) -> usize {
    VALUE
        + match value {
            Value::Array(items) => items.iter().map(held_by).sum(),
            Value::Object(fields) => held(fields),
            _ => 0,
        }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object(value: Value) -> Metadata {
        Metadata::from_iter([("a".to_owned(), value)])
    }

    #[test]
    fn free_json_is_refused_where_it_is_too_deep() {
        let deep = |levels: usize| object((2..levels).fold(json!([]), |inner, _| json!([inner])));
        assert!(check_metadata(&[deep(METADATA_DEPTH)]).is_ok());
        assert!(check_metadata(&[deep(METADATA_DEPTH + 1)]).is_err());
        assert!(check_metadata(&[object(1.into())]).is_ok());
    }

    #[test]
    fn free_json_is_refused_where_it_is_too_much_together() {
        let many = |values: usize| object(vec![Value::Null; values - 1].into());
        assert!(check_metadata(&[many(METADATA_VALUES)]).is_ok());
        assert!(check_metadata(&[many(METADATA_VALUES + 1)]).is_err());
        assert!(check_metadata(&[many(METADATA_VALUES - 1), object(1.into())]).is_ok());
        assert!(check_metadata(&[many(METADATA_VALUES), object(1.into())]).is_err());
    }

    #[test]
    fn what_is_accepted_weighs_at_most_so_much_beside_its_text() {
        // As dear as can be: each value is an object, and has one of its own.
        let chain = (3..METADATA_DEPTH).fold(json!({"": 1}), |inner, _| json!({ "": inner }));
        let dear = object(vec![chain; METADATA_VALUES / METADATA_DEPTH].into());
        assert!(check_metadata([&dear]).is_ok());
        assert!(held(&dear) > METADATA_VALUES * OBJECT / 2, "{}", held(&dear));
        assert!(held(&dear) <= OBJECT + METADATA_VALUES * (OBJECT + VALUE));
    }
}
