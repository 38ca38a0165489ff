//! The check at load: every name is known, every kind fits, and the tree that is evaluated comes out. All faults of a
//! source are found in one run. Operators are here; names, calls and loops beneath.

mod calls;
mod loops;
mod names;
mod operators;

use cel::common::ast::{CallExpr, Expr, IdedExpr, LiteralValue, SourceInfo};

use crate::BUDGET;
use crate::environment::Environment;
use crate::evaluate::Evaluation;
use crate::facts::Facts;
use crate::fault::{Fault, Position};
use crate::node::{Node, Sum, What};
use crate::parse::MOST_FAULTS;
use crate::shape::{Kind, Shape};
use crate::value::{List, Value};

/// Expressions are nested at most so deep.
const DEEPEST: usize = 64;

/// One check.
pub(crate) struct Checker<'e> {
    environment: &'e Environment,
    source: &'e str,
    info: SourceInfo,
    /// The variables of the loops around, outermost first.
    scope: Vec<(String, Shape)>,
    faults: Vec<Fault>,
    /// The names used, a bit each, also where they turned out not to matter.
    used: u32,
    depth: usize,
    /// The regexes so far.
    patterns: usize,
    /// The innermost loop that alone is over the budget.
    dear: Option<Position>,
}

/// Checks a parsed source: the tree, and the names it uses.
pub(crate) fn check(
    source: &str,
    expr: &IdedExpr,
    info: SourceInfo,
    environment: &Environment,
) -> Result<(Node, u32), Vec<Fault>> {
    let mut checker = Checker {
        environment,
        source,
        info,
        scope: Vec::new(),
        faults: Vec::new(),
        used: 0,
        depth: 0,
        patterns: 0,
        dear: None,
    };
    let node = checker.expect(expr, Kind::Bool, "a condition");
    if let Some(Node { cost, at, .. }) = node.as_ref().filter(|node| node.cost > BUDGET) {
        let detail = format!(
            "the condition can take {} steps, the budget is {}; loops inside loops multiply",
            grouped(*cost),
            grouped(BUDGET),
        );
        checker.faults.push(Fault::new(checker.dear.unwrap_or(*at), detail));
    }
    match node {
        Some(node) if checker.faults.is_empty() => Ok((node, checker.used)),
        _ => {
            checker.faults.sort_by_key(|fault| fault.at);
            Err(checker.faults)
        }
    }
}

impl Checker<'_> {
    /// Checks one expression; none where a fault was found, and told.
    fn check(&mut self, expr: &IdedExpr) -> Option<Node> {
        if self.faults.len() >= MOST_FAULTS {
            return None;
        }
        if self.depth >= DEEPEST {
            self.fault(self.start(expr), format!("nested more than {DEEPEST} deep; split the rule"));
            return None;
        }
        self.depth += 1;
        let node = self.check_one(expr);
        self.depth -= 1;
        self.fold(node?)
    }

    fn check_one(&mut self, expr: &IdedExpr) -> Option<Node> {
        let at = self.start(expr);
        match &expr.expr {
            Expr::Literal(literal) => self.literal(at, literal),
            Expr::Ident(_) | Expr::Select(_) => self.name(expr, at),
            Expr::Call(call) => self.call(expr, call, at),
            Expr::List(list) => self.list(&list.elements, at),
            Expr::Map(_) | Expr::Struct(_) => {
                self.refuse(at, "there are no maps and no structs in conditions; use lists")
            }
            Expr::Comprehension(_) | Expr::Unspecified => self.refuse(at, "cannot be used in a condition"),
        }
    }

    fn literal(&mut self, at: Position, literal: &LiteralValue) -> Option<Node> {
        let value = match literal {
            LiteralValue::Boolean(value) => Value::Bool(*value.inner()),
            LiteralValue::Int(value) => Value::Int(*value.inner()),
            LiteralValue::String(value) => Value::Text(value.inner().to_owned().into()),
            LiteralValue::UInt(value) => {
                return self.refuse(at, format!("numbers have no `u` here; write `{}`", value.inner()));
            }
            LiteralValue::Double(_) => {
                return self
                    .refuse(at, "there are no fractions; numbers are whole, and shares are per mille");
            }
            LiteralValue::Bytes(_) => return self.refuse(at, "there are no bytes here; write a string"),
            LiteralValue::Null => {
                return self.refuse(at, "there is no `null`; what is not known is \"\", 0 or false");
            }
        };
        let shape = shape_of(&value);
        Some(Node::leaf(What::Literal(value), at, shape))
    }

    fn list(&mut self, elements: &[IdedExpr], at: Position) -> Option<Node> {
        let nodes: Vec<Option<Node>> = elements.iter().map(|element| self.check(element)).collect();
        let nodes: Vec<Node> = nodes.into_iter().collect::<Option<_>>()?;
        let Some(first) = nodes.first() else {
            let shape = Shape { kind: Kind::Empty, ..Shape::BOOL };
            return Some(Node::leaf(What::List(nodes), at, shape));
        };
        let mut shape = first.shape;
        for node in &nodes {
            let Some(both) = shape.either(node.shape) else {
                let detail =
                    format!("a list holds one kind; here are {} and {}", a(shape.kind), a(node.shape.kind));
                return self.refuse(node.at, detail);
            };
            shape = both;
        }
        let Some(shape) = shape.list(nodes.len() as u64) else {
            return self.refuse(first.at, "there are no lists of lists");
        };
        Some(Sum::of(&nodes).node(What::List(nodes), at, shape))
    }

    fn call(&mut self, expr: &IdedExpr, call: &CallExpr, at: Position) -> Option<Node> {
        match &call.target {
            None if call.func_name.starts_with(['_', '!', '-', '@']) => self.operator(call, at),
            None => self.function(expr, call, at),
            Some(target) => self.method(expr, target, call, at),
        }
    }

    /// Checks an expression that must be of one kind.
    fn expect(&mut self, expr: &IdedExpr, kind: Kind, who: &str) -> Option<Node> {
        let node = self.check(expr)?;
        if node.shape.kind == kind {
            return Some(node);
        }
        self.refuse(node.at, format!("{who} wants {}, this is {}", a(kind), a(node.shape.kind)))
    }

    /// Makes a literal of what does not depend on facts.
    fn fold(&mut self, mut node: Node) -> Option<Node> {
        let fixed = node.names == 0 && node.variables == 0 && node.cost <= BUDGET;
        if !fixed || node.literal().is_some() {
            return Some(node);
        }
        let value = {
            let facts = Facts::default();
            let mut evaluation = Evaluation::inside(&facts, self.scope.len());
            evaluation.value(&node).map(|value| value.owned())
        };
        match value {
            Ok(value) => {
                let shape = shape_of(&value);
                // `[]` keeps the kind it was found to be, and a list that becomes empty does too.
                let shape = if shape.kind == Kind::Empty { Shape { count: 0, ..node.shape } } else { shape };
                node = Node::leaf(What::Literal(value), node.at, shape);
                Some(node)
            }
            Err(error) => self.refuse(error.at, format!("this always fails: {}", error.cause)),
        }
    }

    fn refuse(&mut self, at: Position, detail: impl Into<String>) -> Option<Node> {
        self.fault(at, detail);
        None
    }

    fn fault(&mut self, at: Position, detail: impl Into<String>) {
        if self.faults.len() < MOST_FAULTS {
            self.faults.push(Fault::new(at, detail));
        }
    }

    /// Where an expression begins.
    fn start(&self, expr: &IdedExpr) -> Position {
        let mut expr = expr;
        loop {
            expr = match &expr.expr {
                Expr::Select(select) => &select.operand,
                Expr::Call(call) => match (&call.target, call.args.first()) {
                    (Some(target), _) => target,
                    // Of an operator between two sides the left one begins it.
                    (None, Some(left)) if call.func_name.starts_with('_') => left,
                    (None, _) if call.func_name == "@in" => match call.args.first() {
                        Some(left) => left,
                        None => return self.place(expr),
                    },
                    (None, _) => return self.word(expr, &call.func_name),
                },
                _ => return self.place(expr),
            }
        }
    }

    /// Where the parser saw an expression.
    fn place(&self, expr: &IdedExpr) -> Position {
        Position::of_byte(self.source, self.byte(expr))
    }

    /// Where the name of a function or a method is: the parser tells its parenthesis.
    fn word(&self, expr: &IdedExpr, word: &str) -> Position {
        let byte = self.byte(expr);
        let before = self.source.get(..byte).unwrap_or_default().trim_end();
        let start = before.strip_suffix(word).map_or(byte, str::len);
        Position::of_byte(self.source, start)
    }

    fn byte(&self, expr: &IdedExpr) -> usize {
        self.info.offset_for(expr.id).map_or(0, |(start, _)| usize::try_from(start).unwrap_or(0))
    }
}

/// The shape of a value that is known.
fn shape_of(value: &Value<'_>) -> Shape {
    match value {
        Value::Bool(_) => Shape::BOOL,
        Value::Int(int) => Shape::int(*int, *int),
        Value::Text(text) => Shape::text(text.len() as u64),
        Value::List(list) => shape_of_list(list),
    }
}

fn shape_of_list(list: &List<'_>) -> Shape {
    let shapes = list.iter().map(|value| shape_of(&value));
    let element = shapes.reduce(|left, right| left.either(right).unwrap_or(left));
    let listed = element.and_then(|element| element.list(list.len() as u64));
    listed.unwrap_or(Shape { kind: Kind::Empty, ..Shape::BOOL })
}

/// A kind with its article.
fn a(kind: Kind) -> String {
    let article = if kind == Kind::Int { "an" } else { "a" };
    format!("{article} {kind}")
}

/// A number with its thousands apart.
fn grouped(number: u64) -> String {
    if number == u64::MAX {
        return "endlessly many".to_owned();
    }
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
