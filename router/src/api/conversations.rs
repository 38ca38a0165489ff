//! Conversations, their history and decisions, and the board.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use policy::id::ConversationId;
use protocol::{BoardBody, ConversationBody, HistoryBody};
use serde::Deserialize;

use super::authorize::{SignedIn, bearer};
use super::problem::Refusal;
use crate::accounts::{Principal, Role};
use crate::server::App;

fn id(text: &str) -> Result<ConversationId, Refusal> {
    text.parse().map_err(|_| Refusal::not_found("conversation"))
}

/// `GET /api/v1/conversations/{id}`
pub(super) async fn show(
    State(app): State<Arc<App>>,
    Path(conversation): Path<String>,
    signed_in: SignedIn,
) -> Result<Json<ConversationBody>, Refusal> {
    let conversation = id(&conversation)?;
    let workspace = signed_in.at_least(Role::Agent)?;
    let principal = signed_in.principal;
    let body = app
        .shards
        .of(workspace)
        .query(move |state| state.conversation_body(&principal, conversation))
        .await?
        .ok_or_else(|| Refusal::not_found("conversation"))?;
    Ok(Json(body.into_inner()))
}

/// `?before=N&limit=N`
#[derive(Deserialize)]
pub(super) struct Page {
    before: Option<u64>,
    limit: Option<usize>,
}

/// `GET /api/v1/conversations/{id}/messages`
pub(super) async fn messages(
    State(app): State<Arc<App>>,
    Path(conversation): Path<String>,
    Query(page): Query<Page>,
    headers: HeaderMap,
    signed_in: Result<SignedIn, Refusal>,
) -> Result<Json<HistoryBody>, Refusal> {
    let conversation = id(&conversation)?;
    let (workspace, principal) = match bearer(&headers, "Visitor") {
        Some(secret) => visitor(&app, &secret)?,
        None => {
            let signed_in = signed_in?;
            (signed_in.at_least(Role::Agent)?, signed_in.principal)
        }
    };
    let limit = page.limit.unwrap_or(50);
    let body = app
        .shards
        .of(workspace)
        .query(move |state| state.history(&principal, conversation, page.before, limit))
        .await?
        .ok_or_else(|| Refusal::not_found("conversation"))?;
    Ok(Json(body.into_inner()))
}

/// The workspace of a visitor who asks by key.
pub(super) fn workspace_of_visitor(app: &App, headers: &HeaderMap) -> Option<policy::id::WorkspaceId> {
    visitor(app, &bearer(headers, "Visitor")?).ok().map(|(workspace, _)| workspace)
}

fn visitor(app: &App, secret: &str) -> Result<(policy::id::WorkspaceId, Principal), Refusal> {
    let known = app.accounts.workspaces().into_iter().find_map(|record| {
        let visitor = app.accounts.known_visitor(record.id, secret)?;
        Some((record.id, visitor))
    });
    let (workspace, visitor) =
        known.ok_or_else(|| Refusal::unauthorized("this visitor's key is not known here"))?;
    let principal = Principal::Customer {
        workspace,
        customer: visitor.customer,
        contact_point: visitor.contact_point,
        name: None,
        language: None,
        topics: Vec::new(),
        verified: false,
    };
    Ok((workspace, principal))
}

/// `GET /api/v1/board`
pub(super) async fn board(
    State(app): State<Arc<App>>,
    signed_in: SignedIn,
) -> Result<Json<BoardBody>, Refusal> {
    let workspace = signed_in.at_least(Role::Agent)?;
    let now = app.now();
    Ok(Json(app.shards.of(workspace).query(move |state| state.board_view(workspace, now)).await?))
}
