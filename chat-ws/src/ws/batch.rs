//! Many frames, few writes: what waits for a socket goes out together.
//!
//! The price of a delivery is the write, not the frame. A burst of events is encoded once for all sockets that get it,
//! and written from where it lies; what is small is gathered in a buffer that the thread's sockets share. Small frames
//! and the bursts after them leave in one write. Only what the system does not take at once is kept with the socket.

use std::{
    borrow::Cow,
    cell::RefCell,
    collections::VecDeque,
    io::{self, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use chat_core::{Frame, wire::Output};
use tokio::io::AsyncWrite;

/// Small frames that are gathered for one write; also the progress that a slow peer must make in its time.
const CHUNK: usize = 64 * 1024;

/// How many large pieces go into one write.
const LARGE_ONES: usize = 8;

/// What has as much as this is written from where it lies, without being copied.
const LARGE: usize = 16 * 1024;

/// No header is longer.
const HEADER: usize = 10;

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

/// What goes out in one piece.
#[derive(Clone, Copy, Debug)]
pub(super) enum Piece<'a> {
    /// One frame, by its payload.
    Frame(Opcode, &'a [u8]),
    /// Frames that have their headers already.
    Encoded(&'a [u8]),
}

/// Frames on their way out.
pub(super) struct Batch<'a, I> {
    pieces: I,
    next: Option<Piece<'a>>,
    /// What was offered and not taken yet.
    rest: VecDeque<Cow<'a, [u8]>>,
    /// How much was taken in this step.
    step: usize,
    written: u64,
}

impl<'a> Piece<'a> {
    /// What it carries, after its header if it still needs one.
    const fn bytes(self) -> &'a [u8] {
        match self {
            Self::Frame(_, bytes) | Self::Encoded(bytes) => bytes,
        }
    }

    /// Texts as text frames.
    pub(super) fn of(out: &'a Output) -> Self {
        match out {
            Output::Own(text) => Self::Frame(Opcode::Text, text),
            Output::Events(burst) => match burst.frames() {
                [frame] => Self::Frame(Opcode::Text, frame.json()),
                _ => Self::Encoded(burst.encoded(texts)),
            },
        }
    }
}

/// Text frames in one piece. A server's frames bear no mask, so they are the same for everybody.
fn texts(frames: &[Arc<Frame>]) -> Bytes {
    let mut out = Vec::with_capacity(frames.iter().map(|frame| HEADER + frame.json().len()).sum());
    for frame in frames {
        header(Opcode::Text, frame.json().len(), &mut out);
        out.extend_from_slice(frame.json());
    }
    out.into()
}

impl<'a, I: Iterator<Item = Piece<'a>>> Batch<'a, I> {
    pub(super) fn new(mut pieces: I) -> Self {
        let next = pieces.next();
        Self { pieces, next, rest: VecDeque::new(), step: 0, written: 0 }
    }

    /// Whether everything was taken.
    pub(super) fn is_done(&self) -> bool {
        self.next.is_none() && self.rest.is_empty()
    }

    /// Bytes that were taken.
    pub(super) const fn written(&self) -> u64 {
        self.written
    }

    /// Writes what is next; ready when that was taken, or a [`CHUNK`] of it.
    pub(super) fn poll_step<W: AsyncWrite + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        to: &mut W,
    ) -> Poll<io::Result<()>> {
        let (taken, result) = if self.rest.is_empty() { self.write_fresh(cx, to) } else { self.write_rest(cx, to) };
        self.written += taken as u64;
        self.step += taken;
        if result.is_ready() || self.step < CHUNK {
            ready!(result)?;
        }
        self.step = 0;
        Poll::Ready(Ok(()))
    }

    /// Writes the next pieces: small ones, and then large ones as long as nothing small comes between.
    fn write_fresh<W: AsyncWrite + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        to: &mut W,
    ) -> (usize, Poll<io::Result<()>>) {
        SCRATCH.with_borrow_mut(|scratch| {
            scratch.clear();
            let (mut large, mut count) = ([&[][..]; LARGE_ONES], 0);
            while let Some(piece) = self.next {
                let bytes = piece.bytes();
                let is_large = bytes.len() >= LARGE;
                let fits = match count {
                    0 => scratch.len() < CHUNK,
                    LARGE_ONES => false,
                    _ => is_large && matches!(piece, Piece::Encoded(_)),
                };
                if !fits {
                    break;
                }
                self.next = self.pieces.next();
                if let Piece::Frame(opcode, payload) = piece {
                    header(opcode, payload.len(), scratch);
                }
                if is_large {
                    large[count] = bytes;
                    count += 1;
                } else {
                    scratch.extend_from_slice(bytes);
                }
            }
            let mut offered = [&scratch[..]; 1 + LARGE_ONES];
            offered[1..].copy_from_slice(&large);
            let (taken, result) = write(cx, to, &offered[..=count]);
            let mut skip = taken;
            self.rest.extend(left(scratch, &mut skip).map(|left| Cow::Owned(left.to_vec())));
            self.rest.extend(large[..count].iter().filter_map(|large| left(large, &mut skip)).map(Cow::Borrowed));
            (taken, result)
        })
    }

    /// Writes what was not taken before.
    fn write_rest<W: AsyncWrite + Unpin>(&mut self, cx: &mut Context<'_>, to: &mut W) -> (usize, Poll<io::Result<()>>) {
        let offered: Vec<_> = self.rest.iter().map(|bytes| &**bytes).collect();
        let (taken, result) = write(cx, to, &offered);
        let mut skip = taken;
        while let Some(first) = self.rest.front_mut() {
            let Some(left) = left(first, &mut skip).map(<[u8]>::len) else {
                self.rest.pop_front();
                continue;
            };
            let gone = first.len() - left;
            match first {
                Cow::Owned(bytes) => drop(bytes.drain(..gone)),
                Cow::Borrowed(bytes) => *bytes = &bytes[gone..],
            }
            break;
        }
        (taken, result)
    }
}

/// What is left of `bytes` after `skip` of them, which becomes less by those; `None` if nothing is.
fn left<'b>(bytes: &'b [u8], skip: &mut usize) -> Option<&'b [u8]> {
    let gone = bytes.len().min(*skip);
    *skip -= gone;
    Some(&bytes[gone..]).filter(|left| !left.is_empty())
}

/// Writes until all is taken, or no more is; says how much was.
fn write<W: AsyncWrite + Unpin>(cx: &mut Context<'_>, to: &mut W, all: &[&[u8]]) -> (usize, Poll<io::Result<()>>) {
    let mut slices = [IoSlice::new(&[]); 1 + LARGE_ONES];
    for (slice, bytes) in slices.iter_mut().zip(all) {
        *slice = IoSlice::new(bytes);
    }
    let mut slices = &mut slices[..all.len()];
    let mut taken = 0;
    // Passes over what is empty.
    IoSlice::advance_slices(&mut slices, 0);
    while let [first, others @ ..] = &*slices {
        let to = Pin::new(&mut *to);
        let written = if others.is_empty() { to.poll_write(cx, first) } else { to.poll_write_vectored(cx, slices) };
        match written {
            Poll::Pending => return (taken, Poll::Pending),
            Poll::Ready(Ok(0)) => return (taken, Poll::Ready(Err(io::ErrorKind::WriteZero.into()))),
            Poll::Ready(Ok(n)) => {
                taken += n;
                IoSlice::advance_slices(&mut slices, n);
            }
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
        fn poll_write_vectored(
            self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            bufs: &[IoSlice<'_>],
        ) -> Poll<io::Result<usize>> {
            let bytes: Vec<u8> = bufs.iter().flat_map(|buf| buf.iter().copied()).take(self.room).collect();
            self.poll_write(cx, &bytes)
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
        pieces_through(frames.iter().map(|frame| Piece::Frame(Opcode::Text, frame)), room)
    }

    fn pieces_through<'a>(pieces: impl Iterator<Item = Piece<'a>>, room: usize) -> (Vec<u8>, usize) {
        let mut cx = Context::from_waker(std::task::Waker::noop());
        let mut to = Narrow { room, got: Vec::new(), writes: 0 };
        let mut batch = Batch::new(pieces);
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

    fn own(frames: &[Bytes]) -> Vec<Piece<'_>> {
        frames.iter().map(|frame| Piece::Frame(Opcode::Text, frame)).collect()
    }

    /// Frames that have their headers already.
    fn encoded(frames: &[Bytes]) -> Vec<u8> {
        through(frames, usize::MAX).0
    }

    #[test]
    fn bursts_arrive_in_order_among_other_frames() {
        let mut number = 0u8;
        let mut some = |sizes: &[usize]| -> Vec<Bytes> {
            number += 1;
            sizes.iter().map(|len| Bytes::from(vec![number; *len])).collect()
        };
        let (answers, small, large) = (some(&[90; 3]), some(&[400; 9]), some(&[400; 500]));
        let (big, last, more) = (some(&[LARGE * 5]), some(&[10]), some(&[300; 900]));
        let [s, l, m] = [&small, &large, &more].map(|frames| encoded(frames));
        let pieces = || {
            let bursts = [&s, &l, &m].map(|burst| Piece::Encoded(burst));
            [&own(&answers)[..], &bursts[..2], &own(&big), &bursts[1..], &own(&last)].concat()
        };
        let all = [&answers[..], &small, &large, &big, &large, &more, &last].concat();
        for room in [1_000, 65_536, 300_000, usize::MAX] {
            assert_eq!(parse(&pieces_through(pieces().into_iter(), room).0), all, "{room}");
        }
    }

    #[test]
    fn bursts_leave_in_one_write_with_what_is_before_them() {
        let answer = Bytes::from_static(b"{\"type\":\"reply\"}");
        let burst = encoded(&vec![Bytes::from(vec![b'x'; 470]); 500]);
        let pieces = [Piece::Frame(Opcode::Text, &answer), Piece::Encoded(&burst), Piece::Encoded(&burst)];
        assert_eq!(pieces_through(pieces.into_iter(), usize::MAX).1, 1);
    }

    #[test]
    fn who_takes_a_chunk_of_a_burst_has_done_a_step() {
        let burst = vec![b'x'; CHUNK * 3];
        let mut cx = Context::from_waker(std::task::Waker::noop());
        let mut to = Narrow { room: CHUNK / 2, got: Vec::new(), writes: 0 };
        let mut batch = Batch::new(std::iter::once(Piece::Encoded(&burst)));
        assert!(batch.poll_step(&mut cx, &mut to).is_pending(), "half of one is less than must be taken in its time");
        to.room = CHUNK / 2;
        assert!(batch.poll_step(&mut cx, &mut to).is_ready() && !batch.is_done());
    }
}
