//! What operators ask: is it up, is it ready, what does it do, what does it speak.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Json,
    extract::{ConnectInfo, FromRequestParts, State},
    http::{HeaderMap, HeaderName, header, request::Parts},
    response::{IntoResponse, Response},
};
use chat_core::{Actor, Error};
use serde::Serialize;
use utoipa::ToSchema;

use crate::server::Shared;

use super::{error::ApiError, input::Caller, schema};

/// How long the storage may take to show that it is there.
const READY_TIMEOUT: Duration = Duration::from_secs(2);

const FORWARDED: [HeaderName; 2] = [header::FORWARDED, HeaderName::from_static("x-forwarded-for")];

#[derive(Serialize, ToSchema)]
pub(super) struct Status {
    status: &'static str,
}

/// Whether the process is up.
#[utoipa::path(get, path = "/healthz", tag = "service", responses((status = 200, body = Status)))]
pub(super) async fn healthz() -> Json<Status> {
    Json(Status { status: "ok" })
}

/// Whether it can serve: it is not closing, and its storage answers.
#[utoipa::path(get, path = "/readyz", tag = "service",
    responses((status = 200, body = Status), (status = 503, body = schema::Error)))]
pub(super) async fn readyz(State(shared): State<Arc<Shared>>) -> Result<Json<Status>, ApiError> {
    if !shared.life.is_running() {
        return Err(Error::Draining.into());
    }
    let session = shared.engine.host();
    match tokio::time::timeout(READY_TIMEOUT, session.rooms(None, Some(1))).await {
        Ok(answer) => answer.map(|_| Json(Status { status: "ready" })).map_err(ApiError::from),
        Err(_) => Err(Error::StorageUnavailable { reason: "it does not answer".into() }.into()),
    }
}

/// Who may read the metrics: decided before anything is read.
pub(super) struct Reader;

impl FromRequestParts<Arc<Shared>> for Reader {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, shared: &Arc<Shared>) -> Result<Self, ApiError> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip());
        if shared.settings.metrics.admits(peer, is_forwarded(&parts.headers)) {
            return Ok(Self);
        }
        if shared.settings.metrics == crate::MetricsAccess::Service {
            let Caller(session) = Caller::from_request_parts(parts, shared).await?;
            if *session.actor() == Actor::Host {
                return Ok(Self);
            }
        }
        Err(Error::Forbidden { reason: "the metrics are for others" }.into())
    }
}

fn is_forwarded(headers: &HeaderMap) -> bool {
    FORWARDED.iter().any(|name| headers.contains_key(name))
}

/// What is counted, in Prometheus' text format.
#[utoipa::path(get, path = "/metrics", tag = "service",
    responses((status = 200, body = String, content_type = "text/plain"), (status = 403, body = schema::Error)))]
pub(super) async fn metrics(State(shared): State<Arc<Shared>>, _: Reader) -> Response {
    let text = shared.metrics.render(shared.slots.open());
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response()
}
