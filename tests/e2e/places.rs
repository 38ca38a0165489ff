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
