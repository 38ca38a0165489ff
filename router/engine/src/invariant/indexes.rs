//! What is indexed agrees with what it indexes.

use alloc::format;
use alloc::vec::Vec;

use super::Violation;
use crate::state::{Engine, Phase};

/// Offers, customers and the pool's waiting conversations are those of the conversations, and the deadlines theirs.
pub fn check(engine: &Engine, found: &mut Vec<Violation>) {
    let mut wrong = |detail| found.push(Violation { invariant: "indexes", detail });
    let mut deadlines = 0;
    for (workspace_id, workspace) in engine.workspaces() {
        let mut offers = 0;
        let mut in_pool = 0;
        for (id, it) in &workspace.conversations {
            if workspace.customers.get(&it.customer) != Some(id) {
                wrong(format!("{id} is open and not its customer's open one"));
            }
            if let Some(at) = it.deadline {
                deadlines += 1;
                if !engine.deadlines.contains(&(at, workspace_id, *id)) {
                    wrong(format!("{id} has a deadline that nobody looks at"));
                }
            }
            match it.phase {
                Phase::Waiting { open, .. } => {
                    in_pool += u32::from(open);
                    if open != workspace.pool.waiting(*id).is_some() {
                        wrong(format!("{id} waits with open = {open}, the pool says otherwise"));
                    }
                }
                Phase::Offered { .. } | Phase::Assigned { .. } | Phase::Parked { .. } => {}
            }
            for offer in it.offers().map(|it| it.offer) {
                offers += 1;
                if workspace.offers.get(&offer) != Some(id) {
                    wrong(format!("{offer} stands and is not listed"));
                }
            }
            if !it.rivals.is_empty() && !matches!(it.phase, Phase::Offered { .. }) {
                wrong(format!("{id} has offers beside none"));
            }
        }
        for (id, wrap) in &workspace.wraps {
            deadlines += 1;
            if !engine.deadlines.contains(&(wrap.until, workspace_id, *id)) {
                wrong(format!("{id} is written up and nobody looks when that ends"));
            }
        }
        for id in workspace.promises.open() {
            let phase = workspace.conversations.get(&id).map(|it| it.phase);
            if !matches!(phase, Some(Phase::Waiting { .. } | Phase::Offered { .. })) {
                wrong(format!("{id} has a promise and does not wait"));
            }
        }
        if workspace.offers.len() != offers {
            wrong(format!("{} offers are listed, {offers} stand", workspace.offers.len()));
        }
        if workspace.pool.waiting_count() != in_pool {
            wrong(format!("the pool holds {}, {in_pool} wait", workspace.pool.waiting_count()));
        }
    }
    if engine.deadlines.len() != deadlines {
        wrong(format!("{} deadlines are listed, {deadlines} stand", engine.deadlines.len()));
    }
}
