//! What a store still holds, held against what clients were told before it was cut.

use std::collections::{BTreeMap, HashMap};

use anyhow::{Context as _, Result};
use policy::id::{ConversationId, MessageId};
use protocol::MessageView;

use crate::api::Api;
use crate::journal::{Digest, Journal, Request, What, digest};

/// Faults of a store.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Judged {
    pub(crate) lost: u64,
    pub(crate) duplicated: u64,
    pub(crate) out_of_order: u64,
    pub(crate) checked: u64,
}

impl Judged {
    /// Adds those of another run.
    pub(crate) fn add(&mut self, other: &Self) {
        self.lost += other.lost;
        self.duplicated += other.duplicated;
        self.out_of_order += other.out_of_order;
        self.checked += other.checked;
    }

    pub(crate) fn sound(&self) -> bool {
        self.lost + self.duplicated + self.out_of_order == 0
    }
}

/// A message that was acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Acked {
    message: MessageId,
    seq: u64,
    text: Digest,
}

/// What was acknowledged up to this time (microseconds since the run began), by conversation.
pub(crate) fn acked(journals: &[Journal], until: u64) -> BTreeMap<ConversationId, Vec<Acked>> {
    let mut sent: HashMap<Request, Digest> = HashMap::new();
    let mut acked: BTreeMap<ConversationId, Vec<Acked>> = BTreeMap::new();
    for entry in journals.iter().flat_map(|journal| &journal.entries) {
        match &entry.what {
            What::Sent { request, text } => {
                sent.insert(*request, *text);
            }
            What::Accepted { request, conversation, message, seq } if entry.at <= until => {
                if let Some(text) = sent.get(request) {
                    let of = acked.entry(*conversation).or_default();
                    of.push(Acked { message: *message, seq: *seq, text: *text });
                }
            }
            _ => {}
        }
    }
    acked
}

/// Reads every conversation from a server and judges it.
pub(crate) async fn judge(
    api: &Api,
    reads: &[(String, ConversationId)],
    acked: &BTreeMap<ConversationId, Vec<Acked>>,
) -> Result<Judged> {
    let keys: HashMap<ConversationId, &str> =
        reads.iter().map(|(visitor, conversation)| (*conversation, visitor.as_str())).collect();
    let mut judged = Judged::default();
    for (conversation, acked) in acked {
        let visitor = keys.get(conversation).context("a conversation whose customer has no key")?;
        // A conversation that is not there at all has lost everything.
        let messages = api.history(visitor, *conversation).await.unwrap_or_default();
        one(acked, &messages, &mut judged);
    }
    Ok(judged)
}

fn one(acked: &[Acked], messages: &[MessageView], judged: &mut Judged) {
    judged.checked += acked.len() as u64;
    let mut times: HashMap<MessageId, u64> = HashMap::new();
    for message in messages {
        *times.entry(message.id).or_default() += 1;
    }
    judged.duplicated += times.into_values().map(|times| times - 1).sum::<u64>();
    judged.out_of_order += messages.windows(2).filter(|pair| pair[0].seq >= pair[1].seq).count() as u64;
    for acked in acked {
        let there = messages.iter().find(|message| message.id == acked.message);
        match there.and_then(|message| Some((message.seq, digest(message.text.as_deref()?)))) {
            Some((seq, text)) if text == acked.text => judged.out_of_order += u64::from(seq != acked.seq),
            _ => judged.lost += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use policy::id::ContactPointId;
    use protocol::{Author, AuthorKind, DeliveryState};

    fn view(id: u128, seq: u64, text: &str) -> MessageView {
        MessageView {
            id: MessageId::from_bits(id),
            seq,
            from: Author { kind: AuthorKind::Customer, agent: None, name: None },
            text: Some(text.to_owned()),
            contact_point: ContactPointId::from_bits(1),
            channel: "web_chat".into(),
            at_ms: 0,
            delivery: DeliveryState::Sent,
            client_id: None,
            labels: None,
            mail: None,
        }
    }

    fn told(id: u128, seq: u64, text: &str) -> Acked {
        Acked { message: MessageId::from_bits(id), seq, text: digest(text) }
    }

    fn judged(acked: &[Acked], messages: &[MessageView]) -> (u64, u64, u64) {
        let mut judged = Judged::default();
        one(acked, messages, &mut judged);
        (judged.lost, judged.duplicated, judged.out_of_order)
    }

    #[test]
    fn each_fault_is_seen() {
        let acked = [told(1, 1, "a"), told(2, 2, "b")];
        let (a, b) = (view(1, 1, "a"), view(2, 2, "b"));
        assert_eq!(judged(&acked, &[a.clone(), b.clone()]), (0, 0, 0));
        assert_eq!(judged(&acked, std::slice::from_ref(&a)), (1, 0, 0));
        assert_eq!(judged(&acked, &[a.clone(), view(2, 2, "other")]), (1, 0, 0));
        assert_eq!(judged(&acked, &[a.clone(), b.clone(), view(2, 3, "b")]), (0, 1, 0));
        assert_eq!(judged(&acked, &[b, a.clone()]), (0, 0, 1));
        assert_eq!(judged(&acked, &[a, view(2, 3, "b")]), (0, 0, 1), "told another number");
        assert_eq!(judged(&acked, &[]), (2, 0, 0));
    }
}
