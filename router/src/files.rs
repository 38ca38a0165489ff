//! Files beside the store: mails as they came, and what goes out with a mail. Small ones stand in their row; a larger one lies
//! in the blob store, sealed with a key of its own that stands in the row.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use log_store::Log;
use log_store::blob::{BlobHash, BlobStore, FOLDER, FolderBlobs, MemoryBlobs};
use log_store::seal::{FileKey, seal_file, unseal_file};
use log_store::segments::WithSegments;
use policy::id::WorkspaceId;
use serde::{Deserialize, Serialize};

/// The largest file, in bytes: a mail of 25 MB as it is encoded, and what sealing adds.
const FILE_MAX: usize = 36 << 20;
/// Up to so many bytes a file stands in its row.
const HERE_MAX: usize = 64 << 10;

/// A file, or where it lies. What it says is sealed with the row that it stands in.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kept {
    /// Here.
    Here(Vec<u8>),
    /// In the blob store.
    There {
        /// The hash of the sealed bytes.
        hash: [u8; 32],
        /// What opens them.
        key: FileKey,
        /// Bytes, opened.
        size: u64,
    },
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept").field("size", &self.size()).finish_non_exhaustive()
    }
}

impl Kept {
    /// Its size in bytes.
    pub(crate) fn size(&self) -> u64 {
        match self {
            Self::Here(bytes) => bytes.len() as u64,
            Self::There { size, .. } => *size,
        }
    }
}

/// The files of this node.
#[derive(Clone)]
pub(crate) struct Files {
    blobs: Arc<dyn BlobStore>,
}

impl Files {
    /// Below a data folder.
    pub(crate) fn below(data: &Path) -> Self {
        Self { blobs: Arc::new(FolderBlobs::new(&data.join(FOLDER), FILE_MAX)) }
    }

    /// A log whose ended conversations may lie here.
    pub(crate) fn with_segments(&self, log: Arc<dyn Log>) -> Arc<WithSegments> {
        Arc::new(WithSegments::new(log, Arc::clone(&self.blobs)))
    }

    /// In memory.
    pub(crate) fn in_memory() -> Self {
        Self { blobs: Arc::new(MemoryBlobs::new(FILE_MAX)) }
    }

    /// Keeps bytes; they are durable when this returns. Those of a row that is never written lie there unread.
    ///
    /// # Errors
    /// If they are too large or cannot be written.
    pub(crate) async fn keep(&self, workspace: WorkspaceId, bytes: Vec<u8>) -> anyhow::Result<Kept> {
        if bytes.len() <= HERE_MAX {
            return Ok(Kept::Here(bytes));
        }
        let blobs = Arc::clone(&self.blobs);
        let keep = move || -> anyhow::Result<Kept> {
            let size = bytes.len() as u64;
            let (sealed, key) = seal_file(&bytes)?;
            let hash = blobs.put(workspace, &sealed)?.0;
            Ok(Kept::There { hash, key, size })
        };
        tokio::task::spawn_blocking(keep).await.context("a file cannot be kept")?
    }

    /// The bytes of a file; nothing if they are no longer there.
    ///
    /// # Errors
    /// If they cannot be read or are damaged.
    pub(crate) async fn read(&self, workspace: WorkspaceId, kept: Kept) -> anyhow::Result<Option<Vec<u8>>> {
        let Kept::There { hash, key, .. } = kept else {
            let Kept::Here(bytes) = kept else { return Ok(None) };
            return Ok(Some(bytes));
        };
        let blobs = Arc::clone(&self.blobs);
        let read = move || -> anyhow::Result<Option<Vec<u8>>> {
            let Some(sealed) = blobs.get(workspace, BlobHash(hash))? else { return Ok(None) };
            Ok(Some(unseal_file(&key, &sealed)?))
        };
        tokio::task::spawn_blocking(read).await.context("a file cannot be read")?
    }
}

/// The name of a blob store, by which nodes know whether they have the same one; the first node gives it.
///
/// # Errors
/// If it cannot be read or written.
pub(crate) fn name_of(folder: &Path) -> anyhow::Result<Vec<u8>> {
    let folder = folder.join(FOLDER);
    let unusable = || format!("the blob store in {} cannot be used", folder.display());
    std::fs::create_dir_all(&folder).with_context(unusable)?;
    let path = folder.join("name");
    let new = uuid::Uuid::now_v7().simple().to_string();
    // Written beside and linked, so that of several nodes which start together one gives the name, whole.
    let beside = folder.join(format!("{new}.part"));
    std::fs::write(&beside, &new).with_context(unusable)?;
    let linked = std::fs::hard_link(&beside, &path);
    std::fs::remove_file(&beside).with_context(unusable)?;
    match linked {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error).with_context(unusable),
        _ => std::fs::read(&path).with_context(unusable),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blob_store_has_one_name() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        assert_eq!(name_of(one.path()).unwrap(), name_of(one.path()).unwrap());
        assert_ne!(name_of(one.path()).unwrap(), name_of(other.path()).unwrap());
        assert_eq!(
            std::fs::read_dir(one.path().join(FOLDER)).unwrap().count(),
            1,
            "nothing is left beside it"
        );
    }

    #[tokio::test]
    async fn small_and_large_come_back_and_nothing_crosses_workspaces() {
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = (WorkspaceId::from_bits(1), WorkspaceId::from_bits(2));
        for files in [Files::below(folder.path()), Files::in_memory()] {
            for size in [0, HERE_MAX, HERE_MAX + 1] {
                let bytes = vec![7; size];
                let kept = files.keep(one, bytes.clone()).await.unwrap();
                assert_eq!((kept.size(), matches!(kept, Kept::Here(_))), (size as u64, size <= HERE_MAX));
                assert_eq!(files.read(one, kept.clone()).await.unwrap(), Some(bytes));
                if size > HERE_MAX {
                    assert_eq!(files.read(other, kept).await.unwrap(), None);
                }
            }
        }
    }
}
