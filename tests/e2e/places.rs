//! Who waits is told their place and an honest estimate, and is told anew when it changes.

use policy::id::ConversationId;
use protocol::{BoardBody, ClientFrame, PlaceView, ServerFrame, SessionEvent};
use tests::{Client, Server};

use crate::steps;

/// Waits until a client is told that its place is this one.
async fn position(client: &mut Client, conversation: ConversationId, wanted: u32) -> PlaceView {
    client
        .wait("a place in line", |frame| {
            let place = match frame {
                ServerFrame::Place { conversation: at, place } if *at == conversation => Some(place),
                ServerFrame::Event { event: SessionEvent::Conversation { conversation: it }, .. }
                    if it.id == conversation =>
                {
                    it.place.as_ref()
                }
                _ => None,
            };
            place.filter(|place| place.position == wanted).cloned()
        })
        .await
}

#[tokio::test]
async fn places_move_up_by_themselves() {
    let server = Server::start().await;
    let workspace = server.workspace("shop", None).await;
    let mut agent = workspace.agent_with("ana", |it| it.capacity = 1).await.online().await;
    let mut busy = workspace.visitor().await;
    let mut busy = busy.connect().await;
    let taken = steps::in_hand(&mut busy, &mut agent, "first").await;
    let mut waiting = Vec::new();
    for number in 1..=3 {
        let mut visitor = workspace.visitor().await;
        let mut customer = visitor.connect().await;
        let (conversation, ..) = customer.say(None, "me too").await;
        let place = position(&mut customer, conversation, number).await;
        if let Some((likely, at_most)) = place.wait_s {
            assert!(likely <= at_most, "{place:?}");
        }
        assert_eq!(place.opens_ms, None, "somebody is here");
        waiting.push((customer, conversation));
    }
    let board: BoardBody = workspace.admin.get("/api/v1/board").await.json();
    assert_eq!((board.waiting, board.in_hand), (3, 1));

    let id = agent.id();
    agent
        .ask(ClientFrame::Close { id, conversation: taken, solved: None })
        .await
        .expect("an agent may end what is in hand");
    steps::take(&mut agent, waiting[0].1).await;
    for (number, (customer, conversation)) in waiting.iter_mut().skip(1).enumerate() {
        position(customer, *conversation, u32::try_from(number).expect("a few") + 1).await;
    }
}

/// Waits for a place in line of which this holds.
async fn place(
    client: &mut Client,
    conversation: ConversationId,
    what: &str,
    holds: fn(&PlaceView) -> bool,
) -> PlaceView {
    client
        .wait(what, |frame| match frame {
            ServerFrame::Place { conversation: at, place } if *at == conversation && holds(place) => {
                Some(place.clone())
            }
            _ => None,
        })
        .await
}

#[tokio::test]
async fn a_promise_is_told_and_says_so_when_it_grows_and_its_outcome_stands_on_the_board() {
    let server = Server::start().await;
    // One agent and work of four minutes: whoever is next waits about as long. Urgent ones go before.
    let policy = r#"
[skills]
urgent = "Cannot wait"
[queues.support]
long_wait_s = 60
[queues.first]
priority = 9
weight = 900000
[[intake]]
when = { topic = "urgent" }
queue = "first"
"#;
    let workspace = server.workspace("shop", Some(policy)).await;
    let mut agent = workspace
        .agent_with("ana", |it| {
            it.capacity = 1;
            it.skills.insert("urgent".to_owned(), 80);
        })
        .await
        .online()
        .await;
    let mut busy = workspace.visitor().await;
    let mut busy = busy.connect().await;
    let taken = steps::in_hand(&mut busy, &mut agent, "first").await;

    let mut visitor = workspace.visitor().await;
    let mut customer = visitor.connect().await;
    let (conversation, ..) = customer.say(None, "me too").await;
    let told = place(&mut customer, conversation, "a promise", |it| it.wait_s.is_some()).await;
    let (likely, at_most) = told.wait_s.expect("the promise was waited for");
    assert!((60..=400).contains(&likely) && likely < at_most, "one conversation of 240 s is ahead: {told:?}");
    assert!(told.long && !told.longer && !told.rough, "{told:?}");

    let mut others = Vec::new();
    for _ in 0..3 {
        let mut urgent = workspace.visitor_with(|it| it.topics = vec!["urgent".to_owned()]).await;
        let mut client = urgent.connect().await;
        let (own, ..) = client.say(None, "now, please").await;
        others.push((client, own));
    }
    let grown = place(&mut customer, conversation, "a promise that grows", |it| it.longer).await;
    let (_, later) = grown.wait_s.expect("what grows says to what");
    assert!(later > at_most, "three more of 240 s are ahead now: {told:?}, then {grown:?}");
    assert_eq!(grown.position, 1, "the place is the one in its own queue");

    // They leave; then the agent takes who waits, long before the promised end.
    for (client, own) in &mut others {
        let id = client.id();
        client
            .ask(ClientFrame::Close { id, conversation: *own, solved: None })
            .await
            .expect("one may end one's own");
    }
    let id = agent.id();
    agent
        .ask(ClientFrame::Close { id, conversation: taken, solved: None })
        .await
        .expect("an agent may end what is in hand");
    steps::take(&mut agent, conversation).await;
    let board: BoardBody = workspace.admin.get("/api/v1/board").await.json();
    let all = board.promises.iter().find(|row| row.by == "all").expect("a promise has come to its outcome");
    assert_eq!((all.served, all.kept), (1, 100), "{:?}", board.promises);
    assert!(board.promises.iter().any(|row| row.by == "queue" && row.name == "support" && row.served == 1));
}
