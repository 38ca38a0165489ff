//! Macros over lists: `all`, `exists`, `exists_one`, `filter` and `map`.

use cel::common::ast::{Expr, IdedExpr};

use super::Checker;
use crate::BUDGET;
use crate::fault::Position;
use crate::node::{Loop, LoopKind, Node, Sum, What};
use crate::shape::{Kind, Shape};

/// Loops stand inside each other at most so deep.
const DEEPEST: usize = 16;

impl Checker<'_> {
    pub(super) fn each(
        &mut self,
        kind: LoopKind,
        name: &str,
        list: Node,
        args: &[IdedExpr],
        at: Position,
        word: Position,
    ) -> Option<Node> {
        let (variable, only, body) = match (kind, args) {
            (_, [variable, body]) => (variable, None, body),
            (LoopKind::Map, [variable, only, body]) => (variable, Some(only), body),
            _ => return self.arguments(name, 2, args.len(), word),
        };
        let variable = self.new_variable(name, variable)?;
        let Some(element) = list.shape.element() else {
            return self
                .refuse(list.at, format!("`{name}` has nothing to look at: the list is always empty"));
        };
        let depth = self.scope.len();
        if depth >= DEEPEST {
            return self.refuse(word, format!("more than {DEEPEST} loops inside each other; split the rule"));
        }
        self.scope.push((variable, element));
        let who = format!("`{name}`");
        let only = only.map(|only| self.expect(only, Kind::Bool, &who));
        let body = if kind == LoopKind::Map { self.check(body) } else { self.expect(body, Kind::Bool, &who) };
        self.scope.pop();
        let (only, body) = (only.map_or(Some(None), |only| only.map(Some))?, body?);
        let shape = match kind {
            LoopKind::Filter => list.shape,
            LoopKind::Map => match body.shape.list(list.shape.count) {
                Some(shape) => shape,
                None => {
                    let detail = format!("`map` makes a list, and there are no lists of {}", body.shape.kind);
                    return self.refuse(body.at, detail);
                }
            },
            _ => Shape::BOOL,
        };
        let turn = [only.as_ref(), Some(&body)].into_iter().flatten();
        let once = turn.fold(element.walk(), |sum, part| sum.saturating_add(part.cost));
        let turns = once.saturating_mul(list.shape.count);
        let all = list.cost.saturating_add(turns).saturating_add(1);
        if all > BUDGET && once <= BUDGET && list.cost <= BUDGET && self.dear.is_none() {
            self.dear = Some(word);
        }
        let sum = Sum::of([Some(&list), only.as_ref(), Some(&body)].into_iter().flatten());
        let each = Loop { kind, list, variable: depth, only, body };
        let mut node = sum.node(What::Loop(Box::new(each)), at, shape);
        node.cost = all;
        node.variables &= !(1 << depth);
        Some(node)
    }

    /// The variable that a loop brings in.
    fn new_variable(&mut self, name: &str, expr: &IdedExpr) -> Option<String> {
        let at = self.start(expr);
        let Expr::Ident(variable) = &expr.expr else {
            self.fault(
                at,
                format!("`{name}` wants a new name for each element first, such as `list.{name}(x, …)`"),
            );
            return None;
        };
        let taken = self.environment.names().any(|known| known.path().split('.').next() == Some(variable));
        if taken || self.scope.iter().any(|(known, _)| known == variable) {
            self.fault(
                at,
                format!("`{variable}` has a meaning already; choose another name for the element"),
            );
            return None;
        }
        Some(variable.clone())
    }
}
