//! The accounts in memory, found by each of the ways in which they are asked for.

use std::collections::{BTreeMap, BTreeSet};

use policy::id::{AgentId, WorkspaceId};

use super::{AccountsError, TokenRecord, User, WorkspaceRecord, unreadable};

#[derive(Default)]
pub(super) struct Index {
    pub(super) workspaces: BTreeMap<WorkspaceId, WorkspaceRecord>,
    pub(super) users: BTreeMap<(WorkspaceId, AgentId), User>,
    pub(super) tokens: BTreeMap<Vec<u8>, TokenRecord>,
    names: BTreeMap<String, WorkspaceId>,
    widgets: BTreeMap<String, WorkspaceId>,
    sign_ins: BTreeSet<(String, WorkspaceId, AgentId)>,
}

impl Index {
    pub(super) fn put_workspace(&mut self, record: WorkspaceRecord) {
        self.forget_workspace(record.id);
        self.names.insert(record.name.clone(), record.id);
        self.widgets.insert(record.widget.clone(), record.id);
        self.workspaces.insert(record.id, record);
    }

    /// Takes a row as it is stored.
    pub(super) fn put_row(&mut self, key: &[u8], value: &[u8]) -> Result<(), AccountsError> {
        match key.split_first() {
            Some((b'w', _)) => self.put_workspace(postcard::from_bytes(value).map_err(unreadable)?),
            Some((b'u', _)) => {
                let (workspace, user) = postcard::from_bytes(value).map_err(unreadable)?;
                self.put_user(workspace, user);
            }
            Some((b't', hash)) => {
                let token = postcard::from_bytes(value).map_err(unreadable)?;
                self.tokens.insert(hash.to_vec(), token);
            }
            _ => return Err(AccountsError::Store("an account of a newer version: start that one".into())),
        }
        Ok(())
    }

    /// A row is gone.
    pub(super) fn remove_row(&mut self, key: &[u8]) {
        let id = |from: usize| {
            let bytes = key.get(from..from + 16)?;
            Some(bytes.iter().fold(0u128, |bits, byte| bits << 8 | u128::from(*byte)))
        };
        match (key.first(), id(1), id(17)) {
            (Some(b'w'), Some(workspace), _) => self.remove_workspace(WorkspaceId::from_bits(workspace)),
            (Some(b'u'), Some(workspace), Some(agent)) => {
                self.remove_user(WorkspaceId::from_bits(workspace), AgentId::from_bits(agent));
            }
            (Some(b't'), ..) => drop(self.tokens.remove(&key[1..])),
            _ => {}
        }
    }

    fn forget_workspace(&mut self, id: WorkspaceId) {
        if let Some(record) = self.workspaces.remove(&id) {
            self.names.remove(&record.name);
            self.widgets.remove(&record.widget);
        }
    }

    /// Removes a workspace with all that belongs to it.
    pub(super) fn remove_workspace(&mut self, id: WorkspaceId) {
        self.forget_workspace(id);
        self.users.retain(|key, _| key.0 != id);
        self.sign_ins.retain(|key| key.1 != id);
        self.tokens.retain(|_, token| token.workspace != id);
    }

    pub(super) fn named(&self, name: &str) -> Option<&WorkspaceRecord> {
        self.workspaces.get(self.names.get(name)?)
    }

    pub(super) fn of_widget(&self, key: &str) -> Option<&WorkspaceRecord> {
        self.workspaces.get(self.widgets.get(key)?)
    }

    pub(super) fn put_user(&mut self, workspace: WorkspaceId, user: User) {
        self.forget_user(workspace, user.agent);
        self.sign_ins.insert((user.sign_in.clone(), workspace, user.agent));
        self.users.insert((workspace, user.agent), user);
    }

    fn forget_user(&mut self, workspace: WorkspaceId, agent: AgentId) {
        if let Some(user) = self.users.remove(&(workspace, agent)) {
            self.sign_ins.remove(&(user.sign_in, workspace, agent));
        }
    }

    /// Removes a user with all tokens.
    pub(super) fn remove_user(&mut self, workspace: WorkspaceId, agent: AgentId) {
        self.forget_user(workspace, agent);
        self.tokens.retain(|_, token| !(token.workspace == workspace && token.agent == agent));
    }

    pub(super) fn users_of(&self, workspace: WorkspaceId) -> impl Iterator<Item = &User> {
        let all = (workspace, AgentId::from_bits(0))..=(workspace, AgentId::from_bits(u128::MAX));
        self.users.range(all).map(|(_, user)| user)
    }

    /// Who signs in by this name, in one workspace or in any.
    pub(super) fn signing_in(
        &self,
        name: &str,
        workspace: Option<WorkspaceId>,
    ) -> impl Iterator<Item = (WorkspaceId, &User)> {
        let least = workspace.unwrap_or(WorkspaceId::from_bits(0));
        let most = workspace.unwrap_or(WorkspaceId::from_bits(u128::MAX));
        let from = (name.to_owned(), least, AgentId::from_bits(0));
        let to = (name.to_owned(), most, AgentId::from_bits(u128::MAX));
        self.sign_ins.range(from..=to).filter_map(|(_, workspace, agent)| {
            self.users.get(&(*workspace, *agent)).map(|user| (*workspace, user))
        })
    }
}
