//! Errors as HTTP shows them: the socket's fields, and the status that fits the code.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use chat_core::{Code, Error, Retry, wire::ErrorBody};

/// After how long a request whose body did not come may be sent again.
const COME_BACK_MS: u64 = 1_000;

/// An answer that says what was wrong.
#[derive(Debug)]
pub(crate) struct ApiError {
    status: StatusCode,
    body: ErrorBody,
}

/// The code of the answer, for whoever counts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Failed(pub(crate) Code);

impl ApiError {
    /// An error with a status of its own.
    pub(crate) fn with(status: StatusCode, error: &Error) -> Self {
        Self { status, body: error.into() }
    }

    /// The body did not come, or not all of it: nothing was done, and the same may be sent again.
    pub(crate) fn body_incomplete(what: &str) -> Self {
        let message = format!("`body` {what}");
        let body =
            ErrorBody { code: Code::InvalidArgument, message, retry: Retry::Later, retry_after_ms: Some(COME_BACK_MS) };
        Self { status: StatusCode::REQUEST_TIMEOUT, body }
    }

    /// The body is larger than its limit. Its size need not be known.
    pub(crate) fn body_too_large(limit: usize) -> Self {
        let message = format!("`body` is too large; the limit is {limit}");
        let body = ErrorBody { code: Code::TooLarge, message, retry: Retry::Never, retry_after_ms: None };
        Self { status: StatusCode::PAYLOAD_TOO_LARGE, body }
    }
}

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        Self { status: status(error.code()), body: (&error).into() }
    }
}

/// The status of each code.
pub(crate) const fn status(code: Code) -> StatusCode {
    match code {
        Code::Unauthorized => StatusCode::UNAUTHORIZED,
        Code::Forbidden => StatusCode::FORBIDDEN,
        Code::NotFound => StatusCode::NOT_FOUND,
        Code::OperationConflict | Code::Conflict => StatusCode::CONFLICT,
        Code::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        Code::Busy | Code::StorageUnavailable | Code::Suspended | Code::Draining => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::BAD_REQUEST,
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let code = self.body.code;
        let retry_after = self.body.retry_after_ms.map(|ms| ms.div_ceil(1_000).max(1));
        let mut response = (self.status, Json(self.body)).into_response();
        response.extensions_mut().insert(Failed(code));
        let headers = response.headers_mut();
        if let Some(seconds) = retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        if code == Code::Unauthorized {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The protocol page says for each code with which status it comes.
    #[test]
    fn every_code_has_the_status_that_the_page_says() {
        let page = include_str!("../../../docs/src/protocol.md");
        for code in Code::ALL {
            let row = page.lines().find(|line| line.starts_with(&format!("| `{}` |", code.as_str()))).unwrap();
            let said = row.split('|').nth(2).unwrap().trim();
            assert!(said.starts_with(status(code).as_str()), "{row}");
        }
    }
}
