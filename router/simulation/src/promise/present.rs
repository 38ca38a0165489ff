//! The present of a workspace as a promise needs it: a copy that can leave the shard's task.

use engine::state::{Group, Phase, Workspace};
use policy::id::{AgentId, ConversationId};
use policy::matching::{Needs, Pool, Waiting};
use policy::time::{Span, Timestamp};

/// More who wait than this, and the length of the line has to do.
pub const WAITING_MAX: usize = 400;
/// More agents than this, and it has to do, too.
pub const AGENTS_MAX: usize = 1_000;
/// Newcomers of more classes than this are not played; those of the busiest are.
pub(super) const CLASSES_MAX: usize = 32;

/// A copy of what a promise needs. Nothing of it is anybody's words.
#[derive(Debug, Clone)]
pub struct Present {
    pub(super) at: Timestamp,
    pub(super) pool: Pool,
    pub(super) waiting: Vec<Line>,
    pub(super) classes: Vec<Class>,
    pub(super) hands: Vec<Hand>,
    /// How often an agent has secretly gone, a second of idling.
    pub(super) missing: f64,
}

/// A conversation that waits.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub(super) conversation: ConversationId,
    pub(super) class: usize,
    pub(super) waiting: Waiting,
    /// Steps of its queue that are to come: at which age, and what it needs then.
    pub(super) steps: Vec<(Timestamp, Needs, u8)>,
}

/// Conversations with equal needs.
#[derive(Debug, Clone)]
pub(super) struct Class {
    pub(super) needs: Needs,
    pub(super) priority: u8,
    pub(super) passed_over: Span,
    /// Arrivals a second, until the queue closes.
    pub(super) rate: f64,
    pub(super) closes: Timestamp,
    /// Of one who waits, the chance to leave in a second.
    pub(super) leaving: f64,
    /// What the work of one is, in shares of what the rule takes it for: the mean over more of them.
    pub(super) work: f64,
    /// Coefficient of variation of the work.
    pub(super) cv: f64,
    /// Mean seconds until an offer is accepted.
    pub(super) answer_s: f64,
    /// How long room stays taken after the end.
    pub(super) wrap_up: Span,
    /// How long an offer stands.
    pub(super) offer: Span,
    pub(super) online: bool,
    pub(super) beside: bool,
}

/// A conversation in the hands of an agent, or offered.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hand {
    pub(super) agent: AgentId,
    pub(super) class: usize,
    pub(super) since: Timestamp,
    pub(super) known: bool,
    /// Offered until then.
    pub(super) until: Option<Timestamp>,
    /// Who comes back to the line if the offer is missed.
    pub(super) conversation: ConversationId,
    /// Room that is only kept: for writing up, or beside another offer of the same conversation.
    pub(super) spare: bool,
}

impl Present {
    /// A copy of a workspace at this time; none if it is too large, or nobody has come yet.
    #[must_use]
    pub fn of(workspace: &Workspace, at: Timestamp) -> Option<Self> {
        let waits = workspace.pool.waiting_count() as usize;
        if waits > WAITING_MAX
            || workspace.agents.len() > AGENTS_MAX
            || workspace.pool.ahead().next().is_none()
        {
            return None;
        }
        let mut present = Self {
            at,
            pool: workspace.pool.clone(),
            waiting: Vec::with_capacity(waits),
            classes: Vec::new(),
            hands: Vec::new(),
            missing: workspace.pool.missing() as f64 / 1e6,
        };
        for (id, it) in &workspace.conversations {
            match it.phase {
                Phase::Waiting { open: true, .. } => {
                    let Some(waiting) = workspace.pool.waiting(*id) else { continue };
                    let class = present.class(workspace, &waiting.needs, waiting.priority);
                    let steps = steps(workspace, it);
                    let waiting = waiting.clone();
                    present.waiting.push(Line { conversation: *id, class, waiting, steps });
                }
                Phase::Offered { .. } => {
                    let class = present.class(workspace, &it.needs, it.priority);
                    for (number, offer) in it.offers().enumerate() {
                        present.hands.push(Hand {
                            agent: offer.agent,
                            class,
                            since: offer.made,
                            known: it.known_agent == Some(offer.agent),
                            until: Some(offer.until),
                            conversation: *id,
                            spare: number > 0,
                        });
                    }
                }
                Phase::Assigned { agent } => {
                    let class = present.class(workspace, &it.needs, it.priority);
                    let since = it.held_since.unwrap_or(at);
                    let (known, until, spare) = (false, None, false);
                    present.hands.push(Hand { agent, class, since, known, until, conversation: *id, spare });
                }
                Phase::Waiting { open: false, .. } | Phase::Parked { .. } => {}
            }
        }
        present.add_newcomers(workspace);
        for (id, wrap) in &workspace.wraps {
            let is_like =
                |class: &Class| class.needs.channel == wrap.channel && class.needs.effort == wrap.effort;
            if let Some(class) = present.classes.iter().position(is_like) {
                let (agent, until) = (wrap.agent, Some(wrap.until));
                let (since, known, spare) = (at, false, true);
                present.hands.push(Hand { agent, class, since, known, until, conversation: *id, spare });
            }
        }
        Some(present)
    }

    /// How many wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Says of each class who serves it, and adds those that come and in which nobody waits.
    fn add_newcomers(&mut self, workspace: &Workspace) {
        let mut ahead: Vec<_> = workspace.pool.ahead().filter(|it| it.online > 0).collect();
        ahead.sort_by_key(|it| (std::cmp::Reverse(it.rate), it.needs));
        for (place, it) in ahead.into_iter().enumerate() {
            let is_busy = it.rate > 0 && place < CLASSES_MAX;
            if !is_busy && it.waiting == 0 {
                continue;
            }
            let priority = workspace.policy.queue(&it.needs.queue).map_or(4, |queue| queue.priority);
            let number = self.class(workspace, it.needs, priority);
            let seen = workspace.promises.work_ms(&it.needs.queue).unwrap_or(it.work_ms);
            let class = &mut self.classes[number];
            class.online = true;
            class.work = seen.max(1) as f64 / it.work_ms.max(1) as f64;
            class.rate = if is_busy { it.rate as f64 / 1e6 } else { 0.0 };
        }
    }

    fn class(&mut self, workspace: &Workspace, needs: &Needs, priority: u8) -> usize {
        if let Some(known) = self.classes.iter().position(|class| class.needs == *needs) {
            return known;
        }
        let queue = workspace.policy.queue(&needs.queue);
        let open = workspace.policy.is_open(&needs.queue, self.at);
        let closes = workspace.policy.next_closing(&needs.queue, self.at).unwrap_or(Timestamp::NEVER);
        let promises = &workspace.promises;
        self.classes.push(Class {
            needs: needs.clone(),
            priority,
            passed_over: queue.map_or(Span::seconds(1_800), |queue| queue.passed_over),
            rate: 0.0,
            work: 1.0,
            closes: if open { closes } else { self.at },
            leaving: promises.leaving(&needs.queue) as f64 / 1e6,
            cv: (promises.spread_pm(&needs.queue) as f64 / 1e3).sqrt(),
            answer_s: promises.answer_ms(&needs.queue) as f64 / 1e3,
            wrap_up: queue.map_or(Span(0), |queue| queue.wrap_up),
            offer: workspace.pool.offer(&needs.queue),
            online: false,
            beside: workspace.pool.runs_beside(&needs.channel),
        });
        self.classes.len() - 1
    }
}

/// The steps that are to come of a conversation's queue, as far as they stay in it.
fn steps(workspace: &Workspace, it: &engine::state::Conversation) -> Vec<(Timestamp, Needs, u8)> {
    let Some(queue) = workspace.policy.queue(&it.needs.queue) else { return Vec::new() };
    let mut steps: Vec<(Timestamp, Needs, u8)> = Vec::new();
    if !matches!(it.phase, Phase::Waiting { reserved: None, .. }) {
        return steps;
    }
    for step in queue.steps.iter().skip(it.step as usize).filter(|step| step.is_for(&it.marks)) {
        let Some(after) = step.after else { continue };
        let (needs, priority) =
            steps.last().map_or((&it.needs, it.priority), |(_, needs, priority)| (needs, *priority));
        let routing = workspace.policy.after_step(needs, priority, step);
        let leads_on = routing.needs.queue != it.needs.queue;
        steps.push((it.opened + after, routing.needs, routing.priority));
        if leads_on {
            break;
        }
    }
    steps
}

/// Whom the promise of a waiting conversation is corrected with.
#[must_use]
pub fn group_of(workspace: &Workspace, conversation: ConversationId) -> Option<Group> {
    workspace.conversations.get(&conversation).map(Group::of)
}
