//! The evaluator: the checked tree against the facts of one conversation. It counts its steps and gives up at the
//! budget, allocates only where a condition makes strings or lists, and answers every failure as a value.

use std::borrow::Cow;

use crate::BUDGET;
use crate::error::{Cause, EvaluationError};
use crate::facts::Facts;
use crate::node::{Arithmetic, Comparison, Loop, LoopKind, Node, Part, Rewrite, What};
use crate::pattern::{SEARCH, SEARCHED_A_STEP};
use crate::shape::{BYTES_A_STEP, LONGEST_LIST, LONGEST_TEXT};
use crate::value::{List, Value};

type Answer<T> = Result<T, EvaluationError>;

/// One evaluation.
pub(crate) struct Evaluation<'a, 'f> {
    facts: &'f Facts<'a>,
    /// The variables of the loops around, outermost first.
    variables: Vec<Value<'a>>,
    left: u64,
}

impl<'a, 'f> Evaluation<'a, 'f> {
    pub(crate) fn new(facts: &'f Facts<'a>) -> Self {
        Self { facts, variables: Vec::new(), left: BUDGET }
    }

    /// An evaluation of what does not look at the variables of so many loops around it.
    pub(crate) fn inside(facts: &'f Facts<'a>, loops: usize) -> Self {
        Self { variables: vec![Value::Bool(false); loops], ..Self::new(facts) }
    }

    /// The steps taken so far.
    pub(crate) fn steps(&self) -> u64 {
        BUDGET - self.left
    }

    fn spend(&mut self, steps: u64, node: &Node) -> Answer<()> {
        self.left = self.left.checked_sub(steps).ok_or_else(|| fail(node, Cause::OverBudget))?;
        Ok(())
    }

    /// The value of a node.
    pub(crate) fn value(&mut self, node: &'a Node) -> Answer<Value<'a>> {
        self.spend(1, node)?;
        Ok(match &node.what {
            What::Literal(value) => value.borrowed(),
            What::Name(id) => self.facts.get(*id),
            What::Variable(depth) => {
                self.variables.get(*depth).cloned().ok_or_else(|| fail(node, Cause::Unchecked))?
            }
            What::Not(part) => Value::Bool(!self.bool(part)?),
            What::And(parts) => Value::Bool(self.decide(parts, false)?),
            What::Or(parts) => Value::Bool(self.decide(parts, true)?),
            What::If(parts) => {
                let [condition, yes, no] = parts.as_ref();
                let branch = if self.bool(condition)? { yes } else { no };
                return self.value(branch);
            }
            What::Compare(comparison, parts) => Value::Bool(self.compare(node, *comparison, parts)?),
            What::In(parts) => {
                let value = self.value(&parts[0])?;
                let list = self.list(&parts[1])?;
                self.spend(list.walk().max(value.walk()), node)?;
                Value::Bool(list.contains(&value))
            }
            What::Negate(part) => {
                Value::Int(self.int(part)?.checked_neg().ok_or_else(|| fail(node, Cause::Overflow))?)
            }
            What::Arithmetic(operation, parts) => {
                let (left, right) = (self.int(&parts[0])?, self.int(&parts[1])?);
                Value::Int(calculate(*operation, left, right).map_err(|cause| fail(node, cause))?)
            }
            What::Join(parts) => self.join(node, parts)?,
            What::Index(parts) => {
                let list = self.list(&parts[0])?;
                let index = usize::try_from(self.int(&parts[1])?).ok();
                index.and_then(|index| list.get(index)).ok_or_else(|| fail(node, Cause::NoSuchElement))?
            }
            What::List(parts) => {
                let values: Answer<Vec<_>> = parts.iter().map(|part| self.value(part)).collect();
                Value::List(List::Made(values?))
            }
            What::Size(part) => Value::Int(match self.value(part)? {
                Value::Text(text) => {
                    self.spend(walk(&text), node)?;
                    whole(text.chars().count())
                }
                Value::List(list) => whole(list.len()),
                _ => return Err(fail(node, Cause::Unchecked)),
            }),
            What::Part(question, parts) => {
                let (text, part) = (self.text(&parts[0])?, self.text(&parts[1])?);
                self.spend(walk(&text) + walk(&part), node)?;
                Value::Bool(match question {
                    Part::Contains => text.contains(part.as_ref()),
                    Part::StartsWith => text.starts_with(part.as_ref()),
                    Part::EndsWith => text.ends_with(part.as_ref()),
                })
            }
            What::Matches(text, pattern) => {
                let text = self.text(text)?;
                self.spend(SEARCH + text.len() as u64 / SEARCHED_A_STEP, node)?;
                Value::Bool(pattern.is_match(&text))
            }
            What::Rewrite(rewrite, text) => {
                let text = self.text(text)?;
                self.spend(walk(&text), node)?;
                Value::Text(rewritten(*rewrite, text))
            }
            What::ToText(part) => Value::Text(match self.value(part)? {
                Value::Text(text) => text,
                Value::Int(int) => Cow::Owned(int.to_string()),
                Value::Bool(bool) => Cow::Borrowed(if bool { "true" } else { "false" }),
                Value::List(_) => return Err(fail(node, Cause::Unchecked)),
            }),
            What::ToInt(part) => {
                let text = self.text(part)?;
                self.spend(walk(&text), node)?;
                Value::Int(text.parse().map_err(|_| fail(node, Cause::NotANumber))?)
            }
            What::Loop(each) => self.each(node, each)?,
        })
    }

    /// The answer of a node that is a bool.
    pub(crate) fn bool(&mut self, node: &'a Node) -> Answer<bool> {
        match self.value(node)? {
            Value::Bool(bool) => Ok(bool),
            _ => Err(fail(node, Cause::Unchecked)),
        }
    }

    fn int(&mut self, node: &'a Node) -> Answer<i64> {
        match self.value(node)? {
            Value::Int(int) => Ok(int),
            _ => Err(fail(node, Cause::Unchecked)),
        }
    }

    fn text(&mut self, node: &'a Node) -> Answer<Cow<'a, str>> {
        match self.value(node)? {
            Value::Text(text) => Ok(text),
            _ => Err(fail(node, Cause::Unchecked)),
        }
    }

    fn list(&mut self, node: &'a Node) -> Answer<List<'a>> {
        match self.value(node)? {
            Value::List(list) => Ok(list),
            _ => Err(fail(node, Cause::Unchecked)),
        }
    }

    /// `&&` with `decisive` false, `||` with it true. The side that decides does so even if the other one fails.
    fn decide(&mut self, parts: &'a [Node; 2], decisive: bool) -> Answer<bool> {
        let left = self.bool(&parts[0]);
        match left {
            Ok(left) if left == decisive => return Ok(decisive),
            Err(error) if !error.cause.is_absorbed() => return Err(error),
            _ => {}
        }
        let right = self.bool(&parts[1])?;
        if right == decisive { Ok(decisive) } else { left }
    }

    fn compare(&mut self, node: &'a Node, comparison: Comparison, parts: &'a [Node; 2]) -> Answer<bool> {
        let (left, right) = (self.value(&parts[0])?, self.value(&parts[1])?);
        let order = match (&left, &right) {
            (Value::Int(left), Value::Int(right)) => left.cmp(right),
            (Value::Bool(left), Value::Bool(right)) => left.cmp(right),
            (Value::Text(left), Value::Text(right)) => {
                self.spend(walk(left).min(walk(right)), node)?;
                left.cmp(right)
            }
            (Value::List(left), Value::List(right)) => {
                self.spend(left.walk().max(right.walk()), node)?;
                if left == right { std::cmp::Ordering::Equal } else { std::cmp::Ordering::Less }
            }
            _ => return Err(fail(node, Cause::Unchecked)),
        };
        let order = match order {
            std::cmp::Ordering::Less => Comparison::LESS,
            std::cmp::Ordering::Equal => Comparison::EQUAL,
            std::cmp::Ordering::Greater => Comparison::GREATER,
        };
        Ok(comparison.0 & order.0 != 0)
    }

    fn join(&mut self, node: &'a Node, parts: &'a [Node; 2]) -> Answer<Value<'a>> {
        match (self.value(&parts[0])?, self.value(&parts[1])?) {
            (Value::Text(left), Value::Text(right)) => {
                self.spend(walk(&left) + walk(&right), node)?;
                if (left.len() + right.len()) as u64 > LONGEST_TEXT {
                    return Err(fail(node, Cause::TooLarge));
                }
                Ok(Value::Text(left + right))
            }
            (Value::List(left), Value::List(right)) => {
                self.spend(left.walk() + right.walk(), node)?;
                if (left.len() + right.len()) as u64 > LONGEST_LIST {
                    return Err(fail(node, Cause::TooLarge));
                }
                Ok(Value::List(List::Made(left.iter().chain(right.iter()).collect())))
            }
            _ => Err(fail(node, Cause::Unchecked)),
        }
    }

    fn each(&mut self, node: &'a Node, each: &'a Loop) -> Answer<Value<'a>> {
        let list = self.list(&each.list)?;
        let depth = self.variables.len();
        if depth != each.variable {
            return Err(fail(node, Cause::Unchecked));
        }
        let answer = self.turns(node, each, &list);
        self.variables.truncate(depth);
        answer
    }

    fn turns(&mut self, node: &'a Node, each: &'a Loop, list: &List<'a>) -> Answer<Value<'a>> {
        let (mut failed, mut found, mut made) = (None, 0_u32, Vec::new());
        for value in list.iter() {
            self.spend(value.walk(), node)?;
            self.variables.truncate(each.variable);
            self.variables.push(value);
            if each.kind == LoopKind::Map {
                let wanted = each.only.as_ref().map_or(Ok(true), |only| self.bool(only))?;
                if wanted {
                    made.push(self.value(&each.body)?);
                }
                continue;
            }
            let holds = match self.bool(&each.body) {
                Ok(holds) => holds,
                Err(error)
                    if error.cause.is_absorbed() && matches!(each.kind, LoopKind::All | LoopKind::Exists) =>
                {
                    failed = failed.or(Some(error));
                    continue;
                }
                Err(error) => return Err(error),
            };
            match each.kind {
                LoopKind::All if !holds => return Ok(Value::Bool(false)),
                LoopKind::Exists if holds => return Ok(Value::Bool(true)),
                LoopKind::Filter if holds => made.extend(self.variables.pop()),
                _ => found += u32::from(holds),
            }
        }
        match (each.kind, failed) {
            (_, Some(error)) => Err(error),
            (LoopKind::All, None) => Ok(Value::Bool(true)),
            (LoopKind::Exists, None) => Ok(Value::Bool(false)),
            (LoopKind::ExistsOne, None) => Ok(Value::Bool(found == 1)),
            (LoopKind::Filter | LoopKind::Map, None) => Ok(Value::List(List::Made(made))),
        }
    }
}

fn fail(node: &Node, cause: Cause) -> EvaluationError {
    EvaluationError { at: node.at, cause }
}

fn walk(text: &str) -> u64 {
    1 + text.len() as u64 / BYTES_A_STEP
}

fn whole(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn calculate(operation: Arithmetic, left: i64, right: i64) -> Result<i64, Cause> {
    let answer = match operation {
        Arithmetic::Add => left.checked_add(right),
        Arithmetic::Subtract => left.checked_sub(right),
        Arithmetic::Multiply => left.checked_mul(right),
        Arithmetic::Divide | Arithmetic::Remainder if right == 0 => return Err(Cause::DivisionByZero),
        Arithmetic::Divide => left.checked_div(right),
        Arithmetic::Remainder => left.checked_rem(right),
    };
    answer.ok_or(Cause::Overflow)
}

fn rewritten(rewrite: Rewrite, text: Cow<'_, str>) -> Cow<'_, str> {
    match rewrite {
        Rewrite::Lower if text.bytes().any(|byte| byte.is_ascii_uppercase()) => {
            Cow::Owned(text.to_ascii_lowercase())
        }
        Rewrite::Upper if text.bytes().any(|byte| byte.is_ascii_lowercase()) => {
            Cow::Owned(text.to_ascii_uppercase())
        }
        Rewrite::Lower | Rewrite::Upper => text,
        Rewrite::Trim => match text {
            Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
            Cow::Owned(text) => Cow::Owned(text.trim().to_owned()),
        },
    }
}
