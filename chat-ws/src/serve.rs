//! The ready-made way to listen: an accept loop that nobody can hold up, and a stop that loses nothing.

use std::{
    collections::VecDeque,
    convert::Infallible,
    future::{self, Future},
    io,
    net::{IpAddr, SocketAddr},
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{Router, extract::ConnectInfo, response::Response, routing::future::RouteFuture};
use hyper::{Request, body::Incoming, server::conn::http1};
use hyper_util::rt::TokioTimer;
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    time::Instant,
};

use crate::{
    limits::ServerLimits,
    patient::Patient,
    server::{ChatServer, Shared},
    slots::{Counts, network},
};

/// How long to wait when the system cannot give another connection.
const EXHAUSTED: Duration = Duration::from_millis(20);

/// How long nothing more is said about that.
const SAID: Duration = Duration::from_secs(10);

/// How many connections are let in before it is looked who else has come.
const AT_ONCE: usize = 16;

/// How many are taken in a row before some of those who wait are let in, whoever else comes.
const IN_A_ROW: usize = 1_024;

/// How many connections that are no sockets one address may have for each socket that it may: as many as a browser opens.
const OF_A_BROWSER: usize = 6;

/// When that many are open that are no sockets, those who come are let in at a slower pace: they may be many that have
/// not been answered.
const MANY: usize = 32;
const PACE: Duration = Duration::from_millis(1);

/// Listens on `address`, with the backlog that the limits name. Port 0 takes a free one.
///
/// # Errors
/// What the system says: the address is in use, or not this machine's.
pub fn listen(address: SocketAddr, limits: &ServerLimits) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    #[cfg(not(windows))]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(limits.listen_backlog)
}

/// Serves `app` until `stop` resolves; then closes `chat` as [`ChatServer::close`] does, and returns when nothing runs
/// any more. `app` is `chat.router()`, or an app of your own that it is nested in.
///
/// A connection that does not finish a request's head in time is dropped, and holds up no other.
pub async fn serve(listener: TcpListener, app: Router, chat: &ChatServer, stop: impl Future<Output = ()>) {
    let mut stop = pin!(stop);
    let door = Door::new(&chat.shared, app);
    let mut waiting = VecDeque::new();
    let (mut in_a_row, mut quiet_until) = (0, Instant::now());
    loop {
        // Whoever finds the system's queue full tries again after a second. So it is emptied first; whoever was taken
        // from it waits here, at the cost of a few bytes, until nobody is in it, or many were taken.
        let accepted = tokio::select! {
            biased;
            () = &mut stop => break,
            accepted = listener.accept(), if in_a_row < IN_A_ROW || waiting.is_empty() => accepted,
            () = future::ready(()), if !waiting.is_empty() => {
                door.admit_some(&mut waiting).await;
                in_a_row = 0;
                continue;
            }
        };
        match accepted {
            Ok((stream, peer)) => {
                in_a_row += 1;
                waiting.extend(door.receive(stream, peer));
            }
            Err(error) => {
                chat.shared.metrics.accept_errors.add(1);
                // Connections that were broken before they were taken are nothing; all else needs time.
                if matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset) {
                    continue;
                }
                if Instant::now() >= quiet_until {
                    tracing::warn!(%error, "cannot accept a connection");
                    quiet_until = Instant::now() + SAID;
                }
                // Those who wait may hold all that the system can give; only who was let in can time out.
                if waiting.is_empty() {
                    tokio::time::sleep(EXHAUSTED).await;
                } else {
                    door.admit_some(&mut waiting).await;
                }
            }
        }
    }
    // Whoever comes now finds nobody listening, and goes elsewhere; so does whoever was not let in yet.
    drop((listener, waiting));
    drop(door);
    chat.close().await;
}

/// A connection that nothing was read from yet.
struct Guest {
    stream: TcpStream,
    peer: SocketAddr,
    place: Place,
}

/// Lets connections in.
struct Door {
    shared: Arc<Shared>,
    app: Router,
    http: http1::Builder,
    open: Arc<AtomicUsize>,
    /// Those of each address, where they are limited.
    addresses: Option<Arc<Counts<IpAddr>>>,
}

impl Door {
    fn new(shared: &Arc<Shared>, app: Router) -> Self {
        let limits = &shared.settings.limits;
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(limits.handshake_timeout)
            .max_header_size(limits.head_bytes)
            .max_buf_size(limits.head_bytes.max(64 * 1024));
        let addresses = limits.sockets_per_address.map(|sockets| sockets.saturating_mul(OF_A_BROWSER));
        let addresses = addresses.map(|limit| Arc::new(Counts::new(limit)));
        Self { shared: Arc::clone(shared), app, http, open: Arc::default(), addresses }
    }

    /// Takes a connection that came, unless there are too many, in all or of its address.
    fn receive(&self, stream: TcpStream, peer: SocketAddr) -> Option<Guest> {
        let metrics = &self.shared.metrics;
        let mut place = Place::take(&self.open);
        let is_full = place.taken > self.shared.settings.limits.http_connections;
        if is_full || self.addresses.as_ref().is_some_and(|addresses| !place.claim(addresses, peer.ip())) {
            metrics.connections_shed.add(1);
            return None;
        }
        metrics.connections.add(1);
        Some(Guest { stream, peer, place })
    }

    /// Lets some of them in, and then whoever else runs have a turn.
    ///
    /// Each needs 16 KiB until it is answered. Letting in no more than are answered meanwhile costs no time.
    async fn admit_some(&self, waiting: &mut VecDeque<Guest>) {
        waiting.drain(..waiting.len().min(AT_ONCE)).for_each(|guest| self.admit(guest));
        match self.open.load(Ordering::Relaxed).saturating_sub(waiting.len()) {
            0..MANY => tokio::task::yield_now().await,
            _ => tokio::time::sleep(PACE).await,
        }
    }

    fn admit(&self, guest: Guest) {
        let Guest { stream, peer, place } = guest;
        // Frames are gathered already; waiting for more would only delay them.
        if stream.set_nodelay(true).is_err() {
            return;
        }
        let service = Connected { app: self.app.clone(), peer };
        let connection =
            self.http.serve_connection(Patient::new(stream, Arc::clone(&self.shared)), service).with_upgrades();
        let mut stop = self.shared.life.stop();
        // spawns: one connection's task; it holds a `Stop`, through which `ChatServer::close` ends it and waits for it.
        tokio::spawn(async move {
            let _place = place;
            let mut connection = pin!(connection);
            tokio::select! {
                // What went wrong on a connection is its peer's affair.
                _ = connection.as_mut() => return,
                () = stop.draining() => connection.as_mut().graceful_shutdown(),
            }
            tokio::select! {
                _ = connection => {}
                () = stop.over() => {}
            }
        });
    }
}

/// The app, for one connection: its requests say whom they come from.
struct Connected {
    app: Router,
    peer: SocketAddr,
}

impl hyper::service::Service<Request<Incoming>> for Connected {
    type Response = Response;
    type Error = Infallible;
    type Future = RouteFuture<Infallible>;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        request.extensions_mut().insert(ConnectInfo(self.peer));
        tower::Service::call(&mut self.app.clone(), request)
    }
}

/// One of the connections that are not sockets; dropping it frees the place.
struct Place {
    open: Arc<AtomicUsize>,
    taken: usize,
    address: Option<(Arc<Counts<IpAddr>>, IpAddr)>,
}

impl Place {
    fn take(open: &Arc<AtomicUsize>) -> Self {
        let taken = open.fetch_add(1, Ordering::Relaxed) + 1;
        Self { open: Arc::clone(open), taken, address: None }
    }

    /// Counts it as this address's; `false` if that has too many.
    fn claim(&mut self, addresses: &Arc<Counts<IpAddr>>, address: IpAddr) -> bool {
        let address = network(address);
        let is_free = addresses.add(&address);
        if is_free {
            self.address = Some((Arc::clone(addresses), address));
        }
        is_free
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.open.fetch_sub(1, Ordering::Relaxed);
        if let Some((addresses, address)) = &self.address {
            addresses.remove(address);
        }
    }
}
