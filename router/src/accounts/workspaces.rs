//! Workspaces: their names, the keys of their widgets, the origins of their pages.

use policy::id::WorkspaceId;

use super::{
    Accounts, AccountsError, WorkspaceRecord, delete, put, random_text, row, user_row, workspace_row,
};
use crate::config::{is_origin, origin};

/// Workspaces of one server.
const MAX: usize = 10_000;
const ORIGINS_MAX: usize = 32;
const COMPANY_CHARS: usize = 80;

impl WorkspaceRecord {
    /// When it was made, milliseconds since 1970: its id says so.
    #[must_use]
    pub fn created_ms(&self) -> i64 {
        i64::try_from(self.id.bits() >> 80).unwrap_or(i64::MAX)
    }
}

impl Accounts {
    /// Makes a workspace, with an id that `here` takes.
    ///
    /// # Errors
    /// If the name is taken or not one, or the company's name is none.
    pub async fn create_workspace(
        &self,
        name: &str,
        company: &str,
        here: impl Fn(WorkspaceId) -> bool,
    ) -> Result<WorkspaceRecord, AccountsError> {
        let good = (1..=64).contains(&name.len())
            && name.bytes().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'-');
        if !good {
            return Err(AccountsError::Invalid(
                "a workspace's name has 1 to 64 characters of a-z, 0-9 and `-`".into(),
            ));
        }
        let company = company_name(company)?;
        let turn = self.turn().await;
        if self.workspace_named(name).is_some() {
            return Err(AccountsError::Taken(name.into()));
        }
        if self.index().workspaces.len() >= MAX {
            return Err(AccountsError::Invalid("there are 10,000 workspaces: remove one first".into()));
        }
        // It begins on a shard that is here.
        let id =
            (0..10_000).map(|_| WorkspaceId::from_bits(uuid::Uuid::now_v7().as_u128())).find(|id| here(*id));
        let record = WorkspaceRecord {
            id: id
                .ok_or_else(|| AccountsError::Store("this node owns no shard just now: try again".into()))?,
            name: name.into(),
            company,
            widget: format!("wgt_{}", random_text()?),
            identity_secret: random_text()?,
            origins: Vec::new(),
        };
        let made = record.clone();
        let writes = vec![put(workspace_row(record.id), &record)?];
        self.write(Some(turn), writes, move |index| index.put_workspace(record)).await?;
        Ok(made)
    }

    /// Changes the company's name and the origins of a workspace's pages.
    ///
    /// # Errors
    /// If there is no such workspace, the company's name is none, or one of the origins is none.
    pub async fn set_widget(
        &self,
        id: WorkspaceId,
        company: &str,
        origins: &[String],
    ) -> Result<(), AccountsError> {
        let company = company_name(company)?;
        // They go into headers of the widget's page: nothing but an origin may.
        if origins.len() > ORIGINS_MAX
            || !origins.iter().all(|origin| is_origin(origin) && origin.len() <= 256)
        {
            return Err(AccountsError::Invalid(
                "origins are 32 at most, each scheme and host such as `https://shop.example`".into(),
            ));
        }
        let turn = self.turn().await;
        let record = self.workspace(id).ok_or(AccountsError::NotFound("workspace"))?;
        let origins = origins.iter().map(|it| origin(it)).collect();
        let record = WorkspaceRecord { company, origins, ..record };
        let writes = vec![put(workspace_row(id), &record)?];
        self.write(Some(turn), writes, move |index| index.put_workspace(record)).await
    }

    /// A new secret for identities that the company's site signs; the one before is void.
    ///
    /// # Errors
    /// If there is no such workspace, or it cannot be stored.
    pub async fn renew_identity_secret(&self, id: WorkspaceId) -> Result<String, AccountsError> {
        let turn = self.turn().await;
        let record = self.workspace(id).ok_or(AccountsError::NotFound("workspace"))?;
        let identity_secret = random_text()?;
        let record = WorkspaceRecord { identity_secret: identity_secret.clone(), ..record };
        let writes = vec![put(workspace_row(id), &record)?];
        self.write(Some(turn), writes, move |index| index.put_workspace(record)).await?;
        Ok(identity_secret)
    }

    /// Removes a workspace with its users and tokens.
    ///
    /// # Errors
    /// If it cannot be stored.
    pub async fn remove_workspace(&self, id: WorkspaceId) -> Result<(), AccountsError> {
        let turn = self.turn().await;
        let mut rows = vec![workspace_row(id)];
        {
            let index = self.index();
            rows.extend(index.users_of(id).map(|user| user_row(id, user.agent)));
            let tokens = index.tokens.iter().filter(|(_, token)| token.workspace == id);
            rows.extend(tokens.map(|(hash, _)| row(b't', &[hash])));
        }
        let writes = rows.into_iter().map(delete).collect();
        self.write(Some(turn), writes, move |index| index.remove_workspace(id)).await
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
        self.index().named(name).cloned()
    }

    /// A workspace by its widget's key.
    pub fn workspace_of_widget(&self, key: &str) -> Option<WorkspaceRecord> {
        self.index().of_widget(key).cloned()
    }
}

/// The company's name as customers see it.
fn company_name(company: &str) -> Result<String, AccountsError> {
    let company = company.trim();
    let good =
        (1..=COMPANY_CHARS).contains(&company.chars().count()) && !company.chars().any(char::is_control);
    if good {
        return Ok(company.into());
    }
    Err(AccountsError::Invalid("the company's name has 1 to 80 characters, on one line".into()))
}
