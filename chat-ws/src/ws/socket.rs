//! An open WebSocket: tungstenite reads, batches are written past it.

use std::{
    io, iter,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use chat_core::wire::Output;
use futures_util::{Sink, Stream, future::poll_fn};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Error, Message, Utf8Bytes,
        error::ProtocolError,
        protocol::{CloseFrame, Role, WebSocketConfig},
    },
};

use crate::link::{Broken, Incoming, Link};

use super::{
    batch::{Batch, Opcode, Piece},
    transport::Transport,
};

/// tungstenite fills its whole read buffer at once, so a socket costs this much even if it is never used. It grows for
/// a longer frame.
const READ_BUFFER: usize = 1024;

/// Room for the pongs and the close frame, which are all that tungstenite writes.
const WRITE_BUFFER: usize = 1024;

/// How long a peer may take to answer a close frame, and how many bytes of it are read meanwhile.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);
const CLOSE_BYTES: usize = 1024 * 1024;

/// An open WebSocket.
pub(crate) struct WsSocket {
    inner: WebSocketStream<Transport>,
}

impl WsSocket {
    /// A socket after its handshake; `read` is what was read too far.
    pub(super) async fn new(transport: Transport, read: Vec<u8>, frame_bytes: usize) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER)
            .write_buffer_size(0)
            .max_write_buffer_size(WRITE_BUFFER)
            .max_message_size(Some(frame_bytes))
            .max_frame_size(Some(frame_bytes));
        let inner = if read.is_empty() {
            WebSocketStream::from_raw_socket(transport, Role::Server, Some(config)).await
        } else {
            WebSocketStream::from_partially_read(transport, read, Role::Server, Some(config)).await
        };
        Self { inner }
    }

    /// Sends one binary message.
    pub(crate) async fn send_binary(&mut self, bytes: Bytes, patience: Duration) -> Result<u64, Broken> {
        self.write(iter::once(Piece::Frame(Opcode::Binary, &bytes)), patience).await
    }

    async fn write<'a>(&mut self, pieces: impl Iterator<Item = Piece<'a>>, patience: Duration) -> Result<u64, Broken> {
        let mut batch = Batch::new(pieces);
        loop {
            let mut step = poll_fn(|cx| {
                // A pong that is half written must be whole before anything else; and at the end nothing may wait in what
                // lies between here and the peer.
                ready!(Pin::new(&mut self.inner).poll_flush(cx)).map_err(|_| io::ErrorKind::BrokenPipe)?;
                if batch.is_done() {
                    return Poll::Ready(Ok(true));
                }
                batch.poll_step(cx, self.inner.get_mut()).map_ok(|()| false)
            });
            // No timer while the peer keeps up.
            let written = match poll_fn(|cx| Poll::Ready(Pin::new(&mut step).poll(cx))).await {
                Poll::Ready(written) => written,
                Poll::Pending => timeout(patience, step).await.map_err(|_| Broken::Stuck)?,
            };
            if written.map_err(|_: io::Error| Broken::Gone)? {
                return Ok(batch.written());
            }
        }
    }
}

impl Link for WsSocket {
    /// After a close frame of the peer's it goes on until the answer is written.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Incoming> {
        loop {
            let incoming = match ready!(Pin::new(&mut self.inner).poll_next(cx)) {
                Some(Ok(Message::Text(text))) => Incoming::Text(text),
                Some(Ok(Message::Binary(bytes))) => Incoming::Binary(bytes),
                Some(Ok(Message::Close(_))) => continue,
                Some(Ok(_)) => Incoming::Alive,
                None => Incoming::Gone,
                Some(Err(error)) => violation(&error).map_or(Incoming::Gone, Incoming::Violation),
            };
            return Poll::Ready(incoming);
        }
    }

    async fn send(&mut self, out: &[Output], patience: Duration) -> Result<u64, Broken> {
        self.write(out.iter().map(Piece::of), patience).await
    }

    async fn ping(&mut self, patience: Duration) -> Result<u64, Broken> {
        self.write(iter::once(Piece::Frame(Opcode::Ping, &[])), patience).await
    }

    fn cut(self) {
        self.inner.into_inner().reset();
    }

    async fn close(mut self, code: u16, reason: &'static str) {
        let frame = CloseFrame { code: code.into(), reason: Utf8Bytes::from_static(reason) };
        let goodbye = async {
            poll_fn(|cx| Pin::new(&mut self.inner).poll_flush(cx)).await?;
            Pin::new(&mut self.inner).start_send(Message::Close(Some(frame)))?;
            poll_fn(|cx| Pin::new(&mut self.inner).poll_flush(cx)).await?;
            let mut read = 0;
            while let Some(Ok(message)) = poll_fn(|cx| Pin::new(&mut self.inner).poll_next(cx)).await {
                read += message.len();
                if read > CLOSE_BYTES {
                    break;
                }
            }
            Ok::<(), Error>(())
        };
        // Whether it agrees or not, it is over.
        let _ = timeout(CLOSE_TIMEOUT, goodbye).await;
    }

    /// What the peer still sends is thrown away, since closing over unread bytes would reset the connection before the
    /// peer has read why.
    async fn fail(mut self, code: u16) {
        let code = code.to_be_bytes();
        let goodbye = async {
            self.write(iter::once(Piece::Frame(Opcode::Close, &code)), CLOSE_TIMEOUT)
                .await
                .map_err(|_| io::ErrorKind::BrokenPipe)?;
            let transport = self.inner.get_mut();
            transport.shutdown().await?;
            let mut buffer = [0; 1024];
            let mut left = CLOSE_BYTES;
            while left > 0 {
                match transport.read(&mut buffer).await? {
                    0 => break,
                    n => left = left.saturating_sub(n),
                }
            }
            Ok::<(), io::Error>(())
        };
        let _ = timeout(CLOSE_TIMEOUT, goodbye).await;
    }
}

/// The close code for what the peer did wrong; nothing if the connection just broke.
fn violation(error: &Error) -> Option<u16> {
    match error {
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => None,
        Error::Protocol(_) => Some(1002),
        Error::Utf8(_) => Some(1007),
        Error::Capacity(_) => Some(1009),
        _ => None,
    }
}
