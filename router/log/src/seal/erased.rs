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
    let trouble = |error: crate::ReadError| SealError::Store(error.to_string());
    let mut found = Vec::new();
    for home in log.homes().map_err(trouble)? {
        let mut from = vec![0];
        loop {
            let rows = log.scan(home, Table::Keys, &from, &[0xff; 17], GROUP, false).map_err(trouble)?;
            let Some((last, _)) = rows.last() else { break };
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
    found.sort_unstable();
    Ok(found)
}
