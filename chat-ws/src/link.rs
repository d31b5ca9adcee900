//! What lies between a client and its connection: frames come in, frames go out. A WebSocket is one, and so is a stream
//! of events with the requests that belong to it.

use std::{
    future::Future,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use chat_core::wire::Output;
use tokio_tungstenite::tungstenite::Utf8Bytes;

/// See the module. A [`Driver`](crate::drive::Driver) serves any.
pub(crate) trait Link: Send + Sized + 'static {
    /// What the peer sent next. After [`Incoming::Gone`] and [`Incoming::Violation`] there is nothing more.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Incoming>;

    /// Sends everything, together. The peer has `patience` for each 64 KiB.
    ///
    /// Returns the bytes that were written.
    fn send(&mut self, out: &[Output], patience: Duration) -> impl Future<Output = Result<u64, Broken>> + Send;

    /// Asks for a sign of life.
    fn ping(&mut self, patience: Duration) -> impl Future<Output = Result<u64, Broken>> + Send;

    /// Ends without a word; what was not taken yet is thrown away, so that the system need not hold it either.
    fn cut(self);

    /// Says why, gives the peer a moment to agree, and ends.
    fn close(self, code: u16, reason: &'static str) -> impl Future<Output = ()> + Send;

    /// The same after a violation, when nothing can be read any more.
    fn fail(self, code: u16) -> impl Future<Output = ()> + Send;
}

/// What the peer sent.
#[derive(Debug)]
pub(crate) enum Incoming {
    Text(Utf8Bytes),
    Binary(Bytes),
    /// A sign of life and nothing else: a ping or a pong, an empty request.
    Alive,
    /// Nothing more: it closed, properly or not.
    Gone,
    /// It broke the rules of the link; the code says how. Nothing more can be read.
    Violation(u16),
}

/// Why something could not be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Broken {
    /// The connection is gone.
    Gone,
    /// The peer did not take it in time.
    Stuck,
}
