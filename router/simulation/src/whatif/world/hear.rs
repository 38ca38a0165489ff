//! What the world of a replay hears from the engine.

use engine::{EventKind, StandingCause};

use super::{Phase, World};

impl World<'_> {
    pub(super) fn see(&mut self, kind: &EventKind) {
        match kind {
            EventKind::StandingChanged { agent, standing, why: StandingCause::MissedOffer } => {
                if let Some(agent) = self.number(*agent) {
                    self.places[agent as usize].missed = true;
                    self.places[agent as usize].stands(self.now, *standing);
                }
            }
            EventKind::StandingChanged {
                agent,
                standing,
                why: StandingCause::Break | StandingCause::BreakOver,
            } => {
                if let Some(agent) = self.number(*agent) {
                    self.places[agent as usize].stands(self.now, *standing);
                }
            }
            EventKind::OfferMade { conversation, offer, decision, .. } => {
                if let (Some(matter), Some(agent)) = (self.matter(*conversation), self.number(decision.agent))
                {
                    self.offered(matter, *offer, agent);
                }
            }
            EventKind::OfferAccepted { conversation, agent, .. }
            | EventKind::Unparked { conversation, agent, .. } => {
                if let (Some(matter), Some(agent)) = (self.matter(*conversation), self.number(*agent)) {
                    self.taken(matter, agent);
                }
            }
            EventKind::OfferTimedOut { conversation, offer, agent } => {
                if let (Some(matter), Some(agent)) = (self.matter(*conversation), self.number(*agent)) {
                    self.lives[matter as usize].offered.retain(|it| it != offer);
                    self.places[agent as usize].late = Some(*offer);
                }
            }
            EventKind::OfferDeclined { conversation, offer, .. }
            | EventKind::OfferWithdrawn { conversation, offer, .. } => {
                if let Some(matter) = self.matter(*conversation) {
                    self.lives[matter as usize].offered.retain(|it| it != offer);
                }
            }
            EventKind::Queued { conversation, .. } => {
                if let Some(matter) = self.matter(*conversation)
                    && self.lives[matter as usize].phase != Phase::Waiting
                {
                    self.put_down(matter);
                    self.waits(matter);
                }
            }
            EventKind::Released { conversation, .. } => {
                if let Some(matter) = self.matter(*conversation) {
                    self.put_down(matter);
                }
            }
            EventKind::Parked { conversation, .. } => {
                if let Some(matter) = self.matter(*conversation) {
                    self.put_down(matter);
                    self.lives[matter as usize].phase = Phase::Parked;
                }
            }
            EventKind::Closed { conversation, .. } => {
                if let Some(matter) = self.matter(*conversation) {
                    self.ended(matter);
                }
            }
            _ => {}
        }
    }

    pub(super) fn ended(&mut self, matter: u32) {
        self.put_down(matter);
        let live = &mut self.lives[matter as usize];
        live.phase = Phase::Ended;
        live.offered.clear();
        self.open -= 1;
    }
}
