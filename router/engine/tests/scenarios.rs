//! Text scenarios: commands, and beneath each the events that must follow. `UPDATE=1 cargo test -p engine --test scenarios`
//! writes what came out into the files; the difference is the review.
//!
//! ```text
//! at 0 policy                 the lines beneath, after `| `, are the whole policy document
//! | queues.support.offer_s = 20
//! at 12 accept ana            a command, at a second
//!   accepted by ana, fence 1  the events
//! ```
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use engine::state::{Basis, Promise};
use engine::{Actor, Command, CommandKind, Engine, Event, EventKind, HandOver};
use policy::BreaksDoc;
use policy::document::{Document, QueueDoc, StepDoc, WeekDoc};
use policy::id::{AgentId, CommandId, ContactPointId, ConversationId, CustomerId, MessageId, WorkspaceId};
use policy::matching::{AgentProfile, Standing};
use policy::time::Timestamp;

const WORKSPACE: WorkspaceId = WorkspaceId::from_bits(1);

fn number(name: &str) -> u128 {
    name.bytes().fold(0, |sum, byte| sum << 8 | u128::from(byte))
}

fn name(bits: u128) -> String {
    String::from_utf8_lossy(&bits.to_be_bytes()).trim_start_matches('\0').to_owned()
}

/// The contact point of a channel; all customers of a scenario have the same.
fn point(channel: &str) -> ContactPointId {
    ContactPointId::from_bits(number(channel))
}

struct Play {
    engine: Engine,
    commands: u128,
    document: Document,
    version: u32,
    /// The policy document that the next command `policy` installs.
    written: String,
}

impl Play {
    fn new() -> Self {
        let mut play = Self {
            engine: Engine::new(),
            commands: 0,
            document: Document::default(),
            version: 0,
            written: String::new(),
        };
        play.run(0, CommandKind::CreateWorkspace);
        play
    }

    fn run(&mut self, second: i64, kind: CommandKind) -> String {
        self.commands += 1;
        let command = Command { id: CommandId::from_bits(self.commands), workspace: WORKSPACE, kind };
        let mut events = Vec::new();
        let mut out = String::new();
        match self.engine.handle(Timestamp(second * 1_000), &command, &mut events) {
            Ok(()) => events.iter().for_each(|event| writeln!(out, "  {}", told(event)).unwrap()),
            Err(rejection) => writeln!(out, "  rejected: {rejection}").unwrap(),
        }
        let found = engine::invariant::check_state(&self.engine);
        assert!(found.is_empty(), "{found:?}");
        out
    }

    fn command(&mut self, line: &str) -> String {
        let words: Vec<&str> = line.split_whitespace().collect();
        let second: i64 = words[1].parse().unwrap();
        let (verb, rest) = (words[2], &words[3..]);
        let agent = |at: usize| AgentId::from_bits(number(rest[at]));
        // A conversation is named by its customer, with whose first message it came.
        let conversation = |at: usize| ConversationId::from_bits(number(rest[at]) << 16);
        let offer_to = |play: &Self, agent: AgentId| {
            let it = play.engine.workspace(WORKSPACE).unwrap();
            let mut all = it.conversations.values().flat_map(|it| it.offers());
            all.find(|offer| offer.agent == agent).map(|it| it.offer)
        };
        let kind = match verb {
            "queue" => {
                let mut queue = QueueDoc { language: false, ..QueueDoc::default() };
                for pair in &rest[1..] {
                    let (key, value) = pair.split_once('=').unwrap();
                    match key {
                        "offer" => queue.offer_s = value.parse().unwrap(),
                        "priority" => queue.priority = value.parse().unwrap(),
                        "idle" => queue.idle_close_s = value.parse().unwrap(),
                        "max" => queue.max_waiting = value.parse().unwrap(),
                        "step" => {
                            let (after, to) = value.split_once('>').unwrap();
                            queue.steps.push(StepDoc {
                                after_s: after.parse().unwrap_or(0),
                                when_nobody: after == "nobody",
                                queue: Some(to.into()),
                                ..StepDoc::default()
                            });
                        }
                        other => panic!("unknown setting {other}"),
                    }
                }
                self.document.queues.insert(rest[0].into(), queue);
                self.version += 1;
                CommandKind::InstallPolicy {
                    version: self.version,
                    document: Box::new(self.document.clone()),
                }
            }
            "policy" => {
                self.document = toml::from_str(&self.written).unwrap();
                self.version += 1;
                let document = Box::new(self.document.clone());
                CommandKind::InstallPolicy { version: self.version, document }
            }
            "pause" => CommandKind::PauseChannels {
                agent: agent(0),
                channels: rest[1..].iter().map(|&channel| channel.into()).collect(),
            },
            "breaks" => {
                let thu = rest[2..].iter().map(|&it| it.to_owned()).collect();
                let week = WeekDoc { thu, ..WeekDoc::default() };
                let quiet_s = rest[1].parse().unwrap();
                let breaks = Box::new(BreaksDoc { week, quiet_s, ..BreaksDoc::default() });
                CommandKind::PlanBreaks { agent: agent(0), breaks }
            }
            "wrapped" => CommandKind::EndWrapUp { agent: agent(0), conversation: conversation(1) },
            "agent" => {
                let skills = rest[2..].iter().map(|skill| {
                    let (name, proficiency) = skill.split_once('=').unwrap_or((skill, "100"));
                    (name.to_owned(), proficiency.parse().unwrap())
                });
                let profile = AgentProfile {
                    capacity: rest[1].parse().unwrap(),
                    skills: skills.collect(),
                    ..AgentProfile::default()
                };
                CommandKind::PutAgent { agent: agent(0), name: rest[0].into(), bot: false, profile }
            }
            "online" => CommandKind::SetStanding { agent: agent(0), standing: Standing::Online },
            "away" => CommandKind::SetStanding { agent: agent(0), standing: Standing::Away },
            "offline" => CommandKind::SetStanding { agent: agent(0), standing: Standing::Offline },
            "writes" => {
                // Topics, conditions that hold, and `by=` a channel: a customer has one contact point on each.
                let given = |name: &'static str| rest[1..].iter().filter_map(move |it| it.strip_prefix(name));
                let holds = given("holds=");
                let topics = rest[1..].iter().filter(|word| !word.contains('='));
                let customer = CustomerId::from_bits(number(rest[0]));
                let channel = given("by=").next().unwrap_or("web_chat");
                CommandKind::ReceiveMessage {
                    customer,
                    contact_point: point(channel),
                    channel: channel.into(),
                    to: None,
                    new: conversation(0),
                    message: MessageId::from_bits(self.commands),
                    size: 1,
                    language: None,
                    topics: topics.map(|&topic| topic.to_owned()).collect(),
                    known_agent: None,
                    holds: holds.map(|number| number.parse().unwrap()).collect(),
                }
            }
            "answers" => CommandKind::SendMessage {
                agent: agent(0),
                conversation: conversation(1),
                message: MessageId::from_bits(self.commands),
                size: 1,
                contact_point: rest[2..].iter().find_map(|it| it.strip_prefix("by=")).map(point),
                fence: rest[2..].iter().find_map(|fence| fence.parse().ok()),
            },
            "accept" | "decline" => {
                let agent = agent(0);
                let offer = offer_to(self, agent).unwrap_or(policy::id::OfferId::from_bits(0));
                if verb == "accept" {
                    CommandKind::AcceptOffer { agent, offer }
                } else {
                    CommandKind::DeclineOffer { agent, offer }
                }
            }
            "park" => CommandKind::Park {
                agent: agent(0),
                conversation: conversation(1),
                until: rest.get(2).map(|it| Timestamp(it.parse::<i64>().unwrap() * 1_000)),
            },
            "unpark" => CommandKind::Unpark { agent: agent(0), conversation: conversation(1) },
            "close" => {
                CommandKind::Close { by: Actor::Agent(agent(0)), conversation: conversation(1), solved: None }
            }
            "ends" => CommandKind::Close {
                by: Actor::Customer(CustomerId::from_bits(number(rest[0]))),
                conversation: conversation(0),
                solved: None,
            },
            "transfer" => {
                let to = match rest[2].strip_prefix('@') {
                    Some(to) => HandOver::Agent(AgentId::from_bits(number(to))),
                    None => HandOver::Queue(rest[2].into()),
                };
                CommandKind::Transfer { by: Actor::Agent(agent(0)), conversation: conversation(1), to }
            }
            "promise" => {
                let seconds = |at: usize| rest[at].parse().unwrap();
                let promise = Promise {
                    median_s: seconds(1),
                    p90_s: seconds(2),
                    mean_s: seconds(1),
                    basis: Basis::Played,
                };
                CommandKind::TellPromises { told: vec![(conversation(0), promise)] }
            }
            "tick" => CommandKind::Tick,
            other => panic!("unknown command {other}"),
        };
        self.run(second, kind)
    }
}

fn told(event: &Event) -> String {
    let of = |id: &ConversationId| name(id.bits() >> 16);
    let who = |id: &AgentId| name(id.bits());
    match &event.kind {
        EventKind::WorkspaceCreated => "workspace".into(),
        EventKind::PolicyInstalled { version, .. } => format!("policy {version}"),
        EventKind::AgentPut { agent, .. } => format!("agent {}", who(agent)),
        EventKind::StandingChanged { agent, standing, why } => {
            format!("{} is {standing:?} ({why:?})", who(agent))
        }
        EventKind::ConversationOpened { conversation, needs, .. } => {
            format!("{} opened in {}", of(conversation), needs.queue)
        }
        EventKind::ContactPointAdded { conversation, channel, .. } => {
            let by = if **channel == *"web_chat" { String::new() } else { format!(", by {channel}") };
            format!("{} has a contact point more{by}", of(conversation))
        }
        EventKind::Queued { conversation, open, reserved } => format!(
            "{} waits{}{}",
            of(conversation),
            if *open { "" } else { " for the opening" },
            reserved.map(|agent| format!(", kept for {}", who(&agent))).unwrap_or_default()
        ),
        EventKind::MessageReceived { conversation, seq, .. } => {
            format!("{} message {seq} came", of(conversation))
        }
        EventKind::MessageSent { conversation, seq, agent, contact_point, .. } => {
            let to = name(contact_point.bits());
            let to = if to == "web_chat" { String::new() } else { format!(", to {to}") };
            format!("{} message {seq} by {}{to}", of(conversation), who(agent))
        }
        EventKind::OfferMade { conversation, until, decision, .. } => {
            format!(
                "{} offered to {} until {} ({:?})",
                of(conversation),
                who(&decision.agent),
                until.0 / 1_000,
                decision.trigger
            )
        }
        EventKind::OfferAccepted { conversation, agent, fence, .. } => {
            format!("{} accepted by {}, fence {fence}", of(conversation), who(agent))
        }
        EventKind::OfferDeclined { conversation, agent, .. } => {
            format!("{} declined by {}", of(conversation), who(agent))
        }
        EventKind::OfferTimedOut { conversation, agent, .. } => {
            format!("{} not answered by {}", of(conversation), who(agent))
        }
        EventKind::OfferWithdrawn { conversation, agent, .. } => {
            format!("{} taken back from {}", of(conversation), who(agent))
        }
        EventKind::Released { conversation, agent } => {
            format!("{} released by {}", of(conversation), who(agent))
        }
        EventKind::Rerouted { conversation, needs, .. } => {
            format!("{} goes to {}", of(conversation), needs.queue)
        }
        EventKind::StepTaken { conversation, step, needs, .. } => {
            format!("{} goes on in {}, step {step}", of(conversation), needs.queue)
        }
        EventKind::PromisesTold { told } => told
            .iter()
            .map(|(id, promise)| format!("{} is told {} to {} s", of(id), promise.median_s, promise.p90_s))
            .collect::<Vec<_>>()
            .join(", "),
        EventKind::Parked { conversation, agent, .. } => {
            format!("{} parked by {}", of(conversation), who(agent))
        }
        EventKind::Unparked { conversation, agent, fence } => {
            format!("{} taken up by {}, fence {fence}", of(conversation), who(agent))
        }
        EventKind::Closed { conversation, by, .. } => match by {
            engine::ClosedBy::Agent(agent) => format!("{} closed by {}", of(conversation), who(agent)),
            other => format!("{} closed by {other:?}", of(conversation)),
        },
        EventKind::ChannelsPaused { agent, channels } if channels.is_empty() => {
            format!("{} takes up all channels", who(agent))
        }
        EventKind::ChannelsPaused { agent, channels } => {
            format!("{} pauses {}", who(agent), channels.join(", "))
        }
        EventKind::BreaksPlanned { agent, .. } => format!("the breaks of {} are planned", who(agent)),
        EventKind::BreakNears { agent, from, until } => {
            format!("{} has a break from {} to {}", who(agent), from.0 / 1_000, until.0 / 1_000)
        }
        EventKind::WrapUpEnded { conversation, agent } => {
            format!("{} written up by {}", of(conversation), who(agent))
        }
        other => format!("{other:?}"),
    }
}

#[test]
fn scenarios_play_as_written() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 6, "scenarios are missing");
    for path in files {
        let text = fs::read_to_string(&path).unwrap();
        let mut play = Play::new();
        let mut came = String::new();
        let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with("  ")).collect();
        for (index, line) in lines.iter().enumerate() {
            let written = |line: &&&str| line.starts_with("| ");
            if !written(&line) {
                writeln!(came, "{line}").unwrap();
            }
            if line.starts_with("at ") {
                play.written.clear();
                for line in lines[index + 1..].iter().take_while(written) {
                    writeln!(came, "{line}").unwrap();
                    writeln!(play.written, "{}", &line[2..]).unwrap();
                }
                came.push_str(&play.command(line));
            }
        }
        if std::env::var_os("UPDATE").is_some() {
            fs::write(&path, &came).unwrap();
        }
        assert_eq!(came, fs::read_to_string(&path).unwrap(), "{}", path.display());
    }
}
