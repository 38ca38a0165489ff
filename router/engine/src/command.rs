//! Commands: what the outside asks for. Everything that a decision reads comes in here, ids that must be new included.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use policy::BreaksDoc;
use policy::document::Document;
use policy::id::{
    AgentId, CommandId, ContactPointId, ConversationId, CustomerId, MessageId, OfferId, WorkspaceId,
};
use policy::matching::{AgentProfile, Standing};
use policy::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::event::{DeliveryStage, Side};
use crate::state::{Conversation, Promise};

/// A request to the engine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Command {
    /// Given by whoever asks; stands as the cause in each event that follows.
    pub id: CommandId,
    /// The workspace that it concerns; taken from the credential, never from a payload.
    pub workspace: WorkspaceId,
    /// What is asked for.
    pub kind: CommandKind,
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum CommandKind {
    /// Makes the workspace.
    CreateWorkspace,
    /// Removes the workspace with all that it holds in memory.
    RemoveWorkspace,
    /// Puts a policy in force at the next event.
    InstallPolicy {
        /// Grows with each policy.
        version: u32,
        /// The document, checked before.
        document: Box<Document>,
    },
    /// Makes an agent or changes one.
    PutAgent {
        /// Who.
        agent: AgentId,
        /// The name as shown to customers.
        name: Box<str>,
        /// A bot, not a person.
        bot: bool,
        /// Skills, languages, capacity.
        profile: AgentProfile,
    },
    /// Removes an agent; what it held goes back to the queue.
    RemoveAgent {
        /// Who.
        agent: AgentId,
    },
    /// An agent comes, goes away, or goes.
    SetStanding {
        /// Who.
        agent: AgentId,
        /// The new state.
        standing: Standing,
    },
    /// An agent takes nothing more on some channels.
    PauseChannels {
        /// Who.
        agent: AgentId,
        /// On which; none takes up all again.
        channels: Vec<Box<str>>,
    },
    /// Plans an agent's breaks anew.
    PlanBreaks {
        /// Who.
        agent: AgentId,
        /// All of them; no day with any ends the plan.
        breaks: Box<BreaksDoc>,
    },
    /// An agent has written up what is to be kept of a closed conversation.
    EndWrapUp {
        /// Who.
        agent: AgentId,
        /// Of which.
        conversation: ConversationId,
    },
    /// A customer's message came in.
    ReceiveMessage {
        /// Who wrote.
        customer: CustomerId,
        /// From which contact point.
        contact_point: ContactPointId,
        /// The channel of that contact point.
        channel: Box<str>,
        /// The conversation that it answers; absent: the customer's open one, else a new one.
        to: Option<ConversationId>,
        /// The id of the conversation, if one must be opened.
        new: ConversationId,
        /// The id of the message.
        message: MessageId,
        /// The size of its text in bytes.
        size: u32,
        /// The customer's language, if known.
        language: Option<Box<str>>,
        /// What it is about, if known: names that may be skills.
        topics: Vec<String>,
        /// The agent who served the customer last, if wished and known.
        known_agent: Option<AgentId>,
        /// The conditions of intake rules and steps that hold, by their numbers.
        holds: Vec<u16>,
    },
    /// An agent's message to the customer.
    SendMessage {
        /// Who writes.
        agent: AgentId,
        /// Where.
        conversation: ConversationId,
        /// The id of the message.
        message: MessageId,
        /// The size of its text in bytes.
        size: u32,
        /// To which of the contact points that the customer has written from; absent: the one that was used last.
        contact_point: Option<ContactPointId>,
        /// The fence that the writer saw; absent: the current one.
        fence: Option<u64>,
    },
    /// An agent takes an offer.
    AcceptOffer {
        /// Who.
        agent: AgentId,
        /// Which.
        offer: OfferId,
    },
    /// An agent refuses an offer.
    DeclineOffer {
        /// Who.
        agent: AgentId,
        /// Which.
        offer: OfferId,
    },
    /// The holder, or a supervisor, hands a conversation over.
    Transfer {
        /// Who.
        by: Actor,
        /// Which.
        conversation: ConversationId,
        /// To whom.
        to: HandOver,
    },
    /// The holder sets a conversation aside.
    Park {
        /// Who.
        agent: AgentId,
        /// Which.
        conversation: ConversationId,
        /// When it comes back by itself.
        until: Option<Timestamp>,
    },
    /// The agent of a parked conversation takes it up again.
    Unpark {
        /// Who.
        agent: AgentId,
        /// Which.
        conversation: ConversationId,
    },
    /// Ends a conversation.
    Close {
        /// Who.
        by: Actor,
        /// Which.
        conversation: ConversationId,
        /// Whether the customer got what they came for, if that is known.
        solved: Option<bool>,
    },
    /// Opens a closed conversation again, as the store kept it.
    Reopen {
        /// Who.
        by: Actor,
        /// The conversation as it was when it was closed.
        closed: Box<Conversation>,
    },
    /// Messages of the other side got further on their way.
    ReportDelivery {
        /// Where.
        conversation: ConversationId,
        /// Whose client reports: it concerns the other side's messages.
        side: Side,
        /// All messages up to this number.
        upto: u64,
        /// How far.
        stage: DeliveryStage,
    },
    /// Customers who wait are told of their wait; what they know already is not told again.
    TellPromises {
        /// Whom, and what; 1,000 at most.
        told: Vec<(ConversationId, Promise)>,
    },
    /// Time has passed.
    Tick,
}

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Actor {
    /// The customer.
    Customer(CustomerId),
    /// An agent in their own right: only what they hold.
    Agent(AgentId),
    /// A supervisor: any conversation of the workspace.
    Supervisor(AgentId),
}

/// To whom a conversation is handed over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum HandOver {
    /// To whoever serves this queue.
    Queue(Box<str>),
    /// To this agent.
    Agent(AgentId),
}
