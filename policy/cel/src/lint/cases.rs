//! The cases of a condition: conjunctions of questions, of which one must come out for the condition to do so.

use crate::node::{Comparison, Node, What};
use crate::value::Value;

/// A condition with more cases is not looked into.
const MOST_CASES: usize = 64;
/// A case with more questions is not looked into.
const MOST_QUESTIONS: usize = 64;
/// A question and the answer that the case needs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Question<'n> {
    pub(super) node: &'n Node,
    pub(super) wanted: bool,
}

pub(super) type Case<'n> = Vec<Question<'n>>;

/// The cases in which a condition has this answer; none where they are too many.
pub(super) fn cases(node: &Node, wanted: bool) -> Option<Vec<Case<'_>>> {
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

pub(super) fn product<'n>(left: Vec<Case<'n>>, right: &[Case<'n>]) -> Option<Vec<Case<'n>>> {
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
pub(super) fn comparison<'n>(question: &Question<'n>) -> Option<(Comparison, &'n Node, &'n Node)> {
    match &question.node.what {
        What::Compare(comparison, parts) => {
            let wanted = if question.wanted { *comparison } else { comparison.not() };
            Some((wanted, &parts[0], &parts[1]))
        }
        _ => None,
    }
}

/// A comparison with a literal on the right.
pub(super) fn with_literal<'n>(question: &Question<'n>) -> Option<(Comparison, &'n Node, &'n Node)> {
    let (comparison, left, right) = comparison(question)?;
    if right.literal().is_some() {
        Some((comparison, left, right))
    } else if left.literal().is_some() {
        Some((comparison.swapped(), right, left))
    } else {
        None
    }
}
