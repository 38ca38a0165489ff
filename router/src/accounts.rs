//! Who may do what: workspaces, users with roles, tokens, visitors. Stored in the log's side table; an index in memory.
//!
//! * People sign in by name and password (Argon2id); programs by tokens of 256 random bits, of which only the SHA-256 is
//!   stored. The role is read anew for every request and frame.
//! * Visitors need no account: their key is their customer id with a code that only this server can make. Those whom the
//!   company's site vouches for bring a signed token (JWT, HS256).

mod index;
mod nodes;
mod password;
mod token;
mod users;
mod visitor;
mod workspaces;

use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};

use aws_lc_rs::{hmac, rand};
use data_encoding::BASE32_NOPAD;
use index::Index;
use log_store::redis::Bus;
use log_store::{Batch, Log, Position, ShardId, Table, Write};
use policy::id::{AgentId, ContactPointId, CustomerId, WorkspaceId};
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast;

pub(crate) use nodes::Changed;
pub use password::SignInError;
pub use visitor::{IdentityError, Visitor};

/// The stream that accounts are written through; it has no records.
pub(crate) const ACCOUNTS: ShardId = ShardId(u16::MAX);

/// What a user may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Role {
    /// Serves customers.
    Agent,
    /// Sees and moves every conversation of the workspace.
    Supervisor,
    /// Changes agents and the policy too.
    Admin,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Agent => "agent",
            Self::Supervisor => "supervisor",
            Self::Admin => "admin",
        })
    }
}

impl FromStr for Role {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "agent" => Ok(Self::Agent),
            "supervisor" => Ok(Self::Supervisor),
            "admin" => Ok(Self::Admin),
            _ => Err(()),
        }
    }
}

/// Who asks.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Principal {
    /// A user of a workspace.
    Agent {
        /// The workspace.
        workspace: WorkspaceId,
        /// The agent.
        agent: AgentId,
        /// What the agent may do.
        role: Role,
        /// The name as shown.
        name: String,
    },
    /// A customer.
    Customer {
        /// The workspace.
        workspace: WorkspaceId,
        /// Who.
        customer: CustomerId,
        /// On which contact point.
        contact_point: ContactPointId,
        /// What to be called.
        name: Option<String>,
        /// The page's language.
        language: Option<String>,
        /// What the visit is about.
        topics: Vec<String>,
        /// Whether the company's site has vouched for who it is.
        verified: bool,
    },
    /// Who runs the server.
    Operator,
}

/// Ids only: this may come into a log line.
impl fmt::Debug for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Agent { workspace, agent, role, .. } => f
                .debug_struct("Agent")
                .field("workspace", workspace)
                .field("agent", agent)
                .field("role", role)
                .finish_non_exhaustive(),
            Self::Customer { workspace, customer, verified, .. } => f
                .debug_struct("Customer")
                .field("workspace", workspace)
                .field("customer", customer)
                .field("verified", verified)
                .finish_non_exhaustive(),
            Self::Operator => f.write_str("Operator"),
        }
    }
}

/// A workspace.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkspaceRecord {
    /// Which.
    pub id: WorkspaceId,
    /// Its name.
    pub name: String,
    /// The company's name as customers see it.
    pub company: String,
    /// The public key of its widget.
    pub widget: String,
    /// Signs widget identities.
    pub identity_secret: String,
    /// Origins of pages, beside our own, that may use the widget.
    pub origins: Vec<String>,
}

impl fmt::Debug for WorkspaceRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkspaceRecord")
            .field("id", &self.id)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// A user.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Which agent.
    pub agent: AgentId,
    /// The sign-in name.
    pub sign_in: String,
    /// The name as shown.
    pub name: String,
    /// `person` or `bot`.
    pub kind: String,
    /// What the user may do.
    pub role: Role,
    password: Option<String>,
}

impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User").field("agent", &self.agent).field("role", &self.role).finish_non_exhaustive()
    }
}

/// A sign-in that succeeded.
#[derive(Clone, PartialEq, Eq)]
pub struct SignedIn {
    /// The token.
    pub token: String,
    /// When it ends, milliseconds since 1970.
    pub expires_ms: i64,
    /// Who it is.
    pub principal: Principal,
}

/// Why accounts were not changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AccountsError {
    /// The name is in use.
    #[error("the name `{0}` is in use")]
    Taken(String),
    /// No such thing.
    #[error("there is no such {0} here")]
    NotFound(&'static str),
    /// A value is wrong.
    #[error("{0}")]
    Invalid(String),
    /// The store takes or gives nothing.
    #[error("the store cannot be used: {0}")]
    Store(String),
}

/// A token as it is stored: under the SHA-256 of its text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct TokenRecord {
    workspace: WorkspaceId,
    agent: AgentId,
    expires_ms: i64,
}

/// What the server alone knows.
#[derive(Clone, Serialize, Deserialize)]
struct Secrets {
    visitors: Vec<u8>,
    operator: Vec<u8>,
}

/// The accounts of this node.
pub struct Accounts {
    log: Arc<dyn Log>,
    index: Arc<RwLock<Index>>,
    secrets: Arc<RwLock<Secrets>>,
    /// What several nodes have in common, where there are several.
    bus: Option<Bus>,
    /// What changes here, for the other nodes.
    changed: broadcast::Sender<Changed>,
    /// Whoever changes workspaces or users holds this from looking until the change is in force.
    changes: Arc<tokio::sync::Mutex<()>>,
    visitors: hmac::Key,
    passwords: password::Passwords,
    operator_once: Mutex<Option<String>>,
    setup: Mutex<Option<String>>,
    /// How long a sign-in lasts, in milliseconds.
    sign_in_ms: i64,
}

impl fmt::Debug for Accounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Accounts").finish_non_exhaustive()
    }
}

/// 160 random bits as text.
fn random_text() -> Result<String, AccountsError> {
    let mut bits = [0; 20];
    rand::fill(&mut bits).map_err(|_| AccountsError::Store("no randomness".into()))?;
    Ok(BASE32_NOPAD.encode(&bits).to_ascii_lowercase())
}

fn unreadable(error: impl fmt::Display) -> AccountsError {
    AccountsError::Store(error.to_string())
}

fn row(kind: u8, parts: &[&[u8]]) -> Vec<u8> {
    let mut key = vec![kind];
    parts.iter().for_each(|part| key.extend_from_slice(part));
    key
}

fn workspace_row(id: WorkspaceId) -> Vec<u8> {
    row(b'w', &[&id.bits().to_be_bytes()])
}

fn user_row(workspace: WorkspaceId, agent: AgentId) -> Vec<u8> {
    row(b'u', &[&workspace.bits().to_be_bytes(), &agent.bits().to_be_bytes()])
}

fn put(key: Vec<u8>, value: &impl Serialize) -> Result<Write, AccountsError> {
    let value = postcard::to_allocvec(value).map_err(unreadable)?;
    Ok(Write::Put { table: Table::Accounts, key, value })
}

impl Accounts {
    /// Reads all accounts. The first start makes the server's secrets and the operator's token. A sign-in lasts so many
    /// hours.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn open(
        log: Arc<dyn Log>,
        sign_in_hours: u32,
        bus: Option<Bus>,
    ) -> Result<Arc<Self>, AccountsError> {
        // Of two nodes that start for the first time together, one makes the secrets.
        let _alone = match &bus {
            Some(bus) => nodes::alone(bus).await,
            None => None,
        };
        let (index, secrets) = read(&*log)?;
        let mut operator_once = None;
        let secrets = match secrets {
            Some(secrets) => secrets,
            None => {
                let token = token::new()?;
                let mut visitors = vec![0; 32];
                rand::fill(&mut visitors).map_err(|_| AccountsError::Store("no randomness".into()))?;
                let secrets = Secrets { visitors, operator: token::hash(&token) };
                append(&*log, vec![put(row(b's', &[]), &secrets)?]).await?;
                operator_once = Some(token);
                secrets
            }
        };
        let setup = if index.users.is_empty() { Some(random_text()?) } else { None };
        Ok(Arc::new(Self {
            log,
            visitors: hmac::Key::new(hmac::HMAC_SHA256, &secrets.visitors),
            index: Arc::new(RwLock::new(index)),
            secrets: Arc::new(RwLock::new(secrets)),
            bus,
            changed: broadcast::channel(nodes::TELL).0,
            changes: Arc::default(),
            passwords: password::Passwords::new()?,
            operator_once: Mutex::new(operator_once),
            setup: Mutex::new(setup),
            sign_in_ms: i64::from(sign_in_hours) * 3_600_000,
        }))
    }

    fn index(&self) -> RwLockReadGuard<'_, Index> {
        self.index.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut Index)) {
        change(&mut self.index.write().unwrap_or_else(PoisonError::into_inner));
    }

    /// The turn to change workspaces or users: nobody else does until it is given back.
    async fn turn(&self) -> nodes::Turn {
        nodes::Turn::take(self).await
    }

    /// Writes to the store, then changes the index, in a task of its own: if whoever asked goes away halfway, store and
    /// index still agree.
    async fn write(
        &self,
        turn: Option<nodes::Turn>,
        writes: Vec<Write>,
        apply: impl FnOnce(&mut Index) + Send + 'static,
    ) -> Result<(), AccountsError> {
        let (log, index) = (Arc::clone(&self.log), Arc::clone(&self.index));
        let changed = self.changed.clone();
        let written = tokio::spawn(async move {
            let told = nodes::rows(&writes);
            append(&*log, writes).await?;
            apply(&mut index.write().unwrap_or_else(PoisonError::into_inner));
            drop(turn);
            // With one node nobody listens.
            drop(changed.send(told));
            Ok(())
        });
        written.await.map_err(unreadable)?
    }

    fn setup(&self) -> MutexGuard<'_, Option<String>> {
        self.setup.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The link's token for the first admin; only while there is no user, and only in this process.
    pub fn setup_token(&self) -> Option<String> {
        self.setup().clone().filter(|_| self.index().users.is_empty())
    }

    /// Takes the link's token, if this is it, so that of two uses at once only one makes the first admin. Dropped without
    /// [`SetUp::done`] the link works again.
    pub fn begin_set_up(&self, token: &str) -> Option<SetUp<'_>> {
        let unused = self.index().users.is_empty();
        let mut setup = self.setup();
        let known = setup.as_ref().is_some_and(|it| token::equal(it.as_bytes(), token.as_bytes()));
        let token = if unused && known { setup.take() } else { None };
        drop(setup);
        token.map(|token| SetUp { accounts: self, token: Some(token) })
    }

    /// The operator's token, if this process made it.
    pub fn operator_token_once(&self) -> Option<String> {
        self.operator_once.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Makes a new operator's token; the old one ends.
    ///
    /// # Errors
    /// If it cannot be stored.
    pub async fn reissue_operator_token(&self) -> Result<String, AccountsError> {
        let turn = self.turn().await;
        let token = token::new()?;
        let mut secrets = self.secrets.read().unwrap_or_else(PoisonError::into_inner).clone();
        secrets.operator = token::hash(&token);
        self.write(Some(turn), vec![put(row(b's', &[]), &secrets)?], |_| {}).await?;
        *self.secrets.write().unwrap_or_else(PoisonError::into_inner) = secrets;
        *self.operator_once.lock().unwrap_or_else(PoisonError::into_inner) = Some(token.clone());
        Ok(token)
    }
}

/// A set-up under way.
#[derive(Debug)]
pub struct SetUp<'a> {
    accounts: &'a Accounts,
    token: Option<String>,
}

impl SetUp<'_> {
    /// The first admin is made: the link is used up.
    pub fn done(mut self) {
        self.token = None;
    }
}

impl Drop for SetUp<'_> {
    fn drop(&mut self) {
        if let Some(token) = self.token.take() {
            *self.accounts.setup() = Some(token);
        }
    }
}

/// All accounts of a store, and the secrets if it has any.
fn read(log: &dyn Log) -> Result<(Index, Option<Secrets>), AccountsError> {
    let mut index = Index::default();
    let mut secrets = None;
    for (key, value) in
        log.scan(ACCOUNTS, Table::Accounts, &[0], &[0xff], usize::MAX, false).map_err(unreadable)?
    {
        if key.first() == Some(&b's') {
            secrets = Some(postcard::from_bytes(&value).map_err(unreadable)?);
        } else {
            index.put_row(&key, &value)?;
        }
    }
    Ok((index, secrets))
}

/// The workspace that a row of the accounts is of; none of what is the whole server's.
pub(crate) fn workspace_of_row(key: &[u8], value: &[u8]) -> Option<WorkspaceId> {
    match key.first()? {
        b't' => postcard::from_bytes::<TokenRecord>(value).ok().map(|token| token.workspace),
        b'w' | b'u' => {
            let bits = key.get(1..17)?.first_chunk::<16>()?;
            Some(WorkspaceId::from_bits(u128::from_be_bytes(*bits)))
        }
        _ => None,
    }
}

async fn append(log: &dyn Log, writes: Vec<Write>) -> Result<(), AccountsError> {
    let batch = Batch { shard: ACCOUNTS, expected: Position(0), records: Vec::new(), writes };
    log.append(batch).await.map(drop).map_err(unreadable)
}

fn delete(key: Vec<u8>) -> Write {
    Write::Delete { table: Table::Accounts, key }
}

#[cfg(test)]
mod tests;
