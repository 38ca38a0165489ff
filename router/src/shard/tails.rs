//! Transcripts: every message sealed in the store, and the newest ones of open conversations in memory, so that views and
//! offers need no look-up and see what is not durable yet (they leave only after it is).

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, VecDeque};

use engine::state::Conversation;
use log_store::{Log, ReadError, ShardId, Table, Unsealed, Vault, Write};
use policy::id::{AgentId, ContactPointId, ConversationId, CustomerId, MessageId, WorkspaceId};
use policy::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::mailed::Mailed;
use super::understand::Labels;

/// Messages of one conversation in memory.
pub(super) const TAIL: usize = 40;

/// What stands beside a text in its row has room in so many bytes, mostly.
const BESIDE_TEXT: usize = 160;

/// A message as it is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct StoredMessage {
    /// Which.
    pub id: MessageId,
    /// Its number in the conversation.
    pub seq: u64,
    /// The agent who wrote it; the customer if absent.
    pub agent: Option<AgentId>,
    /// The writer's name then.
    pub name: Option<String>,
    /// Whether a bot wrote it.
    pub bot: bool,
    /// The text; `None` once it is erased.
    pub text: Option<String>,
    /// From or to which contact point.
    pub contact_point: ContactPointId,
    /// The channel of that contact point.
    pub channel: String,
    /// When it was accepted.
    pub at: Timestamp,
    /// The writer's own id of the request.
    pub client_id: Option<String>,
    /// What was understood of it. It stands after the message in the same sealed row; older rows have none.
    #[serde(skip)]
    pub labels: Option<Box<Labels>>,
    /// What it has beside its text because it came or went by mail. It stands after the labels.
    #[serde(skip)]
    pub mail: Option<Box<Mailed>>,
}

/// What stands before a conversation's messages in the store: whose it is, and, once it has ended, how it was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Header {
    /// Whose.
    pub customer: CustomerId,
    /// The conversation as it was when it ended.
    pub closed: Option<Conversation>,
}

/// The newest messages of open conversations.
#[derive(Debug, Default)]
pub(super) struct Tails {
    open: BTreeMap<ConversationId, VecDeque<StoredMessage>>,
    /// Why one could not be read.
    unread: Option<String>,
    nothing: VecDeque<StoredMessage>,
}

impl Tails {
    pub(super) fn clear(&mut self) {
        self.open.clear();
        self.unread = None;
    }

    /// Why the messages of a conversation could not be read, if so: what was made of them may not leave.
    pub(super) fn take_unread(&mut self) -> Option<String> {
        self.unread.take()
    }

    /// The newest messages of a conversation, oldest first.
    pub(super) fn get(
        &mut self,
        store: Store<'_>,
        conversation: ConversationId,
        customer: CustomerId,
        last: u64,
    ) -> &VecDeque<StoredMessage> {
        let entry = match self.open.entry(conversation) {
            Entry::Occupied(entry) => return entry.into_mut(),
            Entry::Vacant(entry) => entry,
        };
        let first = last.saturating_sub(TAIL as u64) + 1;
        match store.try_read(conversation, customer, first, last) {
            Ok(messages) => entry.insert(messages.into()),
            Err(error) => {
                tracing::error!(%error, %conversation, "a transcript cannot be read");
                self.unread.get_or_insert_with(|| error.to_string());
                &self.nothing
            }
        }
    }

    /// Seals a message for the store and keeps it at hand.
    pub(super) fn add(
        &mut self,
        store: Store<'_>,
        conversation: ConversationId,
        customer: CustomerId,
        message: StoredMessage,
        writes: &mut Vec<Write>,
    ) -> Result<(), String> {
        store.put(conversation, customer, &message, writes)?;
        self.get(store, conversation, customer, message.seq - 1);
        if let Some(tail) = self.open.get_mut(&conversation) {
            if tail.len() == TAIL {
                tail.pop_front();
            }
            tail.push_back(message);
        }
        Ok(())
    }

    /// Writes a message again that has changed, and keeps it at hand where it is.
    pub(super) fn change(
        &mut self,
        store: Store<'_>,
        conversation: ConversationId,
        customer: CustomerId,
        message: StoredMessage,
        writes: &mut Vec<Write>,
    ) -> Result<(), String> {
        store.put(conversation, customer, &message, writes)?;
        let tail = self.open.get_mut(&conversation).into_iter().flatten();
        if let Some(kept) = tail.rev().find(|it| it.seq == message.seq) {
            *kept = message;
        }
        Ok(())
    }

    /// Forgets an ended conversation.
    pub(super) fn forget(&mut self, conversation: ConversationId) {
        self.open.remove(&conversation);
    }
}

/// The store as seen from one workspace.
#[derive(Clone, Copy)]
pub(super) struct Store<'a> {
    pub(super) log: &'a dyn Log,
    pub(super) vault: &'a Vault,
    pub(super) shard: ShardId,
    pub(super) workspace: WorkspaceId,
}

impl Store<'_> {
    fn key(self, conversation: ConversationId, seq: u64) -> Vec<u8> {
        let mut key = Vec::with_capacity(40);
        key.extend_from_slice(&self.workspace.bits().to_be_bytes());
        key.extend_from_slice(&conversation.bits().to_be_bytes());
        key.extend_from_slice(&seq.to_be_bytes());
        key
    }

    /// Messages by number, both ends included. What cannot be read is left out and said in the log.
    pub(super) fn read(
        self,
        conversation: ConversationId,
        customer: CustomerId,
        first: u64,
        last: u64,
    ) -> Vec<StoredMessage> {
        self.try_read(conversation, customer, first, last).unwrap_or_else(|error| {
            tracing::error!(%error, %conversation, "a transcript cannot be read");
            Vec::new()
        })
    }

    /// Messages by number, both ends included.
    ///
    /// # Errors
    /// If the store cannot be read just now.
    pub(super) fn try_read(
        self,
        conversation: ConversationId,
        customer: CustomerId,
        first: u64,
        last: u64,
    ) -> Result<Vec<StoredMessage>, ReadError> {
        if first > last {
            return Ok(Vec::new());
        }
        let (from, to) = (self.key(conversation, first.max(1)), self.key(conversation, last + 1));
        let limit = usize::try_from(last - first + 1).unwrap_or(usize::MAX);
        let rows = self.log.scan(self.shard, Table::Transcripts, &from, &to, limit, false)?;
        let open = |(key, sealed): (Vec<u8>, Vec<u8>)| self.open(conversation, customer, &key, &sealed);
        Ok(rows.into_iter().filter_map(open).collect())
    }

    fn open(
        self,
        conversation: ConversationId,
        customer: CustomerId,
        key: &[u8],
        sealed: &[u8],
    ) -> Option<StoredMessage> {
        match self.vault.unseal(self.shard, customer, key, sealed) {
            Ok(Unsealed::Text(plain)) => {
                let (mut message, rest) = postcard::take_from_bytes::<StoredMessage>(&plain).ok()?;
                if let Ok((labels, rest)) = postcard::take_from_bytes::<Labels>(rest) {
                    message.labels = (labels != Labels::default()).then(|| Box::new(labels));
                    message.mail = postcard::from_bytes(rest).ok().map(Box::new);
                }
                Some(message)
            }
            Ok(Unsealed::Erased) => None,
            Err(error) => {
                tracing::error!(%error, %conversation, "a message cannot be opened");
                None
            }
        }
    }

    /// Seals a message for the store.
    fn put(
        self,
        conversation: ConversationId,
        customer: CustomerId,
        message: &StoredMessage,
        writes: &mut Vec<Write>,
    ) -> Result<(), String> {
        let key = self.key(conversation, message.seq);
        let text = |error: postcard::Error| error.to_string();
        let room = message.text.as_ref().map_or(0, String::len) + BESIDE_TEXT;
        let mut plain = postcard::to_extend(message, Vec::with_capacity(room)).map_err(text)?;
        if message.labels.is_some() || message.mail.is_some() {
            let nothing = Labels::default();
            plain =
                postcard::to_extend(message.labels.as_deref().unwrap_or(&nothing), plain).map_err(text)?;
        }
        if let Some(mail) = &message.mail {
            plain = postcard::to_extend(mail, plain).map_err(text)?;
        }
        let sealed = self.vault.seal(self.shard, customer, &key, &plain, writes);
        let value = sealed.map_err(|error| error.to_string())?;
        writes.push(Write::Put { table: Table::Transcripts, key, value });
        Ok(())
    }

    /// Writes a conversation's header.
    pub(super) fn put_header(
        self,
        conversation: ConversationId,
        header: &Header,
        writes: &mut Vec<Write>,
    ) -> Result<(), String> {
        let value = postcard::to_allocvec(header).map_err(|error| error.to_string())?;
        writes.push(Write::Put { table: Table::Transcripts, key: self.key(conversation, 0), value });
        Ok(())
    }

    /// A conversation's header.
    pub(super) fn header(self, conversation: ConversationId) -> Option<Header> {
        let bytes =
            self.log.get(self.shard, Table::Transcripts, &self.key(conversation, 0)).ok().flatten()?;
        postcard::from_bytes(&bytes).ok()
    }
}
