//! A store as it would be after the machine lost its power: only what was synced is there.
//!
//! * Bytes written after the last completed sync of their file are zero, and the file is no longer than it was then.
//! * A file that was never synced, and whose folder was not synced after it was made, is gone.
//! * A file whose own sync completed keeps its name, as on ext4, XFS and Btrfs; a rename keeps the new name, with the
//!   content that was synced; a removed file stays removed. Earlier contents that were overwritten in place are not
//!   recorded, so an unsynced overwrite counts as destroyed: that is the worst case.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::trace::Op;

/// What is known of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Known {
    /// Writes that no completed sync covers, as ranges.
    unsynced: Vec<(u64, u64)>,
    size: u64,
    /// The newest completed sync, and the size that it made durable.
    synced: Option<(usize, u64)>,
    /// Its folder was synced since it was made.
    named: bool,
}

/// A sync under way: what it will have covered when it is done.
#[derive(Debug)]
struct Sync {
    path: PathBuf,
    covers: usize,
    size: u64,
}

/// The durable state of all files that a trace touched.
#[derive(Debug, Default)]
pub(super) struct Durable {
    files: BTreeMap<PathBuf, Known>,
    positions: BTreeMap<u32, u64>,
    syncs: BTreeMap<usize, Sync>,
}

/// What a cut did.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Dropped {
    pub(super) files: u64,
    pub(super) bytes: u64,
}

impl Durable {
    /// What a trace leaves.
    pub(super) fn after(ops: &[Op]) -> Self {
        let mut durable = Self::default();
        ops.iter().for_each(|op| durable.take(op));
        durable
    }

    fn take(&mut self, op: &Op) {
        match op {
            Op::Open { fd, path, truncated, append } => {
                let known = self.files.entry(path.clone()).or_default();
                if *truncated {
                    *known = Known { named: known.named, ..Known::default() };
                }
                self.positions.insert(*fd, if *append { known.size } else { 0 });
            }
            Op::Write { fd, path, bytes, at } => {
                let position = self.positions.entry(*fd).or_default();
                let from = at.unwrap_or(*position);
                let to = from + bytes;
                if at.is_none() {
                    *position = to;
                }
                let known = self.files.entry(path.clone()).or_default();
                known.size = known.size.max(to);
                match known.unsynced.last_mut() {
                    // Appends run together; a sync under way covers whole entries only, so it must not be stretched.
                    Some(last) if last.1 == from && !self.syncs.values().any(|sync| sync.path == *path) => {
                        last.1 = to;
                    }
                    _ => known.unsynced.push((from, to)),
                }
            }
            Op::Seek { fd, to } => {
                self.positions.insert(*fd, *to);
            }
            Op::Size { path, bytes } => self.files.entry(path.clone()).or_default().size = *bytes,
            Op::SyncBegins { path, sync } => {
                let known = self.files.entry(path.clone()).or_default();
                let begun = Sync { path: path.clone(), covers: known.unsynced.len(), size: known.size };
                self.syncs.insert(*sync, begun);
            }
            Op::SyncDone { sync } => {
                let Some(done) = self.syncs.remove(sync) else { return };
                if let Some(known) = self.files.get_mut(&done.path) {
                    known.unsynced.drain(..done.covers.min(known.unsynced.len()));
                    // Of two syncs at once the older one may end last.
                    if known.synced.is_none_or(|(newest, _)| newest < *sync) {
                        known.synced = Some((*sync, done.size));
                    }
                }
                // If it was a folder, the names in it are durable.
                for (path, known) in &mut self.files {
                    known.named |= path.parent() == Some(&done.path);
                }
                // Another sync of the same file that is under way covers fewer entries now.
                for other in self.syncs.values_mut().filter(|other| other.path == done.path) {
                    other.covers = other.covers.saturating_sub(done.covers);
                }
            }
            Op::Rename { from, to } => {
                if let Some(known) = self.files.remove(from) {
                    self.files.insert(to.clone(), Known { named: false, ..known });
                }
            }
            Op::Unlink { path } => {
                self.files.remove(path);
            }
        }
    }

    /// Copies a folder as the trace left it durable.
    pub(super) fn copy(&self, from: &Path, to: &Path) -> Result<Dropped> {
        let mut dropped = Dropped::default();
        self.copy_folder(from, to, &mut dropped).with_context(|| format!("cutting {}", from.display()))?;
        Ok(dropped)
    }

    fn copy_folder(&self, from: &Path, to: &Path, dropped: &mut Dropped) -> Result<()> {
        fs::create_dir_all(to)?;
        for entry in fs::read_dir(from)? {
            let entry = entry?;
            let (source, target) = (entry.path(), to.join(entry.file_name()));
            if entry.file_type()?.is_dir() {
                self.copy_folder(&source, &target, dropped)?;
                continue;
            }
            let known = self.files.get(&source).cloned().unwrap_or_default();
            if known.synced.is_none() && !known.named {
                dropped.files += 1;
                continue;
            }
            fs::copy(&source, &target)?;
            let file = OpenOptions::new().write(true).open(&target)?;
            dropped.bytes += cut(file, &known)?;
        }
        Ok(())
    }
}

/// Cuts one copied file back; says how many bytes were lost.
fn cut(mut file: fs::File, known: &Known) -> Result<u64> {
    let size = known.synced.map_or(0, |(_, size)| size);
    let mut lost = file.metadata()?.len().saturating_sub(size);
    if lost > 0 {
        file.set_len(size)?;
    }
    for (from, to) in &known.unsynced {
        let to = (*to).min(size);
        if *from < to {
            file.seek(SeekFrom::Start(*from))?;
            let bytes = to - from;
            file.write_all(&vec![0; usize::try_from(bytes)?])?;
            lost += bytes;
        }
    }
    Ok(lost)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder with one file of ten bytes, and its path.
    fn folder() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("journal");
        fs::write(&file, "0123456789").unwrap();
        (folder, file)
    }

    fn after(ops: &[Op], folder: &Path) -> (Option<Vec<u8>>, Dropped) {
        let to = tempfile::tempdir().unwrap();
        let dropped = Durable::after(ops).copy(folder, to.path()).unwrap();
        (fs::read(to.path().join("journal")).ok(), dropped)
    }

    fn open(path: &Path) -> Op {
        Op::Open { fd: 3, path: path.to_owned(), truncated: true, append: false }
    }

    fn write(path: &Path, bytes: u64) -> Op {
        Op::Write { fd: 3, path: path.to_owned(), bytes, at: None }
    }

    fn sync(path: &Path, sync: usize) -> [Op; 2] {
        [Op::SyncBegins { path: path.to_owned(), sync }, Op::SyncDone { sync }]
    }

    #[test]
    fn what_was_written_after_the_last_sync_is_cut_off() {
        let (folder, file) = folder();
        let [begins, done] = sync(&file, 0);
        let ops = [open(&file), write(&file, 6), begins, done, write(&file, 4)];
        let (content, dropped) = after(&ops, folder.path());
        assert_eq!(content.as_deref(), Some(b"012345".as_slice()));
        assert_eq!(dropped, Dropped { files: 0, bytes: 4 });
    }

    #[test]
    fn in_a_file_of_fixed_size_it_is_zero() {
        let (folder, file) = folder();
        let [begins, done] = sync(&file, 0);
        let ops = [
            open(&file),
            Op::Size { path: file.clone(), bytes: 10 },
            write(&file, 6),
            begins,
            done,
            write(&file, 2),
        ];
        assert_eq!(after(&ops, folder.path()).0.as_deref(), Some(b"012345\0\x0089".as_slice()));
    }

    #[test]
    fn a_sync_covers_what_was_written_before_it_began() {
        let (folder, file) = folder();
        let [begins, done] = sync(&file, 0);
        let ops = [open(&file), write(&file, 4), begins, write(&file, 6), done];
        assert_eq!(after(&ops, folder.path()).0.as_deref(), Some(b"0123".as_slice()));
    }

    #[test]
    fn without_any_sync_nothing_is_there() {
        let (folder, file) = folder();
        let (content, dropped) = after(&[open(&file), write(&file, 10)], folder.path());
        assert_eq!((content, dropped.files), (None, 1));
        let [begins, done] = sync(folder.path(), 0);
        let ops = [open(&file), write(&file, 10), begins, done];
        assert_eq!(after(&ops, folder.path()).0.as_deref(), Some(b"".as_slice()), "only its name");
    }

    #[test]
    fn a_renamed_file_keeps_what_was_synced() {
        let (folder, file) = folder();
        let beside = folder.path().join("journal.part");
        let [begins, done] = sync(&beside, 0);
        let rename = Op::Rename { from: beside.clone(), to: file };
        let ops = [open(&beside), write(&beside, 10), begins, done, rename];
        assert_eq!(after(&ops, folder.path()).0.as_deref(), Some(b"0123456789".as_slice()));
    }

    #[test]
    fn two_syncs_at_once_cover_each_its_own() {
        let (folder, file) = folder();
        let begins = |sync| Op::SyncBegins { path: file.clone(), sync };
        let ops = [
            open(&file),
            write(&file, 2),
            begins(0),
            write(&file, 2),
            begins(1),
            write(&file, 6),
            Op::SyncDone { sync: 0 },
            Op::SyncDone { sync: 1 },
        ];
        assert_eq!(after(&ops, folder.path()).0.as_deref(), Some(b"0123".as_slice()));
    }
}
