//! Bad input on a connection: malformed, oversized, too fast, out of sequence, with control characters or markup, from a
//! client that never reads. Each gets the right answer, costs bounded memory, and harms nobody else.

use std::time::{Duration, Instant};

use protocol::{ClientFrame, Code, ServerFrame, VERSION};
use tests::{Client, Server};
use tokio_tungstenite::tungstenite::Message;

use crate::steps;

/// The connection still answers.
async fn alive(client: &mut Client) {
    client.send(&ClientFrame::Ping {}).await;
    client.wait("pong", |frame| matches!(frame, ServerFrame::Pong {}).then_some(())).await;
}

async fn rejected(client: &mut Client, wanted: Code) {
    client
        .wait("a rejection", |frame| match frame {
            ServerFrame::Rejected { code, detail, .. } if *code == wanted && !detail.is_empty() => Some(()),
            _ => None,
        })
        .await;
}

#[tokio::test]
async fn a_malformed_frame_is_told_and_a_flood_of_them_ends_the_session() {
    let server = Server::start().await;
    let workspace = server.workspace("shop", None).await;
    let mut visitor = workspace.visitor().await;
    let mut customer = visitor.connect().await;
    let deep = "[".repeat(10_000);
    for text in ["{", "null", "{\"type\":\"fly\"}", "{\"type\":\"send\",\"id\":7,\"text\":\"x\"}", &deep] {
        customer.raw(text).await;
        rejected(&mut customer, Code::Malformed).await;
    }
    alive(&mut customer).await;
    for _ in 0..30 {
        if customer.try_message(Message::text("{")).await.is_err() {
            break;
        }
    }
    assert_eq!(customer.closed().await.0, 1008);
    visitor.connect().await.say(None, "others go on, and so do I").await;
}

#[tokio::test]
async fn an_oversized_frame_closes_with_1009() {
    let server = Server::start().await;
    let workspace = server.workspace("shop", None).await;
    let mut visitor = workspace.visitor().await;
    let mut customer = visitor.connect().await;
    let text = "x".repeat(1_000_000);
    // The server may close while the rest of it is still being written.
    customer
        .try_message(Message::text(format!("{{\"type\":\"send\",\"id\":\"a\",\"text\":\"{text}\"}}")))
        .await
        .ok();
    assert_eq!(customer.closed().await.0, 1009);
}

#[tokio::test]
async fn texts_are_held_to_their_bounds() {
    let server = Server::start().await;
    let workspace = server.workspace("shop", None).await;
    let mut visitor = workspace.visitor().await;
    let mut customer = visitor.connect().await;
    let (fits, too_long) = ("x".repeat(16_384), "x".repeat(16_385));
    for text in ["", "   \n ", &too_long, "bell \u{7}", "escape \u{1b}[31m", "nul \u{0}"] {
        let id = customer.id();
        let answer = customer
            .ask(ClientFrame::Send { id, conversation: None, contact_point: None, text: text.to_owned() })
            .await;
        assert_eq!(answer, Err(Code::Invalid), "{:?}", &text[..text.len().min(20)]);
    }
    for id in [String::new(), "x".repeat(65)] {
        customer
            .send(&ClientFrame::Send { id, conversation: None, contact_point: None, text: "x".to_owned() })
            .await;
        rejected(&mut customer, Code::Invalid).await;
    }
    assert_eq!(customer.say(None, &fits).await.2, 1, "nothing that was rejected left a trace");
}

#[tokio::test]
async fn markup_and_rare_letters_arrive_as_they_were_written() {
    let server = Server::start().await;
    let workspace = server.workspace("shop", None).await;
    let mut agent = workspace.agent("ana").await.online().await;
    let mut visitor = workspace.visitor().await;
    let mut customer = visitor.connect().await;
    let texts = [
        "<img src=x onerror=alert(1)></script><script>alert(2)</script>",
        "line one\nline two\ttab",
        "مرحبا \u{202e}abc\u{202c} 👩‍👩‍👧‍👦 e\u{301} \u{10ffff}",
        "\\\" \\u0000 %00 ' OR 1=1 -- {{7*7}} ${x}",
    ];
    let conversation = steps::in_hand(&mut customer, &mut agent, texts[0]).await;
    for text in &texts[1..] {
        customer.say(Some(conversation), text).await;
        steps::message(&mut agent, text).await;
    }
}

#[tokio::test]
async fn too_fast_is_told_with_a_time_to_wait() {
    let server = Server::start().await;
    let workspace = server.workspace("shop", None).await;
    let mut visitor = workspace.visitor().await;
    let mut customer = visitor.connect().await;
    for _ in 0..2_000 {
        if customer.try_message(Message::text("{\"type\":\"ping\"}")).await.is_err() {
            break;
        }
    }
    let wait = customer
        .wait("too fast", |frame| match frame {
            ServerFrame::Rejected { code: Code::TooFast, retry_ms, .. } => Some(*retry_ms),
            _ => None,
        })
        .await;
    assert!(wait.is_some_and(|ms| ms > 0), "{wait:?}");
    let (code, reason) = customer.closed().await;
    assert_eq!(code, 1008, "who does not listen is closed");
    assert!(reason.contains("too many frames"), "{reason}");
    visitor.connect().await.say(None, "slower").await;
}

#[tokio::test]
async fn frames_out_of_sequence_close_the_connection() {
    let server = Server::start().await;
    let workspace = server.workspace("shop", None).await;
    let mut visitor = workspace.visitor().await;

    let mut before_hello = visitor.connect_silent().await;
    before_hello.send(&ClientFrame::Ping {}).await;
    assert_eq!(before_hello.closed().await.0, 1008);

    let mut half_a_hello = visitor.connect_silent().await;
    half_a_hello.raw("{\"type\":\"hello\"}").await;
    let (code, reason) = half_a_hello.closed().await;
    assert_eq!(code, 1008);
    assert!(reason.contains("`protocol`"), "what is missing is named: {reason}");

    let mut hello_twice = visitor.connect().await;
    let hello = ClientFrame::Hello { protocol: VERSION, session: None, seq: None };
    hello_twice.send(&hello).await;
    assert_eq!(hello_twice.closed().await.0, 1008);

    let mut from_the_future = visitor.connect().await;
    from_the_future.send(&ClientFrame::Ack { seq: 1_000_000 }).await;
    assert_eq!(from_the_future.closed().await.0, 1008);

    let mut another_version = visitor.connect_silent().await;
    another_version.send(&ClientFrame::Hello { protocol: VERSION + 1, session: None, seq: None }).await;
    let (code, reason) = another_version.closed().await;
    assert_eq!(code, 1008);
    assert!(reason.contains("protocol 1"), "{reason}");

    let mut binary = visitor.connect().await;
    binary.try_message(Message::binary(vec![0, 159, 146, 150])).await.expect("sent");
    assert_eq!(binary.closed().await.0, 1003);
}

#[tokio::test]
async fn a_client_that_never_reads_is_cut_and_harms_nobody() {
    let server = Server::start().await;
    let workspace = server.workspace("shop", None).await;
    let mut agent = workspace.agent("ana").await.online().await;
    let mut visitor = workspace.visitor().await;
    let mut other = workspace.visitor().await;
    let mut other = other.connect().await;
    let mut customer = visitor.connect().await;
    let conversation = steps::in_hand(&mut customer, &mut agent, "I will not read").await;
    let beside = steps::in_hand(&mut other, &mut agent, "I will").await;
    let text = "y".repeat(16_000);
    let before = server.resident_kib();
    // Pauses keep the writer inside its own rate; each message is also an event to the reader.
    for number in 0..400 {
        agent.say(Some(conversation), &format!("{number} {text}")).await;
        if number % 100 == 0 {
            other.say(Some(beside), &format!("still served {number}")).await;
            steps::message(&mut agent, &format!("still served {number}")).await;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let deadline = Instant::now() + Duration::from_secs(40);
    while !counted(&server, &["slow"]).await {
        assert!(Instant::now() < deadline, "never cut; its log:\n{}", server.log());
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let grown = server.resident_kib().saturating_sub(before);
    assert!(grown < 96 * 1024, "grew by {grown} KiB");
    // The code can only be told to one who reads again in time.
    let (code, _) = customer.closed().await;
    assert!(matches!(code, 4008 | 1006), "{code}");
    let mut back = visitor.connect().await;
    back.say(Some(conversation), "now I read").await;
}

#[tokio::test]
async fn what_is_refused_is_counted() {
    let server = Server::start().await;
    let workspace = server.workspace("shop", None).await;
    let mut visitor = workspace.visitor().await;
    let mut customer = visitor.connect().await;
    customer.raw("{").await;
    rejected(&mut customer, Code::Malformed).await;
    customer.try_message(Message::binary(vec![1])).await.expect("sent");
    customer.closed().await;
    assert!(counted(&server, &["rejected", "malformed"]).await);
    assert!(counted(&server, &["closed", "1003"]).await);
}

/// Whether a metric whose line has these words counted something.
async fn counted(server: &Server, words: &[&str]) -> bool {
    let metrics = server.anonymous().get("/metrics").await;
    assert_eq!(metrics.status, 200, "{}", metrics.body);
    metrics.body.lines().filter(|line| !line.starts_with('#')).any(|line| {
        let value = line.rsplit(' ').next().and_then(|value| value.parse::<f64>().ok()).unwrap_or_default();
        words.iter().all(|word| line.contains(word)) && value >= 1.0
    })
}
