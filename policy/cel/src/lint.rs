//! Lint against reality: whether a condition can ever hold, and ever not hold.
//!
//! The condition is spread into cases, each a conjunction of questions (`a && (b || c)` has two). A case is impossible
//! when two of its questions exclude each other, when what is asked of a number leaves no number, what is asked of a
//! string leaves no string, or when none of the few values that a name can have answers all of them. Where every case is
//! impossible the condition never holds; where every case of its opposite is, and it cannot fail, it always does. What
//! this does not see counts as possible.

mod cases;
mod exclude;

use self::cases::{Case, cases, product};
use self::exclude::{excludes_itself, pinned, range, ranges, texts};
use crate::environment::{Environment, Id, by_id};
use crate::evaluate::Evaluation;
use crate::facts::Facts;
use crate::fault::Fault;
use crate::node::{Node, What};
use crate::parse::MOST_FAULTS;
use crate::shape::Kind;

/// Names with more values are not tried one by one.
const MOST_VALUES: i64 = 64;
/// Steps of trying values and comparing questions, for a whole condition; what is not settled by then stays open.
const STEPS: u64 = 500_000;

/// Some(true) where a condition always holds, Some(false) where it never does.
pub(crate) fn settled(node: &Node, environment: &Environment) -> Option<bool> {
    Lint { environment, steps: STEPS }.settled(node)
}

/// Whether one condition holds whenever another one does.
pub(crate) fn covers(one: &Node, other: &Node, environment: &Environment) -> bool {
    let mut lint = Lint { environment, steps: STEPS };
    if one.fallible {
        return false;
    }
    let both = cases(other, true).zip(cases(one, false)).and_then(|(held, missed)| product(held, &missed));
    both.is_some_and(|cases| cases.iter().all(|case| lint.excluded(case)))
}

/// The parts of a condition that change nothing.
pub(crate) fn idle(node: &Node, environment: &Environment) -> Vec<Fault> {
    let mut remarks = Vec::new();
    Lint { environment, steps: STEPS }.idle(node, &mut remarks);
    remarks.sort_by_key(|remark| remark.at);
    remarks.truncate(MOST_FAULTS);
    remarks
}

struct Lint<'e> {
    environment: &'e Environment,
    steps: u64,
}

impl Lint<'_> {
    fn settled(&mut self, node: &Node) -> Option<bool> {
        if self.impossible(node, true) {
            Some(false)
        } else if !node.fallible && self.impossible(node, false) {
            Some(true)
        } else {
            None
        }
    }

    /// Goes down into what is open itself, and tells of the parts that are not.
    fn idle(&mut self, node: &Node, remarks: &mut Vec<Fault>) {
        let parts: &[Node] = match &node.what {
            What::Not(part) => return self.idle(part, remarks),
            What::And(parts) | What::Or(parts) => parts.as_ref(),
            What::If(parts) => parts.as_ref(),
            _ => return,
        };
        if remarks.len() >= MOST_FAULTS || self.settled(node).is_some() {
            return;
        }
        for part in parts {
            if part.shape.kind != Kind::Bool {
                continue;
            }
            match self.settled(part) {
                Some(true) => {
                    remarks.push(Fault::new(part.at, "this always holds and changes nothing; leave it out"));
                }
                Some(false) => {
                    remarks.push(Fault::new(part.at, "this never holds and changes nothing; leave it out"));
                }
                None => self.idle(part, remarks),
            }
        }
    }

    /// Whether a condition can never have this answer.
    fn impossible(&mut self, node: &Node, wanted: bool) -> bool {
        cases(node, wanted).is_some_and(|cases| cases.iter().all(|case| self.excluded(case)))
    }

    fn excluded(&mut self, case: &Case<'_>) -> bool {
        let comparisons = (case.len() * case.len()) as u64;
        let Some(left) = self.steps.checked_sub(comparisons) else { return false };
        self.steps = left;
        excludes_itself(case) || ranges(case) || texts(case) || self.no_value(case)
    }

    /// Whether one of the names has no value that answers all that is asked of it alone.
    fn no_value(&mut self, case: &Case<'_>) -> bool {
        let mut names = case.iter().fold(0, |names, question| names | question.node.names);
        while names != 0 {
            let bit = names & names.wrapping_neg();
            names &= names - 1;
            let alone: Case<'_> =
                case.iter().copied().filter(|question| question.node.names == bit).collect();
            let Some(id) = crate::environment::of_bits(bit).next().map(|name| name.id) else { continue };
            if alone.is_empty() {
                continue;
            }
            let excluded = match by_id(id).kind() {
                Kind::Bool => self.no_int(id, 0..=1, &alone),
                Kind::Int => {
                    let (low, high) = range(&alone, id);
                    let few = high.checked_sub(low).is_some_and(|wide| wide < MOST_VALUES);
                    few && self.no_int(id, low..=high, &alone)
                }
                Kind::Text => self.no_text(id, &alone),
                _ => false,
            };
            if excluded {
                return true;
            }
        }
        false
    }

    fn no_int(&mut self, id: Id, values: impl Iterator<Item = i64>, case: &Case<'_>) -> bool {
        for value in values {
            let mut facts = Facts::default();
            facts.set_int(id, value);
            if self.answers(&facts, case) {
                return false;
            }
        }
        true
    }

    fn no_text(&mut self, id: Id, case: &Case<'_>) -> bool {
        let told = self.environment.values(id);
        let Some(values) = told.or_else(|| pinned(case, id)) else { return false };
        if i64::try_from(values.len()).map_or(true, |count| count > MOST_VALUES) {
            return false;
        }
        for value in &values {
            let mut facts = Facts::default();
            facts.set_text(id, value);
            if self.answers(&facts, case) {
                return false;
            }
        }
        true
    }

    /// Whether these facts answer every question as wanted; yes as well where finding out is too dear.
    fn answers(&mut self, facts: &Facts<'_>, case: &Case<'_>) -> bool {
        case.iter().all(|question| {
            let Some(left) = self.steps.checked_sub(question.node.cost) else { return true };
            self.steps = left;
            // A question that fails is not answered.
            Evaluation::new(facts).bool(question.node) == Ok(question.wanted)
        })
    }
}
