//! Errors as HTTP shows them: the socket's fields, and the status that fits the code.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use chat_core::{Code, Error, Retry, wire::ErrorBody};

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

    /// A field that is not what it must be, by a name that is known at run time only.
    pub(crate) fn invalid(field: &str, problem: &str) -> Self {
        let message = format!("`{field}` {problem}");
        let body = ErrorBody { code: Code::InvalidArgument, message, retry: Retry::Never, retry_after_ms: None };
        Self { status: StatusCode::BAD_REQUEST, body }
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
        Code::OperationConflict | Code::Conflict | Code::LimitReached => StatusCode::CONFLICT,
        Code::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        Code::Busy | Code::StorageUnavailable | Code::Draining => StatusCode::SERVICE_UNAVAILABLE,
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

    #[test]
    fn every_code_has_its_status() {
        let expected = [
            ("invalid_argument", 400),
            ("message_too_large", 400),
            ("too_large", 400),
            ("forbidden", 403),
            ("not_found", 404),
            ("operation_conflict", 409),
            ("conflict", 409),
            ("limit_reached", 409),
            ("rate_limited", 429),
            ("unauthorized", 401),
            ("busy", 503),
            ("storage_unavailable", 503),
            ("draining", 503),
        ];
        assert_eq!(Code::ALL.map(|code| (code.as_str(), status(code).as_u16())), expected);
    }
}
