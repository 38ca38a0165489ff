//! An agent: comes online, takes every offer, says their turns in each conversation held, and closes it at its end.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use policy::id::{AgentId, ConversationId, OfferId};
use protocol::{
    ClientFrame, ConversationState, ConversationView, OfferView, PresenceWish, ServerFrame, SessionEvent,
};
use tokio::sync::{mpsc, watch};

use crate::client::{Client, Door, Incoming};
use crate::dialogs::{Dialogue, Side};
use crate::hear;
use crate::journal::{Journal, Request, What, Who};
use crate::talk::Talk;

/// What an agent is to do.
pub(crate) struct Part {
    pub(crate) door: Door,
    pub(crate) agent: AgentId,
    pub(crate) client: u32,
    pub(crate) start: Instant,
    /// The dialogues of the run; a customer is named by the number of theirs.
    pub(crate) dialogues: Arc<Vec<Arc<Dialogue>>>,
    pub(crate) patience: Option<Duration>,
    /// Open loop: from when turns are due, once it is known.
    pub(crate) open: Arc<OnceLock<Instant>>,
    /// Told once when online.
    pub(crate) online: mpsc::Sender<()>,
    /// Turns true at the end of the run.
    pub(crate) stop: watch::Receiver<bool>,
}

/// A conversation that is offered or held.
struct Hold {
    talk: Talk,
    held: bool,
    closing: bool,
}

struct Agent {
    client: Client,
    journal: Journal,
    dialogues: Arc<Vec<Arc<Dialogue>>>,
    patience: Option<Duration>,
    open: Arc<OnceLock<Instant>>,
    holds: BTreeMap<ConversationId, Hold>,
    offers: BTreeMap<OfferId, ConversationId>,
    /// What a request is about, for its answer.
    asked: BTreeMap<Request, Option<ConversationId>>,
    again: VecDeque<(Instant, Request)>,
    presence: Option<Request>,
    online: mpsc::Sender<()>,
}

/// Plays the agent's part until the run ends.
pub(crate) async fn play(part: Part) -> Journal {
    let mut journal = Journal::new(Who::Agent(part.agent), part.start);
    let Ok(client) = Client::open(part.door, part.client).await else { return journal };
    journal.entries.reserve(1024);
    let mut agent = Agent {
        client,
        journal,
        dialogues: part.dialogues,
        patience: part.patience,
        open: part.open,
        holds: BTreeMap::new(),
        offers: BTreeMap::new(),
        asked: BTreeMap::new(),
        again: VecDeque::new(),
        presence: None,
        online: part.online,
    };
    agent.come_online().await;
    agent.run(part.stop).await;
    let journal = agent.journal;
    agent.client.leave().await;
    journal
}

impl Agent {
    async fn come_online(&mut self) {
        let request = self.client.request();
        self.presence = Some(request);
        let frame = ClientFrame::Presence { id: request.text(), state: PresenceWish::Online };
        self.client.ask(request, frame).await;
    }

    async fn run(&mut self, mut stop: watch::Receiver<bool>) {
        loop {
            let now = Instant::now();
            self.speak(now).await;
            let wake = self.wake(now);
            let incoming = tokio::select! {
                incoming = self.client.next() => incoming,
                () = tokio::time::sleep_until(wake.into()) => continue,
                _ = stop.changed() => return,
            };
            match incoming {
                Incoming::Frame(frame) => {
                    self.hear(*frame).await;
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

    /// Says and closes what is due.
    async fn speak(&mut self, now: Instant) {
        while let Some((_, request)) = self.again.pop_front_if(|(at, _)| *at <= now) {
            self.client.repeat(request).await;
        }
        for (id, hold) in &mut self.holds {
            if !hold.held || hold.closing {
                continue;
            }
            hold.talk.plan();
            let request = hold.talk.is_due(now).then(|| self.client.request());
            if let Some(request) = request
                && let Some((turn, from)) = hold.talk.take(request)
            {
                self.asked.insert(request, Some(*id));
                self.journal.note_at(from, What::Sent { request, text: turn.digest });
                let frame = ClientFrame::Send {
                    id: request.text(),
                    conversation: Some(*id),
                    contact_point: None,
                    text: turn.text,
                };
                self.client.ask(request, frame).await;
            } else if hold.talk.done() {
                hold.closing = true;
                let request = self.client.request();
                self.asked.insert(request, Some(*id));
                let frame = ClientFrame::Close { id: request.text(), conversation: *id, solved: None };
                self.client.ask(request, frame).await;
            }
        }
    }

    fn wake(&self, now: Instant) -> Instant {
        let far = now + Duration::from_secs(3600);
        let talks = self.holds.values().filter(|hold| hold.held && !hold.closing);
        let due = talks.flat_map(|hold| [hold.talk.wake(), hold.talk.gives_up().filter(|at| *at > now)]);
        due.flatten().chain(self.again.front().map(|(at, _)| *at)).fold(far, Instant::min)
    }

    async fn hear(&mut self, frame: ServerFrame) {
        match frame {
            ServerFrame::Accepted { id, conversation, message, seq, .. } => {
                let Some(request) = Request::parse(&id) else { return };
                self.asked.remove(&request);
                if self.presence == Some(request) {
                    self.presence = None;
                    self.journal.note(What::Online);
                    // Nobody listens any more after the first time.
                    self.online.try_send(()).ok();
                }
                if let (Some(conversation), Some(message), Some(seq)) = (conversation, message, seq) {
                    self.journal.note(What::Accepted { request, conversation, message, seq });
                    if let Some(hold) = self.holds.get_mut(&conversation) {
                        hold.talk.taken(request, message);
                    }
                }
            }
            ServerFrame::Rejected { id, code, retry_ms, .. } => {
                let Some(request) = Request::parse(&id) else { return };
                if let Some(wait) = hear::repeat_after(code, retry_ms) {
                    self.again.push_back((Instant::now() + Duration::from_millis(wait), request));
                    return;
                }
                self.client.drop_request(request);
                let about = self.asked.remove(&request).flatten();
                self.journal.note(What::Rejected { request, code });
                if let Some(hold) = about.and_then(|conversation| self.holds.get_mut(&conversation)) {
                    hold.talk.refused(request);
                }
            }
            ServerFrame::Event { event, .. } => self.event(event).await,
            _ => {}
        }
    }

    async fn event(&mut self, event: SessionEvent) {
        match event {
            SessionEvent::Snapshot { me, conversations, offers } => {
                self.snapshot(&conversations, &offers);
                for offer in &offers {
                    self.offer(offer).await;
                }
                if me.state != Some(protocol::AgentState::Online) && self.presence.is_none() {
                    self.come_online().await;
                }
            }
            SessionEvent::Offer { offer } => self.offer(&offer).await,
            SessionEvent::OfferEnded { offer, .. } => {
                self.journal.note(What::OfferEnded { offer });
                if let Some(conversation) = self.offers.remove(&offer)
                    && self.holds.get(&conversation).is_some_and(|hold| !hold.held)
                {
                    self.holds.remove(&conversation);
                }
            }
            SessionEvent::Conversation { conversation } => self.view(&conversation),
            SessionEvent::ConversationLeft { conversation } => self.left(conversation),
            SessionEvent::Message { conversation, message } => {
                let talk = self.holds.get_mut(&conversation).map(|hold| &mut hold.talk);
                hear::message(&mut self.journal, talk, Side::Agent, conversation, &message, true);
            }
            _ => {}
        }
    }

    fn snapshot(&mut self, conversations: &[ConversationView], offers: &[OfferView]) {
        let in_hand = |conversation: &&ConversationView| conversation.state == ConversationState::Assigned;
        let held: Vec<_> = conversations.iter().filter(in_hand).map(|conversation| conversation.id).collect();
        let offered = offers.iter().map(|offer| offer.id).collect();
        self.holds.retain(|id, _| held.contains(id));
        self.offers.clear();
        self.journal.note(What::Snapshot { held, offers: offered });
        for conversation in conversations.iter().filter(in_hand) {
            self.meet(conversation);
            if let Some(hold) = self.holds.get_mut(&conversation.id) {
                hold.held = true;
            }
        }
    }

    /// Notes a conversation's messages, and finds its dialogue by the customer's name.
    fn meet(&mut self, conversation: &ConversationView) {
        if !self.holds.contains_key(&conversation.id) {
            let number = conversation.customer_name.as_deref().and_then(number_of);
            if let Some(dialogue) = number.and_then(|number| self.dialogues.get(number)) {
                let talk =
                    Talk::new(Arc::clone(dialogue), Side::Agent, self.patience, self.open.get().copied());
                self.holds.insert(conversation.id, Hold { talk, held: false, closing: false });
            }
        }
        for message in &conversation.messages {
            let talk = self.holds.get_mut(&conversation.id).map(|hold| &mut hold.talk);
            hear::message(&mut self.journal, talk, Side::Agent, conversation.id, message, false);
        }
    }

    async fn offer(&mut self, offer: &OfferView) {
        let conversation = offer.conversation.id;
        self.journal.note(What::Offered { conversation, offer: offer.id });
        self.meet(&offer.conversation);
        self.offers.insert(offer.id, conversation);
        let request = self.client.request();
        self.asked.insert(request, None);
        self.client.ask(request, ClientFrame::Accept { id: request.text(), offer: offer.id }).await;
    }

    fn view(&mut self, conversation: &ConversationView) {
        match conversation.state {
            ConversationState::Assigned => {
                let holder = conversation.holder.as_ref().and_then(|holder| holder.agent);
                self.meet(conversation);
                if let Some(hold) = self.holds.get_mut(&conversation.id)
                    && !hold.held
                {
                    hold.held = true;
                    self.journal.note(What::Assigned { conversation: conversation.id, holder });
                }
            }
            ConversationState::Closed | ConversationState::Waiting | ConversationState::Parked => {
                self.left(conversation.id);
            }
            ConversationState::Offered => {}
        }
    }

    fn left(&mut self, conversation: ConversationId) {
        self.holds.remove(&conversation);
        self.journal.note(What::Left { conversation });
    }
}

/// The name of the customer of a dialogue.
pub(crate) fn name_of(number: usize) -> String {
    format!("Customer {number}")
}

/// The dialogue of a customer of this name.
pub(crate) fn number_of(name: &str) -> Option<usize> {
    name.strip_prefix("Customer ")?.parse().ok()
}
