//! Conditions of a policy's intake rules: compiled when a policy is taken, answered before the engine is asked. The engine
//! hears which of them hold, as one more input of the command, so that a replay needs neither the conditions nor the words.

use policy::{Document, Fault, Policy};
use policy_cel::{Condition, Environment, Facts};

/// The compiled conditions of one document, each with the number of its intake rule.
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
        let written: Vec<(u16, &str)> = (0u16..)
            .zip(&document.intake)
            .filter_map(|(index, rule)| Some((index, rule.when.condition.as_deref()?)))
            .collect();
        let environment =
            Environment::intake().with_values("channel", document.efforts.keys().map(String::as_str));
        // Channels that are named have efforts; where none has, any may come.
        let environment = if document.efforts.is_empty() { Environment::intake() } else { environment };
        let sources: Vec<&str> = written.iter().map(|(_, source)| *source).collect();
        let (mut rules, mut faults) = (Vec::with_capacity(written.len()), Vec::new());
        for ((index, _), compiled) in written.iter().zip(Condition::compile_all(&sources, &environment)) {
            let path = format!("intake[{index}].when.if");
            match compiled {
                Ok(condition) if condition.never() => {
                    faults
                        .push(Fault { path, detail: "can never hold: the rule would never be taken".into() });
                }
                Ok(condition) => rules.push((*index, condition)),
                Err(found) => faults.extend(found.into_iter().map(|fault| Fault {
                    path: path.clone(),
                    detail: format!("line {}, column {}: {}", fault.at.line, fault.at.column, fault.detail),
                })),
            }
        }
        if faults.is_empty() { Ok(Self { rules }) } else { Err(faults) }
    }

    /// The intake rules whose condition holds, and how many could not be answered: such a rule is passed by.
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
    fn days_follow_the_calendar() {
        assert_eq!(hour_and_day(0), (0, "thu"));
        // 2026-11-24 is a Tuesday.
        assert_eq!(hour_and_day(1_795_478_400_000 + 13 * 3_600_000), (13, "tue"));
    }
}
