//! What a backup says of itself, and the chained hash of a shard's records.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::{BackupError, Files};
use crate::{Position, ShardId};

const FORM: u32 = 3;
/// Form 2 had no files.
const OLDEST: u32 = 2;

/// The hash of a shard's records in order, each chained to the one before, positions included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Chain(u64);

impl Chain {
    /// Takes the next record in.
    pub fn add(&mut self, position: Position, record: &[u8]) {
        self.0 = xxh3_64_with_seed(record, self.0.rotate_left(1) ^ position.0);
    }
}

/// The hash of a shard's state at a position, as the caller computes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateHash {
    /// Of which shard.
    pub shard: u16,
    /// After which record.
    pub position: u64,
    /// The hash.
    pub hash: u64,
}

/// What a backup holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    form: u32,
    /// The last position of each shard.
    pub positions: BTreeMap<u16, u64>,
    /// The first position of each shard that is in the backup; older ones were trimmed.
    pub firsts: BTreeMap<u16, u64>,
    /// The chained hash of each shard's records.
    pub chains: BTreeMap<u16, Chain>,
    /// Rows of all side tables but the key table.
    pub rows: u64,
    /// xxh3-64 of `backup.log`.
    pub hash: u64,
    /// Archive segments and attachments; none in a backup of an older form.
    #[serde(default)]
    pub files: Option<Files>,
    /// State hashes, for the caller to compare after a restore.
    #[serde(default)]
    pub state_hashes: Vec<StateHash>,
}

impl Default for Manifest {
    fn default() -> Self {
        Self {
            form: FORM,
            positions: BTreeMap::new(),
            firsts: BTreeMap::new(),
            chains: BTreeMap::new(),
            rows: 0,
            hash: 0,
            files: None,
            state_hashes: Vec::new(),
        }
    }
}

impl Manifest {
    pub(super) fn write(&self, folder: &Path) -> Result<(), BackupError> {
        let text = serde_json::to_vec_pretty(self).map_err(io::Error::other)?;
        Ok(crate::file::write_whole(&folder.join("manifest.json"), &text)?)
    }

    pub(super) fn read(folder: &Path) -> Result<Self, BackupError> {
        let text = fs::read(folder.join("manifest.json"))?;
        let damaged = |error: serde_json::Error| BackupError::Damaged(format!("manifest.json: {error}"));
        let form = serde_json::from_slice::<serde_json::Value>(&text).map_err(damaged)?["form"].as_u64();
        if !form.is_some_and(|form| (u64::from(OLDEST)..=u64::from(FORM)).contains(&form)) {
            let detail = format!("its form is {form:?}, this version reads {OLDEST} to {FORM}");
            return Err(BackupError::Damaged(detail));
        }
        serde_json::from_slice(&text).map_err(damaged)
    }
}

/// Adds state hashes to a backup's manifest, once the caller has computed them.
///
/// # Errors
/// If the manifest cannot be read or written.
pub fn add_state_hashes(folder: &Path, hashes: &[(ShardId, Position, u64)]) -> Result<Manifest, BackupError> {
    let mut manifest = Manifest::read(folder)?;
    manifest.state_hashes = hashes
        .iter()
        .map(|(shard, position, hash)| StateHash { shard: shard.0, position: position.0, hash: *hash })
        .collect();
    manifest.write(folder)?;
    Ok(manifest)
}
