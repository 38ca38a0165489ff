//! What is limited holds over all nodes together: who spreads over them gets no more.

use std::time::{Duration, Instant};

use tests::{Api, Redis, Server};

use crate::nodes::nodes;

/// How many of so many sign-ins with a wrong password were looked at, the nodes taken in turn.
async fn tried(nodes: &[Server], name: &str, times: usize) -> usize {
    let mut looked_at = 0;
    for number in 0..times {
        let body = serde_json::json!({"name": name, "password": "not this one"});
        let node = &nodes[number % nodes.len()];
        match node.anonymous().post("/api/v1/sign-in", &body).await.status {
            401 => looked_at += 1,
            429 => {}
            status => panic!("an answer with {status}"),
        }
    }
    looked_at
}

#[tokio::test]
async fn tries_of_a_password_are_counted_over_all_nodes() {
    if !Redis::there() {
        return;
    }
    let (_redis, nodes) = nodes(2).await;
    let begun = Instant::now();
    let looked_at = tried(&nodes, "somebody", 30).await;
    // Ten at once, and one every six seconds.
    let most = 10 + usize::try_from(begun.elapsed().as_secs() / 6).unwrap_or(0) + 1;
    assert!((10..=most).contains(&looked_at), "{looked_at} of at most {most}");
    // Another one has tries of its own.
    assert!(tried(&nodes, "another", 4).await == 4);
}

/// Asks as fast as it goes for so long; says how often there was an answer.
async fn flood(api: Api, until: Instant) -> u64 {
    let mut answered = 0;
    while Instant::now() < until {
        match api.get("/api/v1/agents").await.status {
            429 => tokio::time::sleep(Duration::from_millis(2)).await,
            _ => answered += 1,
        }
    }
    answered
}

#[tokio::test]
async fn requests_of_one_source_are_counted_over_all_nodes() {
    if !Redis::there() {
        return;
    }
    let (_redis, nodes) = nodes(2).await;
    let workspace = nodes[0].workspace("shop", None).await;
    let seconds = 8;
    let until = Instant::now() + Duration::from_secs(seconds);
    let floods = nodes.iter().map(|node| flood(workspace.at(node).admin, until));
    let answered: u64 = futures_util::future::join_all(floods).await.into_iter().sum();
    // A hundred at once and fifty a second. Between two words each node goes by itself, and may give its hundred; whatever was
    // too much is held back afterwards. Nodes that did not tell each other would give twice the share.
    let (share, ahead, alone) = (100 + 50 * seconds, 2 * 100, 2 * (100 + 50 * seconds));
    assert!(answered <= share + ahead && share + ahead < alone, "{answered} of {share}");
    assert!(answered >= share / 2, "{answered} of {share}");
}
