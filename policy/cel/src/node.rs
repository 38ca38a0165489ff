//! A condition after the check: names and variables are resolved, kinds fit, regexes are compiled, and every node knows
//! what it can cost. What is evaluated is this tree, not the parser's.

use crate::environment::Id;
use crate::fault::Position;
use crate::pattern::Pattern;
use crate::shape::Shape;
use crate::value::Value;

/// One node.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) what: What,
    pub(crate) at: Position,
    pub(crate) shape: Shape,
    /// The most steps it can take.
    pub(crate) cost: u64,
    /// Whether it can fail.
    pub(crate) fallible: bool,
    /// The names it depends on, a bit each.
    pub(crate) names: u32,
    /// The variables from outside it depends on, a bit each.
    pub(crate) variables: u64,
}

/// Two nodes mean the same, wherever they stand.
impl PartialEq for Node {
    fn eq(&self, other: &Self) -> bool {
        self.what == other.what
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum What {
    Literal(Value<'static>),
    Name(Id),
    /// A variable of a loop, by its depth.
    Variable(usize),
    Not(Box<Node>),
    And(Box<[Node; 2]>),
    Or(Box<[Node; 2]>),
    /// Condition, then, else.
    If(Box<[Node; 3]>),
    Compare(Comparison, Box<[Node; 2]>),
    In(Box<[Node; 2]>),
    Negate(Box<Node>),
    Arithmetic(Arithmetic, Box<[Node; 2]>),
    /// Strings or lists put together.
    Join(Box<[Node; 2]>),
    Index(Box<[Node; 2]>),
    List(Vec<Node>),
    Size(Box<Node>),
    Part(Part, Box<[Node; 2]>),
    Matches(Box<Node>, Pattern),
    Rewrite(Rewrite, Box<Node>),
    ToText(Box<Node>),
    ToInt(Box<Node>),
    Loop(Box<Loop>),
}

/// A comparison as the set of orders in which it holds: 1 less, 2 equal, 4 greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Comparison(pub(crate) u8);

impl Comparison {
    pub(crate) const LESS: Self = Self(1);
    pub(crate) const EQUAL: Self = Self(2);
    pub(crate) const AT_MOST: Self = Self(3);
    pub(crate) const GREATER: Self = Self(4);
    pub(crate) const UNEQUAL: Self = Self(5);
    pub(crate) const AT_LEAST: Self = Self(6);

    /// What holds where this does not.
    pub(crate) fn not(self) -> Self {
        Self(7 - self.0)
    }

    /// The same with its sides exchanged.
    pub(crate) fn swapped(self) -> Self {
        Self((self.0 & 2) | ((self.0 & 1) << 2) | (self.0 >> 2))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

/// A question for a part of a string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Contains,
    StartsWith,
    EndsWith,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rewrite {
    Lower,
    Upper,
    Trim,
}

/// A macro over a list.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Loop {
    pub(crate) kind: LoopKind,
    pub(crate) list: Node,
    /// Its variable.
    pub(crate) variable: usize,
    /// Only these, for `map` with three arguments.
    pub(crate) only: Option<Node>,
    pub(crate) body: Node,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LoopKind {
    All,
    Exists,
    ExistsOne,
    Filter,
    Map,
}

impl Node {
    /// A node without parts.
    pub(crate) fn leaf(what: What, at: Position, shape: Shape) -> Self {
        Self { what, at, shape, cost: 1, fallible: false, names: 0, variables: 0 }
    }

    /// The same, dearer by so many steps.
    pub(crate) fn costing(mut self, steps: u64) -> Self {
        self.cost = self.cost.saturating_add(steps);
        self
    }

    /// The same, and it can fail.
    pub(crate) fn failing(mut self, fallible: bool) -> Self {
        self.fallible |= fallible;
        self
    }

    /// Its value, where it is one whatever the facts.
    pub(crate) fn literal(&self) -> Option<&Value<'static>> {
        match &self.what {
            What::Literal(value) => Some(value),
            _ => None,
        }
    }

    pub(crate) fn text(&self) -> Option<&str> {
        match self.literal() {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn int(&self) -> Option<i64> {
        match self.literal() {
            Some(Value::Int(int)) => Some(*int),
            _ => None,
        }
    }
}

/// What a node takes over from its parts.
pub(crate) struct Sum {
    cost: u64,
    fallible: bool,
    names: u32,
    variables: u64,
}

impl Sum {
    pub(crate) fn of<'n>(parts: impl IntoIterator<Item = &'n Node>) -> Self {
        let mut sum = Self { cost: 1, fallible: false, names: 0, variables: 0 };
        for part in parts {
            sum.cost = sum.cost.saturating_add(part.cost);
            sum.fallible |= part.fallible;
            sum.names |= part.names;
            sum.variables |= part.variables;
        }
        sum
    }

    /// The node over these parts.
    pub(crate) fn node(self, what: What, at: Position, shape: Shape) -> Node {
        let Self { cost, fallible, names, variables } = self;
        Node { what, at, shape, cost, fallible, names, variables }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comparisons_turn_and_swap() {
        assert_eq!(Comparison::LESS.not(), Comparison::AT_LEAST);
        assert_eq!(Comparison::EQUAL.not(), Comparison::UNEQUAL);
        assert_eq!(Comparison::AT_MOST.swapped(), Comparison::AT_LEAST);
        assert_eq!(Comparison::UNEQUAL.swapped(), Comparison::UNEQUAL);
        assert_eq!(Comparison::GREATER.swapped(), Comparison::LESS);
    }
}
