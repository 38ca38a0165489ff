//! The files beside the store: archive segments and attachments. Each is copied with its time, and stands with its hash in
//! `files.list`, a file of rows whose own hash stands in the manifest.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Component, Path};

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::Xxh3;

use super::BackupError;
use super::rows::{self, ROW, RowReader, RowWriter};
use crate::{archive, blob};

const LIST: &str = "files.list";
/// Folders of the data folder whose files never change once they are there.
pub(crate) const FOLDERS: [&str; 2] = [archive::FOLDER, blob::FOLDER];
const BUFFER: usize = 1 << 16;

/// The files of a backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Files {
    /// How many.
    pub count: u64,
    /// xxh3-64 of `files.list`.
    pub hash: u64,
}

/// Copies them all. What is removed meanwhile is left out.
pub(super) fn copy(data: &Path, to: &Path) -> io::Result<Files> {
    let mut list = RowWriter::create(&to.join(LIST))?;
    let mut count = 0;
    for folder in FOLDERS {
        each(data, folder, &mut |name| match copy_one(&data.join(name), &to.join(name)) {
            Ok(hash) => {
                count += 1;
                list.put(ROW, [name.as_bytes(), &hash.to_le_bytes(), &[]])
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        })?;
    }
    Ok(Files { count, hash: list.finish()? })
}

/// Whether a backup holds every file as it was.
pub(super) fn verify(from: &Path, files: Files) -> Result<(), BackupError> {
    if rows::check(&from.join(LIST))? != files.hash {
        return Err(BackupError::Damaged(format!("{LIST} does not match its hash")));
    }
    listed(from, &mut |name| copy_into(&from.join(name), &mut io::sink()))
}

/// Copies them back, each checked as it is read.
pub(super) fn restore(from: &Path, data: &Path) -> Result<(), BackupError> {
    listed(from, &mut |name| copy_one(&from.join(name), &data.join(name)))
}

/// Calls `read` for each file of the list and compares the hash that it says.
fn listed(from: &Path, read: &mut dyn FnMut(&str) -> io::Result<u64>) -> Result<(), BackupError> {
    let mut list = RowReader::open(&from.join(LIST))?;
    while let Some(row) = list.next()? {
        let [name, hash, _] = row.parts;
        let name = std::str::from_utf8(&name).ok().filter(|name| is_ours(name));
        let name =
            name.ok_or_else(|| BackupError::Damaged(format!("{LIST} names what is no file of a store")))?;
        let damaged = |why: String| BackupError::Damaged(format!("the file {name} {why}"));
        match read(name) {
            Ok(found) if found.to_le_bytes()[..] == hash => {}
            Ok(_) => return Err(damaged("does not match its hash".to_owned())),
            Err(error) => return Err(damaged(format!("cannot be read: {error}"))),
        }
    }
    Ok(())
}

/// Whether a path leads into one of the folders and nowhere else.
fn is_ours(name: &str) -> bool {
    let plain = Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
    plain && FOLDERS.iter().any(|folder| name.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/')))
}

/// Calls `take` for each file below a folder of the data folder, in order, with its path from there.
pub(crate) fn each(
    data: &Path,
    folder: &str,
    take: &mut dyn FnMut(&str) -> io::Result<()>,
) -> io::Result<()> {
    let entries = match fs::read_dir(data.join(folder)) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry?;
        // Files of ours have plain names; one that is still being written ends otherwise.
        if let Some(name) = entry.file_name().to_str().filter(|name| !name.ends_with(".part")) {
            found.push((format!("{folder}/{name}"), entry.file_type()?.is_dir()));
        }
    }
    found.sort_unstable();
    for (name, is_folder) in found {
        if is_folder { each(data, &name, take) } else { take(&name) }?;
    }
    Ok(())
}

/// Copies a file with its time; says the hash of what was read.
pub(crate) fn copy_one(from: &Path, to: &Path) -> io::Result<u64> {
    let changed = fs::metadata(from)?.modified()?;
    fs::create_dir_all(to.parent().ok_or_else(|| io::Error::other("a file needs a folder"))?)?;
    let mut file = File::create(to)?;
    let hash = copy_into(from, &mut file)?;
    // By its time the archive knows when a segment may go.
    file.set_modified(changed)?;
    file.sync_all()?;
    Ok(hash)
}

fn copy_into(from: &Path, to: &mut dyn io::Write) -> io::Result<u64> {
    let (mut file, mut hash, mut buffer) = (File::open(from)?, Xxh3::new(), vec![0; BUFFER]);
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hash.digest()),
            read => {
                hash.update(&buffer[..read]);
                to.write_all(&buffer[..read])?;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_leads_into_the_folders_and_nowhere_else() {
        for good in ["archive/0/1-2.seg", "blobs/wsp_1/ab/abcd"] {
            assert!(is_ours(good), "{good}");
        }
        for bad in
            ["", "archive", "archives/x", "keys/kek", "archive/../keys/kek", "/archive/x", "./archive/x"]
        {
            assert!(!is_ours(bad), "{bad}");
        }
    }
}
