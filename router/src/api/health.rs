//! Is it alive, is it ready, how much does it do.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::server::App;

/// `GET /livez`: the process answers.
pub(super) async fn live() -> &'static str {
    "alive\n"
}

/// `GET /readyz`: the store takes appends, and the node is not closing. Names the acknowledgement level in force.
pub(super) async fn ready(State(app): State<Arc<App>>) -> Response {
    let health = app.log.health();
    let draining = app.draining();
    let status = if health.writable && !draining { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body = serde_json::json!({
        "ready": status == StatusCode::OK,
        "level": app.level.to_string(),
        "store": { "writable": health.writable, "detail": health.detail },
        "draining": draining,
        "sessions": app.registry.len(),
        "shards": app.shards.all().count(),
        "settled": app.cluster.as_ref().map(|cluster| cluster.settled()),
        "nodes": app.cluster.as_ref().map(|cluster| cluster.nodes().len()),
    });
    (status, Json(body)).into_response()
}

/// `GET /metrics`: OpenMetrics text.
pub(super) async fn metrics(State(app): State<Arc<App>>) -> Response {
    let depth = app.shards.all().map(|shard| shard.depth()).sum();
    let text = app.metrics.encode(app.registry.len(), depth, &app.log.health());
    ([(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text)
        .into_response()
}

/// `GET /openapi.json`: the description of this API.
pub(super) async fn openapi() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], include_str!("../../../docs/openapi.json")).into_response()
}
