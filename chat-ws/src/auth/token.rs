//! Where a request carries its token.

use axum::{
    extract::Query,
    http::{HeaderMap, Uri, header},
};
use serde::Deserialize;

/// What stands before the token among the subprotocols that a client offers.
const SUBPROTOCOL_PREFIX: &str = "bearer.";

#[derive(Deserialize)]
struct TokenQuery {
    token: Option<String>,
}

/// The token, first found: `Authorization: Bearer …`, `Sec-WebSocket-Protocol: bearer.…`, and `?token=` where
/// `in_query` allows it. An empty one counts as found. What is no text was certainly not given by us: it is returned as
/// an empty token, which nobody accepts.
pub(crate) fn find_token(headers: &HeaderMap, uri: &Uri, in_query: bool) -> Option<String> {
    bearer(headers).or_else(|| offered(headers)).or_else(|| if in_query { queried(uri) } else { None })
}

fn bearer(headers: &HeaderMap) -> Option<String> {
    headers.get_all(header::AUTHORIZATION).iter().find_map(|value| {
        let bytes = value.as_bytes();
        let (scheme, token) = bytes.split_at_checked("bearer".len())?;
        let is_bearer = scheme.eq_ignore_ascii_case(b"bearer") && token.first().is_none_or(|byte| *byte == b' ');
        is_bearer.then(|| std::str::from_utf8(token).unwrap_or_default().trim().to_owned())
    })
}

fn offered(headers: &HeaderMap) -> Option<String> {
    let offers = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter().filter_map(|value| value.to_str().ok());
    let mut offers = offers.flat_map(|value| value.split(',')).map(str::trim);
    offers.find_map(|offer| offer.strip_prefix(SUBPROTOCOL_PREFIX)).map(str::to_owned)
}

fn queried(uri: &Uri) -> Option<String> {
    match Query::<TokenQuery>::try_from_uri(uri) {
        Ok(Query(TokenQuery { token })) => token,
        // Given twice, or no UTF-8.
        Err(_) => Some(String::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(headers: &[(&'static str, &'static str)], uri: &'static str, in_query: bool) -> Option<String> {
        let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        find_token(&headers, &Uri::from_static(uri), in_query)
    }

    #[test]
    fn the_first_place_that_has_a_token_wins() {
        let authorization = ("authorization", "Bearer a");
        let protocol = ("sec-websocket-protocol", "chat.v1, bearer.b");
        assert_eq!(found(&[authorization, protocol], "/?token=c", true).as_deref(), Some("a"));
        assert_eq!(found(&[protocol], "/?token=c", true).as_deref(), Some("b"));
        assert_eq!(found(&[], "/?x=1&token=c", true).as_deref(), Some("c"));
        assert_eq!(found(&[], "/?token=c", false), None);
        assert_eq!(found(&[("sec-websocket-protocol", "chat.v1")], "/", true), None);
    }

    #[test]
    fn an_empty_token_is_a_token_and_another_scheme_is_none() {
        assert_eq!(found(&[("authorization", "Bearer")], "/", false).as_deref(), Some(""));
        assert_eq!(found(&[("authorization", "bEARER  ")], "/", false).as_deref(), Some(""));
        assert_eq!(found(&[("sec-websocket-protocol", "bearer.")], "/", false).as_deref(), Some(""));
        assert_eq!(found(&[], "/?token=", true).as_deref(), Some(""));
        assert_eq!(found(&[], "/?token=a&token=b", true).as_deref(), Some(""));
        assert_eq!(found(&[("authorization", "Basic YTpi")], "/?token=c", true).as_deref(), Some("c"));
        assert_eq!(found(&[("authorization", "Bearers x")], "/", true), None);
    }

    #[test]
    fn what_a_query_escapes_is_read() {
        assert_eq!(found(&[], "/?token=a%2Eb", true).as_deref(), Some("a.b"));
    }
}
