//! A policy over the running server: conditions decide where a conversation goes, a step hands it on, a wrong one is told.

use policy::id::ConversationId;
use protocol::{ClientFrame, ConversationState, SessionEvent};
use tests::{Client, Server};

use crate::steps;

/// Waits until a customer's conversation waits in a queue.
async fn in_queue(client: &mut Client, which: ConversationId, queue: &str) {
    client
        .event(&format!("the queue {queue}"), |event| match event {
            SessionEvent::Conversation { conversation }
                if conversation.id == which
                    && conversation.queue == queue
                    && conversation.state == ConversationState::Waiting =>
            {
                Some(())
            }
            _ => None,
        })
        .await;
}

#[tokio::test]
async fn a_condition_knows_who_has_been_here_and_a_step_hands_on_after_its_time() {
    let server = Server::start().await;
    let policy = r#"
[queues.support]
[queues.regulars]
[[queues.regulars.steps]]
after_s = 1
queue = "support"
[[intake]]
when = { if = "customer.known && channel == 'web_chat'" }
queue = "regulars"
[[intake]]
queue = "support"
"#;
    let workspace = server.workspace("shop", Some(policy)).await;
    let mut visitor = workspace.visitor().await;
    let mut customer = visitor.connect().await;
    let (first, ..) = customer.say(None, "Hello").await;
    in_queue(&mut customer, first, "support").await;
    let id = customer.id();
    customer.ask(ClientFrame::Close { id, conversation: first, solved: None }).await.expect("customers may end their own");

    let (second, ..) = customer.say(None, "Me again").await;
    assert_ne!(first, second);
    in_queue(&mut customer, second, "regulars").await;
    // Nobody is here; at its age of a second it goes on, and whoever comes then gets it.
    in_queue(&mut customer, second, "support").await;
    let mut agent = workspace.agent("ana").await.online().await;
    let offer = steps::take(&mut agent, second).await;
    assert_eq!(offer.conversation.queue, "support");
}

#[tokio::test]
async fn a_wrong_condition_is_told_with_its_place_and_changes_nothing() {
    let server = Server::start().await;
    let workspace = server.workspace("shop", None).await;
    let wrong = "[queues.support]\n[[intake]]\nwhen = { if = \"customr.known\" }\nqueue = \"support\"\n";
    let answer =
        workspace.admin.send("PUT", "/api/v1/policy", &[("content-type", "text/plain")], wrong).await;
    let problem = answer.problem(422);
    let told = format!("{problem:?}");
    assert!(told.contains("customer") && told.contains("column"), "{told}");
    let kept = workspace.admin.get("/api/v1/policy").await;
    assert_eq!(kept.status, 200);
    assert!(!kept.body.contains("customr"), "nothing was changed");
}
