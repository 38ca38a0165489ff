//! What another policy would have decided in each recorded situation: its pool is told what was recorded, and asked at every
//! recorded decision. Where it answers otherwise the decision counts as changed, and what was recorded goes on.

use std::collections::BTreeMap;

use engine::{Engine, Event, EventKind};
use policy::matching::Trigger;
use policy::{Arrival, Document};

/// Decisions that would have come out otherwise.
#[derive(Debug)]
pub struct Shadow {
    engine: Engine,
    document: Document,
    version: u32,
    changed: u64,
    /// The numbers that answers to the recorded conditions have in this policy.
    numbers: BTreeMap<u16, Vec<u16>>,
}

impl Shadow {
    /// From this state, under this policy.
    #[must_use]
    pub fn begin(state: Engine, document: Document) -> Self {
        let recorded = state.workspaces().next().map(|(_, it)| it.policy.document().clone());
        let numbers = document.renumbered(&recorded.unwrap_or_default());
        let mut shadow = Self { engine: state, document, version: 0, changed: 0, numbers };
        let workspaces: Vec<_> = shadow.engine.workspaces().map(|(id, it)| (id, it.policy_version)).collect();
        for (workspace, version) in workspaces {
            let kind = EventKind::PolicyInstalled { version, document: Box::new(shadow.document.clone()) };
            let (at, cause) = (policy::time::Timestamp(0), policy::id::CommandId::from_bits(0));
            shadow.engine.apply(&Event { at, workspace, cause, kind });
            shadow.version = version;
        }
        shadow
    }

    /// How many were changed so far.
    #[must_use]
    pub fn changed(&self) -> u64 {
        self.changed
    }

    /// The next recorded event.
    pub fn event(&mut self, event: &Event) {
        match &event.kind {
            EventKind::PolicyInstalled { version, document: recorded } => {
                self.numbers = self.document.renumbered(recorded);
                let document = Box::new(self.document.clone());
                self.apply(event, EventKind::PolicyInstalled { version: *version, document });
            }
            EventKind::ConversationOpened {
                conversation,
                customer,
                needs,
                language,
                topics,
                known_agent,
                holds,
                head_start: _,
                preferred,
                priority: _,
            } => {
                let numbers = holds.iter().filter_map(|number| self.numbers.get(number));
                let holds: Vec<u16> = numbers.flatten().copied().collect();
                let arrival =
                    Arrival { channel: &needs.channel, language: language.as_deref(), topics, holds: &holds };
                let Some(workspace) = self.engine.workspace(event.workspace) else { return };
                let routing = workspace.policy.route(&arrival);
                let kind = EventKind::ConversationOpened {
                    conversation: *conversation,
                    customer: *customer,
                    needs: routing.needs,
                    priority: routing.priority,
                    language: language.clone(),
                    topics: topics.clone(),
                    known_agent: *known_agent,
                    holds,
                    head_start: routing.head_start,
                    preferred: preferred.clone(),
                };
                self.apply(event, kind);
            }
            EventKind::OfferMade { conversation, decision, .. } => {
                let same = self.engine.workspace(event.workspace).is_some_and(|it| {
                    let chosen = match decision.trigger {
                        Trigger::AgentFreed => it.pool.choose_conversation(decision.agent, event.at),
                        Trigger::ConversationCame | Trigger::Transfer => {
                            it.pool.choose_agent(*conversation, event.at).map(|it| (*conversation, it))
                        }
                    };
                    chosen.is_some_and(|(to, by)| to == *conversation && by.agent == decision.agent)
                });
                self.changed += u64::from(!same);
                self.engine.apply(event);
            }
            EventKind::Closed { .. } => {
                self.engine.apply(event);
                self.engine.take_ended(event.workspace);
            }
            _ => self.engine.apply(event),
        }
    }

    fn apply(&mut self, event: &Event, kind: EventKind) {
        self.engine.apply(&Event { kind, ..event.clone() });
    }
}
