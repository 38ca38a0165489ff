//! Several nodes on one Redis are one router: any of them takes any connection, and none of them is needed for ever.

use std::sync::Arc;
use std::time::{Duration, Instant};

use protocol::{ClientFrame, Code, HistoryBody, Mode, ServerFrame, SessionEvent, VERSION};
use rustix::process::Signal;
use tests::{LEASE_MS, PATIENCE, Redis, Server};

use crate::steps;

/// So many nodes on one Redis, once each shard is where it belongs.
pub(crate) async fn nodes(count: usize) -> (Arc<Redis>, Vec<Server>) {
    let redis = Arc::new(Redis::start());
    let mut nodes = Vec::new();
    for _ in 0..count {
        nodes.push(Server::start_on(Some(Arc::clone(&redis)), &[]).await);
    }
    // Each start makes a new operator's token; the last one holds.
    let operator = nodes.last().map(|node: &Server| node.links.sign_in.token.clone()).unwrap_or_default();
    nodes.iter_mut().for_each(|node| node.links.sign_in.token.clone_from(&operator));
    settled(&nodes.iter().collect::<Vec<_>>()).await;
    (redis, nodes)
}

/// Waits until every shard is open on the node that it belongs on.
pub(crate) async fn settled(nodes: &[&Server]) {
    let begun = Instant::now();
    loop {
        let (mut shards, mut all) = (0, true);
        for node in nodes {
            let told = node.anonymous().get("/readyz").await;
            let ready: serde_json::Value = serde_json::from_str(&told.body).unwrap_or_default();
            shards += ready["shards"].as_u64().unwrap_or(0);
            all &= told.status == 200 && ready["settled"] == true && ready["nodes"] == nodes.len();
        }
        if all && shards == 16 {
            return;
        }
        assert!(begun.elapsed() < PATIENCE * 2, "the shards have not come to rest: {shards} are open");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Picks the word that the server takes nothing, or something again.
fn paused(wanted: bool) -> impl Fn(&ServerFrame) -> Option<()> {
    move |frame| matches!(frame, ServerFrame::Paused { paused } if *paused == wanted).then_some(())
}

#[tokio::test]
async fn a_customer_on_one_node_and_an_agent_on_another_talk() {
    if !Redis::there() {
        return;
    }
    let (_redis, nodes) = nodes(3).await;
    // It begins on the first node.
    let workspace = nodes[0].workspace("shop", None).await;
    let ana = workspace.at(&nodes[1]).agent("ana").await;
    let mut agent = ana.at(&nodes[1]).online().await;
    let mut visitor = workspace.at(&nodes[2]).visitor().await;
    let mut customer = visitor.connect().await;
    let conversation = steps::in_hand(&mut customer, &mut agent, "from the third").await;
    steps::message(&mut agent, "from the third").await;
    agent.say(Some(conversation), "from the second").await;
    steps::message(&mut customer, "from the second").await;
    for node in &nodes {
        let path = format!("/api/v1/conversations/{conversation}/messages?limit=100");
        let history: HistoryBody = workspace.at(node).admin.get(&path).await.json();
        assert_eq!(steps::texts(&history.messages), ["from the third", "from the second"]);
    }
}

#[tokio::test]
async fn a_session_goes_on_through_another_node() {
    if !Redis::there() {
        return;
    }
    let (_redis, mut nodes) = nodes(3).await;
    let workspace = nodes[0].workspace("shop", None).await;
    let ana = workspace.agent("ana").await;
    let mut agent = ana.online().await;
    let mut visitor = workspace.at(&nodes[1]).visitor().await;
    let mut customer = visitor.connect().await;
    let conversation = steps::in_hand(&mut customer, &mut agent, "hello").await;
    let (session, seq) = (customer.session.expect("welcomed"), customer.seq);
    // The node that held the socket dies; the one that has the session lives.
    nodes[1].kill().await;
    customer.vanish();
    agent.say(Some(conversation), "while you were away").await;
    visitor.go_to(&nodes[2]);
    let mut customer = visitor.connect_silent().await;
    assert_eq!(customer.resume(session, seq).await, Mode::Resume);
    steps::message(&mut customer, "while you were away").await;
    customer.say(Some(conversation), "back").await;
    steps::message(&mut agent, "back").await;
}

#[tokio::test]
async fn when_the_owner_dies_another_node_goes_on_and_nothing_acknowledged_is_lost() {
    if !Redis::there() {
        return;
    }
    let (_redis, mut nodes) = nodes(3).await;
    let workspace = nodes[0].workspace("shop", None).await;
    let ana = workspace.agent("ana").await;
    let mut agent = ana.at(&nodes[1]).online().await;
    let mut visitor = workspace.at(&nodes[2]).visitor().await;
    let mut customer = visitor.connect().await;
    let conversation = steps::in_hand(&mut customer, &mut agent, "0").await;
    for number in 1..20 {
        customer.say(Some(conversation), &number.to_string()).await;
    }
    nodes[0].kill().await;
    let begun = Instant::now();
    // Both are cut off where their session was, and come again by the same nodes.
    customer.vanish();
    agent.vanish();
    let survivors: Vec<_> = nodes[1..].iter().collect();
    settled(&survivors).await;
    println!("the other nodes have everything after {} ms", begun.elapsed().as_millis());
    let mut customer = visitor.connect().await;
    let mut agent = ana.at(&nodes[1]).online().await;
    customer.say(Some(conversation), "20").await;
    steps::message(&mut agent, "20").await;
    let path = format!("/api/v1/conversations/{conversation}/messages?limit=100");
    let history: HistoryBody = workspace.at(&nodes[2]).admin.get(&path).await.json();
    let numbers: Vec<_> = (0..=20).map(|number| number.to_string()).collect();
    assert_eq!(steps::texts(&history.messages), numbers);
}

#[tokio::test]
async fn a_frozen_owner_that_wakes_up_says_nothing_that_is_not_so() {
    if !Redis::there() {
        return;
    }
    let (_redis, nodes) = nodes(2).await;
    let workspace = nodes[0].workspace("shop", None).await;
    let ana = workspace.agent("ana").await;
    let mut agent = ana.at(&nodes[0]).online().await;
    let mut visitor = workspace.at(&nodes[0]).visitor().await;
    let mut customer = visitor.connect().await;
    let conversation = steps::in_hand(&mut customer, &mut agent, "before").await;
    nodes[0].signal(Signal::STOP);
    // What is said to it now lies in its socket.
    let frame = ClientFrame::Send {
        id: "to-the-frozen".to_owned(),
        conversation: Some(conversation),
        contact_point: None,
        text: "while frozen".to_owned(),
    };
    customer.send(&frame).await;
    settled(&[&nodes[1]]).await;
    let mut elsewhere = workspace.at(&nodes[1]).agent("bea").await.online().await;
    visitor.go_to(&nodes[1]);
    let mut again = visitor.connect().await;
    again.say(Some(conversation), "after").await;
    nodes[0].signal(Signal::CONT);
    // It learns that it owns nothing: nothing that it made of the late words is acknowledged.
    let answer = customer.ask_the_dying(&frame).await;
    assert!(!matches!(answer, Some(Ok(_))), "{answer:?}");
    let path = format!("/api/v1/conversations/{conversation}/messages?limit=100");
    let history: HistoryBody = workspace.at(&nodes[1]).admin.get(&path).await.json();
    assert_eq!(steps::texts(&history.messages), ["before", "after"]);
    // The same request, sent again where the shard is now, is done once.
    for _ in 0..2 {
        again.ask(frame.clone()).await.expect("it is taken");
    }
    let history: HistoryBody = workspace.at(&nodes[1]).admin.get(&path).await.json();
    assert_eq!(steps::texts(&history.messages), ["before", "after", "while frozen"]);
    elsewhere.ack().await;
}

#[tokio::test]
async fn without_redis_sockets_stay_and_nothing_is_falsely_accepted() {
    if !Redis::there() {
        return;
    }
    let (redis, nodes) = nodes(1).await;
    let workspace = nodes[0].workspace("shop", None).await;
    let ana = workspace.agent("ana").await;
    let mut agent = ana.online().await;
    let mut visitor = workspace.visitor().await;
    let mut customer = visitor.connect().await;
    let conversation = steps::in_hand(&mut customer, &mut agent, "before").await;
    let mut bea = workspace.agent("bea").await.online().await;
    let mut late = ana.connect_silent().await;
    redis.signal(Signal::STOP);
    // Nobody has to write to be told.
    bea.wait("that the server takes nothing", paused(true)).await;
    customer.wait("that the server takes nothing", paused(true)).await;
    // Who comes now is told as well.
    late.send(&ClientFrame::Hello { protocol: VERSION, session: None, seq: None }).await;
    late.wait("that the server takes nothing", paused(true)).await;
    let send = |id: &str| ClientFrame::Send {
        id: id.to_owned(),
        conversation: Some(conversation),
        contact_point: None,
        text: id.to_owned(),
    };
    customer.send(&send("first")).await;
    // The first one waits; once Redis is known to be away, others are told so.
    let begun = Instant::now();
    let refused = loop {
        let id = format!("later-{}", begun.elapsed().as_millis());
        customer.send(&send(&id)).await;
        let told = tokio::time::timeout(Duration::from_millis(LEASE_MS), customer.answer(&id)).await;
        if let Ok(told) = told {
            break told;
        }
        assert!(begun.elapsed() < PATIENCE, "nobody said that Redis is away");
    };
    assert_eq!(refused.err(), Some(Code::NotDurable));
    redis.signal(Signal::CONT);
    bea.wait("that the server takes something again", paused(false)).await;
    customer.answer("first").await.expect("it is taken once Redis is back");
    steps::message(&mut agent, "first").await;
    let begun = Instant::now();
    while customer.ask(send(&format!("on-{}", begun.elapsed().as_millis()))).await.is_err() {
        assert!(begun.elapsed() < PATIENCE, "it does not go on");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn without_redis_a_client_of_another_node_keeps_its_socket_and_is_told() {
    if !Redis::there() {
        return;
    }
    let (redis, nodes) = nodes(2).await;
    let workspace = nodes[0].workspace("shop", None).await;
    let ana = workspace.agent("ana").await;
    let mut agent = ana.at(&nodes[0]).online().await;
    let mut visitor = workspace.at(&nodes[1]).visitor().await;
    let mut customer = visitor.connect().await;
    let conversation = steps::in_hand(&mut customer, &mut agent, "before").await;
    redis.signal(Signal::STOP);
    // The node that holds the socket says so by itself, and goes on saying so: the line is not taken for cut.
    for _ in 0..3 {
        customer.wait("that the server takes nothing", paused(true)).await;
    }
    let frame = ClientFrame::Send {
        id: "meanwhile".to_owned(),
        conversation: Some(conversation),
        contact_point: None,
        text: "meanwhile".to_owned(),
    };
    customer.send(&frame).await;
    let answer =
        tokio::time::timeout(Duration::from_millis(2 * LEASE_MS), customer.answer("meanwhile")).await;
    assert!(!matches!(answer, Ok(Ok(_))), "{answer:?} although nothing can be written");
    redis.signal(Signal::CONT);
    settled(&nodes.iter().collect::<Vec<_>>()).await;
    // Words between the nodes may be lost meanwhile: who was cut off comes again, and repeats what was not answered.
    customer.vanish();
    let mut customer = visitor.connect_silent().await;
    customer.hello().await;
    customer.ask(frame.clone()).await.expect("it is taken once Redis is back");
    steps::message(&mut agent, "meanwhile").await;
    let path = format!("/api/v1/conversations/{conversation}/messages?limit=100");
    let history: HistoryBody = workspace.admin.get(&path).await.json();
    assert_eq!(steps::texts(&history.messages), ["before", "meanwhile"]);
}

#[tokio::test]
async fn a_node_that_comes_and_goes_moves_nothing() {
    if !Redis::there() {
        return;
    }
    let (redis, nodes) = nodes(1).await;
    let workspace = nodes[0].workspace("shop", None).await;
    let mut visitor = workspace.visitor().await;
    for _ in 0..5 {
        settled(&[&nodes[0]]).await;
        let mut customer = visitor.connect().await;
        let begun = Instant::now();
        let mut short = Server::start_on(Some(Arc::clone(&redis)), &[]).await;
        short.kill().await;
        // Two leases is how long nodes have to be the same; on a busy machine it may have lived longer.
        if begun.elapsed() >= Duration::from_millis(LEASE_MS * 2) {
            continue;
        }
        while begun.elapsed() < Duration::from_millis(LEASE_MS * 6) {
            let ready: serde_json::Value = nodes[0].anonymous().get("/readyz").await.json();
            assert_eq!(ready["shards"], 16, "a shard has moved");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        customer.say(None, "on the same line").await;
        return;
    }
    panic!("no node came and went in time");
}

#[tokio::test]
async fn what_cannot_be_sealed_is_not_accepted() {
    if !Redis::there() {
        return;
    }
    let (redis, nodes) = nodes(1).await;
    let workspace = nodes[0].workspace("shop", None).await;
    let mut visitor = workspace.visitor().await;
    let mut customer = visitor.connect().await;
    // Another program's value stands where customers' keys are: they can neither be read nor written.
    let keys = |shard: u16| format!("switchboard:{{{shard}}}:keys:");
    let foreign: Vec<u16> =
        (0..16).filter(|it| redis.cli(&["SET", &keys(*it), "x", "NX"]).starts_with("OK")).collect();
    assert!(!foreign.is_empty());
    let first = ClientFrame::Send {
        id: "first".to_owned(),
        conversation: None,
        contact_point: None,
        text: "hello".to_owned(),
    };
    assert_eq!(customer.ask(first.clone()).await.err(), Some(Code::NotDurable));
    for shard in foreign {
        assert!(redis.cli(&["DEL", &keys(shard)]).starts_with('1'));
    }
    let Ok(ServerFrame::Accepted { conversation: Some(conversation), .. }) = customer.ask(first).await else {
        panic!("it is taken once the key is gone")
    };
    let path = format!("/api/v1/conversations/{conversation}/messages?limit=100");
    let history: HistoryBody = workspace.admin.get(&path).await.json();
    assert_eq!(steps::texts(&history.messages), ["hello"]);
}

#[tokio::test]
async fn a_node_that_is_asked_to_end_hands_its_shards_over() {
    if !Redis::there() {
        return;
    }
    let (_redis, mut nodes) = nodes(2).await;
    let workspace = nodes[0].workspace("shop", None).await;
    let ana = workspace.agent("ana").await;
    let mut agent = ana.at(&nodes[1]).online().await;
    let mut visitor = workspace.at(&nodes[1]).visitor().await;
    let mut customer = visitor.connect().await;
    let conversation = steps::in_hand(&mut customer, &mut agent, "before").await;
    nodes[0].terminate();
    // Those whose session was there are told to come again, at once.
    assert_eq!(customer.closed().await.0, 1012);
    assert_eq!(agent.closed().await.0, 1012);
    assert!(nodes[0].ended(PATIENCE).await.success());
    settled(&[&nodes[1]]).await;
    let mut customer = visitor.connect_silent().await;
    let SessionEvent::Snapshot { conversations, .. } = customer.hello().await else {
        panic!("a new session begins with a snapshot")
    };
    assert_eq!(conversations[0].id, conversation);
    customer.say(Some(conversation), "after").await;
}
