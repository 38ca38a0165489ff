//! `POST /api/v1/policy/try`: recorded traffic under another policy, on threads of its own and from the log alone, so that
//! no conversation waits for it. One at a time.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use engine::Engine;
use log_store::{Log, ShardId};
use policy::Document;
use policy::id::{AgentId, WorkspaceId};
use policy::time::Timestamp;
use protocol::{TryBody, TryChange, TryGroup, TryLoad};
use serde::Deserialize;
use simulation::whatif::{
    Comparison, Gather, Groups, Guards, Likeness, Part, Plan, Replay, Shadow, Staffing, Traffic, pair,
};
use tokio::sync::Semaphore;

use super::authorize::SignedIn;
use super::problem::Refusal;
use super::workspaces::read_policy;
use crate::accounts::Role;
use crate::recording::parts;
use crate::server::App;
use crate::shard::shard_of;

/// One at a time: it takes a core for as long as it runs.
static TURN: Semaphore = Semaphore::const_new(1);
/// More conversations than this are not replayed at once.
const CONVERSATIONS_MAX: usize = 100_000;
const HOURS_MAX: u32 = 24 * 31;
const DRAWS_MAX: u32 = 100;

/// How far back, and how often drawn.
#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    hours: Option<u32>,
    draws: Option<u32>,
}

/// What is known of the recording.
struct Studied {
    traffic: Traffic,
    like: Likeness,
    changed: u64,
    erased: usize,
}

/// `POST /api/v1/policy/try`
pub(super) async fn try_policy(
    State(app): State<Arc<App>>,
    signed_in: SignedIn,
    Query(asked): Query<Asked>,
    text: String,
) -> Result<Json<TryBody>, Refusal> {
    let workspace = signed_in.at_least(Role::Supervisor)?;
    let document = read_policy(&text)?;
    let (hours, draws) = (asked.hours.unwrap_or(24), asked.draws.unwrap_or(20));
    if !(1..=HOURS_MAX).contains(&hours) || !(2..=DRAWS_MAX).contains(&draws) {
        return Err(Refusal::invalid(format!("hours must be 1 to {HOURS_MAX}, draws 2 to {DRAWS_MAX}")));
    }
    let Ok(turn) = TURN.try_acquire() else {
        return Err(Refusal::new(
            StatusCode::CONFLICT,
            "conflict",
            "another policy is being tried: this one begins when that is done, so ask again in a moment",
        ));
    };
    let since = app.now().0 - i64::from(hours) * 3_600_000;
    let (log, shards) = (Arc::clone(&app.log), usize::from(app.config.shards));
    let tried = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        let shard = ShardId(shard_of(workspace, shards));
        run(&*log, shard, workspace, &document, Timestamp(since), draws)
    });
    let (mut body, named) = tried.await.map_err(|error| Refusal::internal(error.to_string()))??;
    let names = app
        .shards
        .of(workspace)
        .query(move |state| {
            let agents = state.engine().workspace(workspace).map(|it| &it.agents);
            let name = |id: &AgentId| agents?.get(id).map(|agent| agent.name.to_string());
            named.iter().map(name).collect::<Vec<_>>()
        })
        .await?;
    for (row, name) in body.loads.iter_mut().zip(names) {
        row.name = name;
    }
    Ok(Json(body))
}

/// Reads, replays, compares; also the agents of the rows of loads.
fn run(
    log: &dyn Log,
    shard: ShardId,
    workspace: WorkspaceId,
    document: &Document,
    since: Timestamp,
    draws: u32,
) -> Result<(TryBody, Vec<AgentId>), Refusal> {
    let Studied { traffic, like, changed, erased } = study(log, shard, workspace, document, since)?;
    let plan = |document| {
        Plan::new(&traffic, document, &Staffing::default()).map_err(|it| Refusal::invalid(it.to_string()))
    };
    let (before, after) = (plan(None)?, plan(Some(document))?);
    let groups = Groups::of(&traffic);
    let mut pairs = Vec::with_capacity(draws as usize);
    for draw in 0..u64::from(draws) {
        let drawn = pair(&traffic, &groups, (&before, &after), draw);
        pairs.push(drawn.map_err(|error| Refusal::internal(error.to_string()))?);
    }
    let compared = Comparison::of(&traffic, &after, &groups, &pairs, &Guards::default());
    let agents: Vec<AgentId> = compared.loads.iter().filter_map(|it| it.agent.parse().ok()).collect();
    let change = |it: simulation::whatif::compare::Change| TryChange {
        before: it.before,
        after: it.after,
        low: it.low,
        high: it.high,
    };
    let group = |it: simulation::whatif::compare::GroupRow| TryGroup {
        by: it.by.to_owned(),
        name: it.name,
        conversations: it.conversations,
        wait_before_s: it.wait_before_s,
        wait_after_s: it.wait_after_s,
        low: it.low,
        high: it.high,
        left_before: it.left_before,
        left_after: it.left_after,
    };
    let loads = agents.iter().zip(&compared.loads);
    let body = TryBody {
        from_ms: traffic.span.0.0,
        to_ms: traffic.span.1.0,
        conversations: traffic.came() as u64,
        decisions: like.decisions,
        identical: like.identical.saturating_sub(changed),
        changed,
        erased: erased as u64,
        draws,
        worse_off: u32::try_from(compared.worse_off).unwrap_or(u32::MAX),
        abandonment: change(compared.abandonment),
        unserved: change(compared.unserved),
        skill_fit: change(compared.skill_fit),
        loads: loads
            .map(|(agent, it)| TryLoad { agent: *agent, name: None, load: change(it.load) })
            .collect(),
        blocked_by: compared.blocked_by,
        groups: compared.groups.into_iter().map(group).collect(),
    };
    Ok((body, agents))
}

/// One pass over what was recorded: what lies before `since` only brings the state there.
fn study(
    log: &dyn Log,
    shard: ShardId,
    workspace: WorkspaceId,
    document: &Document,
    since: Timestamp,
) -> Result<Studied, Refusal> {
    let mut state = Engine::new();
    let mut followed: Option<(Gather, Replay, Shadow)> = None;
    let (mut erased, mut came, mut last) = (Vec::new(), 0usize, None);
    let read = parts(log, shard, workspace, &mut |part| {
        match part {
            Part::State(engine) => state = *engine,
            Part::Erased(customers) => erased = customers,
            Part::Event(event) => {
                let begins = event.at >= since && last != Some(event.cause);
                last = Some(event.cause);
                if followed.is_none() && !begins {
                    state.apply(&event);
                    state.take_ended(workspace);
                    return Ok(());
                }
                came += usize::from(matches!(event.kind, engine::EventKind::ConversationOpened { .. }));
                if came > CONVERSATIONS_MAX {
                    return Err(format!(
                        "more than {CONVERSATIONS_MAX} conversations came in this time: ask for fewer hours"
                    ));
                }
                let (gather, replay, shadow) = followed.get_or_insert_with(|| {
                    let begun = std::mem::take(&mut state);
                    (
                        Gather::begin(workspace, &begun, event.at),
                        Replay::begin(begun.clone()),
                        Shadow::begin(begun, document.clone()),
                    )
                });
                gather.event(&event);
                replay.event(&event);
                shadow.event(&event);
            }
        }
        Ok(())
    });
    read.map_err(|error| match error {
        crate::recording::Unread::Stopped(why) => Refusal::invalid(why),
        other => Refusal::internal(other.to_string()),
    })?;
    let Some((gather, replay, shadow)) = followed else {
        return Err(Refusal::conflict("nothing was recorded in this time: ask for more hours"));
    };
    let (traffic, like) = (gather.end(), replay.end());
    let unchanged = traffic.documents.iter().all(|(_, it)| it == document);
    let changed = if unchanged { 0 } else { shadow.changed() };
    let erased = traffic.erased(&erased);
    Ok(Studied { traffic, like, changed, erased })
}
