//! Who was erased, as the key table says: what such a customer said before cannot be read, what happened still can.

use policy::id::CustomerId;

use super::SealError;
use super::keys::KeyRow;
use crate::{Log, Table};

/// Rows read at once.
const GROUP: usize = 1_000;

/// The customers who were erased at some time, in order.
///
/// # Errors
/// If the key table cannot be read.
pub fn erased(log: &dyn Log) -> Result<Vec<CustomerId>, SealError> {
    let (mut from, mut found) = (vec![0], Vec::new());
    loop {
        let rows = log
            .scan(Table::Keys, &from, &[0xff; 17], GROUP, false)
            .map_err(|error| SealError::Store(error.to_string()))?;
        let Some((last, _)) = rows.last() else { return Ok(found) };
        from.clone_from(last);
        from.push(0);
        for (key, row) in rows {
            let id: Option<[u8; 16]> = key.try_into().ok();
            if let (Some(id), true) = (id, KeyRow::parse(&row)?.generation > 0) {
                found.push(CustomerId::from_bits(u128::from_be_bytes(id)));
            }
        }
    }
}
