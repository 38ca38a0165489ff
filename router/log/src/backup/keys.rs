//! The keys of a backup: the key files and the key table, in a folder of their own.
//!
//! They belong together and apart from the rest. An erasure wraps the key table anew and destroys the old key-encryption
//! key, so the keys in older backups open nothing any more; the bodies in an older backup open with the newest keys, but
//! for those of erased customers.

use std::fs;
use std::io;
use std::path::Path;

use aws_lc_rs::digest::{self, SHA256};

use super::BackupError;
use super::rows::{self, ROW, RowWriter};
use crate::file::write_private;
use crate::{Log, Table};

/// The key files, as far as they are there; the key table.
const FILES: [&str; 3] = ["kek", "kek.next", "dedupe"];
pub(super) const TABLE: &str = "table";
/// SHA-256 of the key files; backups of before have none. It says nothing of keys that are random.
const CHECK: &str = "check";
/// Rows read at once.
const GROUP: usize = 1_000;

const NOTE: &str = "\
These keys open the bodies in the backup beside them. Keep them elsewhere.
After each erasure copy the keys again (a backup does) and destroy older copies: the older ones open nothing any more,
and a restore with the newest keys opens everything but what was erased.
";

/// Copies the keys of a store, while it runs, into a folder; to be done after each erasure.
///
/// # Errors
/// If they cannot be read or written, or an erasure is under way: then try again when it is done.
pub fn backup_keys(log: &dyn Log, data: &Path, to: &Path) -> Result<(), BackupError> {
    fs::create_dir_all(to)?;
    let from = data.join("keys");
    let before = read(&from)?;
    let mut rows = RowWriter::create(&to.join(TABLE))?;
    for home in log.homes()? {
        let mut next = vec![0];
        loop {
            let found = log.scan(home, Table::Keys, &next, &[0xff; 17], GROUP, false)?;
            let Some((last, _)) = found.last() else { break };
            next.clone_from(last);
            next.push(0);
            for (key, value) in &found {
                rows.put(ROW, [Table::Keys.name().as_bytes(), key, value])?;
            }
        }
    }
    rows.finish()?;
    if read(&from)? != before {
        return Err(BackupError::Erasing);
    }
    for (name, key) in FILES.into_iter().zip(&before) {
        if let Some(key) = key {
            write_private(&to.join(name), key)?;
        }
    }
    fs::write(to.join(CHECK), data_encoding::HEXLOWER.encode(&check_of(&before)))?;
    fs::write(to.join("README"), NOTE)?;
    Ok(())
}

/// Whether the key files are those that were copied, and the key table is whole.
pub(super) fn verify(folder: &Path) -> Result<(), BackupError> {
    rows::check(&folder.join(TABLE))?;
    let check = match fs::read(folder.join(CHECK)) {
        Ok(check) => check,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    if data_encoding::HEXLOWER.encode(&check_of(&read(folder)?)).as_bytes() == check {
        return Ok(());
    }
    Err(BackupError::Damaged(
        "the key files in keys/ are not those that were copied: without them nothing could be read"
            .to_owned(),
    ))
}

fn check_of(files: &[Option<Vec<u8>>]) -> Vec<u8> {
    let mut hash = digest::Context::new(&SHA256);
    for file in files {
        let bytes = file.as_deref().unwrap_or_default();
        hash.update(&(bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    }
    hash.finish().as_ref().to_vec()
}

/// Copies the key files back.
pub(super) fn restore_files(from: &Path, to: &Path) -> io::Result<()> {
    for (name, key) in key_files(from)? {
        if let Some(key) = key {
            write_private(&to.join(name), &key)?;
        }
    }
    Ok(())
}

/// A key file by its name, if it is there.
type KeyFile = (&'static str, Option<Vec<u8>>);

/// The key files of a folder.
pub(crate) fn key_files(folder: &Path) -> io::Result<Vec<KeyFile>> {
    Ok(FILES.into_iter().zip(read(folder)?).collect())
}

fn read(folder: &Path) -> io::Result<Vec<Option<Vec<u8>>>> {
    let file = |name: &str| match fs::read(folder.join(name)) {
        Ok(key) => Ok(Some(key)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    };
    FILES.into_iter().map(file).collect()
}
