//! Where reading a mailbox goes on.

/// Where reading goes on. A mailbox whose UIDVALIDITY has changed is read again, from a while before everything in it was last
/// looked through; what was taken then is known by its id and content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// The UIDVALIDITY that the numbers belong to.
    pub validity: u32,
    /// The last number that was taken.
    pub uid: u32,
    /// Mails that arrived before this are not taken, in ms since 1970.
    pub since_ms: i64,
    /// When everything there was had last been looked through: the beginning of that day in ms since 1970, 0 for never.
    pub looked_ms: i64,
    /// The last number that was there when the numbers changed: what it arrived with tells whether it was taken under its old
    /// number.
    pub renumbered: u32,
}

/// The version of the form in bytes.
const VERSION: u8 = 2;

/// A day.
const DAY_MS: i64 = 86_400_000;
/// So much longer ago than the last look a mail is looked at again: clocks differ.
const OVERLAP_MS: i64 = 2 * DAY_MS;

impl Cursor {
    /// Where reading goes on once all numbers are void; `last` is the last one of those there are now.
    #[must_use]
    pub(super) fn renumbered(self, validity: u32, last: u32) -> Self {
        Self { validity, uid: 0, renumbered: last, ..self }
    }

    /// Whether a mail with this number is to be taken, by when it arrived.
    pub(super) fn wants(&self, uid: u32, at_ms: i64) -> bool {
        let again = uid <= self.renumbered && at_ms < self.looked_ms.saturating_sub(OVERLAP_MS);
        at_ms >= self.since_ms && !again
    }

    /// Everything was looked through, beginning at this time. A clock that was wrong may go back.
    pub(super) fn looked(&mut self, began_ms: i64) {
        self.looked_ms = began_ms.div_euclid(DAY_MS) * DAY_MS;
    }

    /// As bytes.
    #[must_use]
    pub fn to_bytes(self) -> Vec<u8> {
        let mut bytes = vec![VERSION];
        bytes.extend_from_slice(&self.validity.to_be_bytes());
        bytes.extend_from_slice(&self.uid.to_be_bytes());
        bytes.extend_from_slice(&self.since_ms.to_be_bytes());
        bytes.extend_from_slice(&self.looked_ms.to_be_bytes());
        bytes.extend_from_slice(&self.renumbered.to_be_bytes());
        bytes
    }

    /// From bytes, also those of version 1; `None` for what is none.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (&version, rest) = bytes.split_first()?;
        let (validity, rest) = rest.split_first_chunk::<4>()?;
        let (uid, rest) = rest.split_first_chunk::<4>()?;
        let (since, rest) = rest.split_first_chunk::<8>()?;
        let cursor = Self {
            validity: u32::from_be_bytes(*validity),
            uid: u32::from_be_bytes(*uid),
            since_ms: i64::from_be_bytes(*since),
            looked_ms: 0,
            renumbered: 0,
        };
        if version == 1 {
            return rest.is_empty().then_some(cursor);
        }
        let (looked, rest) = rest.split_first_chunk::<8>()?;
        let (renumbered, rest) = rest.split_first_chunk::<4>()?;
        (version == VERSION && rest.is_empty()).then(|| Self {
            looked_ms: i64::from_be_bytes(*looked),
            renumbered: u32::from_be_bytes(*renumbered),
            ..cursor
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_come_back() {
        let cursor = Cursor { validity: 7, uid: u32::MAX, since_ms: -1, looked_ms: 9, renumbered: 3 };
        assert_eq!(Cursor::from_bytes(&cursor.to_bytes()), Some(cursor));
        let mut first = cursor.to_bytes()[..17].to_vec();
        first[0] = 1;
        assert_eq!(Cursor::from_bytes(&first), Some(Cursor { looked_ms: 0, renumbered: 0, ..cursor }));
        assert_eq!(Cursor::from_bytes(b"1"), None);
        assert_eq!(Cursor::from_bytes(&[2; 17]), None);
        assert_eq!(Cursor::from_bytes(&[3; 29]), None);
    }

    #[test]
    fn a_mailbox_with_new_numbers_is_not_read_from_its_beginning() {
        let mut cursor = Cursor { validity: 7, uid: 40, since_ms: DAY_MS, looked_ms: 0, renumbered: 0 };
        let never = cursor.renumbered(8, 40);
        assert!(never.wants(1, DAY_MS) && !never.wants(1, DAY_MS - 1), "it was never looked through");
        cursor.looked(100 * DAY_MS + 5);
        let again = cursor.renumbered(8, 40);
        assert_eq!((again.validity, again.uid), (8, 0));
        assert!(!again.wants(1, 98 * DAY_MS - 1), "it was taken under its old number");
        assert!(again.wants(1, 98 * DAY_MS) && again.wants(40, 101 * DAY_MS), "it may not have been");
        // What is moved there later is as old as it is.
        assert!(again.wants(41, 50 * DAY_MS));
    }
}
