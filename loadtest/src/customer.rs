//! A customer: opens the widget's session, writes their turns of a dialogue, and waits until the agent has closed it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use policy::id::ConversationId;
use protocol::{ClientFrame, ConversationState, ConversationView, ServerFrame, SessionEvent};

use crate::client::{Client, Door, Incoming};
use crate::dialogs::{Dialogue, Side};
use crate::hear;
use crate::journal::{Journal, Request, What, Who};
use crate::talk::Talk;

/// What a customer is to do.
pub(crate) struct Part {
    pub(crate) door: Door,
    /// The dialogue, and its number in the run.
    pub(crate) number: usize,
    pub(crate) dialogue: Arc<Dialogue>,
    /// This client's number in the run.
    pub(crate) client: u32,
    /// When the run began.
    pub(crate) start: Instant,
    /// When to give up.
    pub(crate) deadline: Instant,
    pub(crate) patience: Option<Duration>,
    /// Open loop: from when turns are due.
    pub(crate) open: Option<Instant>,
}

/// What a customer brings home.
pub(crate) struct Played {
    pub(crate) journal: Journal,
    /// The visitor's key and the conversation, to read it again.
    pub(crate) read: Option<(String, ConversationId)>,
}

struct Customer {
    client: Client,
    journal: Journal,
    talk: Talk,
    conversation: Option<ConversationId>,
    closed: bool,
    again: VecDeque<(Instant, Request)>,
    /// The first message is on its way: the others wait until it has opened the conversation.
    opening: bool,
}

/// Plays the customer's part.
pub(crate) async fn play(part: Part) -> Played {
    let mut journal = Journal::new(Who::Customer(part.number), part.start);
    let Ok(client) = Client::open(part.door, part.client).await else {
        return Played { journal, read: None };
    };
    journal.note(What::Online);
    let talk = Talk::new(part.dialogue, Side::Customer, part.patience, part.open);
    let mut customer = Customer {
        client,
        journal,
        talk,
        conversation: None,
        closed: false,
        again: VecDeque::new(),
        opening: false,
    };
    customer.run(part.deadline).await;
    let read = customer.client.visitor().map(str::to_owned).zip(customer.conversation);
    let journal = customer.journal;
    customer.client.leave().await;
    Played { journal, read }
}

impl Customer {
    async fn run(&mut self, deadline: Instant) {
        loop {
            let now = Instant::now();
            if self.closed && self.talk.done() {
                self.journal.note(What::Finished);
                return;
            }
            if now >= deadline {
                return;
            }
            while let Some((_, request)) = self.again.pop_front_if(|(at, _)| *at <= now) {
                self.client.repeat(request).await;
            }
            if !self.opening && !self.closed {
                self.talk.plan();
                let request = self.talk.is_due(now).then(|| self.client.request());
                if let Some(request) = request
                    && let Some((turn, from)) = self.talk.take(request)
                {
                    self.opening = self.conversation.is_none();
                    self.journal.note_at(from, What::Sent { request, text: turn.digest });
                    let frame = ClientFrame::Send {
                        id: request.text(),
                        conversation: self.conversation,
                        contact_point: None,
                        text: turn.text,
                    };
                    self.client.ask(request, frame).await;
                    continue;
                }
            }
            let wake = self.wake(now, deadline);
            let incoming = tokio::select! {
                incoming = self.client.next() => incoming,
                () = tokio::time::sleep_until(wake.into()) => continue,
            };
            match incoming {
                Incoming::Frame(frame) => {
                    self.hear(*frame);
                    self.client.acknowledge().await;
                }
                Incoming::Broken => {
                    self.journal.note(What::Broken);
                    if self.client.come_back().await.is_err() {
                        return;
                    }
                }
            }
        }
    }

    fn wake(&self, now: Instant, deadline: Instant) -> Instant {
        let gives_up = self.talk.gives_up().filter(|at| *at > now);
        let again = self.again.front().map(|(at, _)| *at);
        let due = self.talk.wake().filter(|_| !self.opening && !self.closed);
        [due, again, gives_up].into_iter().flatten().fold(deadline, Instant::min)
    }

    fn hear(&mut self, frame: ServerFrame) {
        match frame {
            ServerFrame::Accepted { id, conversation, message, seq, .. } => {
                let Some(request) = Request::parse(&id) else { return };
                if let (Some(conversation), Some(message), Some(seq)) = (conversation, message, seq) {
                    self.journal.note(What::Accepted { request, conversation, message, seq });
                    self.talk.taken(request, message);
                    self.conversation = Some(conversation);
                    self.opening = false;
                }
            }
            ServerFrame::Rejected { id, code, retry_ms, .. } => {
                let Some(request) = Request::parse(&id) else { return };
                match hear::repeat_after(code, retry_ms) {
                    Some(wait) => {
                        self.again.push_back((Instant::now() + Duration::from_millis(wait), request));
                    }
                    None => {
                        self.client.drop_request(request);
                        self.journal.note(What::Rejected { request, code });
                    }
                }
            }
            ServerFrame::Event { event, .. } => self.event(event),
            _ => {}
        }
    }

    fn event(&mut self, event: SessionEvent) {
        match event {
            SessionEvent::Snapshot { conversations, .. } => {
                let held = conversations.iter().map(|conversation| conversation.id).collect();
                self.journal.note(What::Snapshot { held, offers: Vec::new() });
                for conversation in &conversations {
                    self.view(conversation);
                }
            }
            SessionEvent::Conversation { conversation } => self.view(&conversation),
            SessionEvent::Message { conversation, message } => {
                hear::message(
                    &mut self.journal,
                    Some(&mut self.talk),
                    Side::Customer,
                    conversation,
                    &message,
                    true,
                );
            }
            _ => {}
        }
    }

    fn view(&mut self, conversation: &ConversationView) {
        for message in &conversation.messages {
            hear::message(
                &mut self.journal,
                Some(&mut self.talk),
                Side::Customer,
                conversation.id,
                message,
                false,
            );
        }
        self.closed |= conversation.state == ConversationState::Closed;
    }
}
