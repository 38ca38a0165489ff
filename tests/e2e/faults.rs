//! The disk fails: nothing is acknowledged that is not there, the error is clear, and a good disk brings everything back.

use std::time::Duration;

use protocol::{Code, HistoryBody, ServerFrame};
use tests::Server;

use crate::steps;

/// Whether the tracer is here; the gate installs it, elsewhere the tests say that they were skipped.
#[expect(clippy::print_stdout, reason = "a test that cannot run says so")]
fn traced() -> bool {
    let here =
        std::process::Command::new("strace").arg("-V").output().is_ok_and(|output| output.status.success());
    if !here {
        println!("skipped: strace is not installed");
    }
    here
}

#[tokio::test]
async fn a_failing_sync_acknowledges_nothing_and_ends_the_server() {
    if !traced() {
        return;
    }
    let mut server = Server::start().await;
    let workspace = server.workspace("shop", None).await;
    let mut visitor = workspace.visitor().await;
    server.terminate();
    server.ended(Duration::from_secs(10)).await;
    // Every sync from the twelfth on fails, as on a disk that dies.
    let prefix = [
        "strace",
        "-D",
        "-f",
        "-qq",
        "-o",
        "/dev/null",
        "-e",
        "trace=fdatasync",
        "-e",
        "inject=fdatasync:error=EIO:when=12+",
    ];
    server.start_again_under(&prefix).await;
    let mut customer = visitor.connect().await;
    let mut acknowledged = Vec::new();
    let mut conversation = None;
    for number in 0..40 {
        let id = format!("sync-{number}");
        let text = format!("message {number}");
        let frame = protocol::ClientFrame::Send { id, conversation: None, text: text.clone() };
        match customer.ask_the_dying(&frame).await {
            Some(Ok(ServerFrame::Accepted { conversation: of, .. })) => {
                conversation = of;
                acknowledged.push(text);
            }
            Some(Err(code)) => {
                assert_eq!(code, Code::NotDurable, "after {} messages", acknowledged.len());
                break;
            }
            // The connection ended with the server.
            _ => break,
        }
    }
    assert!(!acknowledged.is_empty(), "the fault came before the first message: it tests nothing");
    assert!(acknowledged.len() < 40, "a sync that fails must stop acknowledgements");
    let status = server.ended(Duration::from_secs(20)).await;
    assert!(!status.success(), "a server that lost its disk must not end well");
    assert!(server.log().contains("failed"), "{}", server.log());
    server.start_again().await;
    let conversation = conversation.expect("something was acknowledged");
    let path = format!("/api/v1/conversations/{conversation}/messages?limit=100");
    let history: HistoryBody = workspace.admin.get(&path).await.json();
    let there = steps::texts(&history.messages);
    assert_eq!(there[..acknowledged.len()], acknowledged, "an acknowledged message is gone");
}

#[tokio::test]
async fn a_slow_disk_slows_and_loses_nothing() {
    if !traced() {
        return;
    }
    let mut server = Server::start().await;
    let workspace = server.workspace("shop", None).await;
    let ana = workspace.agent("ana").await;
    let mut visitor = workspace.visitor().await;
    server.terminate();
    server.ended(Duration::from_secs(10)).await;
    let prefix = [
        "strace",
        "-D",
        "-f",
        "-qq",
        "-o",
        "/dev/null",
        "-e",
        "trace=fdatasync",
        "-e",
        "inject=fdatasync:delay_exit=300000",
    ];
    server.start_again_under(&prefix).await;
    let mut agent = ana.online().await;
    let mut customer = visitor.connect().await;
    let conversation = steps::in_hand(&mut customer, &mut agent, "0").await;
    let mut said = vec!["0".to_owned()];
    for number in 1..6 {
        let text = number.to_string();
        customer.say(Some(conversation), &text).await;
        said.push(text);
    }
    let path = format!("/api/v1/conversations/{conversation}/messages?limit=100");
    let history: HistoryBody = workspace.admin.get(&path).await.json();
    assert_eq!(steps::texts(&history.messages), said);
}
