//! Our side: the pool alone, and the engine with its events, the record of each decision, and a log in memory.

use anyhow::{Context as _, Result, ensure};
use engine::{Actor, Command, CommandKind, Engine, Event, EventKind};
use log_store::memory::MemoryLog;
use log_store::{Batch, Log as _, Position, ShardId};
use policy::id::{AgentId, CommandId, ContactPointId, ConversationId, CustomerId, MessageId, WorkspaceId};
use policy::time::{Span, Timestamp};
use policy::{AgentProfile, Document, Needs, Pool, Rule, Settings, Standing, Waiting, Weights};
use tokio::runtime::Runtime;

use super::{AGENTS, COMPARED, Company, IN_FLIGHT, OURS};

const WORKSPACE: WorkspaceId = WorkspaceId::from_bits(1);
const SHARD: ShardId = ShardId(0);
/// Appended together, as many as are in flight on the other side.
const GROUP: usize = IN_FLIGHT;

fn skill(number: u64) -> String {
    format!("skill-{number}")
}

fn profile(company: &Company, agent: usize) -> AgentProfile {
    let skills =
        company.profiles[Company::profile(agent)].iter().map(|number| (skill(*number), 50)).collect();
    AgentProfile { skills, capacity: 1, ..AgentProfile::default() }
}

fn id(agent: usize) -> AgentId {
    AgentId::from_bits(agent as u128)
}

/// The time of a match: behind the times since when agents are idle.
fn time(number: usize) -> Timestamp {
    Timestamp(i64::try_from(AGENTS + number).unwrap_or(i64::MAX))
}

/// The pool alone.
pub(crate) struct Alone {
    pool: Pool,
    needs: Vec<Needs>,
}

/// A pool of all agents, each idle since a time of its own.
pub(crate) fn pool(company: &Company) -> Alone {
    let mut pool = Pool::new(Weights::default());
    pool.govern(Settings { rule: Rule::LongestIdle, ..Settings::default() });
    for agent in 0..AGENTS {
        let since = Timestamp(i64::try_from(agent).unwrap_or(i64::MAX));
        pool.put_agent(id(agent), &profile(company, agent), since);
        pool.set_standing(id(agent), Standing::Online, since);
    }
    let needs = (0..super::SKILLS).map(|number| Needs {
        queue: "main".into(),
        channel: "web_chat".into(),
        effort: 1,
        language: None,
        skills: vec![(skill(number).into(), 1)],
        any_of: Vec::new(),
        none_of: Vec::new(),
    });
    Alone { pool, needs: needs.collect() }
}

impl Alone {
    /// Serves one conversation after another; says whom the first ones got.
    pub(crate) fn serve(&mut self, company: &Company) -> Vec<u64> {
        let mut chosen = Vec::with_capacity(COMPARED);
        for (number, need) in company.needs.iter().enumerate() {
            let (at, conversation) = (time(number), ConversationId::from_bits(number as u128));
            self.pool.wait(Waiting {
                conversation,
                needs: self.needs[usize::try_from(*need).unwrap_or(0)].clone(),
                priority: 4,
                since: at,
                passed_over: Span::seconds(1_800),
                known_agent: None,
                reserved: None,
                refused: Vec::new(),
                preferred: None,
            });
            // Without a record: the other side writes none.
            let Some(agent) = self.pool.pick_agent(conversation, at) else { continue };
            self.pool.leave(conversation);
            self.pool.take(agent, "web_chat", 1, at);
            self.pool.release(agent, "web_chat", 1, at);
            if chosen.len() < COMPARED {
                chosen.push(u64::try_from(agent.bits()).unwrap_or(u64::MAX));
            }
        }
        chosen
    }
}

/// The engine, with a log in memory.
pub(crate) struct Recorded {
    engine: Engine,
    log: MemoryLog,
    position: Position,
    events: Vec<Event>,
    turn: u128,
    runtime: Runtime,
}

/// The same agents behind an engine whose policy assigns at once.
pub(crate) fn engine(company: &Company) -> Result<Recorded> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let mut it = Recorded {
        engine: Engine::new(),
        log: MemoryLog::new(),
        position: Position(0),
        events: Vec::new(),
        turn: 0,
        runtime,
    };
    let skills: Vec<String> = (0..super::SKILLS).map(|number| format!("{} = \"\"", skill(number))).collect();
    let text = format!(
        "rule = \"longest_idle\"\n[skills]\n{}\n[queues.main]\noffer_s = 0\nsame_agent = false\n",
        skills.join("\n")
    );
    let document: Document = toml::from_str(&text)?;
    it.command(Timestamp(0), CommandKind::CreateWorkspace)?;
    it.command(Timestamp(0), CommandKind::InstallPolicy { version: 1, document: Box::new(document) })?;
    for agent in 0..AGENTS {
        let since = Timestamp(i64::try_from(agent)?);
        let profile = profile(company, agent);
        let put = CommandKind::PutAgent { agent: id(agent), name: "Ana".into(), bot: false, profile };
        it.command(since, put)?;
        it.command(since, CommandKind::SetStanding { agent: id(agent), standing: Standing::Online })?;
    }
    it.append()?;
    Ok(it)
}

impl Recorded {
    /// Serves one conversation after another; says whom the first ones got.
    pub(crate) fn serve(&mut self, company: &Company) -> Result<Vec<u64>> {
        let mut chosen = Vec::with_capacity(COMPARED);
        let topics: Vec<Vec<String>> = (0..super::SKILLS).map(|number| vec![skill(number)]).collect();
        for (number, need) in company.needs.iter().enumerate() {
            let (at, bits) = (time(number), number as u128);
            let conversation = ConversationId::from_bits(bits);
            let from = self.events.len();
            self.command(
                at,
                CommandKind::ReceiveMessage {
                    customer: CustomerId::from_bits(bits),
                    contact_point: ContactPointId::from_bits(bits),
                    channel: "web_chat".into(),
                    to: None,
                    new: conversation,
                    message: MessageId::from_bits(bits),
                    size: 120,
                    language: None,
                    topics: topics[usize::try_from(*need)?].clone(),
                    known_agent: None,
                    holds: Vec::new(),
                },
            )?;
            let made = self.events[from..].iter().find_map(|event| match &event.kind {
                EventKind::OfferMade { decision, .. } => Some(decision.agent),
                _ => None,
            });
            let agent = made.context("nobody was chosen")?;
            self.command(at, CommandKind::Close { by: Actor::Agent(agent), conversation, solved: None })?;
            self.engine.take_ended(WORKSPACE);
            if chosen.len() < COMPARED {
                chosen.push(u64::try_from(agent.bits())?);
            }
            if number % GROUP == GROUP - 1 {
                self.append()?;
            }
        }
        self.append()?;
        ensure!(self.position.0 >= OURS as u64 * 4, "only {} events were logged", self.position.0);
        Ok(chosen)
    }

    fn command(&mut self, at: Timestamp, kind: CommandKind) -> Result<()> {
        self.turn += 1;
        let command = Command { id: CommandId::from_bits(self.turn), workspace: WORKSPACE, kind };
        self.engine.handle(at, &command, &mut self.events)?;
        Ok(())
    }

    fn append(&mut self) -> Result<()> {
        let records: Vec<Vec<u8>> = self
            .events
            .drain(..)
            .map(|event| postcard::to_extend(&event, Vec::with_capacity(192)))
            .collect::<Result<_, _>>()?;
        let batch = Batch { shard: SHARD, expected: self.position, records, writes: Vec::new() };
        self.position = self.runtime.block_on(self.log.append(batch))?;
        Ok(())
    }
}
