//! The table of the anchors: 26 checks and the three multi-skill designs.

use super::formulas::{
    chat_alone, chat_pair, erlang_a, erlang_c, erlang_wait, erlang_within, fcfs_alis, priorities,
    single_agent,
};
use super::{Check, Design, Of};
use crate::scenario::{Agent, Channel, Class, Scenario, Slots};
use crate::setting::Order;

const WORK_S: f64 = 240.0;
const CHAT_S: f64 = 300.0;
/// Speeds of chats side by side.
const SPEEDS: [f64; 4] = [1.0, 0.9, 0.75, 0.62];
/// The three classes of V.
const V: [f64; 3] = [0.015, 0.0225, 0.0375];
/// A unit of time of the multi-skill designs, so that milliseconds are fine enough.
const UNIT_S: f64 = 1_000.0;
/// The serving rules of the plain designs.
const PLAIN: &str = "longest_idle";

/// All designs.
#[must_use]
pub fn designs() -> Vec<Design> {
    let mut all = vec![
        erlang(10, 9.0, 40_000.0),
        erlang(50, 47.5, 80_000.0),
        impatient("n=50 load 55", 50, 55.0, 480.0),
        impatient("n=10 load 10", 10, 10.0, 240.0),
        impatient("n=20 load 18", 20, 18.0, 600.0),
        v(PLAIN, Order::Priority),
        v(PLAIN, Order::Age),
        v("least_customer_time", Order::Age),
        general(1.5),
        general(0.5),
        chats("one agent", 1, &SPEEDS, 2.1, chat_alone(&SPEEDS, 2.1, CHAT_S)),
        chats("two agents", 2, &SPEEDS, 4.2, chat_pair(&SPEEDS, 4.2, CHAT_S)),
        chats("five agents, g=1", 5, &[1.0; 4], 18.0, {
            let wait = erlang_wait(20, 18.0, CHAT_S);
            (wait, wait + CHAT_S)
        }),
    ];
    all.extend([
        skilled([0.9, 0.6], [1.0, 1.0]),
        skilled([1.0, 0.3], [0.8, 1.2]),
        skilled([0.5, 0.9], [1.0, 1.5]),
    ]);
    all
}

fn check(name: String, exact: f64, of: Of) -> Check {
    Check { name, exact, of }
}

fn erlang(agents: u32, load: f64, arrivals: f64) -> Design {
    let name = format!("Erlang-C n={agents} load {load}");
    let checks = vec![
        check(format!("{name}: mean wait"), erlang_wait(agents, load, WORK_S), Of::Wait),
        check(format!("{name}: within 30 s"), erlang_within(agents, load, WORK_S, 30.0), Of::Within30),
        check(format!("{name}: has to wait"), erlang_c(agents, load), Of::Delayed),
    ];
    let classes = vec![calls("A", load / WORK_S, WORK_S)];
    plain(scenario(&name, classes, alike(agents), arrivals), PLAIN, checks)
}

fn impatient(name: &str, agents: u32, load: f64, patience_s: f64) -> Design {
    let name = format!("Erlang-A {name} patience {patience_s}");
    let (leaving, wait) = erlang_a(agents, load, WORK_S, patience_s);
    let checks = vec![
        check(format!("{name}: leave"), leaving, Of::Abandoned),
        check(format!("{name}: mean time in queue"), wait, Of::Wait),
    ];
    let classes = vec![Class { patience_s: Some(patience_s), ..calls("A", load / WORK_S, WORK_S) }];
    plain(scenario(&name, classes, alike(agents), 30_000.0), PLAIN, checks)
}

fn v(rule: &'static str, order: Order) -> Design {
    let mut checks = Vec::new();
    let overall = erlang_wait(20, V.iter().sum::<f64>() * WORK_S, WORK_S);
    let by = match order {
        Order::Priority => "priorities",
        Order::Age => "in the order of the rule",
    };
    if order == Order::Priority {
        for (class, exact) in priorities(20, &V, WORK_S).into_iter().enumerate() {
            checks.push(check(format!("V priorities: wait of class {class}"), exact, Of::WaitOf(class)));
        }
    }
    checks.push(check(format!("V conservation, {rule}, {by}: mean wait"), overall, Of::Wait));
    let targets = [(4.0, 20), (2.0, 60), (1.0, 120)];
    let class = |(index, rate): (usize, &f64)| Class {
        priority: u8::try_from(index).unwrap_or(9),
        group: index,
        weight: targets[index].0,
        sla_s: targets[index].1,
        ..calls(["A", "B", "C"][index], *rate, WORK_S)
    };
    let classes = V.iter().enumerate().map(class).collect();
    Design { order, ..plain(scenario("V", classes, alike(20), 60_000.0), rule, checks) }
}

fn general(cv: f64) -> Design {
    let name = format!("M/G/1 log-normal cv {cv} load 0.7");
    let checks = vec![check(format!("{name}: mean wait"), single_agent(0.7, WORK_S, cv), Of::Wait)];
    let classes = vec![Class { cv, ..calls("A", 0.7 / WORK_S, WORK_S) }];
    plain(scenario(&name, classes, alike(1), 60_000.0), PLAIN, checks)
}

fn chats(name: &str, agents: usize, speeds: &[f64], load: f64, exact: (f64, f64)) -> Design {
    let name = format!("chats, {name}, load {load}");
    let checks = vec![
        check(format!("{name}: wait for a slot"), exact.0, Of::Wait),
        check(format!("{name}: time in all"), exact.1, Of::InSystem),
    ];
    let classes = vec![Class { channel: Channel::Chat, ..calls("A", load / CHAT_S, CHAT_S) }];
    let slots = u32::try_from(speeds.len()).unwrap_or(1);
    let one = Agent { slots: Slots { voice: 0, chat: slots, email: 0 }, ..agent(&[0], 1.0) };
    let mut scenario = scenario(&name, classes, vec![one; agents], 50_000.0);
    scenario.chat_speed_each = speeds.to_vec();
    plain(scenario, "spare_capacity", checks)
}

fn skilled(rates: [f64; 2], pace: [f64; 2]) -> Design {
    let serves: [&[usize]; 2] = [&[0], &[0, 1]];
    let name = format!("FCFS-ALIS rates {rates:?} paces {pace:?}");
    let exact = fcfs_alis(&rates, &pace, &serves);
    let of = |(class, exact): (usize, f64)| {
        check(format!("{name}: wait of class {class}"), exact * UNIT_S, Of::WaitOf(class))
    };
    let checks = exact.into_iter().enumerate().map(of).collect();
    let class =
        |(skill, rate): (usize, &f64)| Class { skill, ..calls(["A", "B"][skill], rate / UNIT_S, UNIT_S) };
    let classes = rates.iter().enumerate().map(class).collect();
    let agents = serves.iter().zip(pace).map(|(serves, pace)| agent(serves, pace)).collect();
    Design { is_alis: true, ..plain(scenario(&name, classes, agents, 120_000.0), PLAIN, checks) }
}

fn plain(scenario: Scenario, rule: &'static str, checks: Vec<Check>) -> Design {
    Design { scenario, rule, order: Order::Age, checks, is_alis: false }
}

fn calls(name: &str, rate_per_s: f64, work_s: f64) -> Class {
    Class {
        name: name.to_owned(),
        rate_per_s,
        channel: Channel::Voice,
        work_s,
        cv: 1.0,
        patience_s: None,
        weight: 1.0,
        priority: 0,
        sla_s: 30,
        skill: 0,
        language: 0,
        knows_an_agent: 0.0,
        group: 0,
    }
}

fn agent(serves: &[usize], speed: f64) -> Agent {
    let most = serves.iter().copied().max().unwrap_or(0);
    let has = |skill: usize| if serves.contains(&skill) { 1.0 } else { 0.0 };
    Agent {
        skills: (0..=most).map(has).collect(),
        languages: vec![0],
        slots: Slots { voice: 1, chat: 0, email: 0 },
        primary: 0,
        speed,
    }
}

fn alike(agents: u32) -> Vec<Agent> {
    (0..agents).map(|_| agent(&[0], 1.0)).collect()
}

/// So many arrivals are expected; the first tenth warms up.
fn scenario(name: &str, classes: Vec<Class>, agents: Vec<Agent>, arrivals: f64) -> Scenario {
    let rate: f64 = classes.iter().map(|class| class.rate_per_s).sum();
    let horizon_s = (arrivals / rate).ceil();
    Scenario {
        name: name.to_owned(),
        horizon_s,
        warmup_s: horizon_s / 10.0,
        chat_speed_each: vec![1.0],
        email_speed_by_chats: vec![1.0],
        skill_changes_speed: false,
        recontact_share: 0.0,
        recontact_delay_s: 1_200.0,
        profile_step_s: horizon_s,
        profile: vec![1.0],
        burst_x_on_off: None,
        agent_present_away_s: None,
        classes,
        agents,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_its_26_checks_and_three_designs_of_skills() {
        let all = designs();
        let checks =
            |alis: bool| all.iter().filter(|it| it.is_alis == alis).map(|it| it.checks.len()).sum::<usize>();
        assert_eq!((checks(false), checks(true)), (26, 6));
        for design in &all {
            design.scenario.check().expect("a sound scenario");
        }
    }
}
