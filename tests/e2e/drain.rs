//! SIGTERM: sessions are told to come back, at different times, and the process ends with status 0; a second one ends it
//! at once.

use std::time::{Duration, Instant};

use tests::{Client, Server};

use crate::steps;

#[tokio::test]
async fn sessions_are_told_when_to_come_back() {
    let mut server = Server::start().await;
    let workspace = server.workspace("shop", None).await;
    let mut agent = workspace.agent("ana").await.online().await;
    let mut visitor = workspace.visitor().await;
    let mut customer = visitor.connect().await;
    let conversation = steps::in_hand(&mut customer, &mut agent, "before").await;
    let mut others: Vec<Client> = Vec::new();
    for _ in 0..6 {
        others.push(workspace.visitor().await.connect().await);
    }
    server.terminate();
    let mut times = Vec::new();
    for client in others.iter_mut().chain([&mut customer, &mut agent]) {
        let (code, reason) = client.closed().await;
        assert_eq!(code, 1012);
        let retry = reason.strip_prefix("retry_ms=").and_then(|ms| ms.parse::<u32>().ok());
        times.push(retry.unwrap_or_else(|| panic!("the reason says when to come back: {reason:?}")));
    }
    assert!(times.iter().any(|time| *time != times[0]), "spread, so that not all come at once: {times:?}");
    let status = server.ended(Duration::from_secs(30)).await;
    assert!(status.success(), "{status}; its log:\n{}", server.log());

    server.start_again().await;
    let mut customer = visitor.connect().await;
    assert_eq!(customer.say(Some(conversation), "after").await.2, 2);
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once() {
    let mut server = Server::start().await;
    let workspace = server.workspace("shop", None).await;
    let mut visitor = workspace.visitor().await;
    // Somebody who does not read the goodbye keeps a drain waiting.
    let _customer = visitor.connect().await;
    server.terminate();
    tokio::time::sleep(Duration::from_millis(20)).await;
    let second = Instant::now();
    if server.still_runs() {
        server.terminate();
    }
    server.ended(Duration::from_secs(2)).await;
    assert!(second.elapsed() < Duration::from_secs(1), "{:?}", second.elapsed());
}
