//! Postfix hands mail over by SMTP and LMTP, and tries again while it cannot be stored.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use connectors::email::inbound::{Envelope, NotTaken, Protocol, Receiver, Settings, Taken, serve};
use connectors::email::{Limits, read};
use tokio::net::TcpListener;

use crate::PATIENCE;
use crate::mail::Mail;

/// Refuses the first, keeps the rest.
#[derive(Default)]
struct Keeper {
    asked: AtomicUsize,
    kept: Mutex<Vec<(Envelope, Vec<u8>)>>,
}

impl Receiver for Keeper {
    fn knows(&self, recipient: &str) -> bool {
        recipient.starts_with("support")
    }

    fn take(&self, envelope: Envelope, raw: Vec<u8>) -> Taken<'_> {
        Box::pin(async move {
            if self.asked.fetch_add(1, Ordering::Relaxed) == 0 {
                return Err(NotTaken::Later);
            }
            self.kept.lock().expect("nobody panicked").push((envelope, raw));
            Ok(())
        })
    }
}

async fn listen(port: u16, protocol: Protocol) -> Arc<Keeper> {
    let listener = TcpListener::bind(("127.0.0.1", port)).await.expect("the port is free");
    let keeper = Arc::new(Keeper::default());
    let settings = Settings {
        host: "hub.test".to_owned(),
        protocol,
        mail_bytes: 100_000,
        connections: 10,
        recipients: 10,
        tls: None,
    };
    tokio::spawn(serve(listener, settings, Arc::clone(&keeper) as Arc<dyn Receiver>));
    keeper
}

async fn kept(keeper: &Keeper) -> Vec<(Envelope, Vec<u8>)> {
    let until = Instant::now() + PATIENCE;
    loop {
        let kept = keeper.kept.lock().expect("nobody panicked").clone();
        if !kept.is_empty() || Instant::now() > until {
            return kept;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_could_not_be_stored_comes_again_and_once() {
    let Some(mail) = Mail::start() else { return };
    for (protocol, port, domain) in [
        (Protocol::Smtp, mail.hub_smtp, "inbound.test"),
        (Protocol::Lmtp, mail.hub_lmtp, "inbound-lmtp.test"),
    ] {
        let keeper = listen(port, protocol).await;
        let to = format!("support+x@{domain}");
        mail.deliver("ann@shop.test", &to, "From: ann@shop.test\nSubject: hi\n\n.dot\nüber\n");
        let kept = kept(&keeper).await;
        assert_eq!(kept.len(), 1, "{domain}");
        assert_eq!(
            (kept[0].0.sender.as_str(), kept[0].0.recipients.as_slice()),
            ("ann@shop.test", [to].as_slice())
        );
        let read = read(&kept[0].1, &Limits::default());
        assert_eq!(read.text.trim_end().replace("\r\n", "\n"), ".dot\nüber");
        assert_eq!(read.return_path.as_deref(), Some("ann@shop.test"));
    }
}
