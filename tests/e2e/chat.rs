//! A customer writes, an agent is found, both talk: the router's main job, seen from both ends.

use protocol::{
    AuthorKind, ClientFrame, Code, ConversationBody, ConversationState, HistoryBody, ServerFrame,
    SessionEvent, TransferTarget,
};
use tests::Server;

use crate::steps;

#[tokio::test]
async fn a_customer_is_answered() {
    let server = Server::start().await;
    let workspace = server.workspace("shop", None).await;
    let mut agent = workspace.agent("ana").await.online().await;
    let mut visitor = workspace.visitor_with(|input| input.name = Some("Kim".to_owned())).await;
    let mut customer = visitor.connect().await;

    let (conversation, _, number) = customer.say(None, "Where is my parcel?").await;
    assert_eq!(number, 1);
    let offer = steps::take(&mut agent, conversation).await;
    assert_eq!(offer.conversation.customer_name.as_deref(), Some("Kim"));
    assert_eq!(
        steps::texts(&offer.conversation.messages),
        ["Where is my parcel?"],
        "the context comes with the offer"
    );
    assert!(!offer.why.is_empty(), "an offer says why");
    assert!(offer.waited_ms >= 0 && offer.until_ms > offer.made_ms);

    agent.ack().await;
    steps::delivered(&mut customer, AuthorKind::Person, number).await;
    agent.send(&ClientFrame::Seen { conversation, upto: number }).await;
    steps::seen(&mut customer, AuthorKind::Person, number).await;

    agent.send(&ClientFrame::Typing { conversation }).await;
    let by = customer
        .wait("typing", |frame| match frame {
            ServerFrame::Typing { conversation: at, by } if *at == conversation => Some(*by),
            _ => None,
        })
        .await;
    assert_eq!(by, AuthorKind::Person);

    let (_, answer, number) = agent.say(Some(conversation), "It arrives today.").await;
    assert_eq!(number, 2);
    let message = steps::message(&mut customer, "It arrives today.").await;
    assert_eq!((message.id, message.from.kind, message.seq), (answer, AuthorKind::Person, 2));
    customer.ack().await;
    steps::delivered(&mut agent, AuthorKind::Customer, number).await;
    customer.send(&ClientFrame::Seen { conversation, upto: 2 }).await;
    steps::seen(&mut agent, AuthorKind::Customer, 2).await;
}

#[tokio::test]
async fn words_and_needs_decide_who_is_asked_and_the_offer_says_so() {
    let server = Server::start().await;
    let policy = "[skills]\nrefunds = \"Money back\"\n\n[queues.support]\nlanguage = true\ntopics = true\n";
    let workspace = server.workspace("shop", Some(policy)).await;
    let mut lacks_skill =
        workspace.agent_with("ana", |it| it.languages = vec!["es".to_owned()]).await.online().await;
    let mut lacks_language = workspace
        .agent_with("bo", |it| {
            it.skills.insert("refunds".to_owned(), 90);
            it.languages = vec!["en".to_owned()];
        })
        .await
        .online()
        .await;
    let able = workspace
        .agent_with("carla", |it| {
            it.skills.insert("refunds".to_owned(), 50);
            it.languages = vec!["es".to_owned(), "en".to_owned()];
        })
        .await;
    let mut right = able.online().await;
    let mut visitor = workspace
        .visitor_with(|it| {
            it.language = Some("es".to_owned());
            it.topics = vec!["refunds".to_owned()];
        })
        .await;
    let mut customer = visitor.connect().await;
    let (conversation, ..) = customer.say(None, "Quiero mi dinero").await;
    let offer = steps::take(&mut right, conversation).await;
    for (kind, name) in [("language", "es"), ("skill", "refunds")] {
        assert!(
            offer.why.iter().any(|reason| reason.kind == kind && reason.name.as_deref() == Some(name)),
            "{kind} {name} is missing in {:?}",
            offer.why
        );
    }
    for other in [&mut lacks_skill, &mut lacks_language] {
        other
            .never("an offer to one who is not able", |frame| {
                steps::is_offer(frame, conversation).then_some(())
            })
            .await;
    }
    let body: ConversationBody =
        workspace.admin.get(&format!("/api/v1/conversations/{conversation}")).await.json();
    let decision = body.decisions.first().expect("a decision leaves a record");
    assert_eq!(decision.winner.agent, able.body.id);
    let losers: Vec<(&str, u32)> =
        decision.losing.iter().map(|group| (group.reason.as_str(), group.agents)).collect();
    assert!(losers.contains(&("lacks_skill", 1)) && losers.contains(&("lacks_language", 1)), "{losers:?}");
}

#[tokio::test]
async fn who_declines_is_not_asked_again() {
    let server = Server::start().await;
    let workspace = server.workspace("shop", None).await;
    let mut first = workspace.agent("ana").await.online().await;
    let mut visitor = workspace.visitor().await;
    let mut customer = visitor.connect().await;
    let (conversation, ..) = customer.say(None, "Hello?").await;
    let offer = steps::offer(&mut first, conversation).await;
    let id = first.id();
    first
        .ask(ClientFrame::Decline { id, offer: offer.id, reason: None })
        .await
        .expect("an offer can be declined");
    first.never("the same offer again", |frame| steps::is_offer(frame, conversation).then_some(())).await;
    let mut second = workspace.agent("bo").await.online().await;
    steps::take(&mut second, conversation).await;
    let id = first.id();
    let late = first.ask(ClientFrame::Accept { id, offer: offer.id }).await;
    assert!(matches!(late, Err(Code::Conflict | Code::NotFound)), "{late:?}");
}

#[tokio::test]
async fn an_offer_that_nobody_takes_goes_on() {
    let server = Server::start().await;
    let workspace = server.workspace("shop", Some("[queues.support]\noffer_s = 1\n")).await;
    let mut sleepy = workspace.agent("ana").await.online().await;
    let mut visitor = workspace.visitor().await;
    let mut customer = visitor.connect().await;
    let (conversation, ..) = customer.say(None, "Hello?").await;
    let offer = steps::offer(&mut sleepy, conversation).await;
    let mut awake = workspace.agent("bo").await.online().await;
    let why = sleepy
        .event("the end of the offer", |event| match event {
            SessionEvent::OfferEnded { offer: ended, why } if *ended == offer.id => Some(why.clone()),
            _ => None,
        })
        .await;
    assert_eq!(why, "timed_out");
    steps::take(&mut awake, conversation).await;
}

#[tokio::test]
async fn nobody_is_given_more_than_there_is_room_for() {
    let server = Server::start().await;
    let workspace = server.workspace("shop", None).await;
    let mut agent = workspace.agent_with("ana", |it| it.capacity = 1).await.online().await;
    let (mut one, mut two) = (workspace.visitor().await, workspace.visitor().await);
    let (mut one, mut two) = (one.connect().await, two.connect().await);
    let first = steps::in_hand(&mut one, &mut agent, "first").await;
    let (second, ..) = two.say(None, "second").await;
    agent.never("a second offer", |frame| steps::is_offer(frame, second).then_some(())).await;
    let id = agent.id();
    agent
        .ask(ClientFrame::Close { id, conversation: first, solved: None })
        .await
        .expect("an agent may end what is in hand");
    steps::take(&mut agent, second).await;
}

#[tokio::test]
async fn a_conversation_is_handed_over_with_all_that_was_said() {
    let server = Server::start().await;
    let workspace = server.workspace("shop", None).await;
    let mut first = workspace.agent("ana").await.online().await;
    let mut visitor = workspace.visitor().await;
    let mut customer = visitor.connect().await;
    let conversation = steps::in_hand(&mut customer, &mut first, "one").await;
    first.say(Some(conversation), "two").await;
    let other = workspace.agent("bo").await;
    let mut second = other.online().await;
    let id = first.id();
    let to = TransferTarget::Agent(other.body.id);
    first
        .ask(ClientFrame::Transfer { id, conversation, to })
        .await
        .expect("what is in hand can be handed over");
    let offer = steps::take(&mut second, conversation).await;
    assert_eq!(steps::texts(&offer.conversation.messages), ["one", "two"]);
    second.say(Some(conversation), "three").await;
    steps::message(&mut customer, "three").await;
    let id = first.id();
    let text = "four".to_owned();
    let late = first
        .ask(ClientFrame::Send { id, conversation: Some(conversation), contact_point: None, text })
        .await;
    assert!(late.is_err(), "one holder at most may speak: {late:?}");
}

#[tokio::test]
async fn a_parked_conversation_frees_room_and_comes_back_to_the_same_agent() {
    let server = Server::start().await;
    let workspace = server.workspace("shop", None).await;
    let mut agent = workspace.agent_with("ana", |it| it.capacity = 1).await.online().await;
    let mut other = workspace.agent("bo").await.connect().await;
    let mut visitor = workspace.visitor().await;
    let mut customer = visitor.connect().await;
    let conversation = steps::in_hand(&mut customer, &mut agent, "wait for the carrier").await;
    let id = agent.id();
    agent
        .ask(ClientFrame::Park { id, conversation, until_ms: None })
        .await
        .expect("what is in hand can be parked");
    steps::state(&mut customer, conversation, ConversationState::Parked).await;

    let mut visitor = workspace.visitor().await;
    let mut next = visitor.connect().await;
    let between = steps::in_hand(&mut next, &mut agent, "in between").await;
    let id = agent.id();
    agent
        .ask(ClientFrame::Close { id, conversation: between, solved: None })
        .await
        .expect("an agent may end what is in hand");
    other.online().await;

    customer.say(Some(conversation), "any news?").await;
    steps::take(&mut agent, conversation).await;
    other.never("an offer to another one", |frame| steps::is_offer(frame, conversation).then_some(())).await;
}

#[tokio::test]
async fn a_closed_conversation_can_be_opened_again() {
    let server = Server::start().await;
    let workspace = server.workspace("shop", None).await;
    let mut agent = workspace.agent("ana").await.online().await;
    let mut visitor = workspace.visitor().await;
    let mut customer = visitor.connect().await;
    let conversation = steps::in_hand(&mut customer, &mut agent, "one").await;
    let id = customer.id();
    customer
        .ask(ClientFrame::Close { id, conversation, solved: None })
        .await
        .expect("customers may end their own");
    steps::state(&mut customer, conversation, ConversationState::Closed).await;
    let id = customer.id();
    customer.ask(ClientFrame::Reopen { id, conversation }).await.expect("and open it again");
    customer.say(Some(conversation), "two").await;
    steps::take(&mut agent, conversation).await;
    let path = format!("/api/v1/conversations/{conversation}/messages?limit=10");
    let history: HistoryBody = workspace.admin.get(&path).await.json();
    assert_eq!(steps::texts(&history.messages), ["one", "two"]);
}
