//! A small HTTP/1.1 client: one request a connection, bounded, with the bytes in hand, so that tests can also send what
//! a decent client never would.

use std::net::SocketAddr;

use protocol::Problem;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::PATIENCE;

/// More than any answer of ours.
const ANSWER_MAX: u64 = 16 * 1024 * 1024;

/// An answer.
#[derive(Debug)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// Names in lower case, with values.
    pub headers: Vec<(String, String)>,
    /// The body as text.
    pub body: String,
}

impl Response {
    /// A header's value.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// The body of an answer that says yes.
    ///
    /// # Panics
    /// Where it says no, or the body has another form.
    #[must_use]
    pub fn json<T: DeserializeOwned>(&self) -> T {
        assert!((200..300).contains(&self.status), "refused with {}: {}", self.status, self.body);
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error} in {}", self.body))
    }

    /// The problem of an answer that says no with this status.
    ///
    /// # Panics
    /// Where the status is another one, or the body is not a problem document.
    pub fn problem(&self, status: u16) -> Problem {
        assert_eq!(self.status, status, "{}", self.body);
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{}", self.body);
        let problem: Problem =
            serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error} in {}", self.body));
        assert_eq!(problem.status, status);
        assert!(!problem.detail.is_empty(), "a problem says what happened");
        problem
    }
}

/// The HTTP API, as one who has this token, or none.
#[derive(Debug, Clone)]
pub struct Api {
    /// Where the server listens.
    pub address: SocketAddr,
    /// A bearer token.
    pub token: Option<String>,
}

impl Api {
    /// `GET` a path such as `/api/v1/board`.
    pub async fn get(&self, path: &str) -> Response {
        self.send("GET", path, &[], "").await
    }

    /// `POST` a body as JSON.
    pub async fn post(&self, path: &str, body: &impl Serialize) -> Response {
        let body = serde_json::to_string(body).expect("bodies of tests have a JSON form");
        self.send("POST", path, &[("content-type", "application/json")], &body).await
    }

    /// `PUT` a body as JSON.
    pub async fn put(&self, path: &str, body: &impl Serialize) -> Response {
        let body = serde_json::to_string(body).expect("bodies of tests have a JSON form");
        self.send("PUT", path, &[("content-type", "application/json")], &body).await
    }

    /// Any request.
    ///
    /// # Panics
    /// Where no HTTP answer comes.
    pub async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Response {
        let sent = self.try_send(method, path, headers, body).await;
        sent.unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }

    /// Any request, which the server may leave without an answer.
    ///
    /// # Errors
    /// Where the connection is refused or cut.
    ///
    /// # Panics
    /// Where an answer does not end in time, or is none.
    pub async fn try_send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> std::io::Result<Response> {
        let mut head = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncontent-length: {}\r\n",
            self.address,
            body.len()
        );
        if let Some(token) = &self.token {
            head.push_str(&format!("authorization: Bearer {token}\r\n"));
        }
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        let exchange = exchange(self.address, head.into_bytes(), body.as_bytes().to_vec());
        let bytes = tokio::time::timeout(PATIENCE, exchange)
            .await
            .unwrap_or_else(|_| panic!("no answer to {method} {path}"))?;
        Ok(parse(&bytes).unwrap_or_else(|| panic!("not an answer: {}", String::from_utf8_lossy(&bytes))))
    }
}

async fn exchange(address: SocketAddr, head: Vec<u8>, body: Vec<u8>) -> std::io::Result<Vec<u8>> {
    let (read, mut write) = TcpStream::connect(address).await?.into_split();
    let sending = tokio::spawn(async move {
        write.write_all(&head).await?;
        write.write_all(&body).await?;
        // Kept open until the answer is there: some servers take a closed half for a client that has gone.
        Ok::<_, std::io::Error>(write)
    });
    let mut bytes = Vec::new();
    let result = read.take(ANSWER_MAX).read_to_end(&mut bytes).await;
    sending.abort();
    // A server that refuses a long body answers and closes before all of it was read: the answer counts.
    if bytes.is_empty() { result.map(|_| bytes) } else { Ok(bytes) }
}

fn parse(bytes: &[u8]) -> Option<Response> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&bytes[..end]).ok()?;
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
        .collect();
    let rest = &bytes[end + 4..];
    let chunked = headers.iter().any(|(name, value)| name == "transfer-encoding" && value == "chunked");
    let body = if chunked { unchunked(rest)? } else { rest.to_vec() };
    Some(Response { status, headers, body: String::from_utf8_lossy(&body).into_owned() })
}

fn unchunked(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line = rest.windows(2).position(|window| window == b"\r\n")?;
        let length = usize::from_str_radix(std::str::from_utf8(&rest[..line]).ok()?.trim(), 16).ok()?;
        rest = &rest[line + 2..];
        if length == 0 {
            return Some(body);
        }
        body.extend_from_slice(rest.get(..length)?);
        rest = rest.get(length + 2..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_in_both_forms() {
        let plain = parse(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nhello").unwrap();
        assert_eq!(
            (plain.status, plain.header("content-type"), plain.body.as_str()),
            (200, Some("text/plain"), "hello")
        );
        let chunked =
            parse(b"HTTP/1.1 404 No\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
                .unwrap();
        assert_eq!((chunked.status, chunked.body.as_str()), (404, "abcde"));
        assert!(parse(b"HTTP/1.1 200").is_none());
    }
}
