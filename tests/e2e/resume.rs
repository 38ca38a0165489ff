//! Lines break: a client that comes back gets all that it missed, once and in order, or a snapshot that says so.

use protocol::{ClientFrame, Mode, ServerFrame, SessionEvent};
use tests::Server;

use crate::steps;

#[tokio::test]
async fn what_was_missed_follows() {
    let server = Server::start().await;
    let workspace = server.workspace("shop", None).await;
    let mut agent = workspace.agent("ana").await.online().await;
    let mut visitor = workspace.visitor().await;
    let mut customer = visitor.connect().await;
    let conversation = steps::in_hand(&mut customer, &mut agent, "hello").await;
    let (session, seq) = (customer.session.expect("welcomed"), customer.seq);
    customer.vanish();
    for text in ["one", "two", "three"] {
        agent.say(Some(conversation), text).await;
    }
    let mut customer = visitor.connect_silent().await;
    assert_eq!(customer.resume(session, seq).await, Mode::Resume);
    // The client itself checks that the events go on from `seq` without a gap.
    for text in ["one", "two", "three"] {
        steps::message(&mut customer, text).await;
    }
    customer
        .never("a snapshot", |frame| {
            matches!(frame, ServerFrame::Event { event: SessionEvent::Snapshot { .. }, .. }).then_some(())
        })
        .await;
    customer.say(Some(conversation), "I am back").await;
    steps::message(&mut agent, "I am back").await;
}

#[tokio::test]
async fn events_that_were_not_confirmed_come_again() {
    let server = Server::start().await;
    let workspace = server.workspace("shop", None).await;
    let mut agent = workspace.agent("ana").await.online().await;
    let mut visitor = workspace.visitor().await;
    let mut customer = visitor.connect().await;
    let conversation = steps::in_hand(&mut customer, &mut agent, "hello").await;
    let (session, seq) = (customer.session.expect("welcomed"), customer.seq);
    agent.say(Some(conversation), "lost on the way").await;
    steps::message(&mut customer, "lost on the way").await;
    customer.vanish();
    let mut customer = visitor.connect_silent().await;
    assert_eq!(customer.resume(session, seq).await, Mode::Resume);
    assert_eq!(steps::message(&mut customer, "lost on the way").await.seq, 2);
}

#[tokio::test]
async fn an_unknown_session_or_a_number_from_the_future_gets_a_snapshot() {
    let server = Server::start().await;
    let workspace = server.workspace("shop", None).await;
    let mut visitor = workspace.visitor().await;
    let mut customer = visitor.connect().await;
    customer.say(None, "remember me").await;
    let (session, seq) = (customer.session.expect("welcomed"), customer.seq);
    customer.vanish();
    for (session, seq) in
        [("ses_0000000000000000000000000a".parse().expect("an id"), 7), (session, seq + 1_000)]
    {
        let mut customer = visitor.connect_silent().await;
        assert_eq!(customer.resume(session, seq).await, Mode::Snapshot);
        let SessionEvent::Snapshot { conversations, .. } = customer.snapshot().await else {
            panic!("a snapshot was picked");
        };
        assert_eq!(steps::texts(&conversations[0].messages), ["remember me"]);
    }
}

#[tokio::test]
async fn another_one_s_session_is_not_resumed() {
    let server = Server::start().await;
    let workspace = server.workspace("shop", None).await;
    let mut visitor = workspace.visitor().await;
    let mut customer = visitor.connect().await;
    customer.say(None, "for no other eyes").await;
    let (session, seq) = (customer.session.expect("welcomed"), customer.seq);
    let mut stranger = workspace.visitor().await;
    let mut stranger = stranger.connect_silent().await;
    assert_eq!(stranger.resume(session, seq.saturating_sub(1)).await, Mode::Snapshot);
    let SessionEvent::Snapshot { conversations, .. } = stranger.snapshot().await else {
        panic!("a snapshot was picked");
    };
    assert!(conversations.is_empty(), "{conversations:?}");
    assert_ne!(stranger.session, Some(session));
}

#[tokio::test]
async fn the_newer_connection_of_a_session_replaces_the_older() {
    let server = Server::start().await;
    let workspace = server.workspace("shop", None).await;
    let mut visitor = workspace.visitor().await;
    let mut older = visitor.connect().await;
    let (session, seq) = (older.session.expect("welcomed"), older.seq);
    let mut newer = visitor.connect_silent().await;
    newer.resume(session, seq).await;
    assert_eq!(older.closed().await.0, 4009);
    newer.say(None, "still here").await;
}

#[tokio::test]
async fn a_request_that_is_sent_again_is_done_once() {
    let server = Server::start().await;
    let workspace = server.workspace("shop", None).await;
    let mut agent = workspace.agent("ana").await.online().await;
    let mut visitor = workspace.visitor().await;
    let mut customer = visitor.connect().await;
    let frame = ClientFrame::Send {
        id: "again-1".to_owned(),
        conversation: None,
        contact_point: None,
        text: "only once".to_owned(),
    };
    let first = customer.ask(frame.clone()).await.expect("accepted");
    let second = customer.ask(frame.clone()).await.expect("accepted again");
    customer.vanish();
    let mut customer = visitor.connect().await;
    let third = customer.ask(frame).await.expect("accepted on another connection");
    assert_eq!(first, second);
    assert_eq!(first, third);
    let ServerFrame::Accepted { conversation: Some(conversation), .. } = first else {
        panic!("an accepted message has a conversation");
    };
    let offer = steps::take(&mut agent, conversation).await;
    assert_eq!(steps::texts(&offer.conversation.messages), ["only once"]);
}
