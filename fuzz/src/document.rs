//! Policy documents: what is taken routes every conversation into a queue that there is, tells opening hours that agree
//! with each other, and comes out of the log and out of the API as it went in.

use policy::time::Timestamp;
use policy::{Arrival, Document, Policy};
use policy_cel::Facts;
use router::conditions::{self, Conditions};

/// Moments at which clocks are asked: long ago, around a change of summer time, a leap day, in a year.
const MOMENTS: [i64; 5] = [0, 1_774_745_999_999, 1_709_164_800_000, 1_795_478_400_000, 1_827_014_400_000];

pub(crate) fn run(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else { return false };
    let Ok(document) = toml::from_str::<Document>(text) else { return false };
    match (conditions::check(&document), Policy::compile(&document), Conditions::compile(&document)) {
        (Ok(()), Ok(policy), Ok(conditions)) => {
            same_again(&document);
            routes(&document, &policy, &conditions);
            opens(&document, &policy);
            true
        }
        (Err(faults), policy, conditions) => {
            assert!(policy.is_err() || conditions.is_err(), "refused, and each part is good: {faults:?}");
            assert!(!faults.is_empty(), "refused without a reason");
            assert!(faults.iter().all(|fault| !fault.detail.is_empty()));
            false
        }
        (checked, policy, _) => panic!("checked {checked:?}, compiled {}", policy.is_ok()),
    }
}

/// As it stands in an event of the log, and as the API hands it out.
fn same_again(document: &Document) {
    let bytes = postcard::to_allocvec(document).expect("a policy that was taken can be logged");
    assert_eq!(postcard::from_bytes::<Document>(&bytes).as_ref(), Ok(document), "not what the log holds");
    let text = toml::to_string(document).expect("a policy that was taken can be written");
    assert_eq!(toml::from_str::<Document>(&text).as_ref(), Ok(document), "{text}");
}

fn routes(document: &Document, policy: &Policy, conditions: &Conditions) {
    let topics: Vec<String> = document.skills.keys().take(3).cloned().collect();
    let channels = document.efforts.keys().map(String::as_str).take(3).chain(["web_chat", ""]);
    for channel in channels {
        for language in [None, Some("de"), Some("pt-BR")] {
            let facts = Facts {
                channel,
                language: language.unwrap_or_default(),
                topics: &topics,
                ..Facts::default()
            };
            let (holds, _) = conditions.holding(&facts);
            let arrival = Arrival { channel, language, topics: &topics, holds: &holds };
            let routing = policy.route(&arrival);
            assert!(routing.priority <= 9, "priority {}", routing.priority);
            let queue = policy.queue(&routing.needs.queue);
            assert!(queue.is_some(), "sent into a queue that there is not");
            for step in queue.into_iter().flat_map(|queue| &queue.steps) {
                let next = policy.after_step(&routing.needs, routing.priority, step);
                assert!(policy.queue(&next.needs.queue).is_some(), "a step leads nowhere");
            }
            assert!(policy.intake_rule(&arrival).is_none_or(|index| index < document.intake.len()));
        }
    }
}

fn opens(document: &Document, policy: &Policy) {
    for queue in document.queues.keys().take(4) {
        for at in MOMENTS.map(Timestamp) {
            let change = if policy.is_open(queue, at) {
                policy.next_closing(queue, at).map(|change| (change, false))
            } else {
                policy.next_opening(queue, at).map(|change| (change, true))
            };
            if let Some((change, open)) = change {
                assert!(change > at, "{queue}: the next change lies behind");
                assert_eq!(policy.is_open(queue, change), open, "{queue}: no change at {change:?}");
            }
        }
    }
}
