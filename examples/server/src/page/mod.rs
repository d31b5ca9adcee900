//! The page for trying out: three files that are part of the program. It loads nothing from anywhere else.

use axum::{
    Router,
    http::{HeaderName, HeaderValue, header},
    response::IntoResponse,
    routing::get,
};

/// What the page may do: run its own script, wear its own style, and talk to its own server.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The page at `/`, with its script and style beside it.
pub(crate) fn router() -> Router {
    Router::new()
        .route("/", get(async || file("text/html; charset=utf-8", include_str!("index.html"))))
        .route("/page.css", get(async || file("text/css; charset=utf-8", include_str!("page.css"))))
        .route("/page.js", get(async || file("text/javascript; charset=utf-8", include_str!("page.js"))))
}

fn file(kind: &'static str, text: &'static str) -> impl IntoResponse {
    let headers: [(HeaderName, HeaderValue); 5] = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ];
    (headers, text)
}

#[cfg(test)]
mod tests {
    /// Ways to turn text into markup or code, and other hosts.
    const BANNED: [&str; 8] = [
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "new Function",
        "http://",
        "https://",
    ];

    #[test]
    fn the_page_keeps_its_own_policy() {
        let (html, css, js) = (include_str!("index.html"), include_str!("page.css"), include_str!("page.js"));
        for banned in BANNED {
            assert!([html, css, js].iter().all(|text| !text.contains(banned)), "{banned}");
        }
        assert!(!html.contains("style=") && !html.contains("onclick="), "inline styles and handlers are refused");
    }

    #[test]
    fn every_element_that_the_script_names_is_there() {
        let (html, js) = (include_str!("index.html"), include_str!("page.js"));
        for name in js.split("$(\"").skip(1).filter_map(|rest| rest.split('"').next()) {
            assert!(html.contains(&format!("id=\"{name}\"")), "{name}");
        }
    }
}
