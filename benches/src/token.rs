//! Real tokens: signed with the secret that the server was started with, checked by it like anybody's.

use jsonwebtoken::{EncodingKey, Header, encode};
use serde::Serialize;

/// The secret that the servers here are started with; they listen on loopback for a minute.
pub const SECRET: &str = "a secret for measurements only, at least 32 bytes";

/// Far enough away that no run reaches it: 2100-01-01.
const EXPIRES: u64 = 4_102_444_800;

#[derive(Serialize)]
struct Claims<'a> {
    sub: &'a str,
    exp: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'a str>,
}

/// A user's token.
pub fn of_user(user: &str) -> String {
    sign(&Claims { sub: user, exp: EXPIRES, role: None })
}

/// The token of the host's own back end.
pub fn of_service() -> String {
    sign(&Claims { sub: "bench", exp: EXPIRES, role: Some("service") })
}

fn sign(claims: &Claims<'_>) -> String {
    encode(&Header::default(), claims, &EncodingKey::from_secret(SECRET.as_bytes())).expect("plain claims are signed")
}

/// The name of a measured user.
pub fn user(n: usize) -> String {
    format!("user{n:05}")
}
