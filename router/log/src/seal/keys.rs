//! Data keys: one a customer, as it stands in the store and as it is kept open.
//!
//! A row of the key table is the generation (u32, little endian: how often the customer was erased), then the wrapped key;
//! an erased customer's row is the generation alone. So what was sealed before an erasure is known as erased, even where the
//! customer has written again since. Rows of data format 1 had no generation; they count as generation 0.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use aws_lc_rs::aead::LessSafeKey;
use policy::id::CustomerId;

use super::SealError;
use super::cipher::{KEY_LEN, cipher, decrypt, encrypt, random};
use crate::ShardId;

/// Nonce, key, tag.
const WRAPPED_LEN: usize = 12 + KEY_LEN + 16;

/// A customer's row in the key table.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct KeyRow<'a> {
    pub(super) generation: u32,
    pub(super) wrapped: Option<&'a [u8]>,
}

impl<'a> KeyRow<'a> {
    pub(super) fn parse(row: &'a [u8]) -> Result<Self, SealError> {
        if row.len() == WRAPPED_LEN {
            return Ok(Self { generation: 0, wrapped: Some(row) });
        }
        let (generation, wrapped) = row.split_first_chunk::<4>().ok_or(SealError::Damaged)?;
        let wrapped = Some(wrapped).filter(|it| !it.is_empty());
        Ok(Self { generation: u32::from_le_bytes(*generation), wrapped })
    }

    /// The row of an erased customer.
    pub(super) fn erased(generation: u32) -> Vec<u8> {
        generation.to_le_bytes().to_vec()
    }
}

/// Which of two rows of a customer is the later one: that of the higher generation, and of one generation that with a key.
/// What is no row is earlier than any.
#[must_use]
pub fn rank(row: &[u8]) -> Option<(u32, bool)> {
    KeyRow::parse(row).ok().map(|row| (row.generation, row.wrapped.is_some()))
}

/// Wraps the bytes of a data key for its customer's row.
pub(super) fn wrap(
    wrapping: &LessSafeKey,
    customer: &[u8],
    generation: u32,
    bytes: &[u8; KEY_LEN],
) -> Result<Vec<u8>, SealError> {
    let mut row = generation.to_le_bytes().to_vec();
    encrypt(wrapping, customer, bytes, &mut row)?;
    Ok(row)
}

/// The bytes of a wrapped data key, if this key-encryption key wrapped it for this customer.
pub(super) fn unwrap(
    wrapping: &LessSafeKey,
    customer: &[u8],
    wrapped: &[u8],
) -> Result<[u8; KEY_LEN], SealError> {
    decrypt(wrapping, customer, wrapped)?.try_into().map_err(|_| SealError::Damaged)
}

/// A data key that is open.
#[derive(Clone)]
pub(super) struct DataKey {
    /// Where its row is.
    pub(super) shard: ShardId,
    pub(super) key: Arc<LessSafeKey>,
    pub(super) generation: u32,
    /// Its row, while that may not be in the store yet: it goes into every batch until it is.
    pub(super) unsettled: Option<Arc<[u8]>>,
}

impl DataKey {
    /// A new one.
    pub(super) fn new(
        shard: ShardId,
        wrapping: &LessSafeKey,
        customer: &[u8],
        generation: u32,
    ) -> Result<Self, SealError> {
        let bytes: [u8; KEY_LEN] = random()?;
        let row = wrap(wrapping, customer, generation, &bytes)?;
        Ok(Self { shard, key: Arc::new(cipher(&bytes)?), generation, unsettled: Some(row.into()) })
    }
}

/// The data keys that were used lately.
pub(super) struct Hot {
    most: usize,
    keys: HashMap<CustomerId, (DataKey, bool)>,
    order: VecDeque<CustomerId>,
}

impl Hot {
    pub(super) fn new(most: usize) -> Self {
        Self { most, keys: HashMap::new(), order: VecDeque::new() }
    }

    pub(super) fn get(&mut self, customer: CustomerId) -> Option<DataKey> {
        self.keys.get_mut(&customer).map(|(key, used)| {
            *used = true;
            key.clone()
        })
    }

    /// Keeps a key, and lets go of one that was not used since it was looked at last. One whose row may not be in the store
    /// is never let go: it would be made a second time, and what the first one sealed would be lost.
    pub(super) fn put(
        &mut self,
        customer: CustomerId,
        key: DataKey,
        in_store: impl Fn(ShardId, CustomerId, &[u8]) -> bool,
    ) {
        if self.keys.insert(customer, (key, false)).is_some() {
            return;
        }
        self.order.push_back(customer);
        let mut looks = 8;
        while self.keys.len() > self.most && looks > 0 {
            looks -= 1;
            let Some(oldest) = self.order.pop_front() else { return };
            let keep = match self.keys.get_mut(&oldest) {
                Some((_, used)) if *used => {
                    *used = false;
                    true
                }
                Some((key, _)) => key.unsettled.as_ref().is_some_and(|row| !in_store(key.shard, oldest, row)),
                None => false,
            };
            if keep {
                self.order.push_back(oldest);
            } else {
                self.keys.remove(&oldest);
            }
        }
    }

    /// A customer's row that may not be in the store yet.
    pub(super) fn unsettled(&self, customer: CustomerId) -> Option<&[u8]> {
        self.keys.get(&customer).and_then(|(key, _)| key.unsettled.as_deref())
    }

    /// Whether so many rows wait for the store that no new customer can be taken.
    pub(super) fn is_full(&self) -> bool {
        self.keys.len() >= self.most.saturating_mul(2)
    }

    pub(super) fn remove(&mut self, customer: CustomerId) {
        if self.keys.remove(&customer).is_some() {
            self.order.retain(|it| *it != customer);
        }
    }

    /// Lets go of a shard's keys.
    pub(super) fn forget(&mut self, shard: ShardId) {
        self.keys.retain(|_, (key, _)| key.shard != shard);
        let keys = &self.keys;
        self.order.retain(|customer| keys.contains_key(customer));
    }

    /// Replaces the rows that may not be in the store yet.
    pub(super) fn rewrap(
        &mut self,
        row: impl Fn(CustomerId, &[u8]) -> Result<Vec<u8>, SealError>,
    ) -> Result<(), SealError> {
        for customer in &self.order {
            if let Some((DataKey { unsettled: Some(old), .. }, _)) = self.keys.get_mut(customer) {
                *old = row(*customer, old)?.into();
            }
        }
        Ok(())
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hot_keys_are_bounded_and_unsettled_ones_stay() {
        let wrapping = cipher(&[1; KEY_LEN]).unwrap();
        let mut hot = Hot::new(4);
        let key = |unsettled: bool| {
            let mut key = DataKey::new(ShardId(0), &wrapping, b"c", 0).unwrap();
            if !unsettled {
                key.unsettled = None;
            }
            key
        };
        hot.put(CustomerId::from_bits(0), key(true), |_, _, _| false);
        for customer in 1..100 {
            hot.put(CustomerId::from_bits(customer), key(false), |_, _, _| false);
        }
        assert_eq!(hot.len(), 4);
        assert!(hot.get(CustomerId::from_bits(0)).is_some(), "an unsettled key was let go");
        for customer in 100..110 {
            hot.put(CustomerId::from_bits(customer), key(true), |_, _, _| false);
        }
        assert!(hot.is_full());
    }
}
