//! Trying a policy over the running server, and the export of what it recorded.

use policy::id::ConversationId;
use protocol::{ClientFrame, PublicationsBody, TrialBody, TryBody};
use tests::{Api, Server, Workspace};

use crate::steps;

const TEXT: [(&str, &str); 1] = [("content-type", "text/plain")];
const TRIAL: &str = "/api/v1/policy/trial";
const TRY: &str = "/api/v1/policy/try?hours=1&draws=3";

/// Three conversations, served one after the other by one agent.
async fn traffic(workspace: &Workspace) -> Vec<ConversationId> {
    let mut agent = workspace.agent("ana").await.online().await;
    let mut served = Vec::new();
    for turn in 0..3 {
        let mut visitor = workspace.visitor().await;
        let mut customer = visitor.connect().await;
        let conversation = steps::in_hand(&mut customer, &mut agent, &format!("secret word {turn}")).await;
        agent.say(Some(conversation), "an answer").await;
        let id = agent.id();
        agent.ask(ClientFrame::Close { id, conversation, solved: None }).await.expect("the holder may close");
        served.push(conversation);
    }
    served
}

async fn in_force(api: &Api) -> String {
    api.get("/api/v1/policy").await.body
}

#[tokio::test]
async fn a_policy_is_tried_on_recorded_traffic_before_it_goes_live() {
    let server = Server::start().await;
    let workspace = server.workspace("shop", Some("[queues.support]\ntarget_s = 30\n")).await;
    let nothing = workspace.admin.send("POST", TRY, &TEXT, &in_force(&workspace.admin).await).await;
    assert!([200, 409].contains(&nothing.status), "{}", nothing.body);
    let served = traffic(&workspace).await;
    let text = in_force(&workspace.admin).await;

    let unchanged: TryBody = workspace.admin.send("POST", TRY, &TEXT, &text).await.json();
    assert_eq!(unchanged.conversations, served.len() as u64);
    assert!(unchanged.decisions >= served.len() as u64);
    assert_eq!((unchanged.identical, unchanged.changed), (unchanged.decisions, 0));
    assert_eq!((unchanged.worse_off, unchanged.draws), (0, 3));
    assert!(unchanged.blocked_by.is_empty(), "{unchanged:?}");
    assert!(unchanged.groups.iter().any(|it| it.by == "queue" && it.name == "support"));
    assert!(unchanged.loads.iter().any(|it| it.name.is_some()), "{unchanged:?}");

    // A skill that nobody has: nobody could be served any more.
    let strict = "[skills]\nlatin = \"\"\n[queues.support]\nneeds = { latin = 50 }\n";
    let blocked: TryBody = workspace.admin.send("POST", TRY, &TEXT, strict).await.json();
    assert_eq!(blocked.changed, blocked.decisions);
    assert!(blocked.blocked_by.iter().any(|it| it.contains("no longer be served")), "{blocked:?}");
    assert_eq!(in_force(&workspace.admin).await, text, "trying changes nothing");
}

#[tokio::test]
async fn a_policy_that_was_not_tried_is_tried_when_it_is_published() {
    let server = Server::start().await;
    let workspace = server.workspace("shop", Some("[queues.support]\ntarget_s = 30\n")).await;
    traffic(&workspace).await;
    let (admin, before) = (&workspace.admin, in_force(&workspace.admin).await);
    // The agents could serve it, were it ever open.
    let closed = "[hours.never]\nweek = {}\n[queues.support]\nhours = \"never\"\n";
    let problem = admin.send("PUT", "/api/v1/policy", &TEXT, closed).await.problem(409);
    assert!(problem.errors.iter().any(|it| it.detail.contains("no longer be served")), "{problem:?}");
    assert_eq!(in_force(admin).await, before, "nothing was changed");
    let put = admin.send("PUT", "/api/v1/policy?reason=we%20close", &TEXT, closed).await;
    assert_eq!(put.status, 204, "{}", put.body);
    let kept: PublicationsBody = admin.get("/api/v1/policy/publications").await.json();
    let objections = &kept.publications[0].objections;
    assert!(kept.publications[0].tried && objections.iter().any(|it| it.contains("no longer be served")));
    // What was there before harms nobody.
    assert_eq!(admin.send("PUT", "/api/v1/policy", &TEXT, &before).await.status, 204);
}

#[tokio::test]
async fn who_may_try_and_what_can_be_tried() {
    let server = Server::start().await;
    let workspace = server.workspace("shop", None).await;
    let agent = workspace.agent("ben").await;
    agent.api.send("POST", TRY, &TEXT, "").await.problem(403);
    let problem = workspace.admin.send("POST", TRY, &TEXT, "[queues.support]\nhours = \"none\"\n").await;
    assert!(!problem.problem(422).errors.is_empty());
    workspace.admin.send("POST", "/api/v1/policy/try?hours=0", &TEXT, "").await.problem(422);
}

#[tokio::test]
async fn a_trial_puts_one_of_two_policies_in_force_and_ends() {
    let mut server = Server::start().await;
    let workspace = server.workspace("shop", Some("[queues.support]\ntarget_s = 30\n")).await;
    let admin = &workspace.admin;
    admin.get(TRIAL).await.problem(404);
    let before = in_force(admin).await;
    admin.send("PUT", TRIAL, &TEXT, &before).await.problem(422);
    let tried = "[queues.support]\ntarget_s = 90\n";
    assert_eq!(admin.send("PUT", "/api/v1/policy/trial?minutes=240", &TEXT, tried).await.status, 204);
    admin.send("PUT", TRIAL, &TEXT, tried).await.problem(409);
    traffic(&workspace).await;

    server.kill().await;
    server.start_again().await;
    let shown: TrialBody = admin.get(TRIAL).await.json();
    assert_eq!((shown.minutes, shown.low), (240, None));
    let now = in_force(admin).await;
    assert!(now.contains(if shown.in_force { "target_s = 90" } else { "target_s = 30" }), "{now}");

    assert_eq!(admin.send("DELETE", TRIAL, &[], "").await.status, 204);
    assert_eq!(in_force(admin).await, before);
    // What a person installs stays, and ends a trial.
    assert_eq!(admin.send("PUT", TRIAL, &TEXT, tried).await.status, 204);
    assert_eq!(admin.send("PUT", "/api/v1/policy", &TEXT, "[queues.other]\n").await.status, 204);
    admin.get(TRIAL).await.problem(404);
    assert!(in_force(admin).await.contains("queues.other"));
}

#[tokio::test]
async fn what_is_exported_holds_no_words_and_no_names() {
    // The verb reads a data folder.
    if tests::Redis::wanted() {
        return;
    }
    let mut server = Server::start().await;
    let workspace = server.workspace("shop", None).await;
    let served = traffic(&workspace).await;
    server.terminate();
    server.ended(tests::PATIENCE).await;
    let file = server.data().with_file_name("shop.rec");
    let exported = std::process::Command::new(Server::program())
        .args(["export", "events", "--workspace", "shop", "--data"])
        .arg(server.data())
        .arg("--out")
        .arg(&file)
        .output()
        .expect("the server's program can be started");
    assert!(exported.status.success(), "{}", String::from_utf8_lossy(&exported.stderr));
    holds_no_words(&std::fs::read(&file).expect("the recording"), &served);
}

#[tokio::test]
async fn a_running_server_sends_its_recording_to_an_admin_alone() {
    let server = Server::start().await;
    let workspace = server.workspace("shop", None).await;
    let served = traffic(&workspace).await;
    let file = server.data().with_file_name("shop.rec");
    let export = |token: &str| {
        let mut command = std::process::Command::new(Server::program());
        command.args(["export", "events", "--url", &server.origin(), "--out"]).arg(&file);
        let done = command.env("SWITCHBOARD_TOKEN", token).output().expect("the program can be started");
        (done.status.success(), String::from_utf8_lossy(&done.stderr).into_owned())
    };
    let agent = workspace.agent("ben").await.api.token.expect("agents have tokens");
    let (done, told) = export(&agent);
    assert!(!done && told.contains("403") && !file.exists(), "{told}");
    let (done, told) = export(&workspace.keys.admin_token);
    assert!(done && told.contains("without bodies and names"), "{told}");
    let bytes = std::fs::read(&file).expect("the recording");
    holds_no_words(&bytes, &served);
    // The last frame: its length, its tag, and how many events there are.
    let (end, count) = bytes[bytes.len() - 13..].split_at(5);
    let count = u64::from_le_bytes(count.try_into().expect("eight bytes"));
    assert!(end == [9, 0, 0, 0, 4] && count > 10, "{end:?} {count}");
}

/// A recording has these conversations, and nobody's words or names.
fn holds_no_words(bytes: &[u8], served: &[ConversationId]) {
    assert!(bytes.starts_with(b"{\"switchboard\":\"events\""));
    let holds = |part: &[u8]| bytes.windows(part.len()).any(|it| it == part);
    // Ids stand in it as 16 bytes.
    for conversation in served {
        assert!(holds(&conversation.bits().to_be_bytes()), "{conversation} is not in it");
    }
    for secret in ["secret word", "an answer", "ana", "Ana"] {
        assert!(!holds(secret.as_bytes()), "`{secret}` stands in the recording");
    }
}
