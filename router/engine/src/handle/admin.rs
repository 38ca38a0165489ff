//! Workspaces, policies and agents.

use alloc::boxed::Box;

use policy::Policy;
use policy::document::Document;
use policy::id::AgentId;
use policy::matching::AgentProfile;

use super::workspace;
use crate::event::EventKind;
use crate::rejection::Rejection;
use crate::route::Turn;

/// More agents than this are not taken in one workspace.
const AGENTS_MAX: usize = 200_000;

pub(super) fn create_workspace(turn: &mut Turn<'_>, known: bool) -> Result<(), Rejection> {
    if known {
        return Err(Rejection::Conflict("this workspace exists already"));
    }
    turn.record(EventKind::WorkspaceCreated);
    Ok(())
}

pub(super) fn remove_workspace(turn: &mut Turn<'_>) -> Result<(), Rejection> {
    turn.record(EventKind::WorkspaceRemoved);
    Ok(())
}

pub(super) fn install_policy(
    turn: &mut Turn<'_>,
    version: u32,
    document: &Document,
) -> Result<(), Rejection> {
    if version <= workspace(turn)?.policy_version {
        return Err(Rejection::Conflict("a newer policy is in force: load it and change that one"));
    }
    if Policy::compile(document).is_err() {
        return Err(Rejection::Invalid("the policy has faults: run `switchboard policy check` on it"));
    }
    turn.record(EventKind::PolicyInstalled { version, document: Box::new(document.clone()) });
    Ok(())
}

pub(super) fn put_agent(
    turn: &mut Turn<'_>,
    agent: AgentId,
    name: &str,
    bot: bool,
    profile: &AgentProfile,
) -> Result<(), Rejection> {
    let workspace = workspace(turn)?;
    if workspace.agents.len() >= AGENTS_MAX && !workspace.agents.contains_key(&agent) {
        return Err(Rejection::Invalid("this workspace has as many agents as one can have"));
    }
    turn.record(EventKind::AgentPut { agent, name: name.into(), bot, profile: profile.clone() });
    turn.route_agent(agent);
    Ok(())
}

pub(super) fn remove_agent(turn: &mut Turn<'_>, agent: AgentId) -> Result<(), Rejection> {
    if !workspace(turn)?.agents.contains_key(&agent) {
        return Err(Rejection::NotFound("agent"));
    }
    super::presence::leave(turn, agent);
    turn.record(EventKind::AgentRemoved { agent });
    Ok(())
}
