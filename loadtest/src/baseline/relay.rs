//! The bare relay: two WebSockets that name the same pair are joined; what one says the other hears. 4 KiB buffers, no
//! session, no log, no parsing. Two of them can be joined by Redis: then the ends of a pair are at different ones, and what is
//! said at one is published to the other.

use std::collections::HashMap;
use std::io::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use ::redis::aio::MultiplexedConnection;
use anyhow::{Context as _, Result};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

use crate::client::buffers;

type Socket = WebSocketStream<TcpStream>;
type Waiting = Arc<Mutex<HashMap<String, Socket>>>;

/// What an idle socket says instead of a pair's name.
pub(crate) const IDLE: &str = "idle";
/// Sockets that wait for their other end, at most.
const WAITING_MAX: usize = 100_000;
/// Messages that wait for an end.
const END: usize = 1_024;

/// How it is joined to another one.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct RelayArgs {
    /// The address of a Redis that joins two relays
    #[arg(long, requires_all = ["ours", "theirs"])]
    redis: Option<String>,
    /// What the other one publishes to
    #[arg(long)]
    ours: Option<String>,
    /// What is published to
    #[arg(long)]
    theirs: Option<String>,
}

/// Serves until standard input closes.
pub(crate) async fn relay(arguments: RelayArgs) -> Result<()> {
    let joined = match (&arguments.redis, &arguments.ours, arguments.theirs) {
        (Some(redis), Some(ours), Some(theirs)) => Some(Joined::start(redis, ours, theirs).await?),
        _ => None,
    };
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
                match &joined {
                    Some(joined) => drop(tokio::spawn(joined.clone().serve(stream))),
                    None => drop(tokio::spawn(serve(stream, Arc::clone(&waiting)))),
                }
            }
            _ = &mut closed => return Ok(()),
        }
    }
}

/// The ends of pairs that are here, by name.
type Ends = Arc<Mutex<HashMap<String, mpsc::Sender<Message>>>>;

/// A relay whose pairs have their other ends at another one.
#[derive(Clone)]
struct Joined {
    redis: MultiplexedConnection,
    theirs: String,
    ends: Ends,
}

impl Joined {
    async fn start(redis: &str, ours: &str, theirs: String) -> Result<Self> {
        let client = ::redis::Client::open(format!("redis://{redis}")).context("the address of Redis")?;
        let mut heard = client.get_async_pubsub().await.context("Redis cannot be reached")?;
        heard.subscribe(ours).await?;
        let ends = Ends::default();
        let here = Arc::clone(&ends);
        tokio::spawn(async move {
            let mut heard = heard.into_on_message();
            while let Some(message) = heard.next().await {
                let Ok(words) = message.get_payload::<String>() else { continue };
                let Some((name, text)) = words.split_once('\n') else { continue };
                let end = here.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned();
                if let Some(end) = end {
                    // An end that does not read loses what it does not read.
                    end.try_send(Message::text(text)).ok();
                }
            }
        });
        let redis = client.get_multiplexed_async_connection().await.context("Redis cannot be reached")?;
        Ok(Self { redis, theirs, ends })
    }

    async fn serve(mut self, stream: TcpStream) -> Option<()> {
        stream.set_nodelay(true).ok()?;
        let mut socket = tokio_tungstenite::accept_async_with_config(stream, Some(buffers())).await.ok()?;
        let Some(Ok(Message::Text(name))) = socket.next().await else { return None };
        let (end, mut to_client) = mpsc::channel(END);
        {
            let mut ends = self.ends.lock().unwrap_or_else(PoisonError::into_inner);
            if ends.len() >= WAITING_MAX {
                return None;
            }
            ends.insert(name.to_string(), end);
        }
        let (mut write, mut read) = socket.split();
        let publishing = async {
            while let Some(Ok(Message::Text(text))) = read.next().await {
                let words = format!("{name}\n{text}");
                let said: ::redis::RedisResult<u64> =
                    ::redis::cmd("PUBLISH").arg(&self.theirs).arg(words).query_async(&mut self.redis).await;
                if said.is_err() {
                    return;
                }
            }
        };
        let telling = async {
            while let Some(message) = to_client.recv().await {
                if write.send(message).await.is_err() {
                    return;
                }
            }
        };
        tokio::select! {
            () = publishing => {}
            () = telling => {}
        }
        Some(())
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
