//! Mail that waits to go out. A row is written in the batch of the message it carries, is marked before it is handed over, and
//! goes once the relay has answered for everybody it is for. What it says stands beside, sealed, so that a mail that failed can
//! be sent again; how far it got stands with its message.

use connectors::email::bounce::Reason;
use log_store::{Table, Write};
use policy::disclose::{Audience, Disclosed, Field, Purpose, disclose};
use policy::id::{ConversationId, CustomerId, WorkspaceId};
use serde::{Deserialize, Serialize};

use super::addresses::Trouble;
use super::mail::KeptMail;
use super::mailed::Stage;
use super::state::{Effect, State};
use crate::files::Kept;

/// A mail to be handed over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Outgoing {
    /// Of which conversation.
    pub(crate) conversation: ConversationId,
    /// The number of its message; [`ACKNOWLEDGEMENT`] where it carries none.
    pub(crate) seq: u64,
    /// To whom.
    pub(crate) to: Vec<String>,
    /// Who gets a copy.
    pub(crate) cc: Vec<String>,
    /// Who gets one without anybody knowing.
    pub(crate) bcc: Vec<String>,
    /// The subject.
    pub(crate) subject: String,
    /// The mail that it answers.
    pub(crate) in_reply_to: Option<String>,
    /// The ids of the conversation.
    pub(crate) references: Vec<String>,
    /// What it says.
    pub(crate) text: String,
    /// What it quotes.
    pub(crate) quoted: String,
    /// What it carries.
    pub(crate) files: Vec<FileRow>,
    /// Whether no person wrote it.
    pub(crate) automatic: bool,
    /// When it was written, in ms since 1970.
    pub(crate) at_ms: i64,
}

impl Outgoing {
    /// Everybody it goes to, in the order in which the relay is told.
    pub(crate) fn recipients(&self) -> Vec<String> {
        self.to.iter().chain(&self.cc).chain(&self.bcc).cloned().collect()
    }
}

/// A file that goes out with a mail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FileRow {
    pub(crate) name: String,
    pub(crate) media_type: String,
    pub(crate) kept: Kept,
}

/// The number of the mail that says that a conversation was received: it is no message.
pub(crate) const ACKNOWLEDGEMENT: u64 = 0;

/// Where a mail stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Standing {
    /// It waits.
    Waits,
    /// It is being handed over.
    UnderWay,
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
    /// The recipients that the relay has answered for, by their place.
    answered: Vec<u16>,
}

/// A mail that is handed over now.
pub(crate) struct Begun {
    /// The mail.
    pub(crate) mail: Disclosed<Outgoing>,
    /// The recipients that are left, by their place.
    pub(crate) left: Vec<u16>,
}

/// What came of handing a mail over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The relay took the mail; what it said of each recipient, by their place.
    Answered(Vec<(u16, Answer)>),
    /// Not now.
    Later,
    /// Never.
    Refused(String),
    /// The relay fell silent at the end: it may have gone out.
    Unknown,
}

/// What a relay says of one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It has it.
    Taken,
    /// Not now.
    Later,
    /// Never.
    Refused(String),
}

/// How long a mail is tried.
const TRIED_MS: i64 = 48 * 3_600_000;
/// The longest wait between two attempts.
const WAIT_MAX_MS: i64 = 3_600_000;
/// Rows read at once, and how often in one go: beyond that, what is in front has to go first.
const ROWS: usize = 500;
const PAGES: usize = 20;

impl OutboxRow {
    /// A row that waits until a time.
    pub(super) fn new(account: &str, customer: CustomerId, now_ms: i64, due_ms: i64) -> Self {
        Self {
            account: account.to_owned(),
            customer,
            standing: Standing::Waits,
            attempts: 0,
            due_ms,
            first_ms: now_ms,
            answered: Vec::new(),
        }
    }

    /// A row of the table; `None` for what is none.
    pub(crate) fn parse(value: &[u8]) -> Option<Self> {
        postcard::from_bytes(value).ok()
    }

    /// Whose words it carries.
    pub(super) fn customer(&self) -> CustomerId {
        self.customer
    }

    /// Whether it is being handed over.
    pub(crate) fn is_under_way(&self) -> bool {
        self.standing == Standing::UnderWay
    }

    /// Whether it waits and its time has come.
    fn is_due(&self, now_ms: i64) -> bool {
        self.standing == Standing::Waits && self.due_ms <= now_ms
    }
}

pub(super) fn key_of(workspace: WorkspaceId, conversation: ConversationId, seq: u64) -> Vec<u8> {
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
    /// Puts a mail into the outbox, and what it says beside.
    pub(super) fn queue_mail(
        &mut self,
        workspace: WorkspaceId,
        customer: CustomerId,
        account: &str,
        mail: Outgoing,
    ) {
        let (conversation, seq, now) = (mail.conversation, mail.seq, self.now().0);
        self.keep_mail(workspace, customer, conversation, seq, &KeptMail::Ours(mail));
        let row = OutboxRow::new(account, customer, now, now);
        self.put_row(key_of(workspace, conversation, seq), &row);
        self.wake_sender(workspace, account);
    }

    /// Tells whoever sends an account's mail that some waits, once that is durable.
    pub(super) fn wake_sender(&mut self, workspace: WorkspaceId, account: &str) {
        if let Some(account) = self.parts.email.find(workspace, account) {
            let account = std::sync::Arc::clone(account);
            self.pending.effects.push(Effect::Tell(Box::new(move || account.due.notify_one())));
        }
    }

    /// What an account has to send now, and what was under way: those whose time has not come are passed by, however many.
    pub(crate) fn outbox(&self, workspace: WorkspaceId, account: &str) -> Vec<(Vec<u8>, OutboxRow)> {
        let mut from = workspace.bits().to_be_bytes().to_vec();
        let to = workspace.bits().saturating_add(1).to_be_bytes();
        let now = self.now().0;
        let mut due = Vec::new();
        for _ in 0..PAGES {
            let rows = self.parts.log.scan(self.id, Table::Outbox, &from, &to, ROWS, false);
            let rows = rows.unwrap_or_else(|error| {
                tracing::error!(%error, "the outbox cannot be read");
                Vec::new()
            });
            let more = rows.len() == ROWS;
            if let Some((last, _)) = rows.last() {
                from.clone_from(last);
                from.push(0);
            }
            let parsed = rows.into_iter().filter_map(|(key, value)| Some((key, OutboxRow::parse(&value)?)));
            let wanted = |row: &OutboxRow| row.account == account && (row.is_under_way() || row.is_due(now));
            due.extend(parsed.filter(|(_, row)| wanted(row)));
            if !more || due.len() >= ROWS {
                break;
            }
        }
        due
    }

    pub(super) fn put_row(&mut self, key: Vec<u8>, row: &OutboxRow) {
        match postcard::to_allocvec(row) {
            Ok(value) => self.pending.writes.push(Write::Put { table: Table::Outbox, key, value }),
            Err(error) => tracing::error!(%error, "a row of the outbox cannot be written"),
        }
    }

    fn strike(&mut self, key: &[u8]) {
        self.pending.writes.push(Write::Delete { table: Table::Outbox, key: key.to_vec() });
    }

    fn row(&self, key: &[u8]) -> Option<OutboxRow> {
        OutboxRow::parse(&self.parts.log.get(self.id, Table::Outbox, key).ok().flatten()?)
    }

    /// Marks a mail as under way and gives it out, if it still waits and may still go out.
    pub(crate) fn begin_sending(&mut self, key: &[u8]) -> Option<Begun> {
        let (workspace, conversation, seq) = parts_of(key)?;
        let mut row = self.row(key).filter(|it| it.standing == Standing::Waits)?;
        let mail = if seq == ACKNOWLEDGEMENT {
            self.acknowledgement(workspace, conversation)
        } else {
            match self.kept_mail(workspace, row.customer, conversation, seq) {
                Ok(Some(KeptMail::Ours(mail))) => Some(mail),
                // Whose words they were has been forgotten.
                Ok(Some(KeptMail::Theirs(_)) | None) => None,
                // It cannot be read just now: it still waits.
                Err(()) => return None,
            }
        };
        let Some(mail) = mail else {
            self.strike(key);
            return None;
        };
        // A record that cannot be read just now: the mail still waits.
        let card = self.cards.get(&*self.parts.log, &self.parts.vault, self.id, workspace, row.customer);
        let grants = card.ok()?.grants;
        let fields = [Field::MessageBody, Field::ContactPoint];
        match disclose(Audience::Channel, Purpose::Service, &grants, &fields, mail) {
            Ok(mail) => {
                row.standing = Standing::UnderWay;
                row.attempts = row.attempts.saturating_add(1);
                self.put_row(key.to_vec(), &row);
                let all = u16::try_from(mail.get().recipients().len()).unwrap_or(u16::MAX);
                let left = (0..all).filter(|it| !row.answered.contains(it)).collect();
                Some(Begun { mail, left })
            }
            Err(withheld) => {
                self.strike(key);
                self.mail_reached(
                    workspace,
                    conversation,
                    seq,
                    Some(Stage::Failed),
                    Some(withheld.to_string()),
                );
                None
            }
        }
    }

    /// What came of it.
    pub(crate) fn sending_ended(&mut self, key: &[u8], outcome: Outcome) {
        let Some((workspace, conversation, seq)) = parts_of(key) else { return };
        let Some(mut row) = self.row(key).filter(OutboxRow::is_under_way) else { return };
        let mut why = None;
        let mut stage = Stage::Sent;
        let later = match outcome {
            Outcome::Answered(answers) => {
                let mut later = false;
                for (place, answer) in answers {
                    match answer {
                        Answer::Taken => row.answered.push(place),
                        Answer::Later => later = true,
                        Answer::Refused(said) => {
                            row.answered.push(place);
                            self.mark_refused(key, row.customer, place, &said);
                            (stage, why) = (Stage::Failed, Some(said));
                        }
                    }
                }
                later
            }
            Outcome::Later => true,
            Outcome::Refused(said) => {
                (stage, why) = (Stage::Failed, Some(said));
                false
            }
            Outcome::Unknown => {
                (stage, why) = (Stage::Unknown, Some("nobody knows whether it went out".to_owned()));
                false
            }
        };
        if later && self.now().0 - row.first_ms < TRIED_MS {
            let wait = 5_000_i64.saturating_mul(1 << row.attempts.min(12)).min(WAIT_MAX_MS);
            row.standing = Standing::Waits;
            row.due_ms = self.now().0 + wait;
            self.put_row(key.to_vec(), &row);
            if stage != Stage::Failed {
                return;
            }
        } else {
            self.strike(key);
            if later && stage == Stage::Sent {
                (stage, why) = (Stage::Failed, Some("the relay did not take it for two days".to_owned()));
            }
        }
        if seq != ACKNOWLEDGEMENT {
            self.mail_reached(workspace, conversation, seq, Some(stage), why);
        }
    }

    /// Marks the address that the relay refused, where it says that there is no such mailbox.
    fn mark_refused(&mut self, key: &[u8], customer: CustomerId, place: u16, said: &str) {
        let Some((workspace, conversation, seq)) = parts_of(key) else { return };
        if !Reason::of_report(said, "", (0, 0, 0)).is_about_the_address() {
            return;
        }
        if let Ok(Some(KeptMail::Ours(mail))) = self.kept_mail(workspace, customer, conversation, seq)
            && let Some(address) = mail.recipients().get(usize::from(place))
        {
            self.mark_trouble(workspace, address, Trouble::Unreachable);
            self.tell_contact_points(workspace, conversation);
        }
    }

    /// Sends a mail once more that failed, or of which nobody knows.
    ///
    /// # Errors
    /// What is in the way, for who asked.
    pub(crate) fn send_again(
        &mut self,
        workspace: WorkspaceId,
        conversation: ConversationId,
        seq: u64,
    ) -> Result<(), &'static str> {
        let nothing = "there is no such mail here";
        let (customer, stored) = self.stored_message(workspace, conversation, seq).ok_or(nothing)?;
        let stage = stored.mail.and_then(|it| it.stage).ok_or(nothing)?;
        if !stage.is_lost() {
            return Err("this mail has not failed: it is on its way, or has arrived");
        }
        let Ok(Some(KeptMail::Ours(mail))) = self.kept_mail(workspace, customer, conversation, seq) else {
            return Err("what this mail said is no longer there: write it again");
        };
        let (_, thread) = self.mail_thread(workspace, conversation).ok_or(nothing)?;
        let marked = mail.recipients().iter().filter(|it| self.forget_trouble(workspace, it)).count();
        if marked > 0 {
            self.tell_contact_points(workspace, conversation);
        }
        self.mail_reached(workspace, conversation, seq, Some(Stage::Waiting), None);
        let now = self.now().0;
        let row = OutboxRow::new(&thread.account, customer, now, now);
        self.put_row(key_of(workspace, conversation, seq), &row);
        self.wake_sender(workspace, &thread.account);
        Ok(())
    }
}
