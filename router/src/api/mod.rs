//! The HTTP API under `/api/v1`: one file a subject. Errors are `application/problem+json`; bodies are the protocol's.

mod agents;
mod aside;
mod authorize;
mod breaks;
mod conversations;
mod export;
mod health;
mod mail;
mod policies;
pub mod problem;
mod sign_in;
mod trial;
mod whatif;
mod widget;
mod workspaces;
mod written;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{delete, get, post, put};

use crate::server::App;

use crate::session::handshake;
pub use authorize::{bearer, cookie};

/// Everything under `/api/v1`, and the health and metrics addresses.
pub fn router(app: Arc<App>) -> Router {
    let limit = DefaultBodyLimit::max(app.config.limits.body_bytes);
    let files = DefaultBodyLimit::max(mail::FILE_BYTES);
    let api = Router::new()
        .route("/socket", get(handshake::upgrade))
        .route("/sign-in", post(sign_in::sign_in))
        .route("/sign-out", post(sign_in::sign_out))
        .route("/setup", post(sign_in::set_up))
        .route("/me", get(sign_in::me))
        .route("/tickets", post(sign_in::ticket))
        .route("/demo", get(sign_in::demo))
        .route("/widget", get(workspaces::show_widget).put(workspaces::set_widget))
        .route("/widget/identity-secret", post(workspaces::renew_identity_secret))
        .route("/widget/sessions", post(widget::start))
        .route("/conversations/{id}", get(conversations::show))
        .route("/conversations/{id}/messages", get(conversations::messages))
        .route("/conversations/{id}/messages/{seq}/mail", get(mail::show))
        .route("/conversations/{id}/messages/{seq}/files/{number}", get(mail::file))
        .route("/conversations/{id}/messages/{seq}/raw", get(mail::raw))
        .route("/conversations/{id}/messages/{seq}/send-again", post(mail::send_again))
        .route("/conversations/{id}/files", post(mail::add_file).layer(files))
        .route("/mail/aside", get(aside::list))
        .route("/mail/aside/{id}", get(aside::raw).delete(aside::throw_away))
        .route("/mail/aside/{id}/text", get(aside::show))
        .route("/mail/aside/{id}/take", post(aside::take))
        .route("/mail/failed", get(aside::failed))
        .route("/board", get(conversations::board))
        .route("/agents", get(agents::list).post(agents::create))
        .route("/agents/{id}", put(agents::change).delete(agents::remove))
        .route("/agents/{id}/breaks", get(breaks::show).put(breaks::plan))
        .route("/tokens", post(agents::token))
        .route("/policy", get(policies::show).put(policies::publish))
        .route("/policy/check", post(policies::check))
        .route("/policy/publications", get(policies::publications))
        .route("/policy/try", post(whatif::try_policy))
        .route("/policy/trial", get(trial::show).put(trial::begin).delete(trial::end))
        .route("/export/events", get(export::events))
        .route("/workspaces", get(workspaces::list).post(workspaces::create))
        .route("/workspaces/{name}", delete(workspaces::remove))
        .route("/backup", post(workspaces::backup))
        .fallback(problem::not_found)
        .method_not_allowed_fallback(problem::method_not_allowed)
        .layer(axum::middleware::from_fn_with_state(Arc::clone(&app), authorize::limit));
    Router::new()
        .nest("/api/v1", api)
        .route("/livez", get(health::live))
        .route("/readyz", get(health::ready))
        .route("/healthz", get(health::ready))
        .route("/metrics", get(health::metrics))
        .route("/openapi.json", get(health::openapi))
        .layer(limit)
        .layer(axum::middleware::from_fn_with_state(Arc::clone(&app), crate::cluster::hand_on))
        .with_state(app)
}

pub(crate) use authorize::{Counted, too_many};

/// Bytes that the body of a request may have: more where a file is sent.
pub(crate) fn body_max(config: &crate::config::Config, path: &str) -> usize {
    let file = path.starts_with("/api/v1/conversations/") && path.ends_with("/files");
    if file { mail::FILE_BYTES } else { config.limits.body_bytes }
}

/// The token that a request brings.
pub(crate) fn token_of(headers: &axum::http::HeaderMap) -> Option<String> {
    authorize::bearer(headers, "Bearer").or_else(|| authorize::cookie(headers))
}

/// The workspace of a visitor who asks by key.
pub(crate) fn workspace_of_visitor(
    app: &App,
    headers: &axum::http::HeaderMap,
) -> Option<policy::id::WorkspaceId> {
    conversations::workspace_of_visitor(app, headers)
}

/// Makes a workspace with a policy, for the demo and the command line.
///
/// # Errors
/// What the API would have answered.
pub(crate) async fn make_workspace(
    app: &App,
    name: &str,
    company: &str,
    document: Option<policy::Document>,
) -> anyhow::Result<crate::accounts::WorkspaceRecord> {
    workspaces::make(app, name, company, document)
        .await
        .map_err(|refusal| anyhow::anyhow!("{}", refusal.detail()))
}

/// Makes an agent, for the demo and the command line.
///
/// # Errors
/// What the API would have answered.
pub(crate) async fn put_agent(
    app: &App,
    workspace: policy::id::WorkspaceId,
    input: protocol::AgentInput,
) -> anyhow::Result<()> {
    agents::put(app, workspace, None, input)
        .await
        .map(drop)
        .map_err(|refusal| anyhow::anyhow!("{}", refusal.detail()))
}
