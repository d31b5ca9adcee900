//! Connections that never get in: silent ones, ones that stop in the middle of a request, ones that go on a byte a
//! second, and sockets without a token.

use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::TcpStream,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use serde_json::json;

use crate::{load::Sockets, message, servers, token};

use super::{
    Scale,
    history::History,
    host::{Host, ask},
    seat,
};

/// What their connections do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Silent,
    Halved,
    Dripping,
    Unknown,
}

const KINDS: [Kind; 4] = [Kind::Silent, Kind::Halved, Kind::Dripping, Kind::Unknown];

/// Half of a request.
const BEGUN: &[u8] = b"GET /ws/ HTTP/1.1\r\nHost: soak\r\nConnection: Upgrade\r\nUpgr";

const UPGRADE: &[u8] = b"GET /ws/ HTTP/1.1\r\nHost: soak\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// What a connection may hold in the server's memory.
const MOST_KIB: f64 = 40.0;

pub(super) fn run(scale: &Scale) -> Result<()> {
    // A few are tried beside all else: there the time must be over for the server, and not for a machine that is busy.
    let (each, limit) = scale.of((250, 10), (10, 15));
    let seconds = limit.to_string();
    let settings = [("CHAT_SERVER_HANDSHAKE_TIMEOUT", &*seconds), ("CHAT_SERVER_AUTH_TIMEOUT", &*seconds)];
    let host = Host::start(scale, "half-open", &settings)?;
    host.make_rooms(1, 2)?;
    let before = host.vitals()?;
    let mut stuck = Vec::new();
    let begun = Instant::now();
    for kind in KINDS {
        for _ in 0..each {
            let mut stream = TcpStream::connect(host.address).context("connecting")?;
            match kind {
                Kind::Silent | Kind::Dripping => {}
                Kind::Halved => stream.write_all(BEGUN)?,
                Kind::Unknown => stream.write_all(UPGRADE)?,
            }
            stream.set_nonblocking(true)?;
            stuck.push((kind, stream));
        }
    }
    let all = stuck.len();
    // Others come and go meanwhile, each on a connection of their own.
    let (mut served, mut slowest, mut most) = (0, Duration::ZERO, before);
    let mut dripped = 0;
    while begun.elapsed() < Duration::from_secs(limit) - Duration::from_millis(500) {
        let came = Instant::now();
        let mut client = crate::http::Client::connect(host.address, &token::of_user(&token::user(0)))?;
        let body = json!({ "content": message::text(0, served), "client_id": format!("0-{served}") });
        ask(&mut client, "POST", "/api/chatrooms/job:0/send_message/", &body)?;
        Sockets::open(host.address, &[seat("/ws/job_chat/0/", &token::user(1), None)], Duration::from_mins(1))?;
        slowest = slowest.max(came.elapsed());
        served += 1;
        if begun.elapsed().as_secs() > dripped {
            drip(&mut stuck, BEGUN[dripped as usize]);
            dripped += 1;
        }
        let now = host.vitals()?;
        most.kib = most.kib.max(now.kib);
        most.files = most.files.max(now.files);
        servers::rest(Duration::from_millis(20));
    }
    ensure!(most.files >= before.files + all as u64, "only {} files are open with {all} connections", most.files);
    // Less than the limit after the last byte: it counts from the first.
    let patience = Duration::from_secs(2 * limit - 2).saturating_sub(begun.elapsed());
    let mut left = all;
    host.until(patience, "all half-open connections are closed", |_| {
        stuck.retain_mut(|(_, stream)| !is_closed(stream));
        left = stuck.len();
        Ok(left == 0)
    })
    .with_context(|| format!("{left} of {all} are left"))?;
    let over = begun.elapsed();
    drop(stuck);
    host.until(Duration::from_mins(1), "their files are closed", |host| Ok(host.vitals()?.files <= before.files + 1))?;
    let kib = most.kib.saturating_sub(before.kib) as f64 / all as f64;
    println!(
        "half-open: {all} connections, a quarter each silent, halved, a byte a second, without a token: all ended by \
         the server within {:.1} s (limit {limit})",
        over.as_secs_f64()
    );
    println!(
        "half-open: meanwhile {served} others came, were let in and sent, the slowest within {:.0} ms; {kib:.1} KiB each \
         (at most {MOST_KIB})",
        slowest.as_secs_f64() * 1e3
    );
    ensure!(scale.short || kib <= MOST_KIB, "{kib:.1} KiB each");
    ensure!(served >= scale.of(limit, 2), "only {served} others were served");
    History::of(host.address)?.check("job:0", &[served]).map(drop)
}

/// Another byte from those who send one a second.
fn drip(stuck: &mut [(Kind, TcpStream)], byte: u8) {
    for (_, stream) in stuck.iter_mut().filter(|(kind, _)| *kind == Kind::Dripping) {
        // The server may have closed it.
        let _ = stream.write_all(&[byte]);
    }
}

/// Whether the server has closed it; what it said before is taken.
fn is_closed(stream: &mut TcpStream) -> bool {
    let mut buffer = [0; 4096];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(error) => return error.kind() != ErrorKind::WouldBlock,
        }
    }
}
