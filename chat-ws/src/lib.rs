//! chat-ws
