//! The server is restarted under everybody's feet, and they all come back at once, while others write.

use std::{
    net::SocketAddr,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use serde_json::json;

use crate::{
    http::Client,
    load::{Sockets, source},
    message, servers, token,
};

use super::{
    Scale,
    history::History,
    host::{Host, Setup, ask},
    replica::{Replica, Then},
    seat,
};

/// How many are in each room.
const MEMBERS: usize = 20;

/// How many messages of each room everybody hears, and then misses.
const EACH: u64 = 4;

const PATIENCE: Duration = Duration::from_secs(120);

pub(super) fn run(scale: &Scale) -> Result<()> {
    let rooms = scale.of(250, 10);
    let mut host = Host::start(scale, "reconnect", &[])?;
    host.make_rooms(rooms, MEMBERS)?;
    let mut replicas: Vec<_> = (0..rooms * MEMBERS).map(|n| Replica::of(format!("job:{}", n / MEMBERS))).collect();
    let mut sent = vec![0; rooms];
    for killed in [false, true] {
        let (mut sockets, _) = come(&host, &mut replicas)?;
        open_all(&mut sockets, &mut replicas)?;
        write(host.address, &mut sent)?;
        hear_all(&mut sockets, &mut replicas, &sent)?;
        let (how, setup) = if killed {
            ("killed", host.kill())
        } else {
            host.terminate()?;
            ("told to stop", leave(&mut sockets, host)?)
        };
        drop(sockets);
        host = setup.start()?;
        write(host.address, &mut sent)?;
        let back = storm(&host, &mut replicas, &mut sent)?;
        println!(
            "reconnect: {} sockets of a server that was {how} come back at once: in after {:.2} s, all caught up after \
             {:.2} s",
            replicas.len(),
            back.in_after.as_secs_f64(),
            back.caught_up_after.as_secs_f64()
        );
        println!(
            "reconnect: each had missed {}, {} more were written meanwhile in each room; all heard once and in order, {} \
             of them by catching up",
            EACH,
            back.meanwhile,
            replicas.iter().map(|replica| replica.caught_up).sum::<u64>()
        );
    }
    let mut history = History::of(host.address)?;
    for (room, sent) in sent.iter().enumerate() {
        history.check(&format!("job:{room}"), &[*sent])?;
    }
    println!("reconnect: {} messages stored, none lost, none doubled", sent.iter().sum::<u64>());
    Ok(())
}

/// Everybody connects.
fn come(host: &Host, replicas: &mut [Replica]) -> Result<(Sockets, Duration)> {
    let seats: Vec<_> = (0..replicas.len()).map(|n| seat("/ws/", &token::user(n), Some(source(n)))).collect();
    Sockets::open(host.address, &seats, PATIENCE)
}

/// Opens everybody's room from where they are.
fn open_all(sockets: &mut Sockets, replicas: &mut [Replica]) -> Result<()> {
    for (n, replica) in replicas.iter_mut().enumerate() {
        sockets.send(n, |out| replica.subscribe(out));
    }
    until(sockets, replicas, |replicas| replicas.iter().all(|replica| replica.is_live))
}

/// Waits until everybody has everything.
fn hear_all(sockets: &mut Sockets, replicas: &mut [Replica], sent: &[u64]) -> Result<()> {
    until(sockets, replicas, |replicas| {
        replicas.iter().enumerate().all(|(n, replica)| replica.is_live && replica.next == sent[n / MEMBERS])
    })
}

fn until(sockets: &mut Sockets, replicas: &mut [Replica], so: impl Fn(&[Replica]) -> bool) -> Result<()> {
    let begun = Instant::now();
    while !so(replicas) {
        let behind = replicas.iter().filter(|replica| !replica.is_live).count();
        ensure!(begun.elapsed() < PATIENCE, "{behind} of {} have not caught up", replicas.len());
        ensure!(sockets.ended() == 0, "{} sockets ended", sockets.ended());
        take_for(sockets, replicas)?;
    }
    Ok(())
}

/// A few turns; what somebody must ask for again, they do.
fn take_for(sockets: &mut Sockets, replicas: &mut [Replica]) -> Result<()> {
    for _ in 0..16 {
        let (mut again, mut wrong) = (Vec::new(), None);
        sockets.turn(Duration::from_millis(2), |n, text| match replicas[n].take(text) {
            Ok(Then::Wait) => {}
            Ok(Then::Subscribe) => again.push(n),
            Err(error) => wrong = Some(error.context(format!("user {n}"))),
        })?;
        if let Some(error) = wrong {
            return Err(error);
        }
        for n in again {
            sockets.send(n, |out| replicas[n].subscribe(out));
        }
    }
    Ok(())
}

/// The server, which was told to stop, says goodbye to everybody, and ends well.
fn leave(sockets: &mut Sockets, host: Host) -> Result<Setup> {
    let begun = Instant::now();
    let mut told = 0;
    while sockets.ended() < sockets.len() {
        ensure!(
            begun.elapsed() < Duration::from_secs(30),
            "{} sockets were left open",
            sockets.len() - sockets.ended()
        );
        sockets.turn(Duration::from_millis(20), |_, text| {
            told += usize::from(text.starts_with(br#"{"type":"closing","code":3000,"retry_after_ms":"#));
        })?;
    }
    ensure!(told == sockets.len(), "{told} of {} were told to come back", sockets.len());
    let (status, setup) = host.stopped()?;
    ensure!(status.success(), "the server ended with {status}");
    println!(
        "reconnect: {told} sockets are told to come back, and the server has ended after {:.2} s",
        begun.elapsed().as_secs_f64()
    );
    Ok(setup)
}

/// A few messages in each room, by its first member.
fn write(server: SocketAddr, sent: &mut [u64]) -> Result<()> {
    for (room, sent) in sent.iter_mut().enumerate() {
        let mut client = Client::connect(server, &token::of_user(&token::user(room * MEMBERS)))?;
        for _ in 0..EACH {
            write_one(&mut client, room, sent)?;
        }
    }
    Ok(())
}

fn write_one(client: &mut Client, room: usize, sent: &mut u64) -> Result<()> {
    let body = json!({ "content": message::text(0, *sent), "client_id": format!("0-{sent}") });
    ask(client, "POST", &format!("/api/chatrooms/job:{room}/send_message/"), &body)?;
    *sent += 1;
    Ok(())
}

struct Back {
    in_after: Duration,
    caught_up_after: Duration,
    /// How many messages were written in each room while they came.
    meanwhile: u64,
}

/// Everybody comes back at once and catches up, while somebody goes on writing.
fn storm(host: &Host, replicas: &mut [Replica], sent: &mut [u64]) -> Result<Back> {
    let (server, stop) = (host.address, AtomicBool::new(false));
    let (meanwhile, back) = thread::scope(|scope| {
        let (stop, sent) = (&stop, &mut *sent);
        // spawns: whoever writes meanwhile; it ends when `stop` is set below, and is joined.
        let writer = scope.spawn(move || -> Result<u64> {
            let mut rounds = 0;
            while !stop.load(Ordering::Relaxed) {
                for (room, sent) in sent.iter_mut().enumerate() {
                    let mut client = Client::connect(server, &token::of_user(&token::user(room * MEMBERS)))?;
                    write_one(&mut client, room, sent)?;
                    servers::rest(Duration::from_millis(2));
                }
                rounds += 1;
            }
            Ok(rounds)
        });
        let begun = Instant::now();
        let back = come(host, replicas).and_then(|(mut sockets, in_after)| {
            open_all(&mut sockets, replicas)?;
            Ok((sockets, in_after, begun.elapsed()))
        });
        stop.store(true, Ordering::Relaxed);
        (writer.join(), back)
    });
    let meanwhile = meanwhile.map_err(|_| anyhow::anyhow!("the writer panicked"))??;
    let (mut sockets, in_after, caught_up_after) = back?;
    hear_all(&mut sockets, replicas, sent)?;
    Ok(Back { in_after, caught_up_after, meanwhile })
}
