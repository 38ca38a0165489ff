//! The world around the engine: customers who come, lose patience and come back, agents who answer, work and walk off. It
//! speaks to the engine by its public commands alone and learns from its events alone.

pub mod asked;
mod desk;
mod due;
mod fault;
mod first;
mod ids;
mod opening;

use std::collections::BinaryHeap;

use engine::{Actor, Command, CommandKind, Engine, Event, EventKind, Rejection};
use policy::document::Document;
use policy::id::{
    AgentId, CommandId, ContactPointId, ConversationId, CustomerId, MessageId, OfferId, WorkspaceId,
};
use policy::matching::Standing;
use policy::time::Timestamp;

use crate::arrivals::{self, Fate};
use crate::random::{Purpose, Stream};
use crate::scenario::Scenario;
use asked::Asking;
use desk::{Desk, Share, base_speed, solving};
use due::{Due, What};
pub use fault::Fault;
use first::messages;
use ids::{agent_id, agent_of, contact_of, conversation_id};

const WORKSPACE: WorkspaceId = WorkspaceId::from_bits(1);
/// The first millisecond of every simulation, in the time of the engine.
const EPOCH: i64 = 1_800_000_000_000;
/// Who would walk off with a conversation in hand thinks of it again after this. The suite says that agents leave only
/// between conversations, not how soon; `docs/policy.md` says what another answer would change.
const PUT_OFF: i64 = 60_000;
/// Who still waits so long after the last arrival is never served.
const DRAIN_MAX: i64 = 30 * 86_400_000;
/// The engine may ask to be woken so often at one moment.
const WAKES_MAX: u32 = 1_000_000;

/// One contact, as it went.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Contact {
    /// Its matter.
    pub matter: usize,
    /// Its class.
    pub class: usize,
    /// When it came, in milliseconds.
    pub arrived: i64,
    /// Milliseconds in the queue, until an agent took it or the customer left.
    pub waited: i64,
    /// Milliseconds in hand.
    pub handled: i64,
    /// Who handled it; none: the customer left.
    pub agent: Option<usize>,
    /// Whether the matter was solved.
    pub solved: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Waiting,
    Held,
    Ended,
}

/// A contact that goes on.
#[derive(Debug)]
struct Live {
    fate: Fate,
    phase: Phase,
    agent: usize,
    accepted: i64,
    /// Work left in milliseconds at speed 1, as it stood at `since`.
    left: f64,
    base: f64,
    speed: f64,
    since: i64,
    /// Grows whenever the end is set anew.
    version: u32,
}

/// Hears every event of a run.
pub type Hears<'a> = &'a mut dyn FnMut(&Event);

struct World<'a> {
    scenario: &'a Scenario,
    hears: Option<Hears<'a>>,
    seed: u64,
    engine: Engine,
    now: i64,
    sequence: u64,
    commands: u128,
    heap: BinaryHeap<Due>,
    lives: Vec<Live>,
    contacts: Vec<Contact>,
    desks: Vec<Desk>,
    /// One message a class, made once and filled in for each arrival.
    messages: Vec<Command>,
    events: Vec<Event>,
    /// Offers that a present agent is about to accept.
    offers: Vec<(OfferId, usize, usize)>,
    /// Agents whose speeds must be looked at.
    touched: Vec<usize>,
    later: Vec<Fate>,
    /// Who is asked for promises, and what was said.
    asking: Option<Asking<'a>>,
    /// Contacts in queue or in hand, and those to come back.
    open: usize,
    to_come: usize,
}

/// Plays the fates under a document until everybody is served or gone; gives all contacts in the order of arrival.
///
/// # Errors
/// A [`Fault`]: the figures would mean nothing.
pub fn run(
    scenario: &Scenario,
    document: &Document,
    fates: &[Fate],
    seed: u64,
    oracle: bool,
) -> Result<Vec<Contact>, Fault> {
    let mut world = World::new(scenario, seed, fates.len());
    world.open_for_work(document, oracle)?;
    world.play(fates)?;
    Ok(world.contacts)
}

/// The same, and every event is heard in its order: what a server would have recorded of such a world.
///
/// # Errors
/// As [`run`].
pub fn record<'a>(
    scenario: &'a Scenario,
    document: &Document,
    fates: &[Fate],
    seed: u64,
    hears: Hears<'a>,
) -> Result<WorkspaceId, Fault> {
    let mut world = World::new(scenario, seed, fates.len());
    world.hears = Some(hears);
    world.open_for_work(document, false)?;
    world.play(fates)?;
    Ok(WORKSPACE)
}

/// How an agent ends a conversation, and what comes out of it.
fn closing(agent: AgentId, conversation: ConversationId, solved: bool) -> CommandKind {
    CommandKind::Close { by: Actor::Agent(agent), conversation, solved: Some(solved) }
}

impl<'a> World<'a> {
    fn new(scenario: &'a Scenario, seed: u64, arrivals: usize) -> Self {
        let expected = arrivals + arrivals / 4;
        Self {
            scenario,
            hears: None,
            seed,
            engine: Engine::new(),
            now: 0,
            sequence: 0,
            commands: 0,
            heap: BinaryHeap::with_capacity(1_024),
            lives: Vec::with_capacity(expected),
            contacts: Vec::with_capacity(expected),
            desks: (0..scenario.agents.len())
                .map(|agent| Desk::new(Stream::new(seed, Purpose::Presence, agent as u64)))
                .collect(),
            messages: messages(scenario),
            events: Vec::with_capacity(64),
            offers: Vec::with_capacity(8),
            touched: Vec::with_capacity(8),
            later: Vec::new(),
            asking: None,
            open: 0,
            to_come: 0,
        }
    }

    /// The heap loop. At one moment what was planned goes before who arrives, and both before what the engine wants.
    fn play(&mut self, fates: &[Fate]) -> Result<(), Fault> {
        let mut next = 0;
        let last = fates.last().map_or(0, |fate| fate.at);
        let (mut wakes, mut woken) = (0, -1);
        while next < fates.len() || self.open > 0 || self.to_come > 0 {
            let arrival = fates.get(next).map_or(i64::MAX, |fate| fate.at);
            let planned = self.heap.peek().map_or(i64::MAX, |due| due.at);
            let wanted = self.engine.next_deadline().map_or(i64::MAX, |at| at.0 - EPOCH);
            let at = arrival.min(planned).min(wanted);
            if at > last.saturating_add(DRAIN_MAX) {
                return Err(Fault::Unserved { scenario: self.scenario.name.clone(), waiting: self.open });
            }
            self.now = at.max(self.now);
            if planned == at {
                if let Some(due) = self.heap.pop() {
                    self.happen(due.what)?;
                }
            } else if arrival == at {
                self.arrive(&fates[next])?;
                next += 1;
            } else {
                wakes = if woken == at { wakes + 1 } else { 0 };
                woken = at;
                if wakes > WAKES_MAX {
                    return Err(Fault::Restless { scenario: self.scenario.name.clone() });
                }
                self.ask("a tick", CommandKind::Tick)?;
            }
            self.settle()?;
        }
        Ok(())
    }

    fn happen(&mut self, what: What) -> Result<(), Fault> {
        match what {
            What::Done { contact, version } => self.finish(contact, version),
            What::Leaves { contact } => self.leave(contact),
            What::Again { index } => {
                self.to_come -= 1;
                let fate = self.later[index].clone();
                self.arrive(&fate)
            }
            What::Break { agent } => {
                if self.desks[agent].is_idle() {
                    self.walk_off(agent);
                } else {
                    self.plan(self.now + PUT_OFF, What::Break { agent });
                }
                Ok(())
            }
            What::Back { agent } => self.come_back(agent),
        }
    }

    fn arrive(&mut self, fate: &Fate) -> Result<(), Fault> {
        let contact = self.lives.len();
        self.open += 1;
        let patience = fate.leaves.filter(|_| !self.is_probe(contact));
        if let Some(at) = patience {
            self.plan(at, What::Leaves { contact });
        }
        self.contacts.push(Contact {
            matter: fate.matter,
            class: fate.class,
            arrived: self.now,
            waited: 0,
            handled: 0,
            agent: None,
            solved: false,
        });
        self.lives.push(Live {
            fate: fate.clone(),
            phase: Phase::Waiting,
            agent: 0,
            accepted: 0,
            left: fate.work,
            base: 1.0,
            speed: 0.0,
            since: 0,
            version: 0,
        });
        self.commands += 1;
        let command = &mut self.messages[fate.class];
        command.id = CommandId::from_bits(self.commands);
        if let CommandKind::ReceiveMessage { customer, contact_point, new, message, known_agent, .. } =
            &mut command.kind
        {
            *customer = CustomerId::from_bits(fate.matter as u128 + 1);
            *contact_point = ContactPointId::from_bits(fate.matter as u128 + 1);
            *new = conversation_id(contact);
            *message = MessageId::from_bits(self.commands);
            *known_agent = fate.known.map(agent_id);
        }
        let done = self.engine.handle(Timestamp(EPOCH + self.now), command, &mut self.events);
        self.heard("a message", done)?;
        self.ask_promise(contact)
    }

    /// The customer's patience ends in the queue.
    fn leave(&mut self, contact: usize) -> Result<(), Fault> {
        let live = &mut self.lives[contact];
        if live.phase != Phase::Waiting {
            return Ok(());
        }
        live.phase = Phase::Ended;
        let customer = CustomerId::from_bits(live.fate.matter as u128 + 1);
        self.contacts[contact].waited = self.now - self.contacts[contact].arrived;
        self.open -= 1;
        let conversation = conversation_id(contact);
        self.ask(
            "a customer to leave",
            CommandKind::Close { by: Actor::Customer(customer), conversation, solved: None },
        )?;
        self.engine.take_ended(WORKSPACE);
        Ok(())
    }

    /// The work is done.
    fn finish(&mut self, contact: usize, version: u32) -> Result<(), Fault> {
        let live = &mut self.lives[contact];
        if live.version != version || live.phase != Phase::Held {
            return Ok(());
        }
        live.phase = Phase::Ended;
        let (agent, class, accepted) = (live.agent, live.fate.class, live.accepted);
        let known = live.fate.known == Some(agent);
        let chance = solving(self.scenario, agent, class, known);
        let solved = live.fate.solve < chance;
        if !solved && let Some(fate) = arrivals::again(self.scenario, self.seed, &live.fate, agent, self.now)
        {
            let (at, index) = (fate.at, self.later.len());
            self.later.push(fate);
            self.to_come += 1;
            self.plan(at, What::Again { index });
        }
        self.open -= 1;
        let record = &mut self.contacts[contact];
        record.handled = self.now - accepted;
        record.solved = solved;
        let channel = self.scenario.classes[class].channel;
        self.desks[agent].put_down(contact, channel);
        self.touched.push(agent);
        self.ask("an agent to close", closing(agent_id(agent), conversation_id(contact), solved))?;
        self.engine.take_ended(WORKSPACE);
        Ok(())
    }

    fn plan(&mut self, at: i64, what: What) {
        self.sequence += 1;
        self.heap.push(Due { at, sequence: self.sequence, what });
    }

    fn plan_break(&mut self, agent: usize) {
        if let Some([present, _]) = self.scenario.agent_present_away_s {
            let at = self.now + self.desks[agent].draw(present);
            self.plan(at, What::Break { agent });
        }
    }

    /// The agent goes, and nobody is told.
    fn walk_off(&mut self, agent: usize) {
        let Some([_, away]) = self.scenario.agent_present_away_s else { return };
        let desk = &mut self.desks[agent];
        desk.present = false;
        let at = self.now + desk.draw(away);
        self.plan(at, What::Back { agent });
    }

    /// The agent is back: takes what was offered meanwhile, and comes online where the engine saw the absence.
    fn come_back(&mut self, agent: usize) -> Result<(), Fault> {
        self.desks[agent].present = true;
        self.plan_break(agent);
        let missed = std::mem::take(&mut self.desks[agent].offered);
        self.offers.extend(missed.into_iter().map(|(contact, offer)| (offer, contact, agent)));
        if std::mem::take(&mut self.desks[agent].seen_away) {
            let (agent, standing) = (agent_id(agent), Standing::Online);
            self.ask("an agent to be back", CommandKind::SetStanding { agent, standing })?;
        }
        Ok(())
    }

    /// Takes the offers that stand, and sets speeds anew where hands have changed.
    fn settle(&mut self) -> Result<(), Fault> {
        while let Some((offer, _, agent)) = self.offers.pop() {
            let agent = agent_id(agent);
            self.ask("an agent to accept", CommandKind::AcceptOffer { agent, offer })?;
        }
        while let Some(agent) = self.touched.pop() {
            self.set_speeds(agent);
        }
        Ok(())
    }

    fn ask(&mut self, what: &'static str, kind: CommandKind) -> Result<(), Fault> {
        self.commands += 1;
        let command = Command { id: CommandId::from_bits(self.commands), workspace: WORKSPACE, kind };
        let done = self.engine.handle(Timestamp(EPOCH + self.now), &command, &mut self.events);
        self.heard(what, done)
    }

    fn heard(&mut self, what: &'static str, done: Result<(), Rejection>) -> Result<(), Fault> {
        done.map_err(|rejection| Fault::Refused { scenario: self.scenario.name.clone(), what, rejection })?;
        let mut events = std::mem::take(&mut self.events);
        for event in &events {
            if let Some(hears) = &mut self.hears {
                hears(event);
            }
            self.see(&event.kind);
        }
        events.clear();
        self.events = events;
        Ok(())
    }

    fn see(&mut self, kind: &EventKind) {
        match kind {
            EventKind::OfferMade { conversation, offer, decision, .. } => {
                let (contact, agent) = (contact_of(*conversation), agent_of(decision.agent));
                if self.desks[agent].present {
                    self.offers.push((*offer, contact, agent));
                } else {
                    self.desks[agent].offered.push((contact, *offer));
                }
            }
            EventKind::OfferAccepted { conversation, offer, agent, .. } => {
                self.offers.retain(|(standing, ..)| standing != offer);
                self.take_up(contact_of(*conversation), agent_of(*agent));
            }
            EventKind::OfferTimedOut { offer, agent, .. }
            | EventKind::OfferWithdrawn { offer, agent, .. }
            | EventKind::OfferDeclined { offer, agent, .. } => {
                self.offers.retain(|(standing, ..)| standing != offer);
                self.desks[agent_of(*agent)].offered.retain(|(_, standing)| standing != offer);
            }
            EventKind::StandingChanged { agent, standing: Standing::Away, .. } => {
                self.desks[agent_of(*agent)].seen_away = true;
            }
            _ => {}
        }
    }

    /// An agent has a contact in hand from now on.
    fn take_up(&mut self, contact: usize, agent: usize) {
        let live = &mut self.lives[contact];
        let class = live.fate.class;
        live.phase = Phase::Held;
        live.agent = agent;
        live.accepted = self.now;
        live.since = self.now;
        live.base = base_speed(self.scenario, agent, class, live.fate.known == Some(agent));
        let record = &mut self.contacts[contact];
        record.waited = self.now - record.arrived;
        record.agent = Some(agent);
        self.serves(contact);
        self.desks[agent].take_up(contact, self.scenario.classes[class].channel);
        self.touched.push(agent);
    }

    /// Works off what was done at the old speeds and plans the ends anew.
    fn set_speeds(&mut self, agent: usize) {
        let share = Share::of(self.scenario, &self.desks[agent]);
        for index in 0..self.desks[agent].in_hand.len() {
            let contact = self.desks[agent].in_hand[index];
            let live = &mut self.lives[contact];
            let speed = live.base * share.on(self.scenario.classes[live.fate.class].channel);
            if speed == live.speed {
                continue;
            }
            live.left = (live.left - live.speed * (self.now - live.since) as f64).max(0.0);
            live.since = self.now;
            live.speed = speed;
            live.version += 1;
            if speed > 0.0 {
                let (at, version) = (self.now + (live.left / speed).round() as i64, live.version);
                self.plan(at, What::Done { contact, version });
            }
        }
    }
}
