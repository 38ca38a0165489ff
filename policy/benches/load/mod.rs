//! A pool under load, for the bench and the example: agents with 6 of 64 skills and one or two of four languages, and
//! about 300 kinds of needs. The seed is fixed, so that every run sees the same pool.

use policy::id::{AgentId, ConversationId};
use policy::time::{Span, Timestamp};
use policy::{AgentProfile, Decision, Needs, Pool, Rule, Settings, Standing, Waiting, Weights};

const SKILLS: u64 = 64;
const LANGUAGES: [&str; 4] = ["de", "en", "es", "fr"];
const CLASSES: u64 = 300;
/// Conversations that an agent holds at once.
const CAPACITY: u32 = 3;
/// How long one of three takes an agent: what a conversation is expected to be by itself, and slower beside two others.
const HELD: Span = Span::seconds(320);

/// A pool, and what the outside world knows of it.
pub(crate) struct Load {
    pub(crate) pool: Pool,
    needs: Vec<Needs>,
    agents: u64,
    /// Who holds what, in no order.
    held: Vec<(AgentId, Box<str>)>,
    came: u64,
    random: u64,
    now: Timestamp,
    /// From one arrival or end to the next, in microseconds: as many come as these agents can end. A rule that weighs a wait
    /// against work would find every wait short if time went slower than the work.
    pace_us: i64,
    since_ms_us: i64,
}

impl Load {
    /// A pool of agents who are all online and full, and conversations that wait.
    pub(crate) fn full(agents: u64, waiting: u64) -> Self {
        Self::busy(agents, waiting, Rule::BestScore, u64::MAX)
    }

    /// The same under a rule, with at most so many distinct profiles.
    pub(crate) fn busy(agents: u64, waiting: u64, rule: Rule, profiles: u64) -> Self {
        let mut load = Self::idle(agents, rule, profiles);
        for agent in 0..agents {
            for _ in 0..CAPACITY {
                load.take(AgentId::from_bits(agent.into()), "chat");
            }
        }
        for _ in 0..waiting {
            load.come();
        }
        load
    }

    /// A pool of agents who are all online, each with one of three places taken, and nobody who waits.
    pub(crate) fn light(agents: u64) -> Self {
        let mut load = Self::idle(agents, Rule::BestScore, u64::MAX);
        for agent in 0..agents {
            load.take(AgentId::from_bits(agent.into()), "chat");
        }
        // Every kind of needs has been seen before.
        for index in 0..CLASSES {
            load.wait(index);
            load.pool.leave(ConversationId::from_bits(load.came.into()));
        }
        load
    }

    fn idle(agents: u64, rule: Rule, profiles: u64) -> Self {
        let mut load = Self {
            pool: Pool::new(Weights::default()),
            needs: Vec::new(),
            agents,
            held: Vec::new(),
            came: 0,
            random: 0x9e37_79b9_7f4a_7c15,
            now: Timestamp(1_700_000_000_000),
            pace_us: HELD.0 * 1_000
                / 2
                / i64::try_from(agents * u64::from(CAPACITY)).unwrap_or(i64::MAX).max(1),
            since_ms_us: 0,
        };
        load.needs = (0..CLASSES).map(kind).collect();
        load.pool.govern(Settings { rule, ..Settings::default() });
        for agent in 0..agents {
            let id = AgentId::from_bits(agent.into());
            if profiles != u64::MAX {
                // The same draws for the agents of one profile.
                load.random = 0x9e37_79b9 + agent % profiles;
            }
            let mut profile = AgentProfile { capacity: CAPACITY, ..AgentProfile::default() };
            while profile.skills.len() < 6 {
                let proficiency = 1 + u8::try_from(load.below(100)).unwrap_or(0);
                profile.skills.insert(skill(load.below(SKILLS)), proficiency);
            }
            for _ in 0..2 {
                let language = LANGUAGES[usize::try_from(load.below(4)).unwrap_or(0)].to_owned();
                if !profile.languages.contains(&language) {
                    profile.languages.push(language);
                }
            }
            load.pool.put_agent(id, &profile, load.now);
            load.pool.set_standing(id, Standing::Online, load.now);
        }
        load
    }

    /// One more conversation waits; some kinds are far more frequent than others.
    pub(crate) fn come(&mut self) -> ConversationId {
        let index = self.below(CLASSES).min(self.below(CLASSES));
        self.wait(index)
    }

    fn wait(&mut self, index: u64) -> ConversationId {
        self.pass();
        self.came += 1;
        let conversation = ConversationId::from_bits(self.came.into());
        let needs = self.needs[usize::try_from(index).unwrap_or(0)].clone();
        self.pool.arrived(&needs, self.now);
        let priority = if self.below(10) == 0 { 6 } else { 4 };
        let known_agent = (self.below(5) == 0).then(|| AgentId::from_bits(self.below(self.agents).into()));
        self.pool.wait(Waiting {
            conversation,
            needs,
            priority,
            since: self.now,
            passed_over: Span::seconds(1_800),
            known_agent,
            reserved: None,
            refused: Vec::new(),
            preferred: None,
        });
        conversation
    }

    /// Time goes on until the next arrival or end.
    fn pass(&mut self) {
        self.since_ms_us += self.pace_us;
        self.now = self.now + Span(self.since_ms_us / 1_000);
        self.since_ms_us %= 1_000;
    }

    /// Draws one of the conversations that are held, to end it.
    pub(crate) fn draw(&mut self) -> (AgentId, Box<str>) {
        let index = usize::try_from(self.below(self.held.len() as u64)).unwrap_or(0);
        self.pass();
        self.held.swap_remove(index)
    }

    /// A conversation ends, and the agent gets the next: one decision with its record, and what follows from it.
    pub(crate) fn free(&mut self, agent: AgentId, channel: &str) -> Option<(ConversationId, Decision)> {
        self.pool.release(agent, channel, 1, self.now);
        let (conversation, decision) = self.pool.choose_conversation(agent, self.now)?;
        self.pool.leave(conversation);
        self.pool.take(agent, "chat", 1, self.now);
        Some((conversation, decision))
    }

    /// A conversation that waits gets an agent: one decision with its record, and what follows from it.
    pub(crate) fn serve(&mut self, conversation: ConversationId) -> Option<Decision> {
        let decision = self.pool.choose_agent(conversation, self.now)?;
        self.pool.leave(conversation);
        self.pool.take(decision.agent, "chat", 1, self.now);
        Some(decision)
    }

    /// Notes for `draw` that an agent holds one more.
    pub(crate) fn note(&mut self, agent: AgentId) {
        self.held.push((agent, "chat".into()));
    }

    /// A conversation ends, and nothing follows.
    pub(crate) fn end(&mut self, agent: AgentId, channel: &str) {
        self.pool.release(agent, channel, 1, self.now);
    }

    fn take(&mut self, agent: AgentId, channel: &str) {
        self.pass();
        self.pool.take(agent, channel, 1, self.now);
        self.note(agent);
    }

    /// A number below `most` by splitmix64.
    fn below(&mut self, most: u64) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.random;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (bits ^ (bits >> 31)) % most.max(1)
    }
}

fn skill(index: u64) -> String {
    format!("skill-{index:02}")
}

/// One skill and one language for most, two skills for the rest.
fn kind(index: u64) -> Needs {
    let (single, least) = (SKILLS * 4, if index.is_multiple_of(3) { 40 } else { 1 });
    let skills = if index < single {
        vec![(skill(index % SKILLS).into(), least)]
    } else {
        let first = index % (SKILLS - 1);
        vec![(skill(first).into(), least), (skill(first + 1).into(), 1)]
    };
    let language = usize::try_from(index / SKILLS).ok().and_then(|index| LANGUAGES.get(index));
    Needs {
        queue: format!("queue-{}", index % 8).into(),
        channel: "chat".into(),
        effort: 1,
        language: language.map(|language| (*language).into()),
        skills,
        ..Needs::default()
    }
}
