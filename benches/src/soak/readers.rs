//! Readers who stop, and readers who take a byte a second: what it costs the others, and the server.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use socket2::{Domain, Protocol, Type};

use crate::{load::Sockets, message, spread::Times, token};

use super::{
    Scale,
    heard::Heard,
    history::History,
    host::Host,
    replica::{Replica, Then, cursor_in},
    seat, within,
};

/// Those who read as they should; the first one writes.
const GOOD: usize = 20;

/// Messages a second, each of so many bytes: it takes some megabytes until the system takes no more for a reader.
const RATE: f64 = 300.0;
const BYTES: usize = 6 * 1024;

/// How many of them may be under way to each: a good reader does not fall behind because the machine, or this program, was
/// slow for a while.
const UNDER_WAY: u64 = 50;

/// What all the bad readers together may hold in the server's memory, in MiB. What waits for them is shared.
const MOST_MIB: f64 = 64.0;

const ROOM: &str = "/ws/job_chat/0/";

pub(super) fn run(scale: &Scale) -> Result<()> {
    // Nobody is cut sooner by default than after ten seconds.
    let settings: &[_] = if scale.short { &[("CHAT_SERVER_WRITE_TIMEOUT", "5")] } else { &[] };
    let host = Host::start(scale, "readers", settings)?;
    let each = scale.of(50, 3);
    host.make_rooms(1, GOOD + 2 * each)?;
    let seats: Vec<_> = (0..GOOD).map(|n| seat(ROOM, &token::user(n), None)).collect();
    let (sockets, _) = Sockets::open(host.address, &seats, Duration::from_mins(1))?;
    let mut room = Room { sockets, heard: Heard::new(GOOD, 1), sent: 0, sent_at: Vec::new(), times: Times::default() };

    // Alone at first, to compare.
    room.talk_for(Duration::from_secs(scale.of(5, 1)), || Ok(false))?;
    let alone = std::mem::take(&mut room.times);
    let before = host.vitals()?;
    let had = room.sent;
    let slow = |n| slow(host.address, &token::user(GOOD + n));
    let stopped = (0..each).map(slow).collect::<Result<Vec<_>>>()?;
    let mut dripping = (each..2 * each).map(slow).collect::<Result<Vec<_>>>()?;
    let (begun, mut seconds, mut most) = (Instant::now(), 0, before.kib);
    room.talk_for(Duration::from_mins(2), || {
        if begun.elapsed().as_secs() == seconds {
            return Ok(false);
        }
        seconds += 1;
        for (stream, _) in &mut dripping {
            // The server may have cut it.
            let _ = stream.read(&mut [0]);
        }
        most = most.max(host.vitals()?.kib);
        Ok(cut(&host)? == 2 * each as u64)
    })?;
    let took = begun.elapsed();
    let (cut, grown) = (cut(&host)?, most.saturating_sub(before.kib) as f64 / 1024.0);
    println!(
        "readers: {each} who stopped and {each} who took a byte a second: {cut} were cut, the last after {:.0} s; the \
         server grew by {grown:.1} MiB meanwhile (at most {MOST_MIB})",
        took.as_secs_f64()
    );
    println!(
        "readers: {GOOD} others in the room got {} messages of 6 KiB, none lost; p99 {}, {} when alone",
        room.sent,
        within(&room.times, 0.99),
        within(&alone, 0.99)
    );
    ensure!(cut == 2 * each as u64, "{cut} of {} bad readers were cut", 2 * each);
    ensure!(grown <= MOST_MIB, "the server grew by {grown:.1} MiB");
    room.heard.is_whole()?;
    ensure!(room.heard.deliveries == room.sent * GOOD as u64, "{} deliveries are missing", room.missing());
    let Some((_, cursor)) = stopped.into_iter().next() else { bail!("nobody stopped") };
    let caught_up = come_back(&host, Replica::at("job:0".into(), cursor, had), room.sent)?;
    println!("readers: one of them comes back with the cursor of back then, and catches up with {caught_up} messages");
    History::of(host.address)?.check("job:0", &[room.sent]).map(drop)
}

/// How many the server cut because they did not read.
fn cut(host: &Host) -> Result<u64> {
    let how = |how| host.metric(&format!("chat_sockets_closed_total{{how=\"{how}\"}}"));
    Ok(how("stuck")? + how("too_slow")?)
}

/// The good ones.
struct Room {
    sockets: Sockets,
    heard: Heard,
    sent: u64,
    sent_at: Vec<Instant>,
    times: Times,
}

impl Room {
    /// The first one writes for so long, or until it is over; then everybody hears what is under way.
    fn talk_for(&mut self, time: Duration, mut over: impl FnMut() -> Result<bool>) -> Result<()> {
        let (begun, first) = (Instant::now(), self.sent);
        while begun.elapsed() < time && !over()? {
            let due = first + (begun.elapsed().as_secs_f64() * RATE) as u64;
            while self.sent < due && self.missing() < UNDER_WAY * GOOD as u64 {
                let (number, at) = (self.sent, Instant::now());
                let text = format!("{:<BYTES$}", message::text(0, number));
                let json = serde_json::json!({
                    "action": "send_message", "content": text + ".", "client_id": format!("0-{number}")
                });
                self.sockets.send(0, |out| message::push_text_frame(out, json.to_string().as_bytes()));
                self.sent_at.push(at);
                self.sent += 1;
            }
            self.hear(Duration::from_millis(2))?;
        }
        let end = Instant::now();
        while self.missing() > 0 {
            ensure!(end.elapsed() < Duration::from_secs(30), "{} deliveries are missing", self.missing());
            self.hear(Duration::from_millis(50))?;
        }
        Ok(())
    }

    fn missing(&self) -> u64 {
        self.sent * GOOD as u64 - self.heard.deliveries
    }

    fn hear(&mut self, patience: Duration) -> Result<()> {
        let Self { sockets, heard, sent_at, times, .. } = self;
        sockets.turn(patience, |n, text| {
            if let Some((_, number)) = heard.hear(n, text) {
                times.add(sent_at[number as usize].elapsed());
            }
        })?;
        ensure!(self.sockets.ended() == 0, "a good reader was cut");
        Ok(())
    }
}

/// A socket that is in, with a small buffer, from which nobody reads by itself; and the cursor that it got.
fn slow(server: SocketAddr, user: &str) -> Result<(TcpStream, String)> {
    let socket = socket2::Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
    socket.set_recv_buffer_size(4096)?;
    socket.connect(&server.into()).context("connecting")?;
    let mut stream = TcpStream::from(socket);
    stream.write_all(seat(ROOM, user, None).upgrade().as_bytes())?;
    let mut came = Vec::new();
    let cursor = loop {
        let mut more = [0; 512];
        let read = stream.read(&mut more)?;
        ensure!(read > 0, "not let in: {}", String::from_utf8_lossy(&came));
        came.extend_from_slice(&more[..read]);
        if let Some(cursor) = cursor_in(&came) {
            break cursor;
        }
    };
    stream.set_nonblocking(true)?;
    Ok((stream, cursor))
}

/// One of those who were cut comes back, and reads everything since, as a client does.
fn come_back(host: &Host, mut replica: Replica, sent: u64) -> Result<u64> {
    let seats = [seat("/ws/", &token::user(GOOD), None)];
    let (mut sockets, _) = Sockets::open(host.address, &seats, Duration::from_mins(1))?;
    sockets.send(0, |out| replica.subscribe(out));
    let begun = Instant::now();
    while !(replica.is_live && replica.next == sent) {
        ensure!(begun.elapsed() < Duration::from_secs(30), "{} of {sent} messages came", replica.next);
        let mut then = Ok(Then::Wait);
        sockets.turn(Duration::from_millis(20), |_, text| match replica.take(text) {
            Ok(Then::Wait) => {}
            news => then = news,
        })?;
        if then? == Then::Subscribe {
            sockets.send(0, |out| replica.subscribe(out));
        }
    }
    Ok(replica.caught_up)
}
