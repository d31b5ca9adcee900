//! The store on real files.

mod busy;
mod conformance;
mod file;
mod formats;
mod life;
mod maintenance;
mod opening;
mod transfer;
mod unread;
mod values;
