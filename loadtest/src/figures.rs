//! Latencies, computed from the journals.

use std::collections::{BTreeMap, HashMap, HashSet};

use anyhow::Result;
use hdrhistogram::Histogram;
use policy::id::{AgentId, ConversationId, MessageId, OfferId};
use serde_json::{Value, json};

use crate::checker::Plan;
use crate::journal::{Entry, Journal, What, Who};

/// Longer times count as this.
const HOUR_MICROS: u64 = 3_600_000_000;

/// Times in microseconds, told in milliseconds.
#[derive(Debug, Clone)]
pub(crate) struct Times(Histogram<u64>);

impl Times {
    pub(crate) fn new() -> Result<Self> {
        Ok(Self(Histogram::new_with_bounds(1, HOUR_MICROS, 3)?))
    }

    pub(crate) fn record(&mut self, micros: u64) {
        self.0.saturating_record(micros);
    }

    /// Adds those of another run.
    pub(crate) fn add(&mut self, other: &Self) -> Result<()> {
        Ok(self.0.add(&other.0)?)
    }

    /// A quantile, in milliseconds.
    pub(crate) fn at(&self, quantile: f64) -> f64 {
        self.0.value_at_quantile(quantile) as f64 / 1000.0
    }

    pub(crate) fn json(&self) -> Value {
        json!({
            "p50": self.at(0.5),
            "p99": self.at(0.99),
            "p999": self.at(0.999),
            "max": self.0.max() as f64 / 1000.0,
            "n": self.0.len(),
        })
    }
}

/// The three latencies of a run.
pub(crate) struct Latencies {
    /// From the later of (first message accepted, an eligible slot free) to the offer at the agent.
    pub(crate) matching: Times,
    /// From sending to arrival at the other side.
    pub(crate) relay: Times,
    /// From sending to the acknowledgement.
    pub(crate) ack: Times,
}

impl Latencies {
    /// None yet.
    pub(crate) fn new() -> Result<Self> {
        Ok(Self { matching: Times::new()?, relay: Times::new()?, ack: Times::new()? })
    }

    /// Adds those of another run.
    pub(crate) fn add(&mut self, other: &Self) -> Result<()> {
        self.matching.add(&other.matching)?;
        self.relay.add(&other.relay)?;
        self.ack.add(&other.ack)
    }
}

/// Computes them.
pub(crate) fn latencies(plan: &Plan, journals: &[Journal]) -> Result<Latencies> {
    let mut found = Latencies::new()?;
    let mut sent_at = HashMap::new();
    let mut message_sent: HashMap<MessageId, (u64, bool)> = HashMap::new();
    let mut opened: HashMap<ConversationId, (usize, u64)> = HashMap::new();
    for journal in journals {
        for Entry { at, what } in &journal.entries {
            match what {
                What::Sent { request, .. } => {
                    sent_at.insert(*request, *at);
                }
                What::Accepted { request, conversation, message, .. } => {
                    if let Who::Customer(dialogue) = journal.who {
                        opened.entry(*conversation).or_insert((dialogue, *at));
                    }
                    if let Some(sent) = sent_at.remove(request) {
                        found.ack.record(at - sent);
                        message_sent.insert(*message, (sent, matches!(journal.who, Who::Customer(_))));
                    }
                }
                _ => {}
            }
        }
    }
    for journal in journals {
        let at_customer = matches!(journal.who, Who::Customer(_));
        let mut came = HashSet::new();
        for Entry { at, what } in &journal.entries {
            if let What::Message { message, live: true, .. } = what
                && let Some((sent, from_customer)) = message_sent.get(message)
                && *from_customer != at_customer
                && came.insert(*message)
            {
                found.relay.record(at.saturating_sub(*sent));
            }
        }
    }
    matching(plan, journals, &opened, &mut found.matching);
    Ok(found)
}

/// How full an agent was, over time: (from when, whether there was room).
type Room = Vec<(u64, bool)>;

fn matching(
    plan: &Plan,
    journals: &[Journal],
    opened: &HashMap<ConversationId, (usize, u64)>,
    times: &mut Times,
) {
    let mut rooms: BTreeMap<AgentId, Room> = BTreeMap::new();
    for journal in journals {
        if let Who::Agent(agent) = journal.who {
            let capacity = plan.agents.get(&agent).map_or(0, |(_, capacity)| *capacity) as usize;
            rooms.insert(agent, room_of(journal, capacity));
        }
    }
    let mut first = HashSet::new();
    for journal in journals.iter().filter(|journal| matches!(journal.who, Who::Agent(_))) {
        for Entry { at, what } in &journal.entries {
            let What::Offered { conversation, .. } = what else { continue };
            let Some((dialogue, accepted)) = opened.get(conversation) else { continue };
            if !first.insert(*conversation) {
                continue;
            }
            let needs = plan.needs.get(*dialogue);
            let eligible =
                plan.agents.iter().filter(|(_, (has, _))| needs.is_some_and(|needs| needs.is_subset(has)));
            let free = eligible.filter_map(|(agent, _)| free_since(rooms.get(agent)?, *at)).min();
            let from = free.unwrap_or(*at).max(*accepted);
            times.record(at.saturating_sub(from));
        }
    }
}

/// Since when an agent had room without a break, just before this moment.
fn free_since(room: &Room, at: u64) -> Option<u64> {
    let next = room.partition_point(|(from, _)| *from < at);
    let (from, free) = room.get(next.checked_sub(1)?)?;
    free.then_some(*from)
}

fn room_of(journal: &Journal, capacity: usize) -> Room {
    let mut room = Room::new();
    let mut held: HashSet<ConversationId> = HashSet::new();
    let mut offers: HashMap<OfferId, ConversationId> = HashMap::new();
    let mut online = false;
    for Entry { at, what } in &journal.entries {
        match what {
            What::Online => online = true,
            What::Offered { conversation, offer } => {
                offers.insert(*offer, *conversation);
            }
            What::OfferEnded { offer } => {
                offers.remove(offer);
            }
            What::Assigned { conversation, .. } => {
                held.insert(*conversation);
                offers.retain(|_, offered| offered != conversation);
            }
            What::Left { conversation } => {
                held.remove(conversation);
                offers.retain(|_, offered| offered != conversation);
            }
            What::Snapshot { held: now, offers: open } => {
                held = now.iter().copied().collect();
                offers.retain(|offer, _| open.contains(offer));
            }
            _ => continue,
        }
        let free = online && held.len() + offers.len() < capacity;
        if room.last().is_none_or(|(_, last)| *last != free) {
            room.push((*at, free));
        }
    }
    room
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::{Request, digest};
    use std::collections::BTreeSet;
    use std::time::{Duration, Instant};

    #[test]
    fn the_three_latencies_are_what_the_journals_say() {
        let start = Instant::now();
        let (agent, conversation) = (AgentId::from_bits(1), ConversationId::from_bits(2));
        let (message, offer, request) =
            (MessageId::from_bits(3), OfferId::from_bits(4), Request { client: 0, number: 1 });
        let at = |ms| start + Duration::from_millis(ms);
        let text = digest("hi");
        let mut customer = Journal::new(Who::Customer(0), start);
        customer.note_at(at(10), What::Sent { request, text });
        customer.note_at(at(14), What::Accepted { request, conversation, message, seq: 1 });
        let mut served = Journal::new(Who::Agent(agent), start);
        served.note_at(at(20), What::Online);
        served.note_at(at(23), What::Offered { conversation, offer });
        served.note_at(
            at(24),
            What::Message { conversation, message, seq: 1, request: None, text, live: true },
        );
        let plan = Plan { needs: vec![BTreeSet::new()], agents: [(agent, (BTreeSet::new(), 1))].into() };
        let found = latencies(&plan, &[customer, served]).expect("figures");
        assert!((found.ack.at(0.5) - 4.0).abs() < 0.01);
        assert!((found.relay.at(0.5) - 14.0).abs() < 0.02);
        assert!((found.matching.at(0.5) - 3.0).abs() < 0.01, "{}", found.matching.at(0.5));
    }
}
