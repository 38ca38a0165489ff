//! Plays dialogues through a server: makes the workspace and its agents, lets customers come, collects the journals.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use policy::id::{AgentId, ConversationId};
use protocol::{AgentInput, WidgetSessionInput, WorkspaceInput};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use crate::agent;
use crate::api::Api;
use crate::checker::Plan;
use crate::client::{Door, Key};
use crate::customer;
use crate::dialogs::Dialogue;
use crate::journal::Journal;
use crate::report;
use crate::rng::Rng;
use crate::roster::{CAPACITY, Roster, policy};

/// The share of all slots that is busy on average.
const BUSY: f64 = 0.85;
const ONLINE_MAX: Duration = Duration::from_secs(60);

/// A workspace of a run with its agents.
pub(crate) struct Cast {
    pub(crate) name: String,
    pub(crate) widget: String,
    pub(crate) plan: Arc<Plan>,
    /// Each agent's id and token.
    pub(crate) agents: Vec<(AgentId, String)>,
}

impl Cast {
    /// Makes the workspace and its agents.
    pub(crate) async fn make(
        api: &Api,
        operator: &str,
        roster: &Roster,
        dialogues: &[Dialogue],
    ) -> Result<Self> {
        let id = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(0, |since| since.as_nanos());
        let name = format!("run-{id:x}");
        let input = WorkspaceInput { name: name.clone(), company: None, policy: Some(policy(&roster.all)) };
        let workspace = api.make_workspace(operator, &input).await.context("the run's workspace")?;
        let mut agents = Vec::new();
        let mut plan = Plan {
            needs: dialogues.iter().map(|dialogue| dialogue.needs.clone()).collect(),
            agents: BTreeMap::new(),
        };
        for (number, skills) in roster.skills.iter().enumerate() {
            let input = AgentInput {
                sign_in: format!("agent-{number}"),
                name: format!("Agent {number}"),
                kind: "person".to_owned(),
                role: "agent".to_owned(),
                skills: skills.iter().map(|skill| (skill.clone(), 100)).collect(),
                capacity: CAPACITY,
                ..AgentInput::default()
            };
            let (body, token) =
                api.make_agent(&workspace.admin_token, &input).await.context("an agent of the run")?;
            plan.agents.insert(body.id, (skills.clone(), CAPACITY));
            agents.push((body.id, token));
        }
        Ok(Self { name, widget: workspace.widget, plan: Arc::new(plan), agents })
    }
}

/// When each customer comes: a Poisson process at 85 % of what the agents' slots can carry.
pub(crate) fn arrivals(dialogues: &[Dialogue], agents: usize, seed: u64) -> Vec<Duration> {
    let total: f64 = dialogues.iter().map(|dialogue| dialogue.span().as_secs_f64()).sum();
    let mean = (total / dialogues.len().max(1) as f64).max(0.001);
    let slots = agents as f64 * f64::from(CAPACITY);
    let between = mean / (slots * BUSY);
    let mut rng = Rng::new(seed, "arrivals");
    let mut at = 0.0;
    let next = |_| {
        at += rng.exponential(between);
        Duration::from_secs_f64(at)
    };
    dialogues.iter().map(next).collect()
}

/// How a run is played.
pub(crate) struct Play {
    pub(crate) api: Api,
    /// Where WebSockets go: the server, or a proxy before it.
    pub(crate) socket: SocketAddr,
    pub(crate) arrivals: Vec<Duration>,
    /// Open loop: how long after the first customer may come turns begin to be due.
    pub(crate) open: Option<Duration>,
    /// After how long without a sign a message is taken for lost.
    pub(crate) patience: Option<Duration>,
    /// How long after the last arrival and the longest dialogue a customer gives up.
    pub(crate) overtime: Duration,
    /// When the run began, for the journals.
    pub(crate) start: Instant,
}

/// What a run brings.
pub(crate) struct Played {
    pub(crate) journals: Vec<Journal>,
    /// Visitors' keys with their conversations.
    pub(crate) reads: Vec<(String, ConversationId)>,
}

/// Plays all dialogues.
pub(crate) async fn play(play: Play, cast: &Cast, dialogues: Vec<Dialogue>) -> Result<Played> {
    let longest = dialogues.iter().map(Dialogue::span).max().unwrap_or_default();
    let dialogues: Arc<Vec<Arc<Dialogue>>> = Arc::new(dialogues.into_iter().map(Arc::new).collect());
    let (stop, stopped) = watch::channel(false);
    let (online, mut came_online) = mpsc::channel(cast.agents.len().max(1));
    let open = Arc::new(OnceLock::new());
    let mut agents = JoinSet::new();
    for (number, (id, token)) in cast.agents.iter().enumerate() {
        let door = Door { api: play.api.clone(), socket: play.socket, key: Key::Agent(token.clone()) };
        agents.spawn(agent::play(agent::Part {
            door,
            agent: *id,
            client: u32::try_from(number)?,
            start: play.start,
            dialogues: Arc::clone(&dialogues),
            patience: play.patience,
            open: Arc::clone(&open),
            online: online.clone(),
            stop: stopped.clone(),
        }));
    }
    drop(online);
    for _ in 0..cast.agents.len() {
        match tokio::time::timeout(ONLINE_MAX, came_online.recv()).await {
            Ok(Some(())) => {}
            _ => bail!("not all agents came online"),
        }
    }
    let begin = Instant::now();
    let open = play.open.map(|after| *open.get_or_init(|| begin + after));
    let last = play.arrivals.last().copied().unwrap_or_default();
    let deadline = begin + last + longest * 2 + play.overtime;
    let bar = report::bar(dialogues.len() as u64, "dialogues");
    let mut customers = JoinSet::new();
    for (number, (dialogue, arrival)) in dialogues.iter().zip(&play.arrivals).enumerate() {
        let input = WidgetSessionInput {
            widget: cast.widget.clone(),
            name: Some(agent::name_of(number)),
            topics: dialogue.needs.iter().cloned().collect(),
            ..WidgetSessionInput::default()
        };
        let part = customer::Part {
            door: Door { api: play.api.clone(), socket: play.socket, key: Key::Visitor(input) },
            number,
            dialogue: Arc::clone(dialogue),
            client: u32::try_from(cast.agents.len() + number)?,
            start: play.start,
            deadline,
            patience: play.patience,
            open,
        };
        let at = begin + *arrival;
        customers.spawn(async move {
            tokio::time::sleep_until(at.into()).await;
            customer::play(part).await
        });
    }
    let mut played = Played { journals: Vec::new(), reads: Vec::new() };
    while let Some(done) = customers.join_next().await {
        let done = done.context("a customer's task ended early")?;
        played.journals.push(done.journal);
        played.reads.extend(done.read);
        bar.inc(1);
    }
    bar.finish_and_clear();
    // A fault is told by the journals: agents who have gone already cannot be told to stop.
    stop.send(true).ok();
    while let Some(journal) = agents.join_next().await {
        played.journals.push(journal.context("an agent's task ended early")?);
    }
    Ok(played)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialogs::{Side, Turn};
    use crate::journal::digest;

    #[test]
    fn customers_come_as_fast_as_the_slots_can_carry() {
        let turn = Turn {
            side: Side::Customer,
            gap: Duration::from_secs(3),
            text: "x".to_owned(),
            digest: digest("x"),
        };
        let dialogue = Dialogue { needs: std::collections::BTreeSet::new(), turns: vec![turn] };
        let dialogues = vec![dialogue; 4000];
        let arrivals = arrivals(&dialogues, 10, 1);
        let last = arrivals.last().expect("some").as_secs_f64();
        // 30 slots, 85 % busy with 3 seconds each: 8.5 a second.
        assert!((last - 4000.0 / 8.5).abs() < 30.0, "{last}");
        assert!(arrivals.is_sorted());
    }
}
