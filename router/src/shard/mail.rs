//! Mail that has come: who wrote it, which conversation it belongs to, and what is kept of it. Everything goes into one batch,
//! with the mailbox's cursor.

use std::sync::Arc;

use connectors::email::CHANNEL as EMAIL;
use connectors::email::bounce::{Action, Delivery, Report};
use connectors::email::mail::comparable;
use connectors::email::thread::{Place, place};
use connectors::email::verdict::{self, Verdict};
use connectors::email::{Attachment, Mail};
use engine::Actor;
use log_store::{Table, Unsealed, Write};
use policy::id::{ContactPointId, ConversationId, CustomerId, WorkspaceId};
use serde::{Deserialize, Serialize};

use super::dedupe::Done;
use super::state::State;
use super::writes::Writer;
use crate::email::Account;

/// A mail that has come.
pub(crate) struct Arrived {
    /// To which account.
    pub(crate) account: Arc<Account>,
    /// The mail, read.
    pub(crate) mail: Box<Mail>,
    /// The mail as it came.
    pub(crate) raw: Vec<u8>,
    /// The recipients that the server told.
    pub(crate) envelope: Vec<String>,
}

/// What of a conversation's mails the next answer needs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct MailThread {
    /// The address of the channel account.
    pub(super) account: String,
    /// Where answers go.
    pub(super) to: String,
    /// The addresses of the customer's side.
    pub(super) participants: Vec<String>,
    /// The id of the newest mail.
    pub(super) last_id: Option<String>,
    /// The ids of the conversation.
    pub(super) references: Vec<String>,
    /// The subject of the newest mail.
    pub(super) subject: String,
}

/// Addresses kept of one conversation.
const PARTICIPANTS_MAX: usize = 20;

impl State {
    /// Takes mails; each by itself, so that one that cannot be read never holds up the others.
    ///
    /// # Errors
    /// If they have to come again; the cursor stays where it was then.
    pub(crate) fn mails_arrive(
        &mut self,
        mails: Vec<Arrived>,
        cursor: Option<(Vec<u8>, Vec<u8>)>,
    ) -> Result<(), String> {
        for mail in mails {
            self.mail_arrives(&mail)?;
        }
        if let Some((key, value)) = cursor {
            self.pending.writes.push(Write::Put { table: Table::Cursors, key, value });
        }
        Ok(())
    }

    /// Where a mailbox was read to.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub(crate) fn mail_cursor(&self, key: &[u8]) -> Result<Option<Vec<u8>>, log_store::ReadError> {
        self.parts.log.get(self.id, Table::Cursors, key)
    }

    fn mail_arrives(&mut self, it: &Arrived) -> Result<(), String> {
        let (workspace, mail) = (it.account.workspace, &*it.mail);
        let key = self.mail_key(it);
        let seen = [b"mail".as_slice(), &key].concat();
        let log = Arc::clone(&self.parts.log);
        let done = self.dedupe.find(&*log, self.id, &key, self.now()).map_err(|error| error.to_string())?;
        if done.is_some()
            || log.get(self.id, Table::Cursors, &seen).map_err(|error| error.to_string())?.is_some()
        {
            return Ok(());
        }
        let written = if let Some(Report::Delivery(report)) = &mail.report {
            self.report_arrives(it, report);
            None
        } else if let Some(automatic) = mail.automatic {
            tracing::info!(kind = automatic.name(), "automatic mail was set aside");
            None
        } else {
            Some(self.letter_arrives(it)?)
        };
        if let Some((customer, conversation, seq)) = written {
            self.keep_mail(workspace, customer, conversation, seq, &it.raw);
        }
        let done = Done { at: self.now(), conversation: None, message: None };
        self.dedupe.remember(key, done, &mut self.pending.writes).map_err(|error| error.to_string())?;
        self.pending.writes.push(Write::Put { table: Table::Cursors, key: seen, value: Vec::new() });
        Ok(())
    }

    /// By what a mail is known again, also where it comes another way: its id and what it says.
    fn mail_key(&self, it: &Arrived) -> [u8; 16] {
        let mail = &it.mail;
        let from = mail.from.first().map(|it| it.address.as_str()).unwrap_or_default();
        self.parts.vault.dedupe_key(&[
            b"mail",
            &it.account.workspace.bits().to_be_bytes(),
            it.account.settings.address.as_bytes(),
            mail.message_id.as_deref().unwrap_or_default().as_bytes(),
            from.as_bytes(),
            mail.subject.as_bytes(),
            &mail.date_ms.unwrap_or(0).to_be_bytes(),
            mail.text.as_bytes(),
        ])
    }

    /// A mail that a person wrote.
    fn letter_arrives(&mut self, it: &Arrived) -> Result<(CustomerId, ConversationId, u64), String> {
        let (workspace, mail) = (it.account.workspace, &*it.mail);
        let own_server = it.account.settings.own_server.as_deref();
        let verdict = own_server.map_or(Verdict::Unverified, |own| verdict::judge(mail, own));
        let reference = it.account.threads.refers_to(mail, &it.envelope);
        let known = reference.and_then(|it| self.mail_thread(workspace, it.conversation));
        let participants =
            known.iter().flat_map(|(_, thread)| thread.participants.iter().map(String::as_str));
        let joins = match (place(reference, mail, &verdict, participants), &known) {
            (Place::Joins(conversation), Some((customer, _))) => {
                self.open_again(workspace, conversation, *customer).then_some((conversation, *customer))
            }
            _ => None,
        };
        let address = mail.from.first().map(|it| it.address.clone()).unwrap_or_default();
        let (customer, contact_point) = self.writer_of(workspace, &address, &verdict);
        let customer = joins.map_or(customer, |(_, customer)| customer);
        let writer = Writer {
            workspace,
            customer,
            contact_point,
            channel: EMAIL,
            name: mail
                .from
                .first()
                .map(|it| if it.name.is_empty() { it.address.clone() } else { it.name.clone() }),
            language: None,
            topics: Vec::new(),
            verified: matches!(verdict, Verdict::Verified { .. }),
        };
        let text = self.text_of(mail, joins.is_none());
        let to = joins.map(|(conversation, _)| conversation);
        let (conversation, _, seq) =
            self.writes(&writer, None, to, text).map_err(|denied| denied.detail())?;
        let mut thread = match known {
            Some((_, thread)) if joins.is_some() => thread,
            _ => MailThread {
                account: it.account.settings.address.clone(),
                to: address.clone(),
                participants: Vec::new(),
                last_id: None,
                references: Vec::new(),
                subject: String::new(),
            },
        };
        thread.to = mail.reply_to.first().map_or(address.clone(), |it| it.address.clone());
        if !thread.participants.iter().any(|it| comparable(it) == comparable(&address))
            && thread.participants.len() < PARTICIPANTS_MAX
        {
            thread.participants.push(address);
        }
        thread.references = match &mail.message_id {
            Some(id) => connectors::email::thread::references(&mail.references, id),
            None => mail.references.clone(),
        };
        thread.last_id.clone_from(&mail.message_id);
        thread.subject.clone_from(&mail.subject);
        self.put_mail_thread(workspace, customer, conversation, &thread);
        Ok((customer, conversation, seq))
    }

    /// Who an address is. What is not proven is never the customer that the proven address is, and what is suspect is nobody
    /// who was here before.
    fn writer_of(
        &self,
        workspace: WorkspaceId,
        address: &str,
        verdict: &Verdict,
    ) -> (CustomerId, ContactPointId) {
        let address = comparable(address);
        let once = uuid::Uuid::now_v7().as_u128().to_be_bytes();
        let proof: &[u8] = match verdict {
            Verdict::Verified { .. } => b"verified",
            Verdict::Unverified => b"unverified",
            Verdict::Suspect { .. } => &once,
        };
        let bits = |what: &[u8]| {
            let workspace = workspace.bits().to_be_bytes();
            u128::from_be_bytes(self.parts.vault.dedupe_key(&[what, &workspace, proof, address.as_bytes()]))
        };
        (CustomerId::from_bits(bits(b"email customer")), ContactPointId::from_bits(bits(b"email point")))
    }

    /// Whether a conversation is open, or can be opened again.
    fn open_again(&mut self, workspace: WorkspaceId, id: ConversationId, customer: CustomerId) -> bool {
        let open = self.engine.workspace(workspace).is_some_and(|it| it.conversations.contains_key(&id));
        open || self.reopen(workspace, Actor::Customer(customer), id).is_ok()
    }

    /// What the transcript shows: what is new, under its subject where the conversation is, and what it carries.
    fn text_of(&self, mail: &Mail, opens: bool) -> String {
        let mut text = String::new();
        if opens && !mail.subject.is_empty() {
            text.push_str(&mail.subject);
            text.push_str("\n\n");
        }
        text.push_str(mail.split.visible().trim());
        let named = |it: &&Attachment| !it.inline;
        for it in mail.attachments.iter().filter(named).take(20) {
            text.push_str(&format!("\n[{}, {} kB]", it.name, it.content.len().div_ceil(1_000)));
        }
        let mut text: String =
            text.chars().filter(|it| !it.is_control() || matches!(it, '\n' | '\t')).collect();
        let most = self.parts.config.limits.text_bytes;
        if text.len() > most {
            text.truncate(text.floor_char_boundary(most - 4));
            text.push('…');
        }
        if text.trim().is_empty() { "—".to_owned() } else { text }
    }

    /// What became of mail that went out. What failed is shown as failed, whether we or another server found out.
    fn report_arrives(&mut self, it: &Arrived, report: &Delivery) {
        let named = report.original.iter().chain(&report.envelope_id);
        let ours = named.filter_map(|id| it.account.threads.by_message_id(id)).next();
        let failed = report.recipients.iter().find(|it| it.action == Action::Failed);
        if let (Some((conversation, seq)), Some(failed)) = (ours, failed) {
            self.mail_failed(
                it.account.workspace,
                conversation,
                seq,
                &it.account.settings.address,
                failed.reason.name(),
            );
        }
    }

    fn thread_key(workspace: WorkspaceId, customer: CustomerId, id: ConversationId) -> Vec<u8> {
        [workspace.bits().to_be_bytes(), customer.bits().to_be_bytes(), id.bits().to_be_bytes()].concat()
    }

    /// Whose a conversation is, and what its mails left.
    pub(super) fn mail_thread(
        &self,
        workspace: WorkspaceId,
        id: ConversationId,
    ) -> Option<(CustomerId, MailThread)> {
        let open =
            self.engine.workspace(workspace).and_then(|it| it.conversations.get(&id)).map(|it| it.customer);
        let customer = open.or_else(|| self.store(workspace).header(id).map(|it| it.customer))?;
        let key = Self::thread_key(workspace, customer, id);
        // What waits for the log is newer than what stands in it.
        let waiting = self.pending.writes.iter().rev().find_map(|write| match write {
            Write::Put { table: Table::Customers, key: of, value } if *of == key => Some(value.clone()),
            _ => None,
        });
        let sealed =
            waiting.or_else(|| self.parts.log.get(self.id, Table::Customers, &key).ok().flatten())?;
        match self.parts.vault.unseal(self.id, customer, &key, &sealed) {
            Ok(Unsealed::Text(plain)) => Some((customer, postcard::from_bytes(&plain).ok()?)),
            _ => None,
        }
    }

    fn put_mail_thread(
        &mut self,
        workspace: WorkspaceId,
        customer: CustomerId,
        id: ConversationId,
        thread: &MailThread,
    ) {
        let key = Self::thread_key(workspace, customer, id);
        let Ok(plain) = postcard::to_allocvec(thread) else { return };
        match self.parts.vault.seal(self.id, customer, &key, &plain, &mut self.pending.writes) {
            Ok(value) => self.pending.writes.push(Write::Put { table: Table::Customers, key, value }),
            Err(error) => tracing::error!(%error, "what a mail refers to cannot be sealed"),
        }
    }

    /// Keeps the mail as it came, sealed with its customer's key.
    fn keep_mail(
        &mut self,
        workspace: WorkspaceId,
        customer: CustomerId,
        id: ConversationId,
        seq: u64,
        raw: &[u8],
    ) {
        let key = [workspace.bits().to_be_bytes().as_slice(), &id.bits().to_be_bytes(), &seq.to_be_bytes()]
            .concat();
        match self.parts.vault.seal(self.id, customer, &key, raw, &mut self.pending.writes) {
            Ok(value) => self.pending.writes.push(Write::Put { table: Table::Mails, key, value }),
            Err(error) => tracing::error!(%error, "a mail cannot be sealed"),
        }
    }
}
