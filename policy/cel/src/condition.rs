//! A condition: read and checked once when a policy is loaded, asked for every conversation.

use std::fmt;
use std::sync::Arc;

use crate::check::check;
use crate::environment::{Environment, of_bits};
use crate::error::EvaluationError;
use crate::evaluate::Evaluation;
use crate::facts::Facts;
use crate::fault::Fault;
use crate::lint::{covers, idle, settled};
use crate::node::Node;
use crate::parse::{fenced, parse};

/// A condition that was checked. It is cheap to clone and can be asked from any thread.
#[derive(Clone)]
pub struct Condition {
    inner: Arc<Inner>,
}

struct Inner {
    source: String,
    node: Node,
    /// The names used, a bit each.
    used: u32,
    /// Whether it always or never holds.
    settled: Option<bool>,
    remarks: Vec<Fault>,
    environment: Environment,
}

impl Condition {
    /// Reads and checks a condition.
    ///
    /// ```
    /// use policy_cel::{Condition, Environment};
    /// assert!(Condition::compile("channel == 'web' && mood < -300", &Environment::intake()).is_ok());
    /// let faults = Condition::compile("chanel == 'web' && mood < '3'", &Environment::intake()).unwrap_err();
    /// let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
    /// assert_eq!(faults, [
    ///     "1:1: there is no name `chanel`; did you mean `channel`?",
    ///     "1:27: `<` compares an int with a string; both sides must be of one kind",
    /// ]);
    /// ```
    ///
    /// # Errors
    /// Everything that is wrong, each with its line and column and what would be right; a few at most.
    pub fn compile(source: &str, environment: &Environment) -> Result<Self, Vec<Fault>> {
        let compiled = fenced(&[source], |source| Self::compile_here(source, environment));
        // One source has one outcome.
        compiled.into_iter().next().unwrap_or_else(|| Err(Vec::new()))
    }

    /// Reads and checks all conditions of a policy, in their order. That is faster than one by one: reading happens on a
    /// thread of its own, with the stack that the worst of them needs, and this starts only one.
    ///
    /// ```
    /// use policy_cel::{Condition, Environment};
    /// let compiled = Condition::compile_all(&["open", "opn"], &Environment::step());
    /// assert!(compiled[0].is_ok() && compiled[1].is_err());
    /// ```
    #[must_use]
    pub fn compile_all(sources: &[&str], environment: &Environment) -> Vec<Result<Self, Vec<Fault>>> {
        fenced(sources, |source| Self::compile_here(source, environment))
    }

    fn compile_here(source: &str, environment: &Environment) -> Result<Self, Vec<Fault>> {
        let (expr, info) = parse(source)?;
        let (node, used) = check(source, &expr, info, environment)?;
        let settled = settled(&node, environment);
        let remarks = idle(&node, environment);
        let (source, environment) = (source.to_owned(), environment.clone());
        Ok(Self { inner: Arc::new(Inner { source, node, used, settled, remarks, environment }) })
    }

    /// Whether it holds for a conversation.
    ///
    /// An error is a value to be counted and shown beside the rule: the rule does not hold and the next one is asked. It
    /// falls through and never drops a conversation.
    ///
    /// ```
    /// use policy_cel::{Cause, Condition, Environment, Facts};
    /// let condition = Condition::compile("value / waiting > 10", &Environment::step()).unwrap();
    /// assert_eq!(condition.holds(&Facts { value: 40, waiting: 2, ..Facts::default() }), Ok(true));
    /// let error = condition.holds(&Facts { value: 40, ..Facts::default() }).unwrap_err();
    /// assert_eq!(error.cause, Cause::DivisionByZero);
    /// ```
    ///
    /// # Errors
    /// Why it could not be answered.
    pub fn holds(&self, facts: &Facts<'_>) -> Result<bool, EvaluationError> {
        Evaluation::new(facts).bool(&self.inner.node)
    }

    /// Whether it holds, and the steps it took, for `policy explain`.
    ///
    /// # Errors
    /// As [`Condition::holds`].
    pub fn measured(&self, facts: &Facts<'_>) -> (Result<bool, EvaluationError>, u64) {
        let mut evaluation = Evaluation::new(facts);
        let answer = evaluation.bool(&self.inner.node);
        (answer, evaluation.steps())
    }

    /// As it was written.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.inner.source
    }

    /// The names it uses, in the order of the table: ask again only when one of them changes.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + use<> {
        of_bits(self.inner.used).map(crate::Name::path)
    }

    /// The most steps that an answer takes; at most [`BUDGET`](crate::BUDGET).
    #[must_use]
    pub fn cost(&self) -> u64 {
        self.inner.node.cost
    }

    /// Whether an answer can be an error, whatever the facts within their bounds.
    #[must_use]
    pub fn can_fail(&self) -> bool {
        self.inner.node.fallible
    }

    /// Whether it is known to hold for every conversation: the rules behind it are never reached.
    ///
    /// ```
    /// use policy_cel::{Condition, Environment};
    /// let always = Condition::compile("hour < 12 || hour > 3", &Environment::intake()).unwrap();
    /// assert!(always.always());
    /// ```
    #[must_use]
    pub fn always(&self) -> bool {
        self.inner.settled == Some(true)
    }

    /// Whether it is known to hold for no conversation.
    ///
    /// ```
    /// use policy_cel::{Condition, Environment};
    /// let never = Condition::compile("channel == 'web' && channel == 'email'", &Environment::intake()).unwrap();
    /// assert!(never.never());
    /// ```
    #[must_use]
    pub fn never(&self) -> bool {
        self.inner.settled == Some(false)
    }

    /// Whether it is known to hold whenever the other one does: behind it, a rule with the other one is never reached.
    ///
    /// ```
    /// use policy_cel::{Condition, Environment};
    /// let compiled = |source: &str| Condition::compile(source, &Environment::intake()).unwrap();
    /// let wide = compiled("channel in ['web', 'email'] || value > 100");
    /// assert!(wide.covers(&compiled("channel == 'web' && hour < 12")));
    /// assert!(wide.covers(&compiled("value >= 1000")));
    /// assert!(!wide.covers(&compiled("channel == 'sms'")));
    /// ```
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        covers(&self.inner.node, &other.inner.node, &self.inner.environment)
    }

    /// The parts that change nothing, with their places: they are worth a warning, not a refusal. None where the whole
    /// [always](Self::always) or [never](Self::never) holds.
    ///
    /// ```
    /// use policy_cel::{Condition, Environment};
    /// let condition = Condition::compile("channel == 'web' || hour > 23", &Environment::intake()).unwrap();
    /// assert_eq!(condition.remarks()[0].to_string(), "1:21: this never holds and changes nothing; leave it out");
    /// ```
    #[must_use]
    pub fn remarks(&self) -> &[Fault] {
        &self.inner.remarks
    }
}

impl PartialEq for Condition {
    /// Two conditions are the same when they are written the same and mean the same.
    fn eq(&self, other: &Self) -> bool {
        self.inner.source == other.inner.source && self.inner.node == other.inner.node
    }
}

impl Eq for Condition {}

impl fmt::Debug for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Condition").field(&self.inner.source).finish()
    }
}
