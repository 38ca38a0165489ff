//! What an agent writes to an address of email: checked before the engine is asked, so that nothing is accepted that cannot go
//! out, and queued with its message.

use connectors::email::mail::comparable;
use connectors::email::outbound::is_address;
use log_store::{Table, Unsealed, Write};
use policy::id::{AgentId, ConversationId, CustomerId, WorkspaceId};
use protocol::{FileBody, MailInput};

use super::acknowledge::reply_subject;
use super::asks::{Denied, Said};
use super::mail::{MailThread, PARTICIPANTS_MAX};
use super::mailed::{Attached, Mailed, Stage};
use super::outbox::{FileRow, Outgoing};
use super::state::State;

/// Copies of one mail, of each kind; files of one mail.
const COPIES_MAX: usize = 20;
const FILES_MAX: usize = 20;
/// Letters of a subject.
const SUBJECT_MAX: usize = 300;
/// Bytes of all files of one mail.
const FILES_BYTES: u64 = 20 << 20;

/// A mail that may be queued, once its message has a number.
pub(super) struct Prepared {
    customer: CustomerId,
    thread: MailThread,
    mail: Outgoing,
}

impl State {
    /// Checks what goes out; nothing where the conversation does not go by email.
    ///
    /// # Errors
    /// What has to be corrected.
    pub(super) fn prepare_mail(
        &mut self,
        workspace: WorkspaceId,
        agent: AgentId,
        said: &Said,
    ) -> Result<Option<Prepared>, Denied> {
        let Said { conversation, contact_point, text, mail: input } = said;
        let conversation = *conversation;
        let it = self.engine.workspace(workspace).and_then(|it| it.conversations.get(&conversation));
        let point = it.and_then(|it| match contact_point {
            Some(asked) => it.contact_points.iter().find(|point| point.id == *asked),
            None => it.contact_point(),
        });
        // Where there is none, the engine says so.
        let Some(point) = point else { return Ok(None) };
        let to_point = point.id;
        if *point.channel != *connectors::email::CHANNEL {
            return match input {
                Some(_) => Err(Denied::Invalid("this does not go by email: leave `mail` out")),
                None => Ok(None),
            };
        }
        let bot =
            self.engine.workspace(workspace).and_then(|it| it.agents.get(&agent)).is_some_and(|it| it.bot);
        let Some((customer, mut thread)) = self.mail_thread(workspace, conversation) else {
            return Err(Denied::Invalid("this conversation has no address of email to write to"));
        };
        let input = input.clone().unwrap_or(MailInput { quote: true, ..MailInput::default() });
        check_input(&input)?;
        // Only a row from before addresses were kept has none, and that says where the newest mail is answered.
        let newest = contact_point.is_none().then_some(&thread.to);
        let own = thread.address_of(to_point).or(newest).cloned();
        let to = input
            .to
            .or(own)
            .ok_or(Denied::Invalid("where mail to this contact point goes is not known: name an address"))?;
        for address in std::iter::once(&to).chain(&input.cc).chain(&input.bcc) {
            if let Some(trouble) = self.trouble(workspace, address) {
                // It may have been marked in another conversation.
                self.tell_contact_points(workspace, conversation);
                return Err(Denied::Invalid(trouble.told()));
            }
        }
        if bot && !self.may_answer(workspace, &to) {
            return Err(Denied::Invalid(
                "so much went to and fro with this address that it may be a program: only a person writes there now",
            ));
        }
        let mut files = Vec::new();
        for id in &input.files {
            let file = self.file_row(workspace, customer, conversation, id)?;
            files.push(file.ok_or(Denied::Invalid("one of the files is not there: add it again"))?);
        }
        if files.iter().map(|it| it.kept.size()).sum::<u64>() > FILES_BYTES {
            return Err(Denied::Invalid("the files are too large for one mail: 20 MB at most"));
        }
        for address in std::iter::once(&to).chain(&input.cc) {
            let known = thread.participants.iter().any(|it| comparable(it) == comparable(address));
            if !known && thread.participants.len() < PARTICIPANTS_MAX {
                thread.participants.push(address.clone());
            }
        }
        let quoted = if input.quote { self.quoted(workspace, conversation) } else { String::new() };
        let mail = Outgoing {
            conversation,
            seq: 0,
            to: vec![to],
            cc: input.cc,
            bcc: input.bcc,
            subject: input.subject.unwrap_or_else(|| reply_subject(&thread)),
            in_reply_to: thread.last_id.clone(),
            references: thread.references.clone(),
            text: text.clone(),
            quoted,
            files,
            automatic: bot,
            at_ms: self.now().0,
        };
        Ok(Some(Prepared { customer, thread, mail }))
    }

    /// Queues a mail with the message that it carries.
    pub(super) fn send_prepared(&mut self, workspace: WorkspaceId, seq: u64, prepared: Prepared) {
        let Prepared { customer, thread, mut mail } = prepared;
        mail.seq = seq;
        self.put_mail_thread(workspace, customer, mail.conversation, &thread);
        self.queue_mail(workspace, customer, &thread.account, mail);
    }

    fn file_key(workspace: WorkspaceId, conversation: ConversationId, id: &str) -> Vec<u8> {
        [
            &workspace.bits().to_be_bytes(),
            &conversation.bits().to_be_bytes(),
            b"file".as_slice(),
            id.as_bytes(),
        ]
        .concat()
    }

    fn file_row(
        &self,
        workspace: WorkspaceId,
        customer: CustomerId,
        conversation: ConversationId,
        id: &str,
    ) -> Result<Option<FileRow>, Denied> {
        let key = Self::file_key(workspace, conversation, id);
        let stored = self.parts.log.get(self.id, Table::Mails, &key);
        let Some(sealed) = stored.map_err(|error| Denied::Store(error.to_string()))? else { return Ok(None) };
        match self.parts.vault.unseal(self.id, customer, &key, &sealed) {
            Ok(Unsealed::Text(plain)) => Ok(postcard::from_bytes(&plain).ok()),
            Ok(Unsealed::Erased) => Ok(None),
            Err(error) => Err(Denied::Store(error.to_string())),
        }
    }

    /// Keeps a file that is to go out with a mail of a conversation that this agent holds.
    ///
    /// # Errors
    /// If it is not for this agent, or cannot be kept.
    pub(crate) fn add_file(
        &mut self,
        workspace: WorkspaceId,
        agent: AgentId,
        conversation: ConversationId,
        file: FileRow,
    ) -> Result<FileBody, String> {
        let it = self.engine.workspace(workspace).and_then(|it| it.conversations.get(&conversation));
        let held = it.filter(|it| it.holder() == Some(agent)).map(|it| it.customer);
        let customer = held.ok_or("only who holds the conversation adds files to it")?;
        let id = uuid::Uuid::now_v7().simple().to_string();
        let key = Self::file_key(workspace, conversation, &id);
        let plain = postcard::to_allocvec(&file).map_err(|error| error.to_string())?;
        let sealed = self.parts.vault.seal(self.id, customer, &key, &plain, &mut self.pending.writes);
        let value = sealed.map_err(|error| error.to_string())?;
        self.pending.writes.push(Write::Put { table: Table::Mails, key, value });
        Ok(FileBody { id, size: file.kept.size(), name: file.name, media_type: file.media_type })
    }
}

impl Prepared {
    /// What stands beside the message.
    pub(super) fn mailed(&self) -> Mailed {
        let files = self.mail.files.iter().map(|it| Attached {
            name: it.name.clone(),
            media_type: it.media_type.clone(),
            size: it.kept.size(),
            inline: false,
        });
        Mailed {
            subject: self.mail.subject.clone(),
            from: self.thread.account.clone(),
            to: self.mail.to.clone(),
            cc: self.mail.cc.clone(),
            quoted: String::new(),
            html: false,
            files: files.collect(),
            proof: None,
            stage: Some(Stage::Waiting),
            why: None,
        }
    }
}

fn check_input(input: &MailInput) -> Result<(), Denied> {
    let addresses = input.to.iter().chain(&input.cc).chain(&input.bcc);
    if addresses.into_iter().any(|it| !is_address(it)) {
        return Err(Denied::Invalid("one of the addresses is none that mail can be sent to: correct it"));
    }
    if input.cc.len() > COPIES_MAX || input.bcc.len() > COPIES_MAX {
        return Err(Denied::Invalid("there are too many copies: 20 at most of each kind"));
    }
    if input.files.len() > FILES_MAX {
        return Err(Denied::Invalid("there are too many files: 20 at most"));
    }
    let subject = input.subject.as_deref().unwrap_or("-");
    if subject.chars().any(char::is_control) || subject.chars().count() > SUBJECT_MAX {
        return Err(Denied::Invalid("the subject is one line of 300 letters at most"));
    }
    Ok(())
}
