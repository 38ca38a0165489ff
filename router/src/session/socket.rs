//! The life of one WebSocket connection: hello, then one loop over what comes in, what goes out, and silence.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{FutureExt, SinkExt, StreamExt};
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use policy::id::SessionId;
use protocol::{ClientFrame, CloseCode, Code, Mode};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, sleep, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::CapacityError;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};
use tracing::debug;

use super::frame::{Notice, Welcome};
use super::stream::{Next, Owner, Session};
use crate::accounts::Principal;
use crate::listen::KeepPlace;
use crate::server::App;
use crate::shard::Ask;
use crate::telemetry::span;

/// Nobody needs longer to say hello.
const HELLO: Duration = Duration::from_secs(10);
/// A client that is told more often than this that its frames cannot be read is closed.
const STRIKES: u32 = 10;

/// Frames of one connection that are taken in one turn.
const FRAMES_PER_TURN: usize = 32;

/// Why a connection ends.
enum End {
    Code(CloseCode, String),
    Gone,
}

impl From<CloseCode> for End {
    fn from(code: CloseCode) -> Self {
        Self::Code(code, String::new())
    }
}

/// Serves one connection to its end, and holds its place among the connections for as long. What is needed only at its
/// beginning and end is boxed: an idle connection shall cost little.
pub async fn run<S>(
    app: Arc<App>,
    mut socket: Box<WebSocketStream<S>>,
    principal: Arc<Principal>,
    _place: Option<KeepPlace>,
) where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let _open = app.metrics.connection_opened();
    let end = match Box::pin(identify(&app, &mut socket, &principal)).await {
        Ok((session, connection)) => {
            let mut limit = Limit::new(&app);
            let end = serve(&app, &mut socket, &principal, &session, connection, &mut limit).await;
            if matches!(end, End::Code(..)) {
                last_words(&app, &mut socket, &session, connection).await;
            }
            if session.detach(connection) {
                app.shards.of(session.owner.workspace()).detached(&session);
            }
            end
        }
        Err(end) => end,
    };
    if let End::Code(code, reason) = end {
        app.metrics.closed(code);
        debug!(code = code.code(), "session closed");
        let frame = CloseFrame { code: code.code().into(), reason: reason.into() };
        let goodbye = Box::pin(async {
            if socket.as_mut().close(Some(frame)).await.is_ok() {
                // The client's answer to the close, so that the code is not lost to a reset.
                while let Some(Ok(_)) = socket.next().await {}
            }
        });
        // A client that does not answer is dropped.
        drop(timeout(Duration::from_secs(2), goodbye).await);
    }
}

/// Waits for hello, finds or makes the session, welcomes.
async fn identify<S>(
    app: &App,
    socket: &mut WebSocketStream<S>,
    principal: &Arc<Principal>,
) -> Result<(Arc<Session>, u64), End>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let first = timeout(HELLO, socket.next())
        .await
        .map_err(|_| End::Code(CloseCode::Policy, "no hello came".into()))?;
    let text = match first {
        Some(Ok(Message::Text(text))) => text,
        Some(Err(error)) => return Err(end_of(&error)),
        Some(Ok(Message::Close(_))) | None => return Err(End::Gone),
        Some(Ok(_)) => return Err(End::Code(CloseCode::NotText, "say hello first, as text".into())),
    };
    let (version, session, seq) = match serde_json::from_str(&text) {
        Ok(ClientFrame::Hello { protocol: version, session, seq }) => (version, session, seq),
        Ok(_) => return Err(End::Code(CloseCode::Policy, "say hello first".into())),
        Err(error) => {
            return Err(End::Code(CloseCode::Policy, close_reason(format!("say hello first: {error}"))));
        }
    };
    if version != protocol::VERSION {
        let reason = format!("this server speaks protocol {}", protocol::VERSION);
        return Err(End::Code(CloseCode::Policy, reason));
    }
    let owner = match &**principal {
        Principal::Agent { workspace, agent, .. } => Owner::Agent(*workspace, *agent),
        Principal::Customer { workspace, customer, .. } => Owner::Customer(*workspace, *customer),
        Principal::Operator => return Err(CloseCode::Unauthorized.into()),
    };
    let known = session.and_then(|id| app.registry.find(id, owner));
    let asked_to_resume = session.is_some();
    let session = match known {
        Some(session) => session,
        None => app
            .registry
            .open(SessionId::from_bits(uuid::Uuid::now_v7().as_u128()), owner)
            .ok_or(End::from(CloseCode::Overloaded))?,
    };
    let (mode, from, connection) = session.attach(seq.filter(|_| asked_to_resume));
    let mode = if asked_to_resume && mode == Mode::Live { Mode::Snapshot } else { mode };
    let welcome = Welcome {
        session: session.id,
        mode,
        seq: from,
        heartbeat_ms: app.config.sessions.heartbeat_ms,
        max_bytes: u32::try_from(app.config.limits.frame_bytes).unwrap_or(u32::MAX),
        level: app.level,
        now_ms: app.now().0,
    };
    session.reply(Notice::welcome(welcome));
    if app.pause.is_on() {
        session.reply(Notice::paused(true));
    }
    let ask = Ask::Attached {
        session: Arc::clone(&session),
        principal: Arc::clone(principal),
        snapshot: mode != Mode::Resume,
    };
    if app.shards.of(owner.workspace()).ask(ask).await.is_err() {
        session.detach(connection);
        return Err(CloseCode::Overloaded.into());
    }
    Ok((session, connection))
}

/// A reason that fits into a close frame: 123 bytes (RFC 6455, section 5.5).
fn close_reason(mut reason: String) -> String {
    reason.truncate(reason.floor_char_boundary(123));
    reason
}

async fn serve<S>(
    app: &App,
    socket: &mut WebSocketStream<S>,
    principal: &Arc<Principal>,
    session: &Arc<Session>,
    connection: u64,
    limit: &mut Limit,
) -> End
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let heartbeat = Duration::from_millis(u64::from(app.config.sessions.heartbeat_ms));
    let write_timeout = Duration::from_millis(u64::from(app.config.sessions.write_timeout_ms));
    let mut drain = app.drain_signal();
    let closing = drain.closing();
    let mut silent_beats = 0;
    let beat = sleep(heartbeat);
    // Both stay registered over all turns: a turn costs no timer and no waiter of its own.
    tokio::pin!(closing, beat);
    loop {
        match session.next(connection) {
            Next::Write(frames) => match timeout(write_timeout, write(app, socket, frames)).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => return end_of(&error),
                Err(_) => {
                    app.metrics.slow_reader();
                    return CloseCode::TooSlow.into();
                }
            },
            Next::Close(code) => {
                if code == CloseCode::TooSlow {
                    app.metrics.slow_reader();
                }
                return code.into();
            }
            Next::Wait => {}
        }
        tokio::select! {
            biased;
            retry_ms = &mut closing => {
                return End::Code(CloseCode::Restart, format!("retry_ms={retry_ms}"));
            }
            () = &mut beat => {
                silent_beats += 1;
                if silent_beats > 2 {
                    return CloseCode::Silent.into();
                }
                beat.as_mut().reset(Instant::now() + heartbeat);
                let ping = socket.send(Message::Ping(bytes::Bytes::new()));
                if !matches!(timeout(write_timeout, ping).await, Ok(Ok(()))) {
                    return CloseCode::TooSlow.into();
                }
            }
            incoming = socket.next() => {
                silent_beats = 0;
                let mut incoming = Some(incoming);
                // What came with it is taken in the same turn, so that its answers leave together.
                for _ in 0..FRAMES_PER_TURN {
                    let Some(message) = incoming else { break };
                    if let Err(end) = take(app, principal, session, message, limit) {
                        return end;
                    }
                    incoming = socket.next().now_or_never();
                }
                if let Some(message) = incoming
                    && let Err(end) = take(app, principal, session, message, limit)
                {
                    return end;
                }
            }
            () = session.woken() => {}
        }
    }
}

/// Writes what was said before the end, so that the client learns why it is closed.
async fn last_words<S>(app: &App, socket: &mut WebSocketStream<S>, session: &Session, connection: u64)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    if let Next::Write(frames) = session.next(connection) {
        // Who does not take them is closed all the same.
        drop(timeout(Duration::from_secs(2), write(app, socket, frames)).await);
    }
}

/// Takes what came over the connection, a frame or its end.
fn take(
    app: &App,
    principal: &Arc<Principal>,
    session: &Arc<Session>,
    incoming: Option<Result<Message, Error>>,
    limit: &mut Limit,
) -> Result<(), End> {
    match incoming {
        Some(Ok(Message::Text(text))) => receive(app, principal, session, &text, limit),
        Some(Ok(Message::Ping(_) | Message::Pong(_))) if limit.control() => Ok(()),
        Some(Ok(Message::Ping(_) | Message::Pong(_))) => {
            Err(End::Code(CloseCode::Policy, "too many pings and pongs".into()))
        }
        Some(Ok(Message::Binary(_) | Message::Frame(_))) => {
            Err(End::Code(CloseCode::NotText, "frames are text".into()))
        }
        Some(Ok(Message::Close(_))) | None => Err(End::Gone),
        Some(Err(error)) => Err(end_of(&error)),
    }
}

async fn write<S>(app: &App, socket: &mut WebSocketStream<S>, frames: Vec<Utf8Bytes>) -> Result<(), Error>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let _step = tracing::trace_span!(span::WRITE, frames = frames.len());
    for frame in frames {
        app.metrics.frame_out();
        socket.feed(Message::Text(frame)).await?;
    }
    socket.flush().await
}

fn receive(
    app: &App,
    principal: &Arc<Principal>,
    session: &Arc<Session>,
    text: &str,
    limit: &mut Limit,
) -> Result<(), End> {
    let _step = tracing::trace_span!(span::RECEIVE, bytes = text.len()).entered();
    let reject = |id: &str, code: Code, detail: &str, retry_ms: Option<u32>| {
        app.metrics.rejected(code);
        session.reply(Notice::rejected(id.into(), code, detail.into(), retry_ms));
    };
    if let Err(wait_ms) = limit.frame() {
        // The id lets the client try this one again; a frame that cannot be read has none.
        let id = serde_json::from_str::<ClientFrame>(text).ok();
        let id = id.as_ref().and_then(ClientFrame::request_id).unwrap_or_default();
        reject(id, Code::TooFast, "too many frames: wait, then send this one again", Some(wait_ms));
        return limit.strike();
    }
    let frame = match serde_json::from_str::<ClientFrame>(text) {
        Ok(frame) => frame,
        Err(error) => {
            let place = format!(
                "not a frame of protocol {}: line {} column {}",
                protocol::VERSION,
                error.line(),
                error.column()
            );
            reject("", Code::Malformed, &place, None);
            return limit.strike();
        }
    };
    app.metrics.frame_in(&frame);
    if frame.request_id().is_some_and(|id| id.is_empty() || id.len() > 64) {
        reject("", Code::Invalid, "id must have 1 to 64 characters", None);
        return Ok(());
    }
    // The role may have changed since the ticket was given.
    let principal = match &**principal {
        Principal::Agent { workspace, agent, role: before, name } => {
            match app.accounts.role(*workspace, *agent) {
                Some(role) if role == *before => Arc::clone(principal),
                Some(role) => {
                    let name = name.clone();
                    Arc::new(Principal::Agent { workspace: *workspace, agent: *agent, role, name })
                }
                None => return Err(End::Code(CloseCode::Unauthorized, "this sign-in has ended".into())),
            }
        }
        Principal::Customer { .. } | Principal::Operator => Arc::clone(principal),
    };
    match frame {
        ClientFrame::Hello { .. } => Err(End::Code(CloseCode::Policy, "hello comes once".into())),
        ClientFrame::Ping {} => {
            session.reply(Notice::pong());
            Ok(())
        }
        ClientFrame::Watch { board } => {
            match &*principal {
                Principal::Agent { .. } => session.watch_board(board),
                Principal::Customer { .. } | Principal::Operator => {
                    reject("", Code::Forbidden, "the board is for agents", None);
                }
            }
            Ok(())
        }
        ClientFrame::Ack { seq } => match session.confirm(seq) {
            Some(arrived) => {
                for (conversation, upto) in arrived {
                    let ask = Ask::Arrived { owner: session.owner, conversation, upto };
                    if !app.shards.of(session.owner.workspace()).offer(ask) {
                        debug!("a confirmation was lost under overload: the next one says more");
                    }
                }
                Ok(())
            }
            None => Err(End::Code(CloseCode::Policy, "that event was not sent yet".into())),
        },
        frame => {
            let id = frame.request_id().unwrap_or_default().to_owned();
            let ask = Ask::Client { session: Arc::clone(session), principal, frame };
            if !app.shards.of(session.owner.workspace()).offer(ask) {
                reject(&id, Code::Overloaded, "the server is busy: send this again", Some(1_000));
            }
            Ok(())
        }
    }
}

fn end_of(error: &Error) -> End {
    match error {
        Error::Capacity(CapacityError::MessageTooLong { .. }) => {
            End::Code(CloseCode::TooBig, "larger than `max_bytes` of the welcome".into())
        }
        Error::Protocol(_) | Error::AttackAttempt => {
            End::Code(CloseCode::Protocol, "not WebSocket as RFC 6455 has it".into())
        }
        Error::Utf8(_) => End::Code(CloseCode::NotUtf8, "text must be UTF-8".into()),
        _ => End::Gone,
    }
}

/// What one connection may send.
struct Limit {
    frames: DefaultDirectRateLimiter,
    strikes: u32,
    controls: u32,
    controls_since: Instant,
}

impl Limit {
    fn new(app: &App) -> Self {
        let limits = &app.config.limits;
        let one = NonZeroU32::MIN;
        let quota = Quota::per_second(NonZeroU32::new(limits.frames_per_s).unwrap_or(one))
            .allow_burst(NonZeroU32::new(limits.frames_burst).unwrap_or(one));
        Self { frames: RateLimiter::direct(quota), strikes: 0, controls: 0, controls_since: Instant::now() }
    }

    /// One more frame; if it is one too many, the wait in milliseconds.
    fn frame(&self) -> Result<(), u32> {
        self.frames.check().map_err(|not_until| {
            let wait = not_until.wait_time_from(DefaultClock::default().now());
            u32::try_from(wait.as_millis()).unwrap_or(u32::MAX).max(1)
        })
    }

    /// One more frame that was no use; the last one that is borne ends the connection.
    fn strike(&mut self) -> Result<(), End> {
        self.strikes += 1;
        if self.strikes <= STRIKES {
            return Ok(());
        }
        Err(End::Code(CloseCode::Policy, "too many frames that were of no use".into()))
    }

    /// One more ping or pong; floods are refused.
    fn control(&mut self) -> bool {
        if self.controls_since.elapsed() > Duration::from_secs(10) {
            self.controls = 0;
            self.controls_since = Instant::now();
        }
        self.controls += 1;
        self.controls <= 50
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;
    use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

    use super::*;

    /// What the connection ends with after these bytes.
    async fn end_after(bytes: &[u8]) -> (CloseCode, String) {
        let config = WebSocketConfig::default().max_message_size(Some(64)).max_frame_size(Some(64));
        let (mut client, server) = tokio::io::duplex(1_024);
        client.write_all(bytes).await.expect("there is room");
        let mut server = WebSocketStream::from_raw_socket(server, Role::Server, Some(config)).await;
        let error = loop {
            match server.next().await {
                Some(Ok(_)) => {}
                Some(Err(error)) => break error,
                None => panic!("the connection ended without an error"),
            }
        };
        match end_of(&error) {
            End::Code(code, reason) => (code, reason),
            End::Gone => panic!("{error} should be told"),
        }
    }

    #[tokio::test]
    async fn what_is_no_websocket_is_told_by_its_code() {
        let no_mask = [0, 0, 0, 0];
        let masked = |head: [u8; 2], body: &[u8]| [&head[..], &no_mask, body].concat();
        for (bytes, code) in [
            (vec![0x81, 1, b'x'], CloseCode::Protocol),
            (masked([0x85, 0x81], b"x"), CloseCode::Protocol),
            (masked([0xf1, 0x81], b"x"), CloseCode::Protocol),
            (masked([0x80, 0x81], b"x"), CloseCode::Protocol),
            (masked([0x81, 0x82], &[0xff, 0xfe]), CloseCode::NotUtf8),
            (masked([0x81, 0x80 | 65], &[b'x'; 65]), CloseCode::TooBig),
        ] {
            let (said, reason) = end_after(&bytes).await;
            assert_eq!(said, code, "{bytes:?}");
            assert!(!reason.is_empty(), "{bytes:?} is told without a reason");
        }
    }

    #[test]
    fn a_reason_fits_into_its_frame_and_ends_between_letters() {
        let long = close_reason("é".repeat(100));
        assert_eq!(long.len(), 122);
        assert_eq!(close_reason("short".to_owned()), "short");
    }
}
