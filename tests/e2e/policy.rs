//! A policy over the running server: conditions decide where a conversation goes, a step hands it on, a wrong one is told.

use policy::id::ConversationId;
use protocol::{
    AgentState, AlarmKind, BreaksBody, ClientFrame, ConversationState, Me, PolicyRemarks, PublicationsBody,
    ServerFrame, SessionEvent,
};
use tests::{Client, Server};

use crate::steps;

/// Waits until a customer's conversation waits in a queue.
async fn in_queue(client: &mut Client, which: ConversationId, queue: &str) {
    client
        .event(&format!("the queue {queue}"), |event| match event {
            SessionEvent::Conversation { conversation }
                if conversation.id == which
                    && conversation.queue == queue
                    && conversation.state == ConversationState::Waiting =>
            {
                Some(())
            }
            _ => None,
        })
        .await;
}

#[tokio::test]
async fn a_condition_knows_who_has_been_here_and_a_step_hands_on_after_its_time() {
    let server = Server::start().await;
    let policy = r#"
[queues.support]
[queues.regulars]
[[queues.regulars.steps]]
after_s = 1
queue = "support"
[[intake]]
when = { if = "customer.known && channel == 'web_chat'" }
queue = "regulars"
[[intake]]
queue = "support"
"#;
    let workspace = server.workspace("shop", Some(policy)).await;
    let mut visitor = workspace.visitor().await;
    let mut customer = visitor.connect().await;
    let (first, ..) = customer.say(None, "Hello").await;
    in_queue(&mut customer, first, "support").await;
    let id = customer.id();
    customer
        .ask(ClientFrame::Close { id, conversation: first, solved: None })
        .await
        .expect("customers may end their own");

    let (second, ..) = customer.say(None, "Me again").await;
    assert_ne!(first, second);
    in_queue(&mut customer, second, "regulars").await;
    // Nobody is here; at its age of a second it goes on, and whoever comes then gets it.
    in_queue(&mut customer, second, "support").await;
    let mut agent = workspace.agent("ana").await.online().await;
    let offer = steps::take(&mut agent, second).await;
    assert_eq!(offer.conversation.queue, "support");
}

#[tokio::test]
async fn a_wrong_condition_is_told_with_its_place_and_changes_nothing() {
    let server = Server::start().await;
    let workspace = server.workspace("shop", None).await;
    let wrong = "[queues.support]\n[[intake]]\nwhen = { if = \"customr.known\" }\nqueue = \"support\"\n";
    let answer =
        workspace.admin.send("PUT", "/api/v1/policy", &[("content-type", "text/plain")], wrong).await;
    let problem = answer.problem(422);
    let told = format!("{problem:?}");
    assert!(told.contains("customer") && told.contains("column"), "{told}");
    let kept = workspace.admin.get("/api/v1/policy").await;
    assert_eq!(kept.status, 200);
    assert!(!kept.body.contains("customr"), "nothing was changed");
}

#[tokio::test]
async fn two_are_asked_at_once_and_the_first_has_it() {
    let server = Server::start().await;
    let policy = "[queues.support]\noffers = 2\noffer_s = 60\n";
    let workspace = server.workspace("shop", Some(policy)).await;
    let mut ana = workspace.agent("ana").await.online().await;
    let mut ben = workspace.agent("ben").await.online().await;
    let mut visitor = workspace.visitor().await;
    let mut customer = visitor.connect().await;
    let (conversation, ..) = customer.say(None, "Hello").await;
    let one = steps::offer(&mut ana, conversation).await;
    let other = steps::offer(&mut ben, conversation).await;
    assert_ne!(one.id, other.id);
    let id = ben.id();
    ben.ask(ClientFrame::Accept { id, offer: other.id }).await.expect("the first has it");
    let why = ana
        .event("the end of the offer", |event| match event {
            SessionEvent::OfferEnded { offer, why } if *offer == one.id => Some(why.clone()),
            _ => None,
        })
        .await;
    assert_eq!(why, "withdrawn");
    let id = ana.id();
    let late = ana.ask(ClientFrame::Accept { id, offer: one.id }).await;
    assert!(late.is_err(), "only one has it");
}

#[tokio::test]
async fn room_is_kept_for_writing_up_and_a_paused_channel_brings_nothing() {
    let server = Server::start().await;
    let policy = "[queues.support]\noffer_s = 0\nwrap_up_s = 600\n";
    let workspace = server.workspace("shop", Some(policy)).await;
    let agent = workspace.agent_with("ana", |input| input.capacity = 1).await;
    let mut agent = agent.online().await;
    let mut visitors = Vec::new();
    for _ in 0..2 {
        visitors.push(workspace.visitor().await);
    }
    let mut first = visitors[0].connect().await;
    let (done, ..) = first.say(None, "Hello").await;
    assigned(&mut agent, done).await;
    let mut second = visitors[1].connect().await;
    let (next, ..) = second.say(None, "Me too").await;
    let id = agent.id();
    agent.ask(ClientFrame::Close { id, conversation: done, solved: Some(true) }).await.expect("closed");
    let wrapping = me(&mut agent, |me| me.wrapping.len() == 1).await.wrapping;
    assert_eq!(wrapping[0].conversation, done);
    agent
        .never("the next while the first is written up", |event| match event {
            ServerFrame::Event { event: SessionEvent::Conversation { conversation }, .. } => {
                (conversation.id == next).then_some(())
            }
            _ => None,
        })
        .await;
    let id = agent.id();
    agent.ask(ClientFrame::Pause { id, channels: vec!["web_chat".into()] }).await.expect("paused");
    let id = agent.id();
    agent.ask(ClientFrame::WrapUp { id, conversation: done }).await.expect("written up");
    let now = me(&mut agent, |me| me.wrapping.is_empty() && !me.paused.is_empty()).await;
    assert_eq!((now.paused, now.load), (vec!["web_chat".to_owned()], 0));
    let id = agent.id();
    agent.ask(ClientFrame::Pause { id, channels: Vec::new() }).await.expect("taken up again");
    assigned(&mut agent, next).await;
}

#[tokio::test]
async fn a_planned_break_is_shown_and_over_when_the_plan_is() {
    let server = Server::start().await;
    let workspace = server.workspace("shop", Some("[queues.support]\noffer_s = 0\n")).await;
    let agent = workspace.agent("ana").await;
    let mut desk = agent.online().await;
    let path = format!("/api/v1/agents/{}/breaks", agent.body.id);
    let all_day = |day: &str| (day.to_owned(), vec!["00:00-23:59".to_owned()]);
    let week = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"].map(all_day).into();
    let plan = BreaksBody { zone: "Europe/Vienna".to_owned(), week, quiet_s: 60 };
    agent.api.put(&path, &plan).await.problem(403);
    assert_eq!(workspace.admin.put(&path, &plan).await.status, 204);
    assert_eq!(workspace.admin.get(&path).await.json::<BreaksBody>(), plan);
    let now = me(&mut desk, |me| me.on_break.is_some()).await;
    let on_break = now.on_break.expect("a break");
    assert!(on_break.begun && on_break.until_ms > on_break.from_ms, "{on_break:?}");
    assert_eq!(now.state, Some(AgentState::Away));
    let mut visitor = workspace.visitor().await;
    let mut customer = visitor.connect().await;
    let (conversation, ..) = customer.say(None, "Hello").await;
    in_queue(&mut customer, conversation, "support").await;

    let wrong = BreaksBody { week: [("mon".to_owned(), vec!["noon".to_owned()])].into(), ..plan.clone() };
    let problem = workspace.admin.put(&path, &wrong).await.problem(422);
    assert_eq!(problem.errors[0].pointer, "/week/mon/0");
    let none = BreaksBody { week: std::collections::BTreeMap::new(), ..plan };
    assert_eq!(workspace.admin.put(&path, &none).await.status, 204);
    me(&mut desk, |me| me.on_break.is_none() && me.state == Some(AgentState::Online)).await;
    assigned(&mut desk, conversation).await;
}

#[tokio::test]
async fn what_nobody_can_serve_is_remarked_and_raises_an_alarm() {
    let server = Server::start().await;
    let policy = r#"
[skills]
refunds = "Money back"
[queues.support]
[queues.billing]
needs = { refunds = 60 }
[[intake]]
when = { topic = "refunds" }
queue = "billing"
"#;
    let workspace = server.workspace("shop", Some(policy)).await;
    let agent = workspace
        .agent_with("ana", |input| {
            input.skills = [("refunds".to_owned(), 40)].into();
            input.role = "supervisor".to_owned();
        })
        .await;
    let mut agent = agent.online().await;
    let text = [("content-type", "text/plain")];
    let looked = workspace.admin.send("POST", "/api/v1/policy/check", &text, policy).await;
    let remarks: PolicyRemarks = serde_json::from_str(&looked.body).expect("remarks");
    let told: Vec<_> = remarks.remarks.iter().map(|it| (&*it.path, &*it.detail)).collect();
    let expected = "nobody has `refunds` at 60 or more; the best has 40";
    assert_eq!(told[0], ("queues.billing.needs.refunds", expected), "{told:?}");

    let mut visitor = workspace.visitor_with(|input| input.topics = vec!["refunds".to_owned()]).await;
    visitor.connect().await.say(None, "My money, please").await;
    agent.send(&ClientFrame::Watch { board: true }).await;
    let alarm = agent
        .wait("an alarm on the board", |frame| match frame {
            ServerFrame::Board { board } => board.alarms.first().cloned(),
            _ => None,
        })
        .await;
    assert_eq!((alarm.kind, &*alarm.queue, alarm.conversations), (AlarmKind::Unstaffed, "billing", 1));
    assert_eq!(alarm.needs, ["refunds"]);
}

#[tokio::test]
async fn what_the_guards_hold_back_is_published_with_a_reason_and_kept() {
    let server = Server::start().await;
    let workspace = server.workspace("shop", None).await;
    workspace.agent("ana").await.online().await;
    let (admin, text) = (&workspace.admin, [("content-type", "text/plain")]);
    let put = async |query: &str, policy: &str| {
        admin.send("PUT", &format!("/api/v1/policy{query}"), &text, policy).await
    };
    let fine = "[queues.support]\ntarget_s = 30\n";
    assert_eq!(put("", fine).await.status, 204);
    let latin = "[skills]\nlatin = \"\"\n[queues.support]\nneeds = { latin = 50 }\n";
    let problem = put("", latin).await.problem(409);
    assert_eq!(problem.kind, "/problems/held-back");
    let objection = "queues.support.needs.latin: nobody has the skill `latin`";
    assert_eq!(problem.errors.iter().map(|it| &*it.detail).collect::<Vec<_>>(), [objection]);
    put("?reason=%20", latin).await.problem(422);
    let in_force = async || admin.get("/api/v1/policy").await.body;
    assert_eq!(in_force().await.trim(), fine.trim(), "nothing was changed");
    admin.send("PUT", "/api/v1/policy/trial", &text, latin).await.problem(409);
    assert_eq!(put("?reason=Romans%20come%20tomorrow", latin).await.status, 204);
    assert!(in_force().await.contains("latin"));

    let kept: PublicationsBody = admin.get("/api/v1/policy/publications").await.json();
    let [last, first] = &kept.publications[..] else { panic!("{kept:?}") };
    assert_eq!((last.version, last.name.as_str(), last.tried), (first.version + 1, "Operator", false));
    assert_eq!(last.reason.as_deref(), Some("Romans come tomorrow"));
    assert_eq!(last.objections, [objection]);
    assert!(first.reason.is_none() && first.objections.is_empty() && first.at_ms <= last.at_ms);
    workspace.agent("ben").await.api.get("/api/v1/policy/publications").await.problem(403);
}

#[tokio::test]
async fn publications_are_there_after_a_restart_and_the_last_hundred_are_kept() {
    let mut server = Server::start().await;
    let workspace = server.workspace("shop", None).await;
    let (admin, text) = (workspace.admin.clone(), [("content-type", "text/plain")]);
    for target in 1..=103 {
        let policy = format!("[queues.support]\ntarget_s = {target}\n");
        assert_eq!(admin.send("PUT", "/api/v1/policy", &text, &policy).await.status, 204);
    }
    server.kill().await;
    server.start_again().await;
    let kept: PublicationsBody = admin.get("/api/v1/policy/publications").await.json();
    let versions: Vec<u32> = kept.publications.iter().map(|it| it.version).collect();
    assert_eq!(versions, (4..=103).rev().collect::<Vec<u32>>());
}

#[tokio::test]
async fn the_command_line_asks_a_server_what_its_agents_cannot_give() {
    let server = Server::start().await;
    let workspace = server.workspace("shop", None).await;
    workspace.agent_with("ana", |input| input.skills = [("refunds".to_owned(), 40)].into()).await;
    let file = server.data().with_file_name("shop.toml");
    let check = |least: u8, token: &str| {
        let text = format!("[skills]\nrefunds = \"\"\n[queues.support]\nneeds = {{ refunds = {least} }}\n");
        std::fs::write(&file, text).expect("a file can be written");
        let mut command = std::process::Command::new(Server::program());
        command.args(["policy", "check"]).arg(&file).args(["--url", &server.origin()]);
        let done = command.env("SWITCHBOARD_TOKEN", token).output().expect("the program can be started");
        let told = [done.stdout, done.stderr].concat();
        (done.status.code(), String::from_utf8_lossy(&told).into_owned())
    };
    let (code, told) = check(40, &workspace.keys.admin_token);
    assert!(code == Some(0) && told.contains("the agents there can give all"), "{told}");
    let (code, told) = check(60, &workspace.keys.admin_token);
    assert!(code == Some(1) && told.contains("the best has 40 (holds publishing back)"), "{told}");
    let (code, told) = check(40, "swb_none");
    assert!(code == Some(1) && told.contains("401"), "{told}");
}

/// Waits until the agent has a conversation in hand.
async fn assigned(agent: &mut Client, which: ConversationId) {
    agent
        .event("the conversation in hand", |event| match event {
            SessionEvent::Conversation { conversation }
                if conversation.id == which && conversation.state == ConversationState::Assigned =>
            {
                Some(())
            }
            _ => None,
        })
        .await;
}

/// Waits until an agent is told of itself what shall be so.
async fn me(agent: &mut Client, shall: impl Fn(&Me) -> bool) -> Me {
    agent
        .event("the agent's own state", |event| match event {
            SessionEvent::Me { me } if shall(me) => Some(me.clone()),
            _ => None,
        })
        .await
}
