//! `/api/v1/policy/trial`: another policy in force for every other block of time, and what came of it.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use engine::CommandKind;
use log_store::{Log, ShardId};
use policy::id::WorkspaceId;
use protocol::{TrialArm, TrialBody};
use serde::Deserialize;
use simulation::whatif::switchback::{ArmFigures, SplitFigures};
use simulation::whatif::{Part, Split};

use super::authorize::SignedIn;
use super::policies::{read_policy, refuse_grave};
use super::problem::Refusal;
use crate::accounts::Role;
use crate::recording::parts;
use crate::server::App;
use crate::shard::shard_of;
use crate::trial::{Trial, keep_up};

/// A block is this long at least and at most, in minutes: long enough for queues to settle, short enough to compare.
const MINUTES: std::ops::RangeInclusive<u32> = 1..=240;

/// How long a block is.
#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    minutes: Option<u32>,
}

/// `PUT /api/v1/policy/trial`
pub(super) async fn begin(
    State(app): State<Arc<App>>,
    signed_in: SignedIn,
    Query(asked): Query<Asked>,
    text: String,
) -> Result<StatusCode, Refusal> {
    let workspace = signed_in.at_least(Role::Admin)?;
    let tried = read_policy(&text)?;
    let minutes = asked.minutes.unwrap_or(15);
    if !MINUTES.contains(&minutes) {
        return Err(Refusal::invalid("minutes must be 1 to 240"));
    }
    refuse_grave(&app, workspace, &tried).await?;
    if app.trials.of(workspace).is_some() {
        return Err(Refusal::conflict("a trial is under way: end it before another one begins"));
    }
    let kept = app
        .shards
        .of(workspace)
        .query(move |state| state.engine().workspace(workspace).map(|it| it.policy.document().clone()))
        .await?
        .ok_or_else(|| Refusal::not_found("workspace"))?;
    if kept == tried {
        return Err(Refusal::invalid("this is the policy in force: change something to try"));
    }
    let trial = Trial { since_ms: app.now().0, block_ms: i64::from(minutes) * 60_000, kept, tried };
    app.trials.begin(workspace, trial.clone()).await.map_err(unsaved)?;
    // Both arms are told in the log from the first moment on: the one of this block by what is installed now.
    let version = app.shards.of(workspace).query(move |state| state.policy_version(workspace)).await? + 1;
    let document = Box::new(trial.document(workspace, app.now().0).clone());
    app.shards.of(workspace).command(workspace, CommandKind::InstallPolicy { version, document }).await?;
    keep_up(&app, workspace, &trial).await.map_err(|error| Refusal::internal(error.to_string()))?;
    Ok(StatusCode::NO_CONTENT)
}

/// `DELETE /api/v1/policy/trial`
pub(super) async fn end(State(app): State<Arc<App>>, signed_in: SignedIn) -> Result<StatusCode, Refusal> {
    let workspace = signed_in.at_least(Role::Admin)?;
    let trial = app.trials.end(workspace).await.map_err(unsaved)?;
    let trial = trial.ok_or_else(|| Refusal::not_found("trial"))?;
    let shard = app.shards.of(workspace);
    let version = shard.query(move |state| state.policy_version(workspace)).await? + 1;
    let document = Box::new(trial.kept);
    shard.command(workspace, CommandKind::InstallPolicy { version, document }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /api/v1/policy/trial`
pub(super) async fn show(
    State(app): State<Arc<App>>,
    signed_in: SignedIn,
) -> Result<Json<TrialBody>, Refusal> {
    let workspace = signed_in.at_least(Role::Supervisor)?;
    let trial = app.trials.of(workspace).ok_or_else(|| Refusal::not_found("trial"))?;
    let tried_policy =
        super::written::written(&trial.tried).map_err(|error| Refusal::internal(error.to_string()))?;
    let in_force = *trial.document(workspace, app.now().0) == trial.tried;
    let (since_ms, block_ms) = (trial.since_ms, trial.block_ms);
    let (log, shards) = (Arc::clone(&app.log), usize::from(app.config.shards));
    let counted = tokio::task::spawn_blocking(move || {
        count(&*log, ShardId(shard_of(workspace, shards)), workspace, trial)
    });
    let figures = counted.await.map_err(|error| Refusal::internal(error.to_string()))??;
    Ok(Json(TrialBody {
        since_ms,
        minutes: u32::try_from(block_ms / 60_000).unwrap_or(u32::MAX),
        tried_policy,
        in_force,
        kept: arm(figures.kept),
        tried: arm(figures.tried),
        low: figures.low,
        high: figures.high,
    }))
}

/// The store did not take it.
#[expect(clippy::needless_pass_by_value, reason = "used as a function to map errors with")]
pub(super) fn unsaved(error: anyhow::Error) -> Refusal {
    Refusal::new(StatusCode::INSUFFICIENT_STORAGE, "not-durable", error.to_string())
}

fn arm(it: ArmFigures) -> TrialArm {
    let blocks = u32::try_from(it.blocks).unwrap_or(u32::MAX);
    TrialArm { blocks, conversations: it.conversations, wait_s: it.wait_s, left: it.left }
}

/// Reads what was recorded since the trial began.
fn count(
    log: &dyn Log,
    shard: ShardId,
    workspace: WorkspaceId,
    trial: Trial,
) -> Result<SplitFigures, Refusal> {
    let mut split = Split::new(trial.kept, trial.tried, trial.block_ms);
    let read = parts(log, shard, workspace, &mut |part| {
        if let Part::Event(event) = part
            && event.at.0 >= trial.since_ms
        {
            split.event(&event);
        }
        Ok(())
    });
    read.map_err(|error| Refusal::internal(error.to_string()))?;
    Ok(split.figures())
}
