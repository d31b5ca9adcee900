//! The application's own paths, under `/api`.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Path, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware::{Next, from_fn},
    response::{IntoResponse, Response},
    routing::{any, get, post, put},
};
use rusqlite::Connection;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::{
    database::Database,
    jobs::{self, Job, Step},
    login::{self, ChatTokens},
    people::{self, Person},
    problem::Problem,
    rooms::JobRooms,
};

/// What every handler may use.
#[derive(Clone, Debug)]
pub(crate) struct App {
    pub(crate) database: Database,
    pub(crate) rooms: Arc<JobRooms>,
    pub(crate) tokens: Arc<ChatTokens>,
    /// Who may check a password now: each check takes 19 MiB and a core.
    pub(crate) checks: Arc<Semaphore>,
}

pub(crate) fn router(app: App) -> Router {
    Router::new()
        .route("/api/login", post(log_in))
        .route("/api/logout", post(log_out))
        .route("/api/me", get(async |me: Person| Json(me)))
        .route("/api/chat-token", post(chat_token))
        .route("/api/cleaners", get(cleaners))
        .route("/api/jobs", get(list))
        .route("/api/jobs/{id}", get(one))
        .route("/api/jobs/{id}/{step}", post(take))
        .route("/api/jobs/{id}/cleaner", put(give))
        // What is left is no place within the page.
        .route("/api/{*rest}", any(async || Problem::NotFound("path")))
        .layer(from_fn(only_our_pages))
        .with_state(app)
}

/// Refuses what a page of another origin has its visitor's browser ask for. Every browser says whose page it is.
async fn only_our_pages(request: Request, next: Next) -> Response {
    let site = request.headers().get("sec-fetch-site").map(HeaderValue::as_bytes);
    match site {
        None | Some(b"same-origin" | b"none") => next.run(request).await,
        Some(_) => Problem::AnotherOrigin.into_response(),
    }
}

#[derive(Deserialize)]
struct LogIn {
    email: String,
    password: String,
}

async fn log_in(State(app): State<App>, Json(login): Json<LogIn>) -> Result<impl IntoResponse, Problem> {
    let (person, cookie) = login::begin(&app, login.email, login.password).await?;
    Ok(([(header::SET_COOKIE, cookie)], Json(person)))
}

async fn log_out(State(app): State<App>, headers: HeaderMap) -> Result<impl IntoResponse, Problem> {
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, login::end(&app.database, &headers).await?)]))
}

/// What the page shows the chat. It never stands in an address, and a script cannot read the cookie that it comes from.
async fn chat_token(State(app): State<App>, me: Person) -> Result<Json<Value>, Problem> {
    Ok(Json(json!({ "token": app.tokens.grant(&me)?, "user": me.id })))
}

async fn cleaners(State(app): State<App>, _me: Person) -> Result<Json<Vec<Person>>, Problem> {
    Ok(Json(app.database.call(|connection| people::cleaners(connection)).await?))
}

async fn list(State(app): State<App>, me: Person) -> Result<Json<Vec<Job>>, Problem> {
    Ok(Json(app.database.call(move |connection| jobs::of(connection, &me.id)).await?))
}

async fn one(State(app): State<App>, me: Person, Path(id): Path<i64>) -> Result<Json<Job>, Problem> {
    Ok(Json(app.database.call(move |connection| jobs::visible(connection, id, &me.id)).await?))
}

async fn take(State(app): State<App>, me: Person, Path((id, step)): Path<(i64, Step)>) -> Result<Json<Job>, Problem> {
    change(app, id, move |connection| jobs::take(connection, id, &me.id, step)).await
}

#[derive(Deserialize)]
struct Give {
    cleaner: String,
}

async fn give(
    State(app): State<App>,
    me: Person,
    Path(id): Path<i64>,
    Json(to): Json<Give>,
) -> Result<Json<Job>, Problem> {
    change(app, id, move |connection| jobs::give(connection, id, &me.id, &to.cleaner)).await
}

/// Changes a job and has its room follow, also when whoever asked for it goes away meanwhile. Where the change is refused
/// the room follows all the same: the job may have been changed before, and the chat not been there.
async fn change(
    app: App,
    id: i64,
    change: impl FnOnce(&mut Connection) -> Result<Job, Problem> + Send + 'static,
) -> Result<Json<Job>, Problem> {
    // spawns: one change, which ends by itself and is waited for here.
    let changed = tokio::spawn(async move {
        let job = app.database.call(change).await;
        if !matches!(job, Err(Problem::NotFound(_))) {
            app.rooms.follow(id).await?;
        }
        job
    });
    Ok(Json(changed.await.map_err(|_| Problem::Interrupted)??))
}
