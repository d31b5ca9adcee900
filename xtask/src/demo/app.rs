//! The marketplace's own back end, and whoever else speaks HTTP with the server.

use anyhow::{Context, Result};
use serde_json::Value;

/// Somebody who asks over HTTP.
pub(super) struct App {
    agent: ureq::Agent,
    url: String,
    bearer: String,
}

impl App {
    pub(super) fn new(url: &str, token: &str) -> Self {
        let config = ureq::Agent::config_builder().http_status_as_error(false).build();
        Self { agent: config.into(), url: url.to_owned(), bearer: format!("Bearer {token}") }
    }

    /// The status and the body that answer a `GET`.
    pub(super) fn get(&self, path: &str) -> Result<(u16, Value)> {
        let request = self.agent.get(format!("{}{path}", self.url)).header("authorization", &self.bearer);
        read(request.call().with_context(|| format!("GET {path}"))?)
    }

    /// The same of a `POST`.
    pub(super) fn post(&self, path: &str, body: &Value) -> Result<(u16, Value)> {
        let request = self.agent.post(format!("{}{path}", self.url)).header("authorization", &self.bearer);
        read(request.send_json(body).with_context(|| format!("POST {path}"))?)
    }
}

fn read(mut answer: ureq::http::Response<ureq::Body>) -> Result<(u16, Value)> {
    let body = answer.body_mut().read_json().context("the answer is no JSON")?;
    Ok((answer.status().as_u16(), body))
}
