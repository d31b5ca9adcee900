//! The Node addon: `chat_api`'s classes, as one library that Node loads.

pub use chat_api::node;
