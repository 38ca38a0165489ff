//! Who comes, and with what fate: time, work, patience, the agent known, what the draw of the outcome will be. All of it
//! follows from the seed alone, so that every rule meets the same customers.

use crate::random::{Purpose, Stream};
use crate::scenario::{Class, Scenario};

/// A matter comes back so many times at most.
const RETURNS_MAX: u64 = 6;
/// A further contact has this share of a new work.
const AGAIN_SHARE: f64 = 0.8;
/// Contacts of one matter in the numbering of the streams.
const CONTACTS: u64 = RETURNS_MAX + 2;
/// Arrivals of one class in the numbering of the streams.
const PER_CLASS: u64 = 1 << 40;

/// One contact, as it was drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct Fate {
    /// When, in milliseconds.
    pub at: i64,
    /// Which class.
    pub class: usize,
    /// The matter: the number of its first contact among all that arrive.
    pub matter: usize,
    /// The contacts of this matter before.
    pub number: u64,
    /// Work in milliseconds at speed 1.
    pub work: f64,
    /// When the customer leaves the queue.
    pub leaves: Option<i64>,
    /// The agent whom the customer knows.
    pub known: Option<usize>,
    /// It is solved if the chance of that is above this.
    pub solve: f64,
    /// An unsolved one comes back if the share of those is above this.
    pub returns: f64,
    /// After so many milliseconds.
    pub delay: i64,
    key: u64,
}

fn ms(seconds: f64) -> i64 {
    (seconds * 1_000.0).round() as i64
}

/// Everybody who comes of themselves, in the order of time.
#[must_use]
pub fn draw(scenario: &Scenario, seed: u64) -> Vec<Fate> {
    let steps = multipliers(scenario, seed);
    let mut fates = Vec::new();
    for (index, class) in scenario.classes.iter().enumerate() {
        let able: Vec<usize> = able(scenario, class);
        let mut stream = Stream::new(seed, Purpose::Arrivals, index as u64);
        let mut count = 0;
        times(class.rate_per_s, &steps, &mut stream, |at| {
            let key = index as u64 * PER_CLASS + count * CONTACTS;
            count += 1;
            fates.push(fate(scenario, seed, key, index, ms(at), |draw| {
                let (knows, which) = (draw.unit() < class.knows_an_agent, draw.below(able.len()));
                able.get(which).copied().filter(|_| knows)
            }));
        });
    }
    fates.sort_by_key(|fate| (fate.at, fate.class));
    for (matter, fate) in fates.iter_mut().enumerate() {
        fate.matter = matter;
    }
    fates
}

/// The next contact of a matter that this agent did not solve at this time; none if it does not come back.
#[must_use]
pub fn again(scenario: &Scenario, seed: u64, before: &Fate, agent: usize, at: i64) -> Option<Fate> {
    if before.number >= RETURNS_MAX || before.returns >= scenario.recontact_share {
        return None;
    }
    let mut next = fate(scenario, seed, before.key + 1, before.class, at + before.delay, |_| Some(agent));
    next.work *= AGAIN_SHARE;
    next.matter = before.matter;
    next.number = before.number + 1;
    Some(next)
}

fn able(scenario: &Scenario, class: &Class) -> Vec<usize> {
    let agents = scenario.agents.iter().enumerate();
    agents.filter(|(_, agent)| agent.serves(class)).map(|(index, _)| index).collect()
}

fn fate(
    scenario: &Scenario,
    seed: u64,
    key: u64,
    class: usize,
    at: i64,
    known: impl FnOnce(&mut Stream) -> Option<usize>,
) -> Fate {
    let of = &scenario.classes[class];
    let mut draw = Stream::new(seed, Purpose::Fate, key);
    let solve = draw.unit();
    let returns = draw.unit();
    let delay = ms(draw.exponential(scenario.recontact_delay_s));
    let patience = draw.exponential(of.patience_s.unwrap_or(1.0));
    // A further contact has "an exponential new work", whatever the class.
    let first = key.is_multiple_of(CONTACTS);
    let work_s =
        if of.cv == 1.0 || !first { draw.exponential(of.work_s) } else { draw.log_normal(of.work_s, of.cv) };
    Fate {
        at,
        class,
        matter: 0,
        number: 0,
        work: work_s * 1_000.0,
        leaves: of.patience_s.map(|_| at + ms(patience)),
        known: known(&mut draw),
        solve,
        returns,
        delay,
        key,
    }
}

/// The multiplier of the arrivals: until when, and how much.
fn multipliers(scenario: &Scenario, seed: u64) -> Vec<(f64, f64)> {
    let horizon = scenario.horizon_s;
    let constant = scenario.profile.iter().all(|it| *it == scenario.profile[0]);
    let step = if constant { horizon } else { scenario.profile_step_s };
    let mut stream = Stream::new(seed, Purpose::Bursts, 0);
    let [burst, on, off] = scenario.burst_x_on_off.unwrap_or([1.0, f64::INFINITY, f64::INFINITY]);
    let mut turn = if off.is_finite() { stream.exponential(off) } else { f64::INFINITY };
    let (mut bursting, mut now, mut index) = (false, 0.0, 0);
    let mut steps = Vec::new();
    while now < horizon {
        let next_step = step * (index + 1) as f64;
        let until = next_step.min(turn).min(horizon);
        let level = scenario.profile[index % scenario.profile.len()] * if bursting { burst } else { 1.0 };
        steps.push((until, level));
        if turn <= until {
            bursting = !bursting;
            turn = until + stream.exponential(if bursting { on } else { off });
        }
        if next_step <= until {
            index += 1;
        }
        now = until;
    }
    steps
}

/// Arrivals of one Poisson process, by inversion of its summed rate.
fn times(rate: f64, steps: &[(f64, f64)], stream: &mut Stream, mut arrive: impl FnMut(f64)) {
    let (mut now, mut due) = (0.0, stream.exponential(1.0));
    for &(until, level) in steps {
        let rate = rate * level;
        while rate > 0.0 && now + due / rate < until {
            now += due / rate;
            arrive(now);
            due = stream.exponential(1.0);
        }
        due -= rate * (until - now);
        now = until;
    }
}
