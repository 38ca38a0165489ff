//! Conditions in CEL: read, checked, and asked about conversations of every kind. What was let in never goes over its
//! budget, and lint never says of a condition what is not so.

use std::sync::LazyLock;

use policy_cel::{BUDGET, Cause, Condition, Customer, Environment, Facts};

/// The longest texts and the most of them that facts may have.
const BYTES: usize = 64;
const TOPICS: usize = 32;

static LONG: LazyLock<String> = LazyLock::new(|| "x".repeat(BYTES));
static WIDE: LazyLock<String> = LazyLock::new(|| "ß".repeat(BYTES / 2));
static MANY: LazyLock<Vec<String>> = LazyLock::new(|| (0..TOPICS).map(|_| LONG.clone()).collect());
static FEW: LazyLock<Vec<String>> = LazyLock::new(|| ["order", "", "ß", "12"].map(str::to_owned).to_vec());

/// Facts within their bounds: nothing, everyday, and the largest that there can be.
fn facts() -> [Facts<'static>; 5] {
    let customer = Customer { verified: true, known: true, named: true, contacts: 1_000_000_000 };
    let largest = Facts {
        channel: &LONG,
        language: &LONG,
        topics: &MANY,
        intent: &LONG,
        mood: 1_000,
        value: 1_000_000_000_000,
        customer,
        message_size: 1_000_000_000,
        hour: 23,
        weekday: "sun",
        waited_s: 1_000_000_000,
        queue: &LONG,
        open: true,
        waiting: 1_000_000_000,
    };
    let everyday = Facts {
        channel: "web_chat",
        language: "pt-BR",
        topics: &FEW,
        intent: "refund",
        mood: -400,
        value: 250,
        hour: 14,
        weekday: "wed",
        waited_s: 42,
        queue: "billing",
        open: true,
        waiting: 7,
        ..Facts::default()
    };
    let wide = Facts { channel: &WIDE, intent: &WIDE, queue: &WIDE, mood: -1_000, ..largest };
    let number = Facts { channel: "12", language: "-7", queue: "9223372036854775807", ..everyday };
    [Facts::default(), everyday, largest, wide, number]
}

pub(crate) fn run(data: &[u8]) -> bool {
    let Ok(source) = std::str::from_utf8(data) else { return false };
    let mut taken = false;
    for environment in [Environment::intake(), Environment::step()] {
        let condition = match Condition::compile(source, &environment) {
            Ok(condition) => condition,
            Err(faults) => {
                assert!(!faults.is_empty(), "refused without a reason");
                for fault in faults {
                    assert!(!fault.detail.starts_with("the parser failed"), "{fault}");
                    assert!(fault.shown(source).contains(&fault.detail));
                }
                continue;
            }
        };
        assert!(condition.cost() <= BUDGET, "let in at a cost of {}", condition.cost());
        for facts in facts() {
            asked(&condition, &facts);
        }
        assert_eq!(Condition::compile(condition.source(), &environment).as_ref(), Ok(&condition));
        taken = true;
    }
    taken
}

fn asked(condition: &Condition, facts: &Facts<'_>) {
    let (answer, steps) = condition.measured(facts);
    assert!(steps <= condition.cost(), "{steps} steps, {} were told", condition.cost());
    match answer {
        Ok(holds) => {
            assert!(!(holds && condition.never()), "holds though it never can");
            assert!(holds || !condition.always(), "does not hold though it always must");
        }
        Err(error) => {
            assert!(condition.can_fail(), "{error}, though it cannot fail");
            assert!(!matches!(error.cause, Cause::OverBudget | Cause::Unchecked), "{error}");
        }
    }
    assert_eq!(condition.holds(facts), answer);
}
