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
    ("worst regex", "intent.matches('(.*a){12}b')"),
];

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
    println!("{:<22} {:>7} {:>6} {:>10} {:>12}", "condition", "bound", "steps", "answer", "compilation");
    for (name, source) in SOURCES {
        let started = Instant::now();
        let compiled = Condition::compile(source, &Environment::step());
        let compilation = started.elapsed();
        let condition = compiled.map_err(|faults| format!("{name}: {faults:?}"))?;
        let (_, steps) = condition.measured(&facts);
        let rounds = 200_000_u32;
        let started = Instant::now();
        for _ in 0..rounds {
            black_box(condition.holds(black_box(&facts))).map_err(|error| error.to_string())?;
        }
        let each = started.elapsed() / rounds;
        println!(
            "{name:<22} {:>7} {steps:>6} {:>7} ns {:>9} us",
            condition.cost(),
            each.as_nanos(),
            compilation.as_micros()
        );
    }
    Ok(())
}
