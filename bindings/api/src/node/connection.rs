//! A connection over a socket of the user's own, for Node.

use napi::bindgen_prelude::Function;
use napi_derive::napi;

use super::{Args, engine::ChatEngine, pulled::Pulled};
use crate::connection;

/// See [`crate::Connection`].
#[napi]
#[derive(Debug)]
pub struct Connection {
    connection: connection::Connection,
    pulled: Pulled,
}

#[napi]
impl ChatEngine {
    /// Carries a user's connection; `wake` is called when there is something to take again.
    #[napi]
    pub fn connection(&self, args: String, wake: Function<'_, (), ()>) -> napi::Result<Connection> {
        let mut args = Args::parse(&args)?;
        let (user, room): (String, _) = (args.next("user")?, args.next("room")?);
        let connection = connection::Connection::open(&self.0.core, &user, room, args.next("profile")?)?;
        let source = connection.clone();
        let pulled = Pulled::start(&wake, |filled| async move {
            while let Some(frames) = source.frames().await {
                for frame in frames {
                    if !filled.put(frame).await {
                        return;
                    }
                }
            }
        })?;
        Ok(Connection { connection, pulled })
    }
}

#[napi]
impl Connection {
    /// Takes a text frame from the peer.
    #[napi]
    pub fn receive(&self, text: String) {
        self.connection.receive(text);
    }

    /// Takes note of a binary frame of so many bytes.
    #[napi]
    pub fn receive_binary(&self, bytes: u32) {
        self.connection.accept_binary(bytes as usize);
    }

    /// Frames to send: empty for nothing yet, `null` at the end.
    #[napi]
    pub fn take(&mut self) -> Option<Vec<String>> {
        self.pulled.take()
    }

    /// The code to close the socket with, once it has ended from this side.
    #[napi]
    pub fn close_code(&self) -> Option<u16> {
        self.connection.close_code()
    }

    /// The peer is gone.
    #[napi]
    pub fn close(&mut self) {
        self.connection.stop();
        self.pulled.end();
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.connection.stop();
    }
}
