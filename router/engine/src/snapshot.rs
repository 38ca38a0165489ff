//! State to bytes and back, for fast recovery. The pool is not written: it follows from the rest.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use policy::Policy;
use policy::document::Document;
use policy::id::{AgentId, ConversationId, WorkspaceId};
use policy::matching::{AgentProfile, Learned, Share, Standing};
use serde::{Deserialize, Serialize};

use crate::state::{Agent, Conversation, Engine, Promises, QueueFigures, Workspace, Wrap};

/// The form that [`Engine::to_snapshot`] writes. An older one is read as long as this list says so: 4.
const FORM: u8 = 4;

/// Why a snapshot was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// Written by a newer version.
    #[error("the snapshot has form {0}, this program reads form {FORM}: start the newer program")]
    Newer(u8),
    /// Not a snapshot, or damaged.
    #[error("the snapshot cannot be read: {0}")]
    Unreadable(Box<str>),
}

#[derive(Serialize, Deserialize)]
struct Written {
    workspaces: Vec<(WorkspaceId, WrittenWorkspace)>,
}

#[derive(Serialize, Deserialize)]
struct WrittenWorkspace {
    policy_version: u32,
    document: Document,
    agents: Vec<(AgentId, Agent, AgentProfile, Standing, Share)>,
    wraps: BTreeMap<ConversationId, Wrap>,
    conversations: Vec<Conversation>,
    queues: BTreeMap<Box<str>, QueueFigures>,
    learned: Learned,
    promises: Promises,
}

impl Engine {
    /// The whole state as bytes: equal states give equal bytes, so their hash is the state hash.
    ///
    /// # Errors
    /// Only if memory for the bytes cannot be had in the encoder's own terms.
    pub fn to_snapshot(&self) -> Result<Vec<u8>, SnapshotError> {
        let workspaces = self
            .workspaces
            .iter()
            .map(|(id, workspace)| {
                let agents = workspace.agents.iter().filter_map(|(id, agent)| {
                    let profile = workspace.pool.profile(*id)?.clone();
                    let (standing, share) = (workspace.pool.standing(*id)?, workspace.pool.share(*id));
                    Some((*id, agent.clone(), profile, standing, share))
                });
                let written = WrittenWorkspace {
                    policy_version: workspace.policy_version,
                    document: workspace.policy.document().clone(),
                    agents: agents.collect(),
                    wraps: workspace.wraps.clone(),
                    conversations: workspace.conversations.values().cloned().collect(),
                    queues: workspace.queues.clone(),
                    learned: workspace.pool.learned(),
                    promises: workspace.promises.clone(),
                };
                (*id, written)
            })
            .collect();
        postcard::to_extend(&Written { workspaces }, Vec::from([FORM])).map_err(unreadable)
    }

    /// The engine as it was when [`Self::to_snapshot`] was called.
    ///
    /// # Errors
    /// If the bytes are none of ours.
    pub fn from_snapshot(bytes: &[u8]) -> Result<Self, SnapshotError> {
        let (form, rest) =
            bytes.split_first().ok_or_else(|| SnapshotError::Unreadable("it is empty".into()))?;
        if *form != FORM {
            return Err(SnapshotError::Newer(*form));
        }
        let written: Written = postcard::from_bytes(rest).map_err(unreadable)?;
        let mut engine = Self::new();
        for (id, written) in written.workspaces {
            let workspace = written.rebuild()?;
            for (conversation, it) in &workspace.conversations {
                if let Some(at) = it.deadline {
                    engine.deadlines.insert((at, id, *conversation));
                }
            }
            for (conversation, wrap) in &workspace.wraps {
                engine.deadlines.insert((wrap.until, id, *conversation));
            }
            // When they were looked at last does not stand here: the first tick looks, and knows from then on.
            for (agent, look) in &workspace.looks {
                engine.breaks.insert((*look, id, *agent));
            }
            engine.workspaces.insert(id, workspace);
        }
        Ok(engine)
    }
}

impl WrittenWorkspace {
    fn rebuild(self) -> Result<Workspace, SnapshotError> {
        let policy = Policy::compile(&self.document)
            .map_err(|_| SnapshotError::Unreadable("its policy does not compile".into()))?;
        let mut workspace = Workspace { policy_version: self.policy_version, ..Workspace::default() };
        workspace.pool.govern(policy.settings());
        workspace.pool.relearn(self.learned);
        workspace.policy = policy;
        workspace.queues = self.queues;
        workspace.promises = self.promises;
        for mut it in self.conversations {
            it.deadline = it.next_look(&workspace.policy, it.active);
            workspace.customers.insert(it.customer, it.id);
            workspace.offers.extend(it.offers().map(|offer| (offer.offer, it.id)));
            workspace.conversations.insert(it.id, it);
        }
        for (id, agent, profile, standing, share) in self.agents {
            let since = agent.idle_since;
            workspace.pool.put_agent(id, &profile, since);
            workspace.pool.set_standing(id, standing, since);
            let held: Vec<ConversationId> = agent.held.iter().copied().collect();
            let freed = agent.freed;
            if let Some(breaks) = &agent.breaks {
                workspace.plan_breaks(id, breaks);
                workspace.looks.insert(id, since);
            }
            workspace.agents.insert(id, agent);
            for conversation in held {
                workspace.take_room(id, conversation, since);
            }
            for wrap in self.wraps.values().filter(|wrap| wrap.agent == id) {
                workspace.pool.take(id, &wrap.channel, wrap.effort, since);
            }
            workspace.pool.set_freed(id, freed);
            workspace.pool.set_share(id, share);
        }
        workspace.wraps = self.wraps;
        let waiting: Vec<ConversationId> = workspace.conversations.keys().copied().collect();
        for conversation in waiting {
            workspace.enter_pool(conversation);
        }
        Ok(workspace)
    }
}

fn unreadable(error: postcard::Error) -> SnapshotError {
    SnapshotError::Unreadable(alloc::format!("{error}").into())
}
