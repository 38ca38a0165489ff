//! Questions that exclude each other: by their form, by the numbers they leave, by the strings they name.

use std::borrow::Cow;

use super::cases::{Case, Question, comparison, with_literal};
use crate::environment::{Id, by_id};
use crate::node::{Comparison, Node, What};
use crate::shape::Kind;
use crate::value::{List, Value};

/// Whether two questions exclude each other by their form, or one by its ranges.
pub(super) fn excludes_itself(case: &Case<'_>) -> bool {
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
pub(super) fn orders(left: &Node, right: &Node) -> u8 {
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
pub(super) fn ranges(case: &Case<'_>) -> bool {
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
pub(super) fn range(case: &Case<'_>, id: Id) -> (i64, i64) {
    let whole = by_id(id).shape;
    let asked = case.iter().find_map(|question| {
        with_literal(question).map(|(_, asked, _)| asked).filter(|asked| asked.what == What::Name(id))
    });
    asked.map_or((whole.low, whole.high), |asked| narrowed(case, asked))
}

pub(super) fn narrowed(case: &Case<'_>, asked: &Node) -> (i64, i64) {
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
pub(super) fn texts(case: &Case<'_>) -> bool {
    let equal = |question: &Question<'_>| {
        with_literal(question).is_some_and(|(asked, _, _)| asked == Comparison::EQUAL)
    };
    let pins: Vec<_> = case.iter().filter(|question| equal(question)).filter_map(with_literal).collect();
    pins.iter().enumerate().any(|(index, (_, asked, literal))| {
        pins[..index].iter().any(|(_, other, second)| asked == other && literal != second)
    })
}

/// The few strings that a name can still be, by the first question that names them.
pub(super) fn pinned<'n>(case: &Case<'n>, id: Id) -> Option<Vec<Cow<'n, str>>> {
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
