//! Mail that became no message: automatic replies, lists, reports that match nothing, what the engine refused. It is kept as it
//! came, sealed, for 30 days, and somebody may read it or make a message of it. So nothing is lost, and nothing that no person
//! wrote starts a clock.

use connectors::email::automatic::Automatic;
use connectors::email::verdict::Verdict;
use log_store::{Table, Unsealed, Write};
use policy::id::{ConversationId, CustomerId, WorkspaceId};
use policy::time::{Span, Timestamp};
use policy::{Audience, Disclosed, Field, Grants, Purpose, disclose};
use protocol::AsideView;
use serde::{Deserialize, Serialize};

use super::mail::Arrived;
use super::state::State;
use crate::files::Kept;

/// How long it is kept.
const KEPT: Span = Span::seconds(30 * 86_400);
/// Rows shown at once.
const SHOWN: usize = 200;
/// Rows that are too old and go with each that comes.
const SWEPT: usize = 4;

/// Why a mail became no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Why {
    Reply,
    Notice,
    Bulk,
    Report,
    Own,
    Complaint,
    Loop,
    NoSender,
    Refused,
}

impl Why {
    pub(super) const fn of(automatic: Automatic) -> Self {
        match automatic {
            Automatic::Reply => Self::Reply,
            Automatic::Notice => Self::Notice,
            Automatic::Bulk => Self::Bulk,
            Automatic::Report => Self::Report,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Reply => "automatic_reply",
            Self::Notice => "notice",
            Self::Bulk => "bulk",
            Self::Report => "report",
            Self::Own => "own",
            Self::Complaint => "complaint",
            Self::Loop => "loop",
            Self::NoSender => "no_sender",
            Self::Refused => "refused",
        }
    }
}

/// A row: what is nobody's words in the clear, the rest sealed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct AsideRow {
    at: Timestamp,
    account: String,
    customer: CustomerId,
    why: Why,
    conversation: Option<ConversationId>,
    sealed: Vec<u8>,
}

/// What is sealed of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Aside {
    from: String,
    subject: String,
    envelope: Vec<String>,
    kept: Kept,
}

/// A mail that was set aside, for reading it or making a message of it.
pub(crate) struct TakenUp {
    /// The mailbox that it came to.
    pub(crate) account: String,
    /// The mail as it came.
    pub(crate) kept: Kept,
    /// The recipients that the server told.
    pub(crate) envelope: Vec<String>,
}

/// Rows of a workspace stand where the mails of a conversation with this id would.
const NO_CONVERSATION: u128 = 0;

/// Whose key seals a row, if it is one of ours.
pub(super) fn customer_of(key: &[u8], value: &[u8]) -> Option<CustomerId> {
    let ours = key.get(16..32) == Some(&NO_CONVERSATION.to_be_bytes());
    ours.then(|| postcard::from_bytes::<AsideRow>(value).ok()).flatten().map(|row| row.customer)
}

fn key(workspace: WorkspaceId, id: u128) -> Vec<u8> {
    [workspace.bits(), NO_CONVERSATION, id].map(u128::to_be_bytes).concat()
}

impl State {
    /// Keeps a mail that becomes no message.
    pub(super) fn set_aside(&mut self, it: &Arrived, why: Why, conversation: Option<ConversationId>) {
        let workspace = it.account.workspace;
        tracing::info!(why = why.name(), "a mail was set aside");
        let from = it.mail.from.first().map(|it| it.address.clone()).unwrap_or_default();
        let (customer, _) = self.writer_of(workspace, &from, &Verdict::Unverified);
        let aside = Aside {
            from,
            subject: it.mail.subject.clone(),
            envelope: it.envelope.clone(),
            kept: it.kept.clone(),
        };
        // Ids begin with the time, so that the oldest stand in front.
        let key = key(workspace, uuid::Uuid::now_v7().as_u128());
        let Ok(plain) = postcard::to_allocvec(&aside) else { return };
        let sealed = self.parts.vault.seal(self.id, customer, &key, &plain, &mut self.pending.writes);
        let row = sealed.map(|sealed| AsideRow {
            at: self.now(),
            account: it.account.settings.address.clone(),
            customer,
            why,
            conversation,
            sealed,
        });
        match row.map(|row| postcard::to_allocvec(&row)) {
            Ok(Ok(value)) => self.pending.writes.push(Write::Put { table: Table::Mails, key, value }),
            Ok(Err(error)) => tracing::error!(%error, "a mail cannot be set aside"),
            Err(error) => self.unwritten("a mail that is set aside", &error),
        }
        self.sweep_aside(workspace);
    }

    fn sweep_aside(&mut self, workspace: WorkspaceId) {
        let now = self.now();
        for (key, row) in self.aside_rows(workspace, SWEPT, false) {
            if now.since(row.at) > KEPT {
                self.pending.writes.push(Write::Delete { table: Table::Mails, key });
            }
        }
    }

    fn aside_rows(&self, workspace: WorkspaceId, limit: usize, newest: bool) -> Vec<(Vec<u8>, AsideRow)> {
        let (from, to) = (key(workspace, 0), key(workspace, u128::MAX));
        let rows = self.parts.log.scan(self.id, Table::Mails, &from, &to, limit, newest);
        let rows = rows.unwrap_or_else(|error| {
            tracing::error!(%error, "what was set aside cannot be read");
            Vec::new()
        });
        rows.into_iter().filter_map(|(key, value)| Some((key, postcard::from_bytes(&value).ok()?))).collect()
    }

    fn open_aside(&self, key: &[u8], row: &AsideRow) -> Option<Aside> {
        match self.parts.vault.unseal(self.id, row.customer, key, &row.sealed) {
            Ok(Unsealed::Text(plain)) => postcard::from_bytes(&plain).ok(),
            Ok(Unsealed::Erased) | Err(_) => None,
        }
    }

    /// What was set aside, newest first.
    pub(crate) fn aside(&self, workspace: WorkspaceId) -> Option<Disclosed<Vec<AsideView>>> {
        let rows = self.aside_rows(workspace, SHOWN, true);
        let views = rows.into_iter().filter_map(|(key, row)| {
            let opened = self.open_aside(&key, &row)?;
            let id = u128::from_be_bytes(key.get(32..48)?.try_into().ok()?);
            Some(AsideView {
                id: uuid::Uuid::from_u128(id).simple().to_string(),
                at_ms: row.at.0,
                account: row.account,
                why: row.why.name().to_owned(),
                from: opened.from,
                subject: opened.subject,
                conversation: row.conversation,
            })
        });
        let fields = [Field::MessageBody, Field::ContactPoint];
        let grants = Grants::by_writing_in();
        disclose(Audience::Agent, Purpose::Service, &grants, &fields, views.collect()).ok()
    }

    /// A mail that was set aside.
    pub(crate) fn aside_mail(&self, workspace: WorkspaceId, id: u128) -> Option<Disclosed<TakenUp>> {
        let key = key(workspace, id);
        let stored = self.parts.log.get(self.id, Table::Mails, &key).ok().flatten()?;
        let row: AsideRow = postcard::from_bytes(&stored).ok()?;
        let opened = self.open_aside(&key, &row)?;
        let found = TakenUp { account: row.account, kept: opened.kept, envelope: opened.envelope };
        let fields = [Field::MessageBody, Field::ContactPoint];
        disclose(Audience::Agent, Purpose::Service, &Grants::by_writing_in(), &fields, found).ok()
    }

    /// Throws a mail away that was set aside; says whether it was there.
    pub(crate) fn throw_away(&mut self, workspace: WorkspaceId, id: u128) -> bool {
        let key = key(workspace, id);
        let there = self.parts.log.get(self.id, Table::Mails, &key).is_ok_and(|it| it.is_some());
        if there {
            self.pending.writes.push(Write::Delete { table: Table::Mails, key });
        }
        there
    }

    /// Makes a message of a mail that was set aside: a person says that it is one.
    ///
    /// # Errors
    /// Why it became none again.
    pub(crate) fn take_aside(&mut self, id: u128, it: &Arrived) -> Result<(), String> {
        let workspace = it.account.workspace;
        let Some(from) = it.mail.from.first().map(|it| it.address.clone()) else {
            return Err("it names no sender, so that nobody could be answered: read it as it came".to_owned());
        };
        self.letter_arrives(it, &from).map_err(|denied| denied.detail())?;
        self.pending.writes.push(Write::Delete { table: Table::Mails, key: key(workspace, id) });
        Ok(())
    }
}
