//! Conditions of a policy's intake rules and steps: compiled when a policy is taken, answered when a conversation comes in, before
//! the engine is asked. The engine hears which of them hold, as one more input of the command, so that a replay needs neither the
//! conditions nor the words.

use policy::{Document, Fault, Policy};
use policy_cel::{Condition, Environment, Facts};

/// The compiled conditions of one document, each with its number.
#[derive(Debug, Clone, Default)]
pub struct Conditions {
    rules: Vec<(u16, Condition)>,
}

impl Conditions {
    /// Compiles the conditions of a document.
    ///
    /// # Errors
    /// Everything that is wrong, each with its place in the document, line and column in the condition.
    pub fn compile(document: &Document) -> Result<Self, Vec<Fault>> {
        let written = document.conditions();
        let environment =
            Environment::intake().with_values("channel", document.efforts.keys().map(String::as_str));
        // Channels that are named have efforts; where none has, any may come.
        let environment = if document.efforts.is_empty() { Environment::intake() } else { environment };
        let sources: Vec<&str> = written.iter().map(|it| it.source).collect();
        let (mut rules, mut faults) = (Vec::with_capacity(written.len()), Vec::new());
        for (it, compiled) in written.iter().zip(Condition::compile_all(&sources, &environment)) {
            let fault = |detail: String| Fault { path: it.path.clone(), detail };
            match compiled {
                Ok(condition) if condition.never() => {
                    let what = if it.path.starts_with("intake") { "rule" } else { "step" };
                    faults.push(fault(format!("can never hold: the {what} would never be taken")));
                }
                Ok(condition) => rules.push((it.number, condition)),
                Err(found) => faults.extend(found.into_iter().map(|found| {
                    fault(format!("line {}, column {}: {}", found.at.line, found.at.column, found.detail))
                })),
            }
        }
        if faults.is_empty() { Ok(Self { rules }) } else { Err(faults) }
    }

    /// The conditions that hold, by their numbers, and how many could not be answered: such a rule or step is passed by.
    #[must_use]
    pub fn holding(&self, facts: &Facts<'_>) -> (Vec<u16>, u32) {
        let facts = facts.within_bounds();
        let (mut holding, mut errors) = (Vec::new(), 0);
        for (index, condition) in &self.rules {
            match condition.holds(&facts) {
                Ok(true) => holding.push(*index),
                Ok(false) => {}
                Err(_) => errors += 1,
            }
        }
        (holding, errors)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }
}

/// Checks a whole document, its conditions included.
///
/// # Errors
/// Everything that is wrong.
pub fn check(document: &Document) -> Result<(), Vec<Fault>> {
    let mut faults = Policy::compile(document).err().unwrap_or_default();
    faults.extend(Conditions::compile(document).err().unwrap_or_default());
    if faults.is_empty() { Ok(()) } else { Err(faults) }
}

/// Hour and day of the week of a time, in UTC: at intake no queue says otherwise yet.
#[must_use]
pub fn hour_and_day(ms: i64) -> (i64, &'static str) {
    const DAY_MS: i64 = 86_400_000;
    // The first day of 1970 was a Thursday.
    let days = ["thu", "fri", "sat", "sun", "mon", "tue", "wed"];
    let day = usize::try_from(ms.div_euclid(DAY_MS).rem_euclid(7)).unwrap_or(0);
    (ms.rem_euclid(DAY_MS) / 3_600_000, days[day])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(condition: &str) -> Document {
        let text = format!(
            "[efforts]\nweb_chat = 1\n[queues.a]\n[[intake]]\nwhen = {{ if = {condition:?} }}\nqueue = \"a\"\n"
        );
        toml::from_str(&text).unwrap()
    }

    #[test]
    fn a_condition_is_answered_and_a_wrong_one_told_with_its_place() {
        let conditions = Conditions::compile(&document("size(topics) > 1 && hour < 12")).unwrap();
        let topics = ["a".to_owned(), "b".to_owned()];
        let facts = Facts { topics: &topics, hour: 9, ..Facts::default() };
        assert_eq!(conditions.holding(&facts), (vec![0], 0));
        assert_eq!(conditions.holding(&Facts { hour: 13, ..facts }), (vec![], 0));
        for (wrong, part) in [
            ("langauge == 'de'", "language"),
            ("mood", "bool"),
            ("channel == 'web_cat'", "web_chat"),
            ("mood > 10 && mood < 5", "never hold"),
        ] {
            let faults = check(&document(wrong)).unwrap_err();
            assert!(faults[0].path == "intake[0].when.if", "{faults:?}");
            assert!(faults[0].detail.contains(part), "{wrong}: {faults:?}");
        }
    }

    #[test]
    fn conditions_of_steps_are_checked_and_answered_like_those_of_intake() {
        let text =
            "[queues.a]\n[[queues.a.steps]]\nafter_s = 9\nif = \"hour < 12\"\nqueue = \"b\"\n[queues.b]\n";
        let document: Document = toml::from_str(text).unwrap();
        let conditions = Conditions::compile(&document).unwrap();
        let holding = |hour| conditions.holding(&Facts { hour, ..Facts::default() }).0;
        assert_eq!((holding(9), holding(13)), (vec![1 << 15], vec![]));
        for (wrong, part) in
            [("waited_s > 9", "answered when it comes in"), ("hour > 30", "step would never")]
        {
            let document: Document = toml::from_str(&text.replace("hour < 12", wrong)).unwrap();
            let faults = check(&document).unwrap_err();
            assert_eq!(faults[0].path, "queues.a.steps[0].if");
            assert!(faults[0].detail.contains(part), "{faults:?}");
        }
    }

    #[test]
    fn days_follow_the_calendar() {
        assert_eq!(hour_and_day(0), (0, "thu"));
        // 2026-11-24 is a Tuesday.
        assert_eq!(hour_and_day(1_795_478_400_000 + 13 * 3_600_000), (13, "tue"));
    }
}
