//! Named invariants, checked by tests after each step and by the simulation after each event.
//!
//! | invariant of docs/architecture.md | here |
//! |---|---|
//! | 5 never above capacity by the router's own act | [`capacity`] |
//! | 5 at most one holder, behind a growing fence | [`one_holder`] |
//! | 6 messages numbered without gaps | [`message_order`] |
//! | 8 nobody passed over beyond the bound | [`passed_over`] |
//! | 10 nothing crosses workspaces | by construction: a handler sees one workspace; [`indexes`] checks what is indexed |
//! | - indexes agree with the state they index | [`indexes`] |

use alloc::string::String;
use alloc::vec::Vec;

use crate::event::Event;
use crate::state::Engine;

pub mod capacity;
pub mod indexes;
pub mod message_order;
pub mod one_holder;
pub mod passed_over;

/// What was found to be wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The invariant's name.
    pub invariant: &'static str,
    /// Where and how.
    pub detail: String,
}

/// Checks one step: the state before, the event, the state after.
#[must_use]
pub fn check_step(before: &Engine, event: &Event, after: &Engine) -> Vec<Violation> {
    let mut found = Vec::new();
    capacity::check(event, after, &mut found);
    one_holder::check_step(before, event, &mut found);
    message_order::check(before, event, &mut found);
    passed_over::check(before, event, &mut found);
    found
}

/// Checks a state by itself.
#[must_use]
pub fn check_state(engine: &Engine) -> Vec<Violation> {
    let mut found = Vec::new();
    one_holder::check_state(engine, &mut found);
    indexes::check(engine, &mut found);
    found
}
