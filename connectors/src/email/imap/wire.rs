//! Responses off the wire: lines, and literals that are raw bytes in the middle of them (RFC 3501, section 4.3).

use std::io;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};

use super::super::net::{Stream, within};

/// A line without its literals, in bytes.
const LINE_MAX: usize = 64 * 1024;
/// Literals of one response.
const LITERALS_MAX: usize = 64;

/// A connection that speaks IMAP.
pub(super) struct Wire {
    stream: BufReader<Stream>,
    /// Bytes that one response may have.
    limit: usize,
}

impl Wire {
    pub(super) fn new(stream: Stream, limit: usize) -> Self {
        Self { stream: BufReader::new(stream), limit }
    }

    /// The connection itself, without what was read ahead: that came before TLS and is not believed.
    pub(super) fn into_stream(self) -> Stream {
        self.stream.into_inner()
    }

    pub(super) async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        within(Duration::from_secs(60), async {
            self.stream.get_mut().write_all(bytes).await?;
            self.stream.get_mut().flush().await
        })
        .await
    }

    /// One response, with its literals, and its line break.
    pub(super) async fn response(&mut self, patience: Duration) -> io::Result<Vec<u8>> {
        within(patience, async {
            let mut response = Vec::new();
            for _ in 0..LITERALS_MAX {
                let begun = response.len();
                let read = (&mut self.stream).take(LINE_MAX as u64).read_until(b'\n', &mut response).await?;
                if read == 0 || !response.ends_with(b"\n") {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                let Some(length) = literal(&response[begun..]) else { return Ok(response) };
                if response.len().saturating_add(length) > self.limit {
                    return Err(io::Error::other("the server sends more than was asked for"));
                }
                let at = response.len();
                response.resize(at + length, 0);
                self.stream.read_exact(&mut response[at..]).await?;
            }
            Err(io::Error::other("a response has too many parts"))
        })
        .await
    }
}

/// The length of the literal that a line announces at its end: `{123}`.
fn literal(line: &[u8]) -> Option<usize> {
    let line = line.strip_suffix(b"\n")?;
    let line = line.strip_suffix(b"\r").unwrap_or(line).strip_suffix(b"}")?;
    let open = line.iter().rposition(|it| *it == b'{')?;
    std::str::from_utf8(&line[open + 1..]).ok()?.trim_end_matches('+').parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_are_announced_at_the_end() {
        assert_eq!(literal(b"* 1 FETCH (BODY[] {123}\r\n"), Some(123));
        assert_eq!(literal(b"* OK {5} fine\r\n"), None);
        assert_eq!(literal(b"* OK {x}\r\n"), None);
    }

    #[tokio::test]
    async fn a_response_is_read_with_its_literal() {
        let (ours, mut theirs) = tokio::io::duplex(1_024);
        let mut wire = Wire::new(Box::new(ours), 100);
        theirs.write_all(b"* 1 FETCH (BODY[] {5}\r\na\r\nb) UID 3)\r\nA1 OK\r\n").await.expect("written");
        let limit = Duration::from_secs(5);
        assert_eq!(wire.response(limit).await.expect("read"), b"* 1 FETCH (BODY[] {5}\r\na\r\nb) UID 3)\r\n");
        assert_eq!(wire.response(limit).await.expect("read"), b"A1 OK\r\n");
        theirs.write_all(b"* 1 FETCH (BODY[] {500}\r\n").await.expect("written");
        assert!(wire.response(limit).await.is_err());
    }
}
