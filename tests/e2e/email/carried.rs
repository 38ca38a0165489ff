//! What a mail carries: its own form, shown where nothing runs; its files, as downloads; and mail that becomes no message,
//! which is kept until somebody looks at it.

use protocol::{AsideBody, AsideView, ClientFrame, HistoryBody, SenderProof};

use super::desk::{Desk, letter, take_next};
use crate::steps;

const RICH: &str = "Authentication-Results: mx.hub.test; dmarc=pass header.from=shop.test\nFrom: Ann <ann@shop.test>\nTo: support@hub.test\n\
    Message-ID: <r1@shop.test>\nSubject: Look\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n\
    --b\nContent-Type: text/html; charset=utf-8\n\n<p onclick=\"x()\">See <b>this</b><script>x()</script>\
    <img src=\"https://tracker.test/pixel.gif\"></p>\n\
    --b\nContent-Type: text/html; name=\"page.html\"\nContent-Disposition: attachment; filename=\"page.html\"\n\n<script>x()</script>\n\
    --b--\n";

#[tokio::test]
async fn a_mail_is_shown_where_nothing_runs_and_its_files_are_downloads() {
    let desk = Desk::open().await;
    let mut agent = desk.agent.online().await;
    let other = desk.workspace.agent("eve").await;
    assert!(desk.deliver("support@hub.test", RICH).await.starts_with("250"));
    let (conversation, _) = take_next(&mut agent).await;
    let api = &desk.agent.api;
    let history: HistoryBody =
        api.get(&format!("/api/v1/conversations/{conversation}/messages")).await.json();
    let mail = history.messages[0].mail.as_deref().expect("it came by mail");
    assert_eq!((mail.subject.as_str(), mail.from.as_str()), ("Look", "ann@shop.test"));
    assert_eq!((mail.proof, mail.html, mail.files.len()), (Some(SenderProof::Verified), true, 1));

    let base = format!("/api/v1/conversations/{conversation}/messages/1");
    let shown = api.get(&format!("{base}/mail")).await;
    assert!(shown.body.contains("<b>this</b>"), "{}", shown.body);
    assert!(!shown.body.contains("x()") && !shown.body.contains("tracker.test"), "{}", shown.body);
    let policy = shown.header("content-security-policy").unwrap_or_default();
    assert!(policy.contains("default-src 'none'") && policy.contains("sandbox"), "{policy}");
    let asked = api.get(&format!("{base}/mail?images=shown")).await;
    assert!(asked.body.contains("https://tracker.test/pixel.gif"), "{}", asked.body);

    let file = api.get(&format!("{base}/files/0")).await;
    assert_eq!((file.status, file.body.trim()), (200, "<script>x()</script>"));
    assert_eq!(file.header("content-type"), Some("application/octet-stream"));
    assert!(file.header("content-disposition").is_some_and(|it| it.starts_with("attachment;")));
    assert!(api.get(&format!("{base}/raw")).await.body.contains("Message-ID: <r1@shop.test>"));
    for path in ["mail", "files/0", "raw"] {
        assert_eq!(other.api.get(&format!("{base}/{path}")).await.status, 404, "another agent's {path}");
    }
    assert_eq!(api.get(&format!("{base}/files/7")).await.status, 404);
}

#[tokio::test]
async fn what_becomes_no_message_is_kept_until_somebody_looks() {
    let desk = Desk::open().await;
    let mut agent = desk.agent.online().await;
    let news = letter("news@shop.test", "n1", "Offers", "List-Id: <news.shop.test>\n", "Cheap!");
    assert!(desk.deliver("support@hub.test", &news).await.starts_with("250"));
    let nobody = "To: support@hub.test\nMessage-ID: <n2@shop.test>\nSubject: Who\n\nam I\n";
    assert!(desk.deliver("support@hub.test", nobody).await.starts_with("250"));
    let found: Vec<AsideView> = desk.workspace.admin.get("/api/v1/mail/aside").await.json();
    let whys: Vec<_> = found.iter().map(|it| (it.why.as_str(), it.subject.as_str())).collect();
    assert_eq!(whys, [("no_sender", "Who"), ("bulk", "Offers")]);
    assert_eq!(desk.agent.api.get("/api/v1/mail/aside").await.status, 403, "for who oversees");
    let raw = desk.workspace.admin.get(&format!("/api/v1/mail/aside/{}", found[1].id)).await;
    assert!(raw.body.contains("Cheap!"), "{}", raw.body);

    let text = format!("/api/v1/mail/aside/{}/text", found[1].id);
    let said: AsideBody = desk.workspace.admin.get(&text).await.json();
    assert_eq!(
        (said.text.trim(), said.to.as_slice()),
        ("Cheap!", ["support@hub.test".to_owned()].as_slice())
    );
    assert_eq!(desk.agent.api.get(&text).await.status, 403, "for who oversees");

    // Somebody says that it is a message after all.
    let take = |id: &str| format!("/api/v1/mail/aside/{id}/take");
    let nothing = serde_json::json!({});
    assert_eq!(desk.workspace.admin.post(&take(&found[1].id), &nothing).await.status, 202);
    let (_, text) = take_next(&mut agent).await;
    assert_eq!(text, "Cheap!");
    assert_eq!(
        desk.workspace.admin.post(&take(&found[0].id), &nothing).await.status,
        409,
        "nobody to answer"
    );
    let left: Vec<AsideView> = desk.workspace.admin.get("/api/v1/mail/aside").await.json();
    assert_eq!(left.len(), 1);

    // Or that it is nothing.
    let gone = format!("/api/v1/mail/aside/{}", left[0].id);
    assert_eq!(desk.agent.api.send("DELETE", &gone, &[], "").await.status, 403, "for who oversees");
    assert_eq!(desk.workspace.admin.send("DELETE", &gone, &[], "").await.status, 204);
    assert_eq!(desk.workspace.admin.send("DELETE", &gone, &[], "").await.status, 404);
}

#[tokio::test]
async fn an_answer_opens_its_ended_conversation_again() {
    let desk = Desk::open().await;
    let mut agent = desk.agent.online().await;
    desk.deliver("support@hub.test", &letter("ann@shop.test", "o1", "Parcel", "", "Where?")).await;
    let (conversation, _) = take_next(&mut agent).await;
    agent.say(Some(conversation), "There").await;
    let handed = desk.handed(1).await;
    let reply_to = super::desk::field(&handed[0].1, "Reply-To");
    let reply_to = reply_to.rsplit('<').next().unwrap_or_default().trim_end_matches('>').to_owned();
    let id = agent.id();
    agent.ask(ClientFrame::Close { id, conversation, solved: Some(true) }).await.expect("it ends");
    desk.deliver(&reply_to, &letter("ann@shop.test", "o2", "Re: Parcel", "", "Not there")).await;
    let (again, _) = take_next(&mut agent).await;
    assert_eq!(again, conversation);
    steps::message(&mut agent, "Not there").await;
}
