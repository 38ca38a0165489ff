//! Email beside chat: its own queue, hours and effort, and one agent with both at once.

use protocol::{AgentInput, BoardView, SessionEvent};

use super::desk::{Desk, letter, take_next};
use crate::hours::office_closed_today;

const POLICY: &str = r#"
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

#[tokio::test]
async fn who_has_all_the_mail_that_fits_still_gets_a_chat() {
    let policy = format!("interruptible = [\"email\"]\n{POLICY}");
    let desk = Desk::open_under(Some(&policy), "acknowledge = false").await;
    let room = |it: &mut AgentInput| it.capacity = 2;
    let mut agent = desk.workspace.agent_with("bea", room).await.online().await;
    for id in ["l1", "l2", "l3"] {
        let from = format!("{id}@shop.test");
        desk.deliver("support@hub.test", &letter(&from, id, "Parcel", "", id)).await;
    }
    let (one, _) = take_next(&mut agent).await;
    let (two, _) = take_next(&mut agent).await;
    let mut visitor = desk.workspace.visitor().await;
    let mut chat = visitor.connect().await;
    chat.say(None, "Are you there?").await;
    let (by_chat, text) = take_next(&mut agent).await;
    assert_eq!(text, "Are you there?", "the third mail waits, the chat does not");
    assert!(one != two && two != by_chat);
    let board: BoardView = desk.workspace.admin.get("/api/v1/board").await.json();
    let loads = board.agents.iter().find(|it| it.capacity == 2);
    assert_eq!(loads.map(|it| (it.load, it.interruptible_load, it.capacity)), Some((2, 2, 2)));
    let waiting = board.queues.iter().find(|it| it.name == "mail").map(|it| it.waiting);
    assert_eq!(waiting, Some(1));
}

#[tokio::test]
async fn mail_has_hours_of_its_own_and_the_acknowledgement_tells_them() {
    let (hours, _) = office_closed_today();
    let policy =
        format!("{}\n{hours}", POLICY.replace("target_s = 14400", "target_s = 14400\nhours = \"office\""));
    let desk = Desk::open_under(Some(&policy), "acknowledge = true").await;
    let mut agent = desk.agent.online().await;
    desk.deliver("support@hub.test", &letter("ann@shop.test", "h1", "Parcel", "", "Where is it?")).await;
    let handed = desk.handed(1).await;
    // When the office opens, and no place in a line that does not move.
    let mail = handed[0].1.replace("=\r\n", "");
    assert!(mail.contains(" 00:00 UTC") && !mail.contains("number 1"), "{mail}");
    // Chat is open all the while.
    let mut visitor = desk.workspace.visitor().await;
    let mut chat = visitor.connect().await;
    chat.say(None, "Are you there?").await;
    assert_eq!(take_next(&mut agent).await.1, "Are you there?");
}
