//! From which web pages the server may be used: one list for WebSockets, requests and CORS.

use axum::http::HeaderValue;
use serde::{Deserialize, Serialize};

use crate::limits::SettingError;

/// The origins of web pages that may use the server. What has no origin is no web page, and passes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Origins {
    /// Origins as browsers write them (`https://app.example.com`), or `*` for all. With a login by cookie, `*` lets every
    /// page act for whoever visits it. Default none.
    pub allow: Vec<String>,
    /// Whether pages of the machine itself may: `http://localhost:5173`, `http://127.0.0.1`, `http://[::1]:8080`.
    /// Default true.
    pub loopback: bool,
}

impl Default for Origins {
    fn default() -> Self {
        Self { allow: Vec::new(), loopback: true }
    }
}

impl Origins {
    /// The loopback origins and these.
    pub fn and<T: Into<String>>(origins: impl IntoIterator<Item = T>) -> Self {
        Self { allow: origins.into_iter().map(Into::into).collect(), ..Self::default() }
    }

    /// Checks that each one is an origin.
    ///
    /// # Errors
    /// An entry has no scheme, or has a path, white space, or a `*` that does not stand alone.
    pub fn check(&self) -> Result<(), SettingError> {
        let is_origin = |origin: &String| {
            let host = origin.split_once("://").map(|(_, host)| host);
            let is_strange = |c: char| c == '*' || c.is_whitespace();
            origin == "*"
                || !origin.contains(is_strange)
                    && host.is_some_and(|host| !host.is_empty() && !host.contains(['/', '?', '#', '@']))
        };
        if self.allow.iter().all(is_origin) {
            Ok(())
        } else {
            let problem = "must be whole origins such as https://app.example.com, without a path or space, or only *";
            Err(SettingError { setting: "allow_origin", problem })
        }
    }

    /// Whether a page of this origin may use the server.
    pub fn allows(&self, origin: &HeaderValue) -> bool {
        if self.allow.iter().any(|allowed| allowed == "*") {
            return true;
        }
        let Ok(origin) = origin.to_str() else { return false };
        self.allow.iter().any(|allowed| allowed.eq_ignore_ascii_case(origin)) || self.loopback && is_loopback(origin)
    }
}

/// Whether an origin is of this machine: exactly a scheme, a loopback host, and perhaps a port.
fn is_loopback(origin: &str) -> bool {
    let Some(place) = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://")) else { return false };
    let (host, port) = match place.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((host, port)) => return is_port(port) && host.parse() == Ok(std::net::Ipv6Addr::LOCALHOST),
            None => return false,
        },
        None => place.split_at(place.find(':').unwrap_or(place.len())),
    };
    let is_here = host.eq_ignore_ascii_case("localhost")
        || host.parse::<std::net::Ipv4Addr>().is_ok_and(|address| address.is_loopback());
    is_here && is_port(port)
}

/// Nothing, or `:` and a port.
fn is_port(port: &str) -> bool {
    port.is_empty() || port.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(origins: &Origins, origin: &str) -> bool {
        origins.allows(&HeaderValue::from_bytes(origin.as_bytes()).unwrap())
    }

    #[test]
    fn this_machine_is_allowed_and_what_only_looks_like_it_is_not() {
        let origins = Origins::default();
        for here in [
            "http://localhost",
            "http://localhost:5173",
            "https://LOCALHOST:1",
            "http://127.0.0.1:80",
            "http://127.9.9.9",
            "http://[::1]",
            "http://[::1]:3000",
        ] {
            assert!(allows(&origins, here), "{here}");
        }
        for elsewhere in [
            "null",
            "",
            "http://localhost.evil.com",
            "http://evil.com#localhost",
            "http://localhost@evil.com",
            "http://localhost:80@evil.com",
            "http://localhost:http",
            "http://127.0.0.1.evil.com",
            "http://1270.0.0.1",
            "http://[::1].evil.com",
            "http://[::2]",
            "http://[::1",
            "http://0.0.0.0",
            "ftp://localhost",
            "localhost",
            "https://app.example.com",
            "http://l\u{f6}calhost",
        ] {
            assert!(!allows(&origins, elsewhere), "{elsewhere}");
        }
        assert!(!allows(&Origins { loopback: false, ..Origins::default() }, "http://localhost"));
    }

    #[test]
    fn an_allowed_origin_is_compared_whole() {
        let origins = Origins::and(["https://app.example.com"]);
        assert!(allows(&origins, "https://app.example.com"));
        for other in ["http://app.example.com", "https://app.example.com.evil.com", "https://app.example.com:444"] {
            assert!(!allows(&origins, other), "{other}");
        }
        assert!(allows(&Origins::and(["*"]), "https://anything.example"));
    }

    #[test]
    fn what_is_no_origin_is_no_setting() {
        assert!(Origins::and(["https://a.b", "*", "http://localhost:1", "app://-"]).check().is_ok());
        for bad in [
            "a.b",
            "https://a.b/",
            "https://a.b/c",
            "",
            "https://",
            "https://u@a.b",
            "https://*.a.b",
            " https://a.b",
            "https://a.b ",
            "https://a .b",
            "*://a.b",
        ] {
            assert!(Origins::and([bad]).check().is_err(), "{bad}");
        }
    }
}
