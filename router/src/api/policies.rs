//! Policies of a workspace: the one in force, looking at another with the agents there are in mind, and publishing it. The
//! guards hold back what hurts; whoever knows better gives a reason, which is kept with the publication.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use engine::Remark;
use policy::id::WorkspaceId;
use policy::{Document, Policy};
use protocol::{PolicyRemark, PolicyRemarks, ProblemItem, PublicationsBody};
use serde::Deserialize;

use super::authorize::SignedIn;
use super::problem::Refusal;
use super::whatif::{self, Guarded};
use crate::accounts::{Principal, Role};
use crate::server::App;
use crate::shard::Publication;

/// A reason has so many characters at most.
const REASON_MAX: usize = 500;

/// Why it is published.
#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    reason: Option<String>,
}

/// `GET /api/v1/policy`: the document in force, as TOML, without what is as it would be anyhow.
pub(super) async fn show(State(app): State<Arc<App>>, signed_in: SignedIn) -> Result<String, Refusal> {
    let workspace = signed_in.at_least(Role::Supervisor)?;
    let document = in_force(&app, workspace).await?;
    super::written::written(&document).map_err(|error| Refusal::internal(error.to_string()))
}

/// `PUT /api/v1/policy`: a new document (TOML), in force at the next event. What the guards speak against is held back unless
/// a reason is given.
pub(super) async fn publish(
    State(app): State<Arc<App>>,
    signed_in: SignedIn,
    Query(asked): Query<Asked>,
    text: String,
) -> Result<StatusCode, Refusal> {
    let workspace = signed_in.at_least(Role::Admin)?;
    let Principal::Agent { agent, .. } = signed_in.principal else {
        return Err(Refusal::forbidden("this is for admins of the workspace"));
    };
    let document = read_policy(&text)?;
    let reason = reason(asked.reason)?;
    let Guarded { objections, tried } = guards(&app, workspace, &document, reason.is_some()).await?;
    if reason.is_none() && !objections.is_empty() {
        return Err(held_back(objections));
    }
    // What a person installs stays: a trial would take it back at its next block.
    app.trials.end(workspace).await.map_err(super::trial::unsaved)?;
    let name = app.accounts.user(workspace, agent).map(|user| user.name).unwrap_or_default();
    let it = Publication { by: agent, name, reason, objections, tried };
    let document = Box::new(document);
    let shard = app.shards.of(workspace);
    let published = shard.query(move |state| state.publish(workspace, document, it)).await?;
    published.map_err(crate::shard::Refused::from)?;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /api/v1/policy/publications`: who published what and why, the newest first.
pub(super) async fn publications(
    State(app): State<Arc<App>>,
    signed_in: SignedIn,
) -> Result<Json<PublicationsBody>, Refusal> {
    let workspace = signed_in.at_least(Role::Supervisor)?;
    let publications = app.shards.of(workspace).query(move |state| state.publications(workspace)).await?;
    Ok(Json(PublicationsBody { publications }))
}

/// `POST /api/v1/policy/check`: looks at a document (TOML) with the workspace's agents in mind; changes nothing.
pub(super) async fn check(
    State(app): State<Arc<App>>,
    signed_in: SignedIn,
    text: String,
) -> Result<Json<PolicyRemarks>, Refusal> {
    let workspace = signed_in.at_least(Role::Supervisor)?;
    let document = read_policy(&text)?;
    let remarks = remarks(&app, workspace, &document).await?;
    let item = |it: Remark| PolicyRemark { path: it.path, detail: it.detail, grave: it.grave };
    Ok(Json(PolicyRemarks { remarks: remarks.into_iter().map(item).collect() }))
}

/// Reads and checks a policy.
pub(super) fn read_policy(text: &str) -> Result<Document, Refusal> {
    let document: Document = toml::from_str(text)
        .map_err(|error| Refusal::invalid(format!("the policy is not readable: {error}")))?;
    match crate::conditions::check(&document) {
        Ok(()) => Ok(document),
        Err(faults) => {
            let errors = faults
                .into_iter()
                .map(|fault| ProblemItem {
                    pointer: format!("/{}", fault.path.replace('.', "/")),
                    detail: fault.detail,
                })
                .collect();
            Err(Refusal::faults("the policy has faults: nothing was changed", errors))
        }
    }
}

/// Refuses what nobody could serve, for a policy that somebody wants in force for a time.
pub(super) async fn refuse_grave(
    app: &App,
    workspace: WorkspaceId,
    document: &Document,
) -> Result<(), Refusal> {
    let objections = grave(remarks(app, workspace, document).await?);
    if objections.is_empty() { Ok(()) } else { Err(held_back(objections)) }
}

async fn in_force(app: &App, workspace: WorkspaceId) -> Result<Document, Refusal> {
    let shard = app.shards.of(workspace);
    let document =
        shard.query(move |state| state.engine().workspace(workspace).map(|it| it.policy.document().clone()));
    document.await?.ok_or_else(|| Refusal::not_found("workspace"))
}

async fn remarks(app: &App, workspace: WorkspaceId, document: &Document) -> Result<Vec<Remark>, Refusal> {
    let policy = Policy::compile(document)
        .map_err(|_| Refusal::invalid("the policy has faults: nothing was changed"))?;
    let now = app.now();
    let shard = app.shards.of(workspace);
    let remarks =
        shard.query(move |state| state.engine().workspace(workspace).map(|it| it.remarks(&policy, now)));
    remarks.await?.ok_or_else(|| Refusal::not_found("workspace"))
}

/// What the guards have against a document: what nobody there can give, and what recorded traffic shows. With `overruled`
/// it is not replayed for that alone, so that a policy that is needed at once need not wait.
async fn guards(
    app: &Arc<App>,
    workspace: WorkspaceId,
    document: &Document,
    overruled: bool,
) -> Result<Guarded, Refusal> {
    // The one in force changes nothing.
    if in_force(app, workspace).await? == *document {
        return Ok(Guarded::default());
    }
    let mut objections = grave(remarks(app, workspace, document).await?);
    let known = whatif::guarded(app, workspace, document);
    let shown = match known {
        Some(guarded) => guarded,
        // What nobody could serve needs no replay to be held back.
        None if overruled || !objections.is_empty() => Guarded::default(),
        None => whatif::guard(app, workspace, document).await,
    };
    objections.extend(shown.objections);
    Ok(Guarded { objections, tried: shown.tried })
}

fn grave(remarks: Vec<Remark>) -> Vec<String> {
    let grave = remarks.into_iter().filter(|it| it.grave);
    grave.map(|it| format!("{}: {}", it.path, it.detail)).collect()
}

fn held_back(objections: Vec<String>) -> Refusal {
    let errors =
        objections.into_iter().map(|detail| ProblemItem { pointer: "/policy".to_owned(), detail }).collect();
    Refusal::held_back(
        "the guards hold this policy back, nothing was changed: mend it, or publish it with a reason (?reason=…)",
        errors,
    )
}

fn reason(given: Option<String>) -> Result<Option<String>, Refusal> {
    let Some(given) = given else { return Ok(None) };
    let text = given.trim();
    let fine = (1..=REASON_MAX).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    if !fine {
        return Err(Refusal::invalid(format!("reason: 1 to {REASON_MAX} printable characters")));
    }
    Ok(Some(text.to_owned()))
}
