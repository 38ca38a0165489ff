//! The exact answers. `a` is the load in agents, `n` the agents, times in seconds.

/// Erlang-B: the share that finds all agents busy where nobody waits.
#[must_use]
pub fn erlang_b(agents: u32, load: f64) -> f64 {
    (1..=agents).fold(1.0, |blocked, n| load * blocked / (f64::from(n) + load * blocked))
}

/// Erlang-C: the share that has to wait.
#[must_use]
pub fn erlang_c(agents: u32, load: f64) -> f64 {
    let blocked = erlang_b(agents, load);
    blocked / (1.0 - load / f64::from(agents) * (1.0 - blocked))
}

/// Mean wait with agents who are alike and work that is exponential.
#[must_use]
pub fn erlang_wait(agents: u32, load: f64, work_s: f64) -> f64 {
    erlang_c(agents, load) * work_s / (f64::from(agents) - load)
}

/// The share that waits no longer than this.
#[must_use]
pub fn erlang_within(agents: u32, load: f64, work_s: f64, within_s: f64) -> f64 {
    1.0 - erlang_c(agents, load) * (-(f64::from(agents) - load) * within_s / work_s).exp()
}

/// Erlang-A (Palm): the share who leave, and the mean time in queue of all.
#[must_use]
pub fn erlang_a(agents: u32, load: f64, work_s: f64, patience_s: f64) -> (f64, f64) {
    let rate = load / work_s;
    let (mut weight, mut total, mut queue) = (1.0, 1.0, 0.0);
    let mut state = 0u32;
    loop {
        state += 1;
        let waiting = f64::from(state.saturating_sub(agents));
        weight *= rate / (f64::from(state.min(agents)) / work_s + waiting / patience_s);
        total += weight;
        queue += weight * waiting;
        if state > agents && weight < total * 1e-15 || state == u32::MAX {
            break;
        }
    }
    let queue = queue / total;
    (queue / patience_s / rate, queue / rate)
}

/// Non-preemptive priorities, the first class first: mean waits. All work is exponential with one mean.
#[must_use]
pub fn priorities(agents: u32, rates: &[f64], work_s: f64) -> Vec<f64> {
    let per_agent = work_s / f64::from(agents);
    let total: f64 = rates.iter().sum();
    let base = erlang_c(agents, total * work_s) * per_agent;
    let mut above = 0.0;
    let wait = |rate: &f64| {
        let upto = above + rate * per_agent;
        let wait = base / ((1.0 - above) * (1.0 - upto));
        above = upto;
        wait
    };
    rates.iter().map(wait).collect()
}

/// M/G/1 (Pollaczek and Khinchine): mean wait.
#[must_use]
pub fn single_agent(load: f64, work_s: f64, cv: f64) -> f64 {
    load * work_s * (1.0 + cv * cv) / (2.0 * (1.0 - load))
}

/// One agent with several chats, each at speed `speeds[n - 1]` while there are n: mean wait for a slot, mean time in all.
#[must_use]
pub fn chat_alone(speeds: &[f64], load: f64, work_s: f64) -> (f64, f64) {
    let rate = load / work_s;
    let all = |chats: usize| chats as f64 * speeds[chats - 1] / work_s;
    let slots = speeds.len();
    let (mut weight, mut total, mut in_hand) = (1.0, 1.0, 0.0);
    for chats in 1..slots {
        weight *= rate / all(chats);
        total += weight;
        in_hand += weight * chats as f64;
    }
    let step = rate / all(slots);
    let full = weight * step / (1.0 - step);
    total += full;
    in_hand += full * slots as f64;
    let queue = full * step / (1.0 - step) / total;
    (queue / rate, (queue + in_hand / total) / rate)
}

/// Two such agents, each arrival to the less loaded: mean wait for a slot, mean time in all. The chain of both agents'
/// chats is solved by iteration; beyond all slots full the queue is geometric.
#[must_use]
pub fn chat_pair(speeds: &[f64], load: f64, work_s: f64) -> (f64, f64) {
    let (rate, slots) = (load / work_s, speeds.len());
    let all = |chats: usize| if chats == 0 { 0.0 } else { chats as f64 * speeds[chats - 1] / work_s };
    let step = rate / (2.0 * all(slots));
    let fastest = rate + 2.0 * (0..=slots).map(all).fold(0.0, f64::max);
    let states: Vec<(usize, usize)> = (0..=slots).flat_map(|i| (i..=slots).map(move |j| (i, j))).collect();
    let place = |i: usize, j: usize| {
        let pair = (i.min(j), i.max(j));
        states.iter().position(|state| *state == pair).unwrap_or(0)
    };
    let mut moves = Vec::new();
    for (from, &(i, j)) in states.iter().enumerate() {
        let full = i == slots && j == slots;
        // All states with a queue are one with the full one: it is left only from its empty queue.
        let leaving = if full { 1.0 - step } else { 1.0 };
        if !full {
            moves.push((from, place(i + 1, j), rate / fastest));
        }
        if i > 0 {
            moves.push((from, place(i - 1, j), all(i) * leaving / fastest));
        }
        if j > 0 {
            moves.push((from, place(i, j - 1), all(j) * leaving / fastest));
        }
    }
    let mut chance = vec![1.0 / states.len() as f64; states.len()];
    for _ in 0..20_000 {
        let mut next = chance.clone();
        for &(from, to, share) in &moves {
            next[from] -= chance[from] * share;
            next[to] += chance[from] * share;
        }
        chance = next;
    }
    let queue = chance[place(slots, slots)] * step / (1.0 - step);
    let in_hand: f64 = states.iter().zip(&chance).map(|((i, j), chance)| (i + j) as f64 * chance).sum();
    (queue / rate, (queue + in_hand) / rate)
}

/// First come first served, and the longest idle agent (Adan and Weiss): mean waits of the classes. `serves[agent]` are
/// the classes that an agent serves, at `pace[agent]` a second.
#[must_use]
pub fn fcfs_alis(rates: &[f64], pace: &[f64], serves: &[&[usize]]) -> Vec<f64> {
    let mut total = 0.0;
    let mut queues = vec![0.0; rates.len()];
    let of_both = |classes: &[usize]| classes.iter().map(|class| rates[*class]).sum::<f64>();
    for order in orders(pace.len()) {
        for busy in 0..=order.len() {
            let (mut weight, mut segments) = (1.0, Vec::new());
            for upto in 1..=busy {
                // Who stands between this busy agent and the next can be served by none but those before.
                let before = &order[..upto];
                let only: Vec<usize> = (0..rates.len())
                    .filter(|class| {
                        (0..pace.len()).all(|it| before.contains(&it) || !serves[it].contains(class))
                    })
                    .collect();
                let speed: f64 = before.iter().map(|agent| pace[*agent]).sum();
                let step = of_both(&only) / speed;
                weight /= speed * (1.0 - step);
                segments.push((only, step / (1.0 - step)));
            }
            for from in busy..order.len() {
                let any: Vec<usize> = (0..rates.len())
                    .filter(|class| order[from..].iter().any(|agent| serves[*agent].contains(class)))
                    .collect();
                weight /= of_both(&any);
            }
            total += weight;
            for (only, waiting) in segments {
                let all = of_both(&only);
                for class in only {
                    queues[class] += weight * waiting * rates[class] / all;
                }
            }
        }
    }
    queues.iter().zip(rates).map(|(queue, rate)| queue / total / rate).collect()
}

/// All orders of so many.
fn orders(many: usize) -> Vec<Vec<usize>> {
    if many == 0 {
        return vec![Vec::new()];
    }
    let put = |shorter: Vec<usize>| {
        (0..many).map(move |at| {
            let mut order = shorter.clone();
            order.insert(at, many - 1);
            order
        })
    };
    orders(many - 1).into_iter().flat_map(put).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPEEDS: [f64; 4] = [1.0, 0.9, 0.75, 0.62];

    #[track_caller]
    fn near(found: f64, exact: f64) {
        assert!((found - exact).abs() <= 6e-4 * exact.abs().max(0.1), "{found}, not {exact}");
    }

    #[test]
    fn agents_who_are_alike() {
        near(erlang_wait(10, 9.0, 240.0), 160.496);
        near(erlang_within(10, 9.0, 240.0, 30.0), 0.4098);
        near(erlang_wait(50, 47.5, 240.0), 60.393);
        near(erlang_wait(20, 18.0, 240.0), 66.092);
    }

    #[test]
    fn impatient_customers() {
        near(erlang_a(50, 55.0, 240.0, 480.0).0, 0.10208);
        near(erlang_a(10, 10.0, 240.0, 240.0).0, 0.12511);
        near(erlang_a(20, 18.0, 240.0, 600.0).1, 20.508);
    }

    #[test]
    fn priorities_and_their_conservation() {
        let rates = [0.015, 0.0225, 0.0375];
        let waits = priorities(20, &rates, 240.0);
        for (found, exact) in waits.iter().zip([8.060, 14.655, 120.168]) {
            near(*found, exact);
        }
        let overall: f64 = waits.iter().zip(rates).map(|(wait, rate)| wait * rate).sum::<f64>() / 0.075;
        near(overall, erlang_wait(20, 18.0, 240.0));
    }

    #[test]
    fn one_agent_with_any_work() {
        near(single_agent(0.7, 240.0, 1.5), 910.0);
    }

    #[test]
    fn chats_side_by_side() {
        let (slot, all) = chat_alone(&SPEEDS, 2.1, 300.0);
        near(slot, 487.286);
        near(all, 936.699);
        let (slot, all) = chat_pair(&SPEEDS, 4.2, 300.0);
        near(slot, 183.226);
        near(all, 620.234);
        near(erlang_wait(20, 18.0, 300.0), 82.615);
    }

    #[test]
    fn skills_of_two_agents() {
        let serves: [&[usize]; 2] = [&[0], &[0, 1]];
        for (rates, pace, exact) in [
            ([0.9, 0.6], [1.0, 1.0], [1.2038, 2.8758]),
            ([1.0, 0.3], [0.8, 1.2], [0.7079, 1.1484]),
            ([0.5, 0.9], [1.0, 1.5], [0.2620, 1.2228]),
        ] {
            let found = fcfs_alis(&rates, &pace, &serves);
            near(found[0], exact[0]);
            near(found[1], exact[1]);
        }
        assert_eq!(orders(3).len(), 6);
    }
}
