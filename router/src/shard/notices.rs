//! Frames that are not answered: watermarks and typing.

use engine::{CommandKind, DeliveryStage, Side};
use policy::id::{ConversationId, WorkspaceId};
use protocol::ClientFrame;

use super::state::State;
use crate::session::Owner;

impl State {
    /// A watermark. One of an ended conversation, or from the future, is no use and does no harm.
    pub(super) fn report(&mut self, workspace: WorkspaceId, kind: CommandKind) {
        if let Err(rejection) = self.execute_plain(workspace, kind) {
            tracing::trace!(%rejection, "a watermark was not taken");
        }
    }

    /// Frames that are not answered.
    pub(super) fn notice(&mut self, owner: Owner, frame: ClientFrame) {
        match frame {
            ClientFrame::Typing { conversation } if self.concerns(owner, conversation) => {
                self.tell_typing(owner, conversation);
            }
            ClientFrame::Seen { conversation, upto } if self.concerns(owner, conversation) => {
                let side = side_of(owner);
                let kind =
                    CommandKind::ReportDelivery { conversation, side, upto, stage: DeliveryStage::Seen };
                self.report(owner.workspace(), kind);
            }
            _ => {}
        }
    }

    /// Whether an open conversation is this owner's: the customer's own, or in the agent's hands.
    pub(super) fn concerns(&self, owner: Owner, conversation: ConversationId) -> bool {
        let found =
            self.engine.workspace(owner.workspace()).and_then(|it| it.conversations.get(&conversation));
        found.is_some_and(|it| match owner {
            Owner::Customer(_, customer) => it.customer == customer,
            Owner::Agent(_, agent) => it.is_with(agent),
        })
    }
}

pub(super) fn side_of(owner: Owner) -> Side {
    match owner {
        Owner::Agent(..) => Side::Agent,
        Owner::Customer(..) => Side::Customer,
    }
}
