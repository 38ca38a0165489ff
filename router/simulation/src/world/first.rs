//! The first message of each class, as it comes to the engine; who wrote it is filled in for each contact.

use engine::{Command, CommandKind};
use policy::id::{CommandId, ContactPointId, ConversationId, CustomerId, MessageId};

use super::WORKSPACE;
use crate::scenario::{Class, Scenario};
use crate::setting;

/// One for each class, in their order.
pub(super) fn messages(scenario: &Scenario) -> Vec<Command> {
    let of = |(index, class): (usize, &Class)| Command {
        id: CommandId::from_bits(0),
        workspace: WORKSPACE,
        kind: CommandKind::ReceiveMessage {
            customer: CustomerId::from_bits(0),
            contact_point: ContactPointId::from_bits(0),
            channel: class.channel.name().into(),
            to: None,
            new: ConversationId::from_bits(0),
            message: MessageId::from_bits(0),
            size: 1,
            language: Some(setting::language_name(class.language).into()),
            topics: vec![setting::queue_name(index)],
            known_agent: None,
            holds: Vec::new(),
        },
    };
    scenario.classes.iter().enumerate().map(of).collect()
}
