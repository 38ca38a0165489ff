//! What the guards said of policies that were tried lately, so that publishing one need not try it again.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use policy::Document;
use policy::id::WorkspaceId;
use policy::time::{Span, Timestamp};

/// What is known of so many workspaces; then that of another one goes.
const WORKSPACES_MAX: usize = 1_000;
/// Policies of one workspace.
const EACH_MAX: usize = 4;
/// What was recorded since may speak otherwise.
const HOLDS: Span = Span::seconds(24 * 3_600);

/// One policy that was tried.
#[derive(Debug, Clone)]
struct Entry {
    /// The hash of its document.
    of: u64,
    at: Timestamp,
    objections: Vec<String>,
}

/// Policies that were tried on this node.
#[derive(Debug, Default)]
pub struct Tried(Mutex<BTreeMap<WorkspaceId, VecDeque<Entry>>>);

fn hash(document: &Document) -> Option<u64> {
    postcard::to_allocvec(document).ok().map(|bytes| xxhash_rust::xxh3::xxh3_64(&bytes))
}

impl Tried {
    fn all(&self) -> MutexGuard<'_, BTreeMap<WorkspaceId, VecDeque<Entry>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A policy was tried, and this was said of it.
    pub fn note(&self, workspace: WorkspaceId, document: &Document, objections: &[String], at: Timestamp) {
        let Some(of) = hash(document) else { return };
        let mut all = self.all();
        if all.len() >= WORKSPACES_MAX && !all.contains_key(&workspace) {
            all.pop_first();
        }
        let entries = all.entry(workspace).or_default();
        entries.retain(|it| it.of != of);
        if entries.len() == EACH_MAX {
            entries.pop_front();
        }
        entries.push_back(Entry { of, at, objections: objections.to_vec() });
    }

    /// What was said of this very policy, if it was tried within the last day.
    #[must_use]
    pub fn objections(
        &self,
        workspace: WorkspaceId,
        document: &Document,
        now: Timestamp,
    ) -> Option<Vec<String>> {
        let of = hash(document)?;
        let all = self.all();
        let it = all.get(&workspace)?.iter().find(|it| it.of == of)?;
        (now.since(it.at) <= HOLDS).then(|| it.objections.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_four_of_a_workspace_are_known_for_a_day() {
        let (tried, shop) = (Tried::default(), WorkspaceId::from_bits(1));
        let document = |target: u32| {
            let mut document = Document::default();
            document.bounds.passed_over_s = target;
            document
        };
        for number in 0..5 {
            tried.note(shop, &document(number), &[number.to_string()], Timestamp(0));
        }
        let said = |number, at| tried.objections(shop, &document(number), at);
        assert_eq!(said(0, Timestamp(0)), None, "the oldest has gone");
        assert_eq!(said(4, Timestamp(HOLDS.0)), Some(vec!["4".to_owned()]));
        assert_eq!(said(4, Timestamp(HOLDS.0 + 1)), None);
        assert_eq!(tried.objections(WorkspaceId::from_bits(2), &document(4), Timestamp(0)), None);
        tried.note(shop, &document(4), &[], Timestamp(9));
        assert_eq!(said(4, Timestamp(9)), Some(Vec::new()));
        assert_eq!(said(1, Timestamp(9)), Some(vec!["1".to_owned()]), "the same one again takes no room");
        for number in 0..2 * WORKSPACES_MAX as u128 {
            tried.note(WorkspaceId::from_bits(number), &document(0), &[], Timestamp(0));
        }
        assert!(tried.all().len() <= WORKSPACES_MAX);
    }
}
