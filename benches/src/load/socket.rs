//! One cheap WebSocket client: a handshake, and then frames taken apart where they lie.

use std::{
    io::{self, Read as _, Write as _},
    net::{IpAddr, SocketAddr},
};

use anyhow::{Context, Result};
use mio::{Interest, Registry, Token, net::TcpStream};
use socket2::{Domain, Protocol, Type};

use crate::message::Header;

/// Where a socket stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Waits for the answer to its upgrade.
    Upgrading,
    /// Waits for `ready`.
    Entering,
    /// In.
    Ready,
    /// Gone.
    Ended,
}

/// One client.
#[derive(Debug)]
pub(super) struct Socket {
    stream: TcpStream,
    pub(super) stage: Stage,
    /// The status line of whoever did not let it in.
    pub(super) refusal: Option<String>,
    /// The beginning of a frame whose rest has not come.
    begun: Vec<u8>,
    out: Vec<u8>,
    written: usize,
}

impl Socket {
    /// Begins to connect; the upgrade goes out when the connection stands.
    pub(super) fn connect(
        server: SocketAddr,
        source: Option<IpAddr>,
        upgrade: String,
        registry: &Registry,
        token: Token,
    ) -> Result<Self> {
        let socket = socket2::Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
        socket.set_nonblocking(true)?;
        socket.set_tcp_nodelay(true)?;
        if let Some(source) = source {
            socket.bind(&SocketAddr::new(source, 0).into()).context("taking a source address")?;
        }
        match socket.connect(&server.into()) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock || error.raw_os_error() == Some(EINPROGRESS) => {}
            Err(error) => return Err(error).context("connecting"),
        }
        let mut stream = TcpStream::from_std(socket.into());
        registry.register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
        Ok(Self {
            stream,
            stage: Stage::Upgrading,
            refusal: None,
            begun: Vec::new(),
            out: upgrade.into_bytes(),
            written: 0,
        })
    }

    /// What waits to be sent; call [`Socket::flush`] after adding to it.
    pub(super) fn out(&mut self) -> &mut Vec<u8> {
        &mut self.out
    }

    /// Sends what the socket takes.
    pub(super) fn flush(&mut self) {
        while self.written < self.out.len() {
            match self.stream.write(&self.out[self.written..]) {
                Ok(sent) => self.written += sent,
                Err(error)
                    if error.kind() == io::ErrorKind::WouldBlock || error.kind() == io::ErrorKind::NotConnected =>
                {
                    return;
                }
                Err(_gone) => {
                    self.stage = Stage::Ended;
                    return;
                }
            }
        }
        self.out.clear();
        self.written = 0;
    }

    /// Takes everything that has come; `on_text` gets each text frame's payload.
    pub(super) fn read(&mut self, buffer: &mut Vec<u8>, mut on_text: impl FnMut(&[u8])) {
        loop {
            let kept = self.begun.len();
            if kept >= buffer.len() {
                // A frame larger than all before.
                buffer.resize(2 * kept, 0);
            }
            buffer[..kept].copy_from_slice(&self.begun);
            self.begun.clear();
            let read = match self.stream.read(&mut buffer[kept..]) {
                Ok(0) => {
                    self.stage = Stage::Ended;
                    return;
                }
                Ok(read) => read,
                Err(error) => {
                    self.begun.extend_from_slice(&buffer[..kept]);
                    if error.kind() != io::ErrorKind::WouldBlock {
                        self.stage = Stage::Ended;
                    }
                    return;
                }
            };
            let filled = kept + read;
            let taken = self.take(&buffer[..filled], &mut on_text);
            self.begun.extend_from_slice(&buffer[taken..filled]);
            // A read that leaves room in the buffer has emptied the socket: the next event says when there is more.
            if filled < buffer.len() || self.stage == Stage::Ended {
                return;
            }
        }
    }

    /// Takes whole frames from `bytes`, and says how far it came.
    fn take(&mut self, bytes: &[u8], on_text: &mut impl FnMut(&[u8])) -> usize {
        let mut at = 0;
        if self.stage == Stage::Upgrading {
            let Some(end) = memchr::memmem::find(bytes, b"\r\n\r\n") else { return 0 };
            if !bytes.starts_with(b"HTTP/1.1 101") {
                self.refusal = Some(String::from_utf8_lossy(bytes).lines().next().unwrap_or_default().to_owned());
                self.stage = Stage::Ended;
                return bytes.len();
            }
            self.stage = Stage::Entering;
            at = end + 4;
        }
        while let Some(header) = Header::parse(&bytes[at..])
            && at + header.end <= bytes.len()
        {
            let payload = &bytes[at + header.start..at + header.end];
            match header.opcode {
                1 if self.stage == Stage::Entering => {
                    self.stage = if payload.starts_with(br#"{"type":"ready""#) { Stage::Ready } else { Stage::Ended };
                }
                1 => on_text(payload),
                8 => {
                    // The server waits for the answer.
                    self.control(8, payload.get(..2).unwrap_or_default());
                    self.stage = Stage::Ended;
                }
                9 => self.control(10, payload),
                _ => {}
            }
            at += header.end;
        }
        at
    }

    /// Sends a control frame; the mask is zero.
    fn control(&mut self, opcode: u8, payload: &[u8]) {
        self.out.extend_from_slice(&[0x80 | opcode, 0x80 | payload.len() as u8, 0, 0, 0, 0]);
        self.out.extend_from_slice(payload);
        self.flush();
    }
}

/// What a connection answers that is on its way: `std` has no name for it.
const EINPROGRESS: i32 = 115;
