//! Prints what conditions cost: the bound told at load, the steps and the time of an answer, the time of a compilation.
//!
//! `cargo run --release -p policy-cel --example cost`

#![expect(clippy::print_stdout, reason = "printing is what it is for")]
#![expect(clippy::disallowed_types, reason = "measuring needs a clock; the crate itself has none")]

use std::hint::black_box;
use std::time::Instant;

use policy_cel::{Condition, Customer, Environment, Facts};

const SOURCES: [(&str, &str); 7] = [
    ("one comparison", "channel == 'web'"),
    (
        "everyday, 7 clauses",
        "channel in ['web', 'whatsapp'] && language.startsWith('pt') && mood < -300 && value >= 1000 \
         && customer.verified && 'refund' in topics && hour >= 9",
    ),
    ("a regex", "intent.matches('^(cancel|close)_(account|contract)$')"),
    ("topics, one loop", "topics.exists(t, t.startsWith('billing'))"),
    ("topics, two loops", "topics.exists(a, topics.exists(b, a != b && a.contains(b)))"),
    ("strings made", "(channel + ':' + language).lowerAscii() == 'web:pt-br'"),
    ("a bad regex", "intent.matches('(.*[a-z]){12}B')"),
];

/// The first compilation of a process is left out: it fills the parser's tables.
const COMPILATIONS: usize = 50;

fn main() -> Result<(), String> {
    let topics = ["order", "refund", "billing.invoice"].map(str::to_owned);
    let facts = Facts {
        channel: "web",
        language: "pt-BR",
        topics: &topics,
        intent: "cancel_account",
        mood: -400,
        value: 5_000,
        customer: Customer { verified: true, known: true, named: true, contacts: 7 },
        hour: 14,
        ..Facts::default()
    };
    let full: Vec<String> = (0..32).map(|number| format!("{number:0>64}")).collect();
    let name = "a".repeat(64);
    let largest = Facts { topics: &full, intent: &name, ..facts };
    println!("{:<20} {:>7} | {:>21} | {:>21} |", "", "", "everyday facts", "facts at their bounds");
    println!(
        "{:<20} {:>7} | {:>8} {:>12} | {:>8} {:>12} | {:>12}",
        "condition", "bound", "steps", "answer", "steps", "answer", "compilation"
    );
    for (name, source) in SOURCES {
        let compiled = Condition::compile(source, &Environment::step());
        let started = Instant::now();
        black_box(Condition::compile_all(&[source; COMPILATIONS], &Environment::step()));
        let compilation = started.elapsed().as_micros() / COMPILATIONS as u128;
        let condition = compiled.map_err(|faults| format!("{name}: {faults:?}"))?;
        let (steps, each) = measure(&condition, &facts)?;
        let (most, longest) = measure(&condition, &largest)?;
        println!(
            "{name:<20} {:>7} | {steps:>8} {each:>9} ns | {most:>8} {longest:>9} ns | {compilation:>9} us",
            condition.cost()
        );
    }
    Ok(())
}

/// The steps of an answer, and its nanoseconds as a mean.
fn measure(condition: &Condition, facts: &Facts<'_>) -> Result<(u64, u128), String> {
    let (_, steps) = condition.measured(facts);
    let rounds = u32::try_from(4_000_000 / steps.max(20)).unwrap_or(1);
    let started = Instant::now();
    for _ in 0..rounds {
        black_box(condition.holds(black_box(facts))).map_err(|error| error.to_string())?;
    }
    Ok((steps, started.elapsed().as_nanos() / u128::from(rounds)))
}
