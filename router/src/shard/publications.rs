//! Publications of policies: who put which version in force and when, what the guards had against it, and why it was done all
//! the same. Rows beside the log, written with the event that puts the version in force; the last hundred are kept.

use engine::{CommandKind, Rejection};
use log_store::{Table, Write};
use policy::Document;
use policy::id::{AgentId, WorkspaceId};
use policy::time::Timestamp;
use protocol::PublicationView;
use serde::{Deserialize, Serialize};

use super::state::State;

/// Publications of one workspace that are kept.
const KEPT: usize = 100;
/// What their keys begin with in the table of cursors.
pub(super) const KEY: &[u8] = b"published";

/// What is kept of a publication.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Publication {
    /// Who.
    pub(crate) by: AgentId,
    /// The name at that time.
    pub(crate) name: String,
    /// Why.
    pub(crate) reason: Option<String>,
    /// What the guards had against it.
    pub(crate) objections: Vec<String>,
    /// Whether recorded traffic was replayed under it.
    pub(crate) tried: bool,
}

/// A row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Row {
    at: Timestamp,
    version: u32,
    it: Publication,
}

fn key(workspace: WorkspaceId, version: u32) -> Vec<u8> {
    [KEY, &workspace.bits().to_be_bytes(), &version.to_be_bytes()].concat()
}

impl State {
    /// Puts a policy in force at the next event, and keeps who did it and why.
    ///
    /// # Errors
    /// The engine's rejection: nothing has changed.
    pub(crate) fn publish(
        &mut self,
        workspace: WorkspaceId,
        document: Box<Document>,
        it: Publication,
    ) -> Result<(), Rejection> {
        let version = self.policy_version(workspace) + 1;
        let before = self.published(workspace, false);
        self.execute_plain(workspace, CommandKind::InstallPolicy { version, document })?;
        match postcard::to_allocvec(&Row { at: self.now(), version, it }) {
            Ok(value) => {
                let key = key(workspace, version);
                self.pending.writes.push(Write::Put { table: Table::Cursors, key, value });
            }
            Err(error) => tracing::error!(%error, "a publication cannot be kept"),
        }
        for (key, _) in before.iter().take((before.len() + 1).saturating_sub(KEPT)) {
            self.pending.writes.push(Write::Delete { table: Table::Cursors, key: key.clone() });
        }
        Ok(())
    }

    fn published(&self, workspace: WorkspaceId, newest_first: bool) -> Vec<(Vec<u8>, Row)> {
        let (from, to) = (key(workspace, 0), key(workspace, u32::MAX));
        // One that waits for the log beside those that are there.
        let most = KEPT + 1;
        let rows = self.parts.log.scan(self.id, Table::Cursors, &from, &to, most, newest_first);
        let rows = rows.unwrap_or_else(|error| {
            tracing::error!(%error, "publications cannot be read");
            Vec::new()
        });
        rows.into_iter().filter_map(|(key, value)| Some((key, postcard::from_bytes(&value).ok()?))).collect()
    }

    /// The publications of a workspace, the newest first.
    #[must_use]
    pub(crate) fn publications(&self, workspace: WorkspaceId) -> Vec<PublicationView> {
        let view = |(_, Row { at, version, it })| PublicationView {
            version,
            at_ms: at.0,
            by: it.by,
            name: it.name,
            reason: it.reason,
            objections: it.objections,
            tried: it.tried,
        };
        self.published(workspace, true).into_iter().take(KEPT).map(view).collect()
    }
}
