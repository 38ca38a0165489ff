//! Where reading a mailbox goes on.

/// Where reading goes on. A mailbox whose UIDVALIDITY has changed is read again from its beginning, and what was taken before
/// is known by its id and content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// The UIDVALIDITY that the number belongs to.
    pub validity: u32,
    /// The last number that was taken.
    pub uid: u32,
    /// Mails that arrived before this are not taken, in ms since 1970.
    pub since_ms: i64,
}

/// The version of the form in bytes.
const VERSION: u8 = 1;

impl Cursor {
    /// As bytes.
    #[must_use]
    pub fn to_bytes(self) -> Vec<u8> {
        let mut bytes = vec![VERSION];
        bytes.extend_from_slice(&self.validity.to_be_bytes());
        bytes.extend_from_slice(&self.uid.to_be_bytes());
        bytes.extend_from_slice(&self.since_ms.to_be_bytes());
        bytes
    }

    /// From bytes; `None` for what is none.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (&version, rest) = bytes.split_first()?;
        let (validity, rest) = rest.split_first_chunk::<4>()?;
        let (uid, rest) = rest.split_first_chunk::<4>()?;
        let (since, rest) = rest.split_first_chunk::<8>()?;
        (version == VERSION && rest.is_empty()).then(|| Self {
            validity: u32::from_be_bytes(*validity),
            uid: u32::from_be_bytes(*uid),
            since_ms: i64::from_be_bytes(*since),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_come_back() {
        let cursor = Cursor { validity: 7, uid: u32::MAX, since_ms: -1 };
        assert_eq!(Cursor::from_bytes(&cursor.to_bytes()), Some(cursor));
        assert_eq!(Cursor::from_bytes(b"1"), None);
        assert_eq!(Cursor::from_bytes(&[2; 17]), None);
    }
}
