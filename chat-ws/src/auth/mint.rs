//! Makes tokens: for `chat-server token`, tests and small hosts.

use std::time::Duration;

use chat_core::{Timestamp, UserId};
use jsonwebtoken::Header;
use serde_json::{Map, Value};

use super::key::SigningKey;

/// What a token says.
#[derive(Clone, Debug, Default)]
pub struct Grant {
    claims: Map<String, Value>,
}

impl Grant {
    /// A token for a user, for so long from `now` on.
    pub fn user(user: &UserId, now: Timestamp, valid: Duration) -> Self {
        Self::valid(now, valid).with("sub", user.as_str())
    }

    /// A token for the host's own back end: it has the role `service`. Never give it to a user.
    pub fn service(now: Timestamp, valid: Duration) -> Self {
        Self::valid(now, valid).with("role", "service")
    }

    /// The same with another claim: `name`, `picture`, `aud`, `iss`, …
    #[must_use]
    pub fn with(mut self, claim: &str, value: impl Into<Value>) -> Self {
        self.claims.insert(claim.to_owned(), value.into());
        self
    }

    /// The token, signed.
    pub fn sign(&self, key: &SigningKey) -> String {
        let header = Header { kid: key.id.clone(), ..Header::new(key.algorithm) };
        jsonwebtoken::encode(&header, &self.claims, &key.key).expect("a key that was checked signs plain JSON")
    }

    fn valid(now: Timestamp, valid: Duration) -> Self {
        let now = now.as_millis() / 1_000;
        let until = now.saturating_add(i64::try_from(valid.as_secs()).unwrap_or(i64::MAX));
        Self::default().with("iat", now).with("exp", until)
    }
}
