//! A sound run has no fault, and each kind of fault is counted exactly once and as nothing else.

use std::time::Instant;

use super::*;
use crate::journal::digest;

/// A small run: one customer, two agents of whom the first one serves.
struct Run {
    plan: Plan,
    journals: Vec<Journal>,
}

const CUSTOMER: usize = 0;
const AGENT: usize = 1;

fn agent(bits: u128) -> AgentId {
    AgentId::from_bits(bits)
}

fn conversation() -> ConversationId {
    ConversationId::from_bits(50)
}

fn message(seq: u64) -> MessageId {
    MessageId::from_bits(seq.into())
}

fn request(client: u32, number: u32) -> Request {
    Request { client, number }
}

fn came(seq: u64, writer: Option<Request>) -> What {
    let text = digest(&format!("text {seq}"));
    What::Message {
        conversation: conversation(),
        message: message(seq),
        seq,
        request: writer,
        text,
        live: true,
    }
}

fn sent(request: Request, seq: u64) -> [What; 2] {
    [
        What::Sent { request, text: digest(&format!("text {seq}")) },
        What::Accepted { request, conversation: conversation(), message: message(seq), seq },
    ]
}

/// Four messages, customer and agent in turn.
fn sound() -> Run {
    let skills = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<BTreeSet<_>>();
    let agents = [(agent(1), (skills(&["a", "b"]), 1)), (agent(2), (skills(&["a"]), 1))];
    let plan = Plan { needs: vec![skills(&["b"])], agents: agents.into() };
    let start = Instant::now();
    let mut customer = Journal::new(Who::Customer(0), start);
    let mut server = Journal::new(Who::Agent(agent(1)), start);
    server.note(What::Online);
    server.note(What::Assigned { conversation: conversation(), holder: Some(agent(1)) });
    for seq in 1..=4 {
        let by_customer = seq % 2 == 1;
        let writer = request(u32::from(!by_customer), u32::try_from(seq).expect("small"));
        let (own, other) =
            if by_customer { (&mut customer, &mut server) } else { (&mut server, &mut customer) };
        for what in sent(writer, seq) {
            own.note(what);
        }
        own.note(came(seq, Some(writer)));
        other.note(came(seq, None));
    }
    server.note(What::Left { conversation: conversation() });
    customer.note(What::Finished);
    Run { plan, journals: vec![customer, server, Journal::new(Who::Agent(agent(2)), start)] }
}

impl Run {
    fn judge(&self) -> Verdict {
        judge(&self.plan, &self.journals)
    }

    /// The faults, without the totals and the words.
    fn faults(&self) -> [u64; 6] {
        let found = self.judge();
        let faults = [found.lost, found.duplicated, found.out_of_order, found.misrouted, found.over_capacity];
        [faults[0], faults[1], faults[2], faults[3], faults[4], found.unfinished]
    }

    fn place(&self, journal: usize, wanted: &What) -> usize {
        let found = self.journals[journal].entries.iter().position(|entry| entry.what == *wanted);
        found.expect("it stands in the journal")
    }
}

#[test]
fn a_sound_run_has_no_fault() {
    let found = sound().judge();
    assert!(found.sound());
    assert_eq!((found.conversations, found.messages, found.acked), (1, 4, 4));
    assert!(found.faults.is_empty());
}

#[test]
fn a_message_that_never_came_is_lost() {
    let mut run = sound();
    let at = run.place(CUSTOMER, &came(2, None));
    run.journals[CUSTOMER].entries.remove(at);
    assert_eq!(run.faults(), [1, 0, 0, 0, 0, 0]);
    let mut run = sound();
    let at = run.place(AGENT, &came(3, None));
    run.journals[AGENT].entries.remove(at);
    assert_eq!(run.faults(), [1, 0, 0, 0, 0, 0]);
}

#[test]
fn a_message_with_another_text_is_lost() {
    let mut run = sound();
    let at = run.place(CUSTOMER, &came(2, None));
    if let What::Message { text, .. } = &mut run.journals[CUSTOMER].entries[at].what {
        *text = digest("something else");
    }
    assert_eq!(run.faults(), [1, 0, 0, 0, 0, 0]);
}

#[test]
fn a_message_that_only_its_writer_saw_is_lost() {
    let mut run = sound();
    let writer = request(0, 9);
    for what in sent(writer, 5).into_iter().chain([came(5, Some(writer))]) {
        run.journals[CUSTOMER].note(what);
    }
    assert_eq!(run.faults(), [1, 0, 0, 0, 0, 0]);
}

#[test]
fn what_was_never_acknowledged_is_not_lost() {
    let mut run = sound();
    run.journals[CUSTOMER].note(What::Sent { request: request(0, 9), text: digest("unheard") });
    assert_eq!(run.faults(), [0; 6]);
    assert_eq!(run.judge().messages, 5);
}

#[test]
fn an_event_that_came_twice_is_a_duplicate() {
    let mut run = sound();
    let at = run.place(CUSTOMER, &came(2, None));
    let again = run.journals[CUSTOMER].entries[at].clone();
    run.journals[CUSTOMER].entries.insert(at + 1, again);
    assert_eq!(run.faults(), [0, 1, 0, 0, 0, 0]);
}

#[test]
fn a_request_that_became_two_messages_is_a_duplicate() {
    let mut run = sound();
    let [_, accepted] = sent(request(0, 3), 6);
    run.journals[CUSTOMER].note(accepted);
    run.journals[CUSTOMER].note(came(6, Some(request(0, 3))));
    run.journals[AGENT].note(came(6, None));
    assert_eq!(run.faults(), [0, 1, 0, 0, 0, 0]);
}

#[test]
fn a_snapshot_repeats_without_doubling() {
    let mut run = sound();
    for seq in 1..=4 {
        let mut again = came(seq, None);
        if let What::Message { live, .. } = &mut again {
            *live = false;
        }
        run.journals[CUSTOMER].note(again);
    }
    assert_eq!(run.faults(), [0; 6]);
    run.journals[CUSTOMER].note(came(4, None));
    assert_eq!(run.faults(), [0, 1, 0, 0, 0, 0], "an event behind the snapshot that held it");
}

#[test]
fn events_in_the_wrong_order_are_told() {
    let mut run = sound();
    let first = run.place(CUSTOMER, &came(3, Some(request(0, 3))));
    let second = run.place(CUSTOMER, &came(4, None));
    run.journals[CUSTOMER].entries.swap(first, second);
    assert_eq!(run.faults(), [0, 0, 1, 0, 0, 0]);
}

#[test]
fn numbers_against_the_order_of_sending_are_told() {
    let mut run = sound();
    for entry in &mut run.journals[CUSTOMER].entries {
        if let What::Accepted { request, seq, .. } = &mut entry.what
            && request.number == 1
        {
            *seq = 3;
        }
    }
    assert_eq!(run.faults(), [0, 0, 1, 0, 0, 0]);
}

#[test]
fn an_agent_without_the_skill_is_misrouted() {
    let mut run = sound();
    run.journals.swap(1, 2);
    let (one, two) = (run.journals[1].who, run.journals[2].who);
    run.journals[1].who = two;
    run.journals[2].who = one;
    assert_eq!(run.faults(), [0, 0, 0, 1, 0, 0]);
}

#[test]
fn a_holder_without_the_skill_is_misrouted() {
    let mut run = sound();
    let at = run.place(AGENT, &What::Assigned { conversation: conversation(), holder: Some(agent(1)) });
    run.journals[AGENT].entries[at].what =
        What::Assigned { conversation: conversation(), holder: Some(agent(2)) };
    assert_eq!(run.faults(), [0, 0, 0, 1, 0, 0]);
    run.journals[AGENT].entries[at].what = What::Snapshot { held: vec![conversation()], offers: Vec::new() };
    assert_eq!(run.faults(), [0; 6], "a snapshot names who holds it now: the journal's owner");
}

#[test]
fn an_assignment_above_capacity_is_told_once() {
    let mut run = sound();
    let at = run.place(AGENT, &What::Left { conversation: conversation() });
    let left = run.journals[AGENT].entries.remove(at);
    let other = ConversationId::from_bits(51);
    // The second conversation is the same dialogue's: only the number held is wrong.
    run.journals[CUSTOMER].note(What::Accepted {
        request: request(0, 1),
        conversation: other,
        message: message(1),
        seq: 1,
    });
    run.journals[AGENT].note(What::Assigned { conversation: other, holder: Some(agent(1)) });
    run.journals[AGENT].entries.push(left);
    assert_eq!(run.faults(), [0, 0, 0, 0, 1, 0]);
}

#[test]
fn a_dialogue_that_was_not_played_to_its_end_is_told() {
    let mut run = sound();
    run.journals[CUSTOMER].entries.retain(|entry| entry.what != What::Finished);
    assert_eq!(run.faults(), [0, 0, 0, 0, 0, 1]);
    run.journals.remove(CUSTOMER);
    assert_eq!(run.judge().unfinished, 1);
}
