//! Who may do what: every role against every action, over HTTP and in a session, judged by the role as it is now.

use protocol::{ClientFrame, Code, PresenceWish, TokenInput, TransferTarget, WorkspaceInput};
use serde_json::json;
use tests::{Api, Server};

use crate::steps;

/// What a role gets: the thing, a refusal, or the question who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gets {
    Yes,
    No,
    Who,
}

impl Gets {
    fn of(status: u16) -> Self {
        match status {
            200..300 => Self::Yes,
            401 => Self::Who,
            403 => Self::No,
            other => panic!("neither done nor refused: {other}"),
        }
    }
}

#[tokio::test]
async fn roles_over_http() {
    use Gets::{No, Who, Yes};
    let server = Server::start().await;
    let workspace = server.workspace("shop", None).await;
    let agent = workspace.agent("ana").await;
    let supervisor = workspace.agent_with("sue", |it| it.role = "supervisor".to_owned()).await;
    let roles: [(&str, Api); 5] = [
        ("nobody", server.anonymous()),
        ("agent", agent.api.clone()),
        ("supervisor", supervisor.api.clone()),
        ("admin", workspace.admin.clone()),
        ("operator", server.operator()),
    ];
    for (role, api) in &roles {
        let board = Gets::of(api.get("/api/v1/board").await.status);
        let input = json!({"sign_in": format!("new-{role}"), "name": "New", "kind": "person", "role": "agent", "capacity": 1});
        let agents = Gets::of(api.post("/api/v1/agents", &input).await.status);
        let tokens =
            Gets::of(api.post("/api/v1/tokens", &TokenInput { agent: agent.body.id, days: 1 }).await.status);
        let input = WorkspaceInput { name: format!("by-{role}"), company: None, policy: None };
        let workspaces = Gets::of(api.post("/api/v1/workspaces", &input).await.status);
        let expected = match *role {
            "nobody" => [Who, Who, Who, Who],
            "agent" => [Yes, No, No, No],
            "supervisor" => [Yes, No, No, No],
            "admin" => [Yes, Yes, Yes, No],
            "operator" => [No, No, No, Yes],
            other => panic!("{other}"),
        };
        assert_eq!(
            [board, agents, tokens, workspaces],
            expected,
            "{role}: board, agents, tokens, workspaces"
        );
    }
}

#[tokio::test]
async fn customers_write_and_end_their_own() {
    let server = Server::start().await;
    let workspace = server.workspace("shop", None).await;
    let person = workspace.agent("ana").await;
    let mut agent = person.online().await;
    let mut visitor = workspace.visitor().await;
    let mut customer = visitor.connect().await;
    let (conversation, ..) = customer.say(None, "hello").await;
    let offer = steps::offer(&mut agent, conversation).await;
    let id = "forbidden";
    let frames = [
        ClientFrame::Accept { id: format!("{id}-1"), offer: offer.id },
        ClientFrame::Decline { id: format!("{id}-2"), offer: offer.id, reason: None },
        ClientFrame::Transfer {
            id: format!("{id}-3"),
            conversation,
            to: TransferTarget::Agent(person.body.id),
        },
        ClientFrame::Park { id: format!("{id}-4"), conversation, until_ms: None },
        ClientFrame::Unpark { id: format!("{id}-5"), conversation },
        ClientFrame::Presence { id: format!("{id}-6"), state: PresenceWish::Online },
    ];
    for frame in frames {
        assert_eq!(customer.ask(frame.clone()).await, Err(Code::Forbidden), "{frame:?}");
    }
    customer.send(&ClientFrame::Watch { board: true }).await;
    customer
        .wait("a rejection", |frame| {
            matches!(frame, protocol::ServerFrame::Rejected { code: Code::Forbidden, .. }).then_some(())
        })
        .await;
    let mut stranger = workspace.visitor().await;
    let mut stranger = stranger.connect().await;
    for frame in [
        ClientFrame::Send {
            id: "s-1".to_owned(),
            conversation: Some(conversation),
            contact_point: None,
            text: "not mine".to_owned(),
        },
        ClientFrame::Close { id: "s-2".to_owned(), conversation, solved: None },
        ClientFrame::Reopen { id: "s-3".to_owned(), conversation },
    ] {
        let answer = stranger.ask(frame.clone()).await;
        assert_eq!(answer, Err(Code::NotFound), "{frame:?}: a stranger does not even learn that it is there");
    }
    let id = customer.id();
    customer
        .ask(ClientFrame::Close { id, conversation, solved: None })
        .await
        .expect("customers may end their own");
}

#[tokio::test]
async fn agents_act_on_what_they_hold() {
    let server = Server::start().await;
    let workspace = server.workspace("shop", None).await;
    let mut holder = workspace.agent("ana").await.online().await;
    let mut visitor = workspace.visitor().await;
    let mut customer = visitor.connect().await;
    let conversation = steps::in_hand(&mut customer, &mut holder, "hello").await;
    let mut other = workspace.agent("bo").await.online().await;
    for frame in [
        ClientFrame::Send {
            id: "o-1".to_owned(),
            conversation: Some(conversation),
            contact_point: None,
            text: "not mine".to_owned(),
        },
        ClientFrame::Close { id: "o-2".to_owned(), conversation, solved: None },
        ClientFrame::Park { id: "o-3".to_owned(), conversation, until_ms: None },
        ClientFrame::Transfer {
            id: "o-4".to_owned(),
            conversation,
            to: TransferTarget::Queue("support".to_owned()),
        },
    ] {
        let answer = other.ask(frame.clone()).await;
        assert!(
            matches!(answer, Err(Code::Forbidden | Code::Conflict | Code::NotFound)),
            "{frame:?}: {answer:?}"
        );
    }
    let mut supervisor =
        workspace.agent_with("sue", |it| it.role = "supervisor".to_owned()).await.connect().await;
    let id = supervisor.id();
    supervisor
        .ask(ClientFrame::Close { id, conversation, solved: None })
        .await
        .expect("a supervisor may end any conversation");
}

#[tokio::test]
async fn a_role_that_is_taken_away_ends_at_once() {
    let server = Server::start().await;
    let workspace = server.workspace("shop", None).await;
    let person = workspace.agent_with("sue", |it| it.role = "admin".to_owned()).await;
    let new = |sign_in: &str| json!({"sign_in": sign_in, "name": "New", "kind": "person", "role": "agent", "capacity": 1});
    assert_eq!(person.api.post("/api/v1/agents", &new("one")).await.status / 100, 2);
    let path = format!("/api/v1/agents/{}", person.body.id);
    let lowered = json!({"sign_in": "sue", "name": "Sue", "kind": "person", "role": "agent", "capacity": 3});
    let changed = workspace.admin.put(&path, &lowered).await;
    assert_eq!(changed.status / 100, 2, "{}", changed.body);
    assert_eq!(person.api.post("/api/v1/agents", &new("two")).await.status, 403);
}
