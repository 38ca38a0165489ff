//! Files of rows: each row a kind and three parts, each part its length (u64, little endian) and its bytes; the last row
//! holds the hash (xxh3-64) of all before it, so that a cut file is known.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write as _};
use std::path::Path;

use xxhash_rust::xxh3::Xxh3;

use super::BackupError;

/// A record: shard, position, bytes.
pub(super) const RECORD: u8 = 0;
/// A row of a side table: its name, key, value.
pub(super) const ROW: u8 = 1;
const END: u8 = 2;
/// No part is longer: it came from a batch, which is bounded.
const MAX_PART: u64 = 32 << 20;
const BUFFER: usize = 1 << 18;

/// A row that was read.
pub(super) struct Row {
    pub(super) kind: u8,
    pub(super) parts: [Vec<u8>; 3],
}

/// Writes rows.
pub(super) struct RowWriter {
    file: BufWriter<File>,
    hash: Xxh3,
    row: Vec<u8>,
}

impl RowWriter {
    pub(super) fn create(path: &Path) -> io::Result<Self> {
        let file = BufWriter::with_capacity(BUFFER, File::create(path)?);
        Ok(Self { file, hash: Xxh3::new(), row: Vec::new() })
    }

    pub(super) fn put(&mut self, kind: u8, parts: [&[u8]; 3]) -> io::Result<()> {
        self.row.clear();
        self.row.push(kind);
        for part in parts {
            self.row.extend_from_slice(&(part.len() as u64).to_le_bytes());
            self.row.extend_from_slice(part);
        }
        self.hash.update(&self.row);
        self.file.write_all(&self.row)
    }

    /// Writes the last row and syncs; says the hash.
    pub(super) fn finish(mut self) -> io::Result<u64> {
        let hash = self.hash.digest();
        self.put(END, [&hash.to_le_bytes(), &[], &[]])?;
        self.file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
        Ok(hash)
    }
}

/// Reads rows, and finds out at the end whether all were there.
pub(super) struct RowReader {
    file: BufReader<File>,
    hash: Xxh3,
}

impl RowReader {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        Ok(Self { file: BufReader::with_capacity(BUFFER, File::open(path)?), hash: Xxh3::new() })
    }

    /// The next row; none after the last.
    pub(super) fn next(&mut self) -> Result<Option<Row>, BackupError> {
        let before = self.hash.digest();
        let mut kind = [0];
        self.file.read_exact(&mut kind).map_err(cut)?;
        self.hash.update(&kind);
        let row = Row { kind: kind[0], parts: [self.part()?, self.part()?, self.part()?] };
        match row.kind {
            RECORD | ROW => Ok(Some(row)),
            END if row.parts[0] == before.to_le_bytes() => Ok(None),
            _ => Err(BackupError::Damaged("its rows do not match their hash".into())),
        }
    }

    fn part(&mut self) -> Result<Vec<u8>, BackupError> {
        let mut length = [0; 8];
        self.file.read_exact(&mut length).map_err(cut)?;
        self.hash.update(&length);
        let length = u64::from_le_bytes(length);
        if length > MAX_PART {
            return Err(BackupError::Damaged("a length cannot be".into()));
        }
        let mut bytes = Vec::new();
        (&mut self.file).take(length).read_to_end(&mut bytes)?;
        if bytes.len() as u64 != length {
            return Err(cut(io::ErrorKind::UnexpectedEof.into()));
        }
        self.hash.update(&bytes);
        Ok(bytes)
    }
}

fn cut(error: io::Error) -> BackupError {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => BackupError::Damaged("it ends early".into()),
        _ => error.into(),
    }
}

/// Reads a file of rows to its end; says the hash.
pub(super) fn check(path: &Path) -> Result<u64, BackupError> {
    let mut rows = RowReader::open(path)?;
    loop {
        let before = rows.hash.digest();
        if rows.next()?.is_none() {
            return Ok(before);
        }
    }
}
