//! Figures: what the board counts, and that every figure that operations are told of moves when the server is used.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use protocol::{BoardView, ClientFrame, ConversationState, TransferTarget};
use tests::{Client, Server, Workspace};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;

use crate::steps;

async fn arrived(workspace: &Workspace) -> BTreeMap<String, u32> {
    let board: BoardView = workspace.admin.get("/api/v1/board").await.json();
    board.queues.into_iter().map(|row| (row.name, row.arrived_hour)).collect()
}

#[tokio::test]
async fn what_is_handed_over_arrives_in_its_new_queue() {
    let server = Server::start().await;
    let policy = "[queues.first]\n\n[queues.second]\n\n[[intake]]\nqueue = \"first\"\n";
    let workspace = server.workspace("shop", Some(policy)).await;
    let ana = workspace.agent("ana").await;
    let ben = workspace.agent("ben").await;
    let mut agent = ana.online().await;
    let mut customer = workspace.visitor().await.connect().await;
    let conversation = steps::in_hand(&mut customer, &mut agent, "Hello").await;
    let counts =
        |first: u32, second: u32| [("first".to_owned(), first), ("second".to_owned(), second)].into();
    assert_eq!(arrived(&workspace).await, counts(1, 0));

    let mut other = ben.online().await;
    let (id, to) = (agent.id(), TransferTarget::Queue("second".to_owned()));
    agent.ask(ClientFrame::Transfer { id, conversation, to }).await.expect("the holder may hand over");
    steps::take(&mut other, conversation).await;
    assert_eq!(arrived(&workspace).await, counts(1, 1));

    // From agent to agent it comes into no queue.
    let (id, to) = (other.id(), TransferTarget::Agent(ana.body.id));
    other.ask(ClientFrame::Transfer { id, conversation, to }).await.expect("the holder may hand over");
    steps::take(&mut agent, conversation).await;
    assert_eq!(arrived(&workspace).await, counts(1, 1));
}

/// Figures that this story does not move, each with what moves it.
const ELSEWHERE: [(&str, &str); 7] = [
    ("alarms", "somebody whom nobody can serve: policy.rs"),
    ("appends_failed", "a disk that fails: faults.rs"),
    ("certificate_reads", "a server with TLS: the tests in router/src/listen"),
    ("handshakes_failed", "the same"),
    ("conversations_moved", "nodes that share a blob store: hot.rs"),
    ("shard_queue_depth", "an overload: between two asks it is 0"),
    ("slow_readers", "a client that never reads: limits.rs"),
];

/// The names in the table of the operations page.
fn told() -> BTreeSet<String> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/operations.md");
    let page = std::fs::read_to_string(page).expect("the operations page is there");
    let table = page.split("| figure | kind |").nth(1).expect("it has a table of figures");
    let rows = table.split("\n\n").next().expect("a table ends").lines().skip(2);
    let cells = rows.filter_map(|row| row.split('|').nth(1));
    cells
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .map(|name| name.split('{').next().unwrap_or(name).trim_end_matches("_total").to_owned())
        .collect()
}

/// The families of which some sample is not 0.
async fn moved(server: &Server) -> BTreeSet<String> {
    let figures = server.anonymous().get("/metrics").await;
    assert_eq!(figures.status, 200);
    let mut family = String::new();
    let mut moved = BTreeSet::new();
    for line in figures.body.lines() {
        if let Some(name) = line.strip_prefix("# TYPE switchboard_") {
            family = name.split(' ').next().unwrap_or(name).to_owned();
        } else if !line.starts_with('#')
            && line.rsplit(' ').next().and_then(|value| value.parse::<f64>().ok()).is_some_and(|it| it != 0.0)
        {
            moved.insert(family.clone());
        }
    }
    moved
}

#[tokio::test]
async fn every_figure_moves_when_the_server_is_used() {
    let server = Server::serve("level = \"os\"\n[limits]\nconnections_per_source = 16\n").await;
    let policy = "[queues.all]\n\n[[intake]]\nwhen = { if = \"1 / size(topics) > 0\" }\nqueue = \"all\"\n";
    let workspace = server.workspace("shop", Some(policy)).await;

    // A conversation in hand, and one that waits because nobody has room for it.
    let mut agent = workspace.agent_with("ana", |input| input.capacity = 1).await.online().await;
    let mut customer = workspace.visitor().await.connect().await;
    let conversation = steps::in_hand(&mut customer, &mut agent, "Hello").await;
    agent.say(Some(conversation), "Good day").await;
    let mut waiting = workspace.visitor().await.connect().await;
    let (second, ..) = waiting.say(None, "Is anybody here?").await;
    steps::state(&mut waiting, second, ConversationState::Waiting).await;

    // What is refused: a frame, a session that says hello twice, a password, a ticket, connections beyond the limit.
    customer.raw("{").await;
    let mut twice = workspace.visitor().await.connect().await;
    twice.try_message(Message::text("{\"type\":\"hello\",\"protocol\":1}")).await.ok();
    twice.closed().await;
    let wrong = [("name", "ana"), ("password", "not this one")];
    let wrong: BTreeMap<&str, &str> = wrong.into();
    assert_eq!(server.anonymous().post("/api/v1/sign-in", &wrong).await.status, 401);
    let refused = Client::try_open(server.address, Some(&server.origin()), "no-such-ticket").await;
    assert!(refused.is_err(), "a ticket that nobody was given");
    {
        let mut held = Vec::new();
        for _ in 0..20 {
            held.push(TcpStream::connect(server.address).await);
        }
    }
    // Until the server has seen them go, one more is one too many.
    for _ in 0..100 {
        if server.anonymous().try_send("GET", "/livez", &[], "").await.is_ok() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }

    let elsewhere: BTreeSet<String> = ELSEWHERE.iter().map(|(name, _)| (*name).to_owned()).collect();
    let told = told();
    assert!(told.len() > 25 && elsewhere.is_subset(&told), "{told:?}");
    let mut still = BTreeSet::new();
    for _ in 0..100 {
        still = told.difference(&moved(&server).await).cloned().collect();
        if still.is_subset(&elsewhere) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("these did not move: {:?}", still.difference(&elsewhere).collect::<Vec<_>>());
}
