//! What lies beside a store: archive segments, attachments, key files.

use std::fs;
use std::path::Path;

use super::FillError;
use crate::backup::{FOLDERS, copy_one, each, key_files};
use crate::blob;
use crate::file::write_private;

/// Copies the files beside a store that `wanted` names by their paths, each with its time; says how many. One that is there
/// already, of the same size, is left as it is: none of them ever changes. The blob store may be elsewhere than the rest.
///
/// # Errors
/// If one cannot be read or written.
pub fn copy_files(
    from: &Path,
    to: &Path,
    blobs: &Path,
    wanted: &dyn Fn(&str) -> bool,
) -> Result<u64, FillError> {
    let mut count = 0;
    for folder in FOLDERS {
        each(from, folder, &mut |name| {
            if !wanted(name) {
                return Ok(());
            }
            count += 1;
            let to = if folder == blob::FOLDER { blobs } else { to };
            let (old, new) = (from.join(name), to.join(name));
            let there = fs::metadata(&new).ok().map(|it| it.len());
            if there == Some(fs::metadata(&old)?.len()) {
                return Ok(());
            }
            // Under another name first, so that a copy which broke off is not taken for whole.
            let beside = new.with_extension("part");
            copy_one(&old, &beside)?;
            fs::rename(&beside, &new)
        })?;
    }
    Ok(count)
}

/// Copies the key files from below one folder to below another, unless they are there already.
///
/// # Errors
/// If others are there, or they cannot be read or written.
pub fn copy_keys(from: &Path, to: &Path) -> Result<(), FillError> {
    let (from, to) = (from.join("keys"), to.join("keys"));
    let there = key_files(&to)?;
    let keys = key_files(&from)?;
    if there.iter().any(|(_, key)| key.is_some()) && there != keys {
        return Err(FillError::OtherKeys(to.display().to_string()));
    }
    for (name, key) in keys {
        if let Some(key) = key {
            write_private(&to.join(name), &key)?;
        }
    }
    Ok(())
}
