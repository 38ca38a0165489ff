//! A workspace moves from a data folder to Redis and back, and nobody notices but by where it is served from.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;

use policy::id::ConversationId;
use protocol::{ClientFrame, HistoryBody, Mode};
use tests::{PATIENCE, Redis, Server, Visitor, Workspace};

use crate::steps;

/// `switchboard migrate` with the settings of a node on this Redis.
fn migrate(redis: &Redis, node: &Path, arguments: &[&str]) -> Output {
    Command::new(Server::program())
        .arg("migrate")
        .args(arguments)
        .env("SWITCHBOARD__REDIS__URLS", redis.url())
        .env("SWITCHBOARD__REDIS__KEYS", redis.keys())
        .env("SWITCHBOARD__REDIS__BLOBS", redis.keys())
        .env("SWITCHBOARD__REDIS__LEASE_MS", tests::LEASE_MS.to_string())
        .env("SWITCHBOARD__DATA", node)
        .output()
        .expect("the program can be started")
}

fn told(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn refused(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// What it said of events and states.
fn states(told: &str) -> Vec<&str> {
    told.lines().filter(|line| line.starts_with("shard ")).collect()
}

/// A server whose store has two workspaces, with conversations that are open and ended.
struct Old {
    server: Server,
    shop: Workspace,
    bikes: Workspace,
    visitor: Visitor,
    open: ConversationId,
    ended: ConversationId,
}

impl Old {
    async fn start() -> Self {
        let server = Server::start_on(None, &[]).await;
        let shop = server.workspace("shop", None).await;
        let bikes = server.workspace("bikes", None).await;
        let ana = shop.agent("ana").await;
        let mut agent = ana.online().await;
        let mut visitor = shop.visitor_with(|it| it.name = Some("Wilhelmina".to_owned())).await;
        let mut customer = visitor.connect().await;
        let ended = steps::in_hand(&mut customer, &mut agent, "the first matter").await;
        let id = agent.id();
        let close = ClientFrame::Close { id, conversation: ended, solved: Some(true) };
        agent.ask(close).await.expect("an agent may end what is in hand");
        let open = steps::in_hand(&mut customer, &mut agent, "the second matter").await;
        agent.say(Some(open), "at once").await;
        steps::message(&mut customer, "at once").await;
        let mut other = bikes.visitor().await;
        other.connect().await.say(None, "a bell").await;
        Self { server, shop, bikes, visitor, open, ended }
    }

    async fn stop(&mut self) {
        self.server.terminate();
        self.server.ended(PATIENCE).await;
    }
}

async fn history(workspace: &Workspace, conversation: ConversationId) -> HistoryBody {
    let path = format!("/api/v1/conversations/{conversation}/messages?limit=100");
    workspace.admin.get(&path).await.json()
}

/// Everything an admin sees of a conversation, the customer's record included.
async fn seen(workspace: &Workspace, conversation: ConversationId) -> serde_json::Value {
    workspace.admin.get(&format!("/api/v1/conversations/{conversation}")).await.json()
}

#[tokio::test]
async fn a_store_moves_to_redis_and_back_and_serves_on_both() {
    if !Redis::there() {
        return;
    }
    let mut old = Old::start().await;
    let (before, ended) = (history(&old.shop, old.open).await, history(&old.shop, old.ended).await);
    let record = seen(&old.shop, old.ended).await;
    assert_eq!(steps::texts(&before.messages), ["the second matter", "at once"]);
    let redis = Arc::new(Redis::start());
    let folder = tempfile::tempdir().expect("a folder can be made");
    let node = folder.path().join("node");
    let data = old.server.data();
    let text = |path: &PathBuf| path.to_str().expect("a plain path").to_owned();
    let from = ["--from".to_owned(), text(&data)];
    let from = from.each_ref().map(String::as_str);
    let said = refused(&migrate(&redis, &node, &from));
    assert!(said.contains("in use by another process"), "{said}");
    old.stop().await;
    let there = told(&migrate(&redis, &node, &from));
    assert!(states(&there).len() >= 2, "{there}");
    let said = refused(&migrate(&redis, &node, &from));
    assert!(said.contains("not empty"), "{said}");

    // Back at once: the same events, the same states.
    let again = tempfile::tempdir().expect("a folder can be made");
    let to = ["--to".to_owned(), text(&again.path().join("data"))];
    let to = to.each_ref().map(String::as_str);
    let back = told(&migrate(&redis, &node, &to));
    assert_eq!(states(&there), states(&back));
    let rows = |told: &str, table: &str| {
        told.lines().find(|line| line.starts_with(table)).map(str::to_owned).expect("it has rows")
    };
    for table in ["transcripts", "customers", "accounts", "keys", "decisions"] {
        assert_eq!(rows(&there, table), rows(&back, table));
    }
    let said = refused(&migrate(&redis, &node, &to));
    assert!(said.contains("not empty"), "{said}");

    // On Redis it goes on.
    let nodes = [Server::start_on(Some(Arc::clone(&redis)), &[]).await];
    crate::nodes::settled(&nodes.iter().collect::<Vec<_>>()).await;
    let shop = old.shop.at(&nodes[0]);
    assert_eq!(history(&shop, old.open).await, before);
    assert_eq!(history(&shop, old.ended).await, ended);
    assert_eq!(seen(&shop, old.ended).await, record);
    old.visitor.go_to(&nodes[0]);
    let mut customer = old.visitor.connect().await;
    customer.say(Some(old.open), "on Redis").await;
    assert_eq!(
        steps::texts(&history(&shop, old.open).await.messages),
        ["the second matter", "at once", "on Redis"]
    );
    let elsewhere = folder.path().join("elsewhere");
    let said = refused(&migrate(&redis, &node, &["--to", &text(&elsewhere)]));
    assert!(said.contains("serve from Redis"), "{said}");

    // What went back before that goes on from there.
    let server = Server::start_in(again).await;
    let shop = old.shop.at(&server);
    assert_eq!(history(&shop, old.open).await, before);
    assert_eq!(history(&shop, old.ended).await, ended);
    assert_eq!(seen(&shop, old.ended).await, record);
    old.visitor.go_to(&server);
    let mut customer = old.visitor.connect().await;
    customer.say(Some(old.open), "alone again").await;
    let session = customer.session.expect("welcomed");
    let seq = customer.seq;
    customer.vanish();
    let mut customer = old.visitor.connect_silent().await;
    assert_eq!(customer.resume(session, seq).await, Mode::Resume);
}

#[tokio::test]
async fn one_workspace_moves_and_nothing_of_the_others_goes_with_it() {
    if !Redis::there() {
        return;
    }
    let mut old = Old::start().await;
    let before = history(&old.shop, old.open).await;
    old.stop().await;
    let redis = Arc::new(Redis::start());
    let folder = tempfile::tempdir().expect("a folder can be made");
    let node = folder.path().join("node");
    let data = old.server.data();
    let from = ["--from", data.to_str().expect("a plain path"), "--workspace", "shop"];
    let there = told(&migrate(&redis, &node, &from));
    assert_eq!(states(&there).len(), 1, "{there}");
    let back = folder.path().join("back");
    let back = told(&migrate(&redis, &node, &["--to", back.to_str().expect("a plain path")]));
    assert_eq!(states(&there), states(&back));
    let said = refused(&migrate(&redis, &node, &["--to", "unused", "--workspace", "bikes"]));
    assert!(said.contains("there is no workspace bikes"), "{said}");

    let nodes = [Server::start_on(Some(Arc::clone(&redis)), &[]).await];
    crate::nodes::settled(&nodes.iter().collect::<Vec<_>>()).await;
    let shop = old.shop.at(&nodes[0]);
    assert_eq!(history(&shop, old.open).await, before);
    old.bikes.at(&nodes[0]).admin.get("/api/v1/agents").await.problem(401);
    old.visitor.go_to(&nodes[0]);
    let mut customer = old.visitor.connect().await;
    customer.say(Some(old.open), "moved").await;
    assert_eq!(history(&shop, old.open).await.messages.len(), 3);
    // The source is as it was.
    old.server.start_again().await;
    assert_eq!(history(&old.shop, old.open).await, before);
    assert_eq!(old.bikes.admin.get("/api/v1/agents").await.status, 200);
}
