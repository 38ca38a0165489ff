//! Steps that many stories share: a customer writes, an agent takes it.

use policy::id::ConversationId;
use protocol::{
    AuthorKind, ClientFrame, ConversationState, MessageView, OfferView, ServerFrame, SessionEvent,
};
use tests::Client;

/// Waits for an offer of this conversation.
pub(crate) async fn offer(agent: &mut Client, conversation: ConversationId) -> OfferView {
    agent
        .event("an offer", |event| match event {
            SessionEvent::Offer { offer } if offer.conversation.id == conversation => Some(offer.clone()),
            _ => None,
        })
        .await
}

/// Waits for an offer of this conversation and accepts it.
pub(crate) async fn take(agent: &mut Client, conversation: ConversationId) -> OfferView {
    let offer = offer(agent, conversation).await;
    let id = agent.id();
    agent.ask(ClientFrame::Accept { id, offer: offer.id }).await.expect("a standing offer can be accepted");
    offer
}

/// A customer writes and an agent takes it: the conversation in hand.
pub(crate) async fn in_hand(customer: &mut Client, agent: &mut Client, text: &str) -> ConversationId {
    let (conversation, _, _) = customer.say(None, text).await;
    take(agent, conversation).await;
    state(customer, conversation, ConversationState::Assigned).await;
    conversation
}

/// Waits until a client is told that the conversation is in this state.
pub(crate) async fn state(client: &mut Client, conversation: ConversationId, wanted: ConversationState) {
    client
        .event("a change of the conversation's state", |event| match event {
            SessionEvent::Conversation { conversation: it }
                if it.id == conversation && it.state == wanted =>
            {
                Some(())
            }
            _ => None,
        })
        .await;
}

/// Waits for the message with this text.
pub(crate) async fn message(client: &mut Client, text: &str) -> MessageView {
    client
        .event("a message", |event| match event {
            SessionEvent::Message { message, .. } if message.text.as_deref() == Some(text) => {
                Some(message.clone())
            }
            SessionEvent::Conversation { conversation } => {
                conversation.messages.iter().find(|it| it.text.as_deref() == Some(text)).cloned()
            }
            _ => None,
        })
        .await
}

/// Waits until the writer is told that everything up to a number arrived at the other side.
pub(crate) async fn delivered(client: &mut Client, wanted: AuthorKind, number: u64) {
    client
        .event("a report of delivery", |event| match event {
            SessionEvent::Delivered { by, upto, .. } if *by == wanted && *upto >= number => Some(()),
            _ => None,
        })
        .await;
}

/// Waits until a client is told that the other side has seen everything up to a number.
pub(crate) async fn seen(client: &mut Client, wanted: AuthorKind, number: u64) {
    client
        .event("a report that it was seen", |event| match event {
            SessionEvent::Seen { by, upto, .. } if *by == wanted && *upto >= number => Some(()),
            _ => None,
        })
        .await;
}

/// Whether a frame is an offer of this conversation.
pub(crate) fn is_offer(frame: &ServerFrame, conversation: ConversationId) -> bool {
    let ServerFrame::Event { event: SessionEvent::Offer { offer }, .. } = frame else { return false };
    offer.conversation.id == conversation
}

/// Texts of messages in the order of their numbers, which must be 1, 2, 3, ...
pub(crate) fn texts(messages: &[MessageView]) -> Vec<&str> {
    for (at, message) in messages.iter().enumerate() {
        assert_eq!(message.seq, at as u64 + 1, "messages are numbered without gaps from 1");
    }
    messages.iter().map(|message| message.text.as_deref().expect("nothing was erased")).collect()
}
