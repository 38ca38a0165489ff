//! Those who may not: without a ticket, with a used or forged one, from another page's origin, with a forged visitor's
//! key, with ids of another workspace, and with requests that are none.

use protocol::{ClientFrame, Code, ConversationState, SessionEvent, WidgetSessionInput};
use tests::{Client, Server};

use crate::steps;

#[tokio::test]
async fn a_ticket_opens_one_connection() {
    let server = Server::start().await;
    let workspace = server.workspace("shop", None).await;
    let ticket = workspace.agent("ana").await.ticket().await;
    let origin = server.origin();
    let mut client = Client::open(server.address, Some(&origin), &ticket).await;
    client.hello().await;
    for ticket in [ticket.as_str(), "forged", ""] {
        let refused = Client::try_open(server.address, Some(&origin), ticket).await.expect_err("not let in");
        assert_eq!(refused.0, 401, "{ticket:?}");
    }
    client.online().await;
}

#[tokio::test]
async fn another_page_s_origin_is_refused() {
    let server = Server::start().await;
    let workspace = server.workspace("shop", None).await;
    let agent = workspace.agent("ana").await;
    let own = server.origin();
    for origin in
        ["https://evil.example", "null", &own.replace("http", "https"), &format!("{own}.evil.example")]
    {
        let refused = Client::try_open(server.address, Some(origin), &agent.ticket().await)
            .await
            .expect_err("not let in");
        assert_eq!(refused.0, 403, "{origin}");
    }
    let mut visitor = workspace.visitor().await;
    let ticket = visitor.ticket().await;
    let refused = Client::try_open(server.address, Some("https://evil.example"), &ticket)
        .await
        .expect_err("not let in");
    assert_eq!(refused.0, 403);
}

#[tokio::test]
async fn a_forged_visitor_s_key_is_another_customer() {
    let server = Server::start().await;
    let workspace = server.workspace("shop", None).await;
    let mut visitor = workspace.visitor().await;
    visitor.connect().await.say(None, "mine").await;
    let mut forged = visitor.body.visitor.clone();
    let last = forged.pop().expect("a key has letters");
    forged.push(if last == 'a' { 'b' } else { 'a' });
    let input = WidgetSessionInput {
        widget: workspace.keys.widget.clone(),
        visitor: Some(forged),
        ..Default::default()
    };
    let answer = server.anonymous().post("/api/v1/widget/sessions", &input).await;
    if answer.status < 300 {
        let body: protocol::WidgetSessionBody = answer.json();
        assert_ne!(body.customer, visitor.body.customer);
    } else {
        assert!(matches!(answer.status, 401 | 422), "{}", answer.body);
    }
    let unknown = WidgetSessionInput { widget: "no-such-widget".to_owned(), ..Default::default() };
    let answer = server.anonymous().post("/api/v1/widget/sessions", &unknown).await;
    assert!(matches!(answer.status, 401 | 404), "{} {}", answer.status, answer.body);
}

#[tokio::test]
async fn nothing_crosses_workspaces() {
    let server = Server::start().await;
    let (here, there) = (server.workspace("here", None).await, server.workspace("there", None).await);
    let mut agent = here.agent("ana").await.online().await;
    let mut visitor = here.visitor().await;
    let mut customer = visitor.connect().await;
    let (conversation, ..) = customer.say(None, "of this workspace only").await;
    let stranger = there.agent("eve").await;
    let mut elsewhere = stranger.online().await;
    let mut other = there.visitor().await;
    let mut other = other.connect().await;

    let offer = steps::offer(&mut agent, conversation).await;
    for client in [&mut elsewhere, &mut other] {
        let id = client.id();
        let text = "let me in".to_owned();
        let send = client
            .ask(ClientFrame::Send { id, conversation: Some(conversation), contact_point: None, text })
            .await;
        assert_eq!(send, Err(Code::NotFound));
        let id = client.id();
        let close = client.ask(ClientFrame::Close { id, conversation, solved: None }).await;
        assert_eq!(close, Err(Code::NotFound));
        let id = client.id();
        let accept = client.ask(ClientFrame::Accept { id, offer: offer.id }).await;
        assert!(matches!(accept, Err(Code::NotFound | Code::Forbidden)), "{accept:?}");
        client.send(&ClientFrame::Typing { conversation }).await;
        client.send(&ClientFrame::Seen { conversation, upto: 1 }).await;
    }
    for path in [
        format!("/api/v1/conversations/{conversation}"),
        format!("/api/v1/conversations/{conversation}/messages"),
    ] {
        stranger.api.get(&path).await.problem(404);
        there.admin.get(&path).await.problem(404);
    }
    elsewhere
        .never("an offer from elsewhere", |frame| steps::is_offer(frame, conversation).then_some(()))
        .await;
    customer
        .never("something from elsewhere", |frame| {
            matches!(
                frame,
                protocol::ServerFrame::Typing { .. }
                    | protocol::ServerFrame::Event { event: SessionEvent::Seen { .. }, .. }
            )
            .then_some(())
        })
        .await;
    let id = agent.id();
    agent.ask(ClientFrame::Accept { id, offer: offer.id }).await.expect("the offer still stands");
    steps::state(&mut customer, conversation, ConversationState::Assigned).await;
}

#[tokio::test]
async fn requests_that_are_none_get_a_problem() {
    let server = Server::start().await;
    let workspace = server.workspace("shop", None).await;
    let json = [("content-type", "application/json")];
    let admin = &workspace.admin;
    let bad = admin.send("POST", "/api/v1/agents", &json, "{\"sign_in\":").await;
    bad.problem(bad.status);
    assert!(matches!(bad.status, 400 | 422), "{}", bad.status);
    let unknown = admin.send("POST", "/api/v1/agents", &json, "{\"sign_in\":\"x\",\"colour\":\"red\"}").await;
    let problem = unknown.problem(unknown.status);
    assert!(matches!(unknown.status, 400 | 422), "{}", unknown.status);
    assert!(unknown.body.contains("colour"), "an unknown field is named: {problem:?}");
    admin.get("/api/v1/no-such-thing").await.problem(404);
    admin.get("/api/v1/conversations/agt_00000000000000000000000000").await.problem(404);
    let huge = format!("{{\"sign_in\":\"{}\"}}", "x".repeat(4_000_000));
    let huge = admin.send("POST", "/api/v1/agents", &json, &huge).await;
    assert!(huge.problem(413).detail.contains("larger"), "{}", huge.body);
    let plain = server.anonymous().send("GET", "/api/v1/socket", &[], "").await;
    plain.problem(426);
}
