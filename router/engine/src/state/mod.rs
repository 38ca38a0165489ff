//! The state, and the one place where it changes: [`Engine::apply`].

mod ability;
mod agent;
mod apply;
mod breaks;
mod conversation;
mod desk;
mod presence;
mod promise;
mod workspace;

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use policy::id::{AgentId, ConversationId, WorkspaceId};
use policy::matching::Needs;
use policy::time::{Span, Timestamp};

pub use agent::Agent;
pub use breaks::{BreakPhase, OnBreak};
pub(crate) use conversation::LOOK_AGAIN;
pub use conversation::{CONTACT_POINTS_MAX, ContactPoint, Conversation, Phase, Rival, Watermarks};
pub use presence::Presence;
pub(crate) use presence::WEEK;
pub use promise::{Basis, Group, Kept, Promise, Promises, Told};
pub use workspace::{QueueFigures, Workspace, Wrap};

use crate::event::{Event, EventKind};

/// All workspaces of one shard. See the crate's page for the contract.
#[derive(Debug, Clone, Default)]
pub struct Engine {
    pub(crate) workspaces: BTreeMap<WorkspaceId, Workspace>,
    /// When which conversation wants to be looked at; at most one entry a conversation.
    pub(crate) deadlines: BTreeSet<(Timestamp, WorkspaceId, ConversationId)>,
    /// When whose planned breaks want to be looked at; at most one entry an agent.
    pub(crate) breaks: BTreeSet<(Timestamp, WorkspaceId, AgentId)>,
}

impl Engine {
    /// An engine without a workspace.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Applies one recorded event. Replay is this in a loop.
    pub fn apply(&mut self, event: &Event) {
        match &event.kind {
            EventKind::WorkspaceCreated => {
                self.workspaces.entry(event.workspace).or_default();
            }
            EventKind::WorkspaceRemoved => {
                self.workspaces.remove(&event.workspace);
                self.deadlines.retain(|(_, workspace, _)| *workspace != event.workspace);
                self.breaks.retain(|(_, workspace, _)| *workspace != event.workspace);
            }
            kind => {
                let Some(workspace) = self.workspaces.get_mut(&event.workspace) else {
                    debug_assert!(false, "an event of a workspace that does not exist");
                    return;
                };
                let conversation = kind.conversation();
                let before = conversation.and_then(|id| workspace.deadline_of(id));
                workspace.apply(event.at, kind);
                let after = conversation.and_then(|id| workspace.deadline_of(id));
                if let (Some(id), true) = (conversation, before != after) {
                    if let Some(at) = before {
                        self.deadlines.remove(&(at, event.workspace, id));
                    }
                    if let Some(at) = after {
                        self.deadlines.insert((at, event.workspace, id));
                    }
                }
                if let EventKind::BreaksPlanned { agent, .. }
                | EventKind::BreakNears { agent, .. }
                | EventKind::StandingChanged { agent, .. }
                | EventKind::AgentRemoved { agent } = kind
                {
                    self.look_at_breaks_again(event.workspace, *agent, event.at);
                }
            }
        }
    }

    /// Moves the next look at an agent's planned breaks.
    pub(crate) fn look_at_breaks_again(&mut self, of: WorkspaceId, agent: AgentId, at: Timestamp) {
        let Some(workspace) = self.workspaces.get_mut(&of) else { return };
        let after = workspace.break_look(agent, at);
        let before = match after {
            Some(look) => workspace.looks.insert(agent, look),
            None => workspace.looks.remove(&agent),
        };
        if let Some(look) = before {
            self.breaks.remove(&(look, of, agent));
        }
        if let Some(look) = after {
            self.breaks.insert((look, of, agent));
        }
    }

    /// When the engine wants a `Tick`, if nothing happens before.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Timestamp> {
        let conversation = self.deadlines.first().map(|(at, _, _)| *at);
        let agent = self.breaks.first().map(|(at, _, _)| *at);
        [conversation, agent].into_iter().flatten().min()
    }

    /// The conversations of a workspace that ended since the last call, as they were when they ended: the shell keeps them
    /// in the store. During replay they are in the store already.
    pub fn take_ended(&mut self, workspace: WorkspaceId) -> Vec<Conversation> {
        self.workspaces.get_mut(&workspace).map(|it| core::mem::take(&mut it.ended)).unwrap_or_default()
    }

    /// A workspace, for views.
    #[must_use]
    pub fn workspace(&self, id: WorkspaceId) -> Option<&Workspace> {
        self.workspaces.get(&id)
    }

    /// Tells the rule of a workspace the rate (arrivals in a million seconds) and the work of a class, which then count
    /// instead of what it learns. For experiments with more knowledge than a live router has: it is no event, a replay
    /// knows nothing of it, and no server calls it.
    pub fn tell(&mut self, workspace: WorkspaceId, needs: &Needs, rate: i64, work: Span) {
        if let Some(it) = self.workspaces.get_mut(&workspace) {
            it.pool.tell(needs, rate, work);
        }
    }

    /// The state of one workspace alone, with its agents' names left out; nobody else is in it.
    #[must_use]
    pub fn alone(&self, workspace: WorkspaceId) -> Self {
        let mut alone = self.only(&|it| it == workspace);
        for agent in alone.workspaces.values_mut().flat_map(|it| it.agents.values_mut()) {
            agent.name = "".into();
        }
        alone
    }

    /// The state of some workspaces, whole; nobody else is in it.
    #[must_use]
    pub fn only(&self, wanted: &dyn Fn(WorkspaceId) -> bool) -> Self {
        let workspaces = self.workspaces.iter().filter(|(id, _)| wanted(**id));
        Self {
            workspaces: workspaces.map(|(id, it)| (*id, it.clone())).collect(),
            deadlines: self.deadlines.iter().filter(|(_, of, _)| wanted(*of)).copied().collect(),
            breaks: self.breaks.iter().filter(|(_, of, _)| wanted(*of)).copied().collect(),
        }
    }

    /// All workspaces in order of their ids.
    pub fn workspaces(&self) -> impl Iterator<Item = (WorkspaceId, &Workspace)> {
        self.workspaces.iter().map(|(id, workspace)| (*id, workspace))
    }
}
