//! An open stream: server-sent events in the response to one request, and what further requests bring.

use std::{
    convert::Infallible,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{
    body::Body,
    http::{HeaderName, header},
    response::{IntoResponse, Response},
};
use bytes::{Buf, Bytes, BytesMut};
use chat_core::{Actor, wire::Output};
use futures_util::stream::poll_fn;
use tokio::{
    sync::mpsc::{self, error::TrySendError},
    time::timeout,
};
use tokio_tungstenite::tungstenite::Utf8Bytes;

use crate::link::{Broken, Incoming, Link};

use super::inbox::Inboxes;

/// Bytes that are gathered for one write; also the progress that a slow peer must make in its time.
const CHUNK: usize = 64 * 1024;

/// What stands around each frame. JSON has no line breaks of its own, so a frame is one line.
const DATA: &[u8] = b"data: ";
const END: &[u8] = b"\n\n";

/// How long a peer may take to accept the last event.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// An open stream, as the server holds it.
pub(crate) struct EventStream {
    /// What requests bring. It ends when the response is dropped: then the peer is gone.
    brought: mpsc::Receiver<Bytes>,
    /// What is left of the last one.
    lines: Bytes,
    body: mpsc::Sender<Bytes>,
}

impl EventStream {
    /// A stream for the connection with this id, and the response that carries it.
    pub(crate) fn open(inboxes: &Arc<Inboxes>, id: &str, owner: Actor) -> (Response, Self) {
        let (open, brought) = inboxes.open(id, owner);
        let (body, mut written) = mpsc::channel(1);
        let events = poll_fn(move |cx| {
            // With the response the inbox goes too.
            let _ = &open;
            written.poll_recv(cx).map(|chunk| chunk.map(Ok::<Bytes, Infallible>))
        });
        let headers = [
            (header::CONTENT_TYPE, "text/event-stream"),
            (header::CACHE_CONTROL, "no-store"),
            // nginx gathers responses otherwise.
            (HeaderName::from_static("x-accel-buffering"), "no"),
        ];
        ((headers, Body::from_stream(events)).into_response(), Self { brought, lines: Bytes::new(), body })
    }

    /// Hands a chunk to whoever writes the response; no timer while the peer keeps up.
    async fn write(&self, chunk: Bytes, patience: Duration) -> Result<u64, Broken> {
        let bytes = chunk.len() as u64;
        match self.body.try_send(chunk) {
            Ok(()) => Ok(bytes),
            Err(TrySendError::Closed(_)) => Err(Broken::Gone),
            Err(TrySendError::Full(chunk)) => match timeout(patience, self.body.send(chunk)).await {
                Ok(Ok(())) => Ok(bytes),
                Ok(Err(_)) => Err(Broken::Gone),
                Err(_) => Err(Broken::Stuck),
            },
        }
    }
}

impl Link for EventStream {
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Incoming> {
        if let Some(line) = next_line(&mut self.lines) {
            return Poll::Ready(incoming(line));
        }
        let Some(lines) = ready!(self.brought.poll_recv(cx)) else { return Poll::Ready(Incoming::Gone) };
        self.lines = lines;
        Poll::Ready(next_line(&mut self.lines).map_or(Incoming::Alive, incoming))
    }

    async fn send(&mut self, out: &[Output], patience: Duration) -> Result<u64, Broken> {
        let texts = || out.iter().flat_map(Output::texts);
        let mut left: usize = texts().map(|text| DATA.len() + text.len() + END.len()).sum();
        let mut chunk = BytesMut::with_capacity(left.min(CHUNK));
        let mut written = 0;
        for text in texts() {
            for part in [DATA, text, END] {
                chunk.extend_from_slice(part);
            }
            if chunk.len() >= CHUNK {
                left -= chunk.len();
                let next = BytesMut::with_capacity(left.min(CHUNK));
                written += self.write(std::mem::replace(&mut chunk, next).freeze(), patience).await?;
            }
        }
        if !chunk.is_empty() {
            written += self.write(chunk.freeze(), patience).await?;
        }
        Ok(written)
    }

    /// A comment, which clients that read events by themselves pass over. The sign of life is an empty request.
    async fn ping(&mut self, patience: Duration) -> Result<u64, Broken> {
        self.write(Bytes::from_static(b":\n\n"), patience).await
    }

    fn cut(self) {}

    async fn close(self, code: u16, reason: &'static str) {
        let event = format!("event: close\ndata: {{\"code\":{code},\"reason\":\"{reason}\"}}\n\n");
        // Whether it is taken or not, it is over.
        let _ = self.write(event.into(), CLOSE_TIMEOUT).await;
    }

    async fn fail(self, code: u16) {
        self.close(code, "violation").await;
    }
}

/// A frame. What is no text is answered like a binary frame.
fn incoming(line: Bytes) -> Incoming {
    Utf8Bytes::try_from(line.clone()).map_or(Incoming::Binary(line), Incoming::Text)
}

/// The next line that is not blank.
fn next_line(lines: &mut Bytes) -> Option<Bytes> {
    while !lines.is_empty() {
        let end = lines.iter().position(|byte| *byte == b'\n').unwrap_or(lines.len());
        let line = lines.split_to(end);
        lines.advance(lines.len().min(1));
        if !line.trim_ascii().is_empty() {
            return Some(line);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_is_a_frame_and_blank_ones_are_none() {
        let mut lines = Bytes::from_static(b"\n{\"a\":1}\r\n \n{\"b\":2}\n\n{\"c\":3}");
        let read: Vec<_> = std::iter::from_fn(|| next_line(&mut lines)).collect();
        assert_eq!(read, [&b"{\"a\":1}\r"[..], b"{\"b\":2}", b"{\"c\":3}"]);
        assert!(next_line(&mut Bytes::from_static(b"\n \r\n")).is_none());
    }
}
