//! The index against the naive model: whatever happens, both give the same agents, conversations, records and places.
//! Beside it, what must hold by itself: the bound of invariant 8, and capacity.

mod model;

use model::{Model, ms, record};
use policy::id::{AgentId, ConversationId};
use policy::matching::Settings;
use policy::time::{Span, Timestamp};
use policy::{AgentProfile, Needs, Pool, Preferred, Rule, Standing, Waiting, Weights};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

const SKILLS: [&str; 3] = ["billing", "refunds", "setup"];
const LANGUAGES: [&str; 2] = ["de", "es"];
const CHANNELS: [&str; 2] = ["call", "chat"];
const QUEUES: [&str; 2] = ["sales", "support"];
const AGENTS: u128 = 7;
const CONVERSATIONS: u128 = 14;

#[derive(Debug, Clone)]
enum Step {
    Put(AgentId, AgentProfile),
    Remove(AgentId),
    Stand(AgentId, Standing),
    Take(AgentId, usize, u32),
    Release(AgentId, usize, u32),
    Wait(Box<Waiting>, i64),
    Leave(ConversationId),
    Weigh(Weights),
    /// Work of these channels runs beside the rest from now on.
    Interrupt(Vec<usize>),
    /// Does what the index says for this conversation.
    Serve(ConversationId),
    /// Does what the index says for this agent.
    Free(AgentId),
}

fn agent() -> impl Strategy<Value = AgentId> {
    (0..AGENTS).prop_map(AgentId::from_bits)
}

fn conversation() -> impl Strategy<Value = ConversationId> {
    (0..CONVERSATIONS).prop_map(ConversationId::from_bits)
}

fn name(of: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop::sample::select(of).prop_map(str::to_owned)
}

fn profile() -> impl Strategy<Value = AgentProfile> {
    let skills = btree_map(name(&SKILLS), prop::sample::select(vec![20u8, 50, 50, 90]), 0..=3);
    let languages = prop_oneof![Just(Vec::new()), vec(name(&LANGUAGES), 1)];
    let channels = btree_map(name(&CHANNELS), 0u32..3, 0..2);
    (skills, languages, 0u32..6, channels).prop_map(|(skills, languages, capacity, channels)| AgentProfile {
        skills,
        languages,
        capacity,
        channels,
        ..AgentProfile::default()
    })
}

fn needs() -> impl Strategy<Value = Needs> {
    let skills = btree_map(name(&SKILLS), prop::sample::select(vec![1u8, 1, 50, 60]), 0..=2);
    let alternatives = btree_map(name(&SKILLS), prop::sample::select(vec![1u8, 50]), 1..=2);
    let any_of = prop_oneof![3 => Just(Vec::new()), 1 => vec(alternatives, 1..=2)];
    let none_of = prop::option::weighted(0.15, name(&SKILLS));
    let language = prop::option::weighted(0.3, name(&LANGUAGES));
    (name(&QUEUES), name(&CHANNELS), language, skills, any_of, none_of).prop_map(
        |(queue, channel, language, skills, any_of, none_of)| Needs {
            effort: if channel == "call" { 3 } else { 1 },
            queue: queue.into(),
            channel: channel.into(),
            language: language.map(Into::into),
            skills: skills.into_iter().map(|(skill, least)| (skill.into(), least)).collect(),
            any_of: any_of
                .into_iter()
                .map(|skills| skills.into_iter().map(|(skill, least)| (skill.into(), least)).collect())
                .collect(),
            none_of: none_of.into_iter().map(Into::into).collect(),
        },
    )
}

/// A conversation that waits, and how long ago it came.
fn waiting() -> impl Strategy<Value = (Box<Waiting>, i64)> {
    let agents = (
        prop::option::weighted(0.3, agent()),
        prop::option::weighted(0.15, agent()),
        prop_oneof![3 => Just(Vec::new()), 1 => vec(agent(), 1..4)],
        prop::option::weighted(0.2, (prop::collection::btree_set(agent(), 1..4), 0i64..80)),
    );
    let bound = prop::sample::select(vec![15i64, 40, 40, 40, 1_000]);
    let ago = prop_oneof![3 => Just(0i64), 1 => 0i64..60];
    (conversation(), needs(), prop::sample::select(vec![0u8, 4, 4, 9]), bound, agents, ago).prop_map(
        |(conversation, needs, priority, bound, (known_agent, reserved, refused, preferred), ago)| {
            let waiting = Waiting {
                conversation,
                needs,
                priority,
                since: Timestamp(0),
                passed_over: ms(bound),
                known_agent,
                reserved,
                refused,
                preferred: preferred.map(|(agents, until)| Preferred {
                    agents: agents.into_iter().collect(),
                    until: Timestamp(until),
                }),
            };
            (Box::new(waiting), ago)
        },
    )
}

fn step() -> impl Strategy<Value = Step> {
    let standing =
        prop::sample::select(vec![Standing::Online, Standing::Online, Standing::Away, Standing::Offline]);
    let weights = (0i64..3, prop::sample::select(vec![0i64, 20, 50]))
        .prop_map(|(proficiency, same_agent)| Weights { proficiency, same_agent });
    prop_oneof![
        3 => (agent(), profile()).prop_map(|(id, profile)| Step::Put(id, profile)),
        1 => agent().prop_map(Step::Remove),
        4 => (agent(), standing).prop_map(|(id, standing)| Step::Stand(id, standing)),
        1 => (agent(), 0..2usize, 1u32..4).prop_map(|(id, channel, effort)| Step::Take(id, channel, effort)),
        5 => (agent(), 0..2usize, 1u32..4).prop_map(|(id, channel, effort)| Step::Release(id, channel, effort)),
        8 => waiting().prop_map(|(waiting, ago)| Step::Wait(waiting, ago)),
        1 => conversation().prop_map(Step::Leave),
        1 => weights.prop_map(Step::Weigh),
        1 => vec(0..2usize, 0..2).prop_map(Step::Interrupt),
        3 => conversation().prop_map(Step::Serve),
        3 => agent().prop_map(Step::Free),
    ]
}

/// The index and the model side by side.
struct Pair {
    pool: Pool,
    model: Model,
}

impl Pair {
    fn new() -> Self {
        let weights = Weights::default();
        let model = Model {
            weights,
            interruptible: std::collections::BTreeSet::new(),
            clock: Timestamp(i64::MIN),
            agents: std::collections::BTreeMap::new(),
            waiting: std::collections::BTreeMap::new(),
        };
        Self { pool: Pool::new(weights), model }
    }

    fn apply(&mut self, step: Step, at: Timestamp) {
        let Self { pool, model } = self;
        match step {
            Step::Put(id, profile) => {
                pool.put_agent(id, &profile, at);
                model.put(id, profile, at);
                model.see(at);
            }
            Step::Remove(id) => assert_eq!(pool.remove_agent(id), model.agents.remove(&id).is_some()),
            Step::Stand(id, standing) => {
                pool.set_standing(id, standing, at);
                model.set_standing(id, standing, at);
                model.see(at);
            }
            Step::Take(id, channel, effort) => self.take(id, CHANNELS[channel], effort, at),
            Step::Release(id, channel, effort) => {
                pool.release(id, CHANNELS[channel], effort, at);
                model.release(id, CHANNELS[channel], effort);
                model.see(at);
            }
            Step::Wait(mut waiting, ago) => {
                waiting.since = Timestamp(at.0 - ago);
                if let Some(preferred) = &mut waiting.preferred {
                    preferred.until = at + Span(preferred.until.0);
                }
                pool.wait((*waiting).clone());
                model.see(waiting.since);
                model.waiting.insert(waiting.conversation, *waiting);
            }
            Step::Leave(id) => self.leave(id),
            Step::Weigh(weights) => {
                pool.set_weights(weights);
                model.weights = weights;
            }
            Step::Interrupt(channels) => {
                model.interruptible = channels.iter().map(|it| CHANNELS[*it].to_owned()).collect();
                pool.govern(Settings {
                    rule: Rule::BestScore,
                    weights: model.weights,
                    interruptible: model.interruptible.iter().map(|it| it.as_str().into()).collect(),
                    ..Settings::default()
                });
            }
            Step::Serve(id) => {
                if let Some(decision) = pool.choose_agent(id, at) {
                    self.assign(id, decision.agent, at);
                }
            }
            Step::Free(id) => {
                if let Some((conversation, decision)) = pool.choose_conversation(id, at) {
                    assert_eq!(decision.agent, id);
                    self.assign(conversation, id, at);
                }
            }
        }
    }

    fn assign(&mut self, conversation: ConversationId, agent: AgentId, at: Timestamp) {
        let needs = self.model.waiting[&conversation].needs.clone();
        self.leave(conversation);
        self.take(agent, &needs.channel, needs.effort, at);
    }

    fn leave(&mut self, conversation: ConversationId) {
        assert_eq!(self.pool.leave(conversation), self.model.waiting.remove(&conversation).is_some());
    }

    fn take(&mut self, id: AgentId, channel: &str, effort: u32, at: Timestamp) {
        self.pool.take(id, channel, effort, at);
        self.model.take(id, channel, effort, at);
        self.model.see(at);
    }

    /// Both must say the same about everything.
    fn compare(&self, at: Timestamp) {
        let Self { pool, model } = self;
        for id in (0..CONVERSATIONS).map(ConversationId::from_bits) {
            let chosen = pool.choose_agent(id, at).map(record);
            assert_eq!(chosen, model.choose_agent(id, at), "agent for {id}");
            let picked = pool.pick_agent(id, at);
            assert_eq!(
                picked,
                pool.choose_agent(id, at).map(|it| it.agent),
                "a pick is a choice without record"
            );
            if let (Some((decision, losing)), Some(waiting)) = (&chosen, model.waiting.get(&id)) {
                assert_eq!(
                    losing.values().sum::<u32>() as usize + 1,
                    model.agents.len(),
                    "everyone is counted once"
                );
                assert!(!model.owes_older(decision.agent, waiting, at), "invariant 8 for {id}");
            }
            assert_eq!(pool.waiting(id), model.waiting.get(&id));
            let place = model
                .waiting
                .get(&id)
                .and_then(|waiting| model.line(&waiting.needs.queue).iter().position(|other| *other == id));
            assert_eq!(
                pool.position(id).map(|place| place as usize),
                place.map(|place| place + 1),
                "place of {id}"
            );
            if place.is_some() {
                assert_eq!(pool.able(id), model.able(id), "able for {id}");
            }
        }
        for id in (0..AGENTS).map(AgentId::from_bits) {
            let chosen = pool
                .choose_conversation(id, at)
                .map(|(conversation, decision)| (conversation, record(decision)));
            assert_eq!(chosen, model.choose_conversation(id, at), "conversation for {id}");
            if let Some((conversation, _)) = &chosen {
                assert!(!model.owes_older(id, &model.waiting[conversation], at), "invariant 8 for {id}");
            }
            assert_eq!(pool.room(id), model.room(id));
            assert_eq!(pool.standing(id), model.agents.get(&id).map(|agent| agent.standing));
            assert_eq!(pool.profile(id), model.agents.get(&id).map(|agent| &agent.profile));
            for (channel, effort) in [("call", 3), ("chat", 1), ("unheard_of", 1)] {
                let beside = &model.interruptible;
                let room = model.agents.get(&id).is_some_and(|agent| agent.has_room(beside, channel, effort));
                assert_eq!(pool.has_room(id, channel, effort), room);
            }
        }
        for queue in QUEUES {
            assert_eq!(pool.line(queue), model.line(queue), "line of {queue}");
        }
        assert_eq!(pool.waiting_count() as usize, model.waiting.len());
        assert_eq!(pool.oldest(), model.oldest());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn index_says_what_the_model_says(steps in vec((step(), 0i64..8), 1..90)) {
        let mut pair = Pair::new();
        let mut at = Timestamp(1_000);
        for (step, later) in steps {
            at = at + ms(later);
            pair.apply(step, at);
            pair.compare(at);
        }
    }

    #[test]
    fn decisions_never_exceed_capacity(steps in vec((step(), 0i64..8), 1..120), beside in vec(0..2usize, 0..2)) {
        let mut pair = Pair::new();
        let mut at = Timestamp(1_000);
        pair.apply(Step::Interrupt(beside), at);
        for (step, later) in steps {
            // What only an explicit act may do is left out: taking by hand, a lowered limit, and another policy, but for the
            // one at the beginning.
            let explicit = match &step {
                Step::Take(..) | Step::Interrupt(_) => true,
                Step::Put(id, _) => pair.model.agents.contains_key(id),
                _ => false,
            };
            if explicit {
                continue;
            }
            at = at + ms(later);
            pair.apply(step, at);
            for agent in pair.model.agents.values() {
                for beside in [false, true] {
                    let load = agent.load(&pair.model.interruptible, beside);
                    prop_assert!(load <= agent.profile.capacity);
                }
            }
        }
    }

    #[test]
    fn a_copy_and_a_repeat_give_the_same(steps in vec((step(), 0i64..8), 1..60)) {
        let (mut one, mut two) = (Pair::new(), Pair::new());
        let mut at = Timestamp(1_000);
        for (step, later) in steps {
            at = at + ms(later);
            one.apply(step.clone(), at);
            two.apply(step, at);
            two.pool = two.pool.clone();
            for id in (0..CONVERSATIONS).map(ConversationId::from_bits) {
                prop_assert_eq!(one.pool.choose_agent(id, at), two.pool.choose_agent(id, at));
            }
        }
    }
}

#[test]
fn kinds_of_needs_that_nobody_waits_with_are_forgotten_one_by_one() {
    let (mut pair, at) = (Pair::new(), Timestamp(1_000));
    let agent = AgentId::from_bits(1);
    pair.apply(Step::Put(agent, AgentProfile { capacity: 9, ..AgentProfile::default() }), at);
    pair.apply(Step::Stand(agent, Standing::Online), at);
    let wait = |id: u128, language: String| Waiting {
        conversation: ConversationId::from_bits(id),
        needs: Needs {
            queue: QUEUES[0].into(),
            channel: CHANNELS[1].into(),
            effort: 1,
            language: Some(language.into()),
            skills: Vec::new(),
            ..Needs::default()
        },
        priority: 4,
        since: at,
        passed_over: ms(1_000),
        known_agent: None,
        reserved: None,
        refused: Vec::new(),
        preferred: None,
    };
    // One stays all the time, and its class with it.
    pair.apply(Step::Wait(Box::new(wait(0, "stays".to_owned())), 0), at);
    for count in 0..5_000 {
        pair.apply(Step::Wait(Box::new(wait(1, format!("kind-{count}"))), 0), at);
        pair.apply(Step::Leave(ConversationId::from_bits(1)), at);
    }
    let kept = format!("{:?}", pair.pool);
    assert!(kept.contains("classes: 4097"), "{kept}");
    pair.apply(Step::Wait(Box::new(wait(1, "kind-0".to_owned())), 0), at);
    pair.compare(at);
}
