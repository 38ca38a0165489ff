//! A WebSocket proxy between the clients and the server, on which a saboteur may lay hands on frames.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result};
use futures_util::{SinkExt as _, StreamExt as _};
use protocol::SUBPROTOCOL;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

use crate::client::{buffers, open_socket};
use crate::sabotage::Saboteur;

/// A running proxy; it ends when dropped.
pub(crate) struct Proxy {
    /// Where clients connect.
    pub(crate) address: SocketAddr,
    listening: JoinHandle<()>,
}

impl Proxy {
    /// Starts one before this server.
    pub(crate) async fn start(server: SocketAddr, saboteur: Arc<Mutex<Saboteur>>) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("no port for the proxy")?;
        let address = listener.local_addr()?;
        let listening = tokio::spawn(async move {
            let mut number = 0;
            while let Ok((stream, _)) = listener.accept().await {
                number += 1;
                let saboteur = Arc::clone(&saboteur);
                // A broken link is told to the client by its end.
                tokio::spawn(async move { link(stream, server, number, &saboteur).await.ok() });
            }
        });
        Ok(Self { address, listening })
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn link(stream: TcpStream, server: SocketAddr, number: u64, saboteur: &Mutex<Saboteur>) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut offered = String::new();
    #[expect(clippy::result_large_err, reason = "the library's callback has this form")]
    let choose = |request: &Request, mut answer: Response| -> Result<Response, ErrorResponse> {
        let header = request.headers().get("sec-websocket-protocol");
        offered = header.and_then(|header| header.to_str().ok()).unwrap_or_default().to_owned();
        if let Ok(chosen) = SUBPROTOCOL.parse() {
            answer.headers_mut().insert("sec-websocket-protocol", chosen);
        }
        Ok(answer)
    };
    let mut client = tokio_tungstenite::accept_hdr_async_with_config(stream, choose, Some(buffers())).await?;
    let ticket = offered.split(", ").find_map(|word| word.strip_prefix("ticket.")).unwrap_or_default();
    let mut server = open_socket(server, ticket).await?;
    let done = pump(&mut client, &mut server, number, saboteur).await;
    client.close(None).await.ok();
    server.close(None).await.ok();
    done
}

/// Carries frames both ways until one side ends.
async fn pump(
    client: &mut WebSocketStream<TcpStream>,
    server: &mut WebSocketStream<TcpStream>,
    number: u64,
    saboteur: &Mutex<Saboteur>,
) -> Result<()> {
    loop {
        tokio::select! {
            came = client.next() => match came {
                Some(Ok(Message::Text(text))) => {
                    let answer = hands(saboteur).towards_server(&text);
                    match answer {
                        None => server.send(Message::Text(text)).await?,
                        Some(answer) => client.send(Message::Text(answer.into())).await?,
                    }
                }
                Some(Ok(Message::Close(_)) | Err(_)) | None => return Ok(()),
                Some(Ok(_)) => {}
            },
            came = server.next() => match came {
                Some(Ok(Message::Text(text))) => {
                    let texts: Vec<Utf8Bytes> = hands(saboteur).towards_client(number, text);
                    for text in texts {
                        client.send(Message::Text(text)).await?;
                    }
                }
                Some(Ok(Message::Close(close))) => {
                    client.send(Message::Close(close)).await?;
                    return Ok(());
                }
                Some(Err(_)) | None => return Ok(()),
                Some(Ok(_)) => {}
            },
        }
    }
}

fn hands(saboteur: &Mutex<Saboteur>) -> std::sync::MutexGuard<'_, Saboteur> {
    saboteur.lock().unwrap_or_else(PoisonError::into_inner)
}
