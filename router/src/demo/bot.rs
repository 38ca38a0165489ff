//! The demo's bot: greets, asks what it is about, answers what it knows, and hands over to people. It is an agent like any
//! other and speaks the same protocol.

use std::collections::BTreeMap;
use std::time::Duration;

use policy::id::ConversationId;
use protocol::{AuthorKind, ClientFrame, ConversationState, PresenceWish, SessionEvent};
use tracing::debug;

use super::client::Client;
use super::phrases::{self, Phrases};

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
    let mut speaks: BTreeMap<ConversationId, &'static Phrases> = BTreeMap::new();
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
                let phrases = phrases::of(conversation.language.as_deref());
                speaks.insert(conversation.id, phrases);
                answer(&mut client, phrases, conversation.id, &text, conversation.last).await?;
            }
            SessionEvent::Conversation { conversation } => drop(speaks.remove(&conversation.id)),
            SessionEvent::ConversationLeft { conversation } => drop(speaks.remove(&conversation)),
            SessionEvent::Message { conversation, message } if message.from.kind == AuthorKind::Customer => {
                let text = message.text.unwrap_or_default();
                let phrases = speaks.get(&conversation).copied().unwrap_or_else(|| phrases::of(None));
                answer(&mut client, phrases, conversation, &text, message.seq).await?;
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
    if has(PERSON) {
        Meaning::Person
    } else if has(REFUNDS) {
        Meaning::Queue("refunds")
    } else if has(ORDERS) {
        Meaning::Queue("orders")
    } else if has(PRODUCTS) {
        Meaning::Queue("products")
    } else if has(HOURS) {
        Meaning::Hours
    } else {
        Meaning::Unclear
    }
}

const PERSON: &[&str] = &["person", "human", "agent", "mensch", "pessoa", "شخص", "人工"];
const REFUNDS: &[&str] = &[
    "refund",
    "return",
    "money back",
    "broken",
    "damaged",
    "erstatt",
    "zurück",
    "kaputt",
    "devol",
    "rembours",
    "cassé",
    "reembols",
    "إرجاع",
    "استرداد",
    "退款",
    "退货",
];
const ORDERS: &[&str] = &[
    "order",
    "deliver",
    "parcel",
    "track",
    "late",
    "bestell",
    "paket",
    "liefer",
    "pedido",
    "envío",
    "commande",
    "colis",
    "encomenda",
    "طلب",
    "订单",
    "包裹",
];
const PRODUCTS: &[&str] = &[
    "recommend",
    "which",
    "product",
    "advice",
    "size",
    "empfehl",
    "welche",
    "recomiend",
    "conseil",
    "quel",
    "aconselh",
    "recomend",
    "نصيحة",
    "推荐",
    "建议",
];
const HOURS: &[&str] =
    &["open", "hours", "when are you", "geöffnet", "abierto", "ouvert", "abert", "ساعات", "营业"];

async fn answer(
    client: &mut Client,
    phrases: &Phrases,
    conversation: ConversationId,
    text: &str,
    last: u64,
) -> anyhow::Result<()> {
    client.say(&ClientFrame::Seen { conversation, upto: last }).await?;
    client.say(&ClientFrame::Typing { conversation }).await?;
    tokio::time::sleep(Duration::from_millis(400)).await;
    match meaning(text) {
        Meaning::Queue(queue) => {
            client.write(Some(conversation), phrases.takes_up).await?;
            client.hand_over(conversation, queue).await
        }
        Meaning::Person => {
            client.write(Some(conversation), phrases.person).await?;
            client.hand_over(conversation, "products").await
        }
        Meaning::Hours => client.write(Some(conversation), phrases.hours).await,
        Meaning::Unclear => client.write(Some(conversation), phrases.greeting).await,
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
        assert_eq!(meaning("Meine Lampe ist kaputt"), Meaning::Queue("refunds"));
        assert_eq!(meaning("أين طلبي؟"), Meaning::Queue("orders"));
        assert_eq!(meaning("hi"), Meaning::Unclear);
    }
}
