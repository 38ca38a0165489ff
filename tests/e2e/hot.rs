//! Ended conversations leave Redis for the blob store, and nobody who reads or opens one notices.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use policy::id::ConversationId;
use protocol::{ClientFrame, HistoryBody};
use tests::{PATIENCE, Redis, Server, Workspace};

use crate::nodes::settled;
use crate::steps;

async fn history(workspace: &Workspace, conversation: ConversationId) -> HistoryBody {
    let path = format!("/api/v1/conversations/{conversation}/messages?limit=100");
    workspace.admin.get(&path).await.json()
}

async fn seen(workspace: &Workspace, conversation: ConversationId) -> serde_json::Value {
    workspace.admin.get(&format!("/api/v1/conversations/{conversation}")).await.json()
}

/// How many conversations have left Redis, over all nodes.
async fn moved(nodes: &[Server]) -> u64 {
    let mut moved = 0;
    for node in nodes {
        let figures = node.anonymous().get("/metrics").await.body;
        let line = figures.lines().find(|line| line.starts_with("switchboard_conversations_moved_total"));
        let count = line.and_then(|line| line.rsplit(' ').next()?.parse::<f64>().ok());
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
        let count = count.unwrap_or(0.0) as u64;
        moved += count;
    }
    moved
}

async fn until_moved(nodes: &[Server], wanted: u64) {
    let begun = Instant::now();
    while moved(nodes).await < wanted {
        assert!(begun.elapsed() < PATIENCE, "no ended conversation has left Redis");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// The files below a folder, but for the store's name.
fn files(folder: &Path) -> usize {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    let entries = entries.flatten().filter(|entry| entry.file_name() != "name");
    entries.map(|entry| if entry.path().is_dir() { files(&entry.path()) } else { 1 }).sum()
}

#[tokio::test]
async fn what_has_ended_leaves_redis_and_reads_and_opens_as_before() {
    if !Redis::there() {
        return;
    }
    let redis = Arc::new(Redis::start_with(&[("RETENTION__HOT_DAYS", "0")]));
    let mut nodes = Vec::new();
    for _ in 0..2 {
        nodes.push(Server::start_on(Some(Arc::clone(&redis)), &[]).await);
    }
    let operator = nodes[1].links.sign_in.token.clone();
    nodes.iter_mut().for_each(|node| node.links.sign_in.token.clone_from(&operator));
    settled(&nodes.iter().collect::<Vec<_>>()).await;
    let workspace = nodes[0].workspace("shop", None).await;
    let ana = workspace.agent("ana").await;
    let mut agent = ana.online().await;
    let mut visitor = workspace.visitor().await;
    let mut customer = visitor.connect().await;
    let conversation = steps::in_hand(&mut customer, &mut agent, "one").await;
    agent.say(Some(conversation), "two").await;
    steps::message(&mut customer, "two").await;
    let close = |id: String| ClientFrame::Close { id, conversation, solved: Some(true) };
    let request = close(agent.id());
    agent.ask(request).await.expect("an agent may end what is in hand");
    until_moved(&nodes, 1).await;
    assert_eq!(files(&redis.keys().join("blobs")), 1);
    for node in &nodes {
        let read = history(&workspace.at(node), conversation).await;
        assert_eq!(steps::texts(&read.messages), ["one", "two"]);
        let seen = seen(&workspace.at(node), conversation).await;
        assert!(seen["decisions"].as_array().is_some_and(|it| !it.is_empty()), "{seen}");
    }

    // Opened again it goes on, and leaves as a whole when it has ended again.
    let id = customer.id();
    customer.ask(ClientFrame::Reopen { id, conversation }).await.expect("a customer opens it again");
    customer.say(Some(conversation), "three").await;
    steps::take(&mut agent, conversation).await;
    steps::message(&mut agent, "three").await;
    assert_eq!(steps::texts(&history(&workspace, conversation).await.messages), ["one", "two", "three"]);
    let request = close(agent.id());
    agent.ask(request).await.expect("an agent may end what is in hand");
    until_moved(&nodes, 2).await;
    let begun = Instant::now();
    while files(&redis.keys().join("blobs")) != 1 {
        assert!(begun.elapsed() < PATIENCE, "the first file is still there");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // Whichever node has the shard next finds it.
    nodes[0].kill().await;
    settled(&[&nodes[1]]).await;
    let read = history(&workspace.at(&nodes[1]), conversation).await;
    assert_eq!(steps::texts(&read.messages), ["one", "two", "three"]);
}
