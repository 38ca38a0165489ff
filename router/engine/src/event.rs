//! Events: what has happened. State changes only by applying one of these; the log holds nothing else.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use policy::BreaksDoc;
use policy::document::Document;
use policy::id::{
    AgentId, CommandId, ContactPointId, ConversationId, CustomerId, MessageId, OfferId, WorkspaceId,
};
use policy::matching::{AgentProfile, Decision, Needs, Preferred, Standing};
use policy::time::{Span, Timestamp};
use serde::{Deserialize, Serialize};

use crate::state::{Conversation, Promise};

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// When.
    pub at: Timestamp,
    /// Where.
    pub workspace: WorkspaceId,
    /// The command that caused it.
    pub cause: CommandId,
    /// What.
    pub kind: EventKind,
}

/// What happened. Kinds are only ever added, at the end: their number is their name in the log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum EventKind {
    /// The workspace was made.
    WorkspaceCreated,
    /// The workspace was removed.
    WorkspaceRemoved,
    /// A policy is in force.
    PolicyInstalled {
        /// Its version.
        version: u32,
        /// The document.
        document: Box<Document>,
    },
    /// An agent was made or changed.
    AgentPut {
        /// Who.
        agent: AgentId,
        /// The name as shown.
        name: Box<str>,
        /// A bot.
        bot: bool,
        /// Skills, languages, capacity.
        profile: AgentProfile,
    },
    /// An agent was removed.
    AgentRemoved {
        /// Who.
        agent: AgentId,
    },
    /// An agent came or went.
    StandingChanged {
        /// Who.
        agent: AgentId,
        /// The new state.
        standing: Standing,
        /// Why.
        why: StandingCause,
    },
    /// A conversation was opened.
    ConversationOpened {
        /// Which.
        conversation: ConversationId,
        /// Whose.
        customer: CustomerId,
        /// The routing class.
        needs: Needs,
        /// 9 is first.
        priority: u8,
        /// The customer's language, if known.
        language: Option<Box<str>>,
        /// The topics, as they came.
        topics: Vec<String>,
        /// The agent known to the customer.
        known_agent: Option<AgentId>,
        /// The conditions of intake rules and steps that held, by their numbers.
        holds: Vec<u16>,
        /// It counts as having waited for so long already.
        head_start: Span,
        /// Who is asked before all others.
        preferred: Option<Preferred>,
    },
    /// The conversation goes over one more contact point.
    ContactPointAdded {
        /// Which conversation.
        conversation: ConversationId,
        /// The contact point.
        contact_point: ContactPointId,
        /// Its channel.
        channel: Box<str>,
    },
    /// The conversation stands in its queue, at the age of its opening.
    Queued {
        /// Which.
        conversation: ConversationId,
        /// Whether the queue is open; if not, it waits for the opening.
        open: bool,
        /// Only this agent may have it.
        reserved: Option<AgentId>,
    },
    /// A customer's message.
    MessageReceived {
        /// Where.
        conversation: ConversationId,
        /// Its id.
        message: MessageId,
        /// Its number in the conversation.
        seq: u64,
        /// From which contact point.
        contact_point: ContactPointId,
        /// Bytes of text.
        size: u32,
    },
    /// An agent's message.
    MessageSent {
        /// Where.
        conversation: ConversationId,
        /// Its id.
        message: MessageId,
        /// Its number in the conversation.
        seq: u64,
        /// Who wrote it.
        agent: AgentId,
        /// To which contact point.
        contact_point: ContactPointId,
        /// Bytes of text.
        size: u32,
    },
    /// A conversation was proposed to an agent, whose capacity it takes from now on.
    OfferMade {
        /// Which conversation.
        conversation: ConversationId,
        /// The offer.
        offer: OfferId,
        /// Until when.
        until: Timestamp,
        /// Why this agent.
        decision: Box<Decision>,
    },
    /// The agent took it: the agent holds the conversation.
    OfferAccepted {
        /// Which conversation.
        conversation: ConversationId,
        /// The offer.
        offer: OfferId,
        /// Who.
        agent: AgentId,
        /// The new holder's number.
        fence: u64,
    },
    /// The agent refused it.
    OfferDeclined {
        /// Which conversation.
        conversation: ConversationId,
        /// The offer.
        offer: OfferId,
        /// Who.
        agent: AgentId,
    },
    /// Nobody answered in time.
    OfferTimedOut {
        /// Which conversation.
        conversation: ConversationId,
        /// The offer.
        offer: OfferId,
        /// Who.
        agent: AgentId,
    },
    /// The offer was taken back: the conversation ended, or the agent left.
    OfferWithdrawn {
        /// Which conversation.
        conversation: ConversationId,
        /// The offer.
        offer: OfferId,
        /// Who.
        agent: AgentId,
    },
    /// The holder no longer holds it: the agent left, or handed it over.
    Released {
        /// Which.
        conversation: ConversationId,
        /// Who held it.
        agent: AgentId,
    },
    /// The conversation was given another routing class.
    Rerouted {
        /// Which.
        conversation: ConversationId,
        /// The new class.
        needs: Needs,
        /// The new priority.
        priority: u8,
        /// Who handed it over, and shall not get it back.
        not: Option<AgentId>,
    },
    /// Set aside; the agent's capacity is free.
    Parked {
        /// Which.
        conversation: ConversationId,
        /// Who returns to it.
        agent: AgentId,
        /// When it comes back by itself.
        until: Option<Timestamp>,
    },
    /// Its agent took it up again by an own act, which may go above capacity.
    Unparked {
        /// Which.
        conversation: ConversationId,
        /// Who.
        agent: AgentId,
        /// The new holder's number.
        fence: u64,
    },
    /// Ended.
    Closed {
        /// Which.
        conversation: ConversationId,
        /// By whom.
        by: ClosedBy,
        /// Whether the customer got what they came for, if that is known.
        solved: Option<bool>,
    },
    /// Opened again.
    Reopened {
        /// The conversation as it was.
        closed: Box<Conversation>,
    },
    /// Messages got further on their way.
    DeliveryReported {
        /// Where.
        conversation: ConversationId,
        /// Whose client reported: it concerns the other side's messages.
        side: Side,
        /// All messages up to this number.
        upto: u64,
        /// How far.
        stage: DeliveryStage,
    },
    /// It waited for so long that its queue asks for less, or hands it on.
    StepTaken {
        /// Which.
        conversation: ConversationId,
        /// How many steps of its queue it has behind it now.
        step: u32,
        /// What it needs from now on.
        needs: Needs,
        /// Its priority from now on.
        priority: u8,
    },
    /// An agent takes nothing more on these channels.
    ChannelsPaused {
        /// Who.
        agent: AgentId,
        /// All of them; none takes up all again.
        channels: Vec<Box<str>>,
    },
    /// The room of a closed conversation, kept for writing up, is free again.
    WrapUpEnded {
        /// Of which.
        conversation: ConversationId,
        /// Whose.
        agent: AgentId,
    },
    /// Customers who wait were told of their wait.
    PromisesTold {
        /// Whom, and what.
        told: Vec<(ConversationId, Promise)>,
    },
    /// An agent's breaks were planned anew.
    BreaksPlanned {
        /// Who.
        agent: AgentId,
        /// All of them.
        breaks: Box<BreaksDoc>,
    },
    /// A break is near: nothing more is offered to its agent, who is online until it begins.
    BreakNears {
        /// Who.
        agent: AgentId,
        /// When it begins.
        from: Timestamp,
        /// When it ends.
        until: Timestamp,
    },
}

/// Why an agent's standing changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum StandingCause {
    /// The agent, or the agent's line, said so.
    Asked,
    /// An offer went unanswered.
    MissedOffer,
    /// A planned break has begun.
    Break,
    /// It is over.
    BreakOver,
}

/// Who ended a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClosedBy {
    /// The customer.
    Customer,
    /// An agent or supervisor.
    Agent(AgentId),
    /// Nobody wrote for the queue's idle time.
    Idle,
}

/// A side of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Side {
    /// The customer.
    Customer,
    /// The agents.
    Agent,
}

/// How far messages got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum DeliveryStage {
    /// Arrived at the client or provider.
    Delivered,
    /// Seen by a person, or read by a bot.
    Seen,
}

impl EventKind {
    /// The conversation that it concerns.
    #[must_use]
    pub fn conversation(&self) -> Option<ConversationId> {
        match self {
            Self::ConversationOpened { conversation, .. }
            | Self::ContactPointAdded { conversation, .. }
            | Self::Queued { conversation, .. }
            | Self::MessageReceived { conversation, .. }
            | Self::MessageSent { conversation, .. }
            | Self::OfferMade { conversation, .. }
            | Self::OfferAccepted { conversation, .. }
            | Self::OfferDeclined { conversation, .. }
            | Self::OfferTimedOut { conversation, .. }
            | Self::OfferWithdrawn { conversation, .. }
            | Self::Released { conversation, .. }
            | Self::Rerouted { conversation, .. }
            | Self::StepTaken { conversation, .. }
            | Self::WrapUpEnded { conversation, .. }
            | Self::Parked { conversation, .. }
            | Self::Unparked { conversation, .. }
            | Self::Closed { conversation, .. }
            | Self::DeliveryReported { conversation, .. } => Some(*conversation),
            Self::Reopened { closed } => Some(closed.id),
            Self::WorkspaceCreated
            | Self::WorkspaceRemoved
            | Self::PolicyInstalled { .. }
            | Self::AgentPut { .. }
            | Self::AgentRemoved { .. }
            | Self::StandingChanged { .. }
            | Self::ChannelsPaused { .. }
            | Self::BreaksPlanned { .. }
            | Self::BreakNears { .. }
            | Self::PromisesTold { .. } => None,
        }
    }
}
