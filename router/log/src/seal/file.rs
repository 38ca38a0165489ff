//! Files that lie outside the store: each is sealed with a key of its own, and that key stands in a row that is sealed under
//! its customer's. So the bytes may be written before anybody knows whose they are, and erasing the customer makes them
//! unreadable too.

use super::SealError;
use super::cipher::{KEY_LEN, cipher, decrypt, encrypt, random};

/// The key of one file.
pub type FileKey = [u8; KEY_LEN];

/// What a file's bytes are bound to: they are nobody else's row.
const BOUND: &[u8] = b"file";

/// Seals the bytes of a file; the key opens them again.
///
/// # Errors
/// If the system gives no randomness.
pub fn seal_file(plain: &[u8]) -> Result<(Vec<u8>, FileKey), SealError> {
    let key: FileKey = random()?;
    let mut sealed = Vec::new();
    encrypt(&cipher(&key)?, BOUND, plain, &mut sealed)?;
    Ok((sealed, key))
}

/// Opens what [`seal_file`] sealed.
///
/// # Errors
/// If it is damaged, or was sealed with another key.
pub fn unseal_file(key: &FileKey, sealed: &[u8]) -> Result<Vec<u8>, SealError> {
    decrypt(&cipher(key)?, BOUND, sealed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_its_own_key_opens_a_file() {
        let (sealed, key) = seal_file(b"picture").unwrap();
        assert!(!sealed.windows(7).any(|it| it == b"picture"));
        assert_eq!(unseal_file(&key, &sealed).unwrap(), b"picture");
        let (_, other) = seal_file(b"picture").unwrap();
        assert!(unseal_file(&other, &sealed).is_err());
        assert!(unseal_file(&key, &sealed[..sealed.len() - 1]).is_err());
    }
}
