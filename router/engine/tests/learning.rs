//! What agents can do is learned from outcomes: of two who are typed in alike, the one who solves more, or is faster, is
//! asked first; the belief survives a snapshot, and a document may switch it off.

use engine::{Actor, Command, CommandKind, Engine, Event, EventKind};
use policy::document::{Document, LearningDoc, QueueDoc};
use policy::id::{AgentId, CommandId, ContactPointId, ConversationId, CustomerId, MessageId, WorkspaceId};
use policy::matching::{AgentProfile, Standing};
use policy::time::Timestamp;

const SHOP: WorkspaceId = WorkspaceId::from_bits(1);
const ANA: AgentId = AgentId::from_bits(1);
const BEN: AgentId = AgentId::from_bits(2);

struct Desk {
    engine: Engine,
    now: i64,
    number: u128,
}

impl Desk {
    fn new(learning: LearningDoc) -> Self {
        let queue = QueueDoc { offer_s: 0, ..QueueDoc::default() };
        let queues = [("support".to_owned(), queue)].into();
        let mut desk = Self::under(Document { learning, queues, ..Document::default() });
        for agent in [ANA, BEN] {
            let profile = AgentProfile { capacity: 1, ..AgentProfile::default() };
            desk.ask(CommandKind::PutAgent { agent, name: "A".into(), bot: false, profile });
        }
        desk
    }

    fn under(document: Document) -> Self {
        let mut desk = Self { engine: Engine::new(), now: 1_000_000, number: 0 };
        desk.ask(CommandKind::CreateWorkspace);
        desk.ask(CommandKind::InstallPolicy { version: 1, document: Box::new(document) });
        desk
    }

    fn ask(&mut self, kind: CommandKind) -> Vec<Event> {
        self.number += 1;
        let mut events = Vec::new();
        let command = Command { id: CommandId::from_bits(self.number), workspace: SHOP, kind };
        self.engine.handle(Timestamp(self.now), &command, &mut events).expect("a good command");
        events
    }

    /// A new customer writes; gives the conversation and who has it, if anybody.
    fn comes(&mut self, topic: Option<&str>) -> (ConversationId, Option<AgentId>) {
        let bits = self.number + 1_000;
        let conversation = ConversationId::from_bits(bits);
        let events = self.ask(CommandKind::ReceiveMessage {
            customer: CustomerId::from_bits(bits),
            contact_point: ContactPointId::from_bits(bits),
            channel: "web_chat".into(),
            to: None,
            new: conversation,
            message: MessageId::from_bits(bits),
            size: 1,
            language: None,
            topics: topic.into_iter().map(Into::into).collect(),
            known_agent: None,
            holds: Vec::new(),
        });
        let taken = events.iter().find_map(|event| match event.kind {
            EventKind::OfferAccepted { agent, .. } => Some(agent),
            _ => None,
        });
        (conversation, taken)
    }

    /// One conversation of this agent alone, of so many seconds.
    fn serves(&mut self, agent: AgentId, seconds: i64, solved: bool) {
        self.serves_about(None, agent, seconds, solved);
    }

    fn serves_about(&mut self, topic: Option<&str>, agent: AgentId, seconds: i64, solved: bool) {
        self.ask(CommandKind::SetStanding { agent, standing: Standing::Online });
        let (conversation, taken) = self.comes(topic);
        assert_eq!(taken, Some(agent));
        self.now += seconds * 1_000;
        let by = Actor::Agent(agent);
        self.ask(CommandKind::Close { by, conversation, solved: Some(solved) });
        self.ask(CommandKind::SetStanding { agent, standing: Standing::Offline });
    }

    /// Who is asked first when both have just come online.
    fn first(&mut self) -> Option<AgentId> {
        for agent in [ANA, BEN] {
            self.ask(CommandKind::SetStanding { agent, standing: Standing::Online });
        }
        self.comes(None).1
    }
}

#[test]
fn who_solves_more_is_asked_first() {
    let mut desk = Desk::new(LearningDoc::default());
    for _ in 0..30 {
        desk.serves(ANA, 240, false);
        desk.serves(BEN, 240, true);
    }
    assert_eq!(desk.first(), Some(BEN), "without learning it is the lower id");
}

#[test]
fn who_is_faster_is_asked_first() {
    let mut desk = Desk::new(LearningDoc::default());
    for _ in 0..30 {
        desk.serves(ANA, 400, true);
        desk.serves(BEN, 200, true);
    }
    assert_eq!(desk.first(), Some(BEN));
}

#[test]
fn a_document_may_keep_to_what_is_typed_in() {
    let mut desk = Desk::new(LearningDoc { strength: 0, ..LearningDoc::default() });
    for _ in 0..30 {
        desk.serves(ANA, 240, false);
        desk.serves(BEN, 240, true);
    }
    assert_eq!(desk.first(), Some(ANA));
}

#[test]
fn what_was_learned_survives_a_snapshot_and_a_new_profile() {
    let mut desk = Desk::new(LearningDoc::default());
    for _ in 0..30 {
        desk.serves(ANA, 240, false);
        desk.serves(BEN, 240, true);
    }
    let bytes = desk.engine.to_snapshot().expect("a snapshot");
    desk.engine = Engine::from_snapshot(&bytes).expect("its own snapshot");
    assert_eq!(desk.engine.to_snapshot().expect("a snapshot"), bytes);
    let profile = AgentProfile { capacity: 2, ..AgentProfile::default() };
    for agent in [ANA, BEN] {
        desk.ask(CommandKind::PutAgent { agent, name: "A".into(), bot: false, profile: profile.clone() });
    }
    assert_eq!(desk.first(), Some(BEN));
}

/// Four skills, at which each agent turns out to be another: nine hundred profiles, were they not rounded.
#[test]
fn the_more_profiles_there_are_the_coarser_the_belief() {
    let skills = ["a", "b", "c", "d"];
    let mut written = String::from("[skills]\n");
    for skill in skills {
        written += &format!("{skill} = \"{skill}\"\n");
    }
    for skill in skills {
        written += &format!("[queues.{skill}]\nneeds = {{ {skill} = 1 }}\noffer_s = 0\n");
        written += &format!("[[intake]]\nwhen = {{ topic = \"{skill}\" }}\nqueue = \"{skill}\"\n");
    }
    let mut desk = Desk::under(toml::from_str(&written).expect("a document"));
    let typed = skills.map(|skill| (skill.to_owned(), 50)).into();
    let profile = AgentProfile { capacity: 1, skills: typed, ..AgentProfile::default() };
    let distinct = |desk: &Desk| desk.engine.workspace(SHOP).expect("the workspace").pool.distinct_profiles();
    let mut most = 0;
    for number in 1..=900 {
        let agent = AgentId::from_bits(number);
        desk.ask(CommandKind::PutAgent { agent, name: "A".into(), bot: false, profile: profile.clone() });
        let mut bits = number * 0x9e37_79b9;
        for skill in skills {
            bits = bits.rotate_left(17).wrapping_mul(0x2545_f491_4f6c_dd1d);
            let seconds = 60 + i64::try_from(bits % 1_800).expect("below 1,800");
            desk.serves_about(Some(skill), agent, seconds, bits % 5 > 1);
        }
        if number == 200 {
            assert!(distinct(&desk) > 100, "while they are few each is known as what that one is");
        }
        most = most.max(distinct(&desk));
    }
    assert!((256..=640).contains(&most), "{most}");
}
