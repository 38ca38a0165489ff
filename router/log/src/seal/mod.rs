//! Sealing: bodies and personal data are encrypted with a data key per customer, so that destroying one key erases what
//! one customer said in every journal, snapshot and backup.
//!
//! * A data key is 256 random bits. It is stored wrapped by the key-encryption key, in the same batch as what it sealed
//!   first; the key-encryption key is one small file beside the store, see `files.rs`.
//! * `erase.rs` says how a customer is erased.
//! * A sealed body: a form byte, the generation of its data key (u32, little endian), nonce, sealed bytes, tag. The row's
//!   key is the associated data: a body cannot be moved to another row. Bodies of data format 1 had no form and generation.

mod cipher;
mod erase;
mod erased;
mod file;
mod files;
mod keys;

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_lc_rs::aead::LessSafeKey;
use aws_lc_rs::hmac;
use policy::id::CustomerId;

use self::cipher::{cipher, decrypt, encrypt, random};
pub use self::erased::erased;
pub use self::file::{FileKey, seal_file, unseal_file};
use self::files::{KeyFiles, Loaded};
pub use self::keys::rank;
use self::keys::{DataKey, Hot, KeyRow, unwrap};
use crate::{Level, Log, ReadError, ShardId, Table, Write};

/// The form of sealed bodies that is written.
const FORM: u8 = 2;
/// What stands around a sealed body: form, generation, nonce, tag.
const AROUND: usize = 1 + 4 + 12 + 16;
/// Data keys kept open; about 500 bytes each.
const HOT: usize = 50_000;
/// So many customers' keys the key files are tried on.
const TRIED: usize = 16;

/// Why something could not be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The key file or the store cannot be read or written.
    #[error("the keys cannot be read or written: {0}")]
    Store(String),
    /// The bytes were not sealed with this key for this row, or are damaged.
    #[error("a sealed body does not open: it is damaged, or belongs to another row")]
    Damaged,
    /// Too many new customers wait for the store.
    #[error("the store does not take the keys of new customers now: nothing was sealed, try again")]
    Busy,
    /// The system has no randomness or no cipher.
    #[error("the cipher is not available")]
    Cipher,
}

/// What was sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unsealed {
    /// The bytes.
    Text(Vec<u8>),
    /// The customer's key was destroyed.
    Erased,
}

/// Seals and opens.
pub struct Vault {
    log: Arc<dyn Log>,
    files: Option<KeyFiles>,
    dedupe: hmac::Key,
    state: Mutex<State>,
    /// One erasure at a time.
    erasing: tokio::sync::Mutex<()>,
    grace: Duration,
}

struct State {
    /// What wraps data keys.
    wrapping: Arc<LessSafeKey>,
    /// What wraps those that an erasure has not come to yet.
    previous: Option<Arc<LessSafeKey>>,
    /// Who is being erased, with the generation that begins.
    erased: BTreeMap<CustomerId, u32>,
    hot: Hot,
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault").finish_non_exhaustive()
    }
}

/// A customer's key in the key table.
fn key_of(customer: CustomerId) -> [u8; 16] {
    customer.bits().to_be_bytes()
}

impl Vault {
    /// Opens the keys of a data folder, or makes them; an erasure that was cut short is finished first. A store in memory
    /// has keys in memory.
    ///
    /// # Errors
    /// If the key files cannot be read or written, or are of another store.
    pub fn open(folder: &Path, log: Arc<dyn Log>) -> Result<Self, SealError> {
        let (files, loaded) = if log.level() == Level::Memory {
            (None, Loaded { wrapping: random()?, previous: None, dedupe: random()? })
        } else {
            let files = KeyFiles::new(folder);
            let loaded = files.load()?;
            (Some(files), loaded)
        };
        let state = State {
            wrapping: Arc::new(cipher(&loaded.wrapping)?),
            previous: loaded.previous.as_ref().map(cipher).transpose()?.map(Arc::new),
            erased: BTreeMap::new(),
            hot: Hot::new(HOT),
        };
        let cut_short = state.previous.is_some();
        let dedupe = hmac::Key::new(hmac::HMAC_SHA256, &loaded.dedupe);
        let erasing = tokio::sync::Mutex::new(());
        let vault = Self { log, files, dedupe, state: Mutex::new(state), erasing, grace: erase::GRACE };
        if cut_short {
            tracing::warn!("an erasure was cut short: it is finished now");
            vault.finish_on_a_thread()?;
        }
        // On Redis the nodes compare their files with one another.
        if !vault.log.level().on_redis() {
            vault.try_keys()?;
        }
        Ok(vault)
    }

    /// Tries the key files on a few customers' keys, so that nothing is written beside what they do not open.
    fn try_keys(&self) -> Result<(), SealError> {
        let trouble = |error: ReadError| SealError::Store(error.to_string());
        let state = self.state();
        for home in self.log.homes().map_err(trouble)? {
            let rows = self.log.scan(home, Table::Keys, &[], &[0xff; 17], TRIED, false).map_err(trouble)?;
            let mut opened = rows.iter().filter_map(|(customer, row)| {
                let wrapped = KeyRow::parse(row).ok()?.wrapped?;
                let by = |key: &Arc<LessSafeKey>| unwrap(key, customer, wrapped).is_ok();
                Some(by(&state.wrapping) || state.previous.as_ref().is_some_and(by))
            });
            if opened.next().is_some_and(|first| !first && !opened.any(|it| it)) {
                return Err(SealError::Store(
                    "keys/kek does not open what is stored here: put back the key files of this store".into(),
                ));
            }
        }
        Ok(())
    }

    /// On a thread of its own, since the caller's may be one that must not wait.
    fn finish_on_a_thread(&self) -> Result<(), SealError> {
        let trouble = |detail: String| SealError::Store(detail);
        std::thread::scope(|scope| {
            let finish = scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().build();
                runtime.map_err(|error| trouble(error.to_string()))?.block_on(self.finish())
            });
            finish.join().map_err(|_| trouble("finishing an erasure ended badly".into()))?
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes sure that something of a customer of this shard can be sealed, so that what is decided next can be written.
    ///
    /// # Errors
    /// If the key cannot be had.
    pub fn ready(&self, shard: ShardId, customer: CustomerId) -> Result<(), SealError> {
        self.data(&mut self.state(), shard, customer).map(drop)
    }

    /// The key of a customer: the one in memory, the one in the store, or a new one.
    fn data(&self, state: &mut State, shard: ShardId, customer: CustomerId) -> Result<DataKey, SealError> {
        if let Some(data) = state.hot.get(customer) {
            return Ok(data);
        }
        match self.load(state, shard, customer)? {
            (_, Some(data)) => Ok(self.keep(state, customer, data)),
            (_, None) if state.hot.is_full() => Err(SealError::Busy),
            (generation, None) => {
                let data = DataKey::new(shard, &state.wrapping, &key_of(customer), generation)?;
                Ok(self.keep(state, customer, data))
            }
        }
    }

    /// Seals bytes of a customer of this shard for a row. The customer's first ones also write the data key, in the same batch.
    ///
    /// # Errors
    /// If the key cannot be had.
    pub fn seal(
        &self,
        shard: ShardId,
        customer: CustomerId,
        row: &[u8],
        plain: &[u8],
        writes: &mut Vec<Write>,
    ) -> Result<Vec<u8>, SealError> {
        let key = key_of(customer);
        let mut state = self.state();
        let data = self.data(&mut state, shard, customer)?;
        if let Some(wrapped) = &data.unsettled {
            if self.in_store(shard, customer, wrapped) {
                let settled = DataKey { unsettled: None, ..data.clone() };
                self.keep(&mut state, customer, settled);
            } else {
                writes.push(Write::Put { table: Table::Keys, key: key.to_vec(), value: wrapped.to_vec() });
            }
        }
        drop(state);
        let mut sealed = Vec::with_capacity(plain.len() + AROUND);
        sealed.push(FORM);
        sealed.extend_from_slice(&data.generation.to_le_bytes());
        encrypt(&data.key, &bound(row, data.generation), plain, &mut sealed)?;
        Ok(sealed)
    }

    /// Opens what was sealed.
    ///
    /// # Errors
    /// If it is damaged or of another row.
    pub fn unseal(
        &self,
        shard: ShardId,
        customer: CustomerId,
        row: &[u8],
        sealed: &[u8],
    ) -> Result<Unsealed, SealError> {
        let mut state = self.state();
        let (now, data) = match state.hot.get(customer) {
            Some(data) => (data.generation, Some(data)),
            None => match self.load(&state, shard, customer)? {
                (now, Some(data)) => (now, Some(self.keep(&mut state, customer, data))),
                (now, None) => (now, None),
            },
        };
        drop(state);
        let Some(data) = data else { return Ok(Unsealed::Erased) };
        let formed = sealed.strip_prefix(&[FORM]).and_then(|rest| rest.split_first_chunk::<4>());
        if let Some((generation, body)) = formed {
            let generation = u32::from_le_bytes(*generation);
            if generation < now {
                return Ok(Unsealed::Erased);
            }
            if let Ok(plain) = decrypt(&data.key, &bound(row, generation), body) {
                return Ok(Unsealed::Text(plain));
            }
        }
        // Data format 1.
        decrypt(&data.key, row, sealed).map(Unsealed::Text)
    }

    /// The generation and, unless erased, the key of a customer, from the store.
    fn load(
        &self,
        state: &State,
        shard: ShardId,
        customer: CustomerId,
    ) -> Result<(u32, Option<DataKey>), SealError> {
        let key = key_of(customer);
        let begun = state.erased.get(&customer).copied().unwrap_or(0);
        let Some(row) = self.row(shard, &key)? else { return Ok((begun, None)) };
        let row = KeyRow::parse(&row)?;
        let generation = row.generation;
        let wrapped = match row.wrapped {
            Some(wrapped) if generation >= begun => wrapped,
            _ => return Ok((generation.max(begun), None)),
        };
        let bytes = match (unwrap(&state.wrapping, &key, wrapped), &state.previous) {
            (Ok(bytes), _) => bytes,
            (Err(_), Some(previous)) => unwrap(previous, &key, wrapped)?,
            (Err(error), None) => return Err(error),
        };
        let data = DataKey { shard, key: Arc::new(cipher(&bytes)?), generation, unsettled: None };
        Ok((generation, Some(data)))
    }

    /// Lets go of the keys of a shard whose state is read from the log again: one that never came to stand there must not
    /// be used any more, since another node may have made another one.
    pub fn forget(&self, shard: ShardId) {
        self.state().hot.forget(shard);
    }

    fn keep(&self, state: &mut State, customer: CustomerId, data: DataKey) -> DataKey {
        state.hot.put(customer, data.clone(), |shard, customer, row| self.in_store(shard, customer, row));
        data
    }

    fn row(&self, shard: ShardId, key: &[u8]) -> Result<Option<Vec<u8>>, SealError> {
        self.log.get(shard, Table::Keys, key).map_err(|error| SealError::Store(error.to_string()))
    }

    fn in_store(&self, shard: ShardId, customer: CustomerId, row: &[u8]) -> bool {
        self.row(shard, &key_of(customer)).is_ok_and(|stored| stored.as_deref() == Some(row))
    }

    /// A keyed hash, for keys that must not tell what they stand for.
    #[must_use]
    pub fn dedupe_key(&self, parts: &[&[u8]]) -> [u8; 16] {
        let mut context = hmac::Context::with_key(&self.dedupe);
        for part in parts {
            context.update(&(part.len() as u64).to_le_bytes());
            context.update(part);
        }
        let tag = context.sign();
        let mut key = [0; 16];
        key.copy_from_slice(&tag.as_ref()[..16]);
        key
    }
}

/// The associated data of a body.
fn bound(row: &[u8], generation: u32) -> Vec<u8> {
    [&generation.to_le_bytes(), row].concat()
}

#[cfg(test)]
mod tests;
