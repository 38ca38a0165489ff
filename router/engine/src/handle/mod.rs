//! Judging commands: one file each, all of the same form. A handler looks first, and records only when nothing can go
//! wrong any more.

mod accept;
mod admin;
mod breaks;
mod close;
mod decline;
mod park;
mod presence;
mod receive_message;
mod report_delivery;
mod send_message;
mod tell_promises;
mod tick;
mod transfer;

use alloc::vec::Vec;

use policy::id::{AgentId, ConversationId};
use policy::time::Timestamp;

use crate::command::{Actor, Command, CommandKind};
use crate::event::Event;
use crate::rejection::Rejection;
use crate::route::Turn;
use crate::state::{Conversation, Engine, Workspace};

impl Engine {
    /// Judges a command at a given time; on success its events are applied already and stand at the end of `out`.
    ///
    /// # Errors
    /// A [`Rejection`]: nothing has changed and `out` is as it was.
    pub fn handle(
        &mut self,
        at: Timestamp,
        command: &Command,
        out: &mut Vec<Event>,
    ) -> Result<(), Rejection> {
        if matches!(command.kind, CommandKind::Tick) {
            tick::handle(self, at, command.id, out);
            return Ok(());
        }
        let known = self.workspaces.contains_key(&command.workspace);
        if !known && !matches!(command.kind, CommandKind::CreateWorkspace) {
            return Err(Rejection::NotFound("workspace"));
        }
        let mut turn = Turn::new(self, at, command.workspace, command.id, out);
        let turn = &mut turn;
        match &command.kind {
            CommandKind::Tick => Ok(()),
            CommandKind::CreateWorkspace => admin::create_workspace(turn, known),
            CommandKind::RemoveWorkspace => admin::remove_workspace(turn),
            CommandKind::InstallPolicy { version, document } => {
                admin::install_policy(turn, *version, document)
            }
            CommandKind::PutAgent { agent, name, bot, profile } => {
                admin::put_agent(turn, *agent, name, *bot, profile)
            }
            CommandKind::RemoveAgent { agent } => admin::remove_agent(turn, *agent),
            CommandKind::SetStanding { agent, standing } => presence::handle(turn, *agent, *standing),
            CommandKind::PauseChannels { agent, channels } => presence::pause(turn, *agent, channels),
            CommandKind::PlanBreaks { agent, breaks } => breaks::plan(turn, *agent, breaks),
            CommandKind::EndWrapUp { agent, conversation } => {
                presence::end_wrap_up(turn, *agent, *conversation)
            }
            CommandKind::ReceiveMessage { .. } => receive_message::handle(turn, &command.kind),
            CommandKind::SendMessage { .. } => send_message::handle(turn, &command.kind),
            CommandKind::AcceptOffer { agent, offer } => accept::handle(turn, *agent, *offer),
            CommandKind::DeclineOffer { agent, offer } => decline::handle(turn, *agent, *offer),
            CommandKind::Transfer { by, conversation, to } => transfer::handle(turn, *by, *conversation, to),
            CommandKind::Park { agent, conversation, until } => {
                park::park(turn, *agent, *conversation, *until)
            }
            CommandKind::Unpark { agent, conversation } => park::unpark(turn, *agent, *conversation),
            CommandKind::Close { by, conversation, solved } => {
                close::close(turn, *by, *conversation, *solved)
            }
            CommandKind::Reopen { by, closed } => close::reopen(turn, *by, closed),
            CommandKind::ReportDelivery { conversation, side, upto, stage } => {
                report_delivery::handle(turn, *conversation, *side, *upto, *stage)
            }
            CommandKind::TellPromises { told } => tell_promises::handle(turn, told),
        }
    }
}

fn workspace<'a>(turn: &'a Turn<'_>) -> Result<&'a Workspace, Rejection> {
    turn.workspace().ok_or(Rejection::NotFound("workspace"))
}

fn conversation<'a>(turn: &'a Turn<'_>, id: ConversationId) -> Result<&'a Conversation, Rejection> {
    workspace(turn)?.conversations.get(&id).ok_or(Rejection::NotFound("open conversation"))
}

/// The conversation, if this agent holds it.
fn held<'a>(turn: &'a Turn<'_>, id: ConversationId, agent: AgentId) -> Result<&'a Conversation, Rejection> {
    let conversation = conversation(turn, id)?;
    if conversation.holder() == Some(agent) {
        Ok(conversation)
    } else {
        Err(Rejection::Conflict(
            "you do not hold this conversation now: look at who does, or wait until it is offered to you",
        ))
    }
}

/// Whether an actor may end or move this conversation.
fn may_steer(conversation: &Conversation, by: Actor) -> Result<(), Rejection> {
    match by {
        Actor::Supervisor(_) => Ok(()),
        Actor::Customer(customer) if customer == conversation.customer => Ok(()),
        Actor::Agent(agent) if conversation.holder() == Some(agent) => Ok(()),
        Actor::Customer(_) => Err(Rejection::NotFound("open conversation")),
        Actor::Agent(_) => Err(Rejection::Forbidden("only the holder or a supervisor may do this")),
    }
}
