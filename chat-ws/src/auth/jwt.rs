//! The ready-made authenticator: JSON Web Tokens.

use std::{collections::HashSet, sync::Arc, time::Duration};

use async_trait::async_trait;
use chat_core::{Clock, Timestamp};
use data_encoding::BASE64URL_NOPAD;
use jsonwebtoken::{Header, crypto};
use serde::{Deserialize, Serialize};

use super::{AuthError, Authenticator, Credentials, Identity, KeyError, VerifyingKey, claims};

/// The most that clocks may differ; a larger [`JwtSettings::leeway`] counts as this.
pub const MAX_LEEWAY: Duration = Duration::from_secs(5);

/// Longer tokens are refused unread.
const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// What is demanded of a token, beside a good signature and `exp`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct JwtSettings {
    /// One of these must be in `aud`. Empty: `aud` is not looked at.
    pub audiences: HashSet<String>,
    /// `iss` must be one of these. Empty: `iss` is not looked at.
    pub issuers: HashSet<String>,
    /// How much the clocks may differ, in whole seconds in a file; at most [`MAX_LEEWAY`]. Default 5 s.
    #[serde(with = "crate::limits::seconds")]
    pub leeway: Duration,
    /// The claim that makes a token the host's own. Default `role`.
    pub role_claim: String,
    /// The value of that claim, alone or in a list, that does. Default `service`.
    pub service_role: String,
}

impl Default for JwtSettings {
    fn default() -> Self {
        Self {
            audiences: HashSet::new(),
            issuers: HashSet::new(),
            leeway: MAX_LEEWAY,
            role_claim: "role".into(),
            service_role: "service".into(),
        }
    }
}

impl JwtSettings {
    pub(super) fn leeway_ms(&self) -> i64 {
        i64::try_from(self.leeway.min(MAX_LEEWAY).as_millis()).unwrap_or(0)
    }
}

/// Checks JSON Web Tokens: HS256, RS256 and `EdDSA`, as the keys say.
///
/// The user is `sub`, or `user_id` as Django's simplejwt has it. `exp` is required, `nbf` heeded. Time comes from the
/// clock that is given. A token that names a key (`kid`) is checked with that one first; then all keys are tried, so
/// that keys can be rotated by having both for a while.
#[derive(Debug)]
pub struct JwtAuthenticator {
    keys: Vec<VerifyingKey>,
    settings: JwtSettings,
    clock: Arc<dyn Clock>,
}

impl JwtAuthenticator {
    /// An authenticator with these keys; give it the engine's clock.
    ///
    /// # Errors
    /// [`KeyError::NoKey`] without one.
    pub fn new(keys: Vec<VerifyingKey>, settings: JwtSettings, clock: Arc<dyn Clock>) -> Result<Self, KeyError> {
        if keys.is_empty() { Err(KeyError::NoKey) } else { Ok(Self { keys, settings, clock }) }
    }

    /// Whom a token is for, now.
    ///
    /// # Errors
    /// [`AuthError::Refused`] that says what is wrong with it.
    pub fn check(&self, token: &str) -> Result<Identity, AuthError> {
        self.check_at(token, self.clock.now())
    }

    fn check_at(&self, token: &str, now: Timestamp) -> Result<Identity, AuthError> {
        if token.is_empty() {
            return Err(AuthError::Refused("the token is empty"));
        }
        if token.len() > MAX_TOKEN_BYTES {
            return Err(AuthError::Refused("the token is too long"));
        }
        let header = jsonwebtoken::decode_header(token).map_err(|_| AuthError::Refused("not a token"))?;
        if header.crit.is_some() {
            return Err(AuthError::Refused("the token demands an extension"));
        }
        let payload = self.verified(token, &header)?;
        let json = BASE64URL_NOPAD.decode(payload.as_bytes()).ok();
        let claims = json.and_then(|json| serde_json::from_slice(&json).ok());
        claims::read(&claims.ok_or(AuthError::Refused("the token's claims are no JSON object"))?, &self.settings, now)
    }

    /// The token's payload, if one of the keys has signed it. Nothing of it is looked at before that.
    fn verified<'t>(&self, token: &'t str, header: &Header) -> Result<&'t str, AuthError> {
        let named = |key: &&VerifyingKey| header.kid.is_some() && key.id == header.kid;
        let (first, rest): (Vec<_>, Vec<_>) = self.keys.iter().partition(named);
        let mut keys = first.into_iter().chain(rest).filter(|key| key.algorithm == header.alg).peekable();
        if keys.peek().is_none() {
            return Err(AuthError::Refused("the token is signed with an algorithm that no key has"));
        }
        let (message, signature) = token.rsplit_once('.').ok_or(AuthError::Refused("not a token"))?;
        let (_, payload) = message.rsplit_once('.').ok_or(AuthError::Refused("not a token"))?;
        let signed = |key: &VerifyingKey| crypto::verify(signature, message.as_bytes(), &key.key, key.algorithm);
        if keys.any(|key| signed(key).unwrap_or(false)) {
            Ok(payload)
        } else {
            Err(AuthError::Refused("the token is not signed with a key that is known"))
        }
    }
}

#[async_trait]
impl Authenticator for JwtAuthenticator {
    async fn authenticate(&self, credentials: Credentials<'_>) -> Result<Identity, AuthError> {
        self.check(credentials.token.ok_or(AuthError::Missing)?)
    }
}

#[cfg(test)]
mod tests;
