//! What conditions say of conversations: each operator, function and macro, what they do on failure, and what they cost.

use policy_cel::{BUDGET, Cause, Condition, Customer, Environment, Facts};

fn compiled(source: &str) -> Condition {
    let compiled = Condition::compile(source, &Environment::step());
    compiled.unwrap_or_else(|faults| {
        let shown: Vec<String> = faults.iter().map(|fault| fault.shown(source)).collect();
        panic!("{}", shown.join("\n"))
    })
}

fn topics() -> Vec<String> {
    ["order", "billing.refund", "Größe"].map(str::to_owned).to_vec()
}

fn facts(topics: &[String]) -> Facts<'_> {
    Facts {
        channel: "web",
        language: "pt-BR",
        topics,
        intent: "cancel_account",
        mood: -400,
        value: 5_000,
        customer: Customer { verified: true, known: true, named: true, contacts: 7 },
        message_size: 120,
        hour: 14,
        weekday: "tue",
        waited_s: 90,
        queue: "billing",
        open: true,
        waiting: 12,
    }
}

#[test]
fn what_holds() {
    let topics = topics();
    let facts = facts(&topics);
    for source in [
        "channel == 'web' && channel != 'email'",
        "language.startsWith('pt')",
        "mood < -300 && mood >= -400 && mood <= -400 && !(mood > -400)",
        "value / 7 == 714 && value % 7 == 2 && -mood == 400 && value * 2 - 1 == 9999",
        "-7 / 2 == -3 && -7 % 2 == -1 && 0x10 == 16",
        "customer.verified && customer.known && has(customer.name) && customer.contacts == 7",
        "message.size > 100 && hour == 14 && weekday == 'tue' && waited_s == 90",
        "queue == 'billing' && open && waiting == 12",
        "'order' in topics && !('other' in topics)",
        "size(topics) == 3 && topics.size() == 3 && size('Größe') == 5",
        "topics.all(t, t.size() > 3) && topics.exists(t, t.contains('refund'))",
        "topics.exists_one(t, t.endsWith('refund')) && !topics.exists_one(t, t.size() > 1)",
        "topics.filter(t, t.contains('.')) == ['billing.refund']",
        "topics.map(t, t.size()) == [5, 14, 5]",
        "topics.map(t, t != 'order', t.upperAscii())[0] == 'BILLING.REFUND'",
        "topics[2].lowerAscii() == 'größe' && topics[0] < topics[2] + 'x' || topics[2] < topics[0]",
        "intent.matches('^cancel_') && matches(intent, r'account$') && !intent.matches('^account')",
        "(open ? hour : waiting) == 14",
        "string(hour) + ':' + string(open) + queue == '14:truebilling'",
        "int('0' + string(hour)) == 14 && int(hour) == 14",
        "' a '.trim() == 'a' && (' ' + channel + ' ').trim() == 'web'",
        "topics + [] == topics && [] + topics != ['order']",
        "[open, false] == [true, !open] && (true in [open])",
        "['a', channel].exists(c, c == 'web')",
        "topics.exists(a, topics.exists(b, a < b))",
        "hour in [1, 14] && !(hour in [])",
    ] {
        assert_eq!(compiled(source).holds(&facts), Ok(true), "{source}");
        let opposite = format!("!({source})");
        assert_eq!(compiled(&opposite).holds(&facts), Ok(false), "{opposite}");
    }
}

#[test]
fn a_failure_is_a_value() {
    let nothing = Facts::default();
    for (source, cause, column) in [
        ("value / waiting > 1", Cause::DivisionByZero, 1),
        ("value % waiting > 1", Cause::DivisionByZero, 1),
        ("topics[0] == 'x'", Cause::NoSuchElement, 1),
        ("topics[waiting - 1] == 'x'", Cause::NoSuchElement, 1),
        ("open || int(channel) == 3", Cause::NotANumber, 9),
        ("(value + 9223372036854775807) * 2 > 0", Cause::Overflow, 2),
        ("[1].map(x, x / waiting)[0] == 1", Cause::DivisionByZero, 12),
    ] {
        let condition = compiled(source);
        assert!(condition.can_fail(), "{source}");
        let error = condition.holds(&nothing).unwrap_err();
        assert_eq!((error.cause, error.at.column), (cause, column), "{source}");
    }
}

#[test]
fn the_side_that_decides_does_so_though_the_other_fails() {
    let nothing = Facts::default();
    for (source, answer) in [
        ("value / waiting > 1 && open", false),
        ("open && value / waiting > 1", false),
        ("value / waiting > 1 || !open", true),
        ("[waiting, 1].exists(x, 1 / x == 1)", true),
        ("[waiting, 1].all(x, 1 / x != 1)", false),
    ] {
        assert_eq!(compiled(source).holds(&nothing), Ok(answer), "{source}");
    }
    let undecided = compiled("[waiting, 2].exists(x, 1 / x == 1)");
    assert_eq!(undecided.holds(&nothing).unwrap_err().cause, Cause::DivisionByZero);
}

#[test]
fn facts_beyond_their_bounds_end_at_the_budget() {
    let many: Vec<String> = (0..100_000).map(|number| format!("topic {number}")).collect();
    let facts = Facts { topics: &many, ..Facts::default() };
    let condition = compiled("topics.exists(a, topics.exists(b, a == 'x' && b == 'y'))");
    let (answer, steps) = condition.measured(&facts);
    assert_eq!(answer.unwrap_err().cause, Cause::OverBudget);
    assert!(steps <= BUDGET);
    let long = "a".repeat(4 << 20);
    let facts = Facts { intent: &long, channel: &long, ..Facts::default() };
    for source in
        ["intent.matches('(a+)+$')", "intent == channel", "intent.contains('b')", "intent + 'x' == 'y'"]
    {
        let answer = compiled(source).holds(&facts);
        assert!(matches!(answer.unwrap_err().cause, Cause::OverBudget | Cause::TooLarge), "{source}");
    }
    let some = "a".repeat(5_000);
    let facts = Facts { intent: &some, ..Facts::default() };
    assert_eq!(compiled("intent + 'x' == 'y'").holds(&facts).unwrap_err().cause, Cause::TooLarge);
}

#[test]
fn no_limit_is_swallowed_by_a_decision() {
    let many: Vec<String> = (0..100_000).map(|number| number.to_string()).collect();
    let facts = Facts { topics: &many, open: true, ..Facts::default() };
    let condition = compiled("'x' in topics || open");
    assert_eq!(condition.holds(&facts).unwrap_err().cause, Cause::OverBudget);
}

#[test]
fn a_condition_knows_its_names() {
    let names = |source| compiled(source).names().collect::<Vec<_>>();
    assert_eq!(
        names("waiting > 3 && channel == 'web' && has(customer.name)"),
        ["channel", "customer.name", "waiting"]
    );
    assert_eq!(names("false && hour > 3"), ["hour"]);
    assert_eq!(names("topics.exists(t, t == queue)"), ["topics", "queue"]);
    assert_eq!(names("1 < 2"), [""; 0]);
}

#[test]
fn told_values_are_checked_and_linted() {
    let told = Environment::step()
        .with_values("channel", ["web", "email"])
        .with_values("topics", ["order", "refund"])
        .with_values("language", ["de"])
        .with_values("hour", ["noon"]);
    let faults = |source| match Condition::compile(source, &told) {
        Err(faults) => faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"),
        Ok(condition) => format!("always {}, never {}", condition.always(), condition.never()),
    };
    assert_eq!(faults("'emial' == channel"), "1:1: `channel` is never \"emial\"; did you mean `email`?");
    assert_eq!(
        faults("channel in ['web', 'sms']"),
        "1:12: `channel` is never \"sms\"; there are `email`, `web`"
    );
    assert_eq!(faults("'refnd' in topics"), "1:1: `topics` never holds \"refnd\"; did you mean `refund`?");
    assert_eq!(faults("language == '' || language == 'de'"), "always true, never false");
    assert_eq!(faults("channel == 'web' || channel == 'email'"), "always true, never false");
    assert_eq!(faults("channel.contains('sms')"), "always false, never true");
    assert_eq!(faults("hour == 12"), "always false, never false");
}

#[test]
fn a_condition_covers_what_it_holds_for_too() {
    for (wide, narrow, covers) in [
        ("open", "open && hour > 3", true),
        ("open && hour > 3", "open", false),
        ("hour < 12", "hour < 9", true),
        ("hour < 9", "hour < 12", false),
        ("true", "channel.matches('x')", true),
        ("weekday in ['sat', 'sun']", "weekday == 'sun'", true),
        ("weekday != 'mon'", "weekday.startsWith('s')", true),
        ("weekday != 'sun'", "weekday.startsWith('s')", false),
        ("channel.startsWith('we')", "channel == 'web'", true),
        ("channel.startsWith('we')", "channel == 'email'", false),
        ("'order' in topics || open", "'order' in topics && mood < 0", true),
        ("value / waiting > 2", "value / waiting > 2", false),
        ("channel == 'web'", "hour > 23", true),
    ] {
        assert_eq!(compiled(wide).covers(&compiled(narrow)), covers, "{wide} over {narrow}");
    }
}

#[test]
fn idle_parts_are_told_with_their_places() {
    let remarks = |source| compiled(source).remarks().iter().map(ToString::to_string).collect::<Vec<_>>();
    let never = "this never holds and changes nothing; leave it out";
    let always = "this always holds and changes nothing; leave it out";
    assert_eq!(
        remarks("open && mood <= 1000 ||\n  (channel == 'web' && channel == 'sms') || hour < 3"),
        [format!("1:9: {always}"), format!("2:4: {never}")],
    );
    assert_eq!(remarks("!(hour > 30 || open)"), [format!("1:3: {never}")]);
    assert_eq!(remarks("(hour >= 0 ? open : waiting > 3) || mood > 0"), [format!("1:2: {always}")]);
    assert_eq!(remarks("hour > 30 && open"), [""; 0]);
    assert_eq!(remarks("hour > 3 && open"), [""; 0]);
}

#[test]
fn facts_are_brought_within_their_bounds() {
    let many: Vec<String> = (0..100).map(|number| number.to_string()).collect();
    let long = "ü".repeat(100);
    let facts = Facts { topics: &many, channel: &long, hour: -3, waiting: i64::MAX, ..Facts::default() };
    let cut = facts.within_bounds();
    assert_eq!(
        (cut.topics.len(), cut.channel.chars().count(), cut.hour, cut.waiting),
        (32, 32, 0, 1_000_000_000)
    );
    let fine = Facts { channel: "web", hour: 23, open: true, ..Facts::default() };
    assert_eq!(fine.within_bounds(), fine);
}

#[test]
fn a_condition_is_shared_between_threads() {
    fn shared<T: Send + Sync + Clone + 'static>(_: &T) {}
    let condition = compiled("channel.matches('w.b')");
    shared(&condition);
    assert_eq!(condition, condition.clone());
    assert_eq!(format!("{condition:?}"), "Condition(\"channel.matches('w.b')\")");
}

#[test]
fn dear_conditions_are_refused_with_their_cost() {
    let deep = |loops: usize| {
        let list = "[1,2,3,4,5,6,7,8,9,10]";
        let open: String = (0..loops).map(|index| format!("{list}.all(v{index}, ")).collect();
        format!("{open}v0 + hour >= 0{}", ")".repeat(loops))
    };
    assert!(Condition::compile(&deep(2), &Environment::step()).is_ok());
    let faults = Condition::compile(&deep(6), &Environment::step()).unwrap_err();
    assert_eq!(faults.len(), 1);
    assert!(faults[0].detail.contains("the budget is 20,000"), "{}", faults[0]);
    let faults = Condition::compile(&deep(17), &Environment::step()).unwrap_err();
    assert!(faults[0].detail.starts_with("more than 16 loops"), "{}", faults[0]);
}

/// Every pair of comparisons of one number is settled as trying all numbers would.
#[test]
fn ranges_are_settled_exactly() {
    let operators = ["==", "!=", "<", "<=", ">", ">="];
    for (name, most) in [("hour", 23), ("waited_s", 1_000_000_000)] {
        let tried: Vec<i64> = (0..=23).chain([most]).collect();
        let ask = |condition: &Condition, value: i64| {
            condition.holds(&Facts { hour: value.min(23), waited_s: value, ..Facts::default() })
        };
        for (one, other) in operators.iter().flat_map(|one| operators.iter().map(move |other| (one, other))) {
            for (low, high) in [(-1, 0), (0, 0), (0, 1), (3, 3), (3, 4), (3, 5), (4, 3), (5, 3), (most, most)]
            {
                for join in ["&&", "||"] {
                    let source = format!("{name} {one} {low} {join} {high} {other} {name}");
                    let condition = compiled(&source);
                    let answers: Vec<_> = tried.iter().map(|&value| ask(&condition, value)).collect();
                    let (all, none) = (
                        answers.iter().all(|held| *held == Ok(true)),
                        answers.iter().all(|held| *held == Ok(false)),
                    );
                    assert_eq!((condition.always(), condition.never()), (all, none), "{source}");
                }
            }
        }
    }
}

/// The bound is no guess: facts at their bounds reach it where nothing ends early.
#[test]
fn the_bound_is_reached() {
    let topics: Vec<String> = (0..32).map(|number| format!("{number:0>64}")).collect();
    let name = "a".repeat(64);
    let facts = Facts { topics: &topics, channel: &name, intent: &name, queue: &name, ..Facts::default() };
    for source in [
        "hour < 3",
        "channel == queue",
        "channel.contains(queue)",
        "channel.size() == 64",
        "channel.lowerAscii() == intent",
        "channel + queue == queue + intent",
        "intent.matches('b')",
        "int(string(hour)) == 0",
        "'x' in topics",
        "topics + topics == topics + topics",
        "topics.all(t, t != channel)",
        "topics.exists(t, t.startsWith(channel))",
        "topics.filter(t, t != channel).size() == 32",
        "topics.map(t, t != channel, t.upperAscii()).size() == 32",
        "[hour, 1, 2].exists_one(x, x == hour)",
        "topics[31] == channel",
        "-hour + hour * 2 == hour",
        "!(hour == 0) || open",
    ] {
        let condition = compiled(source);
        let (answer, steps) = condition.measured(&facts);
        assert!(answer.is_ok(), "{source}");
        assert_eq!(steps, condition.cost(), "{source}");
    }
}
