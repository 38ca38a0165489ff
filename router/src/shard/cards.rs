//! Customer records: what is known of a person, sealed with that person's key. The engine never sees them.

use log_store::{Log, ReadError, ShardId, Table, Unsealed, Vault, Write};
use policy::Grants;
use policy::id::{AgentId, ConversationId, CustomerId, WorkspaceId};
use serde::{Deserialize, Serialize};
use understanding::mood::Standing;

use super::recent::Recent;
use super::state::State;
use super::tails::Header;

/// A customer's record.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Card {
    /// What to be called.
    pub name: Option<String>,
    /// The language of the customer's pages.
    pub language: Option<String>,
    /// Whether the company's site has vouched for who it is.
    pub verified: bool,
    /// What the customer's data may be used for.
    pub grants: Grants,
    /// Who served the customer last.
    pub known_agent: Option<AgentId>,
    /// The latest conversations, newest last; 50 at most.
    pub conversations: Vec<ConversationId>,
    /// How the customer stands, where that may be known. It stands after the record in the same sealed row.
    #[serde(skip)]
    pub standing: Option<Standing>,
}

/// More earlier conversations than this are not listed in a record.
const CONVERSATIONS_MAX: usize = 50;
/// Records kept in memory.
const HOT: usize = 20_000;

impl Card {
    /// Lists one more conversation.
    pub(super) fn list(&mut self, conversation: ConversationId) {
        self.conversations.retain(|it| *it != conversation);
        if self.conversations.len() == CONVERSATIONS_MAX {
            self.conversations.remove(0);
        }
        self.conversations.push(conversation);
    }
}

/// The records in use.
#[derive(Debug)]
pub(super) struct Cards {
    hot: Recent<(WorkspaceId, CustomerId), Card>,
}

impl Cards {
    pub(super) fn new() -> Self {
        Self { hot: Recent::new(HOT) }
    }

    pub(super) fn clear(&mut self) {
        self.hot.clear();
    }

    /// The record of a customer, for changing it; a new customer's grants *service* by writing in.
    pub(super) fn get(
        &mut self,
        log: &dyn Log,
        vault: &Vault,
        shard: ShardId,
        workspace: WorkspaceId,
        customer: CustomerId,
    ) -> Result<Card, ReadError> {
        if let Some(card) = self.hot.get(&(workspace, customer)) {
            return Ok(card.clone());
        }
        let key = key(workspace, customer);
        let stored = log.get(shard, Table::Customers, &key)?;
        let plain = stored.and_then(|sealed| match vault.unseal(shard, customer, &key, &sealed) {
            Ok(Unsealed::Text(plain)) => Some(plain),
            Ok(Unsealed::Erased) => None,
            Err(error) => {
                tracing::error!(%error, "a customer record cannot be opened");
                None
            }
        });
        let card = plain
            .and_then(|plain| {
                let (mut card, rest) = postcard::take_from_bytes::<Card>(&plain).ok()?;
                card.standing = postcard::from_bytes(rest).ok();
                Some(card)
            })
            .unwrap_or_else(|| Card { grants: Grants::by_writing_in(), ..Card::default() });
        self.hot.insert((workspace, customer), card.clone());
        Ok(card)
    }

    /// The record of a customer, for looking at it: one that cannot be read just now looks empty.
    pub(super) fn look(
        &mut self,
        log: &dyn Log,
        vault: &Vault,
        shard: ShardId,
        workspace: WorkspaceId,
        customer: CustomerId,
    ) -> Card {
        self.get(log, vault, shard, workspace, customer).unwrap_or_else(|error| {
            tracing::error!(%error, "a customer record cannot be read");
            Card::default()
        })
    }

    /// Changes a record.
    pub(super) fn put(
        &mut self,
        vault: &Vault,
        shard: ShardId,
        workspace: WorkspaceId,
        customer: CustomerId,
        card: Card,
        writes: &mut Vec<Write>,
    ) -> Result<(), String> {
        let key = key(workspace, customer);
        let mut plain = postcard::to_allocvec(&card).map_err(|error| error.to_string())?;
        if let Some(standing) = &card.standing {
            plain.extend(postcard::to_allocvec(standing).map_err(|error| error.to_string())?);
        }
        let value = vault.seal(shard, customer, &key, &plain, writes).map_err(|error| error.to_string())?;
        writes.push(Write::Put { table: Table::Customers, key, value });
        self.hot.insert((workspace, customer), card);
        Ok(())
    }
}

impl State {
    pub(super) fn put_card(&mut self, workspace: WorkspaceId, customer: CustomerId, card: Card) {
        let written =
            self.cards.put(&self.parts.vault, self.id, workspace, customer, card, &mut self.pending.writes);
        if let Err(error) = written {
            self.unwritten("a customer record", &error);
        }
    }

    /// Remembers who served a customer, and how an ended conversation was.
    pub(super) fn keep_ended(&mut self, workspace: WorkspaceId, ended: engine::state::Conversation) {
        let customer = ended.customer;
        match self.cards.get(&*self.parts.log, &self.parts.vault, self.id, workspace, customer) {
            Ok(mut card) => {
                card.known_agent = ended.known_agent.or(card.known_agent);
                self.put_card(workspace, customer, card);
            }
            Err(error) => tracing::error!(%error, %customer, "who served a customer cannot be kept"),
        }
        self.tails.forget(ended.id);
        self.places.remove(&ended.id);
        self.put_header(workspace, ended.id, &Header { customer, closed: Some(ended) });
    }
}

fn key(workspace: WorkspaceId, customer: CustomerId) -> Vec<u8> {
    [workspace.bits().to_be_bytes(), customer.bits().to_be_bytes()].concat()
}
