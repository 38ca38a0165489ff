//! What a message costs to understand: language, intent, mood, by its length.
//!
//! `cargo bench -p understanding`

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use understanding::intent::{Example, Intents};
use understanding::language::{Hints, Languages};
use understanding::mood::{Circumstances, Moods};
use understanding::text::Text;

const MESSAGE: &str = "I ordered two weeks ago and my parcel has still not arrived, where is it? ";

fn intents() -> Intents {
    let things = ["parcel", "refund", "card", "invoice", "password", "address", "delivery", "account"];
    let asks = [
        "where is my",
        "I lost the",
        "how do I change my",
        "please send me the",
        "what about my",
        "is there a",
    ];
    let examples: Vec<Example> = things
        .iter()
        .flat_map(|thing| asks.map(|ask| Example { intent: (*thing).into(), text: format!("{ask} {thing}") }))
        .collect();
    Intents::train(&examples).expect("enough examples")
}

fn message(criterion: &mut Criterion) {
    let intents = intents();
    let mut group = criterion.benchmark_group("message");
    for times in [1, 10, 100] {
        let text = MESSAGE.repeat(times);
        let read = Text::read(&text);
        let id = |name: &str| BenchmarkId::new(name, text.len());
        group.bench_function(id("read"), |bencher| bencher.iter(|| Text::read(&text)));
        group.bench_function(id("language"), |bencher| {
            bencher.iter(|| Languages::shipped().label(&read, &Hints::default()));
        });
        group.bench_function(id("intent"), |bencher| bencher.iter(|| intents.label(&read)));
        group.bench_function(id("mood"), |bencher| {
            bencher.iter(|| Moods::shipped().label(&read, Some("en"), &Circumstances::default()));
        });
    }
    group.finish();
}

criterion_group!(benches, message);
criterion_main!(benches);
