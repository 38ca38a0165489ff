//! Writes `web/src/protocol.ts`: the wire's types for the pages, from the same Rust types that the server speaks.
//!
//! One file, one `export type` a type, in the order of their names, so that a difference is a difference of the wire.

use std::collections::BTreeMap;

use protocol::{
    AgentBody, AgentInput, AsideBody, AsideView, ClientFrame, ConversationBody, FailedMailView, FileBody,
    HistoryBody, Problem, PublicationsBody, ServerFrame, SignInBody, SignInInput, TicketBody, TokenBody,
    TokenInput, TrialBody, TryBody, WidgetBody, WidgetInput, WidgetSessionBody, WidgetSessionInput,
    WorkspaceBody, WorkspaceInput,
};
use ts_rs::{Config, TS, TypeVisitor};

const HEADER: &str = "\
// The wire's types, generated from router/protocol by `cargo xtask types`; never edited by hand.
// Large numbers are times in milliseconds and counters, all well within what a JavaScript number holds exactly.
";

struct Collected {
    config: Config,
    types: BTreeMap<String, String>,
}

impl Collected {
    fn add<T: TS + 'static + ?Sized>(&mut self) {
        if T::output_path().is_none() || self.types.contains_key(&T::ident(&self.config)) {
            return;
        }
        let docs = T::docs().unwrap_or_default();
        let line_end = if docs.is_empty() || docs.ends_with('\n') { "" } else { "\n" };
        let text = tidied(&format!("{docs}{line_end}export {}\n", T::decl(&self.config)));
        self.types.insert(T::ident(&self.config), text);
        T::visit_dependencies(self);
    }
}

impl TypeVisitor for Collected {
    fn visit<T: TS + 'static + ?Sized>(&mut self) {
        self.add::<T>();
    }
}

/// The same text with comments of one line on one line, indented members, and no blanks at the ends of lines.
fn tidied(text: &str) -> String {
    let text = text.replace(", };", ",\n};").replace(", } |", ",\n} |");
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let mut out = String::with_capacity(text.len());
    let mut inside = false;
    let mut at = 0;
    while at < lines.len() {
        let indent = if inside && !lines[at].starts_with('}') { "  " } else { "" };
        match lines.get(at..at + 3) {
            Some(["/**", text, "*/"]) => {
                let text = text.trim_start_matches("* ");
                out.push_str(&format!("{indent}/** {text} */\n"));
                at += 3;
            }
            _ => {
                let space = if lines[at].starts_with('*') { " " } else { "" };
                out.push_str(&format!("{indent}{space}{}\n", lines[at]));
                inside |= lines[at].starts_with("export type");
                at += 1;
            }
        }
    }
    out
}

/// The whole file.
pub(crate) fn text() -> String {
    let mut collected = Collected { config: Config::new().with_large_int("number"), types: BTreeMap::new() };
    collected.add::<ClientFrame>();
    collected.add::<ServerFrame>();
    collected.add::<Problem>();
    collected.add::<PublicationsBody>();
    collected.add::<SignInInput>();
    collected.add::<SignInBody>();
    collected.add::<TicketBody>();
    collected.add::<WidgetBody>();
    collected.add::<WidgetInput>();
    collected.add::<WidgetSessionInput>();
    collected.add::<WidgetSessionBody>();
    collected.add::<HistoryBody>();
    collected.add::<ConversationBody>();
    collected.add::<AgentInput>();
    collected.add::<AgentBody>();
    collected.add::<TokenInput>();
    collected.add::<TokenBody>();
    collected.add::<WorkspaceInput>();
    collected.add::<WorkspaceBody>();
    collected.add::<TryBody>();
    collected.add::<TrialBody>();
    collected.add::<FileBody>();
    collected.add::<AsideView>();
    collected.add::<AsideBody>();
    collected.add::<FailedMailView>();
    let types: Vec<&str> = collected.types.values().map(String::as_str).collect();
    format!(
        "{HEADER}\nexport const VERSION = {};\nexport const SUBPROTOCOL = {:?};\n\n{}",
        protocol::VERSION,
        protocol::SUBPROTOCOL,
        types.join("\n")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_is_there_once_and_in_order() {
        let text = text();
        let names: Vec<&str> = text
            .lines()
            .filter_map(|line| line.strip_prefix("export type "))
            .filter_map(|rest| rest.split([' ', '=']).next())
            .collect();
        let mut sorted = names.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(names, sorted);
        for name in
            ["ClientFrame", "ServerFrame", "SessionEvent", "ConversationView", "ConversationId", "Problem"]
        {
            assert!(names.contains(&name), "{name}");
        }
    }

    #[test]
    fn no_bigint_and_no_import() {
        let text = text();
        assert!(!text.contains("bigint"), "a number would not survive JSON.parse as a bigint");
        assert!(!text.contains("import "), "all types stand in this file");
    }
}
