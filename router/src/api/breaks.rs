//! Planned breaks of agents, for supervisors.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use engine::CommandKind;
use policy::document::WeekDoc;
use policy::id::AgentId;
use policy::{Breaks, BreaksDoc};
use protocol::{BreaksBody, ProblemItem};

use super::authorize::SignedIn;
use super::problem::Refusal;
use crate::accounts::Role;
use crate::server::App;

/// `GET /api/v1/agents/{id}/breaks`
pub(super) async fn show(
    State(app): State<Arc<App>>,
    Path(agent): Path<String>,
    signed_in: SignedIn,
) -> Result<Json<BreaksBody>, Refusal> {
    let workspace = signed_in.at_least(Role::Supervisor)?;
    let agent: AgentId = agent.parse().map_err(|_| Refusal::not_found("agent"))?;
    let breaks = app
        .shards
        .of(workspace)
        .query(move |state| {
            Some(state.engine().workspace(workspace)?.agents.get(&agent)?.breaks.as_deref().cloned())
        })
        .await?
        .ok_or_else(|| Refusal::not_found("agent"))?
        .unwrap_or_default();
    let days = breaks.week.days().into_iter().filter(|(_, breaks)| !breaks.is_empty());
    let week: BTreeMap<_, _> = days.map(|(day, breaks)| (day.to_owned(), breaks.to_vec())).collect();
    Ok(Json(BreaksBody { week, zone: breaks.zone, quiet_s: breaks.quiet_s }))
}

/// `PUT /api/v1/agents/{id}/breaks`
pub(super) async fn plan(
    State(app): State<Arc<App>>,
    Path(agent): Path<String>,
    signed_in: SignedIn,
    input: Result<Json<BreaksBody>, JsonRejection>,
) -> Result<StatusCode, Refusal> {
    let workspace = signed_in.at_least(Role::Supervisor)?;
    let agent: AgentId = agent.parse().map_err(|_| Refusal::not_found("agent"))?;
    app.accounts.user(workspace, agent).ok_or_else(|| Refusal::not_found("agent"))?;
    let Json(input) = input?;
    let breaks = Box::new(read(input)?);
    app.shards.of(workspace).command(workspace, CommandKind::PlanBreaks { agent, breaks }).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn read(input: BreaksBody) -> Result<BreaksDoc, Refusal> {
    let (mut week, mut errors) = (WeekDoc::default(), Vec::new());
    for (day, breaks) in input.week {
        let of = match day.as_str() {
            "mon" => &mut week.mon,
            "tue" => &mut week.tue,
            "wed" => &mut week.wed,
            "thu" => &mut week.thu,
            "fri" => &mut week.fri,
            "sat" => &mut week.sat,
            "sun" => &mut week.sun,
            _ => {
                let detail = "is no day: use mon, tue, wed, thu, fri, sat, sun".to_owned();
                errors.push(ProblemItem { pointer: format!("/week/{day}"), detail });
                continue;
            }
        };
        *of = breaks;
    }
    let breaks = BreaksDoc { zone: input.zone, week, quiet_s: input.quiet_s };
    for fault in Breaks::compile(&breaks).err().unwrap_or_default() {
        let pointer = fault.path.trim_start_matches("breaks").replace(['.', '['], "/").replace(']', "");
        errors.push(ProblemItem { pointer, detail: fault.detail });
    }
    if errors.is_empty() {
        Ok(breaks)
    } else {
        Err(Refusal::faults("the breaks have faults: nothing was changed", errors))
    }
}
