//! The server that the Autobahn cases run against: `cargo run --example echo`, then the cases against `/ws`.

use std::net::SocketAddr;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9001".into());
    let address: SocketAddr = address.parse().map_err(std::io::Error::other)?;
    let listener = tokio::net::TcpListener::bind(address).await?;
    println!("http://{}", listener.local_addr()?);
    axum::serve(listener, chat_ws::echo_router(64 << 20)).await
}
