//! The command line.

use std::{ffi::OsString, net::SocketAddr, path::PathBuf, time::Duration};

use chat_core::UserId;
use clap::{
    Parser, Subcommand,
    builder::{OsStringValueParser, StringValueParser, TypedValueParser as _},
};

use crate::{database::Database, settings, time_span};

/// A chat server: rooms, messages and receipts over WebSocket and HTTP on one port, with its data in one file.
///
/// Without a command it serves. It prints one line with its address when it is ready; logs go to standard error.
/// Tokens are checked with the secret in CHAT_JWT_SECRET (HS256, at least 32 bytes), or with public keys.
///
/// What is given on the command line counts more than the environment, and that more than the file.
#[derive(Debug, Parser)]
#[command(name = "chat-server", version, after_long_help = settings::help(), max_term_width = 100)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,

    /// A TOML file with any of the settings; `--help` lists them. Unknown ones are refused.
    #[arg(long, env = "CHAT_CONFIG", value_name = "FILE", global = true)]
    pub(crate) config: Option<PathBuf>,

    /// Where the data is: `sqlite:PATH`, made if it is not there, or `memory:`, gone with the process [default:
    /// sqlite:chat.db]
    #[arg(long, env = "CHAT_DB", value_name = "DB", global = true)]
    pub(crate) db: Option<Database>,

    /// Where to listen; port 0 takes a free one [default: 127.0.0.1:8080]
    #[arg(long, env = "CHAT_LISTEN", value_name = "ADDR")]
    pub(crate) listen: Option<SocketAddr>,

    /// Web pages of this origin may connect (`https://app.example.com`, or `*` for all). Repeatable; in the environment
    /// separated by commas. Pages of this machine may by default
    #[arg(long, env = "CHAT_ALLOW_ORIGIN", value_name = "ORIGIN", value_delimiter = ',',
        value_parser = StringValueParser::new().map(|origin| origin.trim().to_owned()))]
    pub(crate) allow_origin: Vec<String>,

    /// A file with a public key, PEM, that tokens may be signed for: RSA (RS256) or Ed25519 (`EdDSA`). Repeatable; in
    /// the environment separated by commas. Several may be valid at once, so that keys can be changed
    #[arg(long, env = "CHAT_PUBLIC_KEY", value_name = "FILE", value_delimiter = ',',
        value_parser = OsStringValueParser::new().map(file))]
    pub(crate) public_key: Vec<PathBuf>,

    /// How long stopping may take: clients are told to reconnect, what was accepted is finished [default: 10s]
    #[arg(long, env = "CHAT_DRAIN_TIMEOUT", value_name = "TIME", value_parser = time_span::parse)]
    pub(crate) drain_timeout: Option<Duration>,

    /// What to log: error, warn, info, debug, trace, or by part, such as `info,chat_ws=debug` [default: info]
    #[arg(long, env = "CHAT_LOG", value_name = "FILTER", global = true)]
    pub(crate) log: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Mints a token with the secret in CHAT_JWT_SECRET, and prints only that.
    Token {
        /// Whom it is for.
        #[arg(long)]
        user: UserId,
        /// `service` makes it a token of your back end itself, which may do everything. Never give that to a user.
        #[arg(long)]
        role: Option<String>,
        /// The name to show.
        #[arg(long)]
        name: Option<String>,
        /// How long it is valid.
        #[arg(long, value_name = "TIME", default_value = "1h", value_parser = time_span::parse)]
        expires: Duration,
    },
    /// Reads everything, and fails with status 1 if a row is not what was written. May run beside the server.
    Verify,
    /// Copies the data into a new file. May run beside the server.
    Backup {
        /// The file; it must not be there yet.
        file: PathBuf,
    },
    /// Writes all rooms as JSON Lines. May run beside the server.
    Export {
        /// The file; it must not be there yet. `-` is standard output.
        #[arg(default_value = "-")]
        file: PathBuf,
    },
    /// Makes rooms from JSON Lines as `export` writes them, keeping ids, senders, times and markers. A room that is
    /// there already is left as it is.
    Import {
        /// The file; `-` is standard input.
        #[arg(default_value = "-")]
        file: PathBuf,
    },
}

/// A file of a list: what stands around the commas is not its name.
fn file(name: OsString) -> PathBuf {
    match name.to_str() {
        Some(name) => name.trim().into(),
        None => name.into(),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Args::command().debug_assert();
    }

    #[test]
    fn shared_options_may_stand_before_or_after_the_command() {
        for line in [["chat-server", "--db", "memory:", "verify"], ["chat-server", "verify", "--db", "memory:"]] {
            let args = Args::try_parse_from(line).unwrap();
            assert_eq!(args.db, Some(Database::Memory));
            assert!(matches!(args.command, Some(Command::Verify)));
        }
    }
}
