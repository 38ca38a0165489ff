//! Sealing: bodies and personal data are encrypted with a data key per customer, so that destroying one key erases what
//! one customer said in every journal, snapshot and backup.
//!
//! * A data key is 256 random bits. It is stored wrapped by the key-encryption key, in the same batch as what it sealed
//!   first; the key-encryption key is one small file beside the store, `keys/kek`.
//! * Erasing a customer makes a new key-encryption key, wraps every remaining data key anew and destroys the old file:
//!   wrapped keys in old journals and backups open no more, and the erased one was not wrapped again.
//! * AES-256-GCM with random 96-bit nonces: at most 2^32 bodies a customer keep the chance of a repeated nonce below
//!   2^-32 (NIST SP 800-38D, section 8.3). The row's key is the associated data: a body cannot be moved to another row.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::{hmac, rand};
use policy::id::CustomerId;

use crate::file::write_whole;
use crate::{Batch, Level, Log, Position, ShardId, Table, Write};

const KEY_LEN: usize = 32;
/// Data keys kept open.
const HOT: usize = 50_000;
/// A new key is written again with each body for this long, until it is surely in the store.
const SETTLING: Duration = Duration::from_secs(2);
/// The stream that rewriting the key store goes through; it has no records.
const KEY_SHARD: ShardId = ShardId(u16::MAX - 1);

/// Why something could not be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The key file or the store cannot be read or written.
    #[error("the keys cannot be read or written: {0}")]
    Store(String),
    /// The bytes were not sealed with this key for this row, or are damaged.
    #[error("a sealed body does not open: it is damaged, or belongs to another row")]
    Damaged,
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
    file: Option<PathBuf>,
    dedupe: hmac::Key,
    state: Mutex<State>,
}

struct State {
    wrapping: Arc<LessSafeKey>,
    hot: HashMap<CustomerId, DataKey>,
    order: VecDeque<CustomerId>,
}

#[derive(Clone)]
struct DataKey {
    key: Arc<LessSafeKey>,
    /// The wrapped form of a key that may not be durable yet, and since when it is there.
    settling: Option<(Arc<[u8]>, Instant)>,
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault").finish_non_exhaustive()
    }
}

fn cipher(bytes: &[u8]) -> Result<LessSafeKey, SealError> {
    UnboundKey::new(&AES_256_GCM, bytes).map(LessSafeKey::new).map_err(|_| SealError::Cipher)
}

fn random<const N: usize>() -> Result<[u8; N], SealError> {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).map_err(|_| SealError::Cipher)?;
    Ok(bytes)
}

fn encrypt(key: &LessSafeKey, aad: &[u8], plain: &[u8]) -> Result<Vec<u8>, SealError> {
    let nonce: [u8; NONCE_LEN] = random()?;
    let mut out = Vec::with_capacity(NONCE_LEN + plain.len() + AES_256_GCM.tag_len());
    out.extend_from_slice(&nonce);
    let mut body = plain.to_vec();
    key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(aad), &mut body)
        .map_err(|_| SealError::Cipher)?;
    out.extend_from_slice(&body);
    Ok(out)
}

fn decrypt(key: &LessSafeKey, aad: &[u8], sealed: &[u8]) -> Result<Vec<u8>, SealError> {
    let (nonce, body) = sealed.split_first_chunk::<NONCE_LEN>().ok_or(SealError::Damaged)?;
    let mut body = body.to_vec();
    let plain = key
        .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(aad), &mut body)
        .map_err(|_| SealError::Damaged)?;
    Ok(plain.to_vec())
}

impl Vault {
    /// Opens the keys of a data folder, or makes them. A store in memory has keys in memory.
    ///
    /// # Errors
    /// If the key files cannot be read or written.
    pub fn open(folder: &Path, log: Arc<dyn Log>) -> Result<Self, SealError> {
        let (file, kek, dedupe) = if log.level() == Level::Memory {
            (None, random()?, random()?)
        } else {
            let keys = folder.join("keys");
            let file = keys.join("kek");
            let kek = key_file(&file)?;
            (Some(file), kek, key_file(&keys.join("dedupe"))?)
        };
        let state = State { wrapping: Arc::new(cipher(&kek)?), hot: HashMap::new(), order: VecDeque::new() };
        Ok(Self { log, file, dedupe: hmac::Key::new(hmac::HMAC_SHA256, &dedupe), state: Mutex::new(state) })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Seals bytes of a customer for a row. The customer's first ones also write the data key, in the same batch.
    ///
    /// # Errors
    /// If the key cannot be had.
    pub fn seal(
        &self,
        customer: CustomerId,
        row: &[u8],
        plain: &[u8],
        writes: &mut Vec<Write>,
    ) -> Result<Vec<u8>, SealError> {
        let mut state = self.state();
        let found = match state.hot.get(&customer) {
            Some(found) => Some(found.clone()),
            None => self.load(&state, customer)?,
        };
        let mut data = match found {
            Some(data) => data,
            None => {
                let bytes: [u8; KEY_LEN] = random()?;
                let wrapped = encrypt(&state.wrapping, &customer.bits().to_be_bytes(), &bytes)?;
                DataKey { key: Arc::new(cipher(&bytes)?), settling: Some((wrapped.into(), Instant::now())) }
            }
        };
        if let Some((wrapped, since)) = &data.settling {
            let key = customer.bits().to_be_bytes().to_vec();
            let settled = since.elapsed() > SETTLING
                && self.log.get(Table::Keys, &key).is_ok_and(|stored| stored.as_deref() == Some(wrapped));
            if settled {
                data.settling = None;
            } else {
                writes.push(Write::Put { table: Table::Keys, key, value: wrapped.to_vec() });
            }
        }
        let sealed = encrypt(&data.key, row, plain)?;
        state.keep(customer, data);
        Ok(sealed)
    }

    /// Opens what was sealed.
    ///
    /// # Errors
    /// If it is damaged or of another row.
    pub fn unseal(&self, customer: CustomerId, row: &[u8], sealed: &[u8]) -> Result<Unsealed, SealError> {
        let mut state = self.state();
        let found = match state.hot.get(&customer) {
            Some(found) => Some(found.clone()),
            None => self.load(&state, customer)?,
        };
        let Some(data) = found else { return Ok(Unsealed::Erased) };
        let key = Arc::clone(&data.key);
        state.keep(customer, data);
        drop(state);
        decrypt(&key, row, sealed).map(Unsealed::Text)
    }

    fn load(&self, state: &State, customer: CustomerId) -> Result<Option<DataKey>, SealError> {
        let row = customer.bits().to_be_bytes();
        let stored = self.log.get(Table::Keys, &row).map_err(|error| SealError::Store(error.to_string()))?;
        let Some(wrapped) = stored else { return Ok(None) };
        let bytes = decrypt(&state.wrapping, &row, &wrapped)?;
        Ok(Some(DataKey { key: Arc::new(cipher(&bytes)?), settling: None }))
    }

    /// Destroys a customer's data key: every remaining one is wrapped by a new key, the old one goes.
    ///
    /// # Errors
    /// If the key store cannot be rewritten; the old one is then still whole.
    pub async fn erase(&self, customer: CustomerId) -> Result<(), SealError> {
        let store = |detail: String| SealError::Store(detail);
        let fresh: [u8; KEY_LEN] = random()?;
        let wrapping = Arc::new(cipher(&fresh)?);
        let old = Arc::clone(&self.state().wrapping);
        let rows = self
            .log
            .scan(Table::Keys, &[0; 16], &[0xff; 17], usize::MAX, false)
            .map_err(|error| store(error.to_string()))?;
        let mut writes = Vec::with_capacity(rows.len());
        for (key, wrapped) in rows {
            if key == customer.bits().to_be_bytes() {
                writes.push(Write::Delete { table: Table::Keys, key });
                continue;
            }
            let bytes = decrypt(&old, &key, &wrapped)?;
            let value = encrypt(&wrapping, &key, &bytes)?;
            writes.push(Write::Put { table: Table::Keys, key, value });
        }
        // The next file stands beside the old one until the rows are durable: a crash between finds either.
        if let Some(file) = &self.file {
            write_key(&file.with_extension("next"), &fresh)?;
        }
        let batch = Batch { shard: KEY_SHARD, expected: Position(0), records: Vec::new(), writes };
        self.log.append(batch).await.map_err(|error| store(error.to_string()))?;
        if let Some(file) = &self.file {
            write_key(file, &fresh)?;
            fs::remove_file(file.with_extension("next")).map_err(|error| store(error.to_string()))?;
        }
        let mut state = self.state();
        state.wrapping = wrapping;
        state.hot.clear();
        state.order.clear();
        Ok(())
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

impl State {
    fn keep(&mut self, customer: CustomerId, data: DataKey) {
        if self.hot.insert(customer, data).is_none() {
            self.order.push_back(customer);
            if self.order.len() > HOT
                && let Some(oldest) = self.order.pop_front()
            {
                // A key that is not durable yet must not be forgotten: it would be made a second time.
                if self.hot.get(&oldest).is_some_and(|it| it.settling.is_some()) {
                    self.order.push_back(oldest);
                } else {
                    self.hot.remove(&oldest);
                }
            }
        }
    }
}

/// The key of a file, or a new one in a new file that only its owner may read.
fn key_file(path: &Path) -> Result<[u8; KEY_LEN], SealError> {
    match fs::read(path) {
        Ok(bytes) => bytes
            .try_into()
            .map_err(|_| SealError::Store(format!("{} is not a key: restore it", path.display()))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let key = random()?;
            write_key(path, &key)?;
            Ok(key)
        }
        Err(error) => Err(SealError::Store(error.to_string())),
    }
}

fn write_key(path: &Path, key: &[u8; KEY_LEN]) -> Result<(), SealError> {
    use std::os::unix::fs::PermissionsExt;
    write_whole(path, key)
        .and_then(|()| fs::set_permissions(path, fs::Permissions::from_mode(0o600)))
        .map_err(|error| SealError::Store(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::MemoryLog;

    async fn append(log: &dyn Log, writes: Vec<Write>) {
        let batch = Batch { shard: ShardId(0), expected: Position(0), records: Vec::new(), writes };
        log.append(batch).await.unwrap();
    }

    fn vault() -> (Arc<dyn Log>, Vault) {
        let log: Arc<dyn Log> = Arc::new(MemoryLog::new());
        let vault = Vault::open(Path::new("unused"), Arc::clone(&log)).unwrap();
        (log, vault)
    }

    #[tokio::test]
    async fn what_is_sealed_opens_for_its_row_only() {
        let (log, vault) = vault();
        let customer = CustomerId::from_bits(7);
        let mut writes = Vec::new();
        let sealed = vault.seal(customer, b"row", b"my parcel is late", &mut writes).unwrap();
        append(&*log, writes).await;
        assert!(!sealed.windows(6).any(|it| it == b"parcel"));
        assert_eq!(
            vault.unseal(customer, b"row", &sealed).unwrap(),
            Unsealed::Text(b"my parcel is late".to_vec())
        );
        assert!(matches!(vault.unseal(customer, b"other", &sealed), Err(SealError::Damaged)));
        for at in 0..sealed.len() {
            let mut flipped = sealed.clone();
            flipped[at] ^= 1;
            assert!(vault.unseal(customer, b"row", &flipped).is_err(), "byte {at}");
        }
    }

    #[tokio::test]
    async fn an_erased_customer_opens_no_more_and_others_do() {
        let (log, vault) = vault();
        let (gone, stays) = (CustomerId::from_bits(1), CustomerId::from_bits(2));
        let mut writes = Vec::new();
        let of_gone = vault.seal(gone, b"r", b"secret", &mut writes).unwrap();
        let of_stays = vault.seal(stays, b"r", b"kept", &mut writes).unwrap();
        append(&*log, writes).await;
        let before = log.get(Table::Keys, &gone.bits().to_be_bytes()).unwrap().unwrap();
        vault.erase(gone).await.unwrap();
        assert_eq!(vault.unseal(gone, b"r", &of_gone).unwrap(), Unsealed::Erased);
        assert_eq!(vault.unseal(stays, b"r", &of_stays).unwrap(), Unsealed::Text(b"kept".to_vec()));
        // A wrapped key from an old backup opens nothing any more.
        append(
            &*log,
            vec![Write::Put { table: Table::Keys, key: gone.bits().to_be_bytes().to_vec(), value: before }],
        )
        .await;
        assert!(vault.unseal(gone, b"r", &of_gone).is_err());
    }

    #[tokio::test]
    async fn keys_survive_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let options = crate::Options { path: folder.path().into(), level: Level::Disk, archive_days: 30 };
        let customer = CustomerId::from_bits(3);
        let sealed = {
            let log = crate::open(&options).unwrap();
            let vault = Vault::open(folder.path(), Arc::clone(&log)).unwrap();
            let mut writes = Vec::new();
            let sealed = vault.seal(customer, b"r", b"text", &mut writes).unwrap();
            append(&*log, writes).await;
            log.close();
            sealed
        };
        let log = crate::open(&options).unwrap();
        let vault = Vault::open(folder.path(), log).unwrap();
        assert_eq!(vault.unseal(customer, b"r", &sealed).unwrap(), Unsealed::Text(b"text".to_vec()));
    }

    #[test]
    fn dedupe_keys_keep_parts_apart() {
        let (_, vault) = vault();
        assert_ne!(vault.dedupe_key(&[b"ab", b"c"]), vault.dedupe_key(&[b"a", b"bc"]));
    }
}
