//! The bare relay: two WebSockets that name the same pair are joined; what one says the other hears. 4 KiB buffers, no
//! session, no log, no parsing.

use std::collections::HashMap;
use std::io::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result};
use futures_util::StreamExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

use crate::client::buffers;

type Socket = WebSocketStream<TcpStream>;
type Waiting = Arc<Mutex<HashMap<String, Socket>>>;

/// What an idle socket says instead of a pair's name.
pub(crate) const IDLE: &str = "idle";
/// Sockets that wait for their other end, at most.
const WAITING_MAX: usize = 100_000;

/// Serves until standard input closes.
pub(crate) async fn relay() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await.context("the relay cannot listen")?;
    let mut out = std::io::stdout();
    writeln!(out, "{}", listener.local_addr()?)?;
    out.flush()?;
    let waiting = Waiting::default();
    let (ended, mut closed) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        // Nothing comes; it ends with whoever started this.
        std::io::copy(&mut std::io::stdin(), &mut std::io::sink()).ok();
        ended.send(()).ok();
    });
    loop {
        tokio::select! {
            connection = listener.accept() => {
                // A connection that fails while it is accepted harms no other.
                let Ok((stream, _)) = connection else { continue };
                tokio::spawn(serve(stream, Arc::clone(&waiting)));
            }
            _ = &mut closed => return Ok(()),
        }
    }
}

async fn serve(stream: TcpStream, waiting: Waiting) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let mut socket = tokio_tungstenite::accept_async_with_config(stream, Some(buffers())).await.ok()?;
    let Some(Ok(Message::Text(name))) = socket.next().await else { return None };
    if name.as_str() == IDLE {
        while let Some(Ok(_)) = socket.next().await {}
        return None;
    }
    let other = {
        let mut waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
        match waiting.remove(name.as_str()) {
            Some(other) => other,
            None if waiting.len() >= WAITING_MAX => return None,
            None => {
                waiting.insert(name.as_str().to_owned(), socket);
                return None;
            }
        }
    };
    let (to_one, from_one) = other.split();
    let (to_two, from_two) = socket.split();
    // Either end may go first; the pair ends with it.
    tokio::select! {
        _ = from_one.forward(to_two) => {}
        _ = from_two.forward(to_one) => {}
    }
    Some(())
}
