//! Mail of ours that did not arrive, or of which nobody knows: a row for each, so that somebody may look at all of them and send
//! them again. A row goes when the mail gets further, and after 30 days; what the mail says stands with its message.

use log_store::{Table, Write};
use policy::id::{ConversationId, WorkspaceId};
use policy::time::{Span, Timestamp};
use policy::{Audience, Disclosed, Field, Grants, Purpose, disclose};
use protocol::FailedMailView;
use serde::{Deserialize, Serialize};

use super::state::State;

/// How long a row is kept.
const KEPT: Span = Span::seconds(30 * 86_400);
/// Rows shown at once.
const SHOWN: usize = 200;
/// Rows that are too old and go with each that comes.
const SWEPT: usize = 4;
/// Rows that are looked through for one mail.
const LOOKED: usize = 10_000;

/// A row: which mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct FailedRow {
    at: Timestamp,
    conversation: ConversationId,
    seq: u64,
}

/// Rows of a workspace stand where the mails of a conversation with this id would, behind those that were set aside.
const NO_CONVERSATION: u128 = 1;

fn key(workspace: WorkspaceId, id: u128) -> Vec<u8> {
    [workspace.bits(), NO_CONVERSATION, id].map(u128::to_be_bytes).concat()
}

impl State {
    fn failed_rows(&self, workspace: WorkspaceId, limit: usize, newest: bool) -> Vec<(Vec<u8>, FailedRow)> {
        let (from, to) = (key(workspace, 0), key(workspace, u128::MAX));
        let rows = self.parts.log.scan(self.id, Table::Mails, &from, &to, limit, newest);
        let rows = rows.unwrap_or_else(|error| {
            tracing::error!(%error, "what did not arrive cannot be read");
            Vec::new()
        });
        rows.into_iter().filter_map(|(key, value)| Some((key, postcard::from_bytes(&value).ok()?))).collect()
    }

    /// Notes a mail that did not arrive.
    pub(super) fn note_failed(&mut self, workspace: WorkspaceId, conversation: ConversationId, seq: u64) {
        let now = self.now();
        for (key, row) in self.failed_rows(workspace, SWEPT, false) {
            if now.since(row.at) > KEPT {
                self.pending.writes.push(Write::Delete { table: Table::Mails, key });
            }
        }
        // Ids begin with the time, so that the oldest stand in front.
        let key = key(workspace, uuid::Uuid::now_v7().as_u128());
        if let Ok(value) = postcard::to_allocvec(&FailedRow { at: now, conversation, seq }) {
            self.pending.writes.push(Write::Put { table: Table::Mails, key, value });
        }
    }

    /// It got further: it is no longer among them.
    pub(super) fn forget_failed(&mut self, workspace: WorkspaceId, conversation: ConversationId, seq: u64) {
        for (key, row) in self.failed_rows(workspace, LOOKED, true) {
            if (row.conversation, row.seq) == (conversation, seq) {
                self.pending.writes.push(Write::Delete { table: Table::Mails, key });
            }
        }
    }

    /// What did not arrive, newest first. What was forgotten with its customer is not among them.
    pub(crate) fn failed_mails(&mut self, workspace: WorkspaceId) -> Option<Disclosed<Vec<FailedMailView>>> {
        let mut views = Vec::new();
        for (_, row) in self.failed_rows(workspace, SHOWN, true) {
            let Some((_, stored)) = self.stored_message(workspace, row.conversation, row.seq) else {
                continue;
            };
            let Some(mailed) = stored.mail.filter(|it| it.stage.is_some_and(super::mailed::Stage::is_lost))
            else {
                continue;
            };
            let view = mailed.view();
            let Some(state) = view.state else { continue };
            let elsewhere = self.elsewhere(workspace, row.conversation, &view.to);
            views.push(FailedMailView {
                conversation: row.conversation,
                seq: row.seq,
                at_ms: row.at.0,
                account: view.from,
                to: view.to.into_iter().chain(view.cc).collect(),
                subject: view.subject,
                state,
                why: view.why,
                elsewhere,
            });
        }
        let fields = [Field::MessageBody, Field::ContactPoint];
        disclose(Audience::Agent, Purpose::Service, &Grants::by_writing_in(), &fields, views).ok()
    }
}
