//! The opening handshake (RFC 6455, section 4.2), done by hand: the socket comes out bare.

use std::time::Duration;

use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version, header, request::Parts},
    response::Response,
};
use chat_core::{Error, wire::SUBPROTOCOL};
use hyper::upgrade::OnUpgrade;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::{socket::WsSocket, transport::Transport};

/// A request for a WebSocket that is in order.
#[derive(Debug)]
pub(crate) struct Upgrade {
    accept: HeaderValue,
    /// Whether our subprotocol was offered.
    offered: bool,
    on: OnUpgrade,
}

/// A WebSocket that opens once the answer was sent.
#[derive(Debug)]
pub(crate) struct Pending(OnUpgrade);

impl Upgrade {
    /// Checks a request.
    ///
    /// # Errors
    /// 426 where it asks for no WebSocket, or for another version; 400 where the key is wrong.
    pub(crate) fn of(parts: &mut Parts) -> Result<Self, (StatusCode, Error)> {
        let invalid = |field, problem: &str| (StatusCode::BAD_REQUEST, Error::invalid(field, problem));
        let required = |field, problem: &str| (StatusCode::UPGRADE_REQUIRED, Error::invalid(field, problem));
        if parts.method != Method::GET || parts.version < Version::HTTP_11 {
            return Err(required("method", "must be GET, over HTTP/1.1"));
        }
        let headers = &parts.headers;
        if !has_word(headers, &header::CONNECTION, "upgrade") || !has_word(headers, &header::UPGRADE, "websocket") {
            return Err(required("upgrade", "must be websocket"));
        }
        if headers.get(header::SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
            return Err(required("sec-websocket-version", "must be 13"));
        }
        let key = headers.get(header::SEC_WEBSOCKET_KEY).filter(|key| is_key(key.as_bytes()));
        let key = key.ok_or_else(|| invalid("sec-websocket-key", "must be 16 bytes in base64"))?;
        let accept = HeaderValue::try_from(derive_accept_key(key.as_bytes()));
        let accept = accept.map_err(|_| invalid("sec-websocket-key", "must be 16 bytes in base64"))?;
        let offered = has_word(headers, &header::SEC_WEBSOCKET_PROTOCOL, SUBPROTOCOL);
        let on = parts.extensions.remove::<OnUpgrade>();
        let on = on.ok_or_else(|| invalid("upgrade", "is not possible on this connection"))?;
        Ok(Self { accept, offered, on })
    }

    /// The answer that agrees, and the socket that opens with it.
    pub(crate) fn accept(self) -> (Response, Pending) {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let headers = response.headers_mut();
        headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, self.accept);
        if self.offered {
            headers.insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SUBPROTOCOL));
        }
        (response, Pending(self.on))
    }
}

impl Pending {
    /// The open socket; nothing if the connection broke, or the answer could not be sent in time.
    pub(crate) async fn open(self, frame_bytes: usize, limit: Duration) -> Option<WsSocket> {
        let upgraded = tokio::time::timeout(limit, self.0).await.ok()?.ok()?;
        let (transport, read) = Transport::of(upgraded);
        Some(WsSocket::new(transport, read, frame_bytes).await)
    }
}

/// Whether a header that is a list has a word, in any case.
fn has_word(headers: &HeaderMap, name: &HeaderName, word: &str) -> bool {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|item| item.trim().eq_ignore_ascii_case(word))
}

/// 16 bytes in base64 are 22 characters and two signs of equality.
fn is_key(key: &[u8]) -> bool {
    let digits = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    key.len() == 24 && key[..22].iter().all(digits) && &key[22..] == b"=="
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    /// The status that a request with these headers gets; none if it is in order up to the connection itself.
    fn status(method: &str, headers: &[(&str, &str)]) -> Option<StatusCode> {
        let mut request = Request::builder().method(method);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        let (status, error) = Upgrade::of(&mut parts).unwrap_err();
        (!error.to_string().contains("not possible")).then_some(status)
    }

    const GOOD: [(&str, &str); 4] = [
        ("connection", "keep-alive, Upgrade"),
        ("upgrade", "WebSocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];

    #[test]
    fn each_part_of_the_handshake_is_demanded() {
        assert_eq!(status("GET", &GOOD), None);
        assert_eq!(status("POST", &GOOD), Some(StatusCode::UPGRADE_REQUIRED));
        for (missing, _) in &GOOD[..3] {
            let without: Vec<_> = GOOD.iter().filter(|(name, _)| name != missing).copied().collect();
            assert_eq!(status("GET", &without), Some(StatusCode::UPGRADE_REQUIRED), "{missing}");
        }
        for key in ["", "x", "dGhlIHNhbXBsZSBub25jZQ=", "dGhlIHNhbXBsZSBub25jZQ===", "dGhlIHNhbXBsZSBub25jZQ*="] {
            let mut headers = GOOD;
            headers[3].1 = key;
            assert_eq!(status("GET", &headers), Some(StatusCode::BAD_REQUEST), "{key}");
        }
    }
}
