//! Who is there: a session cookie for the page, and from it short-lived tokens for the chat.

use std::{sync::Arc, time::Duration};

use argon2::{Argon2, PasswordHasher as _, PasswordVerifier as _, password_hash::phc::PasswordHash};
use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, header, request::Parts},
};
use chat_core::{Clock, Random as _, SystemRandom, UserId};
use chat_ws::{Grant, KeyError, SigningKey, VerifyingKey};
use rusqlite::{OptionalExtension as _, params};

use crate::{
    api::App,
    database::Database,
    people::{self, Person},
    problem::Problem,
};

/// How long somebody stays logged in.
const SESSION: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// A hash of nothing that anybody knows: an address that is not there takes as long as a wrong password.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$\
                      3bxVIIWZ5KEJDqKtLuKAhY0LMTGfAEZGGmhGHZCjZFI";

/// Signs tokens for the chat.
///
/// The key lives as long as the process: a token lasts for minutes, and a page fetches another one when the chat refuses
/// it. So there is no secret to store.
#[derive(Debug)]
pub(crate) struct ChatTokens {
    secret: [u8; 32],
    signing: SigningKey,
    clock: Arc<dyn Clock>,
    valid: Duration,
}

impl ChatTokens {
    pub(crate) fn new(clock: Arc<dyn Clock>, valid: Duration) -> Result<Self, KeyError> {
        let mut secret = [0; 32];
        SystemRandom.fill(&mut secret);
        Ok(Self { signing: SigningKey::hs256(secret)?, secret, clock, valid })
    }

    /// What the chat checks them with.
    pub(crate) fn verifying(&self) -> Result<VerifyingKey, KeyError> {
        VerifyingKey::hs256(self.secret)
    }

    /// A token for somebody.
    pub(crate) fn grant(&self, person: &Person) -> Result<String, Problem> {
        Ok(Grant::user(&UserId::new(&person.id)?, self.clock.now(), self.valid).sign(&self.signing))
    }

    pub(crate) fn now(&self) -> i64 {
        self.clock.now().as_millis()
    }
}

/// The hash to store instead of a password.
pub(crate) fn hash(password: &str) -> Result<String, Problem> {
    Ok(Argon2::default().hash_password(password.as_bytes()).map_err(Problem::Hash)?.to_string())
}

/// Checks a password and begins a session; returns who it is, and the cookie.
pub(crate) async fn begin(app: &App, email: String, password: String) -> Result<(Person, String), Problem> {
    let now = app.tokens.now();
    let found = app.database.call(move |connection| people::by_email(connection, &email)).await?;
    let turn = Arc::clone(&app.checks).acquire_owned().await.map_err(|_| Problem::Interrupted)?;
    // spawns: one check, which ends by itself and is waited for here. It goes on when whoever asked has gone, so the turn
    // ends with it, not with them.
    let checked = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        let stored = found.as_ref().map_or(NOBODY, |(_, stored)| stored);
        let right = PasswordHash::new(stored)
            .is_ok_and(|stored| Argon2::default().verify_password(password.as_bytes(), &stored).is_ok());
        found.filter(|_| right)
    });
    let (person, _) = checked.await.map_err(|_| Problem::Interrupted)?.ok_or(Problem::WrongLogin)?;

    let mut secret = [0; 16];
    SystemRandom.fill(&mut secret);
    let secret = format!("{:032x}", u128::from_ne_bytes(secret));
    let (kept, id) = (secret.clone(), person.id.clone());
    let insert = move |connection: &mut rusqlite::Connection| {
        let ends = now.saturating_add_unsigned(SESSION.as_secs() * 1_000);
        connection.execute("DELETE FROM sessions WHERE ends < ?", [now])?;
        connection.execute("INSERT INTO sessions (secret, person, ends) VALUES (?, ?, ?)", params![kept, id, ends])?;
        Ok(())
    };
    app.database.call(insert).await?;
    Ok((person, cookie(&secret, SESSION)))
}

/// Ends the session of a request; returns the cookie that takes the other one away.
pub(crate) async fn end(database: &Database, headers: &HeaderMap) -> Result<String, Problem> {
    if let Some(secret) = session(headers).map(str::to_owned) {
        let delete = move |connection: &mut rusqlite::Connection| {
            connection.execute("DELETE FROM sessions WHERE secret = ?", [secret])?;
            Ok(())
        };
        database.call(delete).await?;
    }
    Ok(cookie("", Duration::ZERO))
}

/// Scripts cannot read it, and other sites' forms do not send it; what is of the same site and another origin is refused
/// by the router. Behind TLS, add `Secure`.
fn cookie(secret: &str, keep: Duration) -> String {
    format!("session={secret}; HttpOnly; SameSite=Lax; Path=/; Max-Age={}", keep.as_secs())
}

/// The cookie `session` of a request.
fn session(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(header::COOKIE).into_iter().filter_map(|line| line.to_str().ok());
    cookies.flat_map(|line| line.split("; ")).find_map(|cookie| cookie.strip_prefix("session="))
}

/// Whoever sends a request; a handler that takes a `Person` needs somebody to be logged in.
impl FromRequestParts<App> for Person {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let secret = session(&parts.headers).ok_or(Problem::NotLoggedIn)?.to_owned();
        let now = app.tokens.now();
        let find = move |connection: &mut rusqlite::Connection| {
            let mut found = connection.prepare_cached(
                "SELECT id, name, role FROM sessions JOIN people ON id = person WHERE secret = ? AND ends > ?",
            )?;
            let person = found.query_row(params![secret, now], |row| Self::from_row(row, 0)).optional()?;
            person.ok_or(Problem::NotLoggedIn)
        };
        app.database.call(find).await
    }
}
