//! The built web page, from a folder that is read at run time: building this program needs no npm.

use std::path::Path;

use axum::{
    Router,
    extract::Request,
    http::{HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::{Html, IntoResponse, Response},
    routing::get,
};
use tower_http::services::{ServeDir, ServeFile};

/// What the page may do: run its own scripts, wear its own styles, and talk to its own server. No `unsafe-inline`.
const POLICY: &str =
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'";

/// Shown where the page was not built.
const NOT_BUILT: &str = include_str!("not-built.html");

/// Every path that is nobody else's. One without a file is a place within the page: `index.html` shows it.
pub(crate) fn router(web: &Path) -> Router {
    let index = web.join("index.html");
    let router = if index.is_file() {
        Router::new().fallback_service(ServeDir::new(web).fallback(ServeFile::new(index)))
    } else {
        tracing::warn!(folder = %web.display(), "the web page is not built: npm ci && npm run build, in web/");
        Router::new().fallback(get(async || (StatusCode::SERVICE_UNAVAILABLE, Html(NOT_BUILT)).into_response()))
    };
    router.layer(middleware::from_fn(with_policy))
}

async fn with_policy(request: Request, next: Next) -> Response {
    // Built files bear their digest in their name.
    let lasting = request.uri().path().starts_with("/assets/");
    let mut response = next.run(request).await;
    let lasting = lasting && response.status().is_success();
    let headers = response.headers_mut();
    let keep = if lasting { "public, max-age=31536000, immutable" } else { "no-cache" };
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(keep));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
