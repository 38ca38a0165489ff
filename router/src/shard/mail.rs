//! Mail that has come: who wrote it, which conversation it belongs to, and what is kept of it. Everything goes into one batch,
//! with the mailbox's cursor. What becomes no message is set aside (`aside.rs`), so that nothing is lost.

use std::sync::Arc;

use connectors::email::CHANNEL as EMAIL;
use connectors::email::Mail;
use connectors::email::mail::comparable;
use connectors::email::thread::{Place, place};
use connectors::email::verdict::{self, Verdict};
use engine::{Actor, Rejection};
use log_store::{Table, Unsealed, Write};
use policy::id::{ContactPointId, ConversationId, CustomerId, WorkspaceId};
use policy::time::Span;
use serde::{Deserialize, Serialize};

use super::addresses::Traffic;
use super::aside::Why;
use super::asks::Denied;
use super::dedupe::Done;
use super::mailed::Mailed;
use super::outbox::{ACKNOWLEDGEMENT, OutboxRow, Outgoing, key_of};
use super::state::State;
use super::taken;
use super::writes::Writer;
use crate::email::Account;
use crate::files::Kept;

/// A mail that has come.
pub(crate) struct Arrived {
    /// To which account.
    pub(crate) account: Arc<Account>,
    /// The mail, read.
    pub(crate) mail: Box<Mail>,
    /// The mail as it came.
    pub(crate) kept: Kept,
    /// Whether only its header was taken, since it is too large.
    pub(crate) header_only: bool,
    /// The recipients that the server told.
    pub(crate) envelope: Vec<String>,
}

/// A mail as it is kept beside its message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum KeptMail {
    /// One that came, byte by byte.
    Theirs(Kept),
    /// One of ours.
    Ours(Outgoing),
}

/// What of a conversation's mails the next answer needs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct MailThread {
    /// The address of the channel account.
    pub(super) account: String,
    /// Where answers go.
    pub(super) to: String,
    /// Who wrote last.
    pub(super) from: String,
    /// The addresses of the customer's side.
    pub(super) participants: Vec<String>,
    /// The id of the newest mail.
    pub(super) last_id: Option<String>,
    /// The ids of the conversation.
    pub(super) references: Vec<String>,
    /// The subject of the newest mail.
    pub(super) subject: String,
    /// Where answers to each contact point go. It stands after the rest in the same sealed row; older rows have none.
    #[serde(skip)]
    pub(super) addresses: Vec<(ContactPointId, String)>,
}

/// Addresses kept of one conversation.
pub(super) const PARTICIPANTS_MAX: usize = 20;
/// How long the acknowledgement waits, so that there is an estimate to tell.
const ACKNOWLEDGED_AFTER: Span = Span::seconds(5);

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
        let key = self.mail_key(it);
        let log = Arc::clone(&self.parts.log);
        // What waits for the log is known by the requests.
        let done = self.dedupe.find(&*log, self.id, &key, self.now()).map_err(|error| error.to_string())?;
        let taken = taken::was_taken(&*log, self.id, key).map_err(|error| error.to_string())?;
        if done.is_some() || taken {
            return Ok(());
        }
        self.judge_mail(it)?;
        let done = Done { at: self.now(), conversation: None, message: None };
        self.dedupe.remember(key, done, &mut self.pending.writes).map_err(|error| error.to_string())?;
        let (workspace, now) = (it.account.workspace, self.now());
        taken::remember(&*log, self.id, workspace, key, now, &mut self.pending.writes);
        Ok(())
    }

    /// Into a conversation, into our own mail's state, or aside.
    fn judge_mail(&mut self, it: &Arrived) -> Result<(), String> {
        let (workspace, mail) = (it.account.workspace, &*it.mail);
        let ours = |id: &String| it.account.threads.by_message_id(id).is_some();
        if mail.message_id.as_ref().is_some_and(ours) {
            self.set_aside(it, Why::Own, None);
        } else if let Some(report) = &mail.report {
            self.report_arrives(it, report);
        } else if let Some(automatic) = mail.automatic {
            let about = self.answers_to(it);
            if let Some((conversation, seq)) = about {
                let why = format!("an automatic reply came: {}", mail.subject);
                self.mail_reached(workspace, conversation, seq, None, Some(why));
            }
            self.set_aside(it, Why::of(automatic), about.map(|(conversation, _)| conversation));
        } else if let Some(from) = mail.from.first().map(|it| it.address.clone()) {
            if self.traffic(workspace, &from) == Traffic::Loop {
                self.set_aside(it, Why::Loop, None);
                return Ok(());
            }
            match self.letter_arrives(it, &from) {
                Ok(()) => {}
                // These pass: it has to come again.
                Err(Denied::Store(error)) => return Err(error),
                Err(denied @ Denied::Engine(Rejection::Full)) => return Err(denied.detail()),
                Err(denied) => {
                    tracing::warn!(why = denied.detail(), "a mail became no message: it was set aside");
                    self.set_aside(it, Why::Refused, None);
                }
            }
        } else {
            self.set_aside(it, Why::NoSender, None);
        }
        Ok(())
    }

    /// The mail of ours that a mail answers by its ids.
    fn answers_to(&self, it: &Arrived) -> Option<(ConversationId, u64)> {
        let ids = it.mail.in_reply_to.iter().chain(it.mail.references.iter().rev());
        ids.filter_map(|id| it.account.threads.by_message_id(id)).next()
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
    pub(super) fn letter_arrives(&mut self, it: &Arrived, from: &str) -> Result<(), Denied> {
        let (workspace, mail) = (it.account.workspace, &*it.mail);
        let own_server = it.account.settings.own_server.as_deref();
        let verdict = own_server.map_or(Verdict::Unverified, |own| verdict::judge(mail, own));
        let proven = matches!(verdict, Verdict::Verified { .. });
        // It is read: mail may go there again.
        let reachable = proven && self.forget_trouble(workspace, from);
        let reference = it.account.threads.refers_to(mail, &it.envelope);
        let known = reference.and_then(|it| self.mail_thread(workspace, it.conversation));
        let participants =
            known.iter().flat_map(|(_, thread)| thread.participants.iter().map(String::as_str));
        let joins = match (place(reference, mail, &verdict, participants), &known) {
            (Place::Joins(conversation), Some((customer, _))) => {
                let days = it.account.settings.reopen_days;
                self.open_again(workspace, conversation, *customer, days).then_some((conversation, *customer))
            }
            _ => None,
        };
        let (writes, contact_point) = self.writer_of(workspace, from, &verdict);
        // An address that nobody proves enters no open conversation: such a mail begins one of its own.
        let enters = self.engine.workspace(workspace).is_some_and(|it| it.customers.contains_key(&writes));
        let (writes, contact_point) = if enters && joins.is_none() && !proven {
            self.stranger(workspace, from)
        } else {
            (writes, contact_point)
        };
        let customer = joins.map_or(writes, |(_, customer)| customer);
        let name = mail.from.first().map(|it| it.name.clone()).filter(|it| !it.is_empty());
        let writer = Writer {
            workspace,
            customer,
            contact_point,
            channel: EMAIL,
            name: Some(name.unwrap_or_else(|| from.to_owned())),
            language: None,
            topics: Vec::new(),
            about: Some(mail.subject.clone()).filter(|it| !it.is_empty()),
            verified: proven,
            mail: Some(Box::new(Mailed::of(mail, &verdict))),
        };
        let text = self.text_of(it);
        let to = joins.map(|(conversation, _)| conversation);
        let (conversation, _, seq) = self.writes(&writer, None, to, text)?;
        let begins = seq == 1;
        // Also where its writer's proven address led to it: who takes part there goes on taking part.
        let before = self.mail_thread(workspace, conversation).map(|(_, it)| it).filter(|_| !begins);
        let newest = before.as_ref().and_then(|it| it.addresses.last().cloned());
        let thread = thread_after(it, from, contact_point, proven, before);
        self.put_mail_thread(workspace, customer, conversation, &thread);
        if reachable || newest.as_ref() != thread.addresses.last() {
            self.tell_contact_points(workspace, conversation);
        }
        self.keep_mail(workspace, customer, conversation, seq, &KeptMail::Theirs(it.kept.clone()));
        let suspect = matches!(verdict, Verdict::Suspect { .. });
        if begins && !suspect && it.account.settings.acknowledge && self.may_answer(workspace, from) {
            let (account, now) = (it.account.settings.address.as_str(), self.now());
            let row = OutboxRow::new(account, customer, now.0, (now + ACKNOWLEDGED_AFTER).0);
            self.put_row(key_of(workspace, conversation, ACKNOWLEDGEMENT), &row);
        }
        Ok(())
    }

    /// Who an address is. What is not proven is never the customer that the proven address is, and what is suspect is nobody
    /// who was here before.
    pub(super) fn writer_of(
        &self,
        workspace: WorkspaceId,
        address: &str,
        verdict: &Verdict,
    ) -> (CustomerId, ContactPointId) {
        match verdict {
            Verdict::Verified { .. } => self.known_by(workspace, address, b"verified"),
            Verdict::Unverified => self.known_by(workspace, address, b"unverified"),
            Verdict::Suspect { .. } => self.stranger(workspace, address),
        }
    }

    /// Somebody who was never here before.
    fn stranger(&self, workspace: WorkspaceId, address: &str) -> (CustomerId, ContactPointId) {
        self.known_by(workspace, address, &uuid::Uuid::now_v7().as_u128().to_be_bytes())
    }

    fn known_by(&self, workspace: WorkspaceId, address: &str, proof: &[u8]) -> (CustomerId, ContactPointId) {
        let address = comparable(address);
        let bits = |what: &[u8]| {
            let workspace = workspace.bits().to_be_bytes();
            u128::from_be_bytes(self.parts.vault.dedupe_key(&[what, &workspace, proof, address.as_bytes()]))
        };
        (CustomerId::from_bits(bits(b"email customer")), ContactPointId::from_bits(bits(b"email point")))
    }

    /// Whether a conversation is open, or can be opened again: not longer than so many days after its end.
    fn open_again(
        &mut self,
        workspace: WorkspaceId,
        id: ConversationId,
        customer: CustomerId,
        days: u32,
    ) -> bool {
        let open = self.engine.workspace(workspace).is_some_and(|it| it.conversations.contains_key(&id));
        if open {
            return true;
        }
        let ended = self.store(workspace).header(id).and_then(|it| it.closed).map(|it| it.active);
        let late = ended.is_none_or(|at| self.now().since(at) >= Span::seconds(i64::from(days) * 86_400));
        !late && self.reopen(workspace, Actor::Customer(customer), id).is_ok()
    }

    /// What the transcript shows of a mail: what is new in it.
    fn text_of(&self, it: &Arrived) -> String {
        let mut text: String = it.mail.split.visible().trim().to_owned();
        text.retain(|it| !it.is_control() || matches!(it, '\n' | '\t'));
        if it.header_only {
            text = "(This mail is too large to be taken: it stays in the mailbox, with all that it carries.)"
                .to_owned();
        }
        let most = self.parts.config.limits.text_bytes;
        if text.len() > most {
            text.truncate(text.floor_char_boundary(most - 4));
            text.push('…');
        }
        if text.trim().is_empty() { "—".to_owned() } else { text }
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
        let sealed = self.newest(Table::Customers, &key).ok().flatten()?;
        match self.parts.vault.unseal(self.id, customer, &key, &sealed) {
            Ok(Unsealed::Text(plain)) => {
                let (mut thread, rest) = postcard::take_from_bytes::<MailThread>(&plain).ok()?;
                thread.addresses = postcard::from_bytes(rest).unwrap_or_default();
                Some((customer, thread))
            }
            _ => None,
        }
    }

    pub(super) fn put_mail_thread(
        &mut self,
        workspace: WorkspaceId,
        customer: CustomerId,
        id: ConversationId,
        thread: &MailThread,
    ) {
        let key = Self::thread_key(workspace, customer, id);
        let plain = postcard::to_allocvec(thread);
        let Ok(plain) = plain.and_then(|it| postcard::to_extend(&thread.addresses, it)) else { return };
        match self.parts.vault.seal(self.id, customer, &key, &plain, &mut self.pending.writes) {
            Ok(value) => self.pending.writes.push(Write::Put { table: Table::Customers, key, value }),
            Err(error) => self.unwritten("what a mail refers to", &error),
        }
    }

    /// Keeps a mail beside its message, sealed with its customer's key.
    pub(super) fn keep_mail(
        &mut self,
        workspace: WorkspaceId,
        customer: CustomerId,
        id: ConversationId,
        seq: u64,
        mail: &KeptMail,
    ) {
        let key = key_of(workspace, id, seq);
        let Ok(plain) = postcard::to_allocvec(mail) else { return };
        match self.parts.vault.seal(self.id, customer, &key, &plain, &mut self.pending.writes) {
            Ok(value) => self.pending.writes.push(Write::Put { table: Table::Mails, key, value }),
            Err(error) => self.unwritten("a mail", &error),
        }
    }

    /// The mail beside a message.
    ///
    /// # Errors
    /// If the store cannot be read just now.
    pub(super) fn kept_mail(
        &self,
        workspace: WorkspaceId,
        customer: CustomerId,
        id: ConversationId,
        seq: u64,
    ) -> Result<Option<KeptMail>, ()> {
        let key = key_of(workspace, id, seq);
        let stored = self.parts.log.get(self.id, Table::Mails, &key).map_err(drop)?;
        let Some(sealed) = stored else { return Ok(None) };
        match self.parts.vault.unseal(self.id, customer, &key, &sealed) {
            Ok(Unsealed::Text(plain)) => Ok(postcard::from_bytes(&plain).ok()),
            Ok(Unsealed::Erased) => Ok(None),
            Err(error) => {
                tracing::error!(%error, "a mail cannot be opened");
                Err(())
            }
        }
    }
}

/// What a mail leaves for the next answer.
fn thread_after(
    it: &Arrived,
    from: &str,
    contact_point: ContactPointId,
    proven: bool,
    before: Option<MailThread>,
) -> MailThread {
    let mail = &it.mail;
    let joined = before.is_some();
    let mut thread = before.unwrap_or_else(|| MailThread {
        account: it.account.settings.address.clone(),
        to: from.to_owned(),
        from: from.to_owned(),
        participants: Vec::new(),
        last_id: None,
        references: Vec::new(),
        subject: String::new(),
        addresses: Vec::new(),
    });
    let reply_to = mail.reply_to.first().map(|it| it.address.clone());
    // Who only looks like somebody who takes part does not lead the answers elsewhere.
    thread.to = reply_to.filter(|_| proven || !joined).unwrap_or_else(|| from.to_owned());
    thread.note_address(contact_point);
    from.clone_into(&mut thread.from);
    let known = |it: &String| comparable(it) == comparable(from);
    if !thread.participants.iter().any(known) && thread.participants.len() < PARTICIPANTS_MAX {
        thread.participants.push(from.to_owned());
    }
    thread.references = match &mail.message_id {
        Some(id) => connectors::email::thread::references(&mail.references, id),
        None => mail.references.clone(),
    };
    thread.last_id.clone_from(&mail.message_id);
    thread.subject.clone_from(&mail.subject);
    thread
}
