//! What the policy says of matching: the rule, its costs, and what each queue is worth. A pool takes it whole.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use crate::document::{CostsDoc, Rule, Weights};
use crate::time::Span;

/// Settings of a pool.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settings {
    /// The rule in force.
    pub rule: Rule,
    /// Points of the rule `best_score`.
    pub weights: Weights,
    /// What the costs of the rule `least_customer_time` are made of.
    pub costs: CostsDoc,
    /// Channel to the speed of each conversation while an agent has 1, 2, 3, … of them, in per mille.
    pub speeds: BTreeMap<Box<str>, Vec<u32>>,
    /// Channels whose work runs beside the rest.
    pub interruptible: BTreeSet<Box<str>>,
    /// Queues by name.
    pub queues: BTreeMap<Box<str>, QueueTerms>,
    /// The most that one agent is given in a period of this length.
    pub share: Option<(u32, Span)>,
}

/// What a queue's conversations are worth, and what is expected of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueTerms {
    /// A second of such a customer, in per mille; none takes it from the priority.
    pub weight: Option<u32>,
    /// The service target.
    pub target: Span,
    /// The work of one, before any was seen.
    pub work: Span,
    /// How long an agent may think about an offer.
    pub offer: Span,
    /// Whether the newest of those within their bound goes first.
    pub newest_first: bool,
}

impl Default for QueueTerms {
    fn default() -> Self {
        Self {
            weight: None,
            target: Span::seconds(60),
            work: Span::seconds(240),
            offer: Span::seconds(20),
            newest_first: false,
        }
    }
}

/// Speeds of a channel that the policy does not name, in per mille: replies slow each other down
/// (a machine-repair curve for short chats).
const SPEEDS: [u32; 8] = [1_000, 900, 750, 620, 520, 450, 400, 350];

impl Settings {
    /// The speed of each conversation of a channel, in per mille, while there are so many of them.
    #[must_use]
    pub fn pace(&self, channel: &str, count: u32) -> i64 {
        self.speeds_on(channel).with(count)
    }

    /// What the policy says of a channel.
    pub(super) fn speeds_on(&self, channel: &str) -> Speeds {
        let named = self.speeds.get(channel).map_or(SPEEDS.as_slice(), Vec::as_slice);
        let at = |at: usize| named.get(at).or(named.last()).copied().unwrap_or(1_000);
        Speeds(core::array::from_fn(|index| at(index).clamp(10, 1_000)))
    }
}

/// Speeds of one channel: of each conversation while there are 1, 2, 3, … of them, in per mille; never zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Speeds([u32; 16]);

impl Speeds {
    /// The mean over one up to so many.
    pub(super) fn mean(&self, count: u32) -> i64 {
        let all = (1..=count.clamp(1, 16)).map(|count| self.with(count));
        all.sum::<i64>() / i64::from(count.clamp(1, 16))
    }

    /// With so many in one pair of hands.
    pub(super) fn with(&self, count: u32) -> i64 {
        let at = (count.max(1) - 1) as usize;
        i64::from(self.0[at.min(self.0.len() - 1)])
    }
}

impl QueueTerms {
    /// The worth of a customer's second, in per mille: as the queue says, else twice as much for each step of priority
    /// above 4.
    pub(super) fn weight(&self, priority: u8) -> i64 {
        match self.weight {
            Some(weight) => i64::from(weight),
            None if priority >= 4 => 1_000 << (priority - 4).min(9),
            None => 1_000 >> (4 - priority),
        }
    }
}
