//! Logs, on standard error; standard output belongs to what was asked for.

use std::io::{self, IsTerminal as _};

use tracing_subscriber::EnvFilter;

use crate::failure::Failure;

/// Logs from here on what the filter lets through.
pub(crate) fn start(filter: &str) -> Result<(), Failure> {
    let filter = EnvFilter::try_new(filter).map_err(|error| {
        Failure::usage(format!("`log` must be error, warn, info, debug, trace, or such as info,chat_ws=debug: {error}"))
    })?;
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    subscriber.with_ansi(io::stderr().is_terminal()).try_init().map_err(Failure::failed)
}
