//! A way of ours between two ends of TCP: it spreads connections over several targets, and can hold bytes back, as a network
//! that is split does, or cut connections, as a balancer does whose target is gone.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context as _, Result};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

const CHUNK: usize = 16 << 10;

/// How the way to a target is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gate {
    /// Bytes pass.
    Open,
    /// Bytes wait, in both directions.
    Held,
    /// Connections are cut, and new ones go elsewhere.
    Shut,
}

/// Where connections go.
#[derive(Clone)]
pub(super) struct Target {
    address: SocketAddr,
    gate: Arc<watch::Sender<Gate>>,
}

impl Target {
    pub(super) fn new(address: SocketAddr) -> Self {
        Self { address, gate: Arc::new(watch::channel(Gate::Open).0) }
    }

    pub(super) fn set(&self, gate: Gate) {
        self.gate.send_replace(gate);
    }
}

/// A running way; it ends when dropped.
pub(super) struct Pass {
    pub(super) address: SocketAddr,
    listening: JoinHandle<()>,
}

impl Pass {
    pub(super) async fn start(targets: Vec<Target>) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("no port for a way of ours")?;
        let address = listener.local_addr()?;
        let listening = tokio::spawn(async move {
            let turn = Arc::new(AtomicUsize::new(0));
            while let Ok((stream, _)) = listener.accept().await {
                let (targets, turn) = (targets.clone(), Arc::clone(&turn));
                tokio::spawn(async move {
                    // The client is told by the end of its connection.
                    link(stream, &targets, &turn).await.ok();
                });
            }
        });
        Ok(Self { address, listening })
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn link(stream: TcpStream, targets: &[Target], turn: &AtomicUsize) -> Result<()> {
    for _ in 0..targets.len() {
        let target = &targets[turn.fetch_add(1, Ordering::Relaxed) % targets.len()];
        let gate = target.gate.subscribe();
        if *gate.borrow() == Gate::Shut {
            continue;
        }
        let Ok(to) = TcpStream::connect(target.address).await else { continue };
        stream.set_nodelay(true)?;
        to.set_nodelay(true)?;
        let ((read, write), (back_read, back_write)) = (stream.into_split(), to.into_split());
        // The first end ends both.
        tokio::select! {
            () = copy(read, back_write, gate.clone()) => {}
            () = copy(back_read, write, gate) => {}
        }
        return Ok(());
    }
    Ok(())
}

async fn copy(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut gate: watch::Receiver<Gate>) {
    let mut buffer = vec![0; CHUNK];
    let mut shut = gate.clone();
    let copying = async {
        while let Ok(count @ 1..) = from.read(&mut buffer).await {
            if gate.wait_for(|gate| *gate != Gate::Held).await.is_err()
                || to.write_all(&buffer[..count]).await.is_err()
            {
                return;
            }
        }
    };
    tokio::select! {
        () = copying => {}
        _ = shut.wait_for(|gate| *gate == Gate::Shut) => {}
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    async fn echo() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut read, mut write) = stream.split();
                    tokio::io::copy(&mut read, &mut write).await.ok();
                });
            }
        });
        address
    }

    #[tokio::test]
    async fn held_bytes_come_later_and_a_shut_way_is_cut() {
        let target = Target::new(echo().await);
        let pass = Pass::start(vec![target.clone()]).await.unwrap();
        let mut stream = TcpStream::connect(pass.address).await.unwrap();
        let mut byte = [0];
        stream.write_all(b"a").await.unwrap();
        stream.read_exact(&mut byte).await.unwrap();
        target.set(Gate::Held);
        stream.write_all(b"b").await.unwrap();
        let early = tokio::time::timeout(Duration::from_millis(100), stream.read_exact(&mut byte)).await;
        assert!(early.is_err(), "it passed");
        target.set(Gate::Open);
        stream.read_exact(&mut byte).await.unwrap();
        assert_eq!(&byte, b"b");
        target.set(Gate::Shut);
        assert_eq!(stream.read(&mut byte).await.unwrap_or(0), 0, "it is still there");
    }
}
