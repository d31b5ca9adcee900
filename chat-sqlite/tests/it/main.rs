//! The store on real files.

mod conformance;
mod maintenance;
mod transfer;
