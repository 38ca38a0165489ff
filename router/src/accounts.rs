//! Who may do what: workspaces, users with roles, tokens, visitors. Stored in the log's side table; an index in memory.
//!
//! * People sign in by name and password (Argon2id); programs by tokens of 256 random bits, of which only the SHA-256 is
//!   stored. The role is read anew for every request and frame.
//! * Visitors need no account: their key is their customer id with a code that only this server can make. Those whom the
//!   company's site vouches for bring a signed token (JWT, HS256).

mod password;
mod token;
mod visitor;

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};

use aws_lc_rs::{hmac, rand};
use data_encoding::BASE32_NOPAD;
use log_store::{Batch, Log, Position, ShardId, Table, Write};
use policy::id::{AgentId, ContactPointId, CustomerId, WorkspaceId};
use serde::{Deserialize, Serialize};

pub use password::SignInError;
pub use visitor::{IdentityError, Visitor};

/// The stream that accounts are written through; it has no records.
const ACCOUNTS: ShardId = ShardId(u16::MAX);

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
#[derive(Debug, Clone, PartialEq, Eq)]
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

#[derive(Default)]
struct Index {
    workspaces: BTreeMap<WorkspaceId, WorkspaceRecord>,
    users: BTreeMap<(WorkspaceId, AgentId), User>,
    tokens: BTreeMap<Vec<u8>, TokenRecord>,
}

/// The accounts of this node.
pub struct Accounts {
    log: Arc<dyn Log>,
    index: RwLock<Index>,
    secrets: RwLock<Secrets>,
    visitors: hmac::Key,
    passwords: password::Passwords,
    operator_once: Mutex<Option<String>>,
    setup: Mutex<Option<String>>,
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
    /// Reads all accounts. The first start makes the server's secrets and the operator's token.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn open(log: Arc<dyn Log>) -> Result<Arc<Self>, AccountsError> {
        let mut index = Index::default();
        let mut secrets = None;
        for (key, value) in log.scan(Table::Accounts, &[0], &[0xff], usize::MAX, false).map_err(unreadable)? {
            match key.first() {
                Some(b's') => secrets = Some(postcard::from_bytes::<Secrets>(&value).map_err(unreadable)?),
                Some(b'w') => {
                    let record: WorkspaceRecord = postcard::from_bytes(&value).map_err(unreadable)?;
                    index.workspaces.insert(record.id, record);
                }
                Some(b'u') => {
                    let (workspace, user): (WorkspaceId, User) =
                        postcard::from_bytes(&value).map_err(unreadable)?;
                    index.users.insert((workspace, user.agent), user);
                }
                Some(b't') => {
                    let token: TokenRecord = postcard::from_bytes(&value).map_err(unreadable)?;
                    index.tokens.insert(key[1..].to_vec(), token);
                }
                _ => {
                    return Err(AccountsError::Store("an account of a newer version: start that one".into()));
                }
            }
        }
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
            index: RwLock::new(index),
            secrets: RwLock::new(secrets),
            passwords: password::Passwords::new()?,
            operator_once: Mutex::new(operator_once),
            setup: Mutex::new(setup),
        }))
    }

    fn index(&self) -> RwLockReadGuard<'_, Index> {
        self.index.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut Index)) {
        change(&mut self.index.write().unwrap_or_else(PoisonError::into_inner));
    }

    fn setup(&self) -> MutexGuard<'_, Option<String>> {
        self.setup.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The link's token for the first admin; only while there is no user, and only in this process.
    pub fn setup_token(&self) -> Option<String> {
        self.setup().clone()
    }

    /// Whether this token may make the first admin.
    pub fn may_set_up(&self, token: &str) -> bool {
        self.setup().as_deref().is_some_and(|it| token::equal(it.as_bytes(), token.as_bytes()))
    }

    /// The first admin is made: the link is used up.
    pub fn set_up_done(&self) {
        *self.setup() = None;
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
        let token = token::new()?;
        let mut secrets = self.secrets.read().unwrap_or_else(PoisonError::into_inner).clone();
        secrets.operator = token::hash(&token);
        append(&*self.log, vec![put(row(b's', &[]), &secrets)?]).await?;
        *self.secrets.write().unwrap_or_else(PoisonError::into_inner) = secrets;
        *self.operator_once.lock().unwrap_or_else(PoisonError::into_inner) = Some(token.clone());
        Ok(token)
    }

    /// Makes a workspace.
    ///
    /// # Errors
    /// If the name is taken or not one.
    pub async fn create_workspace(
        &self,
        name: &str,
        company: &str,
    ) -> Result<WorkspaceRecord, AccountsError> {
        let good = (1..=64).contains(&name.len())
            && name.bytes().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'-');
        if !good {
            return Err(AccountsError::Invalid(
                "a workspace's name has 1 to 64 characters of a-z, 0-9 and `-`".into(),
            ));
        }
        if self.workspace_named(name).is_some() {
            return Err(AccountsError::Taken(name.into()));
        }
        let record = WorkspaceRecord {
            id: WorkspaceId::from_bits(uuid::Uuid::now_v7().as_u128()),
            name: name.into(),
            company: company.into(),
            widget: format!("wgt_{}", random_text()?),
            identity_secret: random_text()?,
            origins: Vec::new(),
        };
        append(&*self.log, vec![put(workspace_row(record.id), &record)?]).await?;
        self.change(|index| drop(index.workspaces.insert(record.id, record.clone())));
        Ok(record)
    }

    /// Changes the origins of a workspace's pages.
    ///
    /// # Errors
    /// If there is no such workspace.
    pub async fn set_origins(&self, id: WorkspaceId, origins: Vec<String>) -> Result<(), AccountsError> {
        let record = self.workspace(id).ok_or(AccountsError::NotFound("workspace"))?;
        let record = WorkspaceRecord { origins, ..record };
        append(&*self.log, vec![put(workspace_row(id), &record)?]).await?;
        self.change(|index| drop(index.workspaces.insert(id, record)));
        Ok(())
    }

    /// Removes a workspace with its users and tokens.
    ///
    /// # Errors
    /// If it cannot be stored.
    pub async fn remove_workspace(&self, id: WorkspaceId) -> Result<(), AccountsError> {
        let mut rows = vec![workspace_row(id)];
        {
            let index = self.index();
            rows.extend(index.users.keys().filter(|key| key.0 == id).map(|key| user_row(key.0, key.1)));
            rows.extend(
                index.tokens.iter().filter(|(_, it)| it.workspace == id).map(|(hash, _)| row(b't', &[hash])),
            );
        }
        let deletes = rows.into_iter().map(|key| Write::Delete { table: Table::Accounts, key }).collect();
        append(&*self.log, deletes).await?;
        self.change(|index| {
            index.workspaces.remove(&id);
            index.users.retain(|key, _| key.0 != id);
            index.tokens.retain(|_, token| token.workspace != id);
        });
        Ok(())
    }

    /// All workspaces.
    pub fn workspaces(&self) -> Vec<WorkspaceRecord> {
        self.index().workspaces.values().cloned().collect()
    }

    /// A workspace.
    pub fn workspace(&self, id: WorkspaceId) -> Option<WorkspaceRecord> {
        self.index().workspaces.get(&id).cloned()
    }

    /// A workspace by name.
    pub fn workspace_named(&self, name: &str) -> Option<WorkspaceRecord> {
        self.index().workspaces.values().find(|it| it.name == name).cloned()
    }

    /// A workspace by its widget's key.
    pub fn workspace_of_widget(&self, key: &str) -> Option<WorkspaceRecord> {
        self.index().workspaces.values().find(|it| it.widget == key).cloned()
    }

    /// Makes a user or changes one; an absent password keeps the old one.
    ///
    /// # Errors
    /// If the sign-in name is taken.
    #[expect(clippy::too_many_arguments, reason = "each is a field of the user")]
    pub async fn put_user(
        &self,
        workspace: WorkspaceId,
        agent: AgentId,
        sign_in: &str,
        name: &str,
        kind: &str,
        role: Role,
        password: Option<&str>,
    ) -> Result<(), AccountsError> {
        let old = self.user(workspace, agent);
        {
            let index = self.index();
            let users = index
                .users
                .range((workspace, AgentId::from_bits(0))..=(workspace, AgentId::from_bits(u128::MAX)));
            if users.into_iter().any(|(key, user)| key.1 != agent && user.sign_in == sign_in) {
                return Err(AccountsError::Taken(sign_in.into()));
            }
        }
        let hash = match password {
            Some(password) => Some(self.passwords.hash(password).await?),
            None => old.and_then(|user| user.password),
        };
        let user = User {
            agent,
            sign_in: sign_in.into(),
            name: name.into(),
            kind: kind.into(),
            role,
            password: hash,
        };
        append(&*self.log, vec![put(user_row(workspace, agent), &(workspace, &user))?]).await?;
        self.change(|index| drop(index.users.insert((workspace, agent), user)));
        Ok(())
    }

    /// All users of a workspace.
    pub fn users(&self, workspace: WorkspaceId) -> Vec<User> {
        let all = (workspace, AgentId::from_bits(0))..=(workspace, AgentId::from_bits(u128::MAX));
        self.index().users.range(all).map(|(_, user)| user.clone()).collect()
    }

    /// A user.
    pub fn user(&self, workspace: WorkspaceId, agent: AgentId) -> Option<User> {
        self.index().users.get(&(workspace, agent)).cloned()
    }

    /// The role of a user as it is now.
    pub fn role(&self, workspace: WorkspaceId, agent: AgentId) -> Option<Role> {
        self.index().users.get(&(workspace, agent)).map(|user| user.role)
    }

    /// Removes a user with all tokens.
    ///
    /// # Errors
    /// If it cannot be stored.
    pub async fn remove_user(&self, workspace: WorkspaceId, agent: AgentId) -> Result<(), AccountsError> {
        let mut rows = vec![user_row(workspace, agent)];
        let of = |it: &TokenRecord| it.workspace == workspace && it.agent == agent;
        rows.extend(self.index().tokens.iter().filter(|(_, it)| of(it)).map(|(hash, _)| row(b't', &[hash])));
        let deletes = rows.into_iter().map(|key| Write::Delete { table: Table::Accounts, key }).collect();
        append(&*self.log, deletes).await?;
        self.change(|index| {
            index.users.remove(&(workspace, agent));
            index.tokens.retain(|_, it| !of(it));
        });
        Ok(())
    }
}

async fn append(log: &dyn Log, writes: Vec<Write>) -> Result<(), AccountsError> {
    let batch = Batch { shard: ACCOUNTS, expected: Position(0), records: Vec::new(), writes };
    log.append(batch).await.map(drop).map_err(unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;
    use log_store::memory::MemoryLog;

    async fn accounts() -> (Arc<Accounts>, WorkspaceRecord, AgentId) {
        let accounts = Accounts::open(Arc::new(MemoryLog::new())).await.unwrap();
        let record = accounts.create_workspace("main", "Main").await.unwrap();
        let agent = AgentId::from_bits(5);
        accounts
            .put_user(record.id, agent, "ada", "Ada", "person", Role::Agent, Some("correct horse"))
            .await
            .unwrap();
        (accounts, record, agent)
    }

    #[tokio::test]
    async fn signing_in_gives_a_token_until_it_ends_or_is_ended() {
        let (accounts, record, agent) = accounts().await;
        let wrong = accounts.sign_in(None, "ada", "wrong", "", 0).await;
        assert!(matches!(wrong, Err(SignInError::Wrong)));
        assert!(matches!(accounts.sign_in(None, "nobody", "x", "", 0).await, Err(SignInError::Wrong)));
        let signed_in = accounts.sign_in(Some("main"), "ada", "correct horse", "", 0).await.unwrap();
        let Some(Principal::Agent { agent: who, role, .. }) = accounts.authenticate(&signed_in.token, 1)
        else {
            panic!("the token does not work")
        };
        assert_eq!((who, role), (agent, Role::Agent));
        assert_eq!(accounts.authenticate(&signed_in.token, signed_in.expires_ms), None);
        accounts.put_user(record.id, agent, "ada", "Ada", "person", Role::Admin, None).await.unwrap();
        let Some(Principal::Agent { role, .. }) = accounts.authenticate(&signed_in.token, 1) else {
            panic!()
        };
        assert_eq!(role, Role::Admin, "the role is read anew");
        accounts.sign_out(&signed_in.token).await;
        assert_eq!(accounts.authenticate(&signed_in.token, 1), None);
    }

    #[tokio::test]
    async fn guessing_is_slowed_down() {
        let (accounts, ..) = accounts().await;
        let mut refused = false;
        for _ in 0..30 {
            refused |= matches!(
                accounts.sign_in(None, "ada", "guess", "x", 0).await,
                Err(SignInError::TooMany { .. })
            );
        }
        assert!(refused);
    }

    #[tokio::test]
    async fn accounts_come_back_from_the_store_and_go_with_their_workspace() {
        let log: Arc<dyn Log> = Arc::new(MemoryLog::new());
        let first = Accounts::open(Arc::clone(&log)).await.unwrap();
        assert!(first.setup_token().is_some(), "nobody is here yet");
        let operator = first.operator_token_once().unwrap();
        let record = first.create_workspace("main", "Main").await.unwrap();
        let agent = AgentId::from_bits(5);
        first.put_user(record.id, agent, "ada", "Ada", "person", Role::Agent, None).await.unwrap();
        let (token, _) = first.issue_token(record.id, agent, 1, 0).await.unwrap();
        let second = Accounts::open(log).await.unwrap();
        assert_eq!(second.setup_token(), None);
        assert_eq!(second.authenticate(&operator, 0), Some(Principal::Operator));
        assert!(second.authenticate(&token, 0).is_some());
        second.remove_workspace(record.id).await.unwrap();
        assert_eq!(second.authenticate(&token, 0), None);
        assert!(second.workspaces().is_empty());
    }

    #[tokio::test]
    async fn names_are_unique() {
        let (accounts, record, _) = accounts().await;
        assert_eq!(accounts.create_workspace("main", "x").await, Err(AccountsError::Taken("main".into())));
        let other = AgentId::from_bits(6);
        let taken = accounts.put_user(record.id, other, "ada", "A", "person", Role::Agent, None).await;
        assert_eq!(taken, Err(AccountsError::Taken("ada".into())));
    }
}
