//! Properties: whatever the source and whatever the facts, nothing panics, the cost told at load is never exceeded, and
//! what lint says is true.

use policy_cel::{BUDGET, Cause, Condition, Customer, Environment, Facts};
use proptest::collection::vec;
use proptest::prelude::*;

/// Expressions of a kind, at most so deep; mostly right, now and then of the wrong kind.
fn expression(kind: char, deep: u32) -> BoxedStrategy<String> {
    let leaf = match kind {
        'b' => prop_oneof![
            Just("open".to_owned()),
            Just("customer.known".to_owned()),
            Just("has(customer.name)".to_owned()),
            Just("true".to_owned()),
            Just("waiting".to_owned()),
        ]
        .boxed(),
        'i' => prop_oneof![
            Just("hour".to_owned()),
            Just("mood".to_owned()),
            Just("waiting".to_owned()),
            Just("value".to_owned()),
            (-30_i64..30).prop_map(|number| number.to_string()),
            any::<i64>().prop_map(|number| number.to_string()),
        ]
        .boxed(),
        's' => prop_oneof![
            Just("channel".to_owned()),
            Just("queue".to_owned()),
            Just("weekday".to_owned()),
            Just("'web'".to_owned()),
            "[a-zß]{0,6}".prop_map(|text| format!("\"{text}\"")),
        ]
        .boxed(),
        _ => prop_oneof![Just("topics".to_owned()), Just("['a', 'web']".to_owned()), Just("[]".to_owned())]
            .boxed(),
    };
    if deep == 0 {
        return leaf;
    }
    let sub = |kind| expression(kind, deep - 1);
    let grown = match kind {
        'b' => prop_oneof![
            (sub('b'), sub('b')).prop_map(|(a, b)| format!("({a} && {b})")),
            (sub('b'), sub('b')).prop_map(|(a, b)| format!("({a} || {b})")),
            sub('b').prop_map(|a| format!("!({a})")),
            (sub('b'), sub('b'), sub('b')).prop_map(|(a, b, c)| format!("({a} ? {b} : {c})")),
            (sub('i'), "(==|!=|<|<=|>|>=)", sub('i')).prop_map(|(a, op, b)| format!("({a} {op} {b})")),
            (sub('s'), "(==|!=|<|<=|>|>=)", sub('s')).prop_map(|(a, op, b)| format!("({a} {op} {b})")),
            (sub('s'), sub('l')).prop_map(|(a, b)| format!("({a} in {b})")),
            (sub('l'), "(all|exists|exists_one)", sub('b'))
                .prop_map(move |(a, name, b)| format!("{a}.{name}(x{deep}, x{deep} == 'web' || {b})")),
            (sub('s'), "(contains|startsWith|endsWith)", sub('s'))
                .prop_map(|(a, name, b)| format!("{a}.{name}({b})")),
            (sub('s'), "[a-z.*+|()^$]{0,8}").prop_map(|(a, b)| format!("{a}.matches('{b}')")),
        ]
        .boxed(),
        'i' => prop_oneof![
            (sub('i'), "[-+*/%]", sub('i')).prop_map(|(a, op, b)| format!("({a} {op} {b})")),
            sub('i').prop_map(|a| format!("-({a})")),
            sub('s').prop_map(|a| format!("size({a})")),
            sub('s').prop_map(|a| format!("int({a})")),
            sub('l').prop_map(|a| format!("{a}.size()")),
        ]
        .boxed(),
        's' => prop_oneof![
            (sub('s'), sub('s')).prop_map(|(a, b)| format!("({a} + {b})")),
            sub('i').prop_map(|a| format!("string({a})")),
            sub('s').prop_map(|a| format!("{a}.upperAscii()")),
            (sub('l'), sub('i')).prop_map(|(a, b)| format!("{a}[{b}]")),
        ]
        .boxed(),
        _ => prop_oneof![
            (sub('l'), sub('b'))
                .prop_map(move |(a, b)| format!("{a}.filter(x{deep}, x{deep} != 'a' && {b})")),
            (sub('l'), sub('s')).prop_map(move |(a, b)| format!("{a}.map(x{deep}, x{deep} + {b})")),
            (sub('l'), sub('l')).prop_map(|(a, b)| format!("({a} + {b})")),
            (sub('s'), sub('s')).prop_map(|(a, b)| format!("[{a}, {b}]")),
        ]
        .boxed(),
    };
    prop_oneof![1 => leaf, 4 => grown].boxed()
}

#[derive(Debug, Clone)]
struct Known {
    texts: [String; 4],
    topics: Vec<String>,
    numbers: [i64; 3],
    hour: i64,
    bools: [bool; 3],
}

/// Facts within their bounds.
fn known() -> impl Strategy<Value = Known> {
    let text = || prop_oneof![Just("web".to_owned()), Just("a".to_owned()), "[a-zß]{0,20}"];
    (
        [text(), text(), text(), text()],
        vec(text(), 0..32),
        [-1_000_i64..=1_000, 0..=1_000_000, 0..=1_000_000],
        0..24_i64,
        any::<[bool; 3]>(),
    )
        .prop_map(|(texts, topics, numbers, hour, bools)| Known { texts, topics, numbers, hour, bools })
}

impl Known {
    fn facts(&self) -> Facts<'_> {
        let [channel, language, intent, queue] = &self.texts;
        let [mood, value, waiting] = self.numbers;
        let [open, known, named] = self.bools;
        let days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
        Facts {
            channel,
            language,
            topics: &self.topics,
            intent,
            mood,
            value,
            customer: Customer { verified: open, known, named, contacts: waiting },
            message_size: value,
            hour: self.hour,
            weekday: days[usize::try_from(self.hour).map_or(0, |hour| hour % days.len())],
            waited_s: value,
            queue,
            open,
            waiting,
        }
    }
}

fn holds_its_word(source: &str, known: &Known) -> Result<(), TestCaseError> {
    match Condition::compile(source, &Environment::step()) {
        Err(faults) => {
            prop_assert!(!faults.is_empty() && faults.len() <= 8, "{source}: {faults:?}");
            for fault in faults {
                prop_assert!(fault.at.line >= 1 && fault.at.column >= 1);
                let line = source.split('\n').nth(fault.at.line as usize - 1);
                prop_assert!(
                    line.is_some_and(|line| fault.at.column as usize <= line.chars().count() + 1),
                    "{source}: {fault}"
                );
                prop_assert!(!fault.shown(source).is_empty());
            }
        }
        Ok(condition) => {
            prop_assert!(condition.cost() <= BUDGET, "{source}");
            let (answer, steps) = condition.measured(&known.facts());
            prop_assert!(steps <= condition.cost(), "{source}: {steps} steps of {}", condition.cost());
            match answer {
                Ok(holds) => {
                    prop_assert!(!(condition.never() && holds), "{source} held, and was to never hold");
                    prop_assert!(
                        !condition.always() || holds,
                        "{source} did not hold, and was to always hold"
                    );
                }
                Err(error) => {
                    prop_assert!(condition.can_fail(), "{source}: {error}");
                    let bounded =
                        !matches!(error.cause, Cause::Unchecked | Cause::OverBudget | Cause::TooLarge);
                    prop_assert!(bounded, "{source}: {error}");
                }
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    #[test]
    fn what_is_covered_holds_in_the_wide_one(
        wide in expression('b', 2),
        narrow in expression('b', 2),
        known in known(),
    ) {
        let step = Environment::step();
        // The second of these is covered by form, so that not only coincidences are tried.
        for narrow in [narrow.clone(), format!("{wide} && {narrow}")] {
            let (Ok(wide), Ok(narrow)) = (Condition::compile(&wide, &step), Condition::compile(&narrow, &step)) else {
                continue;
            };
            if wide.covers(&narrow) && narrow.holds(&known.facts()) == Ok(true) {
                prop_assert_eq!(wide.holds(&known.facts()), Ok(true), "{:?} over {:?}", wide, narrow);
            }
        }
    }

    #[test]
    fn expressions_hold_their_word(source in expression('b', 4), known in known()) {
        holds_its_word(&source, &known)?;
    }

    #[test]
    fn small_expressions_hold_their_word(source in expression('b', 2), known in known()) {
        holds_its_word(&source, &known)?;
    }

    #[test]
    fn any_string_is_answered(source in any::<String>(), known in known()) {
        holds_its_word(&source, &known)?;
    }

    #[test]
    fn any_string_of_the_language_is_answered(
        words in vec(prop_oneof![
            Just("open"), Just("topics"), Just(".exists(x, "), Just("x"), Just("("), Just(")"), Just("["), Just("]"),
            Just(","), Just("=="), Just("&&"), Just("||"), Just("!"), Just("-"), Just("+"), Just("?"), Just(":"),
            Just("'a'"), Just("1"), Just("in"), Just("{"), Just("}"), Just("."), Just("\n"), Just("ü"), Just("'ß'"),
            Just("has("), Just("customer"), Just("name"), Just("b'"), Just("\""), Just("//"), Just("1u"), Just("0x"),
            Just("`"), Just("r'\\'"), Just("'''"), Just("null"), Just("1.5"), Just("matches('"),
        ], 0..24),
        known in known(),
    ) {
        holds_its_word(&words.concat(), &known)?;
        holds_its_word(&words.join(" "), &known)?;
    }
}
