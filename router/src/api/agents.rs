//! Agents and their tokens; for admins.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use engine::CommandKind;
use policy::id::{AgentId, WorkspaceId};
use policy::matching::AgentProfile;
use protocol::{AgentBody, AgentInput, ProblemItem, TokenBody, TokenInput};

use super::authorize::SignedIn;
use super::problem::Refusal;
use crate::accounts::{AccountsError, Role, User};
use crate::server::App;

const CAPACITY_MAX: u32 = 10_000;
const SKILLS_MAX: usize = 256;

/// `GET /api/v1/agents`
pub(super) async fn list(
    State(app): State<Arc<App>>,
    signed_in: SignedIn,
) -> Result<Json<Vec<AgentBody>>, Refusal> {
    let workspace = signed_in.at_least(Role::Agent)?;
    Ok(Json(app.accounts.users(workspace).into_iter().map(body).collect()))
}

/// `POST /api/v1/agents`
pub(super) async fn create(
    State(app): State<Arc<App>>,
    signed_in: SignedIn,
    input: Result<Json<AgentInput>, JsonRejection>,
) -> Result<(StatusCode, Json<AgentBody>), Refusal> {
    let workspace = signed_in.at_least(Role::Admin)?;
    let Json(input) = input?;
    Ok((StatusCode::CREATED, Json(put(&app, workspace, None, input).await?)))
}

/// `PUT /api/v1/agents/{id}`
pub(super) async fn change(
    State(app): State<Arc<App>>,
    Path(agent): Path<String>,
    signed_in: SignedIn,
    input: Result<Json<AgentInput>, JsonRejection>,
) -> Result<Json<AgentBody>, Refusal> {
    let workspace = signed_in.at_least(Role::Admin)?;
    let agent: AgentId = agent.parse().map_err(|_| Refusal::not_found("agent"))?;
    app.accounts.user(workspace, agent).ok_or_else(|| Refusal::not_found("agent"))?;
    let Json(input) = input?;
    Ok(Json(put(&app, workspace, Some(agent), input).await?))
}

/// `DELETE /api/v1/agents/{id}`
pub(super) async fn remove(
    State(app): State<Arc<App>>,
    Path(agent): Path<String>,
    signed_in: SignedIn,
) -> Result<StatusCode, Refusal> {
    let workspace = signed_in.at_least(Role::Admin)?;
    let agent: AgentId = agent.parse().map_err(|_| Refusal::not_found("agent"))?;
    app.accounts.user(workspace, agent).ok_or_else(|| Refusal::not_found("agent"))?;
    app.shards.of(workspace).command(workspace, CommandKind::RemoveAgent { agent }).await?;
    app.accounts.remove_user(workspace, agent).await.map_err(refusal)?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /api/v1/tokens`
pub(super) async fn token(
    State(app): State<Arc<App>>,
    signed_in: SignedIn,
    input: Result<Json<TokenInput>, JsonRejection>,
) -> Result<(StatusCode, Json<TokenBody>), Refusal> {
    let workspace = signed_in.at_least(Role::Admin)?;
    let Json(input) = input?;
    if !(1..=3_650).contains(&input.days) {
        return Err(Refusal::invalid("days must be 1 to 3,650"));
    }
    app.accounts.user(workspace, input.agent).ok_or_else(|| Refusal::not_found("agent"))?;
    let (token, expires_ms) =
        app.accounts.issue_token(workspace, input.agent, input.days, app.now().0).await.map_err(refusal)?;
    Ok((StatusCode::CREATED, Json(TokenBody { token, expires_ms })))
}

/// Makes an agent, or changes one: first who may sign in, then who is routed to.
pub(crate) async fn put(
    app: &App,
    workspace: WorkspaceId,
    agent: Option<AgentId>,
    input: AgentInput,
) -> Result<AgentBody, Refusal> {
    let role = check(&input)?;
    let new = agent.is_none();
    let agent = agent.unwrap_or_else(|| AgentId::from_bits(uuid::Uuid::now_v7().as_u128()));
    let password = input.password.as_deref();
    app.accounts
        .put_user(workspace, agent, &input.sign_in, &input.name, &input.kind, role, password)
        .await
        .map_err(refusal)?;
    let profile = AgentProfile {
        skills: input.skills,
        languages: input.languages,
        capacity: input.capacity,
        channels: input.channels,
        ..AgentProfile::default()
    };
    let bot = input.kind == "bot";
    let kind = CommandKind::PutAgent { agent, name: input.name.as_str().into(), bot, profile };
    if let Err(refused) = app.shards.of(workspace).command(workspace, kind).await {
        if new {
            app.accounts.remove_user(workspace, agent).await.map_err(refusal)?;
        }
        return Err(refused.into());
    }
    Ok(AgentBody {
        id: agent,
        sign_in: input.sign_in,
        name: input.name,
        kind: input.kind,
        role: role.to_string(),
    })
}

fn check(input: &AgentInput) -> Result<Role, Refusal> {
    let mut errors = Vec::new();
    let mut wrong = |pointer: &str, detail: &str| {
        errors.push(ProblemItem { pointer: pointer.into(), detail: detail.into() });
    };
    let printable = |text: &str, max: usize| {
        !text.trim().is_empty() && text.chars().count() <= max && !text.chars().any(char::is_control)
    };
    if !printable(&input.sign_in, 64) {
        wrong("/sign_in", "1 to 64 printable characters");
    }
    if !printable(&input.name, 80) {
        wrong("/name", "1 to 80 printable characters");
    }
    if !matches!(input.kind.as_str(), "person" | "bot") {
        wrong("/kind", "`person` or `bot`");
    }
    let role = input.role.parse::<Role>();
    if role.is_err() {
        wrong("/role", "`agent`, `supervisor` or `admin`");
    }
    if input.password.as_deref().is_some_and(|it| !(8..=256).contains(&it.chars().count())) {
        wrong("/password", "8 to 256 characters");
    }
    if !(1..=CAPACITY_MAX).contains(&input.capacity) {
        wrong("/capacity", "1 to 10,000 effort points");
    }
    if input.skills.len() > SKILLS_MAX || input.skills.values().any(|level| !(1..=100).contains(level)) {
        wrong("/skills", "256 at most, each with a proficiency of 1 to 100");
    }
    match (role, errors.is_empty()) {
        (Ok(role), true) => Ok(role),
        _ => Err(Refusal::faults("the agent has faults: nothing was changed", errors)),
    }
}

fn body(user: User) -> AgentBody {
    AgentBody {
        id: user.agent,
        sign_in: user.sign_in,
        name: user.name,
        kind: user.kind,
        role: user.role.to_string(),
    }
}

pub(super) fn refusal(error: AccountsError) -> Refusal {
    match error {
        AccountsError::Taken(_) => Refusal::conflict(error.to_string()),
        AccountsError::NotFound(what) => Refusal::not_found(what),
        AccountsError::Invalid(_) => Refusal::invalid(error.to_string()),
        other => Refusal::new(StatusCode::INSUFFICIENT_STORAGE, "not-durable", other.to_string()),
    }
}
