//! Agents and contacts by their places, and the ids that the engine knows them by.

use policy::id::{AgentId, ConversationId};

pub(super) fn agent_id(agent: usize) -> AgentId {
    AgentId::from_bits(agent as u128 + 1)
}

pub(super) fn agent_of(id: AgentId) -> usize {
    usize::try_from(id.bits()).map_or(usize::MAX, |bits| bits.wrapping_sub(1))
}

pub(super) fn conversation_id(contact: usize) -> ConversationId {
    ConversationId::from_bits(contact as u128 + 1)
}

pub(super) fn contact_of(id: ConversationId) -> usize {
    usize::try_from(id.bits()).map_or(usize::MAX, |bits| bits.wrapping_sub(1))
}
