//! chat-sqlite
