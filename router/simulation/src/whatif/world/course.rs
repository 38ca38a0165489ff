//! The course of one conversation in a replay: waiting, offered, in hand, handed over.

use engine::{Actor, CommandKind, HandOver};
use policy::id::{AgentId, OfferId};
use policy::matching::{AgentProfile, Needs};
use policy::time::Timestamp;

use super::super::traffic::{Patience, Then};
use super::{Phase, What, World};
use crate::random::Purpose;

impl World<'_> {
    /// The work of a stint is done.
    pub(super) fn done(&mut self, matter: u32) {
        let live = &self.lives[matter as usize];
        let holder = self.plan.agents[live.agent as usize];
        let then = self.stint(matter).map(|it| it.then.clone());
        let agent = live.agent;
        self.next_stint(matter);
        match &then {
            Some(Then::Park(after, unparked)) => {
                let conversation = self.id(matter);
                let back = self.now.saturating_add(*after);
                let until = (!unparked).then_some(Timestamp(back));
                if *unparked {
                    self.due(back, What::TakenUp { matter, agent });
                }
                if !self.ask(CommandKind::Park { agent: holder, conversation, until }) {
                    self.close(matter);
                }
            }
            then => self.onward(matter, holder, then.as_ref()),
        }
    }

    /// It is handed over, or ended.
    pub(super) fn onward(&mut self, matter: u32, holder: AgentId, then: Option<&Then>) {
        let conversation = self.id(matter);
        let (to, by) = match then {
            Some(Then::Queue(queue, true)) => (HandOver::Queue(queue.clone()), Actor::Agent(holder)),
            Some(Then::Queue(queue, false)) => (HandOver::Queue(queue.clone()), Actor::Supervisor(holder)),
            Some(Then::Agent(agent)) => (HandOver::Agent(*agent), Actor::Supervisor(holder)),
            Some(Then::Close | Then::Park(..)) | None => return self.close(matter),
        };
        if self.ask(CommandKind::Transfer { by, conversation, to }) {
            return;
        }
        // That queue or agent is not there under this plan: it goes on in its own queue.
        let own = self
            .engine
            .workspace(self.workspace)
            .and_then(|it| Some(it.conversations.get(&conversation)?.needs.queue.clone()));
        let moved = own.is_some_and(|queue| {
            let to = HandOver::Queue(queue);
            self.ask(CommandKind::Transfer { by: Actor::Supervisor(holder), conversation, to })
        });
        if !moved {
            self.tally.lost(matter as usize);
            self.close(matter);
        }
    }

    /// It begins to wait: how long the customer will is recorded, or drawn.
    pub(super) fn waits(&mut self, matter: u32) {
        let live = &mut self.lives[matter as usize];
        live.phase = Phase::Waiting;
        live.since = self.now;
        live.spell = live.spell.saturating_add(1);
        let (spell, resumed) = (live.spell, live.left.is_some());
        let Some(stint) = self.stint(matter) else { return };
        if let Some(after) = stint.moved {
            return self.due(self.now.saturating_add(after), What::Moved { matter, spell });
        }
        let patience = match stint.patience {
            Patience::Until(after) if !resumed => Some(after),
            Patience::Until(_) => None,
            Patience::Beyond(waited) => {
                let waited = if resumed { 0 } else { waited };
                let unit = self.stream(Purpose::Patience, matter, spell).unit();
                self.traffic.patience.get(stint.queue as usize).and_then(|it| it.draw(waited, unit))
            }
        };
        if let Some(after) = patience {
            self.due(self.now.saturating_add(after), What::Leaves { matter, spell });
        }
    }

    /// An offer stands: the agent sees it, now or later.
    pub(super) fn offered(&mut self, matter: u32, offer: OfferId, agent: u32) {
        let live = &mut self.lives[matter as usize];
        live.offered.push(offer);
        live.offers = live.offers.saturating_add(1);
        let offers = live.offers;
        let Some(record) = self.traffic.agents.get(agent as usize) else {
            return self.due(self.now, What::Answers { matter, agent, offer, declines: false });
        };
        let place = &mut self.places[agent as usize];
        if let Some(until) = place.absent(record, self.now) {
            return self.due(until, What::Answers { matter, agent, offer, declines: false });
        }
        if let Some(after) = place.declines(record, self.now) {
            return self
                .due(self.now.saturating_add(after), What::Answers { matter, agent, offer, declines: true });
        }
        let pick = self.stream(Purpose::Answer, matter, offers).below(record.answers.len());
        let after = record.answers.get(pick).copied().unwrap_or(0);
        self.due(self.now.saturating_add(after), What::Answers { matter, agent, offer, declines: false });
    }

    /// An agent has it in hand from now on.
    pub(super) fn taken(&mut self, matter: u32, agent: u32) {
        let live = &mut self.lives[matter as usize];
        if live.phase == Phase::Waiting {
            live.waited += (self.now - live.since).max(0);
        }
        live.phase = Phase::Held;
        live.offered.clear();
        live.agent = agent;
        while self.stint(matter).is_some_and(|it| it.moved.is_some()) {
            self.next_stint(matter);
        }
        let work = self.stint(matter).map_or(0.0, |it| it.work);
        let live = &mut self.lives[matter as usize];
        live.left.get_or_insert(work);
        live.worked = self.now;
        live.speed = 0.0;
        let waited = live.waited;
        let of = &self.traffic.matters[matter as usize];
        let kind = of.kind as usize;
        let id = self.plan.agents[agent as usize];
        let needs = &self.traffic.kinds[kind].needs;
        let profile = self.engine.workspace(self.workspace).and_then(|it| it.pool.profile(id));
        self.tally.served(matter as usize, waited, profile.and_then(|it| fit(it, needs)));
        if of.known.is_some() {
            self.last.insert(of.customer, id);
        }
        self.places[agent as usize].take(self.now, matter, needs.effort, !self.channels[kind].beside);
        self.touched.push(agent);
    }

    /// It leaves the hands that it is in, if it is in any.
    pub(super) fn put_down(&mut self, matter: u32) {
        let live = &mut self.lives[matter as usize];
        if live.phase != Phase::Held {
            return;
        }
        if let Some(left) = &mut live.left {
            *left = (*left - live.speed * (self.now - live.worked) as f64).max(0.0);
        }
        live.version += 1;
        live.speed = 0.0;
        // Until it is in its queue, or wherever it goes.
        live.phase = Phase::Ahead;
        let agent = live.agent;
        let kind = self.traffic.matters[matter as usize].kind as usize;
        let effort = self.traffic.kinds[kind].needs.effort;
        self.places[agent as usize].put_down(self.now, matter, effort, !self.channels[kind].beside);
        self.touched.push(agent);
    }

    pub(super) fn next_stint(&mut self, matter: u32) {
        let live = &mut self.lives[matter as usize];
        live.stint = live.stint.saturating_add(1);
        live.left = None;
    }

    /// Works off what was done at the old speeds and plans the ends anew.
    pub(super) fn set_speeds(&mut self, agent: u32) {
        let busy = self.places[agent as usize].busy;
        for index in 0..self.places[agent as usize].hands.len() {
            let matter = self.places[agent as usize].hands[index];
            let of = &self.traffic.matters[matter as usize];
            let queue = self.stint(matter).map_or(0, |it| it.queue);
            let speed = self.channels[of.kind as usize].with(busy) * self.traffic.speeds.speed(agent, queue);
            let live = &mut self.lives[matter as usize];
            if speed == live.speed {
                continue;
            }
            let left = live.left.unwrap_or(0.0);
            let left = (left - live.speed * (self.now - live.worked) as f64).max(0.0);
            live.left = Some(left);
            live.worked = self.now;
            live.speed = speed;
            live.version += 1;
            let version = live.version;
            self.due(self.now.saturating_add((left / speed).round() as i64), What::Done { matter, version });
        }
    }
}

/// How well an agent can do what a conversation needed, as recorded: the mean proficiency, 0 to 1.
fn fit(profile: &AgentProfile, needs: &Needs) -> Option<f64> {
    if needs.skills.is_empty() {
        return None;
    }
    let of = |skill: &str| f64::from(profile.skills.get(skill).copied().unwrap_or(0));
    let sum: f64 = needs.skills.iter().map(|(skill, _)| of(skill)).sum();
    Some(sum / (100.0 * needs.skills.len() as f64))
}
