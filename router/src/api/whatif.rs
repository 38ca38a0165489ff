//! `POST /api/v1/policy/try`: recorded traffic under another policy, on threads of its own and from the log alone, so that
//! no conversation waits for it. One at a time. What the guards said is remembered for whoever publishes the policy then.

use std::sync::Arc;
use std::time::{Duration, Instant};

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
    Comparison, Gather, Groups, Guards, LOOKS, Likeness, Look, Part, Plan, Replay, Shadow, Staffing, Traffic,
    pair,
};
use tokio::sync::Semaphore;

use super::authorize::SignedIn;
use super::policies::read_policy;
use super::problem::Refusal;
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
/// A policy that is published without having been tried is tried over so many hours, and given up after so long: who publishes
/// waits for it.
const GUARD_HOURS: u32 = 24;
const GUARD_TIME: Duration = Duration::from_secs(4);
/// Whether time is up is looked at after so many events.
const EVENTS_BETWEEN: u64 = 1_024;

/// How far back, and how often drawn.
#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    hours: Option<u32>,
    draws: Option<u32>,
}

/// What the guards have against a policy.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Guarded {
    /// In words; none: it may be published.
    pub(super) objections: Vec<String>,
    /// Whether recorded traffic was replayed under it.
    pub(super) tried: bool,
}

/// What is to be tried.
struct Wanted {
    workspace: WorkspaceId,
    document: Document,
    since: Timestamp,
    /// How often; none: until no guard's answer could change any more.
    draws: Option<u32>,
    /// When it is given up.
    until: Option<Instant>,
}

impl Wanted {
    fn is_late(&self) -> bool {
        self.until.is_some_and(|until| Instant::now() >= until)
    }
}

/// Why nothing came of it.
enum Untried {
    /// Nothing was recorded.
    Nothing,
    /// It takes too long.
    Late,
    /// Anything else.
    Refused(Refusal),
}

impl From<Untried> for Refusal {
    fn from(untried: Untried) -> Self {
        match untried {
            Untried::Nothing => Self::conflict("nothing was recorded in this time: ask for more hours"),
            Untried::Late => Self::conflict("it takes too long: ask for fewer hours"),
            Untried::Refused(refusal) => refusal,
        }
    }
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
    let (hours, draws) = (asked.hours.unwrap_or(24), asked.draws);
    if !(1..=HOURS_MAX).contains(&hours) || draws.is_some_and(|draws| !(2..=DRAWS_MAX).contains(&draws)) {
        return Err(Refusal::invalid(format!("hours must be 1 to {HOURS_MAX}, draws 2 to {DRAWS_MAX}")));
    }
    let Ok(turn) = TURN.try_acquire() else {
        return Err(Refusal::new(
            StatusCode::CONFLICT,
            "conflict",
            "another policy is being tried: this one begins when that is done, so ask again in a moment",
        ));
    };
    let since = Timestamp(app.now().0 - i64::from(hours) * 3_600_000);
    let wanted = Wanted { workspace, document: document.clone(), since, draws, until: None };
    let (log, shards) = (Arc::clone(&app.log), usize::from(app.config.shards));
    let tried = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        run(&*log, ShardId(shard_of(workspace, shards)), &wanted)
    });
    let (mut body, named) = tried.await.map_err(|error| Refusal::internal(error.to_string()))??;
    app.tried.note(workspace, &document, &body.blocked_by, app.now());
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

/// What the guards said when this very policy was tried lately.
pub(super) fn guarded(app: &App, workspace: WorkspaceId, document: &Document) -> Option<Guarded> {
    let objections = app.tried.objections(workspace, document, app.now())?;
    Some(Guarded { objections, tried: true })
}

/// Tries a policy that is about to be published, and says what the guards have against it. What cannot be tried in a few
/// seconds is to be tried first.
pub(super) async fn guard(app: &App, workspace: WorkspaceId, document: &Document) -> Guarded {
    let untried = |why: &str| {
        let detail = format!(
            "it could not be tried on the traffic of the last {GUARD_HOURS} hours ({why}): try it first, then publish it"
        );
        Guarded { objections: vec![detail], tried: false }
    };
    let until = Instant::now() + GUARD_TIME;
    let Ok(Ok(turn)) = tokio::time::timeout_at(until.into(), TURN.acquire()).await else {
        return untried("another policy is being tried");
    };
    let since = Timestamp(app.now().0 - i64::from(GUARD_HOURS) * 3_600_000);
    let wanted = Wanted { workspace, document: document.clone(), since, draws: None, until: Some(until) };
    let (log, shards) = (Arc::clone(&app.log), usize::from(app.config.shards));
    let tried = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        run(&*log, ShardId(shard_of(workspace, shards)), &wanted)
    });
    match tried.await {
        Ok(Ok((body, _))) => {
            app.tried.note(workspace, document, &body.blocked_by, app.now());
            Guarded { objections: body.blocked_by, tried: true }
        }
        // Where nobody came there is nobody to be worse off.
        Ok(Err(Untried::Nothing)) => Guarded::default(),
        Ok(Err(Untried::Late)) => untried("there is too much of it"),
        Ok(Err(Untried::Refused(refusal))) => untried(refusal.detail()),
        Err(error) => untried(&error.to_string()),
    }
}

/// Reads, replays, compares; also the agents of the rows of loads.
fn run(log: &dyn Log, shard: ShardId, wanted: &Wanted) -> Result<(TryBody, Vec<AgentId>), Untried> {
    let Studied { traffic, like, changed, erased } = study(log, shard, wanted)?;
    let plan = |document| {
        Plan::new(&traffic, document, &Staffing::default())
            .map_err(|it| Untried::Refused(Refusal::invalid(it.to_string())))
    };
    let (before, after) = (plan(None)?, plan(Some(&wanted.document))?);
    let groups = Groups::of(&traffic);
    let compared = draw(&traffic, &groups, (&before, &after), wanted)?;
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
        draws: u32::try_from(compared.draws).unwrap_or(u32::MAX),
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

/// Draws as often as is wanted, or until no guard's answer could change any more.
fn draw(
    traffic: &Traffic,
    groups: &Groups,
    plans: (&Plan, &Plan),
    wanted: &Wanted,
) -> Result<Comparison, Untried> {
    let guards = Guards::default();
    let looks: Vec<(usize, Option<Look>)> = match wanted.draws {
        Some(draws) => vec![(draws as usize, None)],
        None => LOOKS.iter().map(|look| (look.draws, Some(*look))).collect(),
    };
    let (mut pairs, mut compared) = (Vec::new(), None);
    'looks: for (draws, look) in looks {
        while pairs.len() < draws {
            if wanted.is_late() {
                break 'looks;
            }
            let drawn = pair(traffic, groups, plans, pairs.len() as u64);
            pairs.push(drawn.map_err(|error| Untried::Refused(Refusal::internal(error.to_string())))?);
        }
        let found = Comparison::of(traffic, plans.1, groups, &pairs, &guards, look);
        let settled = look.is_some() && found.is_settled(&guards);
        compared = Some(found);
        if settled {
            break;
        }
    }
    compared.ok_or(Untried::Late)
}

/// One pass over what was recorded: what lies before `since` only brings the state there.
fn study(log: &dyn Log, shard: ShardId, wanted: &Wanted) -> Result<Studied, Untried> {
    let Wanted { workspace, ref document, since, .. } = *wanted;
    let (mut read_so_far, mut late) = (0u64, false);
    let mut state = Engine::new();
    let mut followed: Option<(Gather, Replay, Shadow)> = None;
    let (mut erased, mut came, mut last) = (Vec::new(), 0usize, None);
    let read = parts(log, shard, workspace, &mut |part| {
        match part {
            Part::State(engine) => state = *engine,
            Part::Erased(customers) => erased = customers,
            Part::Event(event) => {
                read_so_far += 1;
                late = read_so_far.is_multiple_of(EVENTS_BETWEEN) && wanted.is_late();
                if late {
                    return Err(String::new());
                }
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
        crate::recording::Unread::Stopped(_) if late => Untried::Late,
        crate::recording::Unread::Stopped(why) => Untried::Refused(Refusal::invalid(why)),
        other => Untried::Refused(Refusal::internal(other.to_string())),
    })?;
    let Some((gather, replay, shadow)) = followed else { return Err(Untried::Nothing) };
    let (traffic, like) = (gather.end(), replay.end());
    let unchanged = traffic.documents.iter().all(|(_, it)| it == document);
    let changed = if unchanged { 0 } else { shadow.changed() };
    let erased = traffic.erased(&erased);
    Ok(Studied { traffic, like, changed, erased })
}
