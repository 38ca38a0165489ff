//! Workspaces and backups, for the operator, and what the pages with the widget need, for admins.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use engine::CommandKind;
use policy::Document;
use policy::id::AgentId;
use protocol::{
    BackupBody, BackupInput, IdentitySecretBody, WidgetBody, WidgetInput, WorkspaceBody, WorkspaceInput,
};

use super::agents::refusal;
use super::authorize::SignedIn;
use super::policies::read_policy;
use super::problem::Refusal;
use crate::accounts::{Role, WorkspaceRecord};
use crate::server::App;

/// `GET /api/v1/workspaces`
pub(super) async fn list(
    State(app): State<Arc<App>>,
    signed_in: SignedIn,
) -> Result<Json<Vec<String>>, Refusal> {
    signed_in.operator()?;
    Ok(Json(app.accounts.workspaces().into_iter().map(|record| record.name).collect()))
}

/// `POST /api/v1/workspaces`
pub(super) async fn create(
    State(app): State<Arc<App>>,
    signed_in: SignedIn,
    input: Result<Json<WorkspaceInput>, JsonRejection>,
) -> Result<(StatusCode, Json<WorkspaceBody>), Refusal> {
    signed_in.operator()?;
    let Json(input) = input?;
    let document = input.policy.as_deref().map(read_policy).transpose()?;
    let record = make(&app, &input.name, input.company.as_deref().unwrap_or(&input.name), document).await?;
    let admin_token = admin_token(&app, &record).await?;
    let body = WorkspaceBody {
        id: record.id,
        name: record.name,
        widget: record.widget,
        identity_secret: record.identity_secret,
        admin_token,
    };
    Ok((StatusCode::CREATED, Json(body)))
}

/// An admin without a password: who signs in by token only, and takes no conversations.
async fn admin_token(app: &App, record: &WorkspaceRecord) -> Result<String, Refusal> {
    let agent = AgentId::from_bits(uuid::Uuid::now_v7().as_u128());
    app.accounts
        .put_user(record.id, agent, "operator", "Operator", "person", Role::Admin, None)
        .await
        .map_err(refusal)?;
    let (token, _) = app.accounts.issue_token(record.id, agent, 365, app.now().0).await.map_err(refusal)?;
    Ok(token)
}

/// `DELETE /api/v1/workspaces/{name}`
pub(super) async fn remove(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    signed_in: SignedIn,
) -> Result<StatusCode, Refusal> {
    signed_in.operator()?;
    let record = app.accounts.workspace_named(&name).ok_or_else(|| Refusal::not_found("workspace"))?;
    unmake(&app, &record).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Makes a workspace: its record, its place in the engine, its policy.
pub(crate) async fn make(
    app: &App,
    name: &str,
    company: &str,
    document: Option<Document>,
) -> Result<WorkspaceRecord, Refusal> {
    let record = app.accounts.create_workspace(name, company, |id| app.is_here(id)).await.map_err(refusal)?;
    let shard = app.shards.of(record.id);
    let made = async {
        shard.command(record.id, CommandKind::CreateWorkspace).await?;
        if let Some(document) = document {
            let document = Box::new(document);
            shard.command(record.id, CommandKind::InstallPolicy { version: 1, document }).await?;
        }
        Ok::<_, crate::shard::Refused>(())
    };
    if let Err(refused) = made.await {
        app.accounts.remove_workspace(record.id).await.map_err(refusal)?;
        return Err(refused.into());
    }
    Ok(record)
}

/// Removes a workspace with its sign-ins.
pub(crate) async fn unmake(app: &App, record: &WorkspaceRecord) -> Result<(), Refusal> {
    app.shards.of(record.id).command(record.id, CommandKind::RemoveWorkspace).await?;
    app.accounts.remove_workspace(record.id).await.map_err(refusal)
}

/// `POST /api/v1/backup`: a consistent copy of the running store, into a new folder of the server's machine.
pub(super) async fn backup(
    State(app): State<Arc<App>>,
    signed_in: SignedIn,
    input: Result<Json<BackupInput>, JsonRejection>,
) -> Result<Json<BackupBody>, Refusal> {
    signed_in.operator()?;
    let Json(BackupInput { to }) = input?;
    let (log, data) = (Arc::clone(&app.log), app.config.data.clone());
    let copied =
        tokio::task::spawn_blocking(move || log_store::backup::backup(&*log, &data, to.as_ref())).await;
    let manifest = copied
        .map_err(|error| Refusal::internal(error.to_string()))?
        .map_err(|error| Refusal::conflict(error.to_string()))?;
    Ok(Json(BackupBody { records: manifest.positions.values().sum(), rows: manifest.rows }))
}

/// `GET /api/v1/widget`
pub(super) async fn show_widget(
    State(app): State<Arc<App>>,
    signed_in: SignedIn,
) -> Result<Json<WidgetBody>, Refusal> {
    let workspace = signed_in.at_least(Role::Admin)?;
    let record = app.accounts.workspace(workspace).ok_or_else(|| Refusal::not_found("workspace"))?;
    Ok(Json(WidgetBody { widget: record.widget, company: record.company, origins: record.origins }))
}

/// `PUT /api/v1/widget`: the company's name, and which pages, beside our own, may use the widget.
pub(super) async fn set_widget(
    State(app): State<Arc<App>>,
    signed_in: SignedIn,
    input: Result<Json<WidgetInput>, JsonRejection>,
) -> Result<StatusCode, Refusal> {
    let workspace = signed_in.at_least(Role::Admin)?;
    let Json(WidgetInput { company, origins }) = input?;
    app.accounts.set_widget(workspace, &company, &origins).await.map_err(refusal)?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /api/v1/widget/identity-secret`: a new secret for identities that the company's site signs.
pub(super) async fn renew_identity_secret(
    State(app): State<Arc<App>>,
    signed_in: SignedIn,
) -> Result<Json<IdentitySecretBody>, Refusal> {
    let workspace = signed_in.at_least(Role::Admin)?;
    let identity_secret = app.accounts.renew_identity_secret(workspace).await.map_err(refusal)?;
    Ok(Json(IdentitySecretBody { identity_secret }))
}
