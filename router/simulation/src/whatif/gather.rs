//! From recorded events to [`Traffic`], one event at a time; memory is bounded by what is kept of each conversation.

mod course;

use std::collections::BTreeMap;

use engine::state::Phase;
use engine::{Engine, Event, EventKind, StandingCause};
use policy::Document;
use policy::id::{AgentId, ConversationId, WorkspaceId};
use policy::time::Timestamp;

use super::pace::{ChannelPace, Pace};
use super::speeds::{Piece, Speeds};
use super::survival::Survival;
use super::traffic::{AgentRecord, Desk, Kind, Matter, Patience, Traffic};

/// More milliseconds than this are no work of one conversation: somebody forgot to close it.
const WORK_MAX: f64 = 24.0 * 3_600_000.0;

/// The work of a queue's conversations, in milliseconds, where none was ever done.
const WORK_UNKNOWN: f64 = 240_000.0;

/// Gathers.
#[derive(Debug)]
pub struct Gather {
    traffic: Traffic,
    pace: Pace,
    kinds: BTreeMap<Kind, u32>,
    channels: Vec<ChannelPace>,
    queues: BTreeMap<Box<str>, u32>,
    agents: BTreeMap<AgentId, u32>,
    /// What each agent has in hand.
    hands: Vec<Vec<ConversationId>>,
    /// Since when an agent has not seen offers.
    absent: Vec<Option<Timestamp>>,
    open: BTreeMap<ConversationId, Open>,
    /// Work by conversation and stint: whose, of which kind, how much.
    pieces: Vec<(u32, u32, Piece)>,
    waits: BTreeMap<u32, Vec<(i64, bool)>>,
}

/// A conversation that goes on.
#[derive(Debug)]
struct Open {
    matter: u32,
    queue: u32,
    channel: u32,
    /// Since when it waits, in this stint.
    waits: Option<Timestamp>,
    /// The offers that stand: to whom, since when, whether they are given time.
    offered: Vec<(u32, Timestamp, bool)>,
    held: Option<Held>,
    parked: Option<Timestamp>,
    /// Its agent left in the middle of the work.
    interrupted: bool,
    /// It is handed over, to this queue; whether not back to the same agent.
    moves: Option<(Box<str>, bool)>,
}

#[derive(Debug, Clone, Copy)]
struct Held {
    agent: u32,
    /// Milliseconds at full pace, as they stood at `since`.
    work: f64,
    since: Timestamp,
}

impl Gather {
    /// Begins with a state.
    #[must_use]
    pub fn begin(workspace: WorkspaceId, base: &Engine, at: Timestamp) -> Self {
        let document = base.workspace(workspace).map(|it| it.policy.document().clone()).unwrap_or_default();
        let mut gather = Self {
            pace: Pace::of(&document),
            traffic: Traffic {
                workspace,
                base: base.clone(),
                span: (at, at),
                documents: vec![(at, document)],
                kinds: Vec::new(),
                matters: Vec::new(),
                agents: Vec::new(),
                desk: Vec::new(),
                speeds: Speeds::default(),
                queues: Vec::new(),
                patience: Vec::new(),
            },
            kinds: BTreeMap::new(),
            channels: Vec::new(),
            queues: BTreeMap::new(),
            agents: BTreeMap::new(),
            hands: Vec::new(),
            absent: Vec::new(),
            open: BTreeMap::new(),
            pieces: Vec::new(),
            waits: BTreeMap::new(),
        };
        gather.take_over(base, at);
        gather
    }

    /// Conversations and agents that are there at the beginning.
    fn take_over(&mut self, base: &Engine, at: Timestamp) {
        let Some(workspace) = base.workspace(self.traffic.workspace) else { return };
        for agent in workspace.agents.keys() {
            self.agent(*agent);
        }
        for it in workspace.conversations.values() {
            let kind = Kind {
                needs: it.needs.clone(),
                priority: it.priority,
                language: it.language.clone(),
                topics: it.topics.clone(),
            };
            let matter = self.enter(it.id, it.customer, kind, None);
            let known = it.known_agent;
            self.traffic.matters[matter as usize].known = known;
            match it.phase {
                Phase::Waiting { .. } => self.wait(it.id, at),
                Phase::Offered { agent, made, until, .. } => {
                    self.wait(it.id, at);
                    let agent = self.agent(agent);
                    if let Some(open) = self.open.get_mut(&it.id) {
                        open.offered.push((agent, made, until > made));
                    }
                }
                Phase::Assigned { agent } => self.take(it.id, agent, at),
                Phase::Parked { agent, .. } => {
                    // It comes back to the one who set it aside.
                    self.stint(it.id, Patience::Beyond(0));
                    if let Some(open) = self.open.get_mut(&it.id) {
                        open.parked = Some(at);
                    }
                    self.agent(agent);
                }
            }
        }
    }

    /// The next event.
    pub fn event(&mut self, event: &Event) {
        let at = event.at;
        self.traffic.span.1 = self.traffic.span.1.max(at);
        match &event.kind {
            EventKind::PolicyInstalled { document, .. } => self.install(at, document),
            EventKind::AgentPut { agent, bot, profile, .. } => {
                self.desk(at, *agent, Desk::Put(profile.clone(), *bot));
            }
            EventKind::ChannelsPaused { agent, channels } => {
                self.desk(at, *agent, Desk::Paused(channels.clone()));
            }
            EventKind::BreaksPlanned { agent, breaks } => self.desk(at, *agent, Desk::Breaks(breaks.clone())),
            EventKind::AgentRemoved { agent } => self.desk(at, *agent, Desk::Removed),
            EventKind::StandingChanged { agent, standing, why: StandingCause::Asked } => {
                self.seen(*agent, at);
                self.desk(at, *agent, Desk::Standing(*standing));
            }
            EventKind::ConversationOpened { .. } => self.opened(at, &event.kind),
            EventKind::MessageReceived { conversation, seq: 1, size, .. } => {
                if let Some(open) = self.open.get(conversation) {
                    self.traffic.matters[open.matter as usize].size = *size;
                }
            }
            EventKind::Queued { conversation, reserved, .. } => self.queued(at, *conversation, *reserved),
            EventKind::OfferMade { conversation, until, decision, .. } => {
                let agent = self.agent(decision.agent);
                if let Some(open) = self.open.get_mut(conversation) {
                    open.offered.push((agent, at, *until > at));
                }
            }
            EventKind::OfferAccepted { conversation, agent, .. } => {
                self.seen(*agent, at);
                self.served(at, *conversation, *agent);
            }
            EventKind::OfferDeclined { conversation, agent, .. } => {
                if let Some((agent, made, _)) = self.offer_over(*conversation, *agent) {
                    self.traffic.agents[agent as usize].declines.push((made, at.since(made).0));
                }
            }
            EventKind::OfferTimedOut { conversation, agent, .. } => {
                if let Some((agent, made, _)) = self.offer_over(*conversation, *agent) {
                    self.absent[agent as usize].get_or_insert(made);
                }
            }
            EventKind::OfferWithdrawn { conversation, agent, .. } => {
                self.offer_over(*conversation, *agent);
            }
            EventKind::Released { conversation, .. } => {
                self.put_down(at, *conversation);
                if let Some(open) = self.open.get_mut(conversation) {
                    open.interrupted = true;
                }
            }
            EventKind::Rerouted { conversation, needs, not, .. } => {
                if let Some(open) = self.open.get_mut(conversation) {
                    open.moves = Some((needs.queue.clone(), not.is_some()));
                    open.interrupted = false;
                }
                self.requeue(*conversation, needs);
            }
            EventKind::Parked { conversation, .. } => {
                self.put_down(at, *conversation);
                if let Some(open) = self.open.get_mut(conversation) {
                    open.parked = Some(at);
                }
            }
            EventKind::Unparked { conversation, agent, .. } => {
                self.unparked(at, *conversation, true);
                self.stint(*conversation, Patience::Beyond(0));
                self.take(*conversation, *agent, at);
            }
            EventKind::Closed { conversation, by, .. } => self.closed(at, *conversation, *by),
            EventKind::Reopened { closed } => {
                let kind = Kind {
                    needs: closed.needs.clone(),
                    priority: closed.priority,
                    language: closed.language.clone(),
                    topics: closed.topics.clone(),
                };
                let matter = self.enter(closed.id, closed.customer, kind, Some(at));
                self.traffic.matters[matter as usize].known = closed.known_agent;
                self.wait(closed.id, at);
            }
            EventKind::WorkspaceCreated
            | EventKind::WorkspaceRemoved
            // Breaks follow from how they are planned, in a replay too.
            | EventKind::BreakNears { .. }
            | EventKind::StandingChanged { .. }
            | EventKind::ContactPointAdded { .. }
            | EventKind::MessageReceived { .. }
            | EventKind::MessageSent { .. }
            | EventKind::StepTaken { .. }
            | EventKind::WrapUpEnded { .. }
            | EventKind::PromisesTold { .. }
            | EventKind::DeliveryReported { .. } => {}
        }
    }

    /// The last event was read.
    #[must_use]
    pub fn end(mut self) -> Traffic {
        let at = self.traffic.span.1;
        let open: Vec<ConversationId> = self.open.keys().copied().collect();
        for conversation in open {
            let cut_short = self.open.get(&conversation).is_some_and(|it| it.held.is_some());
            let matter = self.open.get(&conversation).map(|it| it.matter);
            self.put_down(at, conversation);
            self.waited(conversation, at, Patience::Beyond);
            // What was left of it nobody knows: as much as is usual, whatever was done before.
            if let (true, Some(matter)) = (cut_short, matter)
                && let Some(stint) = self.traffic.matters[matter as usize].stints.last_mut()
            {
                stint.work = f64::NAN;
            }
            self.open.remove(&conversation);
        }
        for (agent, absent) in self.absent.iter().enumerate() {
            if let Some(from) = absent {
                self.traffic.agents[agent].absences.push((*from, Timestamp::NEVER));
            }
        }
        let pieces: Vec<Piece> = self.pieces.iter().map(|(_, _, piece)| *piece).collect();
        self.traffic.speeds = Speeds::of(&pieces);
        self.weigh();
        self.traffic.queues = vec!["".into(); self.queues.len()];
        for (name, number) in self.queues {
            self.traffic.queues[number as usize] = name;
        }
        let waits = &mut self.waits;
        self.traffic.patience = (0..self.traffic.queues.len() as u32)
            .map(|queue| Survival::of(waits.remove(&queue).unwrap_or_default()))
            .collect();
        self.traffic
    }

    /// The work of each stint, as an agent of mean speed would have had it.
    fn weigh(&mut self) {
        let speeds = &self.traffic.speeds;
        for (matter, stint, (agent, queue, work)) in &self.pieces {
            if let Some(stint) = self.traffic.matters[*matter as usize].stints.get_mut(*stint as usize) {
                let whole = work * speeds.speed(*agent, *queue);
                stint.work =
                    if stint.work.is_nan() { whole + speeds.mean(*queue) } else { stint.work + whole };
            }
        }
        for stint in self.traffic.matters.iter_mut().flat_map(|it| &mut it.stints) {
            let known = if stint.work.is_nan() || (stint.work == 0.0 && stint.moved.is_none()) {
                Some(self.traffic.speeds.mean(stint.queue)).filter(|mean| *mean > 0.0).unwrap_or(WORK_UNKNOWN)
            } else {
                stint.work
            };
            stint.work = known.min(WORK_MAX);
        }
    }

    fn install(&mut self, at: Timestamp, document: &Document) {
        // What was in force before anybody came is nobody's policy.
        if self.traffic.matters.is_empty() {
            self.traffic.documents.clear();
            self.pace = Pace::of(document);
        }
        self.traffic.documents.push((at, document.clone()));
    }

    fn agent(&mut self, id: AgentId) -> u32 {
        let next = u32::try_from(self.traffic.agents.len()).unwrap_or(u32::MAX);
        *self.agents.entry(id).or_insert_with(|| {
            let record = AgentRecord { id, answers: Vec::new(), declines: Vec::new(), absences: Vec::new() };
            self.traffic.agents.push(record);
            self.hands.push(Vec::new());
            self.absent.push(None);
            next
        })
    }

    fn desk(&mut self, at: Timestamp, agent: AgentId, desk: Desk) {
        let agent = self.agent(agent);
        self.traffic.desk.push((at, agent, desk));
    }

    /// An agent has given a sign of life.
    fn seen(&mut self, agent: AgentId, at: Timestamp) {
        let agent = self.agent(agent) as usize;
        if let Some(from) = self.absent[agent].take() {
            self.traffic.agents[agent].absences.push((from, at));
        }
    }

    fn queue(&mut self, name: &str) -> u32 {
        if let Some(number) = self.queues.get(name) {
            return *number;
        }
        let next = u32::try_from(self.queues.len()).unwrap_or(u32::MAX);
        self.queues.insert(name.into(), next);
        next
    }

    fn enter(
        &mut self,
        id: ConversationId,
        customer: policy::id::CustomerId,
        kind: Kind,
        came: Option<Timestamp>,
    ) -> u32 {
        let queue = self.queue(&kind.needs.queue);
        let number = match self.kinds.get(&kind) {
            Some(number) => *number,
            None => {
                let next = u32::try_from(self.traffic.kinds.len()).unwrap_or(u32::MAX);
                self.channels.push(self.pace.on(&kind.needs.channel));
                self.traffic.kinds.push(kind.clone());
                self.kinds.insert(kind, next);
                next
            }
        };
        let matter = u32::try_from(self.traffic.matters.len()).unwrap_or(u32::MAX);
        self.traffic.matters.push(Matter {
            id,
            customer,
            kind: number,
            came,
            size: 0,
            known: None,
            holds: Box::default(),
            stints: Vec::with_capacity(1),
        });
        let open = Open {
            matter,
            queue,
            channel: number,
            waits: None,
            offered: Vec::new(),
            held: None,
            parked: None,
            interrupted: false,
            moves: None,
        };
        self.open.insert(id, open);
        matter
    }

    fn opened(&mut self, at: Timestamp, kind: &EventKind) {
        let EventKind::ConversationOpened {
            conversation,
            customer,
            needs,
            priority,
            language,
            topics,
            known_agent,
            holds,
            ..
        } = kind
        else {
            return;
        };
        let kind = Kind {
            needs: needs.clone(),
            priority: *priority,
            language: language.clone(),
            topics: topics.clone(),
        };
        let matter = self.enter(*conversation, *customer, kind, Some(at)) as usize;
        self.traffic.matters[matter].known = *known_agent;
        self.traffic.matters[matter].holds = holds.as_slice().into();
    }
}
