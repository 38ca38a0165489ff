//! Which conversation a mail belongs to. Two things prove it, both made here and both unguessable: the reply address, and the
//! ids of our own mails that the mail refers to. Each carries the conversation's id and a keyed hash of it, so that no table
//! is needed and a forged one falls through. Neither says *who* wrote: that is compared with who takes part. A subject proves
//! nothing.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;
use data_encoding::{Encoding, Specification};
use policy::id::ConversationId;
use std::sync::LazyLock;

use super::mail::{Mail, comparable};
use super::verdict::Verdict;

/// Bytes of the keyed hash in an address: as many as its 64 letters leave room for, and enough that guessing takes for ever.
const PROOF: usize = 8;
/// Ids read of one field.
const IDS_MAX: usize = 100;

/// Letters and digits that survive where addresses are put into lower case.
static BASE32: LazyLock<Encoding> = LazyLock::new(|| {
    let mut letters = Specification::new();
    letters.symbols.push_str("abcdefghijklmnopqrstuvwxyz234567");
    letters.encoding().unwrap_or(data_encoding::BASE32_NOPAD)
});

/// The ids in a field, without angle brackets, however they are written.
#[must_use]
pub fn ids(value: &str) -> Vec<String> {
    let squeeze =
        |id: &str| id.chars().filter(|it| !it.is_whitespace() && !it.is_control()).collect::<String>();
    let mut found = Vec::new();
    let mut rest = value;
    while let Some(begin) = rest.find('<') {
        let Some(length) = rest[begin..].find('>') else { break };
        found.push(squeeze(rest[begin + 1..begin + length].trim_start_matches('<')));
        rest = &rest[begin + length + 1..];
    }
    if found.is_empty() {
        let bare = value.split_whitespace().map(|it| it.trim_matches(['<', '>', ',', ';', '"']));
        found.extend(bare.filter(|it| it.contains('@')).map(squeeze));
    }
    found.retain(|it| !it.is_empty());
    found.truncate(IDS_MAX);
    found
}

/// Makes and reads what names a conversation to the outside.
#[derive(Debug, Clone)]
pub struct Threads {
    key: hmac::Key,
}

impl Threads {
    /// With this secret; what was made with another is not known.
    #[must_use]
    pub fn new(secret: &[u8]) -> Self {
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, secret) }
    }

    fn proof(&self, what: &str, conversation: ConversationId, more: u64) -> [u8; PROOF] {
        let mut text = Vec::with_capacity(64);
        text.extend_from_slice(what.as_bytes());
        text.extend_from_slice(&conversation.bits().to_be_bytes());
        text.extend_from_slice(&more.to_be_bytes());
        let tag = hmac::sign(&self.key, &text);
        let mut proof = [0; PROOF];
        proof.copy_from_slice(&tag.as_ref()[..PROOF]);
        proof
    }

    /// The address that answers to a conversation go to: `support+t…@example.com`; `None` where the mailbox's name leaves no
    /// room for it.
    #[must_use]
    pub fn reply_address(&self, mailbox: &str, conversation: ConversationId) -> Option<String> {
        let (local, domain) = mailbox.rsplit_once('@')?;
        let mut token = conversation.bits().to_be_bytes().to_vec();
        token.extend_from_slice(&self.proof("reply", conversation, 0));
        let local = format!("{local}+t{}", BASE32.encode(&token));
        (local.len() <= 64).then(|| format!("{local}@{domain}"))
    }

    /// The conversation that an address names.
    #[must_use]
    pub fn by_address(&self, address: &str) -> Option<ConversationId> {
        let (local, _) = address.rsplit_once('@')?;
        let token = local.rsplit(['+', '-']).next()?.to_ascii_lowercase();
        let bytes = BASE32.decode(token.strip_prefix('t')?.as_bytes()).ok()?;
        let (id, proof) = bytes.split_at_checked(16)?;
        let conversation = ConversationId::from_bits(u128::from_be_bytes(id.try_into().ok()?));
        verify_slices_are_equal(&self.proof("reply", conversation, 0), proof).ok().map(|()| conversation)
    }

    /// The id of our mail with a message of a conversation, without angle brackets.
    #[must_use]
    pub fn message_id(&self, conversation: ConversationId, seq: u64, domain: &str) -> String {
        let proof = BASE32.encode(&self.proof("message", conversation, seq));
        format!("{}.{seq}.{proof}@{domain}", BASE32.encode(&conversation.bits().to_be_bytes()))
    }

    /// The conversation and the message's number that an id of ours names.
    #[must_use]
    pub fn by_message_id(&self, id: &str) -> Option<(ConversationId, u64)> {
        let (local, _) = id.rsplit_once('@')?;
        let mut pieces = local.split('.');
        let (Some(bits), Some(seq), Some(proof), None) =
            (pieces.next(), pieces.next(), pieces.next(), pieces.next())
        else {
            return None;
        };
        let bits = BASE32.decode(bits.to_ascii_lowercase().as_bytes()).ok()?;
        let conversation = ConversationId::from_bits(u128::from_be_bytes(bits.try_into().ok()?));
        let seq = seq.parse().ok()?;
        let proof = BASE32.decode(proof.to_ascii_lowercase().as_bytes()).ok()?;
        let real = self.proof("message", conversation, seq);
        verify_slices_are_equal(&real, &proof).ok().map(|()| (conversation, seq))
    }

    /// What a mail refers to, strongest first. `envelope` has the recipients that the server told, if it told them.
    #[must_use]
    pub fn refers_to(&self, mail: &Mail, envelope: &[String]) -> Option<Reference> {
        let told = envelope.iter().chain(&mail.delivered_to).map(String::as_str);
        let written = mail.to.iter().chain(&mail.cc).map(|it| it.address.as_str());
        if let Some(conversation) = told.chain(written).find_map(|it| self.by_address(it)) {
            return Some(Reference { conversation, by: Proof::Address });
        }
        let ids = mail.in_reply_to.iter().chain(mail.references.iter().rev());
        let (conversation, _) = ids.filter_map(|it| self.by_message_id(it)).next()?;
        Some(Reference { conversation, by: Proof::MessageId })
    }
}

/// A conversation that a mail proves to know of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reference {
    /// Which.
    pub conversation: ConversationId,
    /// By what.
    pub by: Proof,
}

/// What proves that a mail knows a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// It was sent to the conversation's own address.
    Address,
    /// It refers to a mail of ours.
    MessageId,
}

/// Where a mail goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Into this conversation.
    Joins(ConversationId),
    /// Into a new one. The other is named to the agent and not opened to the writer.
    New {
        /// What it refers to without being let in.
        refers_to: Option<ConversationId>,
    },
}

/// Decides where a mail goes: into the conversation that it proves to know, if its writer takes part there and is not
/// suspected to be somebody else; otherwise into a new one. `participants` are the addresses of the customer's side.
#[must_use]
pub fn place<'a>(
    reference: Option<Reference>,
    mail: &Mail,
    verdict: &Verdict,
    participants: impl IntoIterator<Item = &'a str>,
) -> Place {
    let Some(reference) = reference else { return Place::New { refers_to: None } };
    let writer = mail.from.first().map(|it| comparable(&it.address));
    let takes_part = writer.is_some_and(|writer| participants.into_iter().any(|it| comparable(it) == writer));
    if takes_part && !matches!(verdict, Verdict::Suspect { .. }) {
        Place::Joins(reference.conversation)
    } else {
        Place::New { refers_to: Some(reference.conversation) }
    }
}

/// The references of an answer: the parent's and the parent itself (RFC 5322, section 3.6.4). Long chains lose their middle.
#[must_use]
pub fn references(parent_references: &[String], parent: &str) -> Vec<String> {
    const KEPT: usize = 20;
    let mut chain: Vec<String> = parent_references.iter().filter(|it| *it != parent).cloned().collect();
    chain.push(parent.to_owned());
    if chain.len() > KEPT {
        chain.drain(1..chain.len() - KEPT + 1);
    }
    // A line of a header has at most 998 letters.
    while chain.len() > 2 && chain.iter().map(|it| it.len() + 3).sum::<usize>() > 980 {
        chain.remove(1);
    }
    chain
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::email::Mailbox;

    fn threads() -> Threads {
        Threads::new(b"a secret of the workspace")
    }

    const ID: ConversationId = ConversationId::from_bits(0x1234_5678_9abc_def0_1234_5678_9abc_def0);

    #[test]
    fn ids_are_read_however_written() {
        assert_eq!(ids("<a@b> <c@d>"), ["a@b", "c@d"]);
        assert_eq!(ids("a@b"), ["a@b"]);
        assert_eq!(ids("Your mail of Monday <a@ b> (comment)"), ["a@b"]);
        assert_eq!(ids("<a@b"), ["a@b"]);
        assert!(ids("nothing").is_empty());
    }

    #[test]
    fn addresses_come_back_in_lower_case_or_not_at_all() {
        let address = threads().reply_address("support@example.com", ID).expect("room");
        assert!(address.split('@').next().is_some_and(|it| it.len() <= 64));
        assert_eq!(threads().by_address(&address.to_uppercase()), Some(ID));
        let mut forged = address.into_bytes();
        forged[12] = if forged[12] == b'a' { b'b' } else { b'a' };
        assert_eq!(threads().by_address(&String::from_utf8(forged).expect("ascii")), None);
        assert_eq!(threads().reply_address(&format!("{}@example.com", "x".repeat(40)), ID), None);
        assert_eq!(Threads::new(b"another").by_address("support+t@example.com"), None);
    }

    #[test]
    fn ids_of_ours_are_known_and_others_are_not() {
        let id = threads().message_id(ID, 7, "example.com");
        assert_eq!(threads().by_message_id(&id), Some((ID, 7)));
        assert_eq!(threads().by_message_id(&id.replace(".7.", ".8.")), None);
        assert_eq!(Threads::new(b"another").by_message_id(&id), None);
    }

    #[test]
    fn strangers_are_not_let_in() {
        let by = |address: &str| Mail {
            from: vec![Mailbox { address: address.to_owned(), ..Mailbox::default() }],
            ..Mail::default()
        };
        let known = Some(Reference { conversation: ID, by: Proof::MessageId });
        let there = ["Ann@example.com"];
        let unverified = Verdict::Unverified;
        assert_eq!(place(known, &by("ann+x@example.com"), &unverified, there), Place::Joins(ID));
        let outside = Place::New { refers_to: Some(ID) };
        assert_eq!(place(known, &by("eve@example.com"), &unverified, there), outside);
        assert_eq!(place(known, &by("ann@example.com"), &Verdict::Suspect { why: "dmarc" }, there), outside);
        assert_eq!(place(None, &by("ann@example.com"), &unverified, there), Place::New { refers_to: None });
    }

    #[test]
    fn the_address_proves_more_than_an_id() {
        let address = threads().reply_address("support@example.com", ID).expect("room");
        let other = ConversationId::from_bits(5);
        let mail =
            Mail { in_reply_to: vec![threads().message_id(other, 1, "example.com")], ..Mail::default() };
        let found = threads().refers_to(&mail, &[]).expect("known");
        assert_eq!((found.conversation, found.by), (other, Proof::MessageId));
        let found = threads().refers_to(&mail, &[address]).expect("known");
        assert_eq!((found.conversation, found.by), (ID, Proof::Address));
    }

    #[test]
    fn long_chains_keep_their_ends() {
        let many: Vec<String> = (0..100).map(|it| format!("m{it}@example.com")).collect();
        let chain = references(&many, "parent@example.com");
        assert_eq!(chain.len(), 20);
        assert_eq!((chain[0].as_str(), chain[19].as_str()), ("m0@example.com", "parent@example.com"));
        let long: Vec<String> = (0..20).map(|it| format!("{it}{}@example.com", "x".repeat(200))).collect();
        let line: usize = references(&long, "p@example.com").iter().map(|it| it.len() + 3).sum();
        assert!(line <= 980);
    }
}
