//! Messages of a conversation are numbered 1, 2, 3, ... in the order of the log.

use alloc::format;
use alloc::vec::Vec;

use super::Violation;
use crate::event::{Event, EventKind};
use crate::state::Engine;

/// The next message has the next number.
pub fn check(before: &Engine, event: &Event, found: &mut Vec<Violation>) {
    let (EventKind::MessageReceived { conversation, seq, .. }
    | EventKind::MessageSent { conversation, seq, .. }) = &event.kind
    else {
        return;
    };
    let last = before
        .workspace(event.workspace)
        .and_then(|workspace| workspace.conversations.get(conversation))
        .map_or(0, |it| it.last);
    if *seq != last + 1 {
        let detail = format!("{conversation} has {last} messages and got number {seq}");
        found.push(Violation { invariant: "message order", detail });
    }
}
