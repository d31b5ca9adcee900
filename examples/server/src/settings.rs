//! What each setting is for: the end of `--help`. A test compares it with the settings there are.

use std::fmt::Write as _;

use serde_json::Value;

use crate::config::Config;

/// Every setting that is no option of its own, and what it is for.
const SETTINGS: [(&str, &str); 48] = [
    ("retention_days", "days that changes which are no messages stay; who was away longer begins a room anew"),
    ("loopback_origins", "whether web pages of this machine may connect"),
    ("page", "whether the page for trying out is served at /"),
    ("room_prefix", "what stands before {jobId} of /ws/job_chat/{jobId}/ in the room's key"),
    ("room_query_tokens", "whether /ws/job_chat/{jobId}/ takes its token from ?token="),
    ("query_tokens", "whether /ws/ does; addresses end up in logs"),
    ("metrics", "who may read /metrics: open, loopback (this machine), service (a token of your back end)"),
    ("public_keys", "[[public_keys]] with `file` or `pem`, and `id` (kid); as options: --public-key"),
    ("jwt.audiences", "one of these must be in `aud`; empty: not looked at"),
    ("jwt.issuers", "`iss` must be one of these; empty: not looked at"),
    ("jwt.leeway", "seconds that clocks may differ, at most 5"),
    ("jwt.role_claim", "the claim that makes a token your back end's own"),
    ("jwt.service_role", "the value of it that does"),
    ("limits.message_bytes", "bytes of a message's content"),
    ("limits.metadata_bytes", "bytes of metadata, as JSON"),
    ("limits.attachments", "attachments of a message"),
    ("limits.name_bytes", "bytes of a name of a room, a participant, an attachment"),
    ("limits.topic_bytes", "bytes of a room's topic"),
    ("limits.url_bytes", "bytes of an avatar's or attachment's URL"),
    ("limits.members", "participants of a room"),
    ("limits.people_at_once", "participants that a user names when they make a room"),
    ("limits.rooms_per_user", "rooms of a user"),
    ("limits.page", "the largest page; larger requests are clamped"),
    ("limits.default_page", "the page where none is asked for"),
    ("limits.small_room", "rooms of up to so many people show who types and who is there, and all receipts"),
    ("limits.typing_per_second", "how often a user may begin to type each second"),
    ("limits.subscribe_rooms", "rooms named in one `subscribe` or `unsubscribe`"),
    ("limits.snapshot_messages", "messages of a snapshot"),
    ("limits.catch_up_changes", "changes that one step of catching up looks at"),
    ("limits.pending_bytes", "bytes that may wait for one slow client before it must catch up"),
    ("limits.pending_commands", "commands that may wait for the storage before clients get `busy`"),
    ("limits.cached_rooms", "rooms kept in memory to decide without a read"),
    ("server.frame_bytes", "bytes of a frame from a client"),
    ("server.body_bytes", "bytes of an HTTP body"),
    ("server.head_bytes", "bytes of a request's head"),
    ("server.handshake_timeout", "seconds for a request's head, its body, and the upgrade"),
    ("server.auth_timeout", "seconds that a socket may stay without a token"),
    ("server.ping_every", "seconds between pings"),
    ("server.idle_timeout", "seconds of silence before a socket is closed"),
    ("server.write_timeout", "seconds that a peer may take for the next 64 KiB"),
    ("server.drain_timeout", "seconds that sockets may take to end; at most 4/5 of --drain-timeout"),
    ("server.sockets_per_user", "sockets and streams of a user"),
    ("server.sockets_total", "sockets and streams in all"),
    (
        "server.sockets_per_address",
        "sockets of an address, and six times as many connections; behind a proxy all have the proxy's",
    ),
    ("server.http_connections", "connections that are not sockets, or not yet"),
    (
        "server.sends_per_second",
        "messages, and what else counts as one, that a user may send each second in the long run",
    ),
    ("server.send_burst", "how many of them may come at once"),
    ("server.listen_backlog", "connections that the system holds for the server to accept"),
];

/// The end of `--help`.
pub(crate) fn help() -> String {
    let defaults = serde_json::to_value(Config::default()).unwrap_or_default();
    let mut text = String::from(
        "Settings of the file that are no options. Each is also an environment variable: `page` of [limits] is\n\
         CHAT_LIMITS_PAGE. Lists are separated by commas there, and `none` turns off what can be off.\n",
    );
    let mut table = "";
    for (name, what) in SETTINGS {
        let (of, key) = name.split_once('.').unwrap_or(("", name));
        if of != table {
            let _ = writeln!(text, "\n[{of}]");
            table = of;
        }
        let default = defaults.pointer(&format!("/{}", name.replace('.', "/")));
        let _ = writeln!(text, "  {key:<20} {what} [{}]", default.map_or_else(String::new, shown));
    }
    text
}

fn shown(default: &Value) -> String {
    match default {
        Value::Null => "off".into(),
        Value::String(text) => text.clone(),
        Value::Array(list) if list.is_empty() => "none".into(),
        Value::Number(number) if number.as_f64().is_some_and(|number| number.fract() == 0.0) => {
            format!("{:.0}", number.as_f64().unwrap_or_default())
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Options of the command line, which clap explains.
    const OPTIONS: [&str; 5] = ["listen", "db", "allow_origin", "drain_timeout", "log"];

    #[test]
    fn every_setting_is_explained_and_nothing_else() {
        let mut settings = BTreeSet::new();
        for (key, value) in serde_json::to_value(Config::default()).unwrap().as_object().unwrap() {
            match value {
                Value::Object(table) => settings.extend(table.keys().map(|inner| format!("{key}.{inner}"))),
                _ => settings.extend(Some(key.clone()).filter(|key| !OPTIONS.contains(&&**key))),
            }
        }
        let explained: BTreeSet<_> = SETTINGS.iter().map(|(name, _)| (*name).to_owned()).collect();
        assert_eq!(explained, settings);
    }

    #[test]
    fn defaults_are_shown() {
        let help = help();
        for line in
            ["bytes of a message's content [16384]", "sockets and streams in all [off]", "seconds between pings [25]"]
        {
            assert!(help.contains(line), "{help}");
        }
    }
}
