//! The content of a mail as it comes after DATA: lines that end with CR LF, a dot alone at the end, dots doubled before.

use std::io;

use tokio::io::{AsyncBufRead, AsyncBufReadExt as _};

/// What was read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// A mail.
    Whole(Vec<u8>),
    /// It has more bytes than are taken; the rest was read and dropped.
    TooLarge,
    /// It has line breaks that are none: what one server reads as the end of a mail, another reads as its middle, and in the
    /// gap a second mail can be smuggled.
    BareBreaks,
}

/// Reads up to the dot alone.
pub(super) async fn read(stream: &mut (impl AsyncBufRead + Unpin), limit: usize) -> io::Result<Content> {
    let mut content = Vec::new();
    let (mut line_start, mut too_large, mut bare) = (0, false, false);
    loop {
        let available = stream.fill_buf().await?;
        if available.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let (taken, ended) = match available.iter().position(|it| *it == b'\n') {
            Some(at) => (at + 1, true),
            None => (available.len(), false),
        };
        content.extend_from_slice(&available[..taken]);
        stream.consume(taken);
        if too_large || content.len() > limit.saturating_add(1_024) {
            too_large = true;
            // Only the line under way is needed to find the end.
            content.drain(..line_start);
            line_start = 0;
            if !ended && content.len() > 1_024 {
                content.drain(..content.len() - 8);
            }
        }
        if !ended {
            continue;
        }
        let line = &content[line_start..];
        if line == b".\r\n" {
            content.truncate(line_start);
            break;
        }
        let text = line.strip_suffix(b"\r\n");
        bare |= text.is_none_or(|it| it.contains(&b'\r'));
        if line.first() == Some(&b'.') {
            content.remove(line_start);
        }
        line_start = content.len();
    }
    if bare {
        return Ok(Content::BareBreaks);
    }
    Ok(if too_large || content.len() > limit { Content::TooLarge } else { Content::Whole(content) })
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn of(bytes: &[u8]) -> Content {
        read(&mut tokio::io::BufReader::with_capacity(7, bytes), 100).await.expect("read")
    }

    #[tokio::test]
    async fn dots_are_undone() {
        assert_eq!(of(b"a\r\n..b\r\n.\r\nrest").await, Content::Whole(b"a\r\n.b\r\n".to_vec()));
        assert_eq!(of(b".\r\n").await, Content::Whole(Vec::new()));
    }

    #[tokio::test]
    async fn what_could_smuggle_is_refused() {
        assert_eq!(of(b"a\n.\nMAIL FROM:<x>\r\n.\r\n").await, Content::BareBreaks);
        assert_eq!(of(b"a\r.\r\n.\r\n").await, Content::BareBreaks);
    }

    #[tokio::test]
    async fn too_much_is_read_to_its_end() {
        let mut long = vec![b'x'; 5_000];
        long.extend_from_slice(b"\r\n.\r\n");
        assert_eq!(of(&long).await, Content::TooLarge);
        assert_eq!(
            of(&b"0123456789\r\n".repeat(10).into_iter().chain(*b".\r\n").collect::<Vec<_>>()).await,
            Content::TooLarge
        );
        assert!(read(&mut tokio::io::BufReader::new(b"no end".as_slice()), 100).await.is_err());
    }
}
