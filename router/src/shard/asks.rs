//! From what clients ask to what the engine is told: one function a frame, all of the same form.

use std::sync::Arc;

use connectors::web_chat::CHANNEL as WEB_CHAT;
use engine::{Actor, CommandKind, DeliveryStage, EventKind, HandOver, Rejection};
use policy::id::{ContactPointId, ConversationId, CustomerId, MessageId, WorkspaceId};
use policy::matching::Standing;
use policy::time::Timestamp;
use protocol::{ClientFrame, Code, MailInput, PresenceWish, TransferTarget};

use super::dedupe::{Dedupe, Done};
use super::notices::side_of;
use super::state::{Effect, State};
use super::tails::{Header, Store, StoredMessage};
use super::writes::Writer;
use super::{Ask, Refused};
use crate::accounts::{Principal, Role};
use crate::session::frame::Notice;
use crate::session::{Owner, Session};
use crate::telemetry::span;

/// What an agent writes.
pub(super) struct Said {
    /// Where.
    pub(super) conversation: ConversationId,
    /// To which contact point; else to the one used last.
    pub(super) contact_point: Option<ContactPointId>,
    /// The text.
    pub(super) text: String,
    /// What it has beside the text, where it goes by email.
    pub(super) mail: Option<MailInput>,
}

/// Why a request was not done.
pub(super) enum Denied {
    Engine(Rejection),
    Invalid(&'static str),
    Forbidden(&'static str),
    NotFound,
    Store(String),
}

impl From<Rejection> for Denied {
    fn from(rejection: Rejection) -> Self {
        Self::Engine(rejection)
    }
}

impl Denied {
    /// What is said of it.
    pub(super) fn detail(&self) -> String {
        self.told().1
    }

    /// What the client is told.
    fn told(&self) -> (Code, String, Option<u32>) {
        match self {
            Self::Engine(rejection) => {
                let code = match rejection {
                    Rejection::NotFound(_) => Code::NotFound,
                    Rejection::Forbidden(_) => Code::Forbidden,
                    Rejection::Conflict(_) => Code::Conflict,
                    Rejection::Invalid(_) => Code::Invalid,
                    Rejection::Full => Code::Overloaded,
                };
                (code, rejection.to_string(), matches!(rejection, Rejection::Full).then_some(30_000))
            }
            Self::Invalid(detail) => (Code::Invalid, (*detail).to_owned(), None),
            Self::Forbidden(detail) => (Code::Forbidden, (*detail).to_owned(), None),
            Self::NotFound => (Code::NotFound, "there is no such conversation here".to_owned(), None),
            Self::Store(detail) => (Code::NotDurable, format!("nothing was accepted: {detail}"), Some(1_000)),
        }
    }
}

impl State {
    /// Does what is asked, as far as it can be done; the rest is told.
    pub(super) fn ask(&mut self, ask: Ask) {
        let _step = tracing::trace_span!(span::ASK).entered();
        match ask {
            Ask::Attached { session, principal, snapshot } => self.attached(&session, &principal, snapshot),
            Ask::Detached { owner } => self.detached(owner),
            Ask::Client { session, principal, frame } => self.client(&session, &principal, frame),
            Ask::Arrived { owner, conversation, upto } => {
                let side = side_of(owner);
                if self.concerns(owner, conversation) {
                    let kind = CommandKind::ReportDelivery {
                        conversation,
                        side,
                        upto,
                        stage: DeliveryStage::Delivered,
                    };
                    self.report(owner.workspace(), kind);
                }
            }
            Ask::Command { workspace, kind, answer } => match self.execute_plain(workspace, *kind) {
                Ok(()) => self.pending.effects.push(Effect::Answer(answer)),
                Err(rejection) => drop(answer.send(Err(Refused::Rejected(rejection)))),
            },
            Ask::Query(look) => {
                let tell = look(self);
                self.pending.effects.push(Effect::Tell(tell));
            }
        }
    }

    fn attached(&mut self, session: &Arc<Session>, principal: &Principal, snapshot: bool) {
        if let Owner::Agent(workspace, agent) = session.owner {
            self.leaving.remove(&(workspace, agent));
        }
        if snapshot {
            let frame = self.snapshot_frame(principal);
            match frame {
                Some(frame) => self.pending.effects.push(Effect::Snapshot(Arc::clone(session), frame)),
                None => session.close(protocol::CloseCode::Unauthorized),
            }
        }
    }

    fn detached(&mut self, owner: Owner) {
        if let Owner::Agent(workspace, agent) = owner
            && !self.parts.registry.attached(owner)
        {
            let gone = self.now() + self.grace();
            let standing = self.engine.workspace(workspace).and_then(|it| it.pool.standing(agent));
            if standing.is_some_and(|it| it != Standing::Offline) {
                self.leaving.insert((workspace, agent), gone);
            }
        }
    }

    fn client(&mut self, session: &Arc<Session>, principal: &Principal, frame: ClientFrame) {
        let request = frame.request_id().map(str::to_owned);
        let owner = session.owner;
        let Some(request) = request else {
            self.notice(owner, frame);
            return;
        };
        let key = Dedupe::key(&self.parts.vault, owner, &request);
        let done = match self.dedupe.find(&*self.parts.log, self.id, &key, self.now()) {
            Ok(Some(done)) => Ok(done),
            Ok(None) => self.request(principal, &request, frame).and_then(|(conversation, message)| {
                let done = Done { at: self.now(), conversation, message };
                self.dedupe.remember(key, done, &mut self.pending.writes)?;
                Ok(done)
            }),
            Err(error) => Err(Denied::Store(error.to_string())),
        };
        match done {
            Ok(done) => {
                let level = self.parts.log.level();
                let notice = Notice::accepted(request.clone(), done.conversation, done.message, level);
                self.parts.metrics.accepted();
                self.pending.effects.push(Effect::Accepted { session: Arc::clone(session), request, notice });
            }
            Err(denied) => {
                let (code, detail, retry_ms) = denied.told();
                self.parts.metrics.rejected(code);
                let notice = Notice::rejected(request, code, detail, retry_ms);
                self.pending.effects.push(Effect::Reply(Arc::clone(session), notice));
            }
        }
    }

    /// Requests, by frame. The answer names the conversation, and the message if one was made.
    #[expect(clippy::type_complexity, reason = "a pair of options, used here only")]
    fn request(
        &mut self,
        principal: &Principal,
        request: &str,
        frame: ClientFrame,
    ) -> Result<(Option<ConversationId>, Option<(MessageId, u64)>), Denied> {
        match (principal, frame) {
            (Principal::Customer { .. }, ClientFrame::Send { contact_point: Some(_), .. }) => {
                Err(Denied::Invalid("only agents say to which contact point: leave `contact_point` out"))
            }
            (Principal::Customer { .. }, ClientFrame::Send { conversation, text, .. }) => {
                let (conversation, message, seq) =
                    self.customer_writes(principal, request, conversation, text)?;
                Ok((Some(conversation), Some((message, seq))))
            }
            (
                Principal::Agent { workspace, agent, .. },
                ClientFrame::Send { conversation, contact_point, text, .. },
            ) => {
                let conversation = conversation.ok_or(Denied::Invalid("say which conversation"))?;
                let said = Said { conversation, contact_point, text, mail: None };
                let written = self.agent_writes(*workspace, *agent, request, said)?;
                Ok((Some(conversation), Some(written)))
            }
            (
                Principal::Agent { workspace, agent, .. },
                ClientFrame::Mail { conversation, contact_point, text, mail, .. },
            ) => {
                let said = Said { conversation, contact_point, text, mail: Some(*mail) };
                let written = self.agent_writes(*workspace, *agent, request, said)?;
                Ok((Some(conversation), Some(written)))
            }
            (Principal::Agent { workspace, agent, .. }, ClientFrame::Accept { offer, .. }) => {
                let conversation =
                    self.engine.workspace(*workspace).and_then(|it| it.offers.get(&offer).copied());
                self.execute_plain(*workspace, CommandKind::AcceptOffer { agent: *agent, offer })?;
                Ok((conversation, None))
            }
            (Principal::Agent { workspace, agent, .. }, ClientFrame::Decline { offer, .. }) => {
                let conversation =
                    self.engine.workspace(*workspace).and_then(|it| it.offers.get(&offer).copied());
                self.execute_plain(*workspace, CommandKind::DeclineOffer { agent: *agent, offer })?;
                Ok((conversation, None))
            }
            (Principal::Agent { workspace, .. }, ClientFrame::Transfer { conversation, to, .. }) => {
                let to = match to {
                    TransferTarget::Queue(queue) => HandOver::Queue(queue.into()),
                    TransferTarget::Agent(agent) => HandOver::Agent(agent),
                };
                let by = actor(principal)?;
                self.execute_plain(*workspace, CommandKind::Transfer { by, conversation, to })?;
                Ok((Some(conversation), None))
            }
            (Principal::Agent { workspace, agent, .. }, ClientFrame::Park { conversation, until_ms, .. }) => {
                let until = until_ms.map(Timestamp);
                self.execute_plain(*workspace, CommandKind::Park { agent: *agent, conversation, until })?;
                Ok((Some(conversation), None))
            }
            (Principal::Agent { workspace, agent, .. }, ClientFrame::Unpark { conversation, .. }) => {
                self.execute_plain(*workspace, CommandKind::Unpark { agent: *agent, conversation })?;
                Ok((Some(conversation), None))
            }
            (
                Principal::Agent { workspace, .. } | Principal::Customer { workspace, .. },
                ClientFrame::Close { conversation, solved, .. },
            ) => {
                let solved = solved.filter(|_| matches!(principal, Principal::Agent { .. }));
                self.close(*workspace, actor(principal)?, conversation, solved)?;
                Ok((Some(conversation), None))
            }
            (
                Principal::Agent { workspace, .. } | Principal::Customer { workspace, .. },
                ClientFrame::Reopen { conversation, .. },
            ) => {
                self.reopen(*workspace, actor(principal)?, conversation)?;
                Ok((Some(conversation), None))
            }
            (Principal::Agent { workspace, agent, .. }, ClientFrame::Pause { channels, .. }) => {
                let channels = channels.into_iter().map(Into::into).collect();
                self.execute_plain(*workspace, CommandKind::PauseChannels { agent: *agent, channels })?;
                Ok((None, None))
            }
            (Principal::Agent { workspace, agent, .. }, ClientFrame::WrapUp { conversation, .. }) => {
                self.execute_plain(*workspace, CommandKind::EndWrapUp { agent: *agent, conversation })?;
                Ok((Some(conversation), None))
            }
            (Principal::Agent { workspace, agent, .. }, ClientFrame::Presence { state, .. }) => {
                let standing = match state {
                    PresenceWish::Online => Standing::Online,
                    PresenceWish::Away => Standing::Away,
                    PresenceWish::Offline => Standing::Offline,
                };
                self.execute_plain(*workspace, CommandKind::SetStanding { agent: *agent, standing })?;
                Ok((None, None))
            }
            (Principal::Customer { .. }, _) => {
                Err(Denied::Forbidden("customers write, end and reopen their own conversations"))
            }
            (Principal::Operator, _) => Err(Denied::Forbidden("operators have no conversations")),
            (_, _) => Err(Denied::Invalid("this frame is not a request")),
        }
    }

    fn customer_writes(
        &mut self,
        principal: &Principal,
        request: &str,
        to: Option<ConversationId>,
        text: String,
    ) -> Result<(ConversationId, MessageId, u64), Denied> {
        let Principal::Customer { workspace, customer, contact_point, name, language, topics, verified } =
            principal
        else {
            return Err(Denied::Forbidden("only customers write without a conversation"));
        };
        check_text(&text, self.parts.config.limits.text_bytes)?;
        let writer = Writer {
            workspace: *workspace,
            customer: *customer,
            contact_point: *contact_point,
            channel: WEB_CHAT,
            name: name.clone(),
            language: language.clone(),
            topics: topics.clone(),
            about: None,
            verified: *verified,
            mail: None,
        };
        self.writes(&writer, Some(request), to, text)
    }

    fn agent_writes(
        &mut self,
        workspace: WorkspaceId,
        agent: policy::id::AgentId,
        request: &str,
        said: Said,
    ) -> Result<(MessageId, u64), Denied> {
        check_text(&said.text, self.parts.config.limits.text_bytes)?;
        let of = self.engine.workspace(workspace).and_then(|it| it.conversations.get(&said.conversation));
        if let Some(customer) = of.map(|it| it.customer) {
            self.ready_to_write(customer)?;
        }
        let prepared = self.prepare_mail(workspace, agent, &said)?;
        let Said { conversation, contact_point, text, .. } = said;
        let message = MessageId::from_bits(uuid::Uuid::now_v7().as_u128());
        let size = u32::try_from(text.len()).unwrap_or(u32::MAX);
        let kind =
            CommandKind::SendMessage { agent, conversation, message, size, contact_point, fence: None };
        let events = self.execute(workspace, kind)?;
        let Some((seq, contact_point, at)) = events.iter().find_map(|event| match &event.kind {
            EventKind::MessageSent { seq, contact_point, .. } => Some((*seq, *contact_point, event.at)),
            _ => None,
        }) else {
            return Err(Denied::NotFound);
        };
        if let Some((customer, channel, name, bot)) = self.engine.workspace(workspace).and_then(|it| {
            let found = it.conversations.get(&conversation)?;
            let writer = it.agents.get(&agent)?;
            Some((
                found.customer,
                found.channel_of(contact_point).to_owned(),
                writer.name.to_string(),
                writer.bot,
            ))
        }) {
            let stored = StoredMessage {
                id: message,
                seq,
                agent: Some(agent),
                name: Some(name),
                bot,
                text: Some(text),
                contact_point,
                channel,
                at,
                client_id: Some(request.to_owned()),
                labels: None,
                mail: prepared.as_ref().map(|it| Box::new(it.mailed())),
            };
            self.add_message(workspace, conversation, customer, stored);
            if let Some(prepared) = prepared {
                self.send_prepared(workspace, seq, prepared);
            }
        }
        self.derive(&events);
        Ok((message, seq))
    }

    fn close(
        &mut self,
        workspace: WorkspaceId,
        by: Actor,
        conversation: ConversationId,
        solved: Option<bool>,
    ) -> Result<(), Denied> {
        self.execute_plain(workspace, CommandKind::Close { by, conversation, solved }).map_err(Denied::from)
    }

    pub(super) fn reopen(
        &mut self,
        workspace: WorkspaceId,
        by: Actor,
        conversation: ConversationId,
    ) -> Result<(), Denied> {
        let header = self.store(workspace).header(conversation).ok_or(Denied::NotFound)?;
        if matches!(by, Actor::Customer(customer) if customer != header.customer) {
            return Err(Denied::NotFound);
        }
        let closed = header.closed.ok_or(Denied::Engine(Rejection::Conflict("this conversation is open")))?;
        if matches!(by, Actor::Agent(agent) if closed.known_agent != Some(agent)) {
            return Err(Denied::Forbidden("only who held it last, or a supervisor, opens it again"));
        }
        self.execute_plain(workspace, CommandKind::Reopen { by, closed: Box::new(closed) })?;
        self.put_header(workspace, conversation, &Header { customer: header.customer, closed: None });
        Ok(())
    }

    /// Makes sure that what a customer writes or is told can be sealed, before anything is decided.
    pub(super) fn ready_to_write(&self, customer: CustomerId) -> Result<(), Denied> {
        self.parts.vault.ready(self.id, customer).map_err(|error| Denied::Store(error.to_string()))
    }

    pub(super) fn put_header(
        &mut self,
        workspace: WorkspaceId,
        conversation: ConversationId,
        header: &Header,
    ) {
        let store = Store { log: &*self.parts.log, vault: &self.parts.vault, shard: self.id, workspace };
        if let Err(error) = store.put_header(conversation, header, &mut self.pending.writes) {
            self.unwritten("a conversation's header", &error);
        }
    }

    pub(super) fn add_message(
        &mut self,
        workspace: WorkspaceId,
        conversation: ConversationId,
        customer: CustomerId,
        message: StoredMessage,
    ) {
        let store = Store { log: &*self.parts.log, vault: &self.parts.vault, shard: self.id, workspace };
        let added = self.tails.add(store, conversation, customer, message, &mut self.pending.writes);
        if let Err(error) = added {
            self.unwritten("a message", &error);
        }
    }
}

fn actor(principal: &Principal) -> Result<Actor, Denied> {
    match principal {
        Principal::Agent { agent, role: Role::Agent, .. } => Ok(Actor::Agent(*agent)),
        Principal::Agent { agent, role: Role::Supervisor | Role::Admin, .. } => Ok(Actor::Supervisor(*agent)),
        Principal::Customer { customer, .. } => Ok(Actor::Customer(*customer)),
        Principal::Operator => Err(Denied::Forbidden("operators have no conversations")),
    }
}

fn check_text(text: &str, max: usize) -> Result<(), Denied> {
    if text.trim().is_empty() {
        return Err(Denied::Invalid("the text is empty"));
    }
    if text.len() > max {
        return Err(Denied::Invalid(
            "the text is too long: 16,384 bytes at most unless the server says otherwise",
        ));
    }
    // Most texts have no byte that a control character begins with; only the others are looked at letter by letter.
    let suspicious = |byte: u8| (byte < b' ' && byte != b'\n') || byte == 0x7f || byte == 0xc2;
    let forbidden = |letter: char| letter.is_control() && !matches!(letter, '\n' | '\r' | '\t');
    if text.bytes().any(suspicious) && text.chars().any(forbidden) {
        return Err(Denied::Invalid("the text has control characters: only line breaks and tabs are taken"));
    }
    Ok(())
}

/// `es-MX` -> `es`.
pub(super) fn primary_language(tag: &str) -> Box<str> {
    tag.split(['-', '_']).next().unwrap_or(tag).to_ascii_lowercase().into()
}
