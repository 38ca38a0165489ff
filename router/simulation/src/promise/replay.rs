//! One draw: the present played forward until everybody who waits now was taken up.
//!
//! The copy of the pool chooses; everything else is drawn. Whom a promise is made to may not vanish from the draw: one
//! who loses patience stays in line as a shadow, which takes nobody's time when its turn comes, and tells how long the
//! wait would have been. Newcomers, of whom the estimate is for who comes next, are shadows from the beginning.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use policy::id::{AgentId, ConversationId};
use policy::matching::{Needs, Pool, Standing, Waiting};
use policy::time::{Span, Timestamp};

use super::present::Present;
use crate::random::{Purpose, Stream};

/// Ids of those who are made up, from here on: they come after all others of their age.
const MADE_UP: u128 = u128::MAX << 64;
/// A rule that holds conversations back is asked again after so long.
const LOOK: Span = Span::seconds(5);
/// So many who are held back are asked for at one look.
const LOOKS_MAX: usize = 32;
/// A draw ends here: who waits longer than this is never served as things stand.
const LONGEST: Span = Span::seconds(24 * 3_600);
/// While an agent thinks about an offer, silence grows telling: an acceptance takes this share of its time.
const THINKS: f64 = 0.25;

/// What came of one draw.
#[derive(Debug)]
pub(super) struct Drawn {
    /// Seconds until each who waits was taken up, then for a newcomer of each class; none for who never was.
    pub(super) waits: Vec<Option<f64>>,
    /// How much was done for it.
    pub(super) steps: usize,
}

/// Where one who waits stands.
#[derive(Debug, Clone, Copy)]
struct One {
    class: usize,
    shadow: bool,
    waits: bool,
    since: Timestamp,
}

/// What an agent works at.
#[derive(Debug, Clone, Copy)]
struct Work {
    class: usize,
    agent: usize,
    /// Milliseconds left at full speed.
    left: f64,
    speed: f64,
    since: i64,
    version: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    Done { work: usize, version: u32 },
    Missed { one: usize, agent: usize },
    Accepted { one: usize, agent: usize },
    Leaves { one: usize },
    Arrives { class: usize },
    Step { one: usize, step: usize },
    Freed { class: usize, agent: usize },
    Look,
}

pub(super) struct Replay<'a> {
    present: &'a Present,
    pool: Pool,
    stream: Stream,
    now: i64,
    planned: u64,
    heap: BinaryHeap<Reverse<(i64, u64, What)>>,
    /// Those who wait, one newcomer of each class, and who has come since.
    ones: Vec<One>,
    index: BTreeMap<ConversationId, usize>,
    works: Vec<Work>,
    agents: Vec<AgentId>,
    /// What each agent works at.
    hands: Vec<Vec<usize>>,
    waits: Vec<Option<f64>>,
    open: usize,
    steps: usize,
}

/// Plays one draw of a present, in so many steps at most.
pub(super) fn draw(present: &Present, seed: u64, number: u64, steps_max: usize) -> Drawn {
    let mut replay = Replay::new(present, Stream::new(seed, Purpose::Promise, number));
    replay.begin();
    replay.play(steps_max);
    Drawn { waits: replay.waits, steps: replay.steps }
}

fn ms(seconds: f64) -> i64 {
    (seconds * 1_000.0).round() as i64
}

impl<'a> Replay<'a> {
    fn new(present: &'a Present, stream: Stream) -> Self {
        let mut agents: Vec<AgentId> = present.hands.iter().map(|hand| hand.agent).collect();
        agents.sort_unstable();
        agents.dedup();
        let tracked = present.waiting.len() + present.classes.len();
        Self {
            present,
            pool: present.pool.clone(),
            stream,
            now: present.at.0,
            planned: 0,
            heap: BinaryHeap::with_capacity(2 * tracked + 64),
            ones: Vec::with_capacity(2 * tracked),
            index: BTreeMap::new(),
            works: Vec::with_capacity(2 * tracked + agents.len()),
            hands: vec![Vec::new(); agents.len()],
            agents,
            waits: vec![None; tracked],
            open: 0,
            steps: 0,
        }
    }

    /// Puts everything in its place, and draws what goes on already.
    fn begin(&mut self) {
        let present = self.present;
        for (one, line) in present.waiting.iter().enumerate() {
            self.ones.push(One { class: line.class, shadow: false, waits: true, since: line.waiting.since });
            self.index.insert(line.conversation, one);
            self.may_leave(one);
            for (step, (at, ..)) in line.steps.iter().enumerate() {
                self.plan(at.0.max(self.now), What::Step { one, step });
            }
        }
        // Whom nobody serves is not waited for.
        self.open = present.waiting.iter().filter(|line| present.classes[line.class].online).count();
        let newcomers = self.ones.len();
        for (class, of) in present.classes.iter().enumerate() {
            self.ones.push(One { class, shadow: true, waits: of.online, since: present.at });
            self.open += usize::from(of.online);
        }
        for hand in &present.hands {
            self.resume(hand);
        }
        for agent in 0..self.agents.len() {
            self.set_speeds(agent);
        }
        // Nobody overtakes where all want the same.
        let many = present.classes.len() > 1;
        for class in (0..present.classes.len()).filter(|_| many) {
            self.next_arrival(class);
        }
        self.plan(self.now + LOOK.0, What::Look);
        for (class, of) in present.classes.iter().enumerate().filter(|(_, of)| of.online) {
            self.join(newcomers + class, of.needs.clone());
        }
    }

    fn play(&mut self, steps_max: usize) {
        let last = self.present.at.0 + LONGEST.0;
        while self.open > 0 && self.steps < steps_max {
            let Some(Reverse((at, _, what))) = self.heap.pop() else { break };
            if at > last {
                break;
            }
            self.now = at;
            self.happen(what);
        }
    }

    fn happen(&mut self, what: What) {
        match what {
            What::Done { work, version } => {
                if self.works[work].version == version {
                    self.steps += 1;
                    let Work { class, agent, .. } = self.works[work];
                    self.hands[agent].retain(|held| *held != work);
                    self.set_speeds(agent);
                    let wrap_up = self.present.classes[class].wrap_up;
                    if wrap_up.0 > 0 {
                        self.plan(self.now + wrap_up.0, What::Freed { class, agent });
                    } else {
                        self.put_down(agent, class);
                        self.serve(agent);
                    }
                }
            }
            What::Freed { class, agent } => {
                self.put_down(agent, class);
                self.serve(agent);
            }
            What::Missed { one, agent } => {
                self.put_down(agent, self.ones[one].class);
                self.pool.set_standing(self.agents[agent], Standing::Away, Timestamp(self.now));
                self.rejoin(one);
            }
            What::Accepted { one, agent } => self.take_up(one, agent),
            What::Leaves { one } => self.ones[one].shadow = true,
            What::Arrives { class } => {
                self.steps += 1;
                let one = self.ones.len();
                self.ones.push(One { class, shadow: false, waits: true, since: Timestamp(self.now) });
                let needs = self.present.classes[class].needs.clone();
                if self.join(one, needs) {
                    self.may_leave(one);
                }
                self.next_arrival(class);
            }
            What::Step { one, step } => self.take_step(one, step),
            What::Look => {
                self.steps += 1;
                for conversation in self.pool.held_back(LOOKS_MAX) {
                    self.steps += 1;
                    self.look_for(conversation);
                }
                self.plan(self.now + LOOK.0, What::Look);
            }
        }
    }

    /// What was in hand or offered when the copy was made goes on.
    fn resume(&mut self, hand: &super::present::Hand) {
        let present = self.present;
        let class = &present.classes[hand.class];
        let agent = self.agent(hand.agent);
        let elapsed = present.at.since(hand.since).0 as f64;
        if hand.spare {
            let until = hand.until.unwrap_or(present.at);
            self.plan(until.0.max(self.now), What::Freed { class: hand.class, agent });
            return;
        }
        if let Some(until) = hand.until {
            // The wait of who was offered is over or goes on: a shadow of it is not told.
            let one = self.ones.len();
            self.ones.push(One { class: hand.class, shadow: false, waits: false, since: hand.since });
            self.index.insert(hand.conversation, one);
            let idle = self.pool.freed(hand.agent).map_or(0, |freed| hand.since.since(freed).0) as f64 / 1e3;
            let gone = 1.0 - (-present.missing * idle).exp();
            let silent = (-elapsed / (THINKS * class.offer.0.max(1) as f64)).exp();
            let missed = gone / (gone + (1.0 - gone) * silent).max(1e-9);
            if self.stream.unit() < missed {
                self.plan(until.0.max(self.now), What::Missed { one, agent });
            } else {
                let at = self.now + ms(self.stream.exponential(class.answer_s));
                self.plan(at.min(until.0.max(self.now)), What::Accepted { one, agent });
            }
            return;
        }
        let busy = self.pool.in_hand(hand.agent);
        let done = elapsed * self.pool.pace_pm(&class.needs.channel, busy) as f64 / 1e3;
        let mean = self.pool.work_ms(&class.needs, hand.agent, hand.known);
        // Who handed over to somebody not able, by hand, still works at it.
        let mean = mean.unwrap_or(240_000) as f64 * class.work;
        let left = self.stream.rest(mean, class.cv, done);
        self.begin_work(hand.class, agent, left);
    }

    /// A customer may lose patience before the turn comes.
    fn may_leave(&mut self, one: usize) {
        let leaving = self.present.classes[self.ones[one].class].leaving;
        if leaving > 0.0 {
            let at = self.now + ms(self.stream.exponential(1.0 / leaving));
            self.plan(at, What::Leaves { one });
        }
    }

    fn next_arrival(&mut self, class: usize) {
        let of = &self.present.classes[class];
        if of.rate > 0.0 {
            let at = self.now + ms(self.stream.exponential(1.0 / of.rate));
            if at < of.closes.0 {
                self.plan(at, What::Arrives { class });
            }
        }
    }

    /// Somebody comes into the line; says whether that one has to wait.
    fn join(&mut self, one: usize, needs: Needs) -> bool {
        let conversation = ConversationId::from_bits(MADE_UP + one as u128);
        self.index.insert(conversation, one);
        let waiting = self.made_up(one, conversation, needs);
        self.pool.wait(waiting);
        !self.look_for(conversation)
    }

    /// An offer was missed: back to the old place.
    fn rejoin(&mut self, one: usize) {
        self.ones[one].waits = true;
        let waiting = match self.present.waiting.get(one) {
            Some(line) => line.waiting.clone(),
            None => {
                let found = self.index.iter().find(|(_, of)| **of == one).map(|(id, _)| *id);
                let Some(conversation) = found else { return };
                self.made_up(one, conversation, self.present.classes[self.ones[one].class].needs.clone())
            }
        };
        let conversation = waiting.conversation;
        self.pool.wait(waiting);
        self.look_for(conversation);
    }

    fn made_up(&self, one: usize, conversation: ConversationId, needs: Needs) -> Waiting {
        let One { class, since, .. } = self.ones[one];
        let class = &self.present.classes[class];
        Waiting {
            conversation,
            needs,
            priority: class.priority,
            since,
            passed_over: class.passed_over,
            known_agent: None,
            reserved: None,
            refused: Vec::new(),
            preferred: None,
        }
    }

    /// The queue asks for less from now on, or hands the conversation on.
    fn take_step(&mut self, one: usize, step: usize) {
        if !self.ones[one].waits {
            return;
        }
        let line = &self.present.waiting[one];
        let Some((_, needs, priority)) = line.steps.get(step) else { return };
        let conversation = line.conversation;
        self.pool.leave(conversation);
        self.pool.wait(Waiting { needs: needs.clone(), priority: *priority, ..line.waiting.clone() });
        self.look_for(conversation);
    }

    /// A conversation waits: who is free for it? Says whether there was somebody.
    fn look_for(&mut self, conversation: ConversationId) -> bool {
        let picked = self.pool.pick_agent(conversation, Timestamp(self.now));
        if let Some(agent) = picked {
            self.give(conversation, agent);
        }
        picked.is_some()
    }

    /// An agent has room: what waits for it?
    fn serve(&mut self, agent: usize) {
        let id = self.agents[agent];
        while let Some((conversation, to)) = self.pool.pick_conversation(id, Timestamp(self.now)) {
            self.steps += 1;
            self.give(conversation, to);
        }
    }

    /// A turn has come.
    fn give(&mut self, conversation: ConversationId, to: AgentId) {
        self.pool.leave(conversation);
        let Some(&one) = self.index.get(&conversation) else { return };
        self.ones[one].waits = false;
        let class = &self.present.classes[self.ones[one].class];
        if self.ones[one].shadow {
            let answer = self.stream.exponential(class.answer_s);
            self.note(one, answer);
            return;
        }
        let idle = self.pool.freed(to).map_or(0, |freed| self.now - freed.0) as f64 / 1e3;
        let agent = self.agent(to);
        self.pool.take(to, &class.needs.channel, class.needs.effort, Timestamp(self.now));
        let missed = self.present.missing > 0.0 && class.offer.0 > 0 && {
            self.stream.unit() > (-self.present.missing * idle).exp()
        };
        if missed {
            self.plan(self.now + class.offer.0, What::Missed { one, agent });
        } else if class.answer_s >= 0.5 {
            let at = self.now + ms(self.stream.exponential(class.answer_s));
            self.plan(at, What::Accepted { one, agent });
        } else {
            self.take_up(one, agent);
        }
    }

    /// An agent has it in hand from now on.
    fn take_up(&mut self, one: usize, agent: usize) {
        self.note(one, 0.0);
        let One { class, .. } = self.ones[one];
        let of = &self.present.classes[class];
        let id = self.agents[agent];
        let known = self.present.waiting.get(one).is_some_and(|line| line.waiting.known_agent == Some(id));
        let mean = self.pool.work_ms(&of.needs, id, known).unwrap_or(240_000) as f64 * of.work;
        let work = self.stream.rest(mean, of.cv, 0.0);
        self.begin_work(class, agent, work);
        self.set_speeds(agent);
    }

    /// The wait of one who is tracked is over after so many seconds more.
    fn note(&mut self, one: usize, more: f64) {
        let now = (self.now - self.present.at.0) as f64 / 1e3;
        if let Some(wait @ None) = self.waits.get_mut(one) {
            *wait = Some(now + more);
            self.open = self.open.saturating_sub(1);
        }
    }

    fn begin_work(&mut self, class: usize, agent: usize, left: f64) {
        self.hands[agent].push(self.works.len());
        self.works.push(Work { class, agent, left, speed: 0.0, since: self.now, version: 0 });
    }

    fn put_down(&mut self, agent: usize, class: usize) {
        let needs = &self.present.classes[class].needs;
        self.pool.release(self.agents[agent], &needs.channel, needs.effort, Timestamp(self.now));
    }

    /// Works off what was done at the old speeds and plans the ends anew.
    fn set_speeds(&mut self, agent: usize) {
        let busy =
            self.hands[agent].iter().filter(|work| !self.present.classes[self.works[**work].class].beside);
        let busy = u32::try_from(busy.count()).unwrap_or(u32::MAX);
        for at in 0..self.hands[agent].len() {
            let index = self.hands[agent][at];
            let work = &mut self.works[index];
            let of = &self.present.classes[work.class];
            let speed = self.pool.pace_pm(&of.needs.channel, busy) as f64 / 1e3;
            if speed == work.speed {
                continue;
            }
            work.left = (work.left - work.speed * (self.now - work.since) as f64).max(0.0);
            (work.since, work.speed) = (self.now, speed);
            work.version += 1;
            let (end, version) = (self.now + (work.left / speed).round() as i64, work.version);
            self.plan(end, What::Done { work: index, version });
        }
    }

    /// The number of an agent.
    fn agent(&mut self, id: AgentId) -> usize {
        if let Some(known) = self.agents.iter().position(|agent| *agent == id) {
            return known;
        }
        self.agents.push(id);
        self.hands.push(Vec::new());
        self.agents.len() - 1
    }

    fn plan(&mut self, at: i64, what: What) {
        self.planned += 1;
        self.heap.push(Reverse((at, self.planned, what)));
    }
}
