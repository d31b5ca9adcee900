//! The engine as its users see it, over the store in memory.

mod lifecycle;
mod live;
mod membership;
mod receipts;
mod rooms;
mod sending;
mod stage;
mod wire;
