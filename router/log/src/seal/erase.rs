//! Erasing a customer: the whole key table is wrapped anew by a new key-encryption key, but for one row, and the old one is
//! destroyed. Then no wrapped key in an old journal, snapshot or backup opens any more, and the erased one was not wrapped
//! again.
//!
//! 1. The new key-encryption key is on disk; from here on new rows are wrapped by it.
//! 2. The customer's row holds no key any more.
//! 3. Batches that were composed before step 1 may still bring rows wrapped by the old one: [`GRACE`] is left to them.
//! 4. Every row that the old one still opens is wrapped anew, until a look at all rows finds none.
//! 5. The old one is destroyed.
//!
//! A crash after step 1 is made good by [`super::Vault::open`], from step 4 on.

use std::sync::Arc;
use std::time::Duration;

use policy::id::CustomerId;

use super::cipher::{KEY_LEN, cipher, random};
use super::keys::{KeyRow, unwrap, wrap};
use super::{SealError, Vault, key_of};
use crate::{AppendError, Batch, Rows, ShardId, Table, Write};

/// What a batch has from being composed to standing in the committer's queue. It takes milliseconds.
pub(super) const GRACE: Duration = Duration::from_secs(1);
/// Rows wrapped anew at once.
const GROUP: usize = 1_000;
/// A writer that other writers of the shard are faster than tries again so often.
const TRIES: u32 = 1_000;

impl Vault {
    /// Destroys the data key of a customer of this shard. What it sealed opens as [`super::Unsealed::Erased`] from now on, in backups too;
    /// what the customer writes afterwards is sealed with a new key.
    ///
    /// # Errors
    /// If the key table or the key files cannot be rewritten: then erase again. Everybody else's bodies stay readable.
    pub async fn erase(&self, shard: ShardId, customer: CustomerId) -> Result<(), SealError> {
        let _turn = self.erasing.lock().await;
        let key = key_of(customer);
        let stored = self.row(shard, &key)?;
        let generation = match &stored {
            Some(row) => KeyRow::parse(row)?.generation.saturating_add(1),
            None => 1,
        };
        self.begin(customer, generation)?;
        let tombstone =
            Write::Put { table: Table::Keys, key: key.to_vec(), value: KeyRow::erased(generation) };
        self.put(shard, vec![tombstone]).await?;
        tokio::time::sleep(self.grace).await;
        self.finish().await
    }

    /// Step 1.
    fn begin(&self, customer: CustomerId, generation: u32) -> Result<(), SealError> {
        let mut state = self.state();
        if state.previous.is_none() {
            let bytes: [u8; KEY_LEN] = random()?;
            let next = Arc::new(cipher(&bytes)?);
            if let Some(files) = &self.files {
                files.write_next(&bytes)?;
            }
            let old = std::mem::replace(&mut state.wrapping, Arc::clone(&next));
            state.hot.rewrap(|customer, row| {
                let key = key_of(customer);
                let row = KeyRow::parse(row)?;
                let bytes = unwrap(&old, &key, row.wrapped.ok_or(SealError::Damaged)?)?;
                wrap(&next, &key, row.generation, &bytes)
            })?;
            state.previous = Some(old);
        }
        state.hot.remove(customer);
        state.erased.insert(customer, generation);
        Ok(())
    }

    /// Steps 4 and 5.
    pub(super) async fn finish(&self) -> Result<(), SealError> {
        while self.rewrap_all().await? > 0 {}
        let mut state = self.state();
        if let Some(files) = &self.files {
            files.destroy_old()?;
        }
        state.previous = None;
        state.erased.clear();
        Ok(())
    }

    /// Wraps anew what the old key still opens; says how many rows that were.
    async fn rewrap_all(&self) -> Result<usize, SealError> {
        let mut count = 0;
        for home in self.log.homes().map_err(|error| SealError::Store(error.to_string()))? {
            count += self.rewrap_home(home).await?;
        }
        Ok(count)
    }

    async fn rewrap_home(&self, home: ShardId) -> Result<usize, SealError> {
        let (mut from, mut count) = (vec![0], 0);
        loop {
            let rows = self
                .log
                .scan(home, Table::Keys, &from, &[0xff; 17], GROUP, false)
                .map_err(|error| SealError::Store(error.to_string()))?;
            let Some((last, _)) = rows.last() else { return Ok(count) };
            from.clone_from(last);
            from.push(0);
            let writes = self.rewrapped(rows)?;
            count += writes.len();
            if !writes.is_empty() {
                self.put(home, writes).await?;
            }
        }
    }

    fn rewrapped(&self, rows: Rows) -> Result<Vec<Write>, SealError> {
        let state = self.state();
        let Some(old) = &state.previous else { return Ok(Vec::new()) };
        let mut writes = Vec::new();
        for (key, row) in rows {
            let row = KeyRow::parse(&row)?;
            let Some(wrapped) = row.wrapped else { continue };
            if unwrap(&state.wrapping, &key, wrapped).is_ok() {
                continue;
            }
            let Ok(bytes) = unwrap(old, &key, wrapped) else {
                tracing::error!("a data key opens with no key there is: its customer's bodies are lost");
                continue;
            };
            let erased = state.erased.iter().find(|(customer, _)| key_of(**customer)[..] == key[..]);
            let value = match erased {
                // The customer may have written again meanwhile, with a new key.
                Some((customer, generation)) => match state.hot.unsettled(*customer) {
                    Some(row) => row.to_vec(),
                    None => KeyRow::erased(*generation),
                },
                None => wrap(&state.wrapping, &key, row.generation, &bytes)?,
            };
            writes.push(Write::Put { table: Table::Keys, key, value });
        }
        Ok(writes)
    }

    /// Writes rows beside a shard's own task, which is faster now and then.
    async fn put(&self, shard: ShardId, writes: Vec<Write>) -> Result<(), SealError> {
        let trouble = |error: String| SealError::Store(error);
        let mut expected = self.log.last(shard).map_err(|error| trouble(error.to_string()))?;
        for _ in 0..TRIES {
            let batch = Batch { shard, expected, records: Vec::new(), writes: writes.clone() };
            match self.log.append(batch).await {
                Ok(_) => return Ok(()),
                Err(AppendError::Fenced { last, .. }) => expected = last,
                Err(error) => return Err(trouble(error.to_string())),
            }
        }
        Err(trouble("its shard is written to all the time".into()))
    }
}
