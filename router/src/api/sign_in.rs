//! Signing in and out, tickets, the first admin.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use protocol::{DemoSignIn, Me, SignInBody, SignInInput, TicketBody};
use serde::Deserialize;

use super::authorize::{COOKIE_NAME, SignedIn, bearer};
use super::problem::Refusal;
use crate::accounts::{Principal, SignInError, SignedIn as Accepted};
use crate::listen::Source;
use crate::server::App;

/// `POST /api/v1/sign-in`
pub(super) async fn sign_in(
    State(app): State<Arc<App>>,
    source: Option<axum::Extension<Source>>,
    input: Result<Json<SignInInput>, JsonRejection>,
) -> Result<Response, Refusal> {
    let Json(input) = input?;
    let from = source.map(|axum::Extension(source)| source.ip);
    let now = app.now().0;
    let signed_in =
        app.accounts.sign_in(input.workspace.as_deref(), &input.name, &input.password, from, now).await;
    match signed_in {
        Ok(accepted) => answer(&app, accepted),
        Err(error) => {
            app.metrics.sign_in_failed();
            Err(match error {
                SignInError::Wrong => Refusal::unauthorized("name or password is wrong"),
                SignInError::TooMany { retry_ms } => Refusal::too_many(retry_ms),
                other => Refusal::internal(other.to_string()),
            })
        }
    }
}

fn answer(app: &App, accepted: Accepted) -> Result<Response, Refusal> {
    let Principal::Agent { agent, role, name, .. } = &accepted.principal else {
        return Err(Refusal::internal("only agents sign in"));
    };
    let body = SignInBody {
        token: accepted.token.clone(),
        expires_ms: accepted.expires_ms,
        role: role.to_string(),
        agent: *agent,
        name: name.clone(),
    };
    let secure = if app.secure() { "; Secure" } else { "" };
    let seconds = accepted.expires_ms.saturating_sub(app.now().0) / 1_000;
    let cookie = format!(
        "{COOKIE_NAME}={}; Path=/; HttpOnly; SameSite=Strict; Max-Age={seconds}{secure}",
        accepted.token
    );
    Ok(([(header::SET_COOKIE, cookie)], Json(body)).into_response())
}

/// `POST /api/v1/sign-out`
pub(super) async fn sign_out(State(app): State<Arc<App>>, signed_in: SignedIn) -> Result<Response, Refusal> {
    app.accounts.sign_out(&signed_in.token).await;
    let cookie = format!("{COOKIE_NAME}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0");
    Ok(([(header::SET_COOKIE, cookie)], Json(serde_json::json!({}))).into_response())
}

/// `GET /api/v1/me`
pub(super) async fn me(State(app): State<Arc<App>>, signed_in: SignedIn) -> Result<Json<Me>, Refusal> {
    let Principal::Agent { workspace, agent, role, name } = signed_in.principal else {
        return Err(Refusal::forbidden("this is for agents"));
    };
    let me = app.shards.of(workspace).query(move |state| state.me(workspace, agent)).await?;
    let mut me = me.ok_or_else(|| Refusal::not_found("agent"))?;
    me.role = role.to_string();
    me.name = Some(name);
    Ok(Json(me))
}

/// `POST /api/v1/tickets`
pub(super) async fn ticket(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    signed_in: SignedIn,
) -> Result<Json<TicketBody>, Refusal> {
    if matches!(signed_in.principal, Principal::Operator) {
        return Err(Refusal::forbidden("the operator has no session: use an agent's token"));
    }
    // A program's ticket is bound to no page; a page's is bound to that page.
    let origin = match bearer(&headers, "Bearer") {
        Some(_) => None,
        None => headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok()).map(str::to_owned),
    };
    Ok(Json(issue(&app, signed_in.principal, origin).await?))
}

/// A ticket for one upgrade.
pub(super) async fn issue(
    app: &App,
    principal: Principal,
    origin: Option<String>,
) -> Result<TicketBody, Refusal> {
    let ticket =
        app.tickets.issue(principal, origin, app.now().0).await.map_err(|_| Refusal::too_many(1_000))?;
    Ok(TicketBody { ticket, expires_in_ms: app.config.sessions.ticket_ms })
}

/// `GET /api/v1/demo`: how to sign in to the demo; nothing of this exists elsewhere.
pub(super) async fn demo(State(app): State<Arc<App>>) -> Result<Json<serde_json::Value>, Refusal> {
    match app.demo.get() {
        Some(DemoSignIn { name, password, widget_key, .. }) => Ok(Json(serde_json::json!({
            "widget_key": widget_key,
            "sign_in": { "name": name, "password": password },
        }))),
        None => Err(Refusal::not_found("demo")),
    }
}

/// `POST /api/v1/setup`: makes the first admin by the one-time link that `serve` printed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SetupInput {
    token: String,
    /// The company's name as customers see it; absent: the workspace's.
    company: Option<String>,
    name: String,
    sign_in: String,
    password: String,
    #[serde(default = "default_workspace")]
    workspace: String,
}

fn default_workspace() -> String {
    "main".into()
}

/// Makes the first workspace and its first admin, and signs that one in.
pub(super) async fn set_up(
    State(app): State<Arc<App>>,
    input: Result<Json<SetupInput>, JsonRejection>,
) -> Result<Response, Refusal> {
    let Json(input) = input?;
    let set_up = app.accounts.begin_set_up(&input.token).ok_or_else(|| {
        Refusal::unauthorized(
            "this link was used or is of an earlier start: read the newest one from the server's output",
        )
    })?;
    let record = super::workspaces::make(
        &app,
        &input.workspace,
        input.company.as_deref().unwrap_or(&input.workspace),
        None,
    )
    .await?;
    let admin = protocol::AgentInput {
        sign_in: input.sign_in.clone(),
        name: input.name,
        kind: "person".into(),
        role: "admin".into(),
        password: Some(input.password.clone()),
        capacity: 5,
        ..protocol::AgentInput::default()
    };
    let made = super::agents::put(&app, record.id, None, admin).await;
    if let Err(refusal) = made {
        super::workspaces::unmake(&app, &record).await?;
        return Err(refusal);
    }
    set_up.done();
    let accepted = app
        .accounts
        .sign_in(Some(&record.name), &input.sign_in, &input.password, None, app.now().0)
        .await
        .map_err(|error| Refusal::internal(error.to_string()))?;
    answer(&app, accepted)
}
