//! How the server is set up: defaults, then the file, then the environment, then the command line.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};

use chat_core::Limits;
use chat_ws::{JwtSettings, MAX_LEEWAY, MetricsAccess, Origins, ServerLimits, Settings, VerifyingKey};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{cli::Args, database::Database, failure::Failure};

/// The secret that tokens are signed with. Not a setting: it belongs in no file that is shown to others.
const SECRET: &str = "CHAT_JWT_SECRET";

/// Names that begin like a setting's and are not one, or are read by the command line.
const NO_SETTINGS: [&str; 8] = [
    SECRET,
    "CHAT_CONFIG",
    "CHAT_DB",
    "CHAT_LISTEN",
    "CHAT_ALLOW_ORIGIN",
    "CHAT_PUBLIC_KEY",
    "CHAT_DRAIN_TIMEOUT",
    "CHAT_LOG",
];

/// How the server is set up: this is the TOML file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Config {
    pub(crate) listen: SocketAddr,
    pub(crate) db: Database,
    /// How long the log is kept.
    pub(crate) retention_days: u32,
    pub(crate) allow_origin: Vec<String>,
    pub(crate) loopback_origins: bool,
    /// Seconds.
    pub(crate) drain_timeout: f64,
    pub(crate) log: String,
    pub(crate) page: bool,
    pub(crate) room_prefix: String,
    pub(crate) room_query_tokens: bool,
    pub(crate) query_tokens: bool,
    pub(crate) metrics: MetricsAccess,
    pub(crate) public_keys: Vec<PublicKey>,
    pub(crate) jwt: JwtSettings,
    pub(crate) limits: Limits,
    pub(crate) server: ServerLimits,
}

/// A key that tokens may be signed for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct PublicKey {
    /// The name that tokens give it (`kid`).
    pub(crate) id: Option<String>,
    /// The file that it is in.
    pub(crate) file: Option<PathBuf>,
    /// Or the key itself, PEM.
    pub(crate) pem: Option<String>,
}

impl Default for Config {
    fn default() -> Self {
        let settings = Settings::default();
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            db: Database::Sqlite("chat.db".into()),
            retention_days: 30,
            allow_origin: settings.origins.allow,
            loopback_origins: settings.origins.loopback,
            drain_timeout: 10.0,
            log: "info".into(),
            page: true,
            room_prefix: settings.room_prefix,
            room_query_tokens: settings.room_query_tokens,
            query_tokens: settings.query_tokens,
            metrics: settings.metrics,
            public_keys: Vec::new(),
            jwt: JwtSettings::default(),
            limits: Limits::default(),
            server: settings.limits,
        }
    }
}

impl Config {
    /// What the file, the environment and the command line make of it together.
    pub(crate) fn read(args: &Args) -> Result<Self, Failure> {
        let mut config = args.config.as_deref().map_or_else(|| Ok(Self::default()), Self::from_file)?;
        let vars = std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value)));
        for (name, value) in vars.filter(|(name, _)| name.starts_with("CHAT_") && !NO_SETTINGS.contains(&&**name)) {
            let value = value.into_string().map_err(|_| Failure::usage(format!("{name} is not UTF-8")))?;
            config.set_from_environment(&name, &value)?;
        }
        config.set_from_arguments(args);
        if Duration::try_from_secs_f64(config.drain_timeout).is_err() {
            return Err(Failure::usage("`drain_timeout` must be a number of seconds, 0 or more"));
        }
        if config.jwt.leeway > MAX_LEEWAY {
            return Err(Failure::usage(format!("`jwt.leeway` must be at most {} s", MAX_LEEWAY.as_secs())));
        }
        Ok(config)
    }

    fn from_file(path: &Path) -> Result<Self, Failure> {
        let text = fs::read_to_string(path)
            .map_err(|error| Failure::usage(format!("cannot read the config file {}: {error}", path.display())))?;
        toml::from_str(&text).map_err(|error| Failure::usage(format!("the config file {}: {error}", path.display())))
    }

    /// Takes one variable. `CHAT_LIMITS_PAGE` is `page` of the table `limits`.
    fn set_from_environment(&mut self, name: &str, text: &str) -> Result<(), Failure> {
        let mut all = serde_json::to_value(&*self).map_err(Failure::failed)?;
        let Some(place) = place(&mut all, name) else {
            // Not an error: orchestrators put variables of their own beside ours.
            eprintln!("chat-server: the environment variable {name} is no setting; `--help` lists them");
            return Ok(());
        };
        *place = match place {
            Value::Array(_) => text.split(',').map(str::trim).filter(|part| !part.is_empty()).collect(),
            Value::String(_) => text.into(),
            // `none` turns off what can be off.
            _ if text == "none" => Value::Null,
            _ => serde_json::from_str(text).unwrap_or_else(|_| text.into()),
        };
        *self = serde_json::from_value(all).map_err(|error| Failure::usage(format!("{name}: {error}")))?;
        Ok(())
    }

    fn set_from_arguments(&mut self, args: &Args) {
        self.listen = args.listen.unwrap_or(self.listen);
        self.db = args.db.clone().unwrap_or_else(|| self.db.clone());
        self.drain_timeout = args.drain_timeout.map_or(self.drain_timeout, |time| time.as_secs_f64());
        self.log = args.log.clone().unwrap_or_else(|| self.log.clone());
        // A comma at a list's end names nothing, and neither does an empty variable.
        let origins: Vec<_> = args.allow_origin.iter().filter(|origin| !origin.is_empty()).cloned().collect();
        if !origins.is_empty() {
            self.allow_origin = origins;
        }
        let files = args.public_key.iter().filter(|file| !file.as_os_str().is_empty());
        let keys: Vec<_> = files.map(|file| PublicKey { file: Some(file.clone()), ..PublicKey::default() }).collect();
        if !keys.is_empty() {
            self.public_keys = keys;
        }
    }

    /// What tokens are checked with.
    pub(crate) fn keys(&self) -> Result<Vec<VerifyingKey>, Failure> {
        let mut keys = self.public_keys.iter().map(PublicKey::read).collect::<Result<Vec<_>, _>>()?;
        if let Some(secret) = secret() {
            keys.push(VerifyingKey::hs256(secret).map_err(|error| Failure::usage(format!("{SECRET}: {error}")))?);
        }
        if keys.is_empty() {
            return Err(Failure::usage(format!(
                "there is nothing to check tokens with.\n\
                 Give the secret that your back end signs its tokens with (HS256, at least 32 bytes):\n    \
                 export {SECRET}=\"$(openssl rand -hex 32)\"\n\
                 or public keys (RS256, EdDSA): `--public-key FILE`, or [[public_keys]] in the config file."
            )));
        }
        Ok(keys)
    }

    /// How long the log is kept.
    pub(crate) fn retention(&self) -> Duration {
        Duration::from_secs(u64::from(self.retention_days) * 24 * 60 * 60)
    }

    /// The time for stopping, in all.
    pub(crate) fn drain_timeout(&self) -> Duration {
        Duration::try_from_secs_f64(self.drain_timeout).unwrap_or(Duration::MAX)
    }

    /// The settings of chat-ws. Its part of stopping leaves the store a fifth of the time.
    pub(crate) fn settings(&self) -> Settings {
        let mut limits = self.server.clone();
        limits.drain_timeout = limits.drain_timeout.min(self.drain_timeout().mul_f64(0.8));
        Settings {
            limits,
            origins: Origins { allow: self.allow_origin.clone(), loopback: self.loopback_origins },
            room_prefix: self.room_prefix.clone(),
            room_query_tokens: self.room_query_tokens,
            query_tokens: self.query_tokens,
            metrics: self.metrics,
        }
    }
}

impl PublicKey {
    fn read(&self) -> Result<VerifyingKey, Failure> {
        let (pem, place) = match (&self.file, &self.pem) {
            (Some(file), None) => {
                let pem = fs::read_to_string(file)
                    .map_err(|error| Failure::usage(format!("the public key {}: {error}", file.display())))?;
                (pem, file.display().to_string())
            }
            (None, Some(pem)) => (pem.clone(), "in the config file".into()),
            _ => return Err(Failure::usage("each of `public_keys` must have either `file` or `pem`")),
        };
        // The algorithm belongs to the key, so the key says which one it is.
        let key = VerifyingKey::rs256_pem(&pem).or_else(|_| VerifyingKey::eddsa_pem(&pem)).map_err(|_| {
            Failure::usage(format!("the public key {place}: not an RSA or Ed25519 public key in PEM form"))
        })?;
        Ok(match &self.id {
            Some(id) => key.with_id(id),
            None => key,
        })
    }
}

/// The secret, if there is one.
pub(crate) fn secret() -> Option<String> {
    std::env::var(SECRET).ok().filter(|secret| !secret.is_empty())
}

/// The secret, or what to do about it.
pub(crate) fn needed_secret() -> Result<String, Failure> {
    secret().ok_or_else(|| Failure::usage(format!("{SECRET} must hold the secret that tokens are signed with")))
}

/// Where the setting of a variable's name is.
fn place<'v>(all: &'v mut Value, name: &str) -> Option<&'v mut Value> {
    let name = name.strip_prefix("CHAT_")?.to_ascii_lowercase();
    let tables = ["jwt", "limits", "server"];
    let in_table = tables.iter().find_map(|table| Some((*table, name.strip_prefix(table)?.strip_prefix('_')?)));
    let place = match in_table {
        Some((table, key)) => all.get_mut(table)?.get_mut(key)?,
        None => all.get_mut(&name)?,
    };
    // Keys are tables of their own; `CHAT_PUBLIC_KEY` names their files.
    if place.is_object() || name == "public_keys" { None } else { Some(place) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(name: &str, text: &str) -> Result<Config, String> {
        let mut config = Config::default();
        config.set_from_environment(name, text).map_err(|failure| failure.to_string())?;
        Ok(config)
    }

    #[test]
    fn every_table_is_reached_from_the_file() {
        let text = r#"
            listen = "0.0.0.0:9000"
            db = "memory:"
            metrics = "open"
            [jwt]
            audiences = ["chat"]
            [limits]
            message_bytes = 1000
            [server]
            sockets_total = 7
            ping_every = 2.5
            [[public_keys]]
            id = "a"
            file = "a.pem"
        "#;
        let config: Config = toml::from_str(text).unwrap();
        assert_eq!((config.limits.message_bytes, config.server.sockets_total), (1_000, Some(7)));
        assert_eq!((config.db, config.metrics), (Database::Memory, MetricsAccess::Open));
        assert!(config.jwt.audiences.contains("chat"));
        assert_eq!(config.public_keys[0].id.as_deref(), Some("a"));
    }

    #[test]
    fn an_unknown_key_is_refused_by_name_wherever_it_stands() {
        for text in ["lisen = 1", "[limits]\nlisen = 1", "[server]\nlisen = 1", "[jwt]\nlisen = 1"] {
            let error = toml::from_str::<Config>(text).unwrap_err().to_string();
            assert!(error.contains("lisen"), "{error}");
        }
    }

    #[test]
    fn every_setting_is_also_a_variable() {
        assert_eq!(set("CHAT_LIMITS_MESSAGE_BYTES", "12").unwrap().limits.message_bytes, 12);
        assert_eq!(set("CHAT_SERVER_SOCKETS_TOTAL", "12").unwrap().server.sockets_total, Some(12));
        assert_eq!(set("CHAT_SERVER_SOCKETS_TOTAL", "none").unwrap().server.sockets_total, None);
        assert_eq!(set("CHAT_SERVER_IDLE_TIMEOUT", "90").unwrap().server.idle_timeout, Duration::from_secs(90));
        assert!(set("CHAT_JWT_ISSUERS", "a, b").unwrap().jwt.issuers.contains("b"));
        assert!(!set("CHAT_ROOM_QUERY_TOKENS", "false").unwrap().room_query_tokens);
        assert_eq!(set("CHAT_METRICS", "service").unwrap().metrics, MetricsAccess::Service);
        assert_eq!(set("CHAT_ROOM_PREFIX", "12").unwrap().room_prefix, "12");
    }

    #[test]
    fn a_variable_that_cannot_be_is_named_and_a_strange_one_changes_nothing() {
        assert!(set("CHAT_LIMITS_PAGE", "many").unwrap_err().starts_with("CHAT_LIMITS_PAGE: "));
        assert!(set("CHAT_METRICS", "everybody").unwrap_err().starts_with("CHAT_METRICS: "));
        assert_eq!(set("CHAT_SERVICE_HOST", "10.0.0.1"), Ok(Config::default()));
        assert_eq!(set("CHAT_LIMITS", "{}"), Ok(Config::default()));
    }

    #[test]
    fn the_sockets_part_of_stopping_ends_before_the_whole() {
        let config = Config { drain_timeout: 5.0, ..Config::default() };
        assert_eq!(config.settings().limits.drain_timeout, Duration::from_secs(4));
        assert_eq!(Config::default().settings().limits.drain_timeout, Duration::from_secs(8));
    }
}
