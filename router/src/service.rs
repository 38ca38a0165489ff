//! What a supervisor of services wants to know: ready, alive, stopping (systemd's `sd_notify` protocol, `sd_notify(3)`).
//! Where nobody asks, nothing is said.

use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use tracing::debug;

/// The way to the supervisor.
#[derive(Debug, Clone)]
pub struct Supervisor {
    socket: Option<SocketAddr>,
    watchdog: Option<Duration>,
}

impl Supervisor {
    /// The one that the environment names, if any.
    #[must_use]
    pub fn from_environment() -> Self {
        let socket = std::env::var_os("NOTIFY_SOCKET").and_then(|path| match path.as_bytes() {
            [b'@', name @ ..] => SocketAddr::from_abstract_name(name).ok(),
            _ => SocketAddr::from_pathname(&path).ok(),
        });
        let watchdog = std::env::var("WATCHDOG_USEC").ok().and_then(|it| it.parse().ok());
        Self { socket, watchdog: watchdog.map(Duration::from_micros).filter(|it| !it.is_zero()) }
    }

    fn say(&self, words: &str) {
        let Some(to) = &self.socket else { return };
        let said = UnixDatagram::unbound().and_then(|socket| socket.send_to_addr(words.as_bytes(), to));
        if let Err(error) = said {
            debug!(%error, "the supervisor does not listen");
        }
    }

    /// The node serves.
    pub fn ready(&self) {
        self.say("READY=1");
    }

    /// The node closes.
    pub fn stopping(&self) {
        self.say("STOPPING=1");
    }

    /// Says that the node lives, twice as often as is asked for; a node whose tasks no longer run says nothing, and is
    /// started again.
    pub async fn keep_saying(self) {
        let Some(watchdog) = self.watchdog else { return };
        let mut beat = tokio::time::interval(watchdog / 2);
        loop {
            beat.tick().await;
            self.say("WATCHDOG=1");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_supervisor_hears_ready_alive_and_stopping() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let ear = UnixDatagram::bind(&path).unwrap();
        let supervisor = Supervisor {
            socket: SocketAddr::from_pathname(&path).ok(),
            watchdog: Some(Duration::from_millis(20)),
        };
        let mut heard = || {
            let mut words = [0; 32];
            let count = ear.recv(&mut words).unwrap();
            String::from_utf8(words[..count].to_vec()).unwrap()
        };
        supervisor.ready();
        assert_eq!(heard(), "READY=1");
        let alive = tokio::spawn(supervisor.clone().keep_saying());
        tokio::time::sleep(Duration::from_millis(50)).await;
        alive.abort();
        assert_eq!((heard(), heard()), ("WATCHDOG=1".to_owned(), "WATCHDOG=1".to_owned()));
        drop(alive.await);
        supervisor.stopping();
        let rest: Vec<_> = std::iter::repeat_with(&mut heard).take_while(|it| it != "STOPPING=1").collect();
        assert!(rest.iter().all(|it| it == "WATCHDOG=1"));
        Supervisor { socket: None, watchdog: None }.keep_saying().await;
    }
}
