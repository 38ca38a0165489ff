//! A data folder: locked for one process, with a format number, and fjall's store in it.
//!
//! Format 2 stores one row for all that a shard appended in one commit, with a seeded checksum; format 1, a row for each
//! batch. Rows of both are read, so the upgrade is the number alone.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::Path;

use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};

use super::journal;
use crate::file::{sync_folder, write_whole};
use crate::{Level, OpenError, Table, Tuning};

/// The format of the data folder that this program writes. 1 is the first.
const FORMAT: u32 = 2;

/// fjall's handles.
#[derive(Clone)]
pub(super) struct Store {
    pub(super) database: Database,
    pub(super) records: Keyspace,
    tables: [Keyspace; Table::ALL.len()],
}

impl Store {
    pub(super) fn table(&self, table: Table) -> &Keyspace {
        &self.tables[table as usize]
    }
}

fn trouble(path: &Path) -> impl Fn(io::Error) -> OpenError {
    move |error| OpenError::Io { path: path.to_path_buf(), detail: error.to_string() }
}

/// Takes the folder for this process, as long as the file is open.
pub(crate) fn lock(path: &Path) -> Result<File, OpenError> {
    fs::create_dir_all(path).map_err(trouble(path))?;
    let file = File::create(path.join("lock")).map_err(trouble(path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::Locked(path.to_path_buf())),
        Err(TryLockError::Error(error)) => Err(trouble(path)(error)),
    }
}

/// What a folder holds while another store is moved into it: which.
const MOVING: &str = "moving";

fn moving(path: &Path) -> Result<Option<String>, OpenError> {
    match fs::read_to_string(path.join(MOVING)) {
        Ok(which) => Ok(Some(which)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(trouble(path)(error)),
    }
}

/// Refuses a folder that holds a part of a store.
pub(super) fn whole(path: &Path) -> Result<(), OpenError> {
    match moving(path)? {
        Some(_) => Err(OpenError::Unfinished(path.display().to_string())),
        None => Ok(()),
    }
}

/// Takes a folder for a move: an empty one, or one in which the same move broke off.
pub(super) fn begin_move(path: &Path, which: &str) -> Result<(), OpenError> {
    match moving(path)? {
        Some(found) if found == which => Ok(()),
        Some(_) => Err(OpenError::OtherMove(path.display().to_string())),
        None => {
            let entries = path.read_dir().map_err(trouble(path))?;
            if entries.flatten().any(|entry| entry.file_name() != "lock") {
                return Err(OpenError::NotEmpty(path.display().to_string()));
            }
            write_whole(&path.join(MOVING), which.as_bytes()).map_err(trouble(path))
        }
    }
}

/// From now on the folder is a data folder like any other.
pub(super) fn end_move(path: &Path) -> Result<(), OpenError> {
    fs::remove_file(path.join(MOVING)).and_then(|()| sync_folder(path)).map_err(trouble(path))
}

/// Looks at the folder's format: an older one is upgraded, a newer one refused.
pub(super) fn check_format(path: &Path) -> Result<(), OpenError> {
    let file = path.join("format");
    match fs::read_to_string(&file) {
        Ok(text) => match text.trim().parse::<u32>() {
            Ok(FORMAT) => return Ok(()),
            Ok(older @ 1..FORMAT) => tracing::info!(older, FORMAT, "the data folder is upgraded"),
            _ => return Err(OpenError::Newer(text.trim().chars().take(20).collect())),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(trouble(path)(error)),
    }
    write_whole(&file, format!("{FORMAT}\n").as_bytes()).map_err(trouble(path))
}

/// Opens fjall, after a look at its journals.
pub(super) fn open(path: &Path, level: Level, tuning: &Tuning) -> Result<Store, OpenError> {
    let folder = path.join("store");
    journal::check(&folder, level)?;
    let open = || -> Result<Store, fjall::Error> {
        let database = Database::builder(&folder)
            .manual_journal_persist(true)
            // Bodies are sealed, which nothing compresses.
            .journal_compression(fjall::CompressionType::None)
            .cache_size(tuning.cache_bytes)
            .max_journaling_size(tuning.journal_bytes.max(64 << 20))
            .worker_threads(1)
            .open()?;
        let keyspace = |name: &str| {
            database.keyspace(name, || {
                KeyspaceCreateOptions::default()
                    .manual_journal_persist(true)
                    .max_memtable_size(tuning.memtable_bytes)
            })
        };
        let records = keyspace("records")?;
        let tables =
            Table::ALL.map(|table| keyspace(table.name())).into_iter().collect::<Result<Vec<_>, _>>()?;
        let tables = tables.try_into().map_err(|_| fjall::Error::Unrecoverable)?;
        database.persist(PersistMode::SyncAll)?;
        Ok(Store { database, records, tables })
    };
    open().map_err(|error| match error {
        fjall::Error::Locked => OpenError::Locked(path.to_path_buf()),
        other => OpenError::Io { path: path.to_path_buf(), detail: other.to_string() },
    })
}
