//! Attachments: stored by workspace and content hash, outside the log. One trait; a folder, or memory for tests.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use aws_lc_rs::digest;
use data_encoding::HEXLOWER;
use policy::id::WorkspaceId;

use crate::file::write_whole;

/// Where attachments lie in the data folder, if a folder keeps them.
pub const FOLDER: &str = "blobs";

/// The SHA-256 of a blob's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlobHash(pub [u8; 32]);

impl BlobHash {
    /// The hash of bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
        Self(hash)
    }
}

/// Why a blob was not stored or read.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// Larger than the store takes.
    #[error("the file has {size} bytes, {max} are taken at most")]
    TooLarge {
        /// Its size.
        size: usize,
        /// The limit.
        max: usize,
    },
    /// The bytes are not those that were stored.
    #[error("the stored file is damaged")]
    Damaged,
    /// The store cannot be read or written.
    #[error("files cannot be read or written: {0}")]
    Io(#[from] io::Error),
}

/// A store of blobs.
pub trait BlobStore: Send + Sync {
    /// Stores bytes; the same bytes twice are stored once.
    ///
    /// # Errors
    /// If they are too large or cannot be written.
    fn put(&self, workspace: WorkspaceId, bytes: &[u8]) -> Result<BlobHash, BlobError>;

    /// Reads bytes; `None` if there are none of this hash in this workspace.
    ///
    /// # Errors
    /// If they cannot be read, or are not what was stored.
    fn get(&self, workspace: WorkspaceId, hash: BlobHash) -> Result<Option<Vec<u8>>, BlobError>;

    /// Removes bytes; says whether there were any.
    ///
    /// # Errors
    /// If they cannot be removed.
    fn delete(&self, workspace: WorkspaceId, hash: BlobHash) -> Result<bool, BlobError>;
}

/// Blobs in a folder: `<workspace>/<first two digits>/<hash>`.
#[derive(Debug)]
pub struct FolderBlobs {
    folder: PathBuf,
    max: usize,
}

impl FolderBlobs {
    /// Blobs below a folder, each of `max` bytes at most.
    #[must_use]
    pub fn new(folder: &Path, max: usize) -> Self {
        Self { folder: folder.to_path_buf(), max }
    }

    fn path(&self, workspace: WorkspaceId, hash: BlobHash) -> PathBuf {
        let name = HEXLOWER.encode(&hash.0);
        self.folder.join(workspace.to_string()).join(&name[..2]).join(&name)
    }
}

impl BlobStore for FolderBlobs {
    fn put(&self, workspace: WorkspaceId, bytes: &[u8]) -> Result<BlobHash, BlobError> {
        if bytes.len() > self.max {
            return Err(BlobError::TooLarge { size: bytes.len(), max: self.max });
        }
        let hash = BlobHash::of(bytes);
        let path = self.path(workspace, hash);
        if !path.try_exists()? {
            write_whole(&path, bytes)?;
        }
        Ok(hash)
    }

    fn get(&self, workspace: WorkspaceId, hash: BlobHash) -> Result<Option<Vec<u8>>, BlobError> {
        match fs::read(self.path(workspace, hash)) {
            Ok(bytes) if BlobHash::of(&bytes) == hash => Ok(Some(bytes)),
            Ok(_) => Err(BlobError::Damaged),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn delete(&self, workspace: WorkspaceId, hash: BlobHash) -> Result<bool, BlobError> {
        match fs::remove_file(self.path(workspace, hash)) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

/// Blobs in memory, for tests and the level `memory`.
#[derive(Debug, Default)]
pub struct MemoryBlobs {
    blobs: Mutex<BTreeMap<(WorkspaceId, BlobHash), Vec<u8>>>,
    max: usize,
}

impl MemoryBlobs {
    /// An empty store for blobs of `max` bytes at most.
    #[must_use]
    pub fn new(max: usize) -> Self {
        Self { blobs: Mutex::default(), max }
    }
}

impl BlobStore for MemoryBlobs {
    fn put(&self, workspace: WorkspaceId, bytes: &[u8]) -> Result<BlobHash, BlobError> {
        if bytes.len() > self.max {
            return Err(BlobError::TooLarge { size: bytes.len(), max: self.max });
        }
        let hash = BlobHash::of(bytes);
        self.blobs.lock().unwrap_or_else(PoisonError::into_inner).insert((workspace, hash), bytes.to_vec());
        Ok(hash)
    }

    fn get(&self, workspace: WorkspaceId, hash: BlobHash) -> Result<Option<Vec<u8>>, BlobError> {
        Ok(self.blobs.lock().unwrap_or_else(PoisonError::into_inner).get(&(workspace, hash)).cloned())
    }

    fn delete(&self, workspace: WorkspaceId, hash: BlobHash) -> Result<bool, BlobError> {
        Ok(self.blobs.lock().unwrap_or_else(PoisonError::into_inner).remove(&(workspace, hash)).is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contract(blobs: &dyn BlobStore) {
        let (one, other) = (WorkspaceId::from_bits(1), WorkspaceId::from_bits(2));
        let hash = blobs.put(one, b"picture").unwrap();
        assert_eq!(blobs.put(one, b"picture").unwrap(), hash);
        assert_eq!(blobs.get(one, hash).unwrap().as_deref(), Some(&b"picture"[..]));
        assert_eq!(blobs.get(other, hash).unwrap(), None, "nothing crosses workspaces");
        assert!(matches!(blobs.put(one, &[0; 65]), Err(BlobError::TooLarge { .. })));
        assert!(blobs.delete(one, hash).unwrap());
        assert!(!blobs.delete(one, hash).unwrap());
        assert_eq!(blobs.get(one, hash).unwrap(), None);
    }

    #[test]
    fn every_store_keeps_the_contract() {
        let folder = tempfile::tempdir().unwrap();
        contract(&FolderBlobs::new(folder.path(), 64));
        contract(&MemoryBlobs::new(64));
    }

    #[test]
    fn damage_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = FolderBlobs::new(folder.path(), 64);
        let workspace = WorkspaceId::from_bits(1);
        let hash = blobs.put(workspace, b"picture").unwrap();
        fs::write(blobs.path(workspace, hash), b"pictures").unwrap();
        assert!(matches!(blobs.get(workspace, hash), Err(BlobError::Damaged)));
    }
}
