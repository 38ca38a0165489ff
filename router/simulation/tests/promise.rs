//! The promise in small worlds: the same seed tells the same, lines whose answer is known get it, and what is told is kept.
//! `loadtest simulate --promise` measures it over the suite.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use engine::state::Basis;
use engine::{Command, CommandKind, Engine};
use policy::document::{Document, QueueDoc};
use policy::id::{AgentId, CommandId, ContactPointId, ConversationId, CustomerId, MessageId, WorkspaceId};
use policy::matching::{AgentProfile, Standing};
use policy::time::Timestamp;
use simulation::arrivals;
use simulation::promise::measured::{outcomes, row};
use simulation::promise::{Lengths, Present, forecast, size};
use simulation::setting::document;
use simulation::world::asked::run_asking;

const WORKSPACE: WorkspaceId = WorkspaceId::from_bits(1);

/// A desk of so many agents, all busy since just now, and so many who wait for one of them.
fn desk(agents: u128, waiting: u128) -> Engine {
    let mut engine = Engine::new();
    let mut count = 0;
    let mut ask = |kind: CommandKind| {
        count += 1;
        let command = Command { id: CommandId::from_bits(count), workspace: WORKSPACE, kind };
        engine.handle(Timestamp(1_000_000), &command, &mut Vec::new()).unwrap();
    };
    ask(CommandKind::CreateWorkspace);
    let mut policy = Document::default();
    policy.queues.insert("support".into(), QueueDoc { offer_s: 0, work_s: 240, ..QueueDoc::default() });
    ask(CommandKind::InstallPolicy { version: 1, document: Box::new(policy) });
    for agent in 1..=agents {
        let (agent, profile) =
            (AgentId::from_bits(agent), AgentProfile { capacity: 1, ..AgentProfile::default() });
        ask(CommandKind::PutAgent { agent, name: "Agent".into(), bot: false, profile });
        ask(CommandKind::SetStanding { agent, standing: Standing::Online });
    }
    for customer in 1..=agents + waiting {
        ask(CommandKind::ReceiveMessage {
            customer: CustomerId::from_bits(customer),
            contact_point: ContactPointId::from_bits(customer),
            channel: "web_chat".into(),
            to: None,
            new: ConversationId::from_bits(customer),
            message: MessageId::from_bits(customer),
            size: 1,
            language: None,
            topics: Vec::new(),
            known_agent: None,
            holds: Vec::new(),
        });
    }
    let held = engine.workspace(WORKSPACE).unwrap().conversations.values().filter(|it| it.holder().is_some());
    assert_eq!(held.count() as u128, agents);
    engine
}

#[test]
fn the_same_present_and_seed_give_the_same_forecast() {
    let engine = desk(5, 12);
    let present = Present::of(engine.workspace(WORKSPACE).unwrap(), Timestamp(1_000_000)).unwrap();
    assert_eq!(present.waiting(), 12);
    assert_eq!(forecast(&present, 7), forecast(&present, 7));
    assert_ne!(forecast(&present, 7).waiting, forecast(&present, 8).waiting);
}

#[test]
fn a_single_line_waits_as_the_formula_says() {
    // Ten agents, 240 s each: every 24 s one is free. The k-th in line waits k such times, and a newcomer one more.
    let engine = desk(10, 20);
    let workspace = engine.workspace(WORKSPACE).unwrap();
    let present = Present::of(workspace, Timestamp(1_000_000)).unwrap();
    let seeds = 40u32;
    let forecasts: Vec<_> = (0..seeds).map(|seed| forecast(&present, seed.into())).collect();
    let lengths = Lengths::of(workspace);
    let needs = &workspace.conversations[&ConversationId::from_bits(30)].needs;
    for place in [1u32, 5, 20] {
        let id = ConversationId::from_bits(10 + u128::from(place));
        let mean = forecasts.iter().map(|it| it.waiting[&id].mean_s).sum::<f64>() / f64::from(seeds);
        let exact = 24.0 * f64::from(place);
        assert!((mean / exact - 1.0).abs() < 0.08, "place {place}: {mean} against {exact}");
        let by_length = lengths.wait(needs, place).unwrap();
        assert!(
            (by_length.mean_s / exact - 1.0).abs() < 0.02,
            "place {place}: {by_length:?} against {exact}"
        );
        assert_eq!(by_length.basis, Basis::Length);
    }
    let newcomer =
        forecasts.iter().map(|it| it.newcomer("support").unwrap().mean_s).sum::<f64>() / f64::from(seeds);
    assert!((newcomer / (24.0 * 21.0) - 1.0).abs() < 0.08, "{newcomer}");
}

#[test]
fn nobody_is_promised_anything_where_nobody_serves() {
    let mut engine = desk(1, 2);
    let standing = Standing::Away;
    let kind = CommandKind::SetStanding { agent: AgentId::from_bits(1), standing };
    let command = Command { id: CommandId::from_bits(999), workspace: WORKSPACE, kind };
    engine.handle(Timestamp(1_000_000), &command, &mut Vec::new()).unwrap();
    let present = Present::of(engine.workspace(WORKSPACE).unwrap(), Timestamp(1_000_000)).unwrap();
    assert!(forecast(&present, 1).waiting.is_empty());
}

#[test]
fn what_is_told_in_a_world_is_kept() {
    let mut scenario = size::scenario();
    // A tenth of it, so that the test is short: ten agents, about thirty who wait.
    scenario.agents.truncate(16);
    for class in &mut scenario.classes {
        class.rate_per_s *= 0.16;
        class.patience_s = Some(900.0);
    }
    (scenario.warmup_s, scenario.horizon_s) = (3_000.0, 15_000.0);
    let document = document(&scenario, "least_customer_time").unwrap();
    let fates = arrivals::draw(&scenario, 3);
    let mut estimate = |present: &_, seed| forecast(present, seed);
    let (asked, _) = run_asking(&scenario, &document, &fates, 3, &mut estimate).unwrap();
    let found = outcomes(&scenario, &asked);
    let all = row("test", "all", &found.iter().collect::<Vec<_>>(), 0.0);
    assert!(all.n >= 20, "{all:?}");
    assert!((0.75..=0.99).contains(&all.p90_kept), "{all:?}");
    assert!(all.bias.abs() < 0.25, "{all:?}");
    assert!(asked.iter().all(|it| it.promise.median_s <= it.promise.p90_s));
}
