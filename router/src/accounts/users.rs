//! Users: who may sign in, by which name, with which role.

use policy::id::{AgentId, WorkspaceId};

use super::{Accounts, AccountsError, Role, User, delete, put, row, user_row};

/// Users of one workspace.
const MAX: usize = 100_000;
/// What a sign-in reads at most, in bytes.
pub(super) const NAME_MAX: usize = 256;
pub(super) const PASSWORD_MAX: usize = 1_024;

impl Accounts {
    /// Makes a user or changes one; an absent password keeps the old one.
    ///
    /// # Errors
    /// If the sign-in name is taken, or name or password is none.
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
        if sign_in.is_empty() || sign_in.len() > NAME_MAX {
            return Err(AccountsError::Invalid("a sign-in name has 1 to 256 bytes".into()));
        }
        if password.is_some_and(|it| it.chars().count() < 8 || it.len() > PASSWORD_MAX) {
            return Err(AccountsError::Invalid(
                "a password has 8 characters or more, up to 1,024 bytes".into(),
            ));
        }
        // Before the turn: this takes long.
        let hash = match password {
            Some(password) => Some(self.passwords.hash(password).await?),
            None => None,
        };
        let turn = self.turn().await;
        let writes = {
            let index = self.index();
            if !index.workspaces.contains_key(&workspace) {
                return Err(AccountsError::NotFound("workspace"));
            }
            if index.signing_in(sign_in, Some(workspace)).any(|(_, user)| user.agent != agent) {
                return Err(AccountsError::Taken(sign_in.into()));
            }
            let old = index.users.get(&(workspace, agent));
            if old.is_none() && index.users_of(workspace).count() >= MAX {
                return Err(AccountsError::Invalid(
                    "the workspace has 100,000 users: remove one first".into(),
                ));
            }
            let user = User {
                agent,
                sign_in: sign_in.into(),
                name: name.into(),
                kind: kind.into(),
                role,
                password: hash.or_else(|| old.and_then(|user| user.password.clone())),
            };
            (vec![put(user_row(workspace, agent), &(workspace, &user))?], user)
        };
        let (writes, user) = writes;
        self.write(Some(turn), writes, move |index| index.put_user(workspace, user)).await
    }

    /// All users of a workspace.
    pub fn users(&self, workspace: WorkspaceId) -> Vec<User> {
        self.index().users_of(workspace).cloned().collect()
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
        let turn = self.turn().await;
        let mut rows = vec![user_row(workspace, agent)];
        {
            let index = self.index();
            let tokens = index.tokens.iter().filter(|(_, it)| it.workspace == workspace && it.agent == agent);
            rows.extend(tokens.map(|(hash, _)| row(b't', &[hash])));
        }
        let writes = rows.into_iter().map(delete).collect();
        self.write(Some(turn), writes, move |index| index.remove_user(workspace, agent)).await
    }
}
