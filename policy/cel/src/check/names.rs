//! Names: of the environment, with their parts, and of the loops around.

use cel::common::ast::{Expr, IdedExpr};
use policy::spelling::nearest;

use super::{Checker, a};
use crate::fault::Position;
use crate::node::{Node, What};
use crate::value::Value;

impl Checker<'_> {
    /// A name or a part of one.
    pub(super) fn name(&mut self, expr: &IdedExpr, at: Position) -> Option<Node> {
        let Some(path) = path(expr) else {
            if let Expr::Select(select) = &expr.expr {
                let whole = self.check(&select.operand)?;
                return self.refuse(
                    at,
                    format!("{} has no parts, so there is no `.{}`", a(whole.shape.kind), select.field),
                );
            }
            return self.refuse(at, "cannot be used in a condition");
        };
        if let Some(node) = self.variable(&path, at) {
            return node;
        }
        let Some(name) = self.environment.find(&path) else { return self.unknown(&path, at) };
        self.used |= name.id.bit();
        if name.presence {
            let detail = format!("`{path}` is kept from conditions; ask whether it is known: `has({path})`");
            return self.refuse(at, detail);
        }
        let mut node = Node::leaf(What::Name(name.id), at, name.shape);
        node.names = name.id.bit();
        Some(node)
    }

    /// `has(customer.name)`.
    pub(super) fn has(&mut self, args: &[IdedExpr], at: Position) -> Option<Node> {
        let [arg] = args else {
            return self.refuse(at, "`has` takes one part, such as `has(customer.name)`");
        };
        let part = matches!(arg.expr, Expr::Select(_)).then(|| path(arg)).flatten();
        let Some(path) = part else {
            let detail = "`has` asks for a part, such as `has(customer.name)`; whether a string is known is asked \
                          by `!= \"\"`";
            return self.refuse(self.start(arg), detail);
        };
        let place = self.start(arg);
        let Some(name) = self.environment.find(&path) else { return self.unknown(&path, place) };
        self.used |= name.id.bit();
        if !name.presence {
            return Some(Node::leaf(What::Literal(Value::Bool(true)), at, crate::shape::Shape::BOOL));
        }
        let mut node = Node::leaf(What::Name(name.id), at, name.shape);
        node.names = name.id.bit();
        Some(node)
    }

    /// A variable of a loop around; the inner option is none where it is used wrongly.
    fn variable(&mut self, path: &str, at: Position) -> Option<Option<Node>> {
        let root = path.split('.').next()?;
        let depth = self.scope.iter().rposition(|(name, _)| name == root)?;
        let shape = self.scope[depth].1;
        if path.len() > root.len() {
            let detail = format!("`{root}` is {} and has no parts", a(shape.kind));
            return Some(self.refuse(at, detail));
        }
        let mut node = Node::leaf(What::Variable(depth), at, shape);
        node.variables = 1 << depth;
        Some(Some(node))
    }

    fn unknown(&mut self, path: &str, at: Position) -> Option<Node> {
        if self.environment.only_while_waiting(path) {
            let detail = format!(
                "`{path}` is known only while a conversation waits, and conditions are answered when it comes in"
            );
            return self.refuse(at, detail);
        }
        let names = self.environment.names();
        let parts: Vec<&str> = names
            .clone()
            .map(crate::Name::path)
            .filter(|name| name.strip_prefix(path).is_some_and(|rest| rest.starts_with('.')))
            .collect();
        if !parts.is_empty() {
            return self.refuse(at, format!("`{path}` has parts; use one of `{}`", parts.join("`, `")));
        }
        let root = path.split('.').next().unwrap_or(path);
        if let Some(name) = self.environment.find(root) {
            let detail = format!("`{root}` is {} and has no parts", a(name.kind()));
            return self.refuse(at, detail);
        }
        let mut known: Vec<String> = names.map(|name| name.path().to_owned()).collect();
        known.extend(self.scope.iter().map(|(name, _)| name.clone()));
        let near = nearest(path, known.iter().map(String::as_str));
        let shown: String = path.chars().take(64).collect();
        self.refuse(at, format!("there is no name `{shown}`{near}"))
    }
}

/// The dotted name that an expression spells.
fn path(expr: &IdedExpr) -> Option<String> {
    let mut parts = Vec::new();
    let mut expr = expr;
    loop {
        match &expr.expr {
            Expr::Ident(name) => {
                parts.push(name.as_str());
                parts.reverse();
                return Some(parts.join("."));
            }
            Expr::Select(select) => {
                parts.push(select.field.as_str());
                expr = &select.operand;
            }
            _ => return None,
        }
    }
}
