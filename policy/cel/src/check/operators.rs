//! Operators: which kinds they take, what they give, how far a number can go.

use cel::common::ast::{CallExpr, IdedExpr};
use policy::spelling::nearest;

use super::{Checker, a};
use crate::environment::by_id;
use crate::fault::Position;
use crate::node::{Arithmetic, Comparison, Node, Sum, What};
use crate::shape::{Kind, LONGEST_LIST, LONGEST_TEXT, Shape};
use crate::value::{List, Value};

impl Checker<'_> {
    pub(super) fn operator(&mut self, call: &CallExpr, at: Position) -> Option<Node> {
        match (call.func_name.as_str(), call.args.as_slice()) {
            ("!_", [part]) => {
                let part = self.expect(part, Kind::Bool, "`!`")?;
                Some(Sum::of([&part]).node(What::Not(Box::new(part)), at, Shape::BOOL))
            }
            ("-_", [part]) => self.negate(part, at),
            ("_?_:_", [condition, yes, no]) => self.choose(condition, yes, no, at),
            (operator, [left, right]) => self.between(operator, left, right, at),
            (operator, _) => self.refuse(at, format!("`{}` is not an operator here", written(operator))),
        }
    }

    fn between(&mut self, operator: &str, left: &IdedExpr, right: &IdedExpr, at: Position) -> Option<Node> {
        if matches!(operator, "_&&_" | "_||_") {
            let who = format!("`{}`", written(operator));
            let (left, right) = (self.expect(left, Kind::Bool, &who), self.expect(right, Kind::Bool, &who));
            let parts = Box::new([left?, right?]);
            let sum = Sum::of(parts.as_ref());
            let what = if operator == "_&&_" { What::And(parts) } else { What::Or(parts) };
            return Some(sum.node(what, at, Shape::BOOL));
        }
        let (left, right) = (self.check(left), self.check(right));
        let (left, right) = (left?, right?);
        let comparison = match operator {
            "_==_" => Comparison::EQUAL,
            "_!=_" => Comparison::UNEQUAL,
            "_<_" => Comparison::LESS,
            "_<=_" => Comparison::AT_MOST,
            "_>_" => Comparison::GREATER,
            "_>=_" => Comparison::AT_LEAST,
            "@in" => return self.within(left, right, at),
            "_[_]" => return self.index(left, right, at),
            "_+_" => return self.add(left, right, at),
            "_-_" => return self.calculate(Arithmetic::Subtract, operator, left, right, at),
            "_*_" => return self.calculate(Arithmetic::Multiply, operator, left, right, at),
            "_/_" => return self.calculate(Arithmetic::Divide, operator, left, right, at),
            "_%_" => return self.calculate(Arithmetic::Remainder, operator, left, right, at),
            _ => return self.refuse(at, format!("`{}` is not an operator here", written(operator))),
        };
        self.compare(comparison, operator, left, right, at)
    }

    fn compare(
        &mut self,
        comparison: Comparison,
        operator: &str,
        left: Node,
        right: Node,
        at: Position,
    ) -> Option<Node> {
        let operator = written(operator);
        let Some(both) = left.shape.kind.common(right.shape.kind) else {
            let detail = format!(
                "`{operator}` compares {} with {}; both sides must be of one kind",
                a(left.shape.kind),
                a(right.shape.kind)
            );
            return self.refuse(right.at, detail);
        };
        let ordered = matches!(both, Kind::Int | Kind::Text);
        if !ordered && !matches!(comparison, Comparison::EQUAL | Comparison::UNEQUAL) {
            return self.refuse(at, format!("`{operator}` orders numbers and strings, this is {}", a(both)));
        }
        if matches!(comparison, Comparison::EQUAL | Comparison::UNEQUAL) {
            self.can_be(&left, &right)?;
            self.can_be(&right, &left)?;
        }
        let walk = match both {
            Kind::Text => left.shape.walk().min(right.shape.walk()),
            kind if kind.is_list() => left.shape.walk().max(right.shape.walk()),
            _ => 0,
        };
        let parts = Box::new([left, right]);
        Some(Sum::of(parts.as_ref()).node(What::Compare(comparison, parts), at, Shape::BOOL).costing(walk))
    }

    fn within(&mut self, value: Node, list: Node, at: Position) -> Option<Node> {
        match list.shape.element().map(|element| element.kind) {
            None if list.shape.kind == Kind::Text => {
                return self
                    .refuse(list.at, "`in` wants a list, this is a string; write `text.contains(part)`");
            }
            None if list.shape.kind != Kind::Empty => {
                return self.refuse(list.at, format!("`in` wants a list, this is {}", a(list.shape.kind)));
            }
            Some(kind) if kind != value.shape.kind => {
                let detail = format!(
                    "`in` looks for {} in {}; it is never there",
                    a(value.shape.kind),
                    a(list.shape.kind)
                );
                return self.refuse(value.at, detail);
            }
            _ => {}
        }
        self.can_be(&list, &value)?;
        self.can_be(&value, &list)?;
        let walk = list.shape.walk().max(value.shape.walk());
        let parts = Box::new([value, list]);
        Some(Sum::of(parts.as_ref()).node(What::In(parts), at, Shape::BOOL).costing(walk))
    }

    /// Refuses a string that a name with told values can never be.
    fn can_be(&mut self, name: &Node, literal: &Node) -> Option<()> {
        let What::Name(id) = name.what else { return Some(()) };
        let Some(values) = self.environment.values(id) else { return Some(()) };
        let texts: Vec<&str> = match literal.literal() {
            Some(Value::Text(text)) => vec![text],
            Some(Value::List(List::Made(list))) => list
                .iter()
                .filter_map(|value| if let Value::Text(text) = value { Some(text.as_ref()) } else { None })
                .collect(),
            _ => return Some(()),
        };
        for text in texts {
            if !values.iter().any(|value| value == text) {
                let near = nearest(text, values.iter().map(|value| value.as_ref()));
                let path = by_id(id).path();
                let is = if name.shape.kind == Kind::Text { "is never" } else { "never holds" };
                self.fault(literal.at, format!("`{path}` {is} {text:?}{near}"));
                return None;
            }
        }
        Some(())
    }

    fn index(&mut self, list: Node, index: Node, at: Position) -> Option<Node> {
        let Some(element) = list.shape.element() else {
            return self.refuse(list.at, format!("only a list has an index, this is {}", a(list.shape.kind)));
        };
        if index.shape.kind != Kind::Int {
            return self.refuse(index.at, format!("an index is an int, this is {}", a(index.shape.kind)));
        }
        let parts = Box::new([list, index]);
        Some(Sum::of(parts.as_ref()).node(What::Index(parts), at, element).failing(true))
    }

    fn choose(&mut self, condition: &IdedExpr, yes: &IdedExpr, no: &IdedExpr, at: Position) -> Option<Node> {
        let condition = self.expect(condition, Kind::Bool, "`?`");
        let (yes, no) = (self.check(yes), self.check(no));
        let (condition, yes, no) = (condition?, yes?, no?);
        let Some(shape) = yes.shape.either(no.shape) else {
            let detail = format!(
                "both sides of `:` must be of one kind; they are {} and {}",
                a(yes.shape.kind),
                a(no.shape.kind)
            );
            return self.refuse(no.at, detail);
        };
        let parts = Box::new([condition, yes, no]);
        Some(Sum::of(parts.as_ref()).node(What::If(parts), at, shape))
    }

    fn add(&mut self, left: Node, right: Node, at: Position) -> Option<Node> {
        let shape = match (left.shape.kind, right.shape.kind) {
            (Kind::Int, Kind::Int) => {
                return self.calculate(Arithmetic::Add, "_+_", left, right, at);
            }
            (Kind::Text, Kind::Text) => Some(Shape::text(left.shape.bytes + right.shape.bytes)),
            (one, other) if one.is_list() && other.is_list() => {
                let count = left.shape.count + right.shape.count;
                left.shape.either(right.shape).map(|shape| Shape { count, ..shape })
            }
            _ => None,
        };
        let Some(shape) = shape else {
            let detail = format!(
                "`+` cannot add {} to {}; `string(number)` makes a string",
                a(right.shape.kind),
                a(left.shape.kind)
            );
            return self.refuse(right.at, detail);
        };
        if shape.bytes > LONGEST_TEXT || shape.count > LONGEST_LIST {
            let detail = format!(
                "this can become too large; {LONGEST_TEXT} bytes and {LONGEST_LIST} elements are the most"
            );
            return self.refuse(at, detail);
        }
        let walk = left.shape.walk() + right.shape.walk();
        let parts = Box::new([left, right]);
        Some(Sum::of(parts.as_ref()).node(What::Join(parts), at, shape).costing(walk))
    }

    fn calculate(
        &mut self,
        arithmetic: Arithmetic,
        operator: &str,
        left: Node,
        right: Node,
        at: Position,
    ) -> Option<Node> {
        if let Some(wrong) = [&left, &right].into_iter().find(|node| node.shape.kind != Kind::Int) {
            let detail = format!("`{}` wants numbers, this is {}", written(operator), a(wrong.shape.kind));
            return self.refuse(wrong.at, detail);
        }
        let (range, fallible) = reach(arithmetic, left.shape, right.shape);
        let parts = Box::new([left, right]);
        Some(Sum::of(parts.as_ref()).node(What::Arithmetic(arithmetic, parts), at, range).failing(fallible))
    }

    fn negate(&mut self, part: &IdedExpr, at: Position) -> Option<Node> {
        let part = self.expect(part, Kind::Int, "`-`")?;
        let (range, fallible) = reach(Arithmetic::Subtract, Shape::int(0, 0), part.shape);
        Some(Sum::of([&part]).node(What::Negate(Box::new(part)), at, range).failing(fallible))
    }
}

/// How far the result of a calculation goes, and whether it can fail.
fn reach(arithmetic: Arithmetic, left: Shape, right: Shape) -> (Shape, bool) {
    let corners = |of: fn(i128, i128) -> i128| {
        let (a, b) = (i128::from(left.low), i128::from(left.high));
        let (c, d) = (i128::from(right.low), i128::from(right.high));
        let all = [of(a, c), of(a, d), of(b, c), of(b, d)];
        (all.into_iter().min().unwrap_or(0), all.into_iter().max().unwrap_or(0))
    };
    let zero = right.low <= 0 && right.high >= 0;
    let (low, high) = match arithmetic {
        Arithmetic::Add => corners(|a, b| a + b),
        Arithmetic::Subtract => corners(|a, b| a - b),
        Arithmetic::Multiply => corners(|a, b| a * b),
        Arithmetic::Divide if zero => {
            let most = i128::from(left.low).abs().max(i128::from(left.high).abs());
            (-most, most)
        }
        // Away from zero a quotient only rises or only falls with each side, so that its ends are at the corners.
        Arithmetic::Divide => corners(|a, b| a / b),
        Arithmetic::Remainder => {
            let most = i128::from(right.low).abs().max(i128::from(right.high).abs()).max(1) - 1;
            (if left.low < 0 { -most } else { 0 }, if left.high > 0 { most } else { 0 })
        }
    };
    let divides = matches!(arithmetic, Arithmetic::Divide | Arithmetic::Remainder);
    // `i64::MIN % -1` overflows like its quotient does.
    let least = divides && left.low == i64::MIN && right.low <= -1 && right.high >= -1;
    let (least_int, most_int) = (i128::from(i64::MIN), i128::from(i64::MAX));
    let fallible = (divides && zero) || least || low < least_int || high > most_int;
    let int = |value: i128| i64::try_from(value.clamp(least_int, most_int)).unwrap_or(0);
    (Shape::int(int(low), int(high)), fallible)
}

/// The sign of an operator as it is written.
fn written(operator: &str) -> &str {
    operator.trim_matches(['_', '@'])
}
