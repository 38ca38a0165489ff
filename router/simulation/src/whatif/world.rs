//! A replay of recorded traffic under a plan: the engine decides anew, everything else goes as it was recorded or, where the
//! recording cannot know, as it is drawn. The same draw under two plans draws the same.

mod course;
mod hear;

use std::collections::{BTreeMap, BinaryHeap};

use engine::{Actor, Command, CommandKind, Engine, Event};
use policy::id::{
    AgentId, CommandId, ContactPointId, ConversationId, CustomerId, MessageId, OfferId, WorkspaceId,
};
use policy::matching::Standing;
use policy::time::Timestamp;

use super::desk::Place;
use super::pace::{ChannelPace, Pace};
use super::plan::{DRAIN_MS, Plan};
use super::tally::Tally;
use super::traffic::{Desk, Matter, Stint, Traffic};
use crate::random::{Purpose, Stream};

/// Marks the ids of conversations that come during a replay; no uuid of this age has its first bit set.
const CAME: u128 = 1 << 127;
/// The engine may ask to be woken so often at one moment.
const WAKES_MAX: u32 = 1_000_000;
/// Draws of one conversation are told apart by its number times this.
const DRAWS_EACH: u64 = 64;

/// The engine wakes and wakes and time stands still.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the engine asks to be woken at the same moment for ever: the replay was given up")]
pub struct Restless;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Not come yet.
    Ahead,
    Waiting,
    Held,
    Parked,
    Ended,
}

/// A conversation as it goes in this replay.
#[derive(Debug, Clone)]
struct Live {
    phase: Phase,
    stint: u16,
    /// Waits so far, which tells draws apart.
    spell: u16,
    offers: u16,
    offered: Vec<OfferId>,
    agent: u32,
    /// Since when it waits.
    since: i64,
    waited: i64,
    /// Work left at full speed, as it stood at `worked`; none before the stint begins.
    left: Option<f64>,
    worked: i64,
    speed: f64,
    version: u32,
}

/// Something planned: the earliest first, ties by the order of planning.
type Due = std::cmp::Reverse<(i64, u64, What)>;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    /// The work of a stint is done.
    Done { matter: u32, version: u32 },
    /// A customer's patience ends.
    Leaves { matter: u32, spell: u16 },
    /// Somebody moves it on.
    Moved { matter: u32, spell: u16 },
    /// An agent answers an offer.
    Answers { matter: u32, agent: u32, offer: OfferId, declines: bool },
    /// Its agent takes up what was set aside.
    TakenUp { matter: u32, agent: u32 },
}

/// The replay.
pub(super) struct World<'a> {
    traffic: &'a Traffic,
    plan: &'a Plan,
    draw: u64,
    engine: Engine,
    workspace: WorkspaceId,
    now: i64,
    commands: u128,
    sequence: u64,
    heap: BinaryHeap<Due>,
    lives: Vec<Live>,
    /// Conversations that were there at the beginning.
    known: BTreeMap<ConversationId, u32>,
    /// Ids of agents, in order, with their numbers.
    numbers: Vec<(AgentId, u32)>,
    places: Vec<Place>,
    channels: Vec<ChannelPace>,
    messages: Vec<Command>,
    /// Who served a customer last, in this replay.
    last: BTreeMap<CustomerId, AgentId>,
    events: Vec<Event>,
    touched: Vec<u32>,
    tally: Tally,
    open: usize,
}

/// Replays the traffic under a plan, with what is not known drawn by this number.
pub(super) fn replay(traffic: &Traffic, plan: &Plan, draw: u64, tally: Tally) -> Result<Tally, Restless> {
    let mut world = World::new(traffic, plan, draw, tally);
    world.take_over();
    world.play()?;
    Ok(world.end())
}

impl<'a> World<'a> {
    fn new(traffic: &'a Traffic, plan: &'a Plan, draw: u64, tally: Tally) -> Self {
        let pace = Pace::of(&traffic.documents[0].1);
        let mut numbers: Vec<(AgentId, u32)> = plan.agents.iter().copied().zip(0..).collect();
        numbers.sort_unstable();
        let live = Live {
            phase: Phase::Ahead,
            stint: 0,
            spell: 0,
            offers: 0,
            offered: Vec::new(),
            agent: 0,
            since: 0,
            waited: 0,
            left: None,
            worked: 0,
            speed: 0.0,
            version: 0,
        };
        Self {
            traffic,
            plan,
            draw,
            engine: plan.start.clone(),
            workspace: traffic.workspace,
            now: traffic.span.0.0,
            commands: 0,
            sequence: 0,
            heap: BinaryHeap::with_capacity(1_024),
            lives: vec![live; traffic.matters.len()],
            known: BTreeMap::new(),
            numbers,
            places: plan.agents.iter().map(|_| Place::default()).collect(),
            channels: traffic.kinds.iter().map(|kind| pace.on(&kind.needs.channel)).collect(),
            messages: messages(traffic),
            last: BTreeMap::new(),
            events: Vec::with_capacity(64),
            touched: Vec::with_capacity(8),
            tally,
            open: 0,
        }
    }

    /// Conversations and agents that are there at the beginning.
    fn take_over(&mut self) {
        let Some(state) = self.engine.workspace(self.workspace) else { return };
        let mut at_hand = Vec::new();
        for (number, matter) in (0u32..).zip(&self.traffic.matters).take_while(|(_, it)| it.came.is_none()) {
            if let Some(it) = state.conversations.get(&matter.id) {
                at_hand.push((number, matter.id, it.phase));
            }
        }
        let standings: Vec<_> = state
            .agents
            .keys()
            .filter_map(|id| Some((*id, state.pool.standing(*id)?, state.pool.room(*id)?.capacity)))
            .collect();
        for (id, standing, capacity) in standings {
            if let Some(agent) = self.number(id) {
                self.places[agent as usize].capacity = capacity;
                self.places[agent as usize].stands(self.now, standing);
            }
        }
        for (number, id, phase) in at_hand {
            self.known.insert(id, number);
            self.open += 1;
            match phase {
                engine::state::Phase::Waiting { .. } => self.waits(number),
                engine::state::Phase::Offered { offer, agent, .. } => {
                    self.waits(number);
                    if let Some(agent) = self.number(agent) {
                        self.offered(number, offer, agent);
                    }
                }
                engine::state::Phase::Assigned { agent } => {
                    if let Some(agent) = self.number(agent) {
                        self.taken(number, agent);
                    }
                }
                engine::state::Phase::Parked { .. } => self.lives[number as usize].phase = Phase::Parked,
            }
        }
    }

    fn play(&mut self) -> Result<(), Restless> {
        let traffic = self.traffic;
        let first = traffic.matters.partition_point(|it| it.came.is_none());
        let mut coming = (0u32..).zip(&traffic.matters).skip(first).peekable();
        let mut desk = self.plan.desk.iter().peekable();
        let mut installs = self.plan.installs.iter().peekable();
        let last = traffic.span.1.0.saturating_add(DRAIN_MS);
        let (mut wakes, mut woken) = (0, i64::MIN);
        loop {
            let comes = coming.peek().map_or(i64::MAX, |(_, it)| it.came.map_or(i64::MAX, |at| at.0));
            let acts = desk.peek().map_or(i64::MAX, |(at, ..)| at.0);
            let installed = installs.peek().map_or(i64::MAX, |(at, _)| at.0);
            let planned = self.heap.peek().map_or(i64::MAX, |due| due.0.0);
            let wanted = self.engine.next_deadline().map_or(i64::MAX, |at| at.0);
            let at = comes.min(acts).min(installed).min(planned).min(wanted);
            if at > last || (comes == i64::MAX && self.open == 0) {
                return Ok(());
            }
            self.now = at.max(self.now);
            if installed == at {
                if let Some((_, document)) = installs.next() {
                    let version = self.engine.workspace(self.workspace).map_or(1, |it| it.policy_version + 1);
                    self.ask(CommandKind::InstallPolicy { version, document: Box::new(document.clone()) });
                }
            } else if acts == at {
                if let Some((_, agent, what)) = desk.next() {
                    self.acts(*agent, what);
                }
            } else if planned == at {
                if let Some(std::cmp::Reverse((.., what))) = self.heap.pop() {
                    self.happens(what);
                }
            } else if comes == at {
                if let Some((number, matter)) = coming.next() {
                    self.comes(number, matter);
                }
            } else {
                wakes = if woken == at { wakes + 1 } else { 0 };
                woken = at;
                if wakes > WAKES_MAX {
                    return Err(Restless);
                }
                self.ask(CommandKind::Tick);
            }
            while let Some(agent) = self.touched.pop() {
                self.set_speeds(agent);
            }
        }
    }

    /// Whoever is still there is counted as not served.
    fn end(mut self) -> Tally {
        for number in 0..self.lives.len() {
            let live = &self.lives[number];
            if live.phase == Phase::Waiting {
                let waited = live.waited + (self.now - live.since).max(0);
                self.tally.unserved(number, waited);
            }
        }
        for (agent, place) in self.places.iter_mut().enumerate() {
            place.until(self.now);
            self.tally.load(agent, place);
        }
        self.tally
    }

    fn acts(&mut self, agent: u32, what: &Desk) {
        let id = self.plan.agents[agent as usize];
        let place = &mut self.places[agent as usize];
        match what {
            Desk::Put(profile, bot) => {
                place.capacity = profile.capacity;
                let (profile, bot) = (profile.clone(), *bot);
                self.ask(CommandKind::PutAgent { agent: id, name: "".into(), bot, profile });
            }
            Desk::Paused(channels) => {
                self.ask(CommandKind::PauseChannels { agent: id, channels: channels.clone() });
            }
            Desk::Breaks(breaks) => {
                self.ask(CommandKind::PlanBreaks { agent: id, breaks: breaks.clone() });
            }
            Desk::Removed => {
                place.stands(self.now, Standing::Offline);
                self.ask(CommandKind::RemoveAgent { agent: id });
            }
            Desk::Standing(standing) => {
                place.missed = false;
                place.stands(self.now, *standing);
                self.ask(CommandKind::SetStanding { agent: id, standing: *standing });
            }
        }
    }

    fn happens(&mut self, what: What) {
        match what {
            What::Done { matter, version } => {
                let live = &self.lives[matter as usize];
                if live.version == version && live.phase == Phase::Held {
                    self.done(matter);
                }
            }
            What::Leaves { matter, spell } => {
                let live = &self.lives[matter as usize];
                if live.spell == spell && live.phase == Phase::Waiting {
                    let waited = live.waited + self.now - live.since;
                    self.tally.left(matter as usize, waited);
                    self.close(matter);
                }
            }
            What::Moved { matter, spell } => {
                let live = &self.lives[matter as usize];
                if live.spell == spell && live.phase == Phase::Waiting {
                    let then = self.stint(matter).map(|it| it.then.clone());
                    self.next_stint(matter);
                    self.onward(matter, AgentId::from_bits(0), then.as_ref());
                }
            }
            What::Answers { matter, agent, offer, declines } => self.answers(matter, agent, offer, declines),
            What::TakenUp { matter, agent } => {
                if self.lives[matter as usize].phase == Phase::Parked {
                    let (agent, conversation) = (self.plan.agents[agent as usize], self.id(matter));
                    if !self.ask(CommandKind::Unpark { agent, conversation }) {
                        self.close(matter);
                    }
                }
            }
        }
    }

    fn comes(&mut self, number: u32, matter: &Matter) {
        self.open += 1;
        self.commands += 1;
        let id = CAME | u128::from(number);
        let known = matter.known.map(|known| self.last.get(&matter.customer).copied().unwrap_or(known));
        let command = &mut self.messages[matter.kind as usize];
        command.id = CommandId::from_bits(self.commands);
        if let CommandKind::ReceiveMessage {
            customer,
            contact_point,
            new,
            message,
            known_agent,
            holds,
            size,
            ..
        } = &mut command.kind
        {
            // A customer of one's own each: here nobody's next matter meets the last one still open.
            *customer = CustomerId::from_bits(id);
            *contact_point = ContactPointId::from_bits(id);
            *new = ConversationId::from_bits(id);
            *message = MessageId::from_bits(id);
            *size = matter.size;
            *known_agent = known;
            holds.clear();
            let answered = self.plan.holds.as_ref().map(|all| &all[number as usize]);
            holds.extend_from_slice(answered.unwrap_or(&matter.holds));
        }
        let done = self.engine.handle(Timestamp(self.now), command, &mut self.events);
        self.heard();
        if done.is_err() {
            // The line is full.
            self.tally.left(number as usize, 0);
            self.lives[number as usize].phase = Phase::Ended;
            self.open -= 1;
        }
    }

    fn close(&mut self, matter: u32) {
        let (conversation, by) = (self.id(matter), Actor::Supervisor(AgentId::from_bits(0)));
        self.ask(CommandKind::Close { by, conversation, solved: None });
        if self.lives[matter as usize].phase != Phase::Ended {
            self.ended(matter);
        }
    }

    fn answers(&mut self, matter: u32, agent: u32, offer: OfferId, declines: bool) {
        let stands = self.lives[matter as usize].offered.contains(&offer);
        let id = self.plan.agents[agent as usize];
        match (stands, declines) {
            (true, true) => drop(self.ask(CommandKind::DeclineOffer { agent: id, offer })),
            (true, false) => drop(self.ask(CommandKind::AcceptOffer { agent: id, offer })),
            // Came to the desk too late for it, and is back.
            (false, _) => {
                let place = &mut self.places[agent as usize];
                if place.late == Some(offer) {
                    place.late = None;
                    if std::mem::take(&mut place.missed) {
                        self.acts(agent, &Desk::Standing(Standing::Online));
                    }
                }
            }
        }
    }

    /// Asks the engine; says whether it did it.
    fn ask(&mut self, kind: CommandKind) -> bool {
        self.commands += 1;
        let command = Command { id: CommandId::from_bits(self.commands), workspace: self.workspace, kind };
        let done = self.engine.handle(Timestamp(self.now), &command, &mut self.events);
        self.heard();
        done.is_ok()
    }

    fn heard(&mut self) {
        let mut events = std::mem::take(&mut self.events);
        for event in &events {
            self.see(&event.kind);
        }
        events.clear();
        self.events = events;
        self.engine.take_ended(self.workspace);
    }

    fn due(&mut self, at: i64, what: What) {
        self.sequence += 1;
        self.heap.push(std::cmp::Reverse((at, self.sequence, what)));
    }

    fn stint(&self, matter: u32) -> Option<&'a Stint> {
        let stints = &self.traffic.matters[matter as usize].stints;
        // Beyond what was recorded it is as the last time.
        stints.get(usize::from(self.lives[matter as usize].stint)).or(stints.last())
    }

    fn stream(&self, purpose: Purpose, matter: u32, turn: u16) -> Stream {
        let thing = u64::from(matter) * DRAWS_EACH + u64::from(turn) % DRAWS_EACH;
        Stream::new(self.draw, purpose, thing)
    }

    fn id(&self, matter: u32) -> ConversationId {
        let of = &self.traffic.matters[matter as usize];
        if of.came.is_some() { ConversationId::from_bits(CAME | u128::from(matter)) } else { of.id }
    }

    fn matter(&self, id: ConversationId) -> Option<u32> {
        if id.bits() & CAME != 0 {
            u32::try_from(id.bits() & !CAME).ok()
        } else {
            self.known.get(&id).copied()
        }
    }

    fn number(&self, id: AgentId) -> Option<u32> {
        let at = self.numbers.binary_search_by_key(&id, |(id, _)| *id).ok()?;
        Some(self.numbers[at].1)
    }
}

/// The first message of each kind of arrival; who wrote it is filled in for each conversation.
fn messages(traffic: &Traffic) -> Vec<Command> {
    let of = |kind: &super::traffic::Kind| Command {
        id: CommandId::from_bits(0),
        workspace: traffic.workspace,
        kind: CommandKind::ReceiveMessage {
            customer: CustomerId::from_bits(0),
            contact_point: ContactPointId::from_bits(0),
            channel: kind.needs.channel.clone(),
            to: None,
            new: ConversationId::from_bits(0),
            message: MessageId::from_bits(0),
            size: 0,
            language: kind.language.clone(),
            topics: kind.topics.clone(),
            known_agent: None,
            holds: Vec::new(),
        },
    };
    traffic.kinds.iter().map(of).collect()
}
