//! The demo's bot: greets, asks what it is about, answers what it knows, and hands over to people. It is an agent like any
//! other and speaks the same protocol.

use std::time::Duration;

use protocol::{AuthorKind, ClientFrame, ConversationState, PresenceWish, SessionEvent};
use tracing::debug;

use super::client::Client;

/// Runs the bot until the server ends; a cut line is taken up again.
pub(super) async fn run(base: String, token: String) {
    loop {
        if let Err(error) = serve(&base, &token).await {
            debug!(%error, "the demo's bot starts again");
        }
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
}

async fn serve(base: &str, token: &str) -> anyhow::Result<()> {
    let mut client = Client::agent(base, token).await?;
    let id = client.id();
    client.say(&ClientFrame::Presence { id, state: PresenceWish::Online }).await?;
    loop {
        match client.event().await? {
            SessionEvent::Snapshot { offers, .. } => {
                for offer in offers {
                    let id = client.id();
                    client.say(&ClientFrame::Accept { id, offer: offer.id }).await?;
                }
            }
            SessionEvent::Offer { offer } => {
                let id = client.id();
                client.say(&ClientFrame::Accept { id, offer: offer.id }).await?;
            }
            SessionEvent::Conversation { conversation }
                if conversation.state == ConversationState::Assigned =>
            {
                let asked =
                    conversation.messages.iter().rev().find(|it| it.from.kind == AuthorKind::Customer);
                let text = asked.and_then(|it| it.text.clone()).unwrap_or_default();
                answer(&mut client, conversation.id, &text, conversation.last).await?;
            }
            SessionEvent::Message { conversation, message } if message.from.kind == AuthorKind::Customer => {
                let text = message.text.unwrap_or_default();
                answer(&mut client, conversation, &text, message.seq).await?;
            }
            _ => {}
        }
    }
}

/// What the bot makes of a text.
#[derive(Debug, PartialEq, Eq)]
enum Meaning {
    Queue(&'static str),
    Hours,
    Person,
    Unclear,
}

fn meaning(text: &str) -> Meaning {
    let text = text.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
    if has(&["person", "human", "agent", "mensch", "persona", "personne", "pessoa"]) {
        Meaning::Person
    } else if has(&["refund", "return", "money back", "broken", "damaged"]) {
        Meaning::Queue("refunds")
    } else if has(&["order", "deliver", "parcel", "track", "late"]) {
        Meaning::Queue("orders")
    } else if has(&["recommend", "which", "product", "advice", "size"]) {
        Meaning::Queue("products")
    } else if has(&["open", "hours", "when are you"]) {
        Meaning::Hours
    } else {
        Meaning::Unclear
    }
}

async fn answer(
    client: &mut Client,
    conversation: policy::id::ConversationId,
    text: &str,
    last: u64,
) -> anyhow::Result<()> {
    client.say(&ClientFrame::Seen { conversation, upto: last }).await?;
    client.say(&ClientFrame::Typing { conversation }).await?;
    tokio::time::sleep(Duration::from_millis(400)).await;
    match meaning(text) {
        Meaning::Queue(queue) => {
            client.write(Some(conversation), "Thank you. I am the shop's bot; a colleague takes this up with you, and sees what you wrote.").await?;
            client.hand_over(conversation, queue).await
        }
        Meaning::Person => {
            client.write(Some(conversation), "Of course. I hand you over to a person now.").await?;
            client.hand_over(conversation, "products").await
        }
        Meaning::Hours => client.write(Some(conversation), "We are here around the clock. What can I do for you?").await,
        Meaning::Unclear => {
            client
                .write(Some(conversation), "Hello! I am the shop's bot. Is it about an order, a return, or advice on a product? Say \"a person, please\" at any time.")
                .await
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_find_their_queue() {
        assert_eq!(meaning("Where is my order?"), Meaning::Queue("orders"));
        assert_eq!(meaning("I want a REFUND"), Meaning::Queue("refunds"));
        assert_eq!(meaning("a person, please"), Meaning::Person);
        assert_eq!(meaning("hi"), Meaning::Unclear);
    }
}
