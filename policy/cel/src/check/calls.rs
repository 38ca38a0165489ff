//! Functions and methods.

use cel::common::ast::{CallExpr, IdedExpr};
use policy::spelling::nearest;

use super::{Checker, a};
use crate::fault::Position;
use crate::node::{LoopKind, Node, Part, Rewrite, Sum, What};
use crate::pattern::{Pattern, SEARCH, SEARCHED_A_STEP};
use crate::shape::{Kind, LONGEST_LIST, LONGEST_TEXT, Shape};

const FUNCTIONS: [&str; 5] = ["has", "int", "matches", "size", "string"];
const TEXT_METHODS: [&str; 8] =
    ["contains", "endsWith", "lowerAscii", "matches", "size", "startsWith", "trim", "upperAscii"];
const LIST_METHODS: [&str; 6] = ["all", "exists", "exists_one", "filter", "map", "size"];
/// A condition has at most so many regexes.
const MOST_PATTERNS: usize = 8;
/// An `int` as a string has at most so many bytes.
const LONGEST_INT: u64 = 20;

impl Checker<'_> {
    pub(super) fn function(&mut self, expr: &IdedExpr, call: &CallExpr, at: Position) -> Option<Node> {
        let name = call.func_name.as_str();
        match (name, call.args.as_slice()) {
            ("has", args) => self.has(args, at),
            ("size", [part]) => {
                let part = self.check(part)?;
                self.size(part, at)
            }
            ("matches", [text, pattern]) => {
                let text = self.expect(text, Kind::Text, "`matches`")?;
                self.matches(text, pattern, at)
            }
            ("string", [part]) => self.make_text(part, at),
            ("int", [part]) => self.make_int(part, at),
            (name, args) if FUNCTIONS.contains(&name) => {
                let wanted = if name == "matches" { 2 } else { 1 };
                self.arguments(name, wanted, args.len(), at)
            }
            (name, _) if TEXT_METHODS.contains(&name) || LIST_METHODS.contains(&name) => self
                .refuse(self.word(expr, name), format!("`{name}` stands behind a value: `value.{name}(…)`")),
            (name, _) => {
                let near = nearest(name, FUNCTIONS.into_iter());
                self.refuse(self.word(expr, name), format!("there is no function `{name}`{near}"))
            }
        }
    }

    pub(super) fn method(
        &mut self,
        expr: &IdedExpr,
        target: &IdedExpr,
        call: &CallExpr,
        at: Position,
    ) -> Option<Node> {
        let (name, args) = (call.func_name.as_str(), call.args.as_slice());
        let word = self.word(expr, name);
        let value = self.check(target)?;
        let kind = value.shape.kind;
        if kind.is_list() {
            let loop_kind = match name {
                "all" => LoopKind::All,
                "exists" => LoopKind::Exists,
                "exists_one" | "existsOne" => LoopKind::ExistsOne,
                "filter" => LoopKind::Filter,
                "map" => LoopKind::Map,
                "size" if args.is_empty() => return self.size(value, at),
                "size" => return self.arguments(name, 0, args.len(), word),
                "contains" => {
                    return self.refuse(word, "a list has no `contains`; write `value in list`");
                }
                _ => return self.no_method(name, kind, &LIST_METHODS, word),
            };
            return self.each(loop_kind, name, value, args, at, word);
        }
        if kind != Kind::Text {
            return self.refuse(word, format!("{} has no methods, so there is no `{name}`", a(kind)));
        }
        match (name, args) {
            ("size", []) => self.size(value, at),
            ("contains", [part]) => self.part(Part::Contains, name, value, part, at),
            ("startsWith", [part]) => self.part(Part::StartsWith, name, value, part, at),
            ("endsWith", [part]) => self.part(Part::EndsWith, name, value, part, at),
            ("matches", [pattern]) => self.matches(value, pattern, at),
            ("lowerAscii", []) => Some(rewrite(Rewrite::Lower, value, at)),
            ("upperAscii", []) => Some(rewrite(Rewrite::Upper, value, at)),
            ("trim", []) => Some(rewrite(Rewrite::Trim, value, at)),
            (name, args) if TEXT_METHODS.contains(&name) => {
                let wanted = usize::from(matches!(name, "contains" | "startsWith" | "endsWith" | "matches"));
                self.arguments(name, wanted, args.len(), word)
            }
            _ => self.no_method(name, kind, &TEXT_METHODS, word),
        }
    }

    pub(super) fn arguments(&mut self, name: &str, wanted: usize, are: usize, at: Position) -> Option<Node> {
        let plural = if wanted == 1 { "argument" } else { "arguments" };
        self.refuse(at, format!("`{name}` takes {wanted} {plural}, here are {are}"))
    }

    fn no_method(&mut self, name: &str, kind: Kind, known: &[&str], at: Position) -> Option<Node> {
        let near = nearest(name, known.iter().copied());
        self.refuse(at, format!("{} has no method `{name}`{near}", a(kind)))
    }

    fn size(&mut self, part: Node, at: Position) -> Option<Node> {
        let (most, bound, walk) = match part.shape.kind {
            Kind::Text => (part.shape.bytes, LONGEST_TEXT, part.shape.walk()),
            kind if kind.is_list() => (part.shape.count, LONGEST_LIST, 0),
            kind => {
                return self.refuse(part.at, format!("`size` wants a string or a list, this is {}", a(kind)));
            }
        };
        let most = i64::try_from(most.min(bound)).unwrap_or(i64::MAX);
        Some(Sum::of([&part]).node(What::Size(Box::new(part)), at, Shape::int(0, most)).costing(walk))
    }

    fn part(
        &mut self,
        question: Part,
        name: &str,
        text: Node,
        part: &IdedExpr,
        at: Position,
    ) -> Option<Node> {
        let part = self.expect(part, Kind::Text, &format!("`{name}`"))?;
        let walk = text.shape.walk() + part.shape.walk();
        let parts = Box::new([text, part]);
        Some(Sum::of(parts.as_ref()).node(What::Part(question, parts), at, Shape::BOOL).costing(walk))
    }

    fn matches(&mut self, text: Node, pattern: &IdedExpr, at: Position) -> Option<Node> {
        let pattern = self.expect(pattern, Kind::Text, "`matches`")?;
        let Some(source) = pattern.text() else {
            let detail = "a regex must stand in the condition as it is, so that it is compiled once when the policy is \
                          loaded";
            return self.refuse(pattern.at, detail);
        };
        if self.patterns >= MOST_PATTERNS {
            let detail = format!("more than {MOST_PATTERNS} regexes; join some by `|`, or split the rule");
            return self.refuse(pattern.at, detail);
        }
        self.patterns += 1;
        match Pattern::compile(source) {
            Err(detail) => self.refuse(pattern.at, detail),
            Ok(pattern) => {
                let search = SEARCH + text.shape.bytes / SEARCHED_A_STEP;
                let sum = Sum::of([&text]);
                Some(sum.node(What::Matches(Box::new(text), pattern), at, Shape::BOOL).costing(search))
            }
        }
    }

    fn make_text(&mut self, part: &IdedExpr, at: Position) -> Option<Node> {
        let part = self.check(part)?;
        let bytes = match part.shape.kind {
            Kind::Text => part.shape.bytes,
            Kind::Int | Kind::Bool => LONGEST_INT,
            kind => return self.refuse(part.at, format!("`string` makes no string of {}", a(kind))),
        };
        Some(Sum::of([&part]).node(What::ToText(Box::new(part)), at, Shape::text(bytes)))
    }

    fn make_int(&mut self, part: &IdedExpr, at: Position) -> Option<Node> {
        let part = self.check(part)?;
        match part.shape.kind {
            Kind::Int => Some(part),
            Kind::Text => {
                let (sum, walk) = (Sum::of([&part]), part.shape.walk());
                let range = Shape::int(i64::MIN, i64::MAX);
                Some(sum.node(What::ToInt(Box::new(part)), at, range).costing(walk).failing(true))
            }
            kind => self.refuse(part.at, format!("`int` makes no number of {}", a(kind))),
        }
    }
}

fn rewrite(rewrite: Rewrite, text: Node, at: Position) -> Node {
    let (sum, shape) = (Sum::of([&text]), text.shape);
    sum.node(What::Rewrite(rewrite, Box::new(text)), at, shape).costing(shape.walk())
}
