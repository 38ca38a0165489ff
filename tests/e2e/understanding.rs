//! Understanding over the running server: what a customer wants and in which language decides where a conversation goes, the
//! agent sees why, and the customer does not.

use protocol::{ConversationState, LabelsView, SessionEvent};
use tests::{Client, Server};

use crate::steps;

const POLICY: &str = r#"
[understanding]
language = true
languages = ["en", "de", "fr"]
mood = true
[understanding.intents]
refund = ["I want my money back", "please refund my order", "when is my refund paid", "give me the money back"]
parcel = ["where is my parcel", "my parcel is late", "has the parcel been sent", "track my parcel"]
[queues.support]
[queues.refunds]
language = false
[queues.german]
language = false
[[intake]]
when = { topic = "refund" }
queue = "refunds"
[[intake]]
when = { if = "language == 'de'" }
queue = "german"
[[intake]]
queue = "support"
"#;

/// The queue that a new conversation came to.
async fn queue_of(client: &mut Client) -> String {
    client
        .event("a waiting conversation", |event| match event {
            SessionEvent::Conversation { conversation }
                if conversation.state == ConversationState::Waiting
                    || conversation.state == ConversationState::Offered =>
            {
                Some(conversation.queue.clone())
            }
            _ => None,
        })
        .await
}

#[tokio::test]
async fn intent_and_language_decide_where_it_goes() {
    let server = Server::start().await;
    let workspace = server.workspace("shop", Some(POLICY)).await;
    // Training runs beside the shard: until it is done, a message has no intent.
    let mut queue = String::new();
    for _ in 0..40 {
        let mut visitor = workspace.visitor().await;
        let mut customer = visitor.connect().await;
        customer.say(None, "Hello, can I have my money back please?").await;
        queue = queue_of(&mut customer).await;
        if queue == "refunds" {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert_eq!(queue, "refunds");
    let mut visitor = workspace.visitor().await;
    let mut customer = visitor.connect().await;
    customer.say(None, "Guten Tag, ich habe eine Frage zu meinem Vertrag und zur Kündigung").await;
    assert_eq!(queue_of(&mut customer).await, "german");
}

#[tokio::test]
async fn the_agent_sees_why_and_the_customer_does_not() {
    let server = Server::start().await;
    let workspace = server.workspace("shop", Some(POLICY)).await;
    let mut agent = workspace.agent("ana").await.online().await;
    let mut visitor = workspace.visitor().await;
    let mut customer = visitor.connect().await;
    let text = "Bonjour, je voudrais changer mon adresse de livraison";
    let (conversation, ..) = customer.say(None, text).await;
    let offer = steps::take(&mut agent, conversation).await;
    let labels = |messages: &[protocol::MessageView]| -> Option<LabelsView> {
        messages.iter().find(|message| message.text.as_deref() == Some(text))?.labels.clone()
    };
    let seen = labels(&offer.conversation.messages).expect("what was understood comes with the message");
    let language = seen.language.expect("a language");
    assert_eq!(language.name, "fr");
    assert!(language.confidence >= 600 && !language.because.is_empty(), "{language:?}");
    // By writing in, a customer grants service: the mood tells of the person and needs analysis.
    assert_eq!(seen.mood, None);

    let own = steps::message(&mut customer, text).await;
    assert_eq!(own.labels, None, "labels are for agents");
}
