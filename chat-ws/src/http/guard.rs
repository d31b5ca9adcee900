//! What stands before and around every handler: origins, CORS, and counting.

use std::{sync::Arc, time::Instant};

use axum::{
    extract::{Request, State},
    http::{Method, header},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::MethodRouter,
};
use chat_core::Error;
use tower_http::cors::{AllowOrigin, CorsLayer};
use utoipa::openapi::PathItem;

use crate::{
    metrics::{Action, Refusal},
    origin::Origins,
    server::Shared,
};

use super::error::{ApiError, Failed};

/// How long a browser may remember what CORS allows.
const REMEMBER: std::time::Duration = std::time::Duration::from_mins(10);

/// Refuses web pages of origins that are not allowed. What bears no origin is no web page of another site.
pub(super) async fn origin(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let refused =
        request.headers().get_all(header::ORIGIN).iter().any(|origin| !shared.settings.origins.allows(origin));
    if refused {
        if request.headers().contains_key(header::UPGRADE) || asks_for_events(&request) {
            shared.metrics.refused(Refusal::Origin);
        }
        let reason = "this origin is not allowed; the server's allowed origins must name it";
        return ApiError::from(Error::Forbidden { reason }).into_response();
    }
    next.run(request).await
}

fn asks_for_events(request: &Request) -> bool {
    request.headers().get(header::ACCEPT).is_some_and(|accept| accept == "text/event-stream")
}

/// Tells browsers what pages of allowed origins may do.
pub(super) fn cors(origins: &Origins) -> CorsLayer {
    let origins = origins.clone();
    CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(move |origin, _| origins.allows(origin)))
        .allow_methods([Method::GET, Method::POST, Method::PATCH, Method::DELETE])
        .allow_headers([header::AUTHORIZATION, header::CONTENT_TYPE])
        .expose_headers([header::RETRY_AFTER])
        .allow_credentials(true)
        .max_age(REMEMBER)
}

/// Counts a path's requests under the names that its operations have in the document.
pub(super) fn counted(
    methods: MethodRouter<Arc<Shared>>,
    item: &PathItem,
    shared: &Arc<Shared>,
) -> MethodRouter<Arc<Shared>> {
    let operations = [
        (Method::GET, &item.get),
        (Method::POST, &item.post),
        (Method::PATCH, &item.patch),
        (Method::DELETE, &item.delete),
    ];
    let actions = operations.into_iter().filter_map(|(method, operation)| {
        let name = operation.as_ref()?.operation_id.as_deref()?;
        // Reading up to a message is the same action, wherever the message is named.
        Some((method, Action::known(if name == "mark_read" { "read_message" } else { name })?))
    });
    let counting = Counting { shared: Arc::clone(shared), actions: actions.collect() };
    if counting.actions.is_empty() { methods } else { methods.layer(from_fn_with_state(counting, count)) }
}

#[derive(Clone)]
struct Counting {
    shared: Arc<Shared>,
    actions: Arc<[(Method, Action)]>,
}

async fn count(State(counting): State<Counting>, request: Request, next: Next) -> Response {
    let action = counting.actions.iter().find(|(method, _)| method == request.method()).map(|(_, action)| *action);
    let began = Instant::now();
    let response = next.run(request).await;
    if let Some(action) = action {
        let failed = response.extensions().get().map(|Failed(code)| *code);
        counting.shared.metrics.command(action, failed, began.elapsed());
    }
    response
}
