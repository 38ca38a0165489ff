//! What a customer writes, on whichever channel: the command, the customer's record, the message beside the log.

use engine::{CommandKind, Event, EventKind};
use policy::id::{ContactPointId, ConversationId, CustomerId, MessageId, WorkspaceId};
use policy_cel::{Customer, Facts};

use super::asks::{Denied, primary_language};
use super::mailed::Mailed;
use super::state::State;
use super::tails::{Header, StoredMessage};

/// Who writes, and from where.
pub(super) struct Writer<'a> {
    /// To which company.
    pub(super) workspace: WorkspaceId,
    /// Who.
    pub(super) customer: CustomerId,
    /// From which contact point.
    pub(super) contact_point: ContactPointId,
    /// The channel of that contact point.
    pub(super) channel: &'a str,
    /// What to be called.
    pub(super) name: Option<String>,
    /// The language of the customer's pages.
    pub(super) language: Option<String>,
    /// What it is about, if the page says so.
    pub(super) topics: Vec<String>,
    /// What stands above the text, such as the subject of a mail: it is understood with it.
    pub(super) about: Option<String>,
    /// Whether somebody vouches for who it is.
    pub(super) verified: bool,
    /// What it has beside its text if it came by mail.
    pub(super) mail: Option<Box<Mailed>>,
}

impl State {
    /// Takes what a customer writes; `request` is the client's own id of it, where there is one.
    ///
    /// # Errors
    /// [`Denied`]: nothing has changed.
    pub(super) fn writes(
        &mut self,
        writer: &Writer<'_>,
        request: Option<&str>,
        to: Option<ConversationId>,
        text: String,
    ) -> Result<(ConversationId, MessageId, u64), Denied> {
        let Writer {
            workspace,
            customer,
            contact_point,
            channel,
            name,
            language,
            topics,
            about,
            verified,
            mail,
        } = writer;
        let (workspace, customer) = (*workspace, *customer);
        let card = self.cards.get(&*self.parts.log, &self.parts.vault, self.id, workspace, customer);
        let mut card = card.map_err(|error| Denied::Store(error.to_string()))?;
        self.ready_to_write(customer)?;
        let message = MessageId::from_bits(uuid::Uuid::now_v7().as_u128());
        let whole = about.as_ref().map(|about| format!("{about}\n\n{text}"));
        let whole = whole.as_deref().unwrap_or(&text);
        let understood = self.understand(workspace, customer, &card, language.as_deref(), whole);
        let heard = understood.language().or(language.as_deref());
        let topics = &understood.topics(topics);
        let facts = Facts {
            channel,
            language: heard.unwrap_or_default(),
            intent: understood.intent().unwrap_or_default(),
            mood: understood.mood(),
            topics,
            customer: Customer {
                verified: *verified || card.verified,
                known: !card.conversations.is_empty(),
                named: name.is_some() || card.name.is_some(),
                contacts: i64::try_from(card.conversations.len()).unwrap_or(i64::MAX),
            },
            message_size: i64::try_from(text.chars().count()).unwrap_or(i64::MAX),
            ..Facts::default()
        };
        let holds = self.holding(workspace, facts);
        let kind = CommandKind::ReceiveMessage {
            customer,
            contact_point: *contact_point,
            channel: (*channel).into(),
            to,
            new: ConversationId::from_bits(uuid::Uuid::now_v7().as_u128()),
            message,
            size: u32::try_from(text.len()).unwrap_or(u32::MAX),
            language: heard.map(primary_language),
            topics: topics.clone(),
            known_agent: card.known_agent,
            holds,
        };
        let events = self.execute(workspace, kind)?;
        let mut written = None;
        let stands = understood.standing.is_some();
        card.standing = understood.standing.or(card.standing);
        let opened = |event: &Event| matches!(event.kind, EventKind::ConversationOpened { .. });
        if stands && !events.iter().any(opened) {
            self.put_card(workspace, customer, card.clone());
        }
        for event in &events {
            match &event.kind {
                EventKind::ConversationOpened { conversation, .. } => {
                    card.list(*conversation);
                    card.name = name.clone().or(card.name);
                    card.language = language.clone().or(card.language);
                    card.verified |= *verified;
                    self.put_card(workspace, customer, card.clone());
                    self.put_header(workspace, *conversation, &Header { customer, closed: None });
                }
                EventKind::MessageReceived { conversation, seq, .. } => {
                    written = Some((*conversation, *seq));
                    let stored = StoredMessage {
                        id: message,
                        seq: *seq,
                        agent: None,
                        name: card.name.clone(),
                        bot: false,
                        text: Some(text.clone()),
                        contact_point: *contact_point,
                        channel: (*channel).to_owned(),
                        at: event.at,
                        client_id: request.map(str::to_owned),
                        labels: understood.kept(),
                        mail: mail.clone(),
                    };
                    self.add_message(workspace, *conversation, customer, stored);
                }
                _ => {}
            }
        }
        self.derive(&events);
        let (conversation, seq) = written.ok_or(Denied::NotFound)?;
        Ok((conversation, message, seq))
    }
}
