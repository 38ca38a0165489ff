//! The order of writes and syncs of a server, as `strace` records it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};

use crate::fail::Missing;

/// What is recorded.
const CALLS: &str = "trace=write,pwrite64,writev,pwritev,pwritev2,lseek,ftruncate,fallocate,fsync,fdatasync,openat,\
                     rename,renameat,renameat2,unlink,unlinkat";
const END_MAX: Duration = Duration::from_secs(20);

/// Something that the server did to a file, in the order in which it did it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Op {
    /// A descriptor now stands for this file.
    Open { fd: u32, path: PathBuf, truncated: bool, append: bool },
    /// So many bytes at the descriptor's position, or at `at`. Whether it ended is not known for the last ones.
    Write { fd: u32, path: PathBuf, bytes: u64, at: Option<u64> },
    /// The descriptor's new position.
    Seek { fd: u32, to: u64 },
    /// The file's new size.
    Size { path: PathBuf, bytes: u64 },
    /// A sync of this file or folder has begun; `sync` names it.
    SyncBegins { path: PathBuf, sync: usize },
    /// It is done.
    SyncDone { sync: usize },
    /// A file has another name.
    Rename { from: PathBuf, to: PathBuf },
    /// A name is gone.
    Unlink { path: PathBuf },
}

/// The words before the server's command line. The tracer is a grandchild, so that the server stays our own child and can
/// be killed as such.
pub(super) fn prefix(trace: &Path) -> Result<Vec<String>> {
    let there = std::process::Command::new("strace").arg("-V").output().is_ok_and(|it| it.status.success());
    if !there {
        return Err(Missing("strace: install the package `strace`".to_owned()).into());
    }
    let trace = trace.display().to_string();
    let words = ["strace", "-D", "-f", "--seccomp-bpf", "-yy", "-s", "0", "-e", CALLS, "-o"];
    Ok(words.into_iter().map(str::to_owned).chain([trace]).collect())
}

/// Waits until the tracer has written down that this process ended, and reads the trace.
pub(super) async fn read(trace: &Path, pid: u32) -> Result<Vec<Op>> {
    let started = Instant::now();
    loop {
        let text = tokio::fs::read_to_string(trace).await.context("the trace")?;
        let ended = |line: &str| {
            line.split_once(' ')
                .is_some_and(|(id, rest)| id == pid.to_string() && rest.trim_start().starts_with("+++"))
        };
        if text.lines().rev().take(200).any(ended) {
            return parse(&text);
        }
        ensure!(started.elapsed() < END_MAX, "the tracer did not note the end of the server");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Reads a trace.
pub(super) fn parse(text: &str) -> Result<Vec<Op>> {
    let mut ops = Vec::new();
    let mut pending: HashMap<&str, (String, usize)> = HashMap::new();
    let mut syncs = 0;
    for line in text.lines() {
        let Some((pid, rest)) = line.split_once(' ') else { continue };
        let rest = rest.trim_start();
        if let Some(begun) = rest.strip_suffix("<unfinished ...>") {
            if let Some(path) = sync_of(begun) {
                ops.push(Op::SyncBegins { path, sync: syncs });
            }
            pending.insert(pid, (begun.trim_end().to_owned(), syncs));
            syncs += 1;
        } else if rest.starts_with("<... ") {
            let Some((begun, sync)) = pending.remove(pid) else { continue };
            let ended = rest.split_once("resumed>").map_or("", |(_, ended)| ended);
            let whole = format!("{begun}{ended}");
            if sync_of(&whole).is_some() {
                if result(&whole) == Some(0) {
                    ops.push(Op::SyncDone { sync });
                }
            } else {
                ops.extend(op(&whole));
            }
        } else if let Some(path) = sync_of(rest) {
            if result(rest) == Some(0) {
                ops.push(Op::SyncBegins { path, sync: syncs });
                ops.push(Op::SyncDone { sync: syncs });
            }
            syncs += 1;
        } else {
            ops.extend(op(rest));
        }
    }
    // What the kill interrupted may have been done in part: it counts as written, and not as synced.
    let mut open: Vec<_> = pending.into_iter().collect();
    open.sort();
    ops.extend(open.into_iter().filter_map(|(_, (begun, _))| interrupted(&begun)));
    Ok(ops)
}

fn sync_of(call: &str) -> Option<PathBuf> {
    let rest = call.strip_prefix("fsync(").or_else(|| call.strip_prefix("fdatasync("))?;
    descriptor(rest).and_then(|(_, path)| path)
}

/// `12</data/x>, ...` -> descriptor and path; none where it stands for no file.
fn descriptor(text: &str) -> Option<(u32, Option<PathBuf>)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let fd = text[..digits].parse().ok()?;
    let path = text[digits..].strip_prefix('<').and_then(|rest| rest.split('>').next());
    Some((fd, path.filter(|path| path.starts_with('/')).map(PathBuf::from)))
}

/// What a call returned, if it succeeded.
fn result(call: &str) -> Option<u64> {
    let (_, told) = call.rsplit_once(" = ")?;
    let digits = told.bytes().take_while(u8::is_ascii_digit).count();
    told[..digits].parse().ok()
}

/// The number that is the call's argument at this place from the end.
fn argument(call: &str, from_end: usize) -> Option<u64> {
    let arguments = call.rsplit_once(')').map_or(call, |(arguments, _)| arguments);
    arguments.rsplit(", ").nth(from_end)?.trim().parse().ok()
}

/// The text in quotes number `index`.
fn quoted(call: &str, index: usize) -> Option<PathBuf> {
    call.split('"').nth(index * 2 + 1).map(PathBuf::from)
}

fn op(call: &str) -> Option<Op> {
    let (name, arguments) = call.split_once('(')?;
    let returned = result(call)?;
    Some(match name {
        "openat" => {
            let flags = call.rsplit_once('"')?.1;
            let truncated = flags.contains("O_TRUNC") || flags.contains("O_EXCL");
            let fd = u32::try_from(returned).ok()?;
            Op::Open { fd, path: quoted(call, 0)?, truncated, append: flags.contains("O_APPEND") }
        }
        "write" | "writev" | "pwrite64" | "pwritev" | "pwritev2" => {
            let (fd, path) = descriptor(arguments)?;
            let at = match name {
                "pwrite64" | "pwritev" => argument(call, 0),
                "pwritev2" => argument(call, 1),
                _ => None,
            };
            Op::Write { fd, path: path?, bytes: returned, at }
        }
        "lseek" => Op::Seek { fd: descriptor(arguments)?.0, to: returned },
        "ftruncate" => Op::Size { path: descriptor(arguments)?.1?, bytes: argument(call, 0)? },
        "rename" | "renameat" | "renameat2" => Op::Rename { from: quoted(call, 0)?, to: quoted(call, 1)? },
        "unlink" | "unlinkat" => Op::Unlink { path: quoted(call, 0)? },
        _ => return None,
    })
}

fn interrupted(begun: &str) -> Option<Op> {
    let (name, arguments) = begun.split_once('(')?;
    let (fd, path) = descriptor(arguments)?;
    let (bytes, at) = match name {
        "write" => (argument(begun, 0)?, None),
        "pwrite64" => (argument(begun, 1)?, argument(begun, 0)),
        _ => return None,
    };
    Some(Op::Write { fd, path: path?, bytes, at })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_become_ops_in_their_order() {
        let text = r#"7 openat(AT_FDCWD</x>, "/d/0.jnl", O_RDWR|O_CREAT|O_EXCL|O_CLOEXEC, 0666) = 12</d/0.jnl>
7 ftruncate(12</d/0.jnl>, 64) = 0
8 write(12</d/0.jnl>, ""..., 10) = 10
8 fdatasync(12</d/0.jnl> <unfinished ...>
7 pwrite64(12</d/0.jnl>, ""..., 4, 20) = 4
7 write(3<TCP:[127.0.0.1:1->127.0.0.1:2]>, ""..., 9) = 9
8 <... fdatasync resumed>) = 0
7 openat(AT_FDCWD</x>, "/d/none", O_RDONLY|O_CLOEXEC) = -1 ENOENT (No such file or directory)
7 renameat(AT_FDCWD</x>, "/d/a", AT_FDCWD</x>, "/d/b") = 0
7 unlink("/d/c") = 0
7 lseek(12</d/0.jnl>, 0, SEEK_SET) = 0
8 write(12</d/0.jnl>, ""..., 30 <unfinished ...>
7 +++ killed by SIGKILL +++
"#;
        let journal = || PathBuf::from("/d/0.jnl");
        let expected = vec![
            Op::Open { fd: 12, path: journal(), truncated: true, append: false },
            Op::Size { path: journal(), bytes: 64 },
            Op::Write { fd: 12, path: journal(), bytes: 10, at: None },
            Op::SyncBegins { path: journal(), sync: 0 },
            Op::Write { fd: 12, path: journal(), bytes: 4, at: Some(20) },
            Op::SyncDone { sync: 0 },
            Op::Rename { from: "/d/a".into(), to: "/d/b".into() },
            Op::Unlink { path: "/d/c".into() },
            Op::Seek { fd: 12, to: 0 },
            Op::Write { fd: 12, path: journal(), bytes: 30, at: None },
        ];
        assert_eq!(parse(text).unwrap(), expected);
    }

    #[test]
    fn a_failed_sync_is_none() {
        let text = "7 fdatasync(12</d/x>) = -1 EIO (Input/output error)\n";
        assert_eq!(parse(text).unwrap(), []);
    }
}
