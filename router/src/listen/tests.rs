//! The accept loop against real sockets: limits, time limits, closing in order, certificates.

use std::path::Path;

use aws_lc_rs::signature::{EcdsaKeyPair, KeyPair as _};
use axum::Extension;
use axum::routing::{get, post};
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;
use crate::config::Tls;

struct Running {
    address: SocketAddr,
    metrics: Arc<Metrics>,
    stop: watch::Sender<bool>,
    serving: tokio::task::JoinHandle<()>,
}

async fn start(change: impl FnOnce(&mut Config), tls: Option<Arc<ReloadableTls>>) -> Running {
    let mut config = Config::default();
    config.limits.header_timeout_ms = 150;
    change(&mut config);
    let app = Router::new()
        .route(
            "/",
            get(|Extension(Source { ip, tls }): Extension<Source>| async move { format!("{ip} {tls}") }),
        )
        .route("/slow", get(|| tokio::time::sleep(Duration::from_millis(300))))
        .route("/length", post(|body: String| async move { body.len().to_string() }))
        .route("/panic", get(|| async { assert!(std::hint::black_box(false), "on purpose") }));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let metrics = Arc::new(Metrics::new());
    let (stop, stopped) = watch::channel(false);
    let serving = tokio::spawn(serve(listener, tls, app, Arc::new(config), Arc::clone(&metrics), stopped));
    Running { address, metrics, stop, serving }
}

impl Running {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    fn figures(&self) -> String {
        self.metrics.encode(0, 0, &log_store::Health::default())
    }
}

/// Sends, and reads until the other side closes; what cannot be sent or read is as good as closed.
async fn say(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), text: &str) -> String {
    drop(stream.write_all(text.as_bytes()).await);
    let mut answer = Vec::new();
    drop(
        tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut answer))
            .await
            .expect("it closes"),
    );
    String::from_utf8(answer).unwrap()
}

fn ask(path: &str, more: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n{more}\r\n")
}

#[tokio::test]
async fn a_request_knows_its_source_and_the_bytes_are_counted() {
    let running = start(|_| {}, None).await;
    let answer = say(&mut running.connect().await, &ask("/", "x-forwarded-for: 203.0.113.9\r\n")).await;
    assert!(answer.ends_with("127.0.0.1 false"), "{answer}");
    let asked = ask("/", "x-forwarded-for: 203.0.113.9\r\n").len();
    let figures = running.figures();
    assert!(figures.contains(&format!("switchboard_bytes_total{{which=\"in\"}} {asked}\n")), "{figures}");
    assert!(
        figures.contains(&format!("switchboard_bytes_total{{which=\"out\"}} {}\n", answer.len())),
        "{figures}"
    );
}

#[tokio::test]
async fn a_trusted_proxy_speaks_for_its_clients() {
    let running = start(|config| config.trusted_proxies = vec!["127.0.0.1".parse().unwrap()], None).await;
    let more = "x-forwarded-for: 203.0.113.9\r\nx-forwarded-proto: https\r\n";
    let answer = say(&mut running.connect().await, &ask("/", more)).await;
    assert!(answer.ends_with("203.0.113.9 true"), "{answer}");
}

#[tokio::test]
async fn connections_beyond_the_limits_are_closed_and_counted() {
    let running = start(|config| config.limits.connections_per_source = 1, None).await;
    let mut first = running.connect().await;
    first.write_all(b"GET /slow HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await.unwrap();
    assert_eq!(say(&mut running.connect().await, &ask("/", "")).await, "");
    assert!(running.figures().contains("switchboard_connections_refused_total{which=\"source\"} 1\n"));
    assert!(say(&mut first, "").await.starts_with("HTTP/1.1 200"), "the one before is not harmed");
    // The place is given back as the connection's task ends, a moment after the client has seen the end.
    let mut answer = String::new();
    for _ in 0..50 {
        answer = say(&mut running.connect().await, &ask("/", "")).await;
        if !answer.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(answer.ends_with("127.0.0.1 false"), "{answer}");

    let running = start(|config| config.limits.connections = 1, None).await;
    let _first = running.connect().await;
    assert_eq!(say(&mut running.connect().await, &ask("/", "")).await, "");
    assert!(running.figures().contains("switchboard_connections_refused_total{which=\"limit\"} 1\n"));
}

#[tokio::test]
async fn behind_a_proxy_each_client_has_its_own_share_of_upgrades() {
    let running = start(
        |config| {
            config.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
            config.limits.connections_per_source = 1;
        },
        None,
    )
    .await;
    let mut held = running.connect().await;
    let upgrade =
        |of: &str, path: &str| ask(path, &format!("upgrade: websocket\r\nx-forwarded-for: {of}\r\n"));
    held.write_all(upgrade("203.0.113.9", "/slow").as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let second = say(&mut running.connect().await, &upgrade("203.0.113.9", "/")).await;
    assert!(second.starts_with("HTTP/1.1 429"), "{second}");
    let other = say(&mut running.connect().await, &upgrade("203.0.113.10", "/")).await;
    assert!(other.ends_with("203.0.113.10 false"), "{other}");
}

#[tokio::test]
async fn who_is_slow_with_head_or_body_is_cut() {
    let running = start(|_| {}, None).await;
    let begun = std::time::Instant::now();
    let answer = say(&mut running.connect().await, "GET / HTTP/1.1\r\nhost").await;
    assert!(!answer.contains("200"), "{answer}");
    let answer =
        say(&mut running.connect().await, "POST /length HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nx")
            .await;
    assert!(!answer.contains("200") && answer.starts_with("HTTP/1.1 4"), "{answer}");
    assert!(begun.elapsed() < Duration::from_secs(4));
    let whole = "POST /length HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\nconnection: close\r\n\r\nabc";
    assert!(say(&mut running.connect().await, whole).await.ends_with("\r\n\r\n3"));
}

#[tokio::test]
async fn a_fault_of_ours_costs_one_connection() {
    let running = start(|_| {}, None).await;
    assert_eq!(say(&mut running.connect().await, &ask("/panic", "")).await, "");
    assert!(say(&mut running.connect().await, &ask("/", "")).await.ends_with("127.0.0.1 false"));
}

#[tokio::test]
async fn closing_ends_idle_connections_and_finishes_answers() {
    let running = start(|config| config.limits.header_timeout_ms = 60_000, None).await;
    let mut idle = running.connect().await;
    let mut busy = running.connect().await;
    busy.write_all(b"GET /slow HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    running.stop.send(true).unwrap();
    assert_eq!(say(&mut idle, "").await, "");
    assert!(say(&mut busy, "").await.starts_with("HTTP/1.1 200"));
    tokio::time::timeout(Duration::from_secs(5), running.serving).await.expect("it ends").unwrap();
    assert!(TcpStream::connect(running.address).await.is_err(), "nobody listens any more");
}

/// A value of ASN.1.
fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let body = parts.concat();
    let length = u16::try_from(body.len()).unwrap().to_be_bytes();
    let head = match length {
        [0, short @ 0..=127] => vec![tag, short],
        [0, one] => vec![tag, 0x81, one],
        [high, low] => vec![tag, 0x82, high, low],
    };
    [head, body].concat()
}

/// Writes a new self-signed certificate for `localhost` with its key.
pub(crate) fn write_certificate(folder: &Path) -> CertificateDer<'static> {
    const ECDSA_SHA256: &[u8] = &[0x06, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];
    const EC_KEY: &[u8] = &[0x06, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
    const P256: &[u8] = &[0x06, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
    let random = aws_lc_rs::rand::SystemRandom::new();
    let kind = &aws_lc_rs::signature::ECDSA_P256_SHA256_ASN1_SIGNING;
    let key = EcdsaKeyPair::generate_pkcs8(kind, &random).unwrap();
    let pair = EcdsaKeyPair::from_pkcs8(kind, key.as_ref()).unwrap();
    let algorithm = der(0x30, &[ECDSA_SHA256]);
    let common_name = der(0x30, &[&[0x06, 3, 0x55, 4, 3], &der(0x0c, &[b"localhost"])]);
    let name = der(0x30, &[&der(0x31, &[&common_name])]);
    let validity = der(0x30, &[&der(0x17, &[b"250101000000Z"]), &der(0x18, &[b"20990101000000Z"])]);
    let public = der(0x03, &[&[0], pair.public_key().as_ref()]);
    let public = der(0x30, &[&der(0x30, &[EC_KEY, P256]), &public]);
    let names = der(0x04, &[&der(0x30, &[&der(0x82, &[b"localhost"])])]);
    let extension = der(0x30, &[&[0x06, 3, 0x55, 0x1d, 0x11], &names]);
    let extensions = der(0xa3, &[&der(0x30, &[&extension])]);
    let version = [0xa0, 3, 2, 1, 2];
    let serial = [2, 1, 1];
    let body = der(0x30, &[&version, &serial, &algorithm, &name, &validity, &name, &public, &extensions]);
    let signature = der(0x03, &[&[0], pair.sign(&random, &body).unwrap().as_ref()]);
    let certificate = der(0x30, &[&body, &algorithm, &signature]);
    let pem = |label: &str, bytes: &[u8]| {
        format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", data_encoding::BASE64.encode(bytes))
    };
    std::fs::write(folder.join("cert.pem"), pem("CERTIFICATE", &certificate)).unwrap();
    std::fs::write(folder.join("key.pem"), pem("PRIVATE KEY", key.as_ref())).unwrap();
    certificate.into()
}

async fn connect_tls(
    running: &Running,
    trusted: &CertificateDer<'static>,
) -> io::Result<impl AsyncRead + AsyncWrite + Unpin> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    connector.connect(ServerName::try_from("localhost").unwrap(), running.connect().await).await
}

#[tokio::test]
async fn a_new_certificate_comes_into_force_and_a_bad_one_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let files = Tls { cert: folder.path().join("cert.pem"), key: folder.path().join("key.pem") };
    assert!(ReloadableTls::load(&files).is_err(), "there are no files yet");
    let first = write_certificate(folder.path());
    let tls = ReloadableTls::load(&files).unwrap();
    let running = start(|config| config.limits.header_timeout_ms = 2_000, Some(Arc::clone(&tls))).await;
    let mut stream = connect_tls(&running, &first).await.unwrap();
    assert!(say(&mut stream, &ask("/", "")).await.ends_with("127.0.0.1 true"));

    assert!(tls.refresh(false).is_none(), "nothing has changed");
    // File times are as coarse as the kernel's tick: a change within one looks like none, until the next one.
    tokio::time::sleep(Duration::from_millis(50)).await;
    std::fs::write(&files.cert, "no certificate").unwrap();
    assert!(tls.refresh(false).unwrap().is_err());
    connect_tls(&running, &first).await.expect("the old one stays in force");
    tokio::time::sleep(Duration::from_millis(50)).await;
    let second = write_certificate(folder.path());
    assert!(tls.refresh(false).unwrap().is_ok());
    connect_tls(&running, &second).await.expect("the new one is in force");
    assert!(connect_tls(&running, &first).await.is_err());

    assert_eq!(say(&mut running.connect().await, "GET / HTTP/1.1\r\n\r\n").await.find("200"), None);
    let mut failed = false;
    for _ in 0..100 {
        failed = running.figures().contains("switchboard_handshakes_failed_total")
            && !running.figures().contains("switchboard_handshakes_failed_total 0");
        if failed {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(failed, "{}", running.figures());
}
