//! Recorded traffic: who came when and with what, how much work each was, how long each would wait, when agents were there
//! and how they answered offers. Gathered from events alone; it is what a replay under another policy keeps as it was.

use engine::Engine;
use policy::BreaksDoc;
use policy::Document;
use policy::id::{AgentId, ConversationId, CustomerId, WorkspaceId};
use policy::matching::{AgentProfile, Needs, Standing};
use policy::time::Timestamp;

use super::speeds::Speeds;
use super::survival::Survival;

/// Everything that was recorded, in the form that a replay needs.
#[derive(Debug)]
pub struct Traffic {
    /// Of which workspace.
    pub workspace: WorkspaceId,
    /// The state to begin with.
    pub base: Engine,
    /// The first and the last recorded moment.
    pub span: (Timestamp, Timestamp),
    /// Policies in force: the first from the beginning on.
    pub documents: Vec<(Timestamp, Document)>,
    /// Kinds of arrivals.
    pub kinds: Vec<Kind>,
    /// Conversations in the order of their coming; those that were open at the beginning come first.
    pub matters: Vec<Matter>,
    /// Agents in the order of their numbers.
    pub agents: Vec<AgentRecord>,
    /// What agents did, in order: when, who, what.
    pub desk: Vec<(Timestamp, u32, Desk)>,
    /// How fast they work.
    pub speeds: Speeds,
    /// Queues by number: their names.
    pub queues: Vec<Box<str>>,
    /// The patience of each queue's customers.
    pub patience: Vec<Survival>,
}

/// Arrivals that came alike.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Kind {
    /// The routing class that the recorded policy gave them.
    pub needs: Needs,
    /// The priority that it gave them.
    pub priority: u8,
    /// The customer's language, if it was known.
    pub language: Option<Box<str>>,
    /// The topics.
    pub topics: Vec<String>,
}

/// One conversation.
#[derive(Debug, Clone)]
pub struct Matter {
    /// Its id.
    pub id: ConversationId,
    /// Its customer.
    pub customer: CustomerId,
    /// What kind of arrival.
    pub kind: u32,
    /// When it came; none: it was there at the beginning.
    pub came: Option<Timestamp>,
    /// The size of its first message.
    pub size: u32,
    /// The agent whom the customer knew.
    pub known: Option<AgentId>,
    /// The conditions that held, by their numbers.
    pub holds: Box<[u16]>,
    /// What was done with it, one after the other; never empty.
    pub stints: Vec<Stint>,
}

/// One time in agents' hands, and the wait before it.
#[derive(Debug, Clone)]
pub struct Stint {
    /// The number of the queue it was recorded in.
    pub queue: u32,
    /// How long the customer would wait for it.
    pub patience: Patience,
    /// Somebody moved it on after so many milliseconds in the queue: nothing was done with it here.
    pub moved: Option<i64>,
    /// Its work in milliseconds, of an agent of mean speed with nothing else in hand.
    pub work: f64,
    /// What happens then.
    pub then: Then,
}

/// How long a customer would wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// Left, or was ended, after so many milliseconds.
    Until(i64),
    /// Was still there after so many.
    Beyond(i64),
}

/// What happens when the work is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Then {
    /// It is ended.
    Close,
    /// It is handed over to a queue; whether the one who hands it over must not get it back.
    Queue(Box<str>, bool),
    /// It is handed over to an agent.
    Agent(AgentId),
    /// It is set aside for so many milliseconds; whether its agent then takes it up without being asked.
    Park(i64, bool),
}

/// One agent, as recorded.
#[derive(Debug, Clone)]
pub struct AgentRecord {
    /// Who.
    pub id: AgentId,
    /// Milliseconds until each offer was taken.
    pub answers: Vec<i64>,
    /// Offers refused: when they were made, milliseconds until the refusal.
    pub declines: Vec<(Timestamp, i64)>,
    /// Offers were not seen from the first until just before the second.
    pub absences: Vec<(Timestamp, Timestamp)>,
}

/// What an agent did, or was changed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Desk {
    /// Made or changed.
    Put(AgentProfile, bool),
    /// Removed.
    Removed,
    /// Takes nothing more on these channels.
    Paused(Vec<Box<str>>),
    /// Planned breaks.
    Breaks(Box<BreaksDoc>),
    /// Came or went.
    Standing(Standing),
}

impl Traffic {
    /// How many conversations came.
    #[must_use]
    pub fn came(&self) -> usize {
        self.matters.iter().filter(|it| it.came.is_some()).count()
    }

    /// How many of these were of customers who have been erased since.
    #[must_use]
    pub fn erased(&self, customers: &[CustomerId]) -> usize {
        let mut erased = customers.to_vec();
        erased.sort_unstable();
        let came = self.matters.iter().filter(|it| it.came.is_some());
        came.filter(|it| erased.binary_search(&it.customer).is_ok()).count()
    }
}
