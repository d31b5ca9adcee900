//! `chat-server token`: a token for trials.

use std::time::Duration;

use chat_core::{Clock as _, SystemClock, UserId};
use chat_ws::{Grant, JwtSettings, SigningKey};

use crate::{config::needed_secret, failure::Failure};

/// Prints a token that a server with the same secret and settings accepts.
pub(crate) fn mint(
    settings: &JwtSettings,
    user: &UserId,
    role: Option<String>,
    name: Option<String>,
    expires: Duration,
) -> Result<(), Failure> {
    let key =
        SigningKey::hs256(needed_secret()?).map_err(|error| Failure::usage(format!("CHAT_JWT_SECRET: {error}")))?;
    let any = |names: &std::collections::HashSet<String>| names.iter().min().cloned();
    let claims = [
        (settings.role_claim.as_str(), role),
        ("name", name),
        ("aud", any(&settings.audiences)),
        ("iss", any(&settings.issuers)),
    ];
    let mut grant = Grant::user(user, SystemClock.now(), expires);
    for (claim, value) in claims {
        if let Some(value) = value {
            grant = grant.with(claim, value);
        }
    }
    println!("{}", grant.sign(&key));
    Ok(())
}
