//! Email beside chat: its own queue, hours and effort, and one agent with both at once.

use protocol::{BoardView, SessionEvent};

use super::desk::{Desk, letter, take_next};

const POLICY: &str = r#"
interruptible = ["email"]

[efforts]
web_chat = 2
email = 1

[queues.support]
target_s = 45

[queues.mail]
target_s = 14400

[[intake]]
when = { channel = "email" }
queue = "mail"
"#;

#[tokio::test]
async fn one_agent_has_mail_and_chat_at_once_as_far_as_the_efforts_go() {
    let desk = Desk::open_under(Some(POLICY), "acknowledge = false").await;
    // Room for three points.
    let mut agent = desk.agent.online().await;
    desk.deliver("support@hub.test", &letter("ann@shop.test", "c1", "Parcel", "", "Where is it?")).await;
    let (by_mail, _) = take_next(&mut agent).await;
    let mut visitor = desk.workspace.visitor().await;
    let mut chat = visitor.connect().await;
    chat.say(None, "Are you there?").await;
    let (by_chat, _) = take_next(&mut agent).await;
    assert_ne!(by_mail, by_chat);

    // One more of either is too much: one point is taken by the mail and two by the chat.
    desk.deliver("support@hub.test", &letter("bob@shop.test", "c2", "Bill", "", "Which one?")).await;
    agent
        .never("an offer above the agent's room", |frame| match frame {
            protocol::ServerFrame::Event { event: SessionEvent::Offer { offer }, .. } => Some(offer.id),
            _ => None,
        })
        .await;
    let board: BoardView = desk.workspace.admin.get("/api/v1/board").await.json();
    let waiting =
        |name: &str| board.queues.iter().find(|it| it.name == name).map(|it| (it.waiting, it.target_s));
    assert_eq!(waiting("mail"), Some((1, 14_400)));
    assert_eq!(waiting("support"), Some((0, 45)));
}
