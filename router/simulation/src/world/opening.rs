//! The first moment of a world: workspace, policy, agents, and for an experiment the truth.

use engine::CommandKind;
use policy::Arrival;
use policy::document::Document;
use policy::matching::Standing;
use policy::time::Span;

use super::ids::agent_id;
use super::{Fault, WORKSPACE, World};
use crate::setting;

impl World<'_> {
    /// Workspace, policy, agents, all online.
    pub(super) fn open_for_work(&mut self, document: &Document, told: bool) -> Result<(), Fault> {
        self.ask("the workspace", CommandKind::CreateWorkspace)?;
        let installed = Box::new(document.clone());
        self.ask("the policy", CommandKind::InstallPolicy { version: 1, document: installed })?;
        for (agent, profile) in setting::profiles(self.scenario, document).into_iter().enumerate() {
            let (agent, name) = (agent_id(agent), "Agent".into());
            self.ask("an agent", CommandKind::PutAgent { agent, name, bot: false, profile })?;
            self.ask("to come online", CommandKind::SetStanding { agent, standing: Standing::Online })?;
        }
        if told {
            self.tell_the_truth();
        }
        for agent in 0..self.desks.len() {
            self.plan_break(agent);
        }
        Ok(())
    }

    /// Tells the rule what no live router sees: the true mean rate and work of each class. Skills are true anyway.
    fn tell_the_truth(&mut self) {
        let profile = &self.scenario.profile;
        let mean = profile.iter().sum::<f64>() / profile.len().max(1) as f64;
        for (class, message) in self.scenario.classes.iter().zip(&self.messages) {
            let CommandKind::ReceiveMessage { channel, language, topics, .. } = &message.kind else {
                continue;
            };
            let arrival = Arrival { channel, language: language.as_deref(), topics, holds: &[] };
            let Some(needs) = self.engine.workspace(WORKSPACE).map(|it| it.policy.route(&arrival).needs)
            else {
                continue;
            };
            let rate = (class.rate_per_s * mean * 1e6).round() as i64;
            let work = Span((class.work_s * 1e3).round() as i64);
            self.engine.tell(WORKSPACE, &needs, rate, work);
        }
    }
}
