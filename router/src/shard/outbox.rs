//! Mail that waits to go out. A row is written in the batch of the message it carries, is marked before it is handed over, and
//! goes once it was taken. A row that stays says that its mail failed, and why.

use connectors::email::CHANNEL as EMAIL;
use log_store::{Table, Unsealed, Write};
use policy::disclose::{Audience, Field, Purpose, disclose};
use policy::id::{ConversationId, CustomerId, WorkspaceId};
use serde::{Deserialize, Serialize};

use super::state::{Effect, State};

/// A mail to be handed over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Outgoing {
    /// Of which conversation.
    pub(crate) conversation: ConversationId,
    /// The number of its message.
    pub(crate) seq: u64,
    /// To whom.
    pub(crate) to: String,
    /// The subject.
    pub(crate) subject: String,
    /// The mail that it answers.
    pub(crate) in_reply_to: Option<String>,
    /// The ids of the conversation.
    pub(crate) references: Vec<String>,
    /// What it says.
    pub(crate) text: String,
    /// When it was written, in ms since 1970.
    pub(crate) at_ms: i64,
}

/// Where a mail stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Standing {
    /// It waits.
    Waits,
    /// It is being handed over.
    UnderWay,
    /// It will not arrive, or nobody knows: a person decides what is done.
    Failed,
}

/// A row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct OutboxRow {
    /// The channel account that sends it.
    pub(crate) account: String,
    customer: CustomerId,
    standing: Standing,
    attempts: u16,
    due_ms: i64,
    first_ms: i64,
    /// Why it failed.
    why: Option<String>,
    /// The mail, sealed.
    sealed: Vec<u8>,
}

/// What came of handing a mail over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The relay has it.
    Taken,
    /// Not now.
    Later,
    /// Never.
    Refused(String),
    /// The relay fell silent at the end: it may have gone out.
    Unknown,
}

/// How long a mail is tried.
const TRIED_MS: i64 = 48 * 3_600_000;
/// Mails looked at in one go.
const ROWS: usize = 500;
/// Failed mails kept in memory.
const FAILED_MAX: usize = 1_000;
/// The longest wait between two attempts.
const WAIT_MAX_MS: i64 = 3_600_000;

impl OutboxRow {
    /// A row of the table; `None` for what is none.
    pub(crate) fn parse(value: &[u8]) -> Option<Self> {
        postcard::from_bytes(value).ok()
    }

    /// Whether it is being handed over.
    pub(crate) fn is_under_way(&self) -> bool {
        self.standing == Standing::UnderWay
    }

    /// Whether it waits and its time has come.
    pub(crate) fn is_due(&self, now_ms: i64) -> bool {
        self.standing == Standing::Waits && self.due_ms <= now_ms
    }
}

fn key_of(workspace: WorkspaceId, conversation: ConversationId, seq: u64) -> Vec<u8> {
    [workspace.bits().to_be_bytes().as_slice(), &conversation.bits().to_be_bytes(), &seq.to_be_bytes()]
        .concat()
}

fn parts_of(key: &[u8]) -> Option<(WorkspaceId, ConversationId, u64)> {
    let (workspace, rest) = key.split_first_chunk::<16>()?;
    let (conversation, rest) = rest.split_first_chunk::<16>()?;
    let (seq, _) = rest.split_first_chunk::<8>()?;
    Some((
        WorkspaceId::from_bits(u128::from_be_bytes(*workspace)),
        ConversationId::from_bits(u128::from_be_bytes(*conversation)),
        u64::from_be_bytes(*seq),
    ))
}

impl State {
    /// Puts an agent's message into the outbox, where its contact point is an address of email.
    pub(super) fn queue_mail(
        &mut self,
        workspace: WorkspaceId,
        conversation: ConversationId,
        seq: u64,
        text: &str,
    ) {
        let Some((customer, thread)) = self.mail_thread(workspace, conversation) else {
            tracing::error!(%conversation, "an answer has no address to go to");
            return;
        };
        let subject = match thread.subject.get(..3) {
            Some(start) if start.eq_ignore_ascii_case("re:") => thread.subject,
            _ => format!("Re: {}", thread.subject),
        };
        let mail = Outgoing {
            conversation,
            seq,
            to: thread.to,
            subject,
            in_reply_to: thread.last_id,
            references: thread.references,
            text: text.to_owned(),
            at_ms: self.now().0,
        };
        let key = key_of(workspace, conversation, seq);
        let Ok(plain) = postcard::to_allocvec(&mail) else { return };
        let sealed = match self.parts.vault.seal(self.id, customer, &key, &plain, &mut self.pending.writes) {
            Ok(sealed) => sealed,
            Err(error) => return tracing::error!(%error, "an answer cannot be sealed"),
        };
        let now = self.now().0;
        let account = thread.account.clone();
        let row = OutboxRow {
            account: thread.account,
            customer,
            standing: Standing::Waits,
            attempts: 0,
            due_ms: now,
            first_ms: now,
            why: None,
            sealed,
        };
        self.put_row(key, &row);
        if let Some(account) = self.parts.email.find(workspace, &account) {
            let account = std::sync::Arc::clone(account);
            self.pending.effects.push(Effect::Tell(Box::new(move || account.due.notify_one())));
        }
    }

    /// What an account has to send.
    pub(crate) fn outbox(&self, workspace: WorkspaceId, account: &str) -> Vec<(Vec<u8>, OutboxRow)> {
        let from = workspace.bits().to_be_bytes();
        let to = workspace.bits().saturating_add(1).to_be_bytes();
        let rows = self.parts.log.scan(self.id, Table::Outbox, &from, &to, ROWS, false);
        let rows = rows.unwrap_or_else(|error| {
            tracing::error!(%error, "the outbox cannot be read");
            Vec::new()
        });
        let parsed = rows.into_iter().filter_map(|(key, value)| Some((key, OutboxRow::parse(&value)?)));
        parsed.filter(|(_, row)| row.account == account).collect()
    }

    fn put_row(&mut self, key: Vec<u8>, row: &OutboxRow) {
        match postcard::to_allocvec(row) {
            Ok(value) => self.pending.writes.push(Write::Put { table: Table::Outbox, key, value }),
            Err(error) => tracing::error!(%error, "a row of the outbox cannot be written"),
        }
    }

    fn row(&self, key: &[u8]) -> Option<OutboxRow> {
        OutboxRow::parse(&self.parts.log.get(self.id, Table::Outbox, key).ok().flatten()?)
    }

    /// Marks a mail as under way and gives it out, if it still waits and may still go out.
    pub(crate) fn begin_sending(&mut self, key: &[u8]) -> Option<Outgoing> {
        let (workspace, ..) = parts_of(key)?;
        let mut row = self.row(key).filter(|it| it.standing == Standing::Waits)?;
        let plain = match self.parts.vault.unseal(self.id, row.customer, key, &row.sealed) {
            Ok(Unsealed::Text(plain)) => plain,
            // Whose words they were has been forgotten: nothing goes out.
            Ok(Unsealed::Erased) | Err(_) => {
                self.pending.writes.push(Write::Delete { table: Table::Outbox, key: key.to_vec() });
                return None;
            }
        };
        let mail: Outgoing = postcard::from_bytes(&plain).ok()?;
        let card = self.cards.get(&*self.parts.log, &self.parts.vault, self.id, workspace, row.customer);
        // A record that cannot be read just now: the mail still waits.
        let grants = card.ok()?.grants;
        let fields = [Field::MessageBody, Field::ContactPoint];
        match disclose(Audience::Channel, Purpose::Service, &grants, &fields, mail) {
            Ok(mail) => {
                row.standing = Standing::UnderWay;
                row.attempts = row.attempts.saturating_add(1);
                self.put_row(key.to_vec(), &row);
                Some(mail.into_inner())
            }
            Err(withheld) => {
                self.fail_row(key, row, &withheld.to_string());
                None
            }
        }
    }

    /// What came of it.
    pub(crate) fn sending_ended(&mut self, key: &[u8], outcome: Outcome) {
        let Some(mut row) = self.row(key).filter(OutboxRow::is_under_way) else { return };
        match outcome {
            Outcome::Taken => {
                self.pending.writes.push(Write::Delete { table: Table::Outbox, key: key.to_vec() });
            }
            Outcome::Later if self.now().0 - row.first_ms < TRIED_MS => {
                let wait = 5_000_i64.saturating_mul(1 << row.attempts.min(12)).min(WAIT_MAX_MS);
                row.standing = Standing::Waits;
                row.due_ms = self.now().0 + wait;
                self.put_row(key.to_vec(), &row);
            }
            Outcome::Later => self.fail_row(key, row, "the relay did not take it for two days"),
            Outcome::Refused(why) => self.fail_row(key, row, &why),
            Outcome::Unknown => self.fail_row(key, row, "nobody knows whether it went out"),
        }
    }

    fn fail_row(&mut self, key: &[u8], mut row: OutboxRow, why: &str) {
        row.standing = Standing::Failed;
        row.why = Some(why.to_owned());
        self.put_row(key.to_vec(), &row);
        if let Some((workspace, conversation, seq)) = parts_of(key) {
            // By then the older ones stand in the store.
            if self.failed_mails.len() >= FAILED_MAX {
                self.failed_mails.clear();
            }
            self.failed_mails.insert((conversation, seq));
            self.tell_message(workspace, conversation, seq, true);
        }
    }

    /// Another server says that a mail of ours did not arrive.
    pub(super) fn mail_failed(
        &mut self,
        workspace: WorkspaceId,
        conversation: ConversationId,
        seq: u64,
        account: &str,
        why: &str,
    ) {
        let Some((customer, _)) = self.mail_thread(workspace, conversation) else { return };
        let now = self.now().0;
        let row = OutboxRow {
            account: account.to_owned(),
            customer,
            standing: Standing::Failed,
            attempts: 0,
            due_ms: now,
            first_ms: now,
            why: None,
            sealed: Vec::new(),
        };
        self.fail_row(&key_of(workspace, conversation, seq), row, why);
    }

    /// Whether a message went out by mail and failed.
    pub(super) fn has_failed(
        &self,
        workspace: WorkspaceId,
        conversation: ConversationId,
        seq: u64,
        channel: &str,
    ) -> bool {
        channel == EMAIL
            && (self.failed_mails.contains(&(conversation, seq))
                || self
                    .row(&key_of(workspace, conversation, seq))
                    .is_some_and(|it| it.standing == Standing::Failed))
    }
}
