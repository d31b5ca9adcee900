//! Tokens: only what one of our keys has signed opens anything, and only for whom it says, while it says.

use std::sync::{Arc, LazyLock};

use chat_core::{Actor, Clock};
use chat_testkit::ManualClock;
use chat_ws::{AuthError, JwtAuthenticator, JwtSettings, MAX_LEEWAY, VerifyingKey};
use data_encoding::BASE64URL_NOPAD;
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use serde_json::Value;

const SECRET: &[u8] = b"a secret for tests, thirty-two bytes and more";

static LOGIN: LazyLock<JwtAuthenticator> = LazyLock::new(|| {
    let key = VerifyingKey::hs256(SECRET).expect("a long secret");
    JwtAuthenticator::new(vec![key], JwtSettings::default(), Arc::new(ManualClock::default())).expect("there is a key")
});

/// Takes the input as a token; and its first line as a header and the rest as claims, signed with our key.
///
/// Then: what nobody signed is refused; so is what was signed and then changed; and what is let in has an end that has
/// not come, names its user, and is the host's only if it says so.
///
/// # Panics
/// If that does not hold.
pub fn tokens(input: &[u8]) {
    if let Ok(text) = std::str::from_utf8(input) {
        let refused = LOGIN.check(text);
        assert!(matches!(refused, Err(AuthError::Refused(why)) if !why.is_empty()), "a token that nobody signed");
    }
    let line = input.iter().position(|byte| *byte == b'\n').unwrap_or(input.len());
    let (header, claims) = (&input[..line], input.get(line + 1..).unwrap_or_default());
    let token = signed(header, claims);
    if let Ok(identity) = LOGIN.check(&token) {
        let claims: Value = serde_json::from_slice(claims).expect("claims are JSON");
        let (now, leeway) = (ManualClock::default().now().as_millis() as f64 / 1_000.0, MAX_LEEWAY.as_secs_f64());
        let exp = claims["exp"].as_f64().expect("a token has an end");
        assert!(exp + leeway > now, "it has ended");
        assert!(claims.get("nbf").is_none_or(|nbf| nbf.as_f64().is_some_and(|nbf| nbf - leeway <= now)), "not yet");
        match &identity.actor {
            Actor::Host => assert!(claims["role"].to_string().contains("\"service\""), "nobody made it the host's"),
            Actor::User(user) => {
                let named = claims.get("sub").or_else(|| claims.get("user_id")).expect("a token names its user");
                assert_eq!(named.as_str().map_or_else(|| named.to_string(), str::to_owned), user.as_str());
            }
        }
        changed(&token);
    }
}

fn signed(header: &[u8], claims: &[u8]) -> String {
    let message = format!("{}.{}", BASE64URL_NOPAD.encode(header), BASE64URL_NOPAD.encode(claims));
    let signature = crypto::sign(message.as_bytes(), &EncodingKey::from_secret(SECRET), Algorithm::HS256);
    format!("{message}.{}", signature.expect("a secret signs everything"))
}

/// A good token of which one character is another is not good.
fn changed(token: &str) {
    // Every character costs a signature; a few show as much.
    for at in (0..token.len()).step_by(token.len() / 16 + 1) {
        let mut other = token.as_bytes().to_vec();
        other[at] = if other[at] == b'A' { b'B' } else { b'A' };
        let other = String::from_utf8(other).expect("ASCII");
        assert!(LOGIN.check(&other).is_err(), "a token that was changed at {at} opens");
    }
}
