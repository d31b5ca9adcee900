//! examples/embed-rust
fn main() {}
