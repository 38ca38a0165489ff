//! The disk fails: nothing is acknowledged that is not there, the error is clear, and a good disk brings everything back.

use std::time::Duration;

use protocol::{Code, HistoryBody, ServerFrame};
use tests::{Agent, Server, Visitor, Workspace};

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

/// A company that was there before its disk began to fail.
struct Desk {
    server: Server,
    workspace: Workspace,
    ana: Agent,
    visitor: Visitor,
}

/// Starts a server, makes the company, and starts the server again with this fault of every sync; nothing without the tracer.
async fn on_a_disk(fault: &str) -> Option<Desk> {
    if !traced() {
        return None;
    }
    let mut server = Server::start().await;
    let workspace = server.workspace("shop", None).await;
    let ana = workspace.agent("ana").await;
    let visitor = workspace.visitor().await;
    server.terminate();
    server.ended(Duration::from_secs(10)).await;
    let inject = format!("inject=fdatasync:{fault}");
    let trace = ["strace", "-D", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync", "-e", &inject];
    server.start_again_under(&trace).await;
    Some(Desk { server, workspace, ana, visitor })
}

#[tokio::test]
async fn a_failing_sync_acknowledges_nothing_and_ends_the_server() {
    // On Redis the first syncs are those of taking shards.
    if tests::Redis::wanted() {
        return;
    }
    // As on a disk that dies.
    let Some(mut desk) = on_a_disk("error=EIO:when=12+").await else { return };
    let mut customer = desk.visitor.connect().await;
    let mut acknowledged = Vec::new();
    let mut conversation = None;
    for number in 0..40 {
        let id = format!("sync-{number}");
        let text = format!("message {number}");
        let frame =
            protocol::ClientFrame::Send { id, conversation: None, contact_point: None, text: text.clone() };
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
    let status = desk.server.ended(Duration::from_secs(20)).await;
    assert!(!status.success(), "a server that lost its disk must not end well");
    assert!(desk.server.log().contains("failed"), "{}", desk.server.log());
    desk.server.start_again().await;
    let conversation = conversation.expect("something was acknowledged");
    let path = format!("/api/v1/conversations/{conversation}/messages?limit=100");
    let history: HistoryBody = desk.workspace.admin.get(&path).await.json();
    let there = steps::texts(&history.messages);
    assert_eq!(there[..acknowledged.len()], acknowledged, "an acknowledged message is gone");
}

#[tokio::test]
async fn a_slow_disk_slows_and_loses_nothing() {
    let Some(mut desk) = on_a_disk("delay_exit=300000").await else { return };
    let mut agent = desk.ana.online().await;
    let mut customer = desk.visitor.connect().await;
    let conversation = steps::in_hand(&mut customer, &mut agent, "0").await;
    let mut said = vec!["0".to_owned()];
    for number in 1..6 {
        let text = number.to_string();
        customer.say(Some(conversation), &text).await;
        said.push(text);
    }
    let path = format!("/api/v1/conversations/{conversation}/messages?limit=100");
    let history: HistoryBody = desk.workspace.admin.get(&path).await.json();
    assert_eq!(steps::texts(&history.messages), said);
}
