//! From events back to the commands that caused them (invariant 11), and their replay: the same commands at the same times
//! give the same events, so the unchanged policy makes exactly the recorded decisions.
//!
//! A tick is the one command that the log does not show as it was: those that changed nothing left no event. So a recorded
//! tick is replayed as looks at the conversations where something came of it.

use engine::{Actor, ClosedBy, Command, CommandKind, Engine, Event, EventKind, HandOver, StandingCause};
use policy::id::{AgentId, ConversationId};

/// What caused a run of events with one cause.
#[derive(Debug, Clone, PartialEq)]
pub enum Cause {
    /// A command.
    Command(Box<CommandKind>),
    /// Time: this conversation was looked at.
    Look(ConversationId),
    /// Time: this agent's planned breaks were looked at.
    Break(AgentId),
}

/// The cause of events of one command, given the state before them; `None` where they cannot stand at the beginning of one.
#[must_use]
pub fn cause_of(before: &Engine, events: &[Event]) -> Option<Cause> {
    let first = events.first()?;
    let state = before.workspace(first.workspace);
    let customer = |id: &ConversationId| Some(state?.conversations.get(id)?.customer);
    let removed = events.iter().find_map(|it| match &it.kind {
        EventKind::AgentRemoved { agent } => Some(*agent),
        _ => None,
    });
    if let Some(agent) = removed {
        return command(CommandKind::RemoveAgent { agent });
    }
    let planned = events.iter().find_map(|it| match &it.kind {
        EventKind::BreaksPlanned { agent, breaks } => Some((*agent, breaks.clone())),
        _ => None,
    });
    if let Some((agent, breaks)) = planned {
        return command(CommandKind::PlanBreaks { agent, breaks });
    }
    match &first.kind {
        EventKind::BreaksPlanned { agent, breaks } => {
            command(CommandKind::PlanBreaks { agent: *agent, breaks: breaks.clone() })
        }
        EventKind::BreakNears { agent, .. }
        | EventKind::StandingChanged {
            agent, why: StandingCause::Break | StandingCause::BreakOver, ..
        } => Some(Cause::Break(*agent)),
        EventKind::WorkspaceCreated => command(CommandKind::CreateWorkspace),
        EventKind::WorkspaceRemoved => command(CommandKind::RemoveWorkspace),
        EventKind::PolicyInstalled { version, document } => {
            command(CommandKind::InstallPolicy { version: *version, document: document.clone() })
        }
        EventKind::AgentPut { agent, name, bot, profile } => command(CommandKind::PutAgent {
            agent: *agent,
            name: name.clone(),
            bot: *bot,
            profile: profile.clone(),
        }),
        EventKind::AgentRemoved { agent } => command(CommandKind::RemoveAgent { agent: *agent }),
        EventKind::StandingChanged { agent, standing, .. } => {
            command(CommandKind::SetStanding { agent: *agent, standing: *standing })
        }
        EventKind::ConversationOpened { .. } => opening(events),
        EventKind::ContactPointAdded { conversation, .. }
        | EventKind::MessageReceived { conversation, .. } => {
            message(events, *conversation, customer(conversation)?)
        }
        EventKind::MessageSent { conversation, message, agent, contact_point, size, .. } => {
            command(CommandKind::SendMessage {
                agent: *agent,
                conversation: *conversation,
                message: *message,
                size: *size,
                contact_point: Some(*contact_point),
                fence: None,
            })
        }
        EventKind::OfferAccepted { offer, agent, .. } => {
            command(CommandKind::AcceptOffer { agent: *agent, offer: *offer })
        }
        EventKind::OfferDeclined { offer, agent, .. } => {
            command(CommandKind::DeclineOffer { agent: *agent, offer: *offer })
        }
        EventKind::Rerouted { .. } => transfer(events),
        // Taken off an agent who is away and leaves the customer without a word.
        EventKind::Released { conversation, .. } => transfer(events).or(Some(Cause::Look(*conversation))),
        // Several had it offered: one has taken it, or it is gone for all.
        EventKind::OfferWithdrawn { .. } => {
            transfer(events).or_else(|| closing(events, &customer)).or_else(|| accepting(events))
        }
        EventKind::ChannelsPaused { agent, channels } => {
            command(CommandKind::PauseChannels { agent: *agent, channels: channels.clone() })
        }
        EventKind::PromisesTold { told } => command(CommandKind::TellPromises { told: told.clone() }),
        EventKind::Closed { .. } => closing(events, &customer),
        EventKind::Parked { conversation, agent, until } => {
            command(CommandKind::Park { agent: *agent, conversation: *conversation, until: *until })
        }
        EventKind::Unparked { conversation, agent, .. } => {
            command(CommandKind::Unpark { agent: *agent, conversation: *conversation })
        }
        EventKind::Reopened { closed } => {
            let by = Actor::Supervisor(reserved_in(events).unwrap_or(AgentId::from_bits(0)));
            command(CommandKind::Reopen { by, closed: closed.clone() })
        }
        EventKind::DeliveryReported { conversation, side, upto, stage } => {
            command(CommandKind::ReportDelivery {
                conversation: *conversation,
                side: *side,
                upto: *upto,
                stage: *stage,
            })
        }
        EventKind::Queued { conversation, .. }
        | EventKind::OfferMade { conversation, .. }
        | EventKind::OfferTimedOut { conversation, .. }
        | EventKind::StepTaken { conversation, .. }
        | EventKind::WrapUpEnded { conversation, .. } => Some(Cause::Look(*conversation)),
    }
}

#[expect(clippy::unnecessary_wraps, reason = "every arm above is an option")]
fn command(kind: CommandKind) -> Option<Cause> {
    Some(Cause::Command(Box::new(kind)))
}

/// For whom the first queueing among these events is reserved.
fn reserved_in(events: &[Event]) -> Option<AgentId> {
    events.iter().find_map(|it| match &it.kind {
        EventKind::Queued { reserved, .. } => Some(*reserved),
        _ => None,
    })?
}

fn opening(events: &[Event]) -> Option<Cause> {
    let EventKind::ConversationOpened {
        conversation, customer, language, topics, known_agent, holds, ..
    } = &events.first()?.kind
    else {
        return None;
    };
    let mut cause = message(events, *conversation, *customer)?;
    if let Cause::Command(kind) = &mut cause
        && let CommandKind::ReceiveMessage {
            to,
            new,
            language: of,
            topics: on,
            known_agent: known,
            holds: hold,
            ..
        } = &mut **kind
    {
        *to = None;
        *new = *conversation;
        of.clone_from(language);
        on.clone_from(topics);
        *known = *known_agent;
        hold.clone_from(holds);
    }
    Some(cause)
}

fn message(
    events: &[Event],
    conversation: ConversationId,
    customer: policy::id::CustomerId,
) -> Option<Cause> {
    let channel = events.iter().find_map(|it| match &it.kind {
        EventKind::ContactPointAdded { channel, .. } => Some(channel.clone()),
        _ => None,
    });
    let received = events.iter().find_map(|it| match &it.kind {
        EventKind::MessageReceived { message, contact_point, size, .. } => {
            Some((*message, *contact_point, *size))
        }
        _ => None,
    });
    let (message, contact_point, size) = received?;
    command(CommandKind::ReceiveMessage {
        customer,
        contact_point,
        // A contact point that is known already brings no new channel.
        channel: channel.unwrap_or_default(),
        to: Some(conversation),
        new: conversation,
        message,
        size,
        language: None,
        topics: Vec::new(),
        known_agent: None,
        holds: Vec::new(),
    })
}

fn transfer(events: &[Event]) -> Option<Cause> {
    let (conversation, queue, not) = events.iter().find_map(|it| match &it.kind {
        EventKind::Rerouted { conversation, needs, not, .. } => {
            Some((*conversation, needs.queue.clone(), *not))
        }
        _ => None,
    })?;
    let by = not.map_or(Actor::Supervisor(AgentId::from_bits(0)), Actor::Agent);
    let to = reserved_in(events).map_or(HandOver::Queue(queue), HandOver::Agent);
    command(CommandKind::Transfer { by, conversation, to })
}

fn accepting(events: &[Event]) -> Option<Cause> {
    let (agent, offer) = events.iter().find_map(|it| match &it.kind {
        EventKind::OfferAccepted { offer, agent, .. } => Some((*agent, *offer)),
        _ => None,
    })?;
    command(CommandKind::AcceptOffer { agent, offer })
}

fn closing(
    events: &[Event],
    customer: &dyn Fn(&ConversationId) -> Option<policy::id::CustomerId>,
) -> Option<Cause> {
    let (conversation, by, solved) = events.iter().find_map(|it| match &it.kind {
        EventKind::Closed { conversation, by, solved } => Some((*conversation, *by, *solved)),
        _ => None,
    })?;
    let by = match by {
        ClosedBy::Idle => return Some(Cause::Look(conversation)),
        ClosedBy::Customer => Actor::Customer(customer(&conversation)?),
        ClosedBy::Agent(agent) => Actor::Supervisor(agent),
    };
    command(CommandKind::Close { by, conversation, solved })
}

/// How a replay went.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Likeness {
    /// Recorded events.
    pub events: u64,
    /// Recorded decisions.
    pub decisions: u64,
    /// Decisions that came out the same, bit for bit.
    pub identical: u64,
    /// The first event that came out otherwise, from 1.
    pub first_difference: Option<u64>,
}

/// Replays a recording under its own policy, command by command.
#[derive(Debug)]
pub struct Replay {
    engine: Engine,
    /// Events of the command that is being read.
    group: Vec<Event>,
    made: Vec<Event>,
    likeness: Likeness,
}

impl Replay {
    /// A replay from this state.
    #[must_use]
    pub fn begin(state: Engine) -> Self {
        Self { engine: state, group: Vec::new(), made: Vec::new(), likeness: Likeness::default() }
    }

    /// The next recorded event.
    pub fn event(&mut self, event: &Event) {
        if self.likeness.first_difference.is_some() {
            return self.count(std::slice::from_ref(event));
        }
        if self.group.first().is_some_and(|first| first.cause != event.cause || first.at != event.at) {
            self.replay();
        }
        self.group.push(event.clone());
    }

    /// The last one was read: how it went.
    #[must_use]
    pub fn end(mut self) -> Likeness {
        self.replay();
        self.likeness
    }

    /// Replays what one command caused.
    fn replay(&mut self) {
        let group = std::mem::take(&mut self.group);
        let mut at = 0;
        while let Some(first) = group.get(at) {
            let rest = &group[at..];
            self.made.clear();
            match cause_of(&self.engine, rest) {
                Some(Cause::Command(kind)) => {
                    let command = Command { id: first.cause, workspace: first.workspace, kind: *kind };
                    // A refusal makes no event, and so differs from what was recorded.
                    if self.engine.handle(first.at, &command, &mut self.made).is_err() {
                        self.made.clear();
                    }
                }
                Some(Cause::Look(conversation)) => {
                    self.engine.look(first.at, first.cause, first.workspace, conversation, &mut self.made);
                }
                Some(Cause::Break(agent)) => {
                    let Event { at, cause, workspace, .. } = *first;
                    self.engine.look_at_breaks(at, cause, workspace, agent, &mut self.made);
                }
                None => {}
            }
            self.engine.take_ended(first.workspace);
            let same = self.made.iter().zip(rest).take_while(|(made, recorded)| made == recorded).count();
            let decisions = rest[..same].iter().filter(|it| is_decision(it)).count() as u64;
            self.likeness.events += same as u64;
            self.likeness.decisions += decisions;
            self.likeness.identical += decisions;
            at += same;
            if same == 0 || same < self.made.len() {
                // The states have parted: nothing that follows can be called the same.
                self.likeness.first_difference = Some(self.likeness.events + 1);
                self.count(&group[at..]);
                break;
            }
        }
        self.group = group;
        self.group.clear();
    }

    fn count(&mut self, recorded: &[Event]) {
        self.likeness.events += recorded.len() as u64;
        self.likeness.decisions += recorded.iter().filter(|it| is_decision(it)).count() as u64;
    }
}

fn is_decision(event: &Event) -> bool {
    matches!(event.kind, EventKind::OfferMade { .. })
}
