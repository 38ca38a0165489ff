//! What-if over random runs of the engine: the command stream is rebuilt from the events, and its replay makes the same ones,
//! bit for bit; and traffic that was gathered from them can be replayed under any plan.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use engine::{Actor, Command, CommandKind, DeliveryStage, Engine, Event, EventKind, HandOver, Side};
use policy::BreaksDoc;
use policy::document::{Document, IntakeDoc, Order, QueueDoc, Rule, StepDoc, WeekDoc, WhenDoc};
use policy::id::{AgentId, CommandId, ContactPointId, ConversationId, CustomerId, MessageId, WorkspaceId};
use policy::matching::{AgentProfile, Standing};
use policy::time::{Span, Timestamp};
use simulation::random::{Purpose, Stream};
use simulation::whatif::rebuild::Likeness;
use simulation::whatif::{Comparison, Gather, Groups, Guards, Plan, Replay, Shadow, Staffing, Traffic, pair};

const OURS: WorkspaceId = WorkspaceId::from_bits(1);
const OTHER: WorkspaceId = WorkspaceId::from_bits(2);
const AGENTS: u128 = 6;

/// A run of random commands, wanted or not, over two workspaces.
struct Run {
    dice: Stream,
    engine: Engine,
    at: Timestamp,
    ids: u128,
    log: Vec<Event>,
}

fn document(dice: &mut Stream) -> Document {
    let mut document = Document::default();
    for skill in ["a", "b", "c"] {
        document.skills.insert(skill.into(), skill.into());
    }
    for (name, priority) in [("first", 7), ("second", 3)] {
        let offer_s = if dice.below(4) == 0 { 0 } else { 15 };
        let idle_close_s = if dice.below(3) == 0 { 600 } else { 0 };
        let step = StepDoc { after_s: 40, drop: vec!["a".into()], any_language: true, ..StepDoc::default() };
        let condition = Some(["hour < 9", "size(topics) == 0"][dice.below(2)].to_owned());
        let conditional = StepDoc { after_s: 20, condition, priority: Some(9), ..StepDoc::default() };
        let queue = QueueDoc {
            priority,
            offer_s,
            idle_close_s,
            offers: 1 + u32::try_from(dice.below(3)).unwrap(),
            wrap_up_s: [0, 20][dice.below(2)],
            reassign_s: [0, 60][dice.below(2)],
            steps: vec![conditional, step],
            order: [Order::OldestFirst, Order::NewestFirst][dice.below(2)],
            ..QueueDoc::default()
        };
        document.queues.insert(name.into(), queue);
    }
    let when = WhenDoc { topic: Some("a".into()), ..WhenDoc::default() };
    document.intake.push(IntakeDoc { when, queue: "first".into(), ..IntakeDoc::default() });
    document.intake.push(IntakeDoc { queue: "second".into(), ..IntakeDoc::default() });
    document.bounds.passed_over_s = 120;
    document.rule = Rule::ALL[dice.below(Rule::ALL.len())].0;
    document
}

/// Every few minutes of the day on which a run plays.
fn breaks(dice: &mut Stream) -> Box<BreaksDoc> {
    let from = dice.below(8);
    let fri = (8..10).flat_map(|hour| [10, 30, 50].map(|minute| (hour, minute + from)));
    let fri = fri.map(|(hour, minute)| format!("{hour:02}:{minute:02}-{hour:02}:{:02}", minute + 2));
    let week = WeekDoc { fri: fri.collect(), ..WeekDoc::default() };
    Box::new(BreaksDoc { week, quiet_s: [0, 60, 300][dice.below(3)], ..BreaksDoc::default() })
}

fn profile(dice: &mut Stream) -> AgentProfile {
    let mut profile =
        AgentProfile { capacity: 1 + u32::try_from(dice.below(3)).unwrap(), ..AgentProfile::default() };
    for skill in ["a", "b", "c"] {
        if dice.below(3) > 0 {
            profile.skills.insert(skill.into(), 20 + u8::try_from(dice.below(80)).unwrap());
        }
    }
    profile
}

impl Run {
    fn new(seed: u64) -> Self {
        let mut run = Self {
            dice: Stream::new(seed, Purpose::Fate, 0),
            engine: Engine::new(),
            at: Timestamp(1_800_000_000_000),
            ids: 1 << 100,
            log: Vec::new(),
        };
        for workspace in [OURS, OTHER] {
            run.ask(workspace, CommandKind::CreateWorkspace);
            let document = Box::new(document(&mut run.dice));
            run.ask(workspace, CommandKind::InstallPolicy { version: 1, document });
            for number in 1..=AGENTS {
                let profile = profile(&mut run.dice);
                let agent = AgentId::from_bits(number);
                let bot = number == AGENTS;
                run.ask(workspace, CommandKind::PutAgent { agent, name: "".into(), bot, profile });
                run.ask(workspace, CommandKind::SetStanding { agent, standing: Standing::Online });
                if number % 2 == 0 {
                    let breaks = breaks(&mut run.dice);
                    run.ask(workspace, CommandKind::PlanBreaks { agent, breaks });
                }
            }
        }
        run
    }

    fn id(&mut self) -> u128 {
        self.ids += 1;
        self.ids
    }

    fn ask(&mut self, workspace: WorkspaceId, kind: CommandKind) {
        let command = Command { id: CommandId::from_bits(self.id()), workspace, kind };
        // A command that makes no sense is refused, and leaves nothing to replay.
        self.engine.handle(self.at, &command, &mut self.log).ok();
        self.engine.take_ended(OURS);
        self.engine.take_ended(OTHER);
    }

    fn pick<T: Copy>(&mut self, items: &[T]) -> Option<T> {
        let index = self.dice.below(items.len());
        items.get(index).copied()
    }

    fn step(&mut self) {
        self.at = self.at + Span(i64::try_from(self.dice.below(9_000)).unwrap());
        let workspace = if self.dice.below(3) == 0 { OTHER } else { OURS };
        let agent = AgentId::from_bits(1 + self.dice.below(6) as u128);
        let state = self.engine.workspace(workspace).unwrap();
        let open: Vec<_> = state.conversations.values().map(|it| (it.id, it.holder())).collect();
        let offers: Vec<_> = state.offers.iter().map(|(offer, of)| (*offer, *of)).collect();
        let (conversation, holder) = self.pick(&open).unwrap_or((ConversationId::from_bits(9), None));
        let holder = holder.unwrap_or(agent);
        let kind = match self.dice.below(26) {
            0..=6 => self.message(agent, conversation),
            7 => {
                let standing = self.pick(&[Standing::Online, Standing::Away, Standing::Offline]).unwrap();
                CommandKind::SetStanding { agent, standing }
            }
            8 | 9 => CommandKind::SetStanding { agent, standing: Standing::Online },
            10..=13 => match self.pick(&offers) {
                Some((offer, of)) => {
                    let state = self.engine.workspace(workspace).unwrap();
                    let agent = state.conversations[&of].takes_room_of().unwrap();
                    if self.dice.below(4) == 0 {
                        CommandKind::DeclineOffer { agent, offer }
                    } else {
                        CommandKind::AcceptOffer { agent, offer }
                    }
                }
                None => CommandKind::Tick,
            },
            14 => {
                let message = MessageId::from_bits(self.id());
                CommandKind::SendMessage {
                    agent: holder,
                    conversation,
                    message,
                    size: 5,
                    contact_point: None,
                    fence: None,
                }
            }
            15 | 16 => {
                let to = match self.dice.below(3) {
                    0 => HandOver::Agent(agent),
                    1 => HandOver::Queue("first".into()),
                    _ => HandOver::Queue("second".into()),
                };
                let by =
                    if self.dice.below(2) == 0 { Actor::Agent(holder) } else { Actor::Supervisor(agent) };
                CommandKind::Transfer { by, conversation, to }
            }
            17 => {
                let until = (self.dice.below(2) == 0).then_some(self.at + Span::seconds(30));
                CommandKind::Park { agent: holder, conversation, until }
            }
            18 => CommandKind::Unpark { agent: holder, conversation },
            19 | 20 => {
                let solved = self.pick(&[None, Some(true), Some(false)]).flatten();
                CommandKind::Close { by: Actor::Agent(holder), conversation, solved }
            }
            21 if self.dice.below(2) == 0 => {
                let stage = DeliveryStage::Seen;
                CommandKind::ReportDelivery { conversation, side: Side::Customer, upto: 1, stage }
            }
            21 => CommandKind::PlanBreaks { agent, breaks: breaks(&mut self.dice) },
            22 if self.dice.below(12) == 0 => CommandKind::RemoveAgent { agent },
            22 => {
                let document = Box::new(document(&mut self.dice));
                let version = self.engine.workspace(workspace).unwrap().policy_version + 1;
                CommandKind::InstallPolicy { version, document }
            }
            23 => CommandKind::EndWrapUp { agent, conversation },
            24 => {
                let channels = if self.dice.below(3) == 0 { vec!["web_chat".into()] } else { Vec::new() };
                CommandKind::PauseChannels { agent, channels }
            }
            _ => {
                let profile = profile(&mut self.dice);
                CommandKind::PutAgent { agent, name: "".into(), bot: false, profile }
            }
        };
        self.ask(workspace, kind);
        // The server's timer may be late, so that one tick does what several should have done.
        if self.dice.below(3) > 0 {
            while self.engine.next_deadline().is_some_and(|at| at <= self.at) {
                self.ask(WorkspaceId::from_bits(0), CommandKind::Tick);
            }
        }
    }

    fn message(&mut self, agent: AgentId, conversation: ConversationId) -> CommandKind {
        let customer = CustomerId::from_bits(self.dice.below(60) as u128);
        let topics = self.pick(&["a", "b", "x"]).map(str::to_owned).into_iter().collect();
        CommandKind::ReceiveMessage {
            customer,
            contact_point: ContactPointId::from_bits(customer.bits() * 2 + self.dice.below(2) as u128),
            channel: "web_chat".into(),
            to: (self.dice.below(5) == 0).then_some(conversation),
            new: ConversationId::from_bits(self.id()),
            message: MessageId::from_bits(self.id()),
            size: 10,
            language: (self.dice.below(3) == 0).then(|| "es".into()),
            topics,
            known_agent: (self.dice.below(3) == 0).then_some(agent),
            holds: [1 << 15, (1 << 15) + 1].into_iter().filter(|_| self.dice.below(2) == 0).collect(),
        }
    }
}

/// Replays what was recorded of our workspace after so many events, from the state that it had then.
fn replayed(log: &[Event], from: usize) -> Likeness {
    let mut state = Engine::new();
    log[..from].iter().for_each(|event| state.apply(event));
    let mut replay = Replay::begin(state);
    log[from..].iter().for_each(|event| replay.event(event));
    replay.end()
}

#[test]
fn the_unchanged_policy_makes_exactly_the_recorded_decisions() {
    let (mut decisions, mut kinds) = (0, std::collections::BTreeSet::new());
    for seed in 1..=24 {
        let mut run = Run::new(seed);
        for _ in 0..400 {
            run.step();
        }
        let ours: Vec<Event> = run.log.iter().filter(|it| it.workspace == OURS).cloned().collect();
        // A replay may also begin in the middle, between two commands.
        let middle = (ours.len() / 2..ours.len()).find(|at| ours[*at].cause != ours[at - 1].cause).unwrap();
        for from in [0, middle] {
            let like = replayed(&ours, from);
            assert_eq!(like.first_difference, None, "seed {seed} from {from}: {like:?}");
            assert_eq!((like.identical, like.events), (like.decisions, (ours.len() - from) as u64));
            decisions += like.decisions;
        }
        kinds.extend(ours.iter().map(|it| std::mem::discriminant(&it.kind)).map(|it| format!("{it:?}")));
    }
    assert!(decisions > 1_200, "{decisions}: it tests little");
    let nears =
        EventKind::BreakNears { agent: AgentId::from_bits(1), from: Timestamp(0), until: Timestamp(0) };
    assert!(kinds.contains(&format!("{:?}", std::mem::discriminant(&nears))), "nobody had a break");
    assert!(kinds.len() >= 20, "{} kinds of events: it tests little", kinds.len());
}

#[test]
fn another_history_is_told() {
    let mut run = Run::new(5);
    for _ in 0..300 {
        run.step();
    }
    let mut ours: Vec<Event> = run.log.into_iter().filter(|it| it.workspace == OURS).collect();
    let decision = ours.iter_mut().filter_map(|it| match &mut it.kind {
        EventKind::OfferMade { decision, .. } => Some(decision),
        _ => None,
    });
    decision.skip(20).for_each(|it| it.waited.0 += 1);
    let like = replayed(&ours, 0);
    assert!(like.identical == 20 && like.decisions > 20, "{like:?}");
    assert!(like.first_difference.is_some());
}

fn traffic(log: &[Event], from: usize) -> Traffic {
    let mut state = Engine::new();
    log[..from].iter().for_each(|event| state.apply(event));
    let mut gather = Gather::begin(OURS, &state, log[from].at);
    log[from..].iter().for_each(|event| gather.event(event));
    gather.end()
}

#[test]
fn any_traffic_can_be_replayed_under_any_plan_and_the_same_one_makes_no_difference() {
    for seed in 1..=12 {
        let mut run = Run::new(seed);
        for _ in 0..600 {
            run.step();
        }
        let ours: Vec<Event> = run.log.iter().filter(|it| it.workspace == OURS).cloned().collect();
        let middle = (ours.len() / 2..ours.len()).find(|at| ours[*at].cause != ours[at - 1].cause).unwrap();
        for from in [0, middle] {
            let traffic = traffic(&ours, from);
            let opened =
                ours[from..].iter().filter(|it| matches!(it.kind, EventKind::ConversationOpened { .. }));
            assert_eq!(traffic.came(), opened.count());
            let groups = Groups::of(&traffic);
            let before = Plan::recorded(&traffic).unwrap();
            let (one, other) = pair(&traffic, &groups, (&before, &before), 7).unwrap();
            assert_eq!(one, other);
            let mut dice = Stream::new(seed, Purpose::Fate, 1);
            let document = document(&mut dice);
            let staffing = Staffing {
                remove: vec![AgentId::from_bits(1).to_string()],
                ..toml_staffing("[[add]]\ncount = 2\ncapacity = 3\nskills = { a = 90 }\n")
            };
            let after = Plan::new(&traffic, Some(&document), &staffing).unwrap();
            let pairs: Vec<_> =
                (0..3).map(|draw| pair(&traffic, &groups, (&before, &after), draw).unwrap()).collect();
            let compared = Comparison::of(&traffic, &after, &groups, &pairs, &Guards::default(), None);
            assert_eq!(compared.draws, 3);
            let all = compared.groups.iter().find(|it| it.by == "all").unwrap();
            assert_eq!(all.conversations, traffic.came() as u64);
            assert!(compared.groups[..compared.worse_off].iter().all(|it| it.low > 0.0));
            assert!(compared.loads.iter().any(|it| it.agent == "added 1"));
        }
        let mut shadow = Shadow::begin(Engine::new(), document(&mut Stream::new(seed, Purpose::Fate, 2)));
        ours.iter().for_each(|event| shadow.event(event));
        let decisions =
            ours.iter().filter(|it| matches!(it.kind, EventKind::OfferMade { .. })).count() as u64;
        assert!(shadow.changed() <= decisions);
    }
}

fn toml_staffing(text: &str) -> Staffing {
    toml::from_str(text).unwrap()
}

#[test]
fn staffing_that_names_nobody_is_refused() {
    let mut run = Run::new(3);
    for _ in 0..50 {
        run.step();
    }
    let ours: Vec<Event> = run.log.iter().filter(|it| it.workspace == OURS).cloned().collect();
    let traffic = traffic(&ours, 0);
    for (text, part) in [
        ("remove = ['Ana']", "Ana"),
        ("[[change]]\nagent = 'agt_0'", "agt_0"),
        ("[[add]]\nhours = { zone = 'Mars/Base' }", "time zone"),
        ("[[add]]\ncount = 20000", "10000"),
    ] {
        let fault = Plan::new(&traffic, None, &toml_staffing(text)).unwrap_err().to_string();
        assert!(fault.contains(part), "{text}: {fault}");
    }
}
