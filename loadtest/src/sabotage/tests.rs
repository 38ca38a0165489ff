//! Each kind corrupts one frame and lets all others by.

use std::collections::BTreeSet;

use policy::id::{AgentId, ContactPointId};
use protocol::{Author, DeliveryState, Me, MessageView};

use super::*;

const CUSTOMER: u64 = 1;
const AGENT: u64 = 2;

fn saboteur(kind: Kind) -> (Saboteur, mpsc::Receiver<()>) {
    let skills = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<BTreeSet<_>>();
    let plan = Plan {
        needs: vec![skills(&["b"])],
        agents: [(agent(1), (skills(&["b"]), 3)), (agent(2), (skills(&["a"]), 3))].into(),
    };
    let (restart, restarts) = mpsc::channel(1);
    let mut saboteur = Saboteur::new(kind, Arc::new(plan), "disk", 1, restart);
    saboteur.skip = 0;
    pass(&mut saboteur, AGENT, snapshot());
    (saboteur, restarts)
}

fn agent(bits: u128) -> AgentId {
    AgentId::from_bits(bits)
}

fn conversation(number: u128) -> ConversationId {
    ConversationId::from_bits(number)
}

fn frame(event: SessionEvent) -> Utf8Bytes {
    serde_json::to_string(&ServerFrame::Event { seq: 1, event }).expect("frames have a JSON form").into()
}

fn snapshot() -> Utf8Bytes {
    let me = Me {
        role: "agent".to_owned(),
        agent: Some(agent(1)),
        name: None,
        state: None,
        load: 0,
        interruptible_load: 0,
        capacity: 3,
        queues: Vec::new(),
        channels: Vec::new(),
        paused: Vec::new(),
        wrapping: Vec::new(),
        on_break: None,
    };
    frame(SessionEvent::Snapshot { me, conversations: Vec::new(), offers: Vec::new() })
}

fn message(seq: u64, kind: AuthorKind, request: Option<&str>) -> Utf8Bytes {
    let message = MessageView {
        id: MessageId::from_bits(seq.into()),
        seq,
        from: Author { kind, agent: None, name: None },
        text: Some(format!("text {seq}")),
        contact_point: ContactPointId::from_bits(1),
        channel: "web_chat".to_owned(),
        at_ms: 0,
        delivery: DeliveryState::Sent,
        client_id: request.map(str::to_owned),
        labels: None,
        mail: None,
    };
    frame(SessionEvent::Message { conversation: conversation(1), message })
}

fn state(number: u128, state: ConversationState) -> Utf8Bytes {
    let holder = Author { kind: AuthorKind::Person, agent: Some(agent(1)), name: None };
    frame(SessionEvent::Conversation {
        conversation: ConversationView {
            id: conversation(number),
            state,
            queue: "support".to_owned(),
            channel: "web_chat".to_owned(),
            customer_name: Some(crate::agent::name_of(0)),
            language: None,
            topics: Vec::new(),
            holder: Some(holder),
            because: Vec::new(),
            fence: 1,
            opened_ms: 0,
            waiting_since_ms: None,
            last: 1,
            seen_by_agent: 0,
            seen_by_customer: 0,
            messages: Vec::new(),
            place: None,
            contact_points: Vec::new(),
        },
    })
}

/// The frame goes by unchanged.
fn pass(saboteur: &mut Saboteur, link: u64, text: Utf8Bytes) {
    assert_eq!(saboteur.towards_client(link, text.clone()), [text]);
}

#[test]
fn drop_swallows_one_message_to_a_customer() {
    let (mut saboteur, _restarts) = saboteur(Kind::Drop);
    pass(&mut saboteur, AGENT, message(1, AuthorKind::Customer, None));
    pass(&mut saboteur, AGENT, message(2, AuthorKind::Person, Some("1-1")));
    assert!(!saboteur.done());
    assert!(saboteur.towards_client(CUSTOMER, message(2, AuthorKind::Person, None)).is_empty());
    assert!(saboteur.done());
    pass(&mut saboteur, CUSTOMER, message(4, AuthorKind::Person, None));
}

#[test]
fn double_delivers_one_message_twice() {
    let (mut saboteur, _restarts) = saboteur(Kind::Double);
    let text = message(2, AuthorKind::Person, None);
    assert_eq!(saboteur.towards_client(CUSTOMER, text.clone()), [text.clone(), text]);
    pass(&mut saboteur, CUSTOMER, message(4, AuthorKind::Person, None));
}

#[test]
fn swap_delivers_a_message_behind_the_next() {
    let (mut saboteur, _restarts) = saboteur(Kind::Swap);
    pass(&mut saboteur, CUSTOMER, message(1, AuthorKind::Customer, Some("5-1")));
    let (third, fourth) =
        (message(3, AuthorKind::Customer, Some("5-2")), message(4, AuthorKind::Person, None));
    assert!(saboteur.towards_client(CUSTOMER, third.clone()).is_empty());
    pass(&mut saboteur, AGENT, third.clone());
    assert_eq!(saboteur.towards_client(CUSTOMER, fourth.clone()), [fourth, third]);
    assert!(saboteur.done());
}

#[test]
fn swap_lets_the_last_message_of_a_dialogue_be() {
    let (mut saboteur, _restarts) = saboteur(Kind::Swap);
    let last = message(3, AuthorKind::Customer, Some("5-2"));
    assert!(saboteur.towards_client(CUSTOMER, last.clone()).is_empty());
    let closed = state(1, ConversationState::Closed);
    assert_eq!(saboteur.towards_client(CUSTOMER, closed.clone()), [last, closed]);
    assert!(!saboteur.done(), "the order was right: another frame is to be found");
}

#[test]
fn misroute_names_an_agent_without_the_skill() {
    let (mut saboteur, _restarts) = saboteur(Kind::Misroute);
    pass(&mut saboteur, CUSTOMER, state(1, ConversationState::Assigned));
    let told = saboteur.towards_client(AGENT, state(1, ConversationState::Assigned));
    let Ok(ServerFrame::Event { event: SessionEvent::Conversation { conversation }, .. }) =
        serde_json::from_str(&told[0])
    else {
        panic!("not an assignment: {told:?}");
    };
    assert_eq!(conversation.holder.and_then(|holder| holder.agent), Some(agent(2)));
    assert!(saboteur.done());
}

#[test]
fn overload_tells_an_end_only_after_the_next_assignment() {
    let (mut saboteur, _restarts) = saboteur(Kind::Overload);
    pass(&mut saboteur, AGENT, state(1, ConversationState::Assigned));
    pass(&mut saboteur, AGENT, state(1, ConversationState::Closed));
    for number in 2..=4 {
        pass(&mut saboteur, AGENT, state(number, ConversationState::Assigned));
    }
    let (closed, fifth) = (state(2, ConversationState::Closed), state(5, ConversationState::Assigned));
    assert!(saboteur.towards_client(AGENT, closed.clone()).is_empty());
    assert_eq!(saboteur.towards_client(AGENT, fifth.clone()), [fifth, closed]);
    assert!(saboteur.done());
}

#[test]
fn forget_ack_acknowledges_one_message_and_asks_for_a_restart() {
    let (mut saboteur, mut restarts) = saboteur(Kind::ForgetAck);
    let send = |id: &str| {
        let frame = ClientFrame::Send {
            id: id.to_owned(),
            conversation: Some(conversation(1)),
            contact_point: None,
            text: "gone".to_owned(),
        };
        serde_json::to_string(&frame).expect("frames have a JSON form")
    };
    assert_eq!(saboteur.towards_server(&send("5-2")), None, "no message of the conversation was seen yet");
    pass(&mut saboteur, CUSTOMER, message(2, AuthorKind::Person, None));
    assert_eq!(saboteur.towards_server(&send("1-1")), None, "an agent's");
    let answer = saboteur.towards_server(&send("5-2")).expect("an answer of its own");
    assert!(matches!(serde_json::from_str(&answer), Ok(ServerFrame::Accepted { id, .. }) if id == "5-2"));
    assert!(restarts.try_recv().is_ok());
    assert_eq!(saboteur.towards_server(&send("5-3")), None, "one is enough");
}
