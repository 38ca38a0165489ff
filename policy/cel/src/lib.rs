//! CEL behind the policy's conditions, with a guard layer: names and types are checked when a policy is loaded, cost is
//! bounded, regexes are compiled once.
//!
//! The everyday of a policy is declarative: channel, language, topic, skills, hours. A condition says the rest, in the
//! [Common Expression Language](https://cel.dev) that Kubernetes, Envoy and others use:
//!
//! ```
//! use policy_cel::{Condition, Customer, Environment, Facts};
//!
//! let condition = Condition::compile(
//!     "channel in ['web', 'whatsapp'] && mood < -300 && value >= 1000 && customer.verified",
//!     &Environment::intake(),
//! )
//! .unwrap();
//! let facts = Facts {
//!     channel: "web",
//!     mood: -450,
//!     value: 2_500,
//!     customer: Customer { verified: true, ..Customer::default() },
//!     ..Facts::default()
//! };
//! assert_eq!(condition.holds(&facts), Ok(true));
//! assert_eq!(condition.names().collect::<Vec<_>>(), ["channel", "mood", "value", "customer.verified"]);
//! ```
//!
//! # Names
//!
//! [`Environment::intake`] has the names up to `weekday`; [`Environment::step`] has all of them.
//!
//! | name | kind | bounds | what it is |
//! |---|---|---|---|
//! | `channel` | string | up to 64 bytes | The channel it came on, such as `web` or `email`. |
//! | `language` | string | up to 64 bytes | The language as a tag such as `de` or `pt-BR`; "" while it is not known. |
//! | `topics` | list(string) | up to 32 of 64 bytes | What it is about. |
//! | `intent` | string | up to 64 bytes | What the customer wants; "" while it is not known. |
//! | `mood` | int | -1000 to 1000 | The mood per mille: below 0 upset, above 0 pleased, 0 neither or not known. |
//! | `value` | int | 0 to 1000000000000 | What the customer is worth, in the company's own unit. |
//! | `customer.verified` | bool | true, false | Whether the customer has proven who they are. |
//! | `customer.known` | bool | true, false | Whether the customer has been here before. |
//! | `customer.name` | bool | `has()` only | Whether a name is known; the name itself is kept from conditions. |
//! | `customer.contacts` | int | 0 to 1000000000 | How often the customer came before. |
//! | `message.size` | int | 0 to 1000000000 | The size of the newest message, in characters. |
//! | `hour` | int | 0 to 23 | The hour of the day in the time zone of the queue's hours, else in UTC. |
//! | `weekday` | string | mon, tue, wed, thu, fri, sat, sun | The day of the week in the same time zone. |
//! | `waited_s` | int | 0 to 1000000000 | How long it has waited, in seconds. |
//! | `queue` | string | up to 64 bytes | The queue it waits in. |
//! | `open` | bool | true, false | Whether that queue is open now. |
//! | `waiting` | int | 0 to 1000000000 | How many wait in that queue. |
//!
//! Numbers are whole and of 64 bits. There are no fractions, maps, structs, bytes, times and no `null`: what is not known
//! is `""`, 0 or false.
//!
//! # Operators, functions and macros
//!
//! | what | for |
//! |---|---|
//! | `&&` `\|\|` `!` `c ? a : b` | bools; the side that decides does so even where the other one fails |
//! | `==` `!=` | two of one kind |
//! | `<` `<=` `>` `>=` | numbers and strings |
//! | `+` `-` `*` `/` `%` | numbers; `+` also puts strings and lists together |
//! | `x in list`, `list[0]` | lists |
//! | `contains` `startsWith` `endsWith` `matches` `lowerAscii` `upperAscii` `trim` | methods of strings |
//! | `size(x)`, `x.size()` | the characters of a string, the elements of a list |
//! | `string(x)`, `int(x)` | from number to string and back |
//! | `all` `exists` `exists_one` `filter` `map` | loops over lists, such as `topics.exists(t, t == 'order')` |
//! | `has(customer.name)` | whether it is known |
//!
//! # What is refused when a policy is loaded
//!
//! Each fault has its line and column, what is wrong, and what would be right:
//!
//! ```
//! use policy_cel::{Condition, Environment};
//!
//! let refused = |source: &str| Condition::compile(source, &Environment::step()).unwrap_err()[0].to_string();
//! assert_eq!(
//!     refused("open &&\n  customer.verifed"),
//!     "2:3: there is no name `customer.verifed`; did you mean `customer.verified`?",
//! );
//! assert_eq!(refused("channel = 'web'"), "1:9: a single `=` compares nothing; write `==`");
//! assert_eq!(refused("channel && open"), "1:1: `&&` wants a bool, this is a string");
//! assert_eq!(refused("weekday == 'Monday'"), "1:12: `weekday` is never \"Monday\"; did you mean `mon`?");
//! assert_eq!(refused("hour > 1 / 0"), "1:8: this always fails: division by zero; ask whether the divisor is 0 first");
//! assert_eq!(
//!     refused("channel.matches(queue)"),
//!     "1:17: a regex must stand in the condition as it is, so that it is compiled once when the policy is loaded",
//! );
//! assert_eq!(
//!     refused("topics.all(a, topics.all(b, topics.all(c, a != b || b != c)))"),
//!     "1:8: the condition can take 430,210 steps, the budget is 20,000; loops inside loops multiply",
//! );
//! ```
//!
//! A condition is at most 4,096 bytes long and nested 32 deep. Its cost is bounded before it is ever asked: strings and
//! lists have a stated size, a loop costs its body times the size of its list, and the whole must stay in [`BUDGET`]. The
//! same steps are counted while it is asked, as a second fence against facts beyond their size.
//!
//! # What lint finds
//!
//! [`Condition::never`] and [`Condition::always`] tell of conditions that cannot hold, or cannot but hold, by their form
//! and by what their names can be. [`Condition::covers`] tells of a rule that another one leaves nothing to, and
//! [`Condition::remarks`] of parts that change nothing:
//!
//! ```
//! use policy_cel::{Condition, Environment};
//!
//! let compiled = |source: &str| Condition::compile(source, &Environment::step()).unwrap();
//! assert!(compiled("channel == 'web' && channel == 'email'").never());
//! assert!(compiled("(hour < 3 || hour > 20) && hour > 5 && hour < 19").never());
//! assert!(compiled("open || !open").always());
//! assert!(compiled("hour < 12").covers(&compiled("hour < 9 && open")));
//! assert_eq!(compiled("open || hour > 23").remarks().len(), 1);
//! ```
//!
//! # What an error does
//!
//! [`Condition::holds`] answers a division by zero, a missing element or a string that is no number with an
//! [`EvaluationError`]. The rule does not hold then, the next one is asked, and the caller counts the error and shows it
//! beside the rule: an error falls through, it never drops a conversation.
//!
//! # How it works
//!
//! Parsing is the `cel` crate's. Its evaluator is not used: it compiles a regex at every call, counts no steps and builds
//! a map of values for every conversation. Instead the parsed tree is checked into one of our own, with names resolved,
//! constants folded and regexes compiled, and that is evaluated straight against borrowed [`Facts`]. An answer allocates
//! nothing unless the condition makes strings or loops over a list. `cargo run --release -p policy-cel --example cost`
//! prints what that takes.

mod check;
mod condition;
mod environment;
mod error;
mod evaluate;
mod facts;
mod fault;
mod lint;
mod node;
mod parse;
mod pattern;
mod shape;
mod value;

pub use condition::Condition;
pub use environment::{Environment, Name};
pub use error::{Cause, EvaluationError};
pub use facts::{Customer, Facts};
pub use fault::{Fault, Position};
pub use shape::Kind;

/// The most steps an answer may take. A dearer condition is refused when the policy is loaded, and an evaluation gives up
/// there. A step takes some nanoseconds.
pub const BUDGET: u64 = 20_000;
