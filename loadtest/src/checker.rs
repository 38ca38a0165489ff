//! The external checker: reads the clients' journals and counts what went wrong. It knows nothing of the server.
//!
//! | count | what is counted |
//! |---|---|
//! | `lost` | acknowledged messages that the other side never got with the same text |
//! | `duplicated` | messages that came again as an event of their own, and requests that became two messages |
//! | `out_of_order` | events that came behind a later one of their conversation; acknowledgements against the order of sending |
//! | `misrouted` | assignments, in the agents' own journals, to an agent who lacks a needed skill |
//! | `over_capacity` | times that an agent's journal went above the agent's capacity |
//! | `unfinished` | dialogues that were not played to their end |

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use policy::id::{AgentId, ConversationId, MessageId};
use serde::Serialize;

use crate::journal::{Digest, Journal, Request, What, Who};

/// What the run was meant to be.
#[derive(Debug, Clone, Default)]
pub(crate) struct Plan {
    /// The skills that each dialogue needs.
    pub(crate) needs: Vec<BTreeSet<String>>,
    /// Each agent's skills and capacity.
    pub(crate) agents: BTreeMap<AgentId, (BTreeSet<String>, u32)>,
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Verdict {
    pub(crate) conversations: u64,
    pub(crate) messages: u64,
    pub(crate) acked: u64,
    pub(crate) lost: u64,
    pub(crate) duplicated: u64,
    pub(crate) out_of_order: u64,
    pub(crate) misrouted: u64,
    pub(crate) over_capacity: u64,
    pub(crate) unfinished: u64,
    /// The first faults in words.
    #[serde(skip)]
    pub(crate) faults: Vec<String>,
}

const FAULTS_TOLD: usize = 20;

impl Verdict {
    /// Whether nothing is wrong.
    pub(crate) fn sound(&self) -> bool {
        let faults = self.lost + self.duplicated + self.out_of_order + self.misrouted + self.over_capacity;
        faults + self.unfinished == 0
    }

    /// Adds that of another workspace of the same run.
    pub(crate) fn add(&mut self, other: Self) {
        self.conversations += other.conversations;
        self.messages += other.messages;
        self.acked += other.acked;
        self.lost += other.lost;
        self.duplicated += other.duplicated;
        self.out_of_order += other.out_of_order;
        self.misrouted += other.misrouted;
        self.over_capacity += other.over_capacity;
        self.unfinished += other.unfinished;
        other.faults.into_iter().for_each(|fault| self.tell(fault));
    }

    fn tell(&mut self, fault: String) {
        if self.faults.len() < FAULTS_TOLD {
            self.faults.push(fault);
        }
    }
}

/// Judges a run.
pub(crate) fn judge(plan: &Plan, journals: &[Journal]) -> Verdict {
    let mut verdict = Verdict::default();
    let index = Index::of(journals);
    verdict.conversations = index.dialogue_of.len() as u64;
    verdict.messages = index.sent.len() as u64;
    verdict.acked = index.acked.len() as u64;
    lost(&index, &mut verdict);
    doubled_requests(journals, &mut verdict);
    for entry in journals.iter().flat_map(|journal| &journal.entries) {
        if let What::Rejected { request, code } = &entry.what {
            verdict.tell(format!("request {} was refused: {code:?}", request.text()));
        }
    }
    for journal in journals {
        order_and_repeats(journal, &mut verdict);
        acknowledged_in_order(journal, &mut verdict);
        if let Who::Agent(agent) = journal.who {
            assignments(agent, journal, &index, plan, &mut verdict);
        }
    }
    let finished = journals.iter().filter(|journal| {
        matches!(journal.who, Who::Customer(_))
            && journal.entries.iter().any(|entry| entry.what == What::Finished)
    });
    verdict.unfinished = (plan.needs.len() as u64).saturating_sub(finished.count() as u64);
    verdict
}

/// An acknowledged message, as its sender was told.
struct Acked {
    request: Request,
    conversation: ConversationId,
    message: MessageId,
    from_customer: bool,
}

/// What is looked up across journals.
struct Index {
    sent: HashMap<Request, Digest>,
    acked: Vec<Acked>,
    dialogue_of: HashMap<ConversationId, usize>,
    at_customers: HashMap<(ConversationId, MessageId), Vec<Digest>>,
    at_agents: HashMap<(ConversationId, MessageId), Vec<Digest>>,
}

impl Index {
    fn of(journals: &[Journal]) -> Self {
        let mut index = Self {
            sent: HashMap::new(),
            acked: Vec::new(),
            dialogue_of: HashMap::new(),
            at_customers: HashMap::new(),
            at_agents: HashMap::new(),
        };
        for journal in journals {
            let customer = match journal.who {
                Who::Customer(dialogue) => Some(dialogue),
                Who::Agent(_) => None,
            };
            let mut acked = HashSet::new();
            for entry in &journal.entries {
                match &entry.what {
                    What::Sent { request, text } => {
                        index.sent.insert(*request, *text);
                    }
                    What::Accepted { request, conversation, message, .. } => {
                        if let Some(dialogue) = customer {
                            index.dialogue_of.insert(*conversation, dialogue);
                        }
                        // A repeat of a request is answered again; that is one acknowledged message.
                        if acked.insert(*request) {
                            index.acked.push(Acked {
                                request: *request,
                                conversation: *conversation,
                                message: *message,
                                from_customer: customer.is_some(),
                            });
                        }
                    }
                    What::Message { conversation, message, text, .. } => {
                        let side =
                            if customer.is_some() { &mut index.at_customers } else { &mut index.at_agents };
                        side.entry((*conversation, *message)).or_default().push(*text);
                    }
                    _ => {}
                }
            }
        }
        index
    }
}

fn lost(index: &Index, verdict: &mut Verdict) {
    for acked in &index.acked {
        let side = if acked.from_customer { &index.at_agents } else { &index.at_customers };
        let came = side.get(&(acked.conversation, acked.message));
        let whole = match (came, index.sent.get(&acked.request)) {
            (Some(texts), Some(sent)) => texts.iter().all(|text| text == sent),
            _ => false,
        };
        if !whole {
            verdict.lost += 1;
            let how = if came.is_some() { "came with another text" } else { "never came" };
            verdict.tell(format!(
                "lost: {} of {}, acknowledged as request {}, {how}",
                acked.message,
                acked.conversation,
                acked.request.text()
            ));
        }
    }
}

/// A request that became two messages, as its writer sees them.
fn doubled_requests(journals: &[Journal], verdict: &mut Verdict) {
    let mut became: BTreeMap<Request, BTreeSet<MessageId>> = BTreeMap::new();
    for entry in journals.iter().flat_map(|journal| &journal.entries) {
        match &entry.what {
            What::Accepted { request, message, .. }
            | What::Message { request: Some(request), message, .. } => {
                became.entry(*request).or_default().insert(*message);
            }
            _ => {}
        }
    }
    for (request, messages) in became {
        let extra = messages.len().saturating_sub(1) as u64;
        if extra > 0 {
            verdict.duplicated += extra;
            verdict.tell(format!(
                "duplicated: request {} became {} messages",
                request.text(),
                messages.len()
            ));
        }
    }
}

fn order_and_repeats(journal: &Journal, verdict: &mut Verdict) {
    let mut seen: HashSet<(ConversationId, MessageId)> = HashSet::new();
    let mut last: HashMap<ConversationId, u64> = HashMap::new();
    for entry in &journal.entries {
        let What::Message { conversation, message, seq, live, .. } = &entry.what else { continue };
        let new = seen.insert((*conversation, *message));
        if !live {
            let newest = last.entry(*conversation).or_default();
            *newest = (*newest).max(*seq);
            continue;
        }
        if !new {
            verdict.duplicated += 1;
            verdict.tell(format!("duplicated: {message} of {conversation} came twice to {:?}", journal.who));
            continue;
        }
        let newest = last.entry(*conversation).or_default();
        if *seq <= *newest {
            verdict.out_of_order += 1;
            verdict.tell(format!(
                "out of order: number {seq} of {conversation} came behind {newest} to {:?}",
                journal.who
            ));
        }
        *newest = (*newest).max(*seq);
    }
}

/// Messages of one sender must be numbered in the order in which they were sent.
fn acknowledged_in_order(journal: &Journal, verdict: &mut Verdict) {
    let mut numbered: BTreeMap<ConversationId, BTreeMap<Request, u64>> = BTreeMap::new();
    for entry in &journal.entries {
        if let What::Accepted { request, conversation, seq, .. } = &entry.what {
            numbered.entry(*conversation).or_default().insert(*request, *seq);
        }
    }
    for (conversation, requests) in numbered {
        let seqs: Vec<u64> = requests.into_values().collect();
        for pair in seqs.windows(2) {
            if pair[1] <= pair[0] {
                verdict.out_of_order += 1;
                verdict.tell(format!(
                    "out of order: {conversation} numbered {} behind {} against the order of sending",
                    pair[1], pair[0]
                ));
            }
        }
    }
}

/// Whoever holds a conversation needs its skills: the journal's owner, and whoever it names as holder.
fn routed(
    agent: AgentId,
    holder: Option<AgentId>,
    conversation: ConversationId,
    index: &Index,
    plan: &Plan,
    verdict: &mut Verdict,
) {
    let needs = index.dialogue_of.get(&conversation).and_then(|dialogue| plan.needs.get(*dialogue));
    let fits = |who: AgentId| {
        let has = plan.agents.get(&who).map(|(skills, _)| skills);
        has.zip(needs).is_some_and(|(has, needs)| needs.is_subset(has))
    };
    if !fits(agent) || !holder.is_none_or(fits) {
        verdict.misrouted += 1;
        let holder = holder.unwrap_or(agent);
        verdict.tell(format!("misrouted: {conversation} went to {holder}, who lacks a needed skill"));
    }
}

fn assignments(agent: AgentId, journal: &Journal, index: &Index, plan: &Plan, verdict: &mut Verdict) {
    let capacity = plan.agents.get(&agent).map_or(0, |(_, capacity)| *capacity) as usize;
    let mut held: BTreeSet<ConversationId> = BTreeSet::new();
    for entry in &journal.entries {
        match &entry.what {
            What::Assigned { conversation, holder } if held.insert(*conversation) => {
                routed(agent, *holder, *conversation, index, plan, verdict);
                if held.len() > capacity {
                    verdict.over_capacity += 1;
                    let held = held.len();
                    verdict.tell(format!("over capacity: {agent} holds {held} with room for {capacity}"));
                }
            }
            What::Left { conversation } => {
                held.remove(conversation);
            }
            What::Snapshot { held: now, .. } => {
                for conversation in now.iter().filter(|conversation| !held.contains(conversation)) {
                    routed(agent, None, *conversation, index, plan, verdict);
                }
                held = now.iter().copied().collect();
                if held.len() > capacity {
                    verdict.over_capacity += 1;
                    verdict.tell(format!(
                        "over capacity: {agent} came back to {} with room for {capacity}",
                        held.len()
                    ));
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
