//! The conditions in CEL that stand in a document, each with the number by which its answer goes to the engine. They are answered
//! once, when a conversation comes in: those of intake rules, and those of the steps of all queues, since a conversation may be
//! handed on.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::Document;

/// Conditions of steps are numbered from here; below are the numbers of intake rules.
const STEPS_FROM: u16 = 1 << 15;
/// More steps with a condition are refused: all of them are answered for each conversation that comes in.
pub(crate) const MOST_STEP_CONDITIONS: usize = 256;

/// A condition of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written<'a> {
    /// Its number: that of its intake rule, or for a step 32,768 and more.
    pub number: u16,
    /// Where it stands, such as `queues.billing.steps[0].if`.
    pub path: String,
    /// What is written.
    pub source: &'a str,
}

/// What a conversation remembers of a condition that held: a hash of its text (FNV-1a, 64 bits), so that a policy that says the
/// same in another place finds it again.
pub(crate) fn mark(source: &str) -> u64 {
    let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    source.bytes().fold(0xcbf2_9ce4_8422_2325, mix)
}

impl Document {
    /// All conditions, in the order of their numbers.
    #[must_use]
    pub fn conditions(&self) -> Vec<Written<'_>> {
        let intake = (0u16..).zip(&self.intake).filter_map(|(number, rule)| {
            let source = rule.when.condition.as_deref()?;
            Some(Written { number, path: format!("intake[{number}].when.if"), source })
        });
        let steps = self.queues.iter().flat_map(|(name, queue)| {
            queue.steps.iter().enumerate().filter_map(move |(index, step)| {
                Some((format!("queues.{name}.steps[{index}].if"), step.condition.as_deref()?))
            })
        });
        let steps =
            (STEPS_FROM..).zip(steps).map(|(number, (path, source))| Written { number, path, source });
        intake.chain(steps).collect()
    }

    /// The marks of the conditions of steps that hold, by their numbers.
    pub(crate) fn marks(&self, holds: &[u16]) -> Vec<u64> {
        if holds.iter().all(|number| *number < STEPS_FROM) {
            return Vec::new();
        }
        let holding = self.conditions().into_iter().filter(|it| it.number >= STEPS_FROM);
        holding.filter(|it| holds.contains(&it.number)).map(|it| mark(it.source)).collect()
    }

    /// The numbers that answers to another document's conditions have here: by what is written, since a rule may have moved.
    #[must_use]
    pub fn renumbered(&self, from: &Self) -> BTreeMap<u16, Vec<u16>> {
        let here = self.conditions();
        let same = |source: &str| here.iter().filter(|it| it.source == source).map(|it| it.number).collect();
        from.conditions().into_iter().map(|it| (it.number, same(it.source))).collect()
    }
}
