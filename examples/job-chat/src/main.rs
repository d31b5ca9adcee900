//! `job-chat`: a small marketplace for cleaning jobs. It owns people and jobs; the chat about each job runs inside it, in
//! the same process and on the same port.

mod api;
mod database;
mod jobs;
mod login;
mod page;
mod people;
mod problem;
mod rooms;
mod seed;
mod stop;

use std::{error::Error, fs, io::Write as _, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use chat_core::{Engine, Options};
use chat_sqlite::SqliteStore;
use chat_ws::{ChatServer, JwtAuthenticator, JwtSettings, Origins, Settings};
use clap::Parser;
use tokio::sync::Semaphore;

use api::App;
use database::Database;
use login::ChatTokens;
use rooms::JobRooms;

/// How many passwords are checked at the same time; further logins wait.
const PASSWORD_CHECKS: usize = 2;

/// A small marketplace for cleaning jobs, with the chat inside it.
#[derive(Debug, Parser)]
struct Args {
    /// Where to listen; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// The folder with the two files: `jobs.db`, which is the application's, and `chat.db`, which is the engine's.
    #[arg(long, default_value = "job-chat-data")]
    data: PathBuf,
    /// The folder with the built web page.
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/web/dist"))]
    web: PathBuf,
    /// An origin whose page may use the chat, such as `https://jobs.example.com`; repeatable. Those of this machine may.
    #[arg(long, value_name = "ORIGIN")]
    allow_origin: Vec<String>,
    /// For how many seconds a token for the chat is good; the page fetches the next one in time.
    #[arg(long, default_value_t = 600)]
    chat_token_seconds: u64,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let args = Args::parse();
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_max_level(tracing::Level::WARN).init();
    let stop = stop::told()?;

    // The application's own part.
    fs::create_dir_all(&args.data)?;
    let database = Database::open(&args.data.join("jobs.db"))?;
    let fresh = seed::people_and_jobs(&database).await?;

    // The chat: a store, an engine, and a server that accepts the tokens that we sign.
    let options = Options::default();
    let tokens = ChatTokens::new(Arc::clone(&options.clock), Duration::from_secs(args.chat_token_seconds))?;
    let login = JwtAuthenticator::new(vec![tokens.verifying()?], JwtSettings::default(), Arc::clone(&options.clock))?;
    let engine = Engine::open(Arc::new(SqliteStore::open(args.data.join("chat.db"))?), options);
    let settings = Settings { origins: Origins::and(args.allow_origin), ..Settings::default() };
    let chat = ChatServer::new(engine.clone(), Arc::new(login), settings)?;

    // What joins them: every job has a room.
    let rooms = JobRooms::new(engine.clone(), database.clone());
    rooms.follow_all().await?;
    if fresh {
        seed::talk(&engine).await?;
    }

    let checks = Arc::new(Semaphore::new(PASSWORD_CHECKS));
    let app = App { database, rooms: Arc::new(rooms), tokens: Arc::new(tokens), checks };
    let router = api::router(app).nest("/chat", chat.router()).merge(page::router(&args.web));
    let listener = chat_ws::listen(args.listen, &chat.settings().limits)?;
    // Whoever does not want to know has closed it.
    let _ = writeln!(std::io::stdout(), "job-chat listens on http://{}", listener.local_addr()?);
    chat_ws::serve(listener, router, &chat, stop).await;
    Ok(engine.close().await?)
}
