//! The chat inside an axum app of your own, under `/chat`, for whoever the app's own session cookie says is there.

use std::{collections::HashMap, error::Error, net::Ipv4Addr, sync::Arc};

use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, header},
    response::IntoResponse,
    routing::post,
};
use chat_core::{Actor, CreateRoom, Engine, MemoryStore, Options, Random as _, SystemRandom, UserId};
use chat_ws::{AuthError, Authenticator, ChatServer, Credentials, Identity, Settings};
use tokio::sync::RwLock;

#[cfg(test)]
mod tests;

/// Who is logged in, by the secret in their cookie. Yours is in your database.
#[derive(Debug, Default)]
struct Sessions(RwLock<HashMap<String, UserId>>);

/// All that the chat asks of the app: whose request is this?
#[async_trait::async_trait]
impl Authenticator for Sessions {
    async fn authenticate(&self, credentials: Credentials<'_>) -> Result<Identity, AuthError> {
        let session = session(credentials.headers).ok_or(AuthError::Missing)?;
        let user = self.0.read().await.get(session).cloned().ok_or(AuthError::Refused("the session has ended"))?;
        Ok(Identity { actor: Actor::User(user), name: None, avatar: None, expires_at: None })
    }
}

/// The cookie `session` of a request.
fn session(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(header::COOKIE).into_iter().filter_map(|line| line.to_str().ok());
    cookies.flat_map(|line| line.split("; ")).find_map(|cookie| cookie.strip_prefix("session="))
}

#[derive(serde::Deserialize)]
struct Login {
    user: UserId,
}

/// The app's login. Yours asks for more than a name.
async fn login(State(sessions): State<Arc<Sessions>>, Json(Login { user }): Json<Login>) -> impl IntoResponse {
    let mut secret = [0; 16];
    SystemRandom.fill(&mut secret);
    let secret = format!("{:032x}", u128::from_ne_bytes(secret));
    sessions.0.write().await.insert(secret.clone(), user);
    [(header::SET_COOKIE, format!("session={secret}; HttpOnly; SameSite=Strict; Path=/"))]
}

fn app(sessions: Arc<Sessions>, chat: &ChatServer) -> Router {
    Router::new().route("/login", post(login)).with_state(sessions).nest("/chat", chat.router())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let sessions = Arc::new(Sessions::default());
    let engine = Engine::open(Arc::new(MemoryStore::default()), Options::default());
    let chat = ChatServer::new(engine.clone(), Arc::clone(&sessions) as _, Settings::default())?;

    // Rooms are made by the app, where there is something to talk about.
    let job = CreateRoom::keyed("job:42".parse()?).with(UserId::new("ann")?).with(UserId::new("ben")?);
    engine.host().create_room(job).await?;

    let listener = chat_ws::listen((Ipv4Addr::LOCALHOST, 3000).into(), &chat.settings().limits)?;
    println!("POST http://{0}/login, then open ws://{0}/chat/ws/job_chat/42/", listener.local_addr()?);
    let stop = async {
        // Without signals it runs until it is killed.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    chat_ws::serve(listener, app(sessions, &chat), &chat, stop).await;
    Ok(engine.close().await?)
}
