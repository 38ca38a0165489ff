//! The process is killed without a word: what was acknowledged is there afterwards, once and in order.

use protocol::{ClientFrame, HistoryBody, Mode, ServerFrame, SessionEvent};
use tests::Server;

use crate::steps;

#[tokio::test]
async fn acknowledged_messages_survive_a_kill() {
    let mut server = Server::start().await;
    let workspace = server.workspace("shop", None).await;
    let ana = workspace.agent("ana").await;
    let mut agent = ana.online().await;
    let mut visitor = workspace.visitor().await;
    let mut customer = visitor.connect().await;
    let conversation = steps::in_hand(&mut customer, &mut agent, "0").await;
    let mut said = vec!["0".to_owned()];
    for round in 0..3 {
        for number in 0..10 {
            let text = format!("{round}-{number}");
            let writer = if number % 2 == 0 { &mut customer } else { &mut agent };
            writer.say(Some(conversation), &text).await;
            said.push(text);
        }
        let (session, seq) = (customer.session.expect("welcomed"), customer.seq);
        server.kill().await;
        customer.vanish();
        agent.vanish();
        server.start_again().await;

        customer = visitor.connect_silent().await;
        if customer.resume(session, seq).await == Mode::Snapshot {
            let SessionEvent::Snapshot { conversations, .. } = customer.snapshot().await else {
                panic!("a snapshot was picked");
            };
            assert_eq!(conversations[0].id, conversation);
            assert_eq!(conversations[0].last, said.len() as u64);
        }
        agent = ana.online().await;
        let path = format!("/api/v1/conversations/{conversation}/messages?limit=100");
        let history: HistoryBody = workspace.admin.get(&path).await.json();
        assert_eq!(steps::texts(&history.messages), said, "after restart {round}");
    }
    customer.say(Some(conversation), "and on").await;
    steps::message(&mut agent, "and on").await;
}

#[tokio::test]
async fn a_request_without_an_answer_can_be_sent_again_after_the_restart() {
    let mut server = Server::start().await;
    let workspace = server.workspace("shop", None).await;
    let mut visitor = workspace.visitor().await;
    let mut customer = visitor.connect().await;
    let frame = ClientFrame::Send {
        id: "over-the-kill".to_owned(),
        conversation: None,
        contact_point: None,
        text: "once".to_owned(),
    };
    customer.send(&frame).await;
    server.kill().await;
    customer.vanish();
    server.start_again().await;
    let mut customer = visitor.connect().await;
    let answer = customer.ask(frame.clone()).await.expect("accepted, now or before");
    assert_eq!(customer.ask(frame).await.expect("accepted again"), answer);
    let ServerFrame::Accepted { conversation: Some(conversation), seq, .. } = answer else {
        panic!("an accepted message has a conversation");
    };
    assert_eq!(seq, Some(1));
    let path = format!("/api/v1/conversations/{conversation}/messages?limit=10");
    let history: HistoryBody = workspace.admin.get(&path).await.json();
    assert_eq!(steps::texts(&history.messages), ["once"]);
}

#[tokio::test]
async fn who_waited_waits_on_at_the_same_place() {
    let mut server = Server::start().await;
    let workspace = server.workspace("shop", None).await;
    let ana = workspace.agent_with("ana", |it| it.capacity = 1).await;
    let mut conversations = Vec::new();
    let mut visitors = Vec::new();
    for number in 0..3 {
        let mut visitor = workspace.visitor().await;
        let mut customer = visitor.connect().await;
        conversations.push(customer.say(None, &format!("number {number}")).await.0);
        visitors.push(customer);
    }
    server.kill().await;
    server.start_again().await;
    let mut agent = ana.online().await;
    for conversation in conversations {
        steps::take(&mut agent, conversation).await;
        let id = agent.id();
        agent
            .ask(ClientFrame::Close { id, conversation, solved: None })
            .await
            .expect("an agent may end what is in hand");
    }
}

#[tokio::test]
async fn no_word_of_a_customer_stands_in_the_store_in_the_clear() {
    let mut server = Server::start().await;
    let workspace = server.workspace("shop", None).await;
    let mut visitor = workspace.visitor_with(|it| it.name = Some("Wilhelmina Canary".to_owned())).await;
    let mut customer = visitor.connect().await;
    customer.say(None, "the canary sings at midnight").await;
    server.kill().await;
    let (mut files, mut bytes) = (0, 0);
    let mut folders = vec![server.data()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("the data folder can be read").flatten() {
            if entry.path().is_dir() {
                folders.push(entry.path());
                continue;
            }
            let content = std::fs::read(entry.path()).expect("a file of the store can be read");
            files += 1;
            bytes += content.len();
            for words in ["canary sings", "Wilhelmina"] {
                let found = content.windows(words.len()).any(|window| window == words.as_bytes());
                assert!(!found, "{:?} holds {words:?}", entry.path());
            }
        }
    }
    assert!(files > 0 && bytes > 1_000, "the store was looked at: {files} files, {bytes} bytes");
    for words in ["canary sings", "Wilhelmina"] {
        assert!(!server.log().contains(words), "the server's log holds {words:?}");
    }
}
