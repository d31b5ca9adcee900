//! The load as a process of its own: `bench` starts it on the other core and reads the one line that it prints.

use std::io::Read as _;

use anyhow::Result;
use chat_benches::load::{Pages, PagesPlan, RoomsPlan, Storm, StormPlan, run_rooms};
use clap::Parser;

#[derive(Parser)]
#[command(about = "Makes load on a chat server and checks what comes back")]
enum Args {
    /// Rooms full of people who write.
    Rooms(RoomsPlan),
    /// Everybody connects at once; holds the sockets until its input ends.
    Storm(StormPlan),
    /// Readers who leaf through history over HTTP.
    Pages(PagesPlan),
}

fn main() -> Result<()> {
    match Args::parse() {
        Args::Rooms(plan) => println!("{}", serde_json::to_string(&run_rooms(&plan)?)?),
        Args::Pages(plan) => println!("{}", serde_json::to_string(&Pages::run(&plan)?)?),
        Args::Storm(plan) => {
            let (storm, _sockets) = Storm::run(&plan)?;
            println!("{}", serde_json::to_string(&storm)?);
            std::io::stdin().read_to_end(&mut Vec::new())?;
        }
    }
    Ok(())
}
