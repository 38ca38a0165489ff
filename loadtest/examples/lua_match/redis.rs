//! The other side: a Redis of its own on a unix socket, spoken to in RESP with 64 calls in flight.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tempfile::TempDir;

use super::{AGENTS, COMPARED, Company, IN_FLIGHT, THEIRS};

const FUNCTIONS: &str = include_str!("match.lua");

/// Redis is not here.
#[derive(Debug, thiserror::Error)]
#[error("redis-server (7 or later) is missing: install the package redis-server")]
pub(crate) struct Missing;

/// A Redis that was started for this and ends with it.
pub(crate) struct Redis {
    child: Child,
    socket: BufReader<UnixStream>,
    _folder: TempDir,
}

impl Drop for Redis {
    fn drop(&mut self) {
        // Where it has ended by itself there is nothing to end.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Redis {
    pub(crate) fn start() -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("loadtest-redis-").tempdir()?;
        let path = folder.path().join("redis.sock");
        let started = Command::new("redis-server")
            .args(["--port", "0", "--save", "", "--appendonly", "no", "--daemonize", "no", "--unixsocket"])
            .arg(&path)
            .arg("--dir")
            .arg(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let child = match started {
            Ok(child) => child,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(Missing.into()),
            Err(error) => return Err(error).context("redis-server does not start"),
        };
        let mut socket = UnixStream::connect(&path);
        for _ in 0..100 {
            if socket.is_ok() {
                break;
            }
            std::thread::sleep(Duration::from_millis(50));
            socket = UnixStream::connect(&path);
        }
        let socket = BufReader::with_capacity(1 << 16, socket.context("redis-server does not answer")?);
        let mut redis = Self { child, socket, _folder: folder };
        redis.ask(&["FUNCTION", "LOAD", FUNCTIONS])?;
        Ok(redis)
    }

    /// Makes all agents idle, each since a time of its own.
    pub(crate) fn fill(&mut self, company: &Company) -> Result<()> {
        self.ask(&["FLUSHALL"])?;
        for profile in 0..company.profiles.len() {
            let mut words = vec!["ZADD".to_owned(), set(profile)];
            for agent in (0..AGENTS).filter(|agent| Company::profile(*agent) == profile) {
                words.extend([agent.to_string(), agent.to_string()]);
            }
            self.ask(&words.iter().map(String::as_str).collect::<Vec<_>>())?;
        }
        Ok(())
    }

    /// Serves one conversation after another; says whom the first ones got.
    pub(crate) fn serve(&mut self, company: &Company, function: &str) -> Result<Vec<u64>> {
        let sets: Vec<Vec<String>> =
            (0..super::SKILLS).map(|skill| company.fitting(skill).map(set).collect()).collect();
        let mut chosen = Vec::with_capacity(THEIRS);
        let mut sent = 0;
        let mut out = Vec::new();
        while chosen.len() < THEIRS {
            // Half of the window goes out while the other half is under way.
            while sent < THEIRS && sent - chosen.len() < IN_FLIGHT {
                let need = usize::try_from(company.needs[sent])?;
                let (time, id) = ((AGENTS + sent).to_string(), format!("cnv:{sent}"));
                let mut words: Vec<&str> = vec!["FCALL", function, ""];
                words.extend(sets[need].iter().map(String::as_str));
                if function == "serve_and_record" {
                    words.extend(["log", &id]);
                }
                let keys = (words.len() - 3).to_string();
                words[2] = &keys;
                words.push(&time);
                if function == "serve_and_record" {
                    words.push(&id);
                }
                encode(&words, &mut out);
                sent += 1;
            }
            self.socket.get_mut().write_all(&out)?;
            out.clear();
            for _ in 0..(sent - chosen.len()).min(IN_FLIGHT / 2) {
                chosen.push(self.answer()?.parse().context("nobody was chosen")?);
            }
        }
        chosen.truncate(COMPARED.max(1));
        Ok(chosen)
    }

    pub(crate) fn version(&mut self) -> Result<String> {
        let told = self.ask(&["INFO", "server"])?;
        let version = told.lines().find_map(|line| line.strip_prefix("redis_version:"));
        Ok(version.context("Redis tells no version")?.to_owned())
    }

    fn ask(&mut self, words: &[&str]) -> Result<String> {
        let mut out = Vec::new();
        encode(words, &mut out);
        self.socket.get_mut().write_all(&out)?;
        self.answer()
    }

    /// One answer: a line, a number or a text.
    fn answer(&mut self) -> Result<String> {
        let mut line = String::new();
        self.socket.read_line(&mut line)?;
        let line = line.trim_end();
        match line.split_at_checked(1) {
            Some(("+" | ":", rest)) => Ok(rest.to_owned()),
            Some(("$", length)) => {
                let mut text = vec![0; length.parse::<usize>()? + 2];
                self.socket.read_exact(&mut text)?;
                Ok(String::from_utf8(text)?.trim_end().to_owned())
            }
            _ => bail!("Redis answered: {line}"),
        }
    }
}

fn set(profile: usize) -> String {
    format!("idle:{profile}")
}

/// A call in RESP: an array of texts.
fn encode(words: &[&str], out: &mut Vec<u8>) {
    out.extend_from_slice(format!("*{}\r\n", words.len()).as_bytes());
    for word in words {
        out.extend_from_slice(format!("${}\r\n{word}\r\n", word.len()).as_bytes());
    }
}
