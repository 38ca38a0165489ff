//! The key files: `keys/kek`, which wraps the data keys, and `keys/dedupe`, which keys the hashes; 32 bytes each, for the
//! owner's eyes only.
//!
//! While an erasure rewrites the key table there is `keys/kek.next` too: new rows are wrapped by it, old ones still by `kek`.
//! When no row needs the old key its bytes are overwritten with zeros, and `kek.next` takes its name. A crash at any moment
//! leaves files that say how far it came.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::SealError;
use super::cipher::{KEY_LEN, random};
use crate::file::{sync_folder, write_private};

type Key = [u8; KEY_LEN];

/// The folder of the key files.
#[derive(Debug, Clone)]
pub(super) struct KeyFiles {
    folder: PathBuf,
}

/// What was in it.
pub(super) struct Loaded {
    /// What wraps new rows.
    pub(super) wrapping: Key,
    /// What old rows are still wrapped by, if an erasure was cut short.
    pub(super) previous: Option<Key>,
    pub(super) dedupe: Key,
}

fn trouble(error: io::Error) -> SealError {
    SealError::Store(error.to_string())
}

impl KeyFiles {
    pub(super) fn new(data: &Path) -> Self {
        Self { folder: data.join("keys") }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Reads the keys, or makes them.
    pub(super) fn load(&self) -> Result<Loaded, SealError> {
        let dedupe = self.read_or_make("dedupe")?;
        let Some(next) = self.read("kek.next")? else {
            let wrapping = self.read_or_make("kek")?;
            if wrapping == [0; KEY_LEN] {
                return Err(SealError::Store(
                    "keys/kek was destroyed and none followed: restore the keys".into(),
                ));
            }
            return Ok(Loaded { wrapping, previous: None, dedupe });
        };
        let previous = self.read("kek")?.filter(|old| *old != [0; KEY_LEN]);
        if previous.is_none() {
            self.take_over()?;
        }
        Ok(Loaded { wrapping: next, previous, dedupe })
    }

    /// Writes the key that follows.
    pub(super) fn write_next(&self, key: &Key) -> Result<(), SealError> {
        write_private(&self.path("kek.next"), key).map_err(trouble)
    }

    /// Destroys the old key; the next one takes its place.
    pub(super) fn destroy_old(&self) -> Result<(), SealError> {
        let mut old = OpenOptions::new().write(true).open(self.path("kek")).map_err(trouble)?;
        old.write_all(&[0; KEY_LEN]).and_then(|()| old.sync_all()).map_err(trouble)?;
        self.take_over()
    }

    fn take_over(&self) -> Result<(), SealError> {
        fs::rename(self.path("kek.next"), self.path("kek"))
            .and_then(|()| sync_folder(&self.folder))
            .map_err(trouble)
    }

    fn read(&self, name: &str) -> Result<Option<Key>, SealError> {
        let path = self.path(name);
        match fs::read(&path) {
            Ok(bytes) => match bytes.try_into() {
                Ok(key) => Ok(Some(key)),
                Err(_) => Err(SealError::Store(format!("{} is not a key: restore the keys", path.display()))),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(trouble(error)),
        }
    }

    fn read_or_make(&self, name: &str) -> Result<Key, SealError> {
        if let Some(key) = self.read(name)? {
            return Ok(key);
        }
        let key = random()?;
        write_private(&self.path(name), &key).map_err(trouble)?;
        Ok(key)
    }
}
