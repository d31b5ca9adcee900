//! One run: who there is, what happens in which order, and how it comes to rest.

use std::{sync::Arc, time::Duration};

use chat_core::{
    AddParticipant, CreateRoom, HistoryMode, Limits, MemoryStore, Options, Role, RoomId, UserId, wire::CloseCode,
};
use serde_json::json;
use tokio::time::Instant;

use crate::{SeededRandom, cast};

use super::{
    act::{self, Errand},
    check,
    client::Client,
    dice::Dice,
    disk::Disk,
    faults::Fault,
    frame::{Frame, text},
    link::{Down, Link},
    secrecy,
    server::Server,
    trace::Trace,
};

/// How many things happen before everything comes to rest.
const STEPS: u64 = 70;

/// The longest that coming to rest may take.
const REST: Duration = Duration::from_secs(60);

/// See the module.
#[derive(Debug)]
pub(super) struct World {
    seed: u64,
    dice: Dice,
    trace: Trace,
    server: Server,
    clients: Vec<Client>,
    /// When each client that is away comes back.
    back: Vec<Instant>,
    rooms: Vec<RoomId>,
    /// How many commits made them: no backup is older.
    made: usize,
    fault: Option<Fault>,
    /// Live events go over an unreliable bus.
    bus: bool,
    latency: u64,
    /// How many wires there were, and how many errands.
    count: u64,
    healed: bool,
}

impl World {
    /// The world of a seed.
    pub(super) async fn new(seed: u64, fault: Option<Fault>, trace: Trace) -> Result<Self, String> {
        let dice = Dice::new(seed, 0);
        let limits = Limits {
            catch_up_changes: usize::try_from(*dice.pick(&[3, 7, 500]).unwrap_or(&7)).unwrap_or(7),
            pending_bytes: usize::try_from(*dice.pick(&[600, 1_500, 4_000, 1 << 20]).unwrap_or(&4_000))
                .unwrap_or(4_000),
            snapshot_messages: usize::try_from(*dice.pick(&[2, 10, 50]).unwrap_or(&10)).unwrap_or(10),
            ..Limits::default()
        };
        let random = SeededRandom::new(seed);
        let slow = *dice.pick(&[0, 3, 12]).unwrap_or(&3);
        let disk = Disk::new(MemoryStore::new(&random), Dice::new(seed, 1), slow, fault);
        let options = Options { limits, random: Arc::new(random), ..Options::default() };
        let people: Vec<UserId> = cast::everybody().into_iter().take(dice.between(2, 4) as usize).collect();
        let (bus, latency) = (dice.chance(50), *dice.pick(&[2, 30, 150]).unwrap_or(&30));
        let server = Server::new(Arc::new(disk), options, people.len(), fault);
        let mut world = Self {
            seed,
            trace,
            server,
            clients: Vec::new(),
            back: vec![Instant::now(); people.len()],
            rooms: Vec::new(),
            made: 0,
            fault,
            bus,
            latency,
            count: 0,
            healed: false,
            dice,
        };
        world.make_rooms(&people).await?;
        world.made = world.server.disk.applied();
        world.server.disk.fail(*world.dice.pick(&[0, 0, 0, 2]).unwrap_or(&0));
        for (user, number) in people.into_iter().zip(10..) {
            let client = Client::new(user, Dice::new(seed, number), fault, world.trace.clone());
            world.clients.push(client);
        }
        Ok(world)
    }

    async fn make_rooms(&mut self, people: &[UserId]) -> Result<(), String> {
        let engine = self.server.engine.clone().ok_or("the server is down")?;
        for number in 0..self.dice.between(1, 2) {
            let mut create = CreateRoom::keyed(cast::key(&format!("job:{number}")));
            create.history = if self.dice.chance(50) { HistoryMode::All } else { HistoryMode::SinceJoined };
            // Some rooms have two owners, who may both want to go.
            let owners = if self.dice.chance(50) { 2 } else { 0 };
            for (n, user) in people.iter().filter(|_| self.dice.chance(80)).enumerate() {
                let role = if n < owners { Role::Owner } else { Role::Member };
                create = create.with(AddParticipant::new(user.clone()).role(role));
            }
            let made = engine.host().create_room(create).await;
            self.rooms.push(made.map_err(|error| format!("cannot make a room: {error}"))?.info.id);
        }
        Ok(())
    }

    /// Runs it to its end.
    pub(super) async fn run(&mut self) -> Result<(), String> {
        for _ in 0..STEPS {
            let pause = if self.dice.chance(3) { self.dice.between(200, 4_000) } else { self.dice.between(0, 25) };
            self.something().await?;
            self.pass(Duration::from_millis(pause)).await?;
        }
        self.heal();
        self.rest().await?;
        if self.bus {
            // What was lost last was missed by nobody yet.
            self.clients.iter_mut().for_each(Client::catch_up);
            self.rest().await?;
        }
        let engine = self.server.engine.clone().ok_or("the server is down")?;
        check::everything(&self.server.disk, &engine, &self.rooms, &self.clients).await
    }

    /// The time passes, and what has come is taken in small steps.
    async fn pass(&mut self, time: Duration) -> Result<(), String> {
        let until = Instant::now() + time;
        loop {
            self.turn()?;
            let now = Instant::now();
            if now >= until {
                return Ok(());
            }
            let step = Duration::from_millis(if time > Duration::from_millis(100) { 40 } else { 5 });
            tokio::time::sleep(step.min(until - now)).await;
        }
    }

    /// One look at everybody.
    fn turn(&mut self) -> Result<(), String> {
        let now = Instant::now();
        self.server.pump();
        self.server.check()?;
        for number in 0..self.clients.len() {
            self.deliver(number, now)?;
            let slow = !self.healed && self.dice.chance(30);
            self.clients[number].work(if slow { 1 } else { usize::MAX })?;
            self.send(number);
            let away = self.server.lines[number].is_none();
            if away && now >= self.back[number] {
                self.connect(number);
            }
        }
        Ok(())
    }

    fn deliver(&mut self, number: usize, now: Instant) -> Result<(), String> {
        let other = self.clients[(number + 1) % self.clients.len()].user.clone();
        let client = &mut self.clients[number];
        while let Some(line) = &mut self.server.lines[number] {
            match line.link.arrived_down(now) {
                None => return Ok(()),
                Some(Down::Frame { bytes, since }) => {
                    self.trace.note(client.user.as_str(), || format!("<- {}", text(&bytes)));
                    if self.fault == Some(Fault::CrossesWires) && self.dice.chance(5) {
                        secrecy::check(&self.server.disk, &other, &Frame::parse(&bytes)?, since)?;
                    }
                    let frame = Frame::parse(&bytes)?;
                    secrecy::check(&self.server.disk, &client.user, &frame, since)?;
                    client.receive(frame);
                }
                Some(Down::Close(code)) => {
                    self.trace.note(client.user.as_str(), || format!("closed with {code}"));
                    if !CloseCode::ALL.iter().any(|known| known.number() == code && known.reconnect()) {
                        return Err(format!("{} was closed with {code}", client.user));
                    }
                    self.server.lines[number] = None;
                    client.disconnected(false)?;
                    self.back[number] = now + Duration::from_millis(50);
                }
            }
        }
        Ok(())
    }

    fn send(&mut self, number: usize) {
        let client = &mut self.clients[number];
        if let Some(line) = &mut self.server.lines[number] {
            client.take_out().into_iter().for_each(|frame| line.link.send_up(frame));
        }
    }

    fn connect(&mut self, number: usize) {
        self.count += 1;
        let link = Link::new(Dice::new(self.seed, 1_000 + self.count), self.latency, self.bus && !self.healed);
        let token = if self.healed { 3_600_000 } else { self.dice.between(300, 20_000) };
        let client = &self.clients[number];
        self.trace.note(client.user.as_str(), || "connects".to_owned());
        self.server.accept(number, &client.user, link, Duration::from_millis(token));
    }

    // ---- what happens ------------------------------------------------------------------------------------------

    async fn something(&mut self) -> Result<(), String> {
        let number = usize::try_from(self.dice.below(self.clients.len() as u64)).unwrap_or(0);
        match self.dice.below(100) {
            0..52 => act::somebody(&mut self.clients[number]),
            52..60 => {
                let most = self.dice.between(2, 10);
                (0..most).for_each(|_| act::somebody(&mut self.clients[number]));
            }
            60..68 => {
                let away = if self.dice.chance(30) { self.dice.between(500, 8_000) } else { self.dice.between(1, 200) };
                let crashed = self.dice.chance(50);
                self.cut(number, Duration::from_millis(away), crashed)?;
            }
            68..74 => {
                let pause = self.dice.between(20, 1_500);
                self.trace.note(self.clients[number].user.as_str(), || format!("does not read for {pause} ms"));
                self.server.stall(number, Duration::from_millis(pause));
            }
            74..92 => self.host_does(number),
            92..94 => self.restart().await?,
            94..96 => self.set_clock(),
            96..98 => self.owners_leave(),
            98 => self.restore().await?,
            _ => {}
        }
        if self.clients[number].hang_up {
            self.cut(number, Duration::from_millis(50), false)?;
        }
        Ok(())
    }

    fn cut(&mut self, number: usize, away: Duration, crashed: bool) -> Result<(), String> {
        let noticed = Duration::from_millis(self.dice.between(0, 300));
        self.server.cut(number, noticed);
        self.back[number] = Instant::now() + away;
        self.clients[number].disconnected(crashed)
    }

    fn host_does(&mut self, about: usize) {
        self.count += 1;
        let message = self.dice.pick(&self.server.disk.log().posts).map(|post| post.id);
        let errand = Errand::any(&self.dice, self.clients[about].user.clone(), message, self.count);
        if let (Some(engine), Some(room)) = (&self.server.engine, self.dice.pick(&self.rooms)) {
            self.trace.note("host", || format!("{errand:?} in {room}"));
            let host = engine.host();
            self.server.errand(errand.run(host, *room));
        }
    }

    async fn restart(&mut self) -> Result<(), String> {
        let crash = self.dice.chance(50);
        self.trace.note("server", || (if crash { "crashes" } else { "stops" }).to_owned());
        if crash && self.fault == Some(Fault::LosesTheLast) {
            self.server.stop().await.map_err(|error| format!("the server did not stop: {error}"))?;
            self.server.disk.lose_the_last().await;
        }
        if crash {
            self.server.crash();
            for number in 0..self.clients.len() {
                let crashed = self.dice.chance(20);
                self.clients[number].disconnected(crashed)?;
            }
        } else {
            self.server.stop().await.map_err(|error| format!("the server did not stop: {error}"))?;
        }
        self.start_again().await
    }

    async fn start_again(&mut self) -> Result<(), String> {
        let down = Duration::from_millis(self.dice.between(1, 300));
        let back = Instant::now() + down;
        self.back.iter_mut().for_each(|client| *client = (*client).max(back + Duration::from_millis(1)));
        self.pass(down).await?;
        self.trace.note("server", || "starts".to_owned());
        self.server.start();
        Ok(())
    }

    /// An older backup is put in the place of what is there.
    async fn restore(&mut self) -> Result<(), String> {
        self.server.stop().await.map_err(|error| format!("the server did not stop: {error}"))?;
        self.server.cut_all();
        let lost = self.dice.below((self.server.disk.applied() - self.made) as u64 + 1);
        let kept = self.server.disk.applied() - usize::try_from(lost).unwrap_or(0);
        self.trace.note("server", || format!("goes back to a backup that lacks {lost} commits"));
        self.server.disk.restore(kept).await;
        for client in &mut self.clients {
            client.disconnected(false)?;
            client.forgive(&self.server.disk.log());
        }
        self.start_again().await
    }

    /// The machine's clock is set: by a second, an hour, or a day, forward or back.
    fn set_clock(&mut self) {
        let by = *self.dice.pick(&[1_000, 3_600_000, 86_400_000]).unwrap_or(&1_000);
        let by = if self.dice.chance(50) { by } else { -by };
        self.trace.note("clock", || format!("is set by {by} ms"));
        self.server.set_clock(by);
    }

    /// All owners of a room leave at the same moment.
    fn owners_leave(&mut self) {
        let Some(room) = self.dice.pick(&self.rooms).copied() else { return };
        let owners = self.server.disk.log().owners(room);
        for client in self.clients.iter_mut().filter(|client| client.online && owners.contains(&client.user)) {
            client.act(json!({"action": "leave_room", "room": room}));
        }
    }

    // ---- coming to rest ----------------------------------------------------------------------------------------

    fn heal(&mut self) {
        self.trace.note("world", || "everything is well from now on".to_owned());
        self.healed = true;
        self.server.heal();
        self.server.disk.fail(0);
        self.back.fill(Instant::now());
    }

    /// Waits until nothing happens any more.
    async fn rest(&mut self) -> Result<(), String> {
        let began = Instant::now();
        let mut quiet = began;
        while quiet.elapsed() < Duration::from_millis(3_500) {
            // Nothing happens in between that a finer step would show.
            let step = Duration::from_millis(if quiet.elapsed().is_zero() { 5 } else { 100 });
            tokio::time::sleep(step).await;
            self.turn()?;
            for number in 0..self.clients.len() {
                if self.clients[number].hang_up {
                    self.cut(number, Duration::from_millis(50), false)?;
                }
            }
            if !(self.server.is_quiet() && self.clients.iter().all(Client::is_quiet)) {
                quiet = Instant::now();
            }
            if began.elapsed() > REST {
                return Err(format!("does not come to rest: {:#?}", self.clients));
            }
        }
        Ok(())
    }
}
