//! What one decision with its record costs, with 10,000 agents and 50,000 waiting: an agent is freed and gets the next
//! conversation; a conversation comes and gets an agent.

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};

mod load;

fn decisions(criterion: &mut Criterion) {
    let mut full = load::Load::full(10_000, 50_000);
    criterion.bench_function("agent freed, 10,000 agents, 50,000 waiting", |bench| {
        bench.iter_custom(|rounds| {
            let mut spent = core::time::Duration::ZERO;
            for _ in 0..rounds {
                let (agent, channel) = full.draw();
                spent += timed(|| full.free(agent, &channel)).0;
                full.note(agent);
                full.come();
            }
            spent
        });
    });
    let mut light = load::Load::light(10_000);
    criterion.bench_function("conversation came, 10,000 agents with room", |bench| {
        bench.iter_custom(|rounds| {
            let mut spent = core::time::Duration::ZERO;
            for _ in 0..rounds {
                let conversation = light.come();
                let (time, decision) = timed(|| light.serve(conversation));
                spent += time;
                if let Some(decision) = decision {
                    light.note(decision.agent);
                }
                let (agent, channel) = light.draw();
                light.end(agent, &channel);
            }
            spent
        });
    });
    criterion.bench_function("copy of a pool of 1,000 agents, 1,000 waiting", |bench| {
        let pool = load::Load::full(1_000, 1_000).pool;
        bench.iter_batched(|| (), |()| pool.clone(), BatchSize::LargeInput);
    });
}

#[expect(clippy::disallowed_types, reason = "a bench measures time")]
fn timed<T>(work: impl FnOnce() -> T) -> (core::time::Duration, T) {
    let begun = std::time::Instant::now();
    let result = work();
    (begun.elapsed(), result)
}

criterion_group!(benches, decisions);
criterion_main!(benches);
