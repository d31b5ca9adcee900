//! The cast: people with names, and ids that cannot be mistaken for one another's.

use chat_core::{ClientId, MessageId, RoomId, RoomKey, UserId};

/// Makes rooms; their owner unless a story says otherwise.
pub fn alice() -> UserId {
    user("alice")
}

/// In the room from the start.
pub fn bob() -> UserId {
    user("bob")
}

/// Comes later.
pub fn carol() -> UserId {
    user("carol")
}

/// Comes and goes.
pub fn dave() -> UserId {
    user("dave")
}

/// Is never let in.
pub fn mallory() -> UserId {
    user("mallory")
}

/// Everybody, by user id.
pub fn everybody() -> Vec<UserId> {
    vec![alice(), bob(), carol(), dave(), mallory()]
}

/// Somebody else.
pub fn user(name: &str) -> UserId {
    UserId::new(name).expect("a valid user id")
}

/// A name for an operation.
pub fn client_id(name: &str) -> ClientId {
    ClientId::new(name).expect("a valid client id")
}

/// A key for a room.
pub fn key(name: &str) -> RoomKey {
    RoomKey::new(name).expect("a valid key")
}

/// The id of room number `n`; ids ascend with it.
pub fn room_id(n: u64) -> RoomId {
    RoomId::from_bytes(id(n, b'r'))
}

/// The id of message number `n`; ids ascend with it. None is also the id of a room.
pub fn message_id(n: u64) -> MessageId {
    MessageId::from_bytes(id(n, b'm'))
}

/// Shaped like a UUIDv7 that was made in millisecond `n`.
fn id(n: u64, tag: u8) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[..6].copy_from_slice(&n.to_be_bytes()[2..]);
    (bytes[6], bytes[8], bytes[15]) = (0x70, 0x80, tag);
    bytes
}
