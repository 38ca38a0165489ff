//! Conditions of intake rules and steps, answered for a conversation that comes in: compiled once for each policy in force.

use policy::id::WorkspaceId;
use policy_cel::Facts;

use super::state::State;
use crate::conditions::{Conditions, hour_and_day};

impl State {
    /// The conditions of a workspace that hold for these facts, by their numbers. One that cannot be answered is passed by
    /// and counted.
    pub(super) fn holding(&mut self, workspace: WorkspaceId, facts: Facts<'_>) -> Vec<u16> {
        let Some(it) = self.engine.workspace(workspace) else { return Vec::new() };
        let version = it.policy_version;
        if self.conditions.get(&workspace).is_none_or(|(of, _)| *of != version) {
            // It was checked before it was taken.
            let compiled = Conditions::compile(it.policy.document()).unwrap_or_else(|faults| {
                tracing::error!(%workspace, faults = faults.len(), "the conditions in force cannot be compiled");
                Conditions::default()
            });
            self.conditions.insert(workspace, (version, compiled));
        }
        let Some((_, conditions)) = self.conditions.get(&workspace) else { return Vec::new() };
        if conditions.is_empty() {
            return Vec::new();
        }
        let (hour, weekday) = hour_and_day(self.parts.clock.now().0);
        let (holds, errors) = conditions.holding(&Facts { hour, weekday, ..facts });
        self.parts.metrics.condition_errors(errors);
        holds
    }
}
