//! A mail becomes a conversation, the answer goes out as mail, and the answer to that comes back into the same conversation.
//! The mail server's side is played here, word by word; real mail servers are spoken to in the connectors' own tests.

mod beside_chat;
mod carried;
mod desk;
mod going_out;
mod real;
mod two_nodes;

use protocol::{ClientFrame, DeliveryState, ServerFrame, SessionEvent};

use crate::steps;
use desk::{Desk, field, letter, take_next};

#[tokio::test]
async fn mail_and_answers_stay_in_one_conversation() {
    let desk = Desk::open().await;
    let mut agent = desk.agent.online().await;
    let first = letter("ann@shop.test", "m1", "Parcel", "", "Where is it?\n\n-- \nAnn");
    assert!(desk.deliver("support@hub.test", &first).await.starts_with("250"));
    let (conversation, text) = take_next(&mut agent).await;
    assert_eq!(text, "Where is it?");

    // The same mail again, as after a broken connection.
    assert!(desk.deliver("support@hub.test", &first).await.starts_with("250"));
    // A vacation reply is no message.
    let away = letter("ann@shop.test", "m2", "Away", "Auto-Submitted: auto-replied\n", "I am away");
    assert!(desk.deliver("support@hub.test", &away).await.starts_with("250"));
    assert_eq!(desk.texts(conversation).await, ["Where is it?"]);

    agent.say(Some(conversation), "On its way").await;
    let handed = desk.handed(1).await;
    let (recipient, mail) = &handed[0];
    assert_eq!(
        (recipient.as_str(), field(mail, "In-Reply-To").as_str()),
        ("ann@shop.test", "<m1@shop.test>")
    );
    assert_eq!(
        (field(mail, "Subject").as_str(), field(mail, "References").as_str()),
        ("Re: Parcel", "<m1@shop.test>")
    );
    let reply_to =
        field(mail, "Reply-To").rsplit('<').next().unwrap_or_default().trim_end_matches('>').to_owned();
    assert!(reply_to.starts_with("support+t"), "{mail}");

    // The answer comes to the reply address, and is shown without what it quotes.
    let answer = letter(
        "ann@shop.test",
        "m3",
        "Re: Parcel",
        "",
        "Thanks!\n\nOn 1 May 2024, Support wrote:\n> On its way",
    );
    assert!(desk.deliver(&reply_to, &answer).await.starts_with("250"));
    steps::message(&mut agent, "Thanks!").await;
    assert_eq!(desk.texts(conversation).await, ["Where is it?", "On its way", "Thanks!"]);

    // Who only knows the address is not let in.
    let stranger = letter("eve@shop.test", "m4", "Re: Parcel", "", "Let me in");
    assert!(desk.deliver(&reply_to, &stranger).await.starts_with("250"));
    let (other, _) = take_next(&mut agent).await;
    assert_ne!(other, conversation);
    assert_eq!(desk.texts(conversation).await.len(), 3);

    // Nor who only calls itself so, and would like the answers for itself.
    let id = agent.id();
    agent.ask(ClientFrame::Close { id, conversation: other, solved: None }).await.expect("it ends");
    let forged = letter("ann@shop.test", "m5", "Re: Parcel", "Reply-To: eve@shop.test\n", "It is me");
    let (_, forged) = forged.split_once('\n').expect("a header");
    let mut others = Vec::new();
    for id in ["m5", "m6"] {
        let mail = forged.replace("m5", id);
        assert!(desk.deliver("support@hub.test", &mail).await.starts_with("250"));
        others.push(take_next(&mut agent).await.0);
    }
    assert!(others[0] != others[1] && !others.contains(&conversation));
    assert_eq!(desk.texts(conversation).await.len(), 3);

    // Nobody here.
    assert!(desk.deliver("nobody@hub.test", &first).await.starts_with('5'));
}

#[tokio::test]
async fn what_a_relay_refuses_is_shown_as_failed() {
    let desk = Desk::open().await;
    let mut agent = desk.agent.online().await;
    desk.deliver("support@hub.test", &letter("gone@shop.test", "g1", "Hi", "", "Anybody?")).await;
    let (conversation, _) = take_next(&mut agent).await;
    agent.say(Some(conversation), "Here we are").await;
    agent
        .wait("that the answer failed", |frame| match frame {
            ServerFrame::Event { event: SessionEvent::Message { message, .. }, .. } => {
                (message.delivery == DeliveryState::Failed).then_some(())
            }
            _ => None,
        })
        .await;
    assert!(desk.handed.lock().expect("nobody panicked").is_empty());
}

#[tokio::test]
async fn mail_survives_a_kill_and_answers_go_out_once() {
    let mut desk = Desk::open().await;
    let mut agent = desk.agent.online().await;
    desk.deliver("support@hub.test", &letter("ann@shop.test", "k1", "One", "", "first")).await;
    let (conversation, _) = take_next(&mut agent).await;
    agent.say(Some(conversation), "answer").await;
    desk.handed(1).await;
    desk.server.kill().await;
    agent.vanish();
    // Without its accounts: what was stored is what counts.
    desk.server.start_again().await;
    assert_eq!(desk.texts(conversation).await, ["first", "answer"]);
    tokio::time::sleep(tests::QUIET).await;
    assert_eq!(desk.handed.lock().expect("nobody panicked").len(), 1);
}
