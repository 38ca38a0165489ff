//! What a message has beside its text because it came or went by mail: it is sealed with the message, in the same row. How
//! far a mail of ours got stands here too, so that a view needs no second look-up.

use connectors::email::Mail;
use connectors::email::verdict::Verdict;
use engine::state::Conversation;
use policy::id::{ConversationId, CustomerId, WorkspaceId};
use policy::{Disclosed, Field, Purpose, disclose};
use protocol::{FileView, MailState, MailView, SenderProof};
use serde::{Deserialize, Serialize};

use super::mail::KeptMail;
use super::state::State;
use super::tails::{Store, StoredMessage};
use crate::accounts::{Principal, Role};
use crate::files::Kept;

/// Bytes kept of what a mail quotes; all of it stands in the mail as it came.
const QUOTED_MAX: usize = 8 << 10;
/// Attachments and addresses listed.
const FILES_MAX: usize = 100;
const ADDRESSES_MAX: usize = 20;
/// Letters of a reason.
const WHY_MAX: usize = 300;

/// Beside the text.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Mailed {
    pub(super) subject: String,
    pub(super) from: String,
    pub(super) to: Vec<String>,
    pub(super) cc: Vec<String>,
    pub(super) quoted: String,
    pub(super) html: bool,
    pub(super) files: Vec<Attached>,
    pub(super) proof: Option<Proof>,
    pub(super) stage: Option<Stage>,
    pub(super) why: Option<String>,
}

/// An attachment, as it is listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Attached {
    pub(super) name: String,
    pub(super) media_type: String,
    pub(super) size: u64,
    pub(super) inline: bool,
}

/// How sure the sender is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Proof {
    Verified,
    Unverified,
    Suspect,
}

/// How far a mail of ours got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Stage {
    Waiting,
    Sent,
    Delayed,
    Delivered,
    Failed,
    Unknown,
}

impl Stage {
    /// Whether it may be handed to the relay once more: it has failed, or nobody knows.
    pub(super) const fn is_lost(self) -> bool {
        matches!(self, Self::Failed | Self::Unknown)
    }

    /// Whether this follows from that: reports come late and in any order, and what arrived has arrived.
    const fn follows(self, before: Self) -> bool {
        match self {
            Self::Waiting => before.is_lost(),
            Self::Delayed => matches!(before, Self::Waiting | Self::Sent | Self::Delayed),
            Self::Sent => !matches!(before, Self::Delivered | Self::Failed),
            Self::Delivered => true,
            Self::Failed | Self::Unknown => !matches!(before, Self::Delivered),
        }
    }
}

impl Mailed {
    /// Of a mail that came.
    pub(super) fn of(mail: &Mail, verdict: &Verdict) -> Self {
        let addresses = |of: &[connectors::email::Mailbox]| {
            of.iter().take(ADDRESSES_MAX).map(|it| it.address.clone()).collect::<Vec<_>>()
        };
        let mut quoted = mail.split.folded();
        if quoted.len() > QUOTED_MAX {
            quoted.truncate(quoted.floor_char_boundary(QUOTED_MAX));
            quoted.push('…');
        }
        let files = mail.attachments.iter().take(FILES_MAX).map(|it| Attached {
            name: it.name.clone(),
            media_type: it.media_type.clone(),
            size: it.content.len() as u64,
            inline: it.inline,
        });
        Self {
            subject: mail.subject.clone(),
            from: mail.from.first().map(|it| it.address.clone()).unwrap_or_default(),
            to: addresses(&mail.to),
            cc: addresses(&mail.cc),
            quoted,
            html: mail.html.is_some(),
            files: files.collect(),
            proof: Some(match verdict {
                Verdict::Verified { .. } => Proof::Verified,
                Verdict::Unverified => Proof::Unverified,
                Verdict::Suspect { .. } => Proof::Suspect,
            }),
            stage: None,
            why: None,
        }
    }

    /// As an agent sees it.
    pub(super) fn view(&self) -> MailView {
        let files = self.files.iter().zip(0..).map(|(it, number)| FileView {
            number,
            name: it.name.clone(),
            media_type: it.media_type.clone(),
            size: it.size,
            inline: it.inline,
        });
        MailView {
            subject: self.subject.clone(),
            from: self.from.clone(),
            to: self.to.clone(),
            cc: self.cc.clone(),
            quoted: self.quoted.clone(),
            html: self.html,
            files: files.collect(),
            proof: self.proof.map(|it| match it {
                Proof::Verified => SenderProof::Verified,
                Proof::Unverified => SenderProof::Unverified,
                Proof::Suspect => SenderProof::Suspect,
            }),
            state: self.stage.map(|it| match it {
                Stage::Waiting => MailState::Waiting,
                Stage::Sent => MailState::Sent,
                Stage::Delayed => MailState::Delayed,
                Stage::Delivered => MailState::Delivered,
                Stage::Failed => MailState::Failed,
                Stage::Unknown => MailState::Unknown,
            }),
            why: self.why.clone(),
        }
    }
}

impl State {
    /// A message of a conversation, open or closed, with whose it is.
    pub(super) fn stored_message(
        &mut self,
        workspace: WorkspaceId,
        conversation: ConversationId,
        seq: u64,
    ) -> Option<(CustomerId, StoredMessage)> {
        let open = self.engine.workspace(workspace).and_then(|it| it.conversations.get(&conversation));
        if let Some((customer, last)) = open.map(|it| (it.customer, it.last)) {
            let store = Store { log: &*self.parts.log, vault: &self.parts.vault, shard: self.id, workspace };
            let tail = self.tails.get(store, conversation, customer, last);
            if let Some(found) = tail.iter().rev().find(|it| it.seq == seq) {
                return Some((customer, found.clone()));
            }
            return store.read(conversation, customer, seq, seq).pop().map(|it| (customer, it));
        }
        let customer = self.store(workspace).header(conversation)?.customer;
        self.store(workspace).read(conversation, customer, seq, seq).pop().map(|it| (customer, it))
    }

    /// Whether an agent may read a conversation: its own and those of before, or all for those who oversee.
    pub(crate) fn may_see(&self, principal: &Principal, id: ConversationId) -> bool {
        let Principal::Agent { workspace, agent, role, .. } = principal else { return false };
        let own = |it: &Conversation| it.is_with(*agent) || it.known_agent == Some(*agent);
        let open = self.engine.workspace(*workspace).and_then(|it| it.conversations.get(&id));
        let own = match open {
            Some(it) => own(it),
            None => match self.store(*workspace).header(id).and_then(|it| it.closed) {
                Some(closed) => own(&closed),
                None => return false,
            },
        };
        own || *role != Role::Agent
    }

    /// The mail beside a message as it came, for an agent who may read it.
    pub(crate) fn mail_for(
        &mut self,
        principal: &Principal,
        conversation: ConversationId,
        seq: u64,
    ) -> Option<Disclosed<Kept>> {
        let Principal::Agent { workspace, agent, .. } = principal else { return None };
        if !self.may_see(principal, conversation) {
            return None;
        }
        let (customer, _) = self.stored_message(*workspace, conversation, seq)?;
        let Ok(Some(KeptMail::Theirs(kept))) = self.kept_mail(*workspace, customer, conversation, seq) else {
            return None;
        };
        let card = self.cards.look(&*self.parts.log, &self.parts.vault, self.id, *workspace, customer);
        let fields = [Field::MessageBody, Field::ContactPoint];
        disclose(self.audience(*workspace, *agent), Purpose::Service, &card.grants, &fields, kept).ok()
    }

    /// Notes how far a mail of ours got, and tells who reads the conversation. Says whether it went forward.
    pub(super) fn mail_reached(
        &mut self,
        workspace: WorkspaceId,
        conversation: ConversationId,
        seq: u64,
        stage: Option<Stage>,
        why: Option<String>,
    ) -> bool {
        let Some((customer, mut stored)) = self.stored_message(workspace, conversation, seq) else {
            return false;
        };
        let Some(mailed) = stored.mail.as_mut() else { return false };
        let was_lost = mailed.stage.is_some_and(Stage::is_lost);
        if let (Some(next), Some(before)) = (stage, mailed.stage) {
            if !next.follows(before) {
                return false;
            }
            mailed.why = None;
        }
        mailed.stage = stage.or(mailed.stage);
        mailed.why = why
            .map(|it| it.chars().filter(|it| !it.is_control()).take(WHY_MAX).collect())
            .or(mailed.why.take());
        let is_lost = mailed.stage.is_some_and(Stage::is_lost);
        let store = Store { log: &*self.parts.log, vault: &self.parts.vault, shard: self.id, workspace };
        let written = self.tails.change(store, conversation, customer, stored, &mut self.pending.writes);
        if let Err(error) = written {
            tracing::error!(%error, %conversation, "how far a mail got cannot be kept");
            return false;
        }
        if is_lost && !was_lost {
            self.note_failed(workspace, conversation, seq);
        } else if was_lost && !is_lost {
            self.forget_failed(workspace, conversation, seq);
        }
        self.tell_message(workspace, conversation, seq, true);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::Stage::{Delayed, Delivered, Failed, Sent, Unknown, Waiting};

    #[test]
    fn a_mail_goes_forward_only() {
        for (before, next) in [
            (Waiting, Sent),
            (Sent, Delayed),
            (Delayed, Delivered),
            (Sent, Failed),
            (Waiting, Unknown),
            // The other server has the last word.
            (Failed, Delivered),
            (Unknown, Delivered),
            // Sent again.
            (Failed, Waiting),
            (Unknown, Waiting),
        ] {
            assert!(next.follows(before), "{before:?} {next:?}");
        }
        for (before, next) in [
            (Delivered, Delayed),
            (Delivered, Failed),
            (Failed, Delayed),
            (Failed, Sent),
            (Sent, Waiting),
            (Delivered, Waiting),
        ] {
            assert!(!next.follows(before), "{before:?} {next:?}");
        }
    }
}
