//! Lint against reality: whether a condition can ever hold, and ever not hold.
//!
//! The condition is spread into cases, each a conjunction of questions (`a && (b || c)` has two). A case is impossible
//! when two of its questions exclude each other, when what is asked of a number leaves no number, what is asked of a
//! string leaves no string, or when none of the few values that a name can have answers all of them. Where every case is
//! impossible the condition never holds; where every case of its opposite is, and it cannot fail, it always does. What
//! this does not see counts as possible.

use std::borrow::Cow;

use crate::environment::{Environment, Id, by_id};
use crate::evaluate::Evaluation;
use crate::facts::Facts;
use crate::node::{Comparison, Node, What};
use crate::shape::Kind;
use crate::value::{List, Value};

/// A condition with more cases is not looked into.
const MOST_CASES: usize = 64;
/// A case with more questions is not looked into.
const MOST_QUESTIONS: usize = 64;
/// Names with more values are not tried one by one.
const MOST_VALUES: i64 = 64;
/// Steps of trying values, for a whole condition.
const STEPS: u64 = 200_000;

/// A question and the answer that the case needs.
#[derive(Debug, Clone, Copy)]
struct Question<'n> {
    node: &'n Node,
    wanted: bool,
}

type Case<'n> = Vec<Question<'n>>;

/// Some(true) where a condition always holds, Some(false) where it never does.
pub(crate) fn settled(node: &Node, environment: &Environment) -> Option<bool> {
    let mut lint = Lint { environment, steps: STEPS };
    if lint.impossible(node, true) {
        Some(false)
    } else if !node.fallible && lint.impossible(node, false) {
        Some(true)
    } else {
        None
    }
}

struct Lint<'e> {
    environment: &'e Environment,
    steps: u64,
}

impl Lint<'_> {
    /// Whether a condition can never have this answer.
    fn impossible(&mut self, node: &Node, wanted: bool) -> bool {
        cases(node, wanted).is_some_and(|cases| cases.iter().all(|case| self.excluded(case)))
    }

    fn excluded(&mut self, case: &Case<'_>) -> bool {
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

/// The cases in which a condition has this answer; none where they are too many.
fn cases(node: &Node, wanted: bool) -> Option<Vec<Case<'_>>> {
    let (parts, all) = match &node.what {
        What::Literal(Value::Bool(value)) => {
            return Some(if *value == wanted { vec![vec![]] } else { vec![] });
        }
        What::Not(part) => return cases(part, !wanted),
        What::And(parts) => (parts, wanted),
        What::Or(parts) => (parts, !wanted),
        What::If(parts) => {
            let [condition, yes, no] = parts.as_ref();
            let mut both = product(cases(condition, true)?, &cases(yes, wanted)?)?;
            both.extend(product(cases(condition, false)?, &cases(no, wanted)?)?);
            return (both.len() <= MOST_CASES).then_some(both);
        }
        _ => return Some(vec![vec![Question { node, wanted }]]),
    };
    let (mut left, right) = (cases(&parts[0], wanted)?, cases(&parts[1], wanted)?);
    if all {
        return product(left, &right);
    }
    left.extend(right);
    (left.len() <= MOST_CASES).then_some(left)
}

fn product<'n>(left: Vec<Case<'n>>, right: &[Case<'n>]) -> Option<Vec<Case<'n>>> {
    if left.len().saturating_mul(right.len()) > MOST_CASES {
        return None;
    }
    let mut both = Vec::new();
    for one in left {
        for other in right {
            if one.len() + other.len() > MOST_QUESTIONS {
                return None;
            }
            both.push(one.iter().chain(other).copied().collect());
        }
    }
    Some(both)
}

/// A comparison of a question, as it is wanted.
fn comparison<'n>(question: &Question<'n>) -> Option<(Comparison, &'n Node, &'n Node)> {
    match &question.node.what {
        What::Compare(comparison, parts) => {
            let wanted = if question.wanted { *comparison } else { comparison.not() };
            Some((wanted, &parts[0], &parts[1]))
        }
        _ => None,
    }
}

/// A comparison with a literal on the right.
fn with_literal<'n>(question: &Question<'n>) -> Option<(Comparison, &'n Node, &'n Node)> {
    let (comparison, left, right) = comparison(question)?;
    if right.literal().is_some() {
        Some((comparison, left, right))
    } else if left.literal().is_some() {
        Some((comparison.swapped(), right, left))
    } else {
        None
    }
}

/// Whether two questions exclude each other by their form, or one by its ranges.
fn excludes_itself(case: &Case<'_>) -> bool {
    case.iter().enumerate().any(|(index, one)| {
        let asked = comparison(one);
        let possible = asked.is_some_and(|(asked, left, right)| asked.0 & orders(left, right) == 0);
        possible
            || case[..index].iter().any(|other| {
                if one.node == other.node {
                    return one.wanted != other.wanted;
                }
                let (Some((a, left, right)), Some((b, first, second))) = (asked, comparison(other)) else {
                    return false;
                };
                (left == first && right == second && a.0 & b.0 == 0)
                    || (left == second && right == first && a.0 & b.swapped().0 == 0)
            })
    })
}

/// The orders that two values can be in, as in [`Comparison`].
fn orders(left: &Node, right: &Node) -> u8 {
    if left == right {
        return Comparison::EQUAL.0;
    }
    if left.shape.kind != Kind::Int || right.shape.kind != Kind::Int {
        return 7;
    }
    let less = u8::from(left.shape.low < right.shape.high);
    let equal = u8::from(left.shape.low <= right.shape.high && right.shape.low <= left.shape.high) << 1;
    let greater = u8::from(left.shape.high > right.shape.low) << 2;
    less | equal | greater
}

/// Whether what is asked of a number leaves none.
fn ranges(case: &Case<'_>) -> bool {
    case.iter().any(|question| {
        let Some((_, asked, _)) =
            with_literal(question).filter(|(_, asked, _)| asked.shape.kind == Kind::Int)
        else {
            return false;
        };
        let (low, high) = narrowed(case, asked);
        low > high
    })
}

/// The range that is left of a name that is a number.
fn range(case: &Case<'_>, id: Id) -> (i64, i64) {
    let whole = by_id(id).shape;
    let asked = case.iter().find_map(|question| {
        with_literal(question).map(|(_, asked, _)| asked).filter(|asked| asked.what == What::Name(id))
    });
    asked.map_or((whole.low, whole.high), |asked| narrowed(case, asked))
}

fn narrowed(case: &Case<'_>, asked: &Node) -> (i64, i64) {
    let (mut low, mut high) = (asked.shape.low, asked.shape.high);
    for question in case {
        let Some((comparison, same, literal)) = with_literal(question) else { continue };
        let Some(bound) = literal.int().filter(|_| same == asked) else { continue };
        match comparison {
            Comparison::LESS => high = high.min(bound.saturating_sub(1)),
            Comparison::AT_MOST => high = high.min(bound),
            Comparison::EQUAL => (low, high) = (low.max(bound), high.min(bound)),
            Comparison::AT_LEAST => low = low.max(bound),
            Comparison::GREATER => low = low.max(bound.saturating_add(1)),
            _ => {}
        }
    }
    (low, high)
}

/// Whether something is asked to be two strings at once.
fn texts(case: &Case<'_>) -> bool {
    let equal = |question: &Question<'_>| {
        with_literal(question).is_some_and(|(asked, _, _)| asked == Comparison::EQUAL)
    };
    let pins: Vec<_> = case.iter().filter(|question| equal(question)).filter_map(with_literal).collect();
    pins.iter().enumerate().any(|(index, (_, asked, literal))| {
        pins[..index].iter().any(|(_, other, second)| asked == other && literal != second)
    })
}

/// The few strings that a name can still be, by the first question that names them.
fn pinned<'n>(case: &Case<'n>, id: Id) -> Option<Vec<Cow<'n, str>>> {
    case.iter().find_map(|question| {
        if let Some((Comparison::EQUAL, asked, literal)) = with_literal(question) {
            let text = literal.text().filter(|_| asked.what == What::Name(id))?;
            return Some(vec![Cow::Borrowed(text)]);
        }
        let What::In(parts) = &question.node.what else { return None };
        let Some(Value::List(List::Made(list))) = parts[1].literal() else { return None };
        if !question.wanted || parts[0].what != What::Name(id) {
            return None;
        }
        list.iter()
            .map(
                |value| if let Value::Text(text) = value { Some(Cow::Borrowed(text.as_ref())) } else { None },
            )
            .collect()
    })
}
