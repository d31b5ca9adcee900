//! What a token's claims say, once its signature is known to be good.

use std::collections::HashSet;

use chat_core::{Actor, Timestamp, UserId};
use serde_json::{Map, Value};

use super::{AuthError, Identity, jwt::JwtSettings};

/// Reads the claims at `now`. Every rule of a token except its signature is here.
pub(super) fn read(claims: &Map<String, Value>, settings: &JwtSettings, now: Timestamp) -> Result<Identity, AuthError> {
    let expires_at = check_times(claims, settings, now)?;
    check_names(claims.get("aud"), &settings.audiences, AuthError::Refused("the token is for another audience"))?;
    check_names(claims.get("iss"), &settings.issuers, AuthError::Refused("the token is of another issuer"))?;
    // Django's simplejwt signs refresh tokens with the same key.
    if claims.get("token_type").is_some_and(|kind| kind != "access") {
        return Err(AuthError::Refused("not an access token"));
    }
    let actor = if is_service(claims, settings) { Actor::Host } else { Actor::User(user(claims)?) };
    let text = |claim: &str| claims.get(claim).and_then(Value::as_str).filter(|text| !text.is_empty());
    Ok(Identity {
        actor,
        name: text("name").map(str::to_owned),
        avatar: text("picture").map(str::to_owned),
        expires_at: Some(expires_at),
    })
}

/// When the token ends, the leeway included: so long it is accepted, and so long a socket may stay.
fn check_times(claims: &Map<String, Value>, settings: &JwtSettings, now: Timestamp) -> Result<Timestamp, AuthError> {
    let leeway = settings.leeway_ms();
    let exp = claims.get("exp").ok_or(AuthError::Refused("the token has no `exp`"))?;
    let exp = millis(exp).ok_or(AuthError::Refused("`exp` of the token is no time"))?;
    let expires_at = Timestamp::from_millis(exp.saturating_add(leeway));
    if expires_at <= now {
        return Err(AuthError::Refused("the token has expired"));
    }
    if let Some(nbf) = claims.get("nbf") {
        let nbf = millis(nbf).ok_or(AuthError::Refused("`nbf` of the token is no time"))?;
        if nbf.saturating_sub(leeway) > now.as_millis() {
            return Err(AuthError::Refused("the token is not valid yet"));
        }
    }
    Ok(expires_at)
}

/// A time in seconds since 1970, whole or not, in milliseconds. `as` saturates.
#[allow(clippy::cast_possible_truncation, reason = "a time beyond what fits is as good as for ever")]
fn millis(time: &Value) -> Option<i64> {
    match time.as_i64() {
        Some(seconds) => Some(seconds.saturating_mul(1_000)),
        None => time.as_f64().filter(|seconds| seconds.is_finite()).map(|seconds| (seconds * 1_000.0) as i64),
    }
}

/// Where names are wanted, one of them must be there.
fn check_names(claim: Option<&Value>, wanted: &HashSet<String>, refused: AuthError) -> Result<(), AuthError> {
    if wanted.is_empty() || has_one(claim, |name| wanted.contains(name)) { Ok(()) } else { Err(refused) }
}

fn is_service(claims: &Map<String, Value>, settings: &JwtSettings) -> bool {
    has_one(claims.get(&settings.role_claim), |role| role == settings.service_role)
}

/// Whether a claim, a text or a list of texts, has one for which `wanted` holds.
fn has_one(claim: Option<&Value>, wanted: impl Fn(&str) -> bool) -> bool {
    match claim {
        Some(Value::String(text)) => wanted(text),
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).any(wanted),
        _ => false,
    }
}

/// `sub`, or simplejwt's `user_id`: a text or a whole number.
fn user(claims: &Map<String, Value>) -> Result<UserId, AuthError> {
    let id = match claims.get("sub").or_else(|| claims.get("user_id")) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) if number.is_i64() || number.is_u64() => number.to_string(),
        Some(_) => return Err(AuthError::Refused("the token's user is neither a text nor a whole number")),
        None => return Err(AuthError::Refused("the token names no user")),
    };
    UserId::new(id).map_err(|_| AuthError::Refused("the token's user is no valid user id"))
}
