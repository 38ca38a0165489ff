//! Mail on several nodes: each listener takes it for all workspaces, and it is told 250 once the owner has it.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use protocol::{AgentInput, ClientFrame, PresenceWish};
use tests::{PATIENCE, Redis};
use tokio::net::TcpListener;

use super::desk::{deliver, letter, relay, settings_of, take_next};
use crate::nodes::{nodes, settled};

#[tokio::test]
async fn mail_reaches_its_owner_whichever_node_was_handed_it() {
    if !Redis::there() {
        return;
    }
    let (_redis, mut nodes) = nodes(2).await;
    let workspace = nodes[0].workspace("shop", None).await;
    let ana = workspace.agent_with("ana", |it: &mut AgentInput| it.capacity = 8).await;
    let (port, ..) = relay().await;
    let mut listeners: Vec<SocketAddr> = Vec::new();
    for node in &mut nodes {
        node.kill().await;
        let free = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        listeners.push(free.local_addr().expect("an address"));
    }
    // What is large lies in one folder that all nodes see.
    let [one, other] = [0, 1].map(|it: usize| nodes[it].data().join("blobs"));
    std::fs::create_dir_all(&one).expect("a folder can be made");
    drop(std::fs::remove_dir_all(&other));
    std::os::unix::fs::symlink(&one, &other).expect("a link can be made");
    for (node, lmtp) in nodes.iter_mut().zip(&listeners) {
        let settings = settings_of(&workspace, "acknowledge = false", port, *lmtp);
        node.start_again_under(&["env", &settings[0], &settings[1]]).await;
    }
    settled(&nodes.iter().collect::<Vec<_>>()).await;
    let mut agent = ana.at(&nodes[0]).online().await;
    let long = "so long ".repeat(20_000);
    for (number, lmtp) in listeners.iter().enumerate() {
        for text in ["short", &long] {
            let id = format!("n{number}-{}", text.len());
            let mail = letter(&format!("{id}@shop.test"), &id, "Parcel", "", text);
            let said = deliver(*lmtp, "support@hub.test", &mail).await;
            assert!(said.starts_with("250"), "node {number}: {said}");
            let (conversation, shown) = take_next(&mut agent).await;
            assert!(shown.starts_with(text.get(..5).unwrap_or(text)), "{shown}");
            let id = agent.id();
            agent.ask(ClientFrame::Close { id, conversation, solved: None }).await.expect("it ends");
        }
    }
    // The same mail at the other node is known again.
    let again = letter("n0-5@shop.test", "n0-5", "Parcel", "", "short");
    assert!(deliver(listeners[1], "support@hub.test", &again).await.starts_with("250"));
    agent
        .never("the same mail a second time", |frame| match frame {
            protocol::ServerFrame::Event { event: protocol::SessionEvent::Offer { offer }, .. } => {
                Some(offer.id)
            }
            _ => None,
        })
        .await;
    let id = agent.id();
    agent.ask(ClientFrame::Presence { id, state: PresenceWish::Offline }).await.expect("an agent may go");
    // A node dies: whatever it owned, mail is put off until the other has it, and none is lost.
    nodes[0].kill().await;
    agent.vanish();
    let mail = letter("late@shop.test", "late", "Parcel", "", "late");
    let begun = Instant::now();
    loop {
        let said = deliver(listeners[1], "support@hub.test", &mail).await;
        if said.starts_with("250") {
            break;
        }
        assert!(said.starts_with("451") && begun.elapsed() < PATIENCE, "{said}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let mut agent = ana.at(&nodes[1]).online().await;
    assert_eq!(take_next(&mut agent).await.1, "late");
}
