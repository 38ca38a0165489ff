//! How long it takes until everybody is back after `kill -9`: of the server, until each client has a new ticket, its session and
//! its snapshot; of the bare relay, until each socket is open. Clients come at once, without jitter, as many at a time on both sides.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use futures_util::SinkExt as _;
use protocol::WidgetSessionInput;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::Message;

use super::idle::address;
use crate::api::Api;
use crate::baseline::{Child, IDLE};
use crate::redis::Redis;
use crate::setting::{Setting, policy, write};
use crate::spawn::{Level, Server};
use crate::wire::{Socket, open};

/// Clients that are on their way at one moment: what a server's backlog takes.
const AT_ONCE: usize = 128;

/// Lets all come; says how long it took, and gives their sockets.
async fn all<F>(count: usize, come: impl Fn(usize) -> F) -> Result<(Duration, Vec<Socket>)>
where
    F: Future<Output = Result<Socket>> + Send + 'static,
{
    let room = Arc::new(Semaphore::new(AT_ONCE));
    let begun = Instant::now();
    let mut coming = JoinSet::new();
    for index in 0..count {
        let (room, come) = (Arc::clone(&room), come(index));
        coming.spawn(async move {
            let _held = room.acquire_owned().await?;
            come.await
        });
    }
    let mut sockets = Vec::with_capacity(count);
    while let Some(came) = coming.join_next().await {
        sockets.push(came??);
    }
    Ok((begun.elapsed(), sockets))
}

/// Until so many sockets of the bare relay are open.
pub(crate) async fn of_relay(count: usize) -> Result<Duration> {
    let child = Child::relay().await?;
    let to = child.address;
    let come = move |index| async move {
        let mut socket = open(to, Some(address(index)), None).await?;
        socket.send(Message::text(IDLE)).await?;
        anyhow::Ok(socket)
    };
    let (took, sockets) = all(count, come).await?;
    drop(sockets);
    child.stop().await?;
    Ok(took)
}

/// Until so many customers, each with a conversation, have their snapshot again from a server on Redis that was killed and
/// started. Counts from when it is ready.
pub(crate) async fn of_server(program: &Path, count: usize) -> Result<Duration> {
    let redis = Redis::start(false).await?;
    let mut server = Server::start_with(program, Level::RedisDisk, redis.environment()).await?;
    let api = Api::new(server.address);
    let setting = Arc::new(Setting::make(&api, &server.operator, "resume", policy(&[])).await?);
    let first = |index: usize| {
        let setting = Arc::clone(&setting);
        async move {
            let body = setting.api.visit(&setting.visit(&[])).await?;
            let (mut socket, session) = setting.session(&body.ticket, Some(address(index))).await?;
            write(&mut socket, "hello").await?;
            anyhow::Ok((body.visitor, session, socket))
        }
    };
    let mut known = Vec::with_capacity(count);
    for part in (0..count).collect::<Vec<_>>().chunks(AT_ONCE) {
        known.extend(futures_util::future::try_join_all(part.iter().map(|index| first(*index))).await?);
    }
    server.kill().await?;
    let visitors: Arc<Vec<_>> =
        Arc::new(known.into_iter().map(|(visitor, session, _)| (visitor, session)).collect());
    server.start_again().await?;
    let setting = Arc::new(Setting { api: Api::new(server.address), workspace: setting.workspace.clone() });
    let come = |index: usize| {
        let (setting, visitors) = (Arc::clone(&setting), Arc::clone(&visitors));
        async move {
            let (visitor, session) = &visitors[index];
            let input = WidgetSessionInput { visitor: Some(visitor.clone()), ..setting.visit(&[]) };
            let body = setting.api.visit(&input).await?;
            setting.again(&body.ticket, Some(address(index)), *session).await
        }
    };
    let (took, sockets) = all(count, come).await.context("not all came back")?;
    drop(sockets);
    server.stop().await;
    Ok(took)
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;

    #[tokio::test]
    async fn all_sockets_are_open_in_the_end() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let to: SocketAddr = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(tokio_tungstenite::accept_async(stream));
            }
        });
        let (took, sockets) = all(300, move |_| open(to, None, None)).await.unwrap();
        assert_eq!(sockets.len(), 300);
        assert!(took > Duration::ZERO);
    }
}
