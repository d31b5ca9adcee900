//! Streams, without chat: events go down in a response that does not end, frames come up in numbered requests. For
//! networks in which WebSockets do not open.

mod inbox;
mod stream;

pub(crate) use inbox::Inboxes;
pub(crate) use stream::EventStream;
