//! Values that the languages have types of their own for: points in time, and free JSON.

#[cfg(feature = "uniffi")]
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

/// A point in time, in milliseconds: `java.time.Instant`, `datetime`, `Date`; text in RFC 3339 in Node, as on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(type = "string"))]
pub struct Time(pub chat_core::Timestamp);

/// A free JSON object: an object in Node, a `dict` in Python, its text elsewhere.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(type = "{ [key: string]: unknown }"))]
pub struct Json(pub chat_core::Metadata);

#[cfg(feature = "uniffi")]
uniffi::custom_type!(Time, SystemTime, {
    lower: |time| SystemTime::UNIX_EPOCH + Duration::from_millis(time.0.as_millis().unsigned_abs()),
    try_lift: |time| {
        // What is before 1970 counts as 1970, as everywhere in the engine.
        let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Ok(Time(chat_core::Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))))
    },
});

#[cfg(feature = "uniffi")]
uniffi::custom_type!(Json, String, {
    lower: |json| serde_json::Value::Object(json.0).to_string(),
    try_lift: |text| Ok(Json(crate::carry::read(&text, "metadata")?)),
});
