//! Trials in live use: a policy is in force for some blocks of time, the one that is kept for the others (switchback). At each
//! change of block the policy of that block is installed like any other, by a command and an event, so that a replay is exact
//! and the policy version in each decision's record tells which of the two made it.
//!
//! A trial is a row beside the log. It ends when it is stopped, or when anybody installs another policy.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use engine::CommandKind;
use log_store::{Batch, Log, Position, ShardId, Table, Write};
use policy::Document;
use policy::id::WorkspaceId;
use serde::{Deserialize, Serialize};
use simulation::whatif::switchback::{Arm, arm_of};

use crate::server::App;

/// The stream that trials are written through; it has no records.
pub(crate) const TRIALS: ShardId = ShardId(u16::MAX - 2);
/// The first byte of their keys in the table of cursors; no connector's name begins with it.
pub(crate) const KEY: u8 = 0;
/// How often blocks are looked at.
const LOOK: Duration = Duration::from_secs(1);
/// More trials than workspaces there are not; rows beyond this are not read.
const MOST: usize = 100_000;

/// A trial.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trial {
    /// When it began, in milliseconds since 1970.
    pub since_ms: i64,
    /// The length of a block, in milliseconds.
    pub block_ms: i64,
    /// The policy that stays when it ends.
    pub kept: Document,
    /// The policy that is tried.
    pub tried: Document,
}

impl Trial {
    /// The policy of the block that a moment lies in.
    #[must_use]
    pub fn document(&self, workspace: WorkspaceId, at_ms: i64) -> &Document {
        match arm_of(workspace.bits(), at_ms.div_euclid(self.block_ms.max(1))) {
            Arm::Kept => &self.kept,
            Arm::Tried => &self.tried,
        }
    }

    /// Whether a document is one of its two.
    #[must_use]
    pub fn has(&self, document: &Document) -> bool {
        *document == self.kept || *document == self.tried
    }
}

/// The trials of this node.
pub struct Trials {
    log: Arc<dyn Log>,
    running: Mutex<BTreeMap<WorkspaceId, Trial>>,
}

fn key(workspace: WorkspaceId) -> Vec<u8> {
    let mut key = vec![KEY];
    key.extend_from_slice(&workspace.bits().to_be_bytes());
    key
}

impl Trials {
    /// Those that the store knows of.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn open(log: Arc<dyn Log>) -> Result<Self, log_store::ReadError> {
        let rows = log.scan(TRIALS, Table::Cursors, &[KEY], &[KEY + 1], MOST, false)?;
        let mut running = BTreeMap::new();
        for (key, row) in rows {
            let id = key.get(1..).and_then(|id| Some(u128::from_be_bytes(id.try_into().ok()?)));
            match (id, serde_json::from_slice(&row)) {
                (Some(id), Ok(trial)) => {
                    running.insert(WorkspaceId::from_bits(id), trial);
                }
                _ => tracing::warn!("a trial cannot be read: it is over, the policy in force stays"),
            }
        }
        Ok(Self { log, running: Mutex::new(running) })
    }

    fn running(&self) -> MutexGuard<'_, BTreeMap<WorkspaceId, Trial>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The trial of a workspace.
    #[must_use]
    pub fn of(&self, workspace: WorkspaceId) -> Option<Trial> {
        self.running().get(&workspace).cloned()
    }

    /// Begins one.
    ///
    /// # Errors
    /// If the store does not take it.
    pub async fn begin(&self, workspace: WorkspaceId, trial: Trial) -> anyhow::Result<()> {
        let value = serde_json::to_vec(&trial)?;
        self.write(Write::Put { table: Table::Cursors, key: key(workspace), value }).await?;
        self.running().insert(workspace, trial);
        Ok(())
    }

    /// Ends one; gives it, if there was one.
    ///
    /// # Errors
    /// If the store does not take it; it then goes on.
    pub async fn end(&self, workspace: WorkspaceId) -> anyhow::Result<Option<Trial>> {
        if self.of(workspace).is_none() {
            return Ok(None);
        }
        self.write(Write::Delete { table: Table::Cursors, key: key(workspace) }).await?;
        Ok(self.running().remove(&workspace))
    }

    async fn write(&self, write: Write) -> anyhow::Result<()> {
        let batch = Batch { shard: TRIALS, expected: Position(0), records: Vec::new(), writes: vec![write] };
        self.log.append(batch).await?;
        Ok(())
    }
}

/// Installs the policy of each block when it begins, for as long as the server runs.
pub async fn run(app: Arc<App>) {
    let mut look = tokio::time::interval(LOOK);
    look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        look.tick().await;
        let running: Vec<_> = app.trials.running().iter().map(|(id, it)| (*id, it.clone())).collect();
        for (workspace, trial) in running {
            if let Err(error) = keep_up(&app, workspace, &trial).await {
                tracing::warn!(%workspace, %error, "the policy of a trial's block could not be installed yet");
            }
        }
    }
}

/// Brings the policy of the present block into force.
///
/// # Errors
/// If the shard or the store does not take it.
pub async fn keep_up(app: &App, workspace: WorkspaceId, trial: &Trial) -> anyhow::Result<()> {
    let shard = app.shards.of(workspace);
    let in_force = shard
        .query(move |state| {
            let it = state.engine().workspace(workspace)?;
            Some((it.policy_version, it.policy.document().clone()))
        })
        .await?;
    let wanted = trial.document(workspace, app.now().0);
    match in_force {
        Some((_, document)) if document == *wanted => Ok(()),
        Some((version, document)) if trial.has(&document) => {
            let kind =
                CommandKind::InstallPolicy { version: version + 1, document: Box::new(wanted.clone()) };
            Ok(shard.command(workspace, kind).await?)
        }
        // Somebody has installed another one, or the workspace is gone.
        Some(_) | None => app.trials.end(workspace).await.map(drop),
    }
}
