//! Without a command: serves until it is told to stop, and then finishes what it accepted.

use std::{
    io::{self, Write as _},
    net::SocketAddr,
    sync::Arc,
};

use chat_core::{Engine, MemoryStore, Options, Store};
use chat_sqlite::SqliteStore;
use chat_ws::{ChatServer, JwtAuthenticator};
use tokio::{
    net::TcpListener,
    sync::oneshot,
    time::{Instant, timeout_at},
};

use crate::{config::Config, database::Database, failure::Failure, page};

/// Serves until a signal says stop. A second one ends it at once, with status 1.
pub(crate) fn run(config: &Config) -> Result<(), Failure> {
    let options = Options { limits: config.limits.clone(), ..Options::default() };
    let login = JwtAuthenticator::new(config.keys()?, config.jwt.clone(), Arc::clone(&options.clock))
        .map_err(Failure::usage)?;
    let settings = config.settings();
    config.limits.check().and_then(|()| settings.check()).map_err(Failure::usage)?;
    if config.limits.message_bytes >= settings.limits.frame_bytes {
        return Err(Failure::usage("`message_bytes` must be below `frame_bytes`: a message comes in a frame"));
    }

    let runtime = tokio::runtime::Runtime::new().map_err(Failure::failed)?;
    let served = runtime.block_on(async {
        let mut signals = Signals::listen()?;
        // The port comes first: whoever cannot listen leaves no file behind.
        let listener = chat_ws::listen(config.listen, &settings.limits)
            .map_err(|error| Failure::failed(format!("cannot listen on {}: {error}", config.listen)))?;
        let address = listener.local_addr().map_err(Failure::failed)?;
        let engine = Engine::open(open(config)?, options);
        let chat = ChatServer::new(engine, Arc::new(login), settings).map_err(Failure::usage)?;
        announce(address, &config.db);

        let (stop, stopping) = oneshot::channel();
        let told_twice = async {
            let first = signals.next().await;
            tracing::info!("{first}: stopping; once more ends at once");
            // Nobody waits for it any more where serving has ended by itself.
            let _ = stop.send(());
            signals.next().await
        };
        tokio::select! {
            served = serve(config, listener, &chat, stopping) => served,
            signal = told_twice => Err(Failure::failed(format!("{signal} again: ended before all was finished"))),
        }
    });
    // What still runs after that has no time any more.
    runtime.shutdown_background();
    served
}

async fn serve(
    config: &Config,
    listener: TcpListener,
    chat: &ChatServer,
    stopping: oneshot::Receiver<()>,
) -> Result<(), Failure> {
    let app = if config.page { page::router().merge(chat.router()) } else { chat.router() };
    let mut deadline = None;
    let stop = async {
        let _ = stopping.await;
        deadline = Instant::now().checked_add(config.drain_timeout());
    };
    chat_ws::serve(listener, app, chat, stop).await;
    let closing = chat.engine().close();
    let closed = match deadline {
        Some(deadline) => timeout_at(deadline, closing).await.map_err(|_| {
            Failure::failed(format!("the storage has not finished within the {} s for stopping", config.drain_timeout))
        })?,
        None => closing.await,
    };
    closed.map_err(Failure::failed)?;
    tracing::info!("stopped");
    Ok(())
}

fn open(config: &Config) -> Result<Arc<dyn Store>, Failure> {
    Ok(match &config.db {
        Database::Sqlite(path) => {
            let options = chat_sqlite::Options { retention: config.retention(), ..Default::default() };
            Arc::new(SqliteStore::open_with(path, options).map_err(Failure::failed)?)
        }
        Database::Memory => Arc::new(MemoryStore::default()),
    })
}

/// Says where it is, on one line, as the first thing on standard output.
fn announce(address: SocketAddr, database: &Database) {
    tracing::info!(%address, %database, "serving");
    let mut out = io::stdout().lock();
    // Whoever does not want to know has closed it.
    let _ = writeln!(out, "chat-server listens on http://{address}").and_then(|()| out.flush());
}

/// What tells the server to stop.
struct Signals {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
}

impl Signals {
    /// From here on the signals do not end the process by themselves.
    fn listen() -> Result<Self, Failure> {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            let listen = |kind| signal(kind).map_err(Failure::failed);
            Ok(Self { terminate: listen(SignalKind::terminate())?, interrupt: listen(SignalKind::interrupt())? })
        }
        #[cfg(not(unix))]
        Ok(Self {})
    }

    /// The name of the next one.
    async fn next(&mut self) -> &'static str {
        #[cfg(unix)]
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
        #[cfg(not(unix))]
        {
            if tokio::signal::ctrl_c().await.is_err() {
                std::future::pending::<()>().await;
            }
            "Ctrl-C"
        }
    }
}
