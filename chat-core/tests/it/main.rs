//! The engine as its users see it, over the store in memory.

#![allow(clippy::unwrap_used, reason = "the helpers of tests are tests too")]

mod behind;
mod held;
mod lifecycle;
mod live;
mod membership;
mod permission;
mod races;
mod receipts;
mod restless;
mod rooms;
mod sending;
mod stage;
mod storage;
mod suspending;
mod wire;
