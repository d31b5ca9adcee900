//! Requests over HTTP: whatever comes is answered as the served document says.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Request, Response, StatusCode, header},
};
use chat_ws::{AuthError, Authenticator, ChatServer, Credentials, Identity, Settings};
use serde_json::Value;
use tower::ServiceExt as _;

use crate::stage::{Stage, known, proper, run};

/// More than any answer has.
const BODY: usize = 1 << 24;

/// Makes each line of the input a request: `NAME METHOD PATH BODY`, where the name is one of the cast, `host`, or
/// nobody's: then there is no good token.
///
/// Then: no answer blames the server; every answer to what the document describes has a status that it names; every
/// failure is an error that the docs list.
///
/// # Panics
/// If that does not hold.
pub fn requests(input: &[u8]) {
    run(async {
        let stage = Stage::set().await;
        let chat = ChatServer::new(stage.engine.clone(), Arc::new(Names), Settings::default()).expect("the defaults");
        let router = chat.router();
        let document = document(&router).await;
        for line in input.split(|byte| *byte == b'\n') {
            ask(&stage, &router, &document, line).await;
        }
        drop(router);
        tokio::time::timeout(Duration::from_secs(60), chat.close()).await.expect("the server closes");
        stage.ends().await;
    });
}

/// The token is the name.
#[derive(Debug)]
struct Names;

#[async_trait]
impl Authenticator for Names {
    async fn authenticate(&self, credentials: Credentials<'_>) -> Result<Identity, AuthError> {
        known(credentials.token.ok_or(AuthError::Missing)?).ok_or(AuthError::Refused("nobody has this name"))
    }
}

async fn document(router: &Router) -> Value {
    let request = Request::get("/api/openapi.json").body(Body::empty()).expect("a request");
    let answer = router.clone().oneshot(request).await.expect("it never fails");
    serde_json::from_slice(&to_bytes(answer.into_body(), BODY).await.expect("a body")).expect("the document is JSON")
}

async fn ask(stage: &Stage, router: &Router, document: &Value, line: &[u8]) {
    let mut parts = line.splitn(4, |byte| *byte == b' ');
    let mut word = || parts.next().map(|part| stage.told(&String::from_utf8_lossy(part)));
    let (Some(name), Some(method), Some(path)) = (word(), word(), word()) else { return };
    let body = parts.next().unwrap_or_default();
    let body = std::str::from_utf8(body).map_or_else(|_| body.to_vec(), |text| stage.told(text).into_bytes());
    let request = Request::builder()
        .method(&*method)
        .uri(&path)
        .header(header::AUTHORIZATION, format!("Bearer {name}"))
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(body));
    // What is no request at all does not get past hyper.
    let Ok(request) = request else { return };
    let path = request.uri().path().to_owned();
    let described = described(document, &method, &path);
    let answer = router.clone().oneshot(request).await.expect("it never fails");
    check(&method, &path, described, known(&name).is_some(), answer).await;
}

/// What the document says of a method and a path.
fn described<'a>(document: &'a Value, method: &str, path: &str) -> Option<&'a Value> {
    let asked: Vec<_> = path.strip_suffix('/').unwrap_or(path).split('/').collect();
    let fits = |template: &str| {
        let parts: Vec<_> = template.trim_end_matches('/').split('/').collect();
        let same = |(part, asked): (&&str, &&str)| part == asked || (part.starts_with('{') && !asked.is_empty());
        parts.len() == asked.len() && parts.iter().zip(&asked).all(same)
    };
    let paths = document["paths"].as_object()?;
    // A path without parameters goes before one with them.
    let known = paths.iter().filter(|(template, _)| fits(template));
    let path = known.min_by_key(|(template, _)| template.matches('{').count())?.1;
    // `Post` is another method, which nobody knows.
    (method == method.to_uppercase()).then(|| path.get(method.to_lowercase()))?
}

async fn check(method: &str, path: &str, described: Option<&Value>, known: bool, answer: Response<Body>) {
    let (status, asked) = (answer.status(), format!("{method} {path}"));
    assert!(!status.is_server_error(), "{asked}: {status}");
    if let Some(described) = described {
        let named = &described["responses"];
        assert!(named.get(status.as_str()).is_some(), "{asked}: {status} is not in the document, which has {named}");
        let protected = described["security"].as_array().is_some_and(|ways| !ways.is_empty());
        assert_eq!(protected && !known, status == StatusCode::UNAUTHORIZED, "{asked}: {status}");
    }
    let content = answer.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let content = content.split(';').next().unwrap_or_default().to_owned();
    if content == "text/event-stream" {
        // It ends when nobody reads it.
        return;
    }
    let body = to_bytes(answer.into_body(), BODY).await.expect("a body");
    // What is none of our paths is answered by the app that the router is part of.
    let ours = ["/api/", "/ws/", "/events/"]
        .iter()
        .any(|prefix| path.strip_prefix(prefix).is_some_and(|rest| !rest.is_empty()));
    if status.is_client_error() && ours {
        let error: Value = serde_json::from_slice(&body).unwrap_or_else(|_| panic!("{asked}: no JSON, {status}"));
        proper(&error);
    } else if content == "application/json" {
        assert!(serde_json::from_slice::<Value>(&body).is_ok(), "{asked}: no JSON");
    }
}
