//! HTTP: the routes, and the OpenAPI document that is made of the very same list.

mod error;
mod events;
mod guard;
mod input;
mod messages;
mod mine;
mod rooms;
mod schema;
mod service;

use std::sync::Arc;

use axum::{
    Router,
    body::Bytes,
    http::{StatusCode, header},
    middleware::{from_fn_with_state, map_response},
    response::{IntoResponse, Response},
    routing::{any, get},
};
use chat_core::Error;
use utoipa::{
    Modify, OpenApi,
    openapi::{
        Components, Content, RefOr, Required, Schema,
        path::Operation,
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};
use utoipa_axum::{router::UtoipaMethodRouter, routes};

use crate::{connect, server::Shared};

pub(crate) use error::ApiError;
pub(crate) use input::segment;

type SharedRouter = Router<Arc<Shared>>;

#[derive(OpenApi)]
#[openapi(
    info(title = "Chat", description = "Rooms, messages, receipts. Live events come over `/ws/`, or as a stream from `/events/`."),
    modifiers(&Bearer)
)]
struct Document;

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
        let components = document.components.get_or_insert_with(Components::new);
        components.add_security_scheme("bearer", SecurityScheme::Http(scheme));
    }
}

/// Every path that the server has.
pub(crate) fn router(shared: &Arc<Shared>) -> Router {
    let (api, document) = api(shared);
    let document = Bytes::from(document.to_json().expect("the document is plain data"));
    let document = get(move || async move { ([(header::CONTENT_TYPE, "application/json")], document) });
    let sockets = SharedRouter::new();
    let sockets = both(sockets, "/ws/", get(connect::general));
    let sockets = both(sockets, "/ws/job_chat/{job_id}/", get(connect::room));
    let missing = || async { ApiError::from(Error::not_found("path")) };
    api.merge(sockets)
        .route("/api/openapi.json", document)
        .route("/api/{*path}", any(missing))
        .route("/ws/{*path}", any(missing))
        .route("/events/{*path}", any(missing))
        .layer(map_response(wrong_method))
        .layer(guard::cors(&shared.settings.origins))
        .layer(from_fn_with_state(Arc::clone(shared), guard::origin))
        .with_state(Arc::clone(shared))
}

/// The paths that the document describes, and the document.
fn api(shared: &Arc<Shared>) -> (SharedRouter, utoipa::openapi::OpenApi) {
    let mut api = Api { router: Router::new(), document: Document::openapi(), shared };
    api.add(routes!(rooms::list_rooms, rooms::create_room));
    api.add(routes!(rooms::get_room, rooms::update_room, rooms::delete_room));
    api.add(routes!(messages::history));
    api.add(routes!(messages::send_message));
    api.add(routes!(rooms::list_participants, rooms::add_participant));
    api.add(routes!(rooms::update_participant, rooms::remove_participant));
    api.add(routes!(mine::read_message));
    api.add(routes!(mine::message_delivered));
    api.add(routes!(mine::mark_unread));
    api.add(routes!(mine::update_me));
    api.add(routes!(mine::unread));
    api.add(routes!(messages::list_messages));
    api.add(routes!(messages::get_message, messages::edit_message, messages::delete_message));
    api.add(routes!(messages::mark_read));
    api.add(routes!(messages::readers));
    api.add(routes!(events::open_events));
    api.add(routes!(events::open_room_events));
    api.add(routes!(events::bring_frames));
    api.add(routes!(service::healthz));
    api.add(routes!(service::readyz));
    api.add(routes!(service::metrics));
    (api.router, api.document)
}

/// Routes and their description, which cannot part.
struct Api<'a> {
    router: SharedRouter,
    document: utoipa::openapi::OpenApi,
    shared: &'a Arc<Shared>,
}

impl Api<'_> {
    fn add(&mut self, (schemas, paths, methods): UtoipaMethodRouter<Arc<Shared>>) {
        let components = self.document.components.get_or_insert_with(Components::new);
        components.schemas.extend(schemas);
        for (path, mut item) in paths.paths {
            for operation in [&mut item.post, &mut item.patch].into_iter().flatten() {
                body_may_be_absent(operation, components);
            }
            let methods = guard::counted(methods.clone(), &item, self.shared);
            self.router = both(std::mem::take(&mut self.router), &path, methods);
            self.document.paths.paths.insert(path, item);
        }
    }
}

/// Says so where nothing of a body is demanded: none at all means `{}`.
fn body_may_be_absent(operation: &mut Operation, components: &Components) {
    let Some(RefOr::T(body)) = &mut operation.request_body else { return };
    let demands = |content: &RefOr<Content>| {
        let RefOr::T(Content { schema: Some(RefOr::Ref(named)), .. }) = content else { return true };
        let schema = named.ref_location.rsplit('/').next().and_then(|name| components.schemas.get(name));
        !matches!(schema, Some(RefOr::T(Schema::Object(object))) if object.required.is_empty())
    };
    if !body.content.values().any(demands) {
        body.required = Some(Required::False);
    }
}

/// A path with its trailing slash, and without.
fn both(router: SharedRouter, path: &str, methods: axum::routing::MethodRouter<Arc<Shared>>) -> SharedRouter {
    match path.strip_suffix('/') {
        Some(bare) => router.route(bare, methods.clone()).route(path, methods),
        None => router.route(path, methods.clone()).route(&format!("{path}/"), methods),
    }
}

/// What axum answers by itself to a method that a path does not have, in our own words.
async fn wrong_method(response: Response) -> Response {
    if response.status() != StatusCode::METHOD_NOT_ALLOWED {
        return response;
    }
    let error = ApiError::with(StatusCode::METHOD_NOT_ALLOWED, &Error::invalid("method", "is not one of `allow`"));
    let mut answer = error.into_response();
    if let Some(allow) = response.headers().get(header::ALLOW) {
        answer.headers_mut().insert(header::ALLOW, allow.clone());
    }
    answer
}

#[cfg(test)]
mod tests;
