//! The policy document: read from TOML, kept in an event, checked in one run, and what it makes of an arrival.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::collections::BTreeMap;

use policy::document::{HoursDoc, IntakeDoc, QueueDoc, WhenDoc};
use policy::time::{Span, Timestamp};
use policy::{Arrival, Document, Needs, Policy, Rule, Weights};

const SHOP: &str = include_str!("../examples/shop.toml");

fn shop() -> Policy {
    Policy::compile(&toml::from_str(SHOP).unwrap()).unwrap()
}

fn topics(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn needs(queue: &str, channel: &str, effort: u32, language: Option<&str>, skills: &[(&str, u8)]) -> Needs {
    Needs {
        queue: queue.into(),
        channel: channel.into(),
        effort,
        language: language.map(Into::into),
        skills: skills.iter().map(|(skill, least)| ((*skill).into(), *least)).collect(),
        ..Needs::default()
    }
}

#[test]
fn the_example_survives_toml_and_an_event() {
    let document: Document = toml::from_str(SHOP).unwrap();
    assert_eq!(document.efforts["call"], 3);
    assert_eq!(document.queues["workshop"].hours.as_deref(), Some("late"));
    let bytes = postcard::to_allocvec(&document).unwrap();
    assert_eq!(postcard::from_bytes::<Document>(&bytes).unwrap(), document);
    assert_eq!(toml::from_str::<Document>(&toml::to_string(&document).unwrap()).unwrap(), document);
}

#[test]
fn an_unknown_key_is_refused() {
    for text in [
        "[queues.a]\ntarget = 5",
        "[wieghts]",
        "[weights]\nspeed = 1",
        "[[intake]]\nwhen = { lang = \"de\" }",
    ] {
        assert!(
            toml::from_str::<Document>(text).unwrap_err().to_string().contains("unknown field"),
            "{text}"
        );
    }
}

#[test]
fn an_empty_document_is_one_queue_that_is_always_open() {
    let document: Document = toml::from_str("").unwrap();
    assert_eq!(document, Document::default());
    let policy = Policy::compile(&document).unwrap();
    let routing = policy.route(&Arrival {
        channel: "web_chat",
        language: Some("DE-at"),
        topics: &topics(&["x"]),
        holds: &[],
    });
    assert_eq!(routing.needs, needs("support", "web_chat", 1, Some("de-at"), &[]));
    assert_eq!(routing.priority, 4);
    let queue = policy.queue("support").unwrap();
    assert_eq!((queue.target, queue.offer), (Span::seconds(60), Span::seconds(20)));
    assert_eq!((queue.passed_over, queue.idle_close), (Span::seconds(1_800), None));
    assert_eq!((queue.max_waiting, queue.same_agent), (100_000, true));
    assert_eq!(policy.queues().map(|(name, _)| name).collect::<Vec<_>>(), ["support"]);
    assert_eq!(policy.weights(), Weights { proficiency: 1, same_agent: 50 });
    assert!(policy.is_open("support", Timestamp(0)));
    assert!(!policy.is_open("elsewhere", Timestamp(0)));
    assert_eq!(policy.next_opening("support", Timestamp(0)), None);
}

#[test]
fn the_first_rule_that_matches_wins() {
    let policy = shop();
    let route = |channel, language, names: &[&str]| {
        let routing = policy.route(&Arrival { channel, language, topics: &topics(names), holds: &[] });
        (routing.needs, routing.priority)
    };
    // The rule asks for more than the topic does.
    let refunds = needs("billing", "call", 3, Some("es"), &[("orders", 1), ("refunds", 60)]);
    assert_eq!(route("call", Some("es"), &["refunds", "orders", "weather"]), (refunds, 6));
    let technical = needs("workshop", "email", 1, Some("de-at"), &[("technical", 1)]);
    assert_eq!(route("email", Some("de-AT"), &["technical"]), (technical, 4));
    assert_eq!(route("call", Some("es"), &["technical"]).0.queue.as_ref(), "support");
    assert_eq!(route("call", None, &[]), (needs("support", "call", 3, None, &[]), 7));
    assert_eq!(route("web_chat", Some("den"), &[]).0.queue.as_ref(), "support");
}

#[test]
fn without_a_matching_rule_it_goes_to_support_or_to_the_first_queue() {
    let mut document = Document::default();
    document.queues.insert("beta".into(), QueueDoc::default());
    document.queues.insert("alpha".into(), QueueDoc { language: false, priority: 2, ..QueueDoc::default() });
    let arrival = Arrival { channel: "sms", language: Some("fr"), topics: &[], holds: &[] };
    let routing = Policy::compile(&document).unwrap().route(&arrival);
    assert_eq!((routing.needs, routing.priority), (needs("alpha", "sms", 1, None, &[]), 2));
    document.queues.insert("support".into(), QueueDoc::default());
    assert_eq!(Policy::compile(&document).unwrap().route(&arrival).needs.queue.as_ref(), "support");
}

#[test]
fn a_handover_keeps_language_and_topics_only() {
    let policy = shop();
    let before = needs("billing", "call", 3, Some("es"), &[("orders", 1), ("refunds", 60)]);
    let routing = policy.reroute(&before, "support").unwrap();
    assert_eq!(routing.needs, needs("support", "call", 3, Some("es"), &[("orders", 1)]));
    assert_eq!(routing.priority, 4);
    assert_eq!(policy.reroute(&before, "nowhere"), None);
}

#[test]
fn the_bound_is_four_targets_or_half_an_hour_unless_it_is_stated() {
    let policy = shop();
    assert_eq!(policy.queue("support").unwrap().passed_over, Span::seconds(1_800));
    assert_eq!(policy.queue("workshop").unwrap().passed_over, Span::seconds(2_400));
    assert_eq!(policy.queue("support").unwrap().idle_close, Some(Span::seconds(86_400)));
    let mut document = policy.document().clone();
    document.bounds.passed_over_s = 90;
    assert_eq!(Policy::compile(&document).unwrap().queue("workshop").unwrap().passed_over, Span::seconds(90));
}

#[test]
fn queues_open_and_close_by_their_hours() {
    let policy = shop();
    // Monday 2026-11-23, 12:40 in Vienna: the noon break of billing.
    let noon = Timestamp(1_795_434_000_000);
    assert!(!policy.is_open("billing", noon) && policy.is_open("support", noon));
    assert_eq!(policy.next_opening("billing", noon), Some(noon + Span::seconds(20 * 60)));
    assert_eq!(policy.next_closing("billing", noon), Some(noon + Span::seconds(320 * 60)));
    assert_eq!(policy.next_closing("support", noon), None);
}

#[test]
fn everything_wrong_is_told_in_one_run_with_what_would_be_right() {
    let mut document: Document = toml::from_str(SHOP).unwrap();
    document.skills.insert("line\nbreak".into(), String::new());
    document.efforts.insert("fax".into(), 0);
    let mut odd = HoursDoc { zone: "Europe/Viena".into(), ..HoursDoc::default() };
    odd.week.mon = vec!["9-17".into(), "10:00-10:00".into(), "08:00-12:00".into(), "11:00-13:00".into()];
    odd.week.sun = vec!["24:00-02:00".into(), "08:61-09:00".into(), "+8:00-09:00".into()];
    odd.closed = vec!["25.12.2026".into(), "2026-02-30".into()];
    document.hours.insert("odd".into(), odd);
    document.queues.get_mut("billing").unwrap().hours = Some("ofice".into());
    document
        .queues
        .insert("bad".into(), QueueDoc { target_s: 0, priority: 10, max_waiting: 0, ..QueueDoc::default() });
    document.intake.push(IntakeDoc {
        queue: "suport".into(),
        needs: [("refund".to_owned(), 0), ("orders".to_owned(), 101)].into(),
        priority: Some(12),
        when: WhenDoc { channel: Some(String::new()), ..WhenDoc::default() },
        ..IntakeDoc::default()
    });
    document.intake[0].any_of = vec![BTreeMap::new()];
    document.intake[0].none_of = vec!["refund".into()];
    document.intake[0].prefer = vec!["x".into(); 21];
    document.queues.get_mut("bad").unwrap().offers = 51;
    document.learning.strength = 10_001;
    document.bounds.share_within_s = 0;
    document.weights.same_agent = -1;
    document.bounds.passed_over_s = u32::MAX;

    let faults = Policy::compile(&document).unwrap_err();
    let expected = [
        ("skills.line\\nbreak", "not a name"),
        ("efforts.fax", "use 1 to 1000"),
        ("hours.odd.zone", "did you mean `Europe/Vienna`?"),
        ("hours.odd.week.mon[0]", "write it like `09:00-17:30`"),
        ("hours.odd.week.mon[1]", "`10:00-10:00`"),
        ("hours.odd.week.mon", "overlap"),
        ("hours.odd.week.sun[0]", "`24:00-02:00`"),
        ("hours.odd.week.sun[1]", "`08:61-09:00`"),
        ("hours.odd.week.sun[2]", "`+8:00-09:00`"),
        ("hours.odd.closed[0]", "`2026-12-25`"),
        ("hours.odd.closed[1]", "`2026-02-30`"),
        ("intake[0].any_of[0]", "name some, or leave it out"),
        ("intake[0].none_of", "did you mean `refunds`?"),
        ("intake[0].prefer", "20 at most"),
        ("intake[4]", "never reached: intake[3]"),
        ("intake[4].queue", "did you mean `support`?"),
        ("intake[4].needs.orders", "101"),
        ("intake[4].needs.refund", "did you mean `refunds`?"),
        ("intake[4].needs.refund", "use 1 to 100"),
        ("intake[4].priority", "9 goes first"),
        ("intake[4].when.channel", "leave it out"),
        ("queues.bad.priority", "use 0 to 9"),
        ("queues.bad.target_s", "use 1 to"),
        ("queues.bad.max_waiting", "use 1 to"),
        ("queues.bad.offers", "use 1 to 50"),
        ("queues.billing.hours", "did you mean `office`?"),
        ("weights.same_agent", "use 0 to"),
        ("learning.strength", "use 0 to 10000"),
        ("bounds.share_within_s", "use 1 to"),
        ("bounds.passed_over_s", "30 days"),
    ];
    let told: Vec<String> = faults.iter().map(ToString::to_string).collect();
    assert_eq!(faults.len(), expected.len(), "{told:#?}");
    for (fault, (path, part)) in faults.iter().zip(expected) {
        assert_eq!(fault.path, path, "{told:#?}");
        assert!(fault.detail.contains(part), "{fault} lacks {part}");
    }
}

#[test]
fn a_decision_and_its_parts_stand_in_an_event() {
    use policy::id::{AgentId, ConversationId};
    use policy::{AgentProfile, Decision, Lost, Pool, Standing, Waiting};

    let (at, mut pool) = (Timestamp(1_000), Pool::new(Weights::default()));
    for (id, proficiency) in [(1, 80), (2, 90), (3, 20), (4, 0)] {
        let mut profile = AgentProfile { capacity: 1, ..AgentProfile::default() };
        if proficiency > 0 {
            profile.skills.insert("refunds".into(), proficiency);
        }
        let bytes = postcard::to_allocvec(&profile).unwrap();
        assert_eq!(postcard::from_bytes::<AgentProfile>(&bytes).unwrap(), profile);
        pool.put_agent(AgentId::from_bits(id), &profile, at);
        pool.set_standing(AgentId::from_bits(id), Standing::Online, at);
    }
    let conversation = ConversationId::from_bits(9);
    let waiting = Waiting {
        conversation,
        needs: needs("billing", "web_chat", 1, None, &[("refunds", 60)]),
        priority: 4,
        since: Timestamp(400),
        passed_over: Span::seconds(60),
        known_agent: Some(AgentId::from_bits(1)),
        reserved: None,
        refused: Vec::new(),
        preferred: None,
    };
    let bytes = postcard::to_allocvec(&waiting).unwrap();
    assert_eq!(postcard::from_bytes::<Waiting>(&bytes).unwrap(), waiting);
    pool.wait(waiting);
    let decision = pool.choose_agent(conversation, at).unwrap();
    let bytes = postcard::to_allocvec(&decision).unwrap();
    assert_eq!(postcard::from_bytes::<Decision>(&bytes).unwrap(), decision);
    assert!(bytes.len() < 100, "{} bytes", bytes.len());

    // The one who knows the customer wins over the one who is a little better.
    assert_eq!((decision.agent, decision.total, decision.waited), (AgentId::from_bits(1), 130, Span(600)));
    assert_eq!(decision.nearest.iter().map(|(agent, _)| *agent).collect::<Vec<_>>(), [AgentId::from_bits(2)]);
    let losing = [
        (Lost::LacksSkill("refunds".into()), 1),
        (Lost::BelowProficiency("refunds".into()), 1),
        (Lost::ScoredLower, 1),
    ];
    assert_eq!(decision.losing, losing);
    assert_eq!((losing[0].0.reason(), losing[0].0.skill()), ("lacks_skill", Some("refunds")));
}

#[test]
fn every_example_of_the_page_on_policies_is_good() {
    let page = include_str!("../../docs/policy.md");
    let examples: Vec<&str> =
        page.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert!(examples.len() >= 5);
    for example in examples {
        let document: Document = toml::from_str(example).unwrap_or_else(|error| panic!("{error}: {example}"));
        Policy::compile(&document).unwrap_or_else(|faults| panic!("{faults:?}: {example}"));
    }
    for (rule, name) in Rule::ALL {
        assert!(page.contains(&format!("`{name}`")), "{name} is not told of");
        assert_eq!(Rule::by_name(name), Some(rule));
        assert_eq!(toml::from_str::<Document>(&format!("rule = {name:?}")).unwrap().rule, rule);
    }
}

#[test]
fn a_step_asks_for_less_or_hands_on_and_a_wrong_one_is_told() {
    let text = "[skills]\na = \"A\"\nb = \"B\"\n[queues.main]\nneeds = { a = 80, b = 40 }\n\
                [[queues.main.steps]]\nafter_s = 10\nneeds = { a = 50 }\n\
                [[queues.main.steps]]\nafter_s = 20\ndrop = [\"b\"]\nany_language = true\n\
                [[queues.main.steps]]\nafter_s = 30\nqueue = \"other\"\npriority = 8\n[queues.other]\npriority = 2\n";
    let policy = Policy::compile(&toml::from_str(text).unwrap()).unwrap();
    let steps = &policy.queue("main").unwrap().steps;
    let first = needs("main", "web_chat", 1, Some("de"), &[("a", 80), ("b", 40)]);
    let less = policy.after_step(&first, 4, &steps[0]);
    assert_eq!(less.needs, needs("main", "web_chat", 1, Some("de"), &[("a", 50), ("b", 40)]));
    let dropped = policy.after_step(&less.needs, 4, &steps[1]);
    assert_eq!(dropped.needs, needs("main", "web_chat", 1, None, &[("a", 50)]));
    let on = policy.after_step(&dropped.needs, 4, &steps[2]);
    assert_eq!((on.needs.queue.as_ref(), on.priority), ("other", 8));

    let wrong = "[skills]\na = \"A\"\n[queues.main]\n[[queues.main.steps]]\nafter_s = 20\n\
                 [[queues.main.steps]]\nafter_s = 10\ndrop = [\"aa\"]\nqueue = \"mian\"\n\
                 [[queues.main.steps]]\n";
    let faults = Policy::compile(&toml::from_str(wrong).unwrap()).unwrap_err();
    let told: Vec<String> = faults.iter().map(ToString::to_string).collect();
    for part in ["steps[1].after_s", "steps[1].drop", "did you mean `main`?", "steps[2].after_s"] {
        assert!(told.iter().any(|fault| fault.contains(part)), "{part}: {told:?}");
    }
}

#[test]
fn what_is_read_from_words_is_checked() {
    let check = |text: &str| -> Vec<String> {
        let faults = Policy::compile(&toml::from_str(text).unwrap()).err().unwrap_or_default();
        faults.iter().map(ToString::to_string).collect()
    };
    assert!(toml::from_str::<Document>("").unwrap().understanding.is_off());
    let fine = "[understanding]\nlanguage = true\nlanguages = ['de']\n[understanding.intents]\n\
                a = ['one', 'two']\nb = ['three', 'four']\noos = ['five']\n";
    assert_eq!(check(fine), Vec::<String>::new());
    assert!(!toml::from_str::<Document>(fine).unwrap().understanding.is_off());
    for (wrong, part) in [
        ("languages = ['German']", "understanding.languages[0]"),
        ("intents.a = ['one', 'two']", "name 2 to 200"),
        ("intents.a = ['one', 'one']\nintents.b = ['two', 'three']", "understanding.intents.a"),
    ] {
        let faults = check(&format!("[understanding]\n{wrong}\n"));
        assert!(faults.len() == 1 && faults[0].contains(part), "{wrong}: {faults:?}");
    }
    let long = "x".repeat(501);
    let faults = check(&format!("[understanding.intents]\na = ['{long}', 'b']\nb = ['c', 'd']\n"));
    assert!(faults.len() == 1 && faults[0].contains("500 bytes"), "{faults:?}");
}
