//! Many frames, few writes: what waits for a socket goes out together.
//!
//! The price of a delivery is the write, not the frame: frames are encoded into a buffer that the thread's sockets
//! share, and that leaves in one write. Only what the system does not take at once is kept with the socket.

use std::{
    cell::RefCell,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use tokio::io::AsyncWrite;

/// Bytes that are gathered for one write; also the progress that a slow peer must make in its time.
const CHUNK: usize = 64 * 1024;

/// Payloads from here on are written from where they lie, without being copied.
const LARGE: usize = 16 * 1024;

thread_local! {
    static SCRATCH: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// What kind of frames, as the first byte of each says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Opcode {
    Text = 0x81,
    Binary = 0x82,
    Close = 0x88,
    Ping = 0x89,
}

/// Frames on their way out.
pub(super) struct Batch<'a> {
    opcode: Opcode,
    frames: &'a [Bytes],
    /// Encoded, and not taken yet.
    rest: Vec<u8>,
    /// The large payload that follows.
    large: &'a [u8],
    written: u64,
}

impl<'a> Batch<'a> {
    pub(super) const fn new(opcode: Opcode, frames: &'a [Bytes]) -> Self {
        Self { opcode, frames, rest: Vec::new(), large: &[], written: 0 }
    }

    /// Whether everything was taken.
    pub(super) const fn is_done(&self) -> bool {
        self.frames.is_empty() && self.rest.is_empty() && self.large.is_empty()
    }

    /// Bytes that were taken.
    pub(super) const fn written(&self) -> u64 {
        self.written
    }

    /// Writes the next [`CHUNK`] or so; ready when it was taken.
    pub(super) fn poll_step<W: AsyncWrite + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        to: &mut W,
    ) -> Poll<io::Result<()>> {
        if !self.rest.is_empty() {
            let (taken, result) = write(cx, to, &self.rest);
            self.written += taken as u64;
            self.rest.drain(..taken);
            ready!(result)?;
            self.rest = Vec::new();
        } else if !self.large.is_empty() {
            let next = &self.large[..self.large.len().min(CHUNK)];
            let (taken, result) = write(cx, to, next);
            self.written += taken as u64;
            self.large = &self.large[taken..];
            ready!(result)?;
        } else {
            ready!(self.poll_fresh(cx, to))?;
        }
        Poll::Ready(Ok(()))
    }

    /// Encodes the next frames and writes them.
    fn poll_fresh<W: AsyncWrite + Unpin>(&mut self, cx: &mut Context<'_>, to: &mut W) -> Poll<io::Result<()>> {
        SCRATCH.with_borrow_mut(|scratch| {
            scratch.clear();
            while let Some((frame, rest)) = self.frames.split_first() {
                self.frames = rest;
                header(self.opcode, frame.len(), scratch);
                if frame.len() >= LARGE {
                    self.large = frame;
                    break;
                }
                scratch.extend_from_slice(frame);
                if scratch.len() >= CHUNK {
                    break;
                }
            }
            let (taken, result) = write(cx, to, scratch);
            self.written += taken as u64;
            self.rest.extend_from_slice(&scratch[taken..]);
            result
        })
    }
}

/// Writes until all is taken, or no more is; says how much was.
fn write<W: AsyncWrite + Unpin>(cx: &mut Context<'_>, to: &mut W, bytes: &[u8]) -> (usize, Poll<io::Result<()>>) {
    let mut taken = 0;
    while taken < bytes.len() {
        match Pin::new(&mut *to).poll_write(cx, &bytes[taken..]) {
            Poll::Pending => return (taken, Poll::Pending),
            Poll::Ready(Ok(0)) => return (taken, Poll::Ready(Err(io::ErrorKind::WriteZero.into()))),
            Poll::Ready(Ok(n)) => taken += n,
            Poll::Ready(Err(error)) => return (taken, Poll::Ready(Err(error))),
        }
    }
    (taken, Poll::Ready(Ok(())))
}

/// The header of an unmasked, unfragmented frame (RFC 6455, section 5.2).
#[allow(clippy::cast_possible_truncation, reason = "each length is cast where it fits")]
fn header(opcode: Opcode, len: usize, out: &mut Vec<u8>) {
    out.push(opcode as u8);
    match len {
        0..126 => out.push(len as u8),
        126..0x1_0000 => {
            out.push(126);
            out.extend_from_slice(&(len as u16).to_be_bytes());
        }
        _ => {
            out.push(127);
            out.extend_from_slice(&(len as u64).to_be_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes `room` bytes, then no more until it is given room again.
    struct Narrow {
        room: usize,
        got: Vec<u8>,
        writes: usize,
    }

    impl AsyncWrite for Narrow {
        fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
            let this = self.get_mut();
            let n = buf.len().min(this.room);
            if n == 0 {
                return Poll::Pending;
            }
            this.room -= n;
            this.writes += 1;
            this.got.extend_from_slice(&buf[..n]);
            Poll::Ready(Ok(n))
        }
        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    /// Writes through a hole of `room` bytes, and says what arrived and in how many writes.
    fn through(frames: &[Bytes], room: usize) -> (Vec<u8>, usize) {
        let mut cx = Context::from_waker(std::task::Waker::noop());
        let mut to = Narrow { room, got: Vec::new(), writes: 0 };
        let mut batch = Batch::new(Opcode::Text, frames);
        while !batch.is_done() {
            if batch.poll_step(&mut cx, &mut to).is_pending() {
                to.room = room;
            }
        }
        assert_eq!(batch.written(), to.got.len() as u64);
        (to.got, to.writes)
    }

    /// Reads frames as a client would.
    fn parse(mut bytes: &[u8]) -> Vec<Vec<u8>> {
        let mut frames = Vec::new();
        while let [first, second, rest @ ..] = bytes {
            assert_eq!(*first, 0x81);
            let (len, rest) = match second {
                127 => (u64::from_be_bytes(rest[..8].try_into().unwrap()) as usize, &rest[8..]),
                126 => (u16::from_be_bytes(rest[..2].try_into().unwrap()).into(), &rest[2..]),
                len => (usize::from(*len), rest),
            };
            frames.push(rest[..len].to_vec());
            bytes = &rest[len..];
        }
        frames
    }

    #[test]
    fn frames_of_every_size_arrive_through_a_hole_of_any_size() {
        let sizes = [0, 1, 125, 126, 127, 5_000, LARGE - 1, LARGE, LARGE + 1, 65_535, 65_536, 200_000, 3];
        let frames: Vec<_> = sizes.iter().map(|size| Bytes::from(vec![(size % 251) as u8; *size])).collect();
        for room in [1, 7, 1_000, 65_536, usize::MAX] {
            assert_eq!(parse(&through(&frames, room).0), frames, "{room}");
        }
    }

    #[test]
    fn small_frames_leave_in_one_write() {
        let frames = vec![Bytes::from_static(b"{\"type\":\"typing\"}"); 200];
        assert_eq!(through(&frames, usize::MAX).1, 1);
    }
}
