//! A policy that is tried in live use: for some blocks of time it is in force, for the others the one that is kept. What came
//! of it, by block, since neighbours in time are not independent and blocks nearly are.

use std::collections::BTreeMap;

use engine::{Event, EventKind};
use policy::Document;
use policy::id::ConversationId;
use policy::time::Timestamp;
use serde::Serialize;

use crate::figures::estimate;

/// Who came in this part of a block, at its beginning, still met the queue of the other policy and does not count.
const SETTLING: i64 = 10;

/// Which policy is in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Arm {
    /// The one that is kept.
    Kept,
    /// The one that is tried.
    Tried,
}

/// The arm of a block: each pair of blocks has one of each, in an order that follows from the workspace and nothing else.
#[must_use]
pub fn arm_of(workspace: u128, block: i64) -> Arm {
    let pair = block.div_euclid(2).cast_unsigned();
    let mut z = (workspace as u64) ^ ((workspace >> 64) as u64) ^ pair.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    let tried_first = (z ^ (z >> 31)) & 1 == 1;
    if (block.rem_euclid(2) == 0) == tried_first { Arm::Tried } else { Arm::Kept }
}

/// Sums of one block.
#[derive(Debug, Clone, Copy, Default)]
struct Block {
    conversations: u64,
    waited_ms: f64,
    left: u64,
}

/// Follows recorded events and sums waits up by block.
#[derive(Debug)]
pub struct Split {
    kept: Document,
    tried: Document,
    block_ms: i64,
    arm: Option<Arm>,
    blocks: BTreeMap<(i64, Arm), Block>,
    waiting: BTreeMap<ConversationId, (Timestamp, (i64, Arm))>,
}

/// What came of one arm.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ArmFigures {
    /// Blocks with conversations.
    pub blocks: usize,
    /// Conversations.
    pub conversations: u64,
    /// The mean over blocks of their mean waits, in seconds.
    pub wait_s: f64,
    /// The share of customers who left.
    pub left: f64,
}

/// The difference that the tried policy makes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct SplitFigures {
    /// Under the one that is kept.
    pub kept: ArmFigures,
    /// Under the one that is tried.
    pub tried: ArmFigures,
    /// The lower end of the 95 % interval of tried less kept, in seconds; none before each has two blocks.
    pub low: Option<f64>,
    /// The upper end.
    pub high: Option<f64>,
}

impl Split {
    /// Between these two, in blocks of so many milliseconds.
    #[must_use]
    pub fn new(kept: Document, tried: Document, block_ms: i64) -> Self {
        Self {
            kept,
            tried,
            block_ms: block_ms.max(1),
            arm: None,
            blocks: BTreeMap::new(),
            waiting: BTreeMap::new(),
        }
    }

    /// The next event since the trial began.
    pub fn event(&mut self, event: &Event) {
        match &event.kind {
            EventKind::PolicyInstalled { document, .. } => {
                self.arm = match &**document {
                    it if *it == self.tried => Some(Arm::Tried),
                    it if *it == self.kept => Some(Arm::Kept),
                    _ => None,
                };
            }
            EventKind::ConversationOpened { conversation, .. } => {
                let settled = event.at.0.rem_euclid(self.block_ms) >= self.block_ms / SETTLING;
                if let Some(arm) = self.arm.filter(|_| settled) {
                    let block = (event.at.0.div_euclid(self.block_ms), arm);
                    self.waiting.insert(*conversation, (event.at, block));
                }
            }
            EventKind::OfferAccepted { conversation, .. } => self.ended(*conversation, event.at, false),
            EventKind::Closed { conversation, .. } => self.ended(*conversation, event.at, true),
            _ => {}
        }
    }

    fn ended(&mut self, conversation: ConversationId, at: Timestamp, left: bool) {
        if let Some((came, block)) = self.waiting.remove(&conversation) {
            let sums = self.blocks.entry(block).or_default();
            sums.conversations += 1;
            sums.waited_ms += at.since(came).0 as f64;
            sums.left += u64::from(left);
        }
    }

    /// The figures so far; who still waits does not count yet.
    #[must_use]
    pub fn figures(&self) -> SplitFigures {
        let of = |arm: Arm| {
            let blocks: Vec<&Block> =
                self.blocks.iter().filter(|((_, of), _)| *of == arm).map(|(_, it)| it).collect();
            let means: Vec<f64> =
                blocks.iter().map(|it| it.waited_ms / 1_000.0 / it.conversations as f64).collect();
            let conversations = blocks.iter().map(|it| it.conversations).sum::<u64>();
            let left = blocks.iter().map(|it| it.left).sum::<u64>();
            let wait = estimate(&means);
            let figures = ArmFigures {
                blocks: blocks.len(),
                conversations,
                wait_s: wait.mean,
                left: left as f64 / conversations.max(1) as f64,
            };
            (figures, wait.half_width)
        };
        let ((kept, about_kept), (tried, about_tried)) = (of(Arm::Kept), of(Arm::Tried));
        // Two independent samples of unequal spread; each half-width already has the quantile of its own, so that this
        // is on the safe side.
        let half = about_kept.hypot(about_tried);
        let known = kept.blocks >= 2 && tried.blocks >= 2;
        let difference = tried.wait_s - kept.wait_s;
        Self::figures_of(kept, tried, known.then_some((difference - half, difference + half)))
    }

    fn figures_of(kept: ArmFigures, tried: ArmFigures, interval: Option<(f64, f64)>) -> SplitFigures {
        SplitFigures { kept, tried, low: interval.map(|it| it.0), high: interval.map(|it| it.1) }
    }
}

#[cfg(test)]
mod tests {
    use engine::ClosedBy;
    use policy::document::Rule;
    use policy::id::{AgentId, CommandId, CustomerId, OfferId, WorkspaceId};
    use policy::matching::Needs;

    use super::*;

    #[test]
    fn each_pair_of_blocks_has_one_of_each_and_the_order_changes() {
        let orders: Vec<Arm> = (-20..20).map(|pair| arm_of(7, 2 * pair)).collect();
        for pair in -20..20 {
            assert_ne!(arm_of(7, 2 * pair), arm_of(7, 2 * pair + 1));
        }
        let tried = orders.iter().filter(|it| **it == Arm::Tried).count();
        assert!((8..=32).contains(&tried), "{tried}");
        assert_ne!(orders, (-20..20).map(|pair| arm_of(8, 2 * pair)).collect::<Vec<_>>());
    }

    fn event(at: i64, kind: EventKind) -> Event {
        let (workspace, cause) = (WorkspaceId::from_bits(1), CommandId::from_bits(1));
        Event { at: Timestamp(at), workspace, cause, kind }
    }

    #[test]
    fn a_difference_is_found_with_its_interval_and_not_before_it_can_be() {
        let (kept, tried) = (Document::default(), Document { rule: Rule::RoundRobin, ..Document::default() });
        let mut split = Split::new(kept.clone(), tried.clone(), 1_000_000);
        let mut number = 0u128;
        for block in 0..20i64 {
            let is_tried = block % 2 == 1;
            let document = Box::new(if is_tried { tried.clone() } else { kept.clone() });
            split.event(&event(block * 1_000_000, EventKind::PolicyInstalled { version: 1, document }));
            assert_eq!(split.figures().low.is_some(), block >= 4, "{block}");
            for turn in 0..50 {
                number += 1;
                let (at, conversation) =
                    (block * 1_000_000 + turn * 20_000, ConversationId::from_bits(number));
                let needs = Needs {
                    queue: "support".into(),
                    channel: "web_chat".into(),
                    effort: 1,
                    language: None,
                    skills: Vec::new(),
                    ..Needs::default()
                };
                let opened = EventKind::ConversationOpened {
                    conversation,
                    customer: CustomerId::from_bits(number),
                    needs,
                    priority: 4,
                    language: None,
                    topics: Vec::new(),
                    known_agent: None,
                    holds: Vec::new(),
                    head_start: policy::time::Span(0),
                    preferred: None,
                };
                split.event(&event(at, opened));
                let waits = 5_000 + 100 * (block + turn) + if is_tried { 3_000 } else { 0 };
                let (agent, offer) = (AgentId::from_bits(1), OfferId::from_bits(number));
                let ends = if turn == 49 {
                    EventKind::Closed { conversation, by: ClosedBy::Customer, solved: None }
                } else {
                    EventKind::OfferAccepted { conversation, offer, agent, fence: 1 }
                };
                split.event(&event(at + waits, ends));
            }
        }
        let figures = split.figures();
        // A tenth of each block still belongs to the other one.
        assert_eq!((figures.kept.blocks, figures.kept.conversations), (10, 450));
        let (low, high) = (figures.low.unwrap(), figures.high.unwrap());
        assert!(low > 2.0 && high < 4.3 && low < 3.1 && high > 3.1, "{low} {high}");
        assert!((figures.tried.left - 1.0 / 45.0).abs() < 1e-9);
    }
}
