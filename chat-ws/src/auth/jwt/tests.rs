//! A token of every wrong kind opens nothing.

use std::sync::atomic::{AtomicI64, Ordering};

use chat_core::{Actor, UserId};
use serde_json::{Value, json};

use super::*;
use crate::auth::{Grant, SigningKey};

const SECRET: &str = "0123456789abcdef0123456789abcdef";
const OTHER: &str = "another secret that is long enough";
const RSA: &str = include_str!("../../../testdata/rsa-for-tests-only.pem");
const RSA_PUBLIC: &str = include_str!("../../../testdata/rsa-for-tests-only.pub.pem");
const ED: &str = include_str!("../../../testdata/ed25519-for-tests-only.pem");
const ED_PUBLIC: &str = include_str!("../../../testdata/ed25519-for-tests-only.pub.pem");
const NOW: i64 = 1_800_000_000_000;

#[derive(Debug)]
struct At(AtomicI64);

impl Clock for At {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::Relaxed))
    }
}

fn authenticator(keys: Vec<VerifyingKey>, settings: JwtSettings) -> JwtAuthenticator {
    JwtAuthenticator::new(keys, settings, Arc::new(At(NOW.into()))).unwrap()
}

fn plain() -> JwtAuthenticator {
    authenticator(vec![VerifyingKey::hs256(SECRET).unwrap()], JwtSettings::default())
}

fn grant() -> Grant {
    Grant::user(&UserId::new("ann").unwrap(), Timestamp::from_millis(NOW), Duration::from_mins(10))
}

fn signed(grant: &Grant) -> String {
    grant.sign(&SigningKey::hs256(SECRET).unwrap())
}

/// A token made by hand, so that its header can lie.
fn forged(header: &Value, claims: &Value, secret: &[u8]) -> String {
    let part = |value: &Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
    let message = format!("{}.{}", part(header), part(claims));
    let key = jsonwebtoken::EncodingKey::from_secret(secret);
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, jsonwebtoken::Algorithm::HS256).unwrap();
    format!("{message}.{signature}")
}

fn claims() -> Value {
    json!({"sub": "ann", "exp": NOW / 1_000 + 600})
}

#[track_caller]
fn refused(authenticator: &JwtAuthenticator, token: &str, why: &str) {
    assert_eq!(authenticator.check(token).unwrap_err().to_string(), why);
}

#[test]
fn a_good_token_says_who_is_there_and_for_how_long() {
    let token = signed(&grant().with("name", "Ann").with("picture", "https://a/b.png"));
    let identity = plain().check(&token).unwrap();
    assert_eq!(identity.actor, Actor::User(UserId::new("ann").unwrap()));
    assert_eq!((identity.name.as_deref(), identity.avatar.as_deref()), (Some("Ann"), Some("https://a/b.png")));
    assert_eq!(identity.expires_at, Some(Timestamp::from_millis(NOW + 605_000)));
}

#[test]
fn every_kind_of_key_checks_its_own_tokens() {
    let settings = JwtSettings::default;
    for (public, private) in [
        (VerifyingKey::hs256(SECRET), SigningKey::hs256(SECRET)),
        (VerifyingKey::rs256_pem(RSA_PUBLIC), SigningKey::rs256_pem(RSA)),
        (VerifyingKey::eddsa_pem(ED_PUBLIC), SigningKey::eddsa_pem(ED)),
    ] {
        let (public, token) = (public.unwrap(), grant().sign(&private.unwrap()));
        assert!(authenticator(vec![public.clone()], settings()).check(&token).is_ok(), "{public:?}");
        let damaged = format!("{}A{}", &token[..token.len() - 20], &token[token.len() - 19..]);
        assert!(authenticator(vec![public.clone()], settings()).check(&damaged).is_err(), "{public:?}");
    }
}

#[test]
fn the_algorithm_is_the_keys_not_the_tokens() {
    let no_key = "the token is signed with an algorithm that no key has";
    for header in [json!({"alg": "none"}), json!({"alg": "None"}), json!({})] {
        let token = forged(&header, &claims(), SECRET.as_bytes());
        let (unsigned, _) = token.rsplit_once('.').unwrap();
        refused(&plain(), &token, "not a token");
        refused(&plain(), &format!("{unsigned}."), "not a token");
    }
    // The public key, which everybody has, used as if it were a secret.
    let rsa = authenticator(vec![VerifyingKey::rs256_pem(RSA_PUBLIC).unwrap()], JwtSettings::default());
    refused(&rsa, &forged(&json!({"alg": "HS256"}), &claims(), RSA_PUBLIC.as_bytes()), no_key);
    refused(&rsa, &forged(&json!({"alg": "RS512"}), &claims(), RSA_PUBLIC.as_bytes()), no_key);
    refused(&plain(), &forged(&json!({"alg": "HS512"}), &claims(), SECRET.as_bytes()), no_key);
    refused(&plain(), &grant().sign(&SigningKey::rs256_pem(RSA).unwrap()), no_key);
    // The right signature under the wrong name.
    let token = forged(&json!({"alg": "RS256"}), &claims(), SECRET.as_bytes());
    refused(&rsa, &token, "the token is not signed with a key that is known");
}

#[test]
fn a_token_without_an_end_or_outside_its_time_is_refused() {
    let with_exp = |exp: Value| signed(&grant().with("exp", exp));
    let second = NOW / 1_000;
    let no_exp = forged(&json!({"alg": "HS256"}), &json!({"sub": "ann"}), SECRET.as_bytes());
    refused(&plain(), &no_exp, "the token has no `exp`");
    for no_time in [json!("soon"), json!(null), json!(format!("{}", second + 9))] {
        refused(&plain(), &with_exp(no_time), "`exp` of the token is no time");
    }
    for past in [json!(second - 5), json!(second - 3_600), json!(0), json!(-1), json!(f64::MIN)] {
        refused(&plain(), &with_exp(past), "the token has expired");
    }
    for future in [json!(second - 4), json!(second as f64 + 0.5), json!(u64::MAX), json!(1e300)] {
        assert!(plain().check(&with_exp(future.clone())).is_ok(), "{future}");
    }
    refused(&plain(), &signed(&grant().with("nbf", second + 6)), "the token is not valid yet");
    refused(&plain(), &signed(&grant().with("nbf", "x")), "`nbf` of the token is no time");
    assert!(plain().check(&signed(&grant().with("nbf", second + 5))).is_ok());
}

#[test]
fn leeway_is_clamped() {
    let settings = |leeway| JwtSettings { leeway: Duration::from_secs(leeway), ..JwtSettings::default() };
    let key = || vec![VerifyingKey::hs256(SECRET).unwrap()];
    let late = |seconds| signed(&grant().with("exp", NOW / 1_000 - seconds));
    assert!(authenticator(key(), settings(60)).check(&late(4)).is_ok());
    refused(&authenticator(key(), settings(60)), &late(6), "the token has expired");
    refused(&authenticator(key(), settings(0)), &late(0), "the token has expired");
}

#[test]
fn audience_and_issuer_are_demanded_when_they_are_set() {
    let one = |name: &str| HashSet::from([name.to_owned()]);
    let settings = JwtSettings { audiences: one("chat"), issuers: one("us"), ..JwtSettings::default() };
    let strict = authenticator(vec![VerifyingKey::hs256(SECRET).unwrap()], settings);
    let us = || grant().with("iss", "us");
    assert!(strict.check(&signed(&us().with("aud", "chat"))).is_ok());
    assert!(strict.check(&signed(&us().with("aud", json!(["shop", "chat"])))).is_ok());
    for aud in [json!("shop"), json!(["shop"]), json!([]), json!(5), json!("CHAT"), json!("")] {
        refused(&strict, &signed(&us().with("aud", aud)), "the token is for another audience");
    }
    refused(&strict, &signed(&us()), "the token is for another audience");
    for iss in [json!("them"), json!(null)] {
        let token = signed(&grant().with("aud", "chat").with("iss", iss));
        refused(&strict, &token, "the token is of another issuer");
    }
    refused(&strict, &signed(&grant().with("aud", "chat")), "the token is of another issuer");
}

#[test]
fn keys_can_be_rotated_and_kid_is_only_a_name() {
    let keys = || {
        vec![
            VerifyingKey::hs256(SECRET).unwrap().with_id("old"),
            VerifyingKey::hs256(OTHER).unwrap().with_id("new"),
            VerifyingKey::eddsa_pem(ED_PUBLIC).unwrap(),
        ]
    };
    let both = authenticator(keys(), JwtSettings::default());
    let by = |secret: &str, kid: &str| grant().sign(&SigningKey::hs256(secret).unwrap().with_id(kid));
    for token in [
        by(SECRET, "old"),
        by(OTHER, "new"),
        // Named wrongly, or as a path or a query: all keys are tried, and nothing is opened.
        by(OTHER, "old"),
        by(SECRET, "../../../../dev/null"),
        by(SECRET, "/etc/passwd"),
        by(SECRET, "x' UNION SELECT 'key"),
        signed(&grant()),
        grant().sign(&SigningKey::eddsa_pem(ED).unwrap().with_id("old")),
    ] {
        assert!(both.check(&token).is_ok());
    }
    let unknown = "the token is not signed with a key that is known";
    refused(&both, &by("a third secret that nobody knows of", "new"), unknown);
    refused(&both, &grant().with("x", 1).sign(&SigningKey::hs256([0; 32]).unwrap().with_id("../../dev/zero")), unknown);
    refused(&plain(), &by(OTHER, "new"), unknown);
}

#[test]
fn a_simplejwt_token_works_and_a_refresh_token_does_not() {
    let simple = |kind: &str, user: Value| {
        let claims = json!({"token_type": kind, "exp": NOW / 1_000 + 60, "jti": "1", "user_id": user});
        forged(&json!({"alg": "HS256", "typ": "JWT"}), &claims, SECRET.as_bytes())
    };
    for user in [json!("7"), json!(7)] {
        assert_eq!(plain().check(&simple("access", user)).unwrap().actor, Actor::User(UserId::new("7").unwrap()));
    }
    refused(&plain(), &simple("refresh", json!(7)), "not an access token");
    refused(&plain(), &simple("sliding", json!(7)), "not an access token");
    refused(&plain(), &signed(&grant().with("token_type", 5)), "not an access token");
}

#[test]
fn a_user_is_a_valid_id_or_nobody() {
    let no_text = "the token's user is neither a text nor a whole number";
    for user in [json!(1.5), json!(true), json!(null), json!([]), json!({"id": 1})] {
        refused(&plain(), &signed(&grant().with("sub", user)), no_text);
    }
    for user in ["", "a\nb", "a\u{0}b", &"x".repeat(129)] {
        refused(&plain(), &signed(&grant().with("sub", user)), "the token's user is no valid user id");
    }
    let nobody = forged(&json!({"alg": "HS256"}), &json!({"exp": NOW / 1_000 + 60}), SECRET.as_bytes());
    refused(&plain(), &nobody, "the token names no user");
}

#[test]
fn the_service_role_is_the_hosts() {
    let service = Grant::service(Timestamp::from_millis(NOW), Duration::from_mins(1));
    assert_eq!(plain().check(&signed(&service)).unwrap().actor, Actor::Host);
    for role in [json!("Service"), json!("user"), json!(["user"]), json!({"service": true}), json!(true)] {
        let identity = plain().check(&signed(&grant().with("role", role))).unwrap();
        assert_ne!(identity.actor, Actor::Host);
    }
    let settings =
        JwtSettings { role_claim: "groups".into(), service_role: "backend".into(), ..JwtSettings::default() };
    let own = authenticator(vec![VerifyingKey::hs256(SECRET).unwrap()], settings);
    assert_eq!(own.check(&signed(&grant().with("groups", json!(["a", "backend"])))).unwrap().actor, Actor::Host);
    assert_ne!(own.check(&signed(&grant().with("role", "service"))).unwrap().actor, Actor::Host);
}

#[test]
fn garbage_is_refused_without_being_repeated() {
    refused(&plain(), "", "the token is empty");
    refused(&plain(), &"a".repeat(100 * 1024), "the token is too long");
    refused(&plain(), &signed(&grant().with("x", "y".repeat(100 * 1024))), "the token is too long");
    for token in ["x", "a.b.c", "..", "a.b", "a.b.c.d", "🙂.🙂.🙂", "Bearer x", " ", "null"] {
        refused(&plain(), token, "not a token");
    }
    let demanding = forged(&json!({"alg": "HS256", "crit": ["b64"], "b64": false}), &claims(), SECRET.as_bytes());
    refused(&plain(), &demanding, "the token demands an extension");
    let no_object = forged(&json!({"alg": "HS256"}), &json!([1]), SECRET.as_bytes());
    refused(&plain(), &no_object, "the token's claims are no JSON object");
}

#[test]
fn a_key_that_cannot_work_is_found_when_it_is_made() {
    assert_eq!(VerifyingKey::hs256("x".repeat(31)).unwrap_err(), KeyError::SecretTooShort { size: 31 });
    assert_eq!(SigningKey::hs256("").unwrap_err(), KeyError::SecretTooShort { size: 0 });
    assert!(VerifyingKey::hs256("x".repeat(32)).is_ok());
    for bad in ["", "nonsense", RSA, ED, ED_PUBLIC] {
        assert!(VerifyingKey::rs256_pem(bad).is_err(), "{bad}");
    }
    for bad in ["", RSA, ED, RSA_PUBLIC] {
        assert!(VerifyingKey::eddsa_pem(bad).is_err(), "{bad}");
    }
    assert!(SigningKey::rs256_pem(RSA_PUBLIC).is_err() && SigningKey::eddsa_pem(RSA).is_err());
    let none = JwtAuthenticator::new(Vec::new(), JwtSettings::default(), Arc::new(At(NOW.into())));
    assert_eq!(none.unwrap_err(), KeyError::NoKey);
}

#[test]
fn neither_a_key_nor_a_token_shows_in_debug_output() {
    let shown = format!("{:?} {:?}", plain(), SigningKey::hs256(SECRET).unwrap());
    assert!(!shown.contains(SECRET), "{shown}");
    let token = signed(&grant());
    let credentials = Credentials { token: Some(&token), headers: &axum::http::HeaderMap::new() };
    assert!(!format!("{credentials:?}").contains(&token));
}
