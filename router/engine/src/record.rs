//! Events as the log keeps them: a version byte, then the event. What is written here is read by every later version, or
//! refused with a clear error.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::event::Event;

/// The version of the records that [`write()`] makes.
pub const VERSION: u8 = 4;

/// Why a record was not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// From a newer program.
    #[error("version {0}")]
    Newer(u8),
    /// From before the first release.
    #[error("version {0}, from before the first release: begin with an empty folder")]
    Older(u8),
    /// Not a record, or damaged, or of a kind that this program does not know.
    #[error("{0}")]
    Unreadable(String),
}

/// Writes an event.
///
/// # Errors
/// If it cannot be encoded.
pub fn write(event: &Event) -> Result<Vec<u8>, RecordError> {
    let mut record = Vec::with_capacity(192);
    record.push(VERSION);
    postcard::to_extend(event, record).map_err(|error| RecordError::Unreadable(error.to_string()))
}

/// Reads an event.
///
/// # Errors
/// [`RecordError`] says why it could not be.
pub fn read(record: &[u8]) -> Result<Event, RecordError> {
    match record.split_first() {
        Some((&VERSION, body)) => {
            postcard::from_bytes(body).map_err(|error| RecordError::Unreadable(error.to_string()))
        }
        Some((version, _)) if *version < VERSION => Err(RecordError::Older(*version)),
        Some((version, _)) => Err(RecordError::Newer(*version)),
        None => Err(RecordError::Unreadable("empty".to_string())),
    }
}

#[cfg(test)]
mod tests {
    use policy::id::{CommandId, WorkspaceId};
    use policy::time::Timestamp;

    use super::*;
    use crate::event::EventKind;

    #[test]
    fn a_record_comes_back_and_another_version_is_told() {
        let event = Event {
            at: Timestamp(7),
            workspace: WorkspaceId::from_bits(1),
            cause: CommandId::from_bits(2),
            kind: EventKind::WorkspaceCreated,
        };
        let mut record = write(&event).unwrap();
        assert_eq!(read(&record), Ok(event));
        record[0] = VERSION + 1;
        assert_eq!(read(&record), Err(RecordError::Newer(VERSION + 1)));
        record[0] = VERSION - 1;
        assert_eq!(read(&record), Err(RecordError::Older(VERSION - 1)));
        assert!(matches!(read(&[]), Err(RecordError::Unreadable(_))));
        assert!(matches!(read(&[VERSION, 1]), Err(RecordError::Unreadable(_))));
    }
}
