//! What is stored, held against what was sent.

use std::net::SocketAddr;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::{http::Client, message, token};

use super::host::ask;

/// Reads rooms whole, as the host's back end.
pub(super) struct History {
    client: Client,
}

impl History {
    pub(super) fn of(server: SocketAddr) -> Result<Self> {
        Ok(Self { client: Client::connect(server, &token::of_service())? })
    }

    /// A room holds exactly what was sent: `sent` messages of each sender, each sender's in order, without a hole and
    /// without a double. Returns how many that are.
    pub(super) fn check(&mut self, room: &str, sent: &[u64]) -> Result<u64> {
        let mut next = vec![0; sent.len()];
        let mut seq = 0;
        loop {
            let path = format!("/api/chatrooms/{room}/messages/?after={seq}&limit=200");
            let page = ask(&mut self.client, "GET", &path, &Value::Null)?;
            let messages = page["results"].as_array().context("a page has results")?;
            if messages.is_empty() {
                break;
            }
            for stored in messages {
                seq += 1;
                ensure!(stored["seq"] == seq, "{room}: {} stands where {seq} must", stored["seq"]);
                // A tombstone keeps its place, and its words are gone.
                let name = stored["client_id"].as_str().and_then(|name| name.split_once('-'));
                let named = name.and_then(|(sender, number)| Some((sender.parse().ok()?, number.parse().ok()?)));
                let (sender, number): (usize, u64) = stored["content"]
                    .as_str()
                    .and_then(message::numbers)
                    .or(named)
                    .with_context(|| format!("{room}: {seq} is no message of ours"))?;
                let expected = next.get_mut(sender).context("a sender that there is not")?;
                ensure!(number == *expected, "{room}: of {sender}, {number} is stored where {expected} must be");
                *expected += 1;
            }
        }
        ensure!(next == sent, "{room} holds {next:?} of each sender, and {sent:?} were sent");
        Ok(seq)
    }

    /// How many of a room's participants have read up to `seq`.
    pub(super) fn readers(&mut self, room: &str, seq: u64) -> Result<usize> {
        let (mut readers, mut cursor) = (0, String::new());
        loop {
            let path = format!("/api/chatrooms/{room}/participants/?limit=200{cursor}");
            let page = ask(&mut self.client, "GET", &path, &Value::Null)?;
            let people = page["results"].as_array().context("a page has results")?;
            readers += people.iter().filter(|one| one["read_seq"].as_u64() == Some(seq)).count();
            match page["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return Ok(readers),
            }
        }
    }
}
