//! Figures for Prometheus, as OpenMetrics text. Labels are bounded by construction: codes, kinds, routes; never ids.

use std::sync::atomic::AtomicI64;
use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, text::encode};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use protocol::{ClientFrame, CloseCode, Code};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CodeLabel {
    code: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct KindLabel {
    kind: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabel {
    route: String,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ShardLabel {
    shard: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct WhichLabel {
    which: &'static str,
}

/// What stopped a connection before a byte of it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusedBy {
    /// There are as many connections as there may be.
    Limit,
    /// Its source has as many as it may have.
    Source,
    /// The system gave none: it is out of files or memory.
    System,
}

/// What became of an offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OfferStep {
    /// It was made.
    Made,
    /// The agent took it.
    Accepted,
    /// The agent did not want it.
    Declined,
    /// The agent said nothing in time.
    TimedOut,
}

/// The names of all figures, without the prefix `switchboard_` and the suffixes that OpenMetrics adds.
pub const NAMES: [&str; 30] = [
    "accepted",
    "alarms",
    "append_seconds",
    "appends_failed",
    "batch_records",
    "bytes",
    "certificate_reads",
    "closed",
    "condition_errors",
    "connections",
    "connections_refused",
    "conversations_moved",
    "decision_seconds",
    "decisions",
    "frames_in",
    "frames_out",
    "handshakes_failed",
    "http_requests",
    "offers",
    "rejected",
    "sessions",
    "shard_queue_depth",
    "sign_ins_failed",
    "slow_readers",
    "store_appends",
    "store_commit_seconds",
    "store_commits",
    "store_writable",
    "tickets_refused",
    "waiting",
];

/// From 50 microseconds to a second: a level `disk` append is an fdatasync.
const APPEND_BUCKETS: [f64; 11] = [5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 1e-2, 5e-2, 2.5e-1, 1.0];

/// All figures of the process.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    connections: Gauge,
    sessions: Gauge,
    queue_depth: Gauge,
    store_writable: Gauge,
    store_appends: Gauge,
    store_commits: Gauge,
    store_commit_seconds: Gauge<f64, std::sync::atomic::AtomicU64>,
    waiting: Family<ShardLabel, Gauge<i64, AtomicI64>>,
    frames_in: Family<KindLabel, Counter>,
    frames_out: Counter,
    accepted: Counter,
    rejected: Family<CodeLabel, Counter>,
    closed: Family<CodeLabel, Counter>,
    slow_readers: Counter,
    condition_errors: Counter,
    alarms: Family<WhichLabel, Counter>,
    decisions: Counter,
    decision_seconds: Histogram,
    batch_records: Histogram,
    appends_failed: Counter,
    conversations_moved: Counter,
    http: Family<RouteLabel, Counter>,
    tickets_refused: Counter,
    sign_ins_failed: Counter,
    refused: Family<WhichLabel, Counter>,
    handshakes_failed: Counter,
    certificates: Family<WhichLabel, Counter>,
    bytes_in: Counter,
    bytes_out: Counter,
    bytes: Family<WhichLabel, Counter>,
    offers: Family<WhichLabel, Counter>,
    append_seconds: Family<WhichLabel, Histogram>,
}

/// One open connection; counts it out when it is dropped.
#[derive(Debug)]
pub struct OpenConnection(Gauge);

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// All figures at zero.
    #[must_use]
    pub fn new() -> Self {
        let decision_buckets = [1e-7, 2.5e-7, 5e-7, 1e-6, 2.5e-6, 5e-6, 1e-5, 2.5e-5, 1e-4, 1e-3];
        let batch_buckets = [1.0, 2.0, 4.0, 8.0, 16.0, 64.0, 256.0, 1024.0];
        let bytes = Family::<WhichLabel, Counter>::default();
        let bytes_in = bytes.get_or_create(&WhichLabel { which: "in" }).clone();
        let bytes_out = bytes.get_or_create(&WhichLabel { which: "out" }).clone();
        let mut it = Self {
            registry: Registry::with_prefix("switchboard"),
            connections: Gauge::default(),
            sessions: Gauge::default(),
            queue_depth: Gauge::default(),
            store_writable: Gauge::default(),
            store_appends: Gauge::default(),
            store_commits: Gauge::default(),
            store_commit_seconds: Gauge::default(),
            waiting: Family::default(),
            frames_in: Family::default(),
            frames_out: Counter::default(),
            accepted: Counter::default(),
            rejected: Family::default(),
            closed: Family::default(),
            slow_readers: Counter::default(),
            condition_errors: Counter::default(),
            alarms: Family::default(),
            decisions: Counter::default(),
            decision_seconds: Histogram::new(decision_buckets),
            batch_records: Histogram::new(batch_buckets),
            appends_failed: Counter::default(),
            conversations_moved: Counter::default(),
            http: Family::default(),
            tickets_refused: Counter::default(),
            sign_ins_failed: Counter::default(),
            refused: Family::default(),
            handshakes_failed: Counter::default(),
            certificates: Family::default(),
            bytes_in,
            bytes_out,
            bytes,
            offers: Family::default(),
            append_seconds: Family::new_with_constructor(|| Histogram::new(APPEND_BUCKETS)),
        };
        it.register();
        it
    }

    fn register(&mut self) {
        let registry = &mut self.registry;
        registry.register("connections", "Open WebSocket connections", self.connections.clone());
        registry.register("sessions", "Sessions, those without a connection included", self.sessions.clone());
        registry.register("shard_queue_depth", "Asks that wait for a shard", self.queue_depth.clone());
        registry.register("store_writable", "1 while the store takes appends", self.store_writable.clone());
        registry.register("store_appends", "Batches appended since the start", self.store_appends.clone());
        registry.register(
            "store_commits",
            "Commits since the start; each syncs once at level disk",
            self.store_commits.clone(),
        );
        registry.register(
            "store_commit_seconds",
            "The time of the last commit",
            self.store_commit_seconds.clone(),
        );
        registry.register("waiting", "Conversations that wait, by shard", self.waiting.clone());
        registry.register("frames_in", "Frames from clients, by kind", self.frames_in.clone());
        registry.register("frames_out", "Frames to clients", self.frames_out.clone());
        registry.register("accepted", "Requests that were done", self.accepted.clone());
        registry.register("rejected", "Requests that were not done, by code", self.rejected.clone());
        registry.register("closed", "Connections that the server closed, by close code", self.closed.clone());
        registry.register(
            "condition_errors",
            "Conditions of intake rules that could not be answered: the rule was passed by",
            self.condition_errors.clone(),
        );
        registry.register("alarms", "Alarms over those who wait that began, by kind", self.alarms.clone());
        registry.register(
            "slow_readers",
            "Connections cut because the client reads too slowly",
            self.slow_readers.clone(),
        );
        registry.register("decisions", "Routing decisions", self.decisions.clone());
        registry.register(
            "decision_seconds",
            "The time of a decision with its record",
            self.decision_seconds.clone(),
        );
        registry.register("batch_records", "Records in one append of a shard", self.batch_records.clone());
        registry.register("appends_failed", "Appends that the log refused", self.appends_failed.clone());
        registry.register(
            "conversations_moved",
            "Ended conversations that left Redis for the blob store",
            self.conversations_moved.clone(),
        );
        registry.register("http_requests", "Requests to the API, by route and status", self.http.clone());
        registry.register("tickets_refused", "Upgrades without a good ticket", self.tickets_refused.clone());
        registry.register("sign_ins_failed", "Sign-ins that failed", self.sign_ins_failed.clone());
        registry.register(
            "connections_refused",
            "Connections refused before a byte was read, by what refused them",
            self.refused.clone(),
        );
        registry.register("handshakes_failed", "TLS handshakes that failed", self.handshakes_failed.clone());
        registry.register(
            "certificate_reads",
            "New certificates that were read, by whether they could be used",
            self.certificates.clone(),
        );
        registry.register("bytes", "Bytes on the wire, in and out", self.bytes.clone());
        registry.register("offers", "Offers to agents, by what became of them", self.offers.clone());
        registry.register(
            "append_seconds",
            "The time from an append to its acknowledgement, by level",
            self.append_seconds.clone(),
        );
    }

    /// One more connection.
    #[must_use]
    pub fn connection_opened(&self) -> OpenConnection {
        self.connections.inc();
        OpenConnection(self.connections.clone())
    }

    /// The server closed a connection.
    pub fn closed(&self, code: CloseCode) {
        self.closed.get_or_create(&CodeLabel { code: code.code().to_string() }).inc();
    }

    /// A reader was cut for being slow.
    pub fn slow_reader(&self) {
        self.slow_readers.inc();
    }

    /// A frame to a client.
    pub fn frame_out(&self) {
        self.frames_out.inc();
    }

    /// A frame from a client.
    pub fn frame_in(&self, frame: &ClientFrame) {
        let kind = match frame {
            ClientFrame::Hello { .. } => "hello",
            ClientFrame::Send { .. } => "send",
            ClientFrame::Mail { .. } => "mail",
            ClientFrame::Accept { .. } => "accept",
            ClientFrame::Decline { .. } => "decline",
            ClientFrame::Transfer { .. } => "transfer",
            ClientFrame::Park { .. } => "park",
            ClientFrame::Unpark { .. } => "unpark",
            ClientFrame::Close { .. } => "close",
            ClientFrame::Reopen { .. } => "reopen",
            ClientFrame::Presence { .. } => "presence",
            ClientFrame::Pause { .. } => "pause",
            ClientFrame::WrapUp { .. } => "wrap_up",
            ClientFrame::Typing { .. } => "typing",
            ClientFrame::Seen { .. } => "seen",
            ClientFrame::Ack { .. } => "ack",
            ClientFrame::Ping {} => "ping",
            ClientFrame::Watch { .. } => "watch",
        };
        self.frames_in.get_or_create(&KindLabel { kind }).inc();
    }

    /// So many conditions could not be answered.
    pub fn condition_errors(&self, count: u32) {
        self.condition_errors.inc_by(u64::from(count));
    }

    /// An alarm over those who wait began.
    pub fn alarm(&self, kind: protocol::AlarmKind) {
        self.alarms.get_or_create(&WhichLabel { which: kind.name() }).inc();
    }

    /// A request was rejected.
    pub fn rejected(&self, code: Code) {
        let code =
            serde_json::to_value(code).ok().and_then(|it| it.as_str().map(str::to_owned)).unwrap_or_default();
        self.rejected.get_or_create(&CodeLabel { code }).inc();
    }

    /// A request was done.
    pub fn accepted(&self) {
        self.accepted.inc();
    }

    /// Decisions were made, in this time together.
    pub fn decided(&self, decisions: u32, took: Duration) {
        self.decisions.inc_by(u64::from(decisions));
        self.decision_seconds.observe(took.as_secs_f64() / f64::from(decisions.max(1)));
    }

    /// A batch goes to the log.
    pub fn batch(&self, records: usize) {
        #[expect(clippy::cast_precision_loss, reason = "records of one batch")]
        self.batch_records.observe(records as f64);
    }

    /// An ended conversation has left the store.
    pub fn conversation_moved(&self) {
        self.conversations_moved.inc();
    }

    /// An append was refused.
    pub fn append_failed(&self) {
        self.appends_failed.inc();
    }

    /// How many wait in a shard.
    pub fn waiting(&self, shard: u16, waiting: u32) {
        self.waiting.get_or_create(&ShardLabel { shard }).set(i64::from(waiting));
    }

    /// A request to the API was answered.
    pub fn http(&self, route: &str, status: u16) {
        self.http.get_or_create(&RouteLabel { route: route.to_owned(), status }).inc();
    }

    /// An upgrade came without a good ticket.
    pub fn ticket_refused(&self) {
        self.tickets_refused.inc();
    }

    /// A sign-in failed.
    pub fn sign_in_failed(&self) {
        self.sign_ins_failed.inc();
    }

    /// A connection was refused before a byte of it was read.
    pub fn connection_refused(&self, by: RefusedBy) {
        let which = match by {
            RefusedBy::Limit => "limit",
            RefusedBy::Source => "source",
            RefusedBy::System => "system",
        };
        self.refused.get_or_create(&WhichLabel { which }).inc();
    }

    /// A TLS handshake failed or took too long.
    pub fn handshake_failed(&self) {
        self.handshakes_failed.inc();
    }

    /// A new certificate was read, and can be used or not.
    pub fn certificate_read(&self, good: bool) {
        let which = if good { "good" } else { "bad" };
        self.certificates.get_or_create(&WhichLabel { which }).inc();
    }

    /// Bytes came.
    pub fn bytes_in(&self, bytes: usize) {
        self.bytes_in.inc_by(bytes as u64);
    }

    /// Bytes went.
    pub fn bytes_out(&self, bytes: usize) {
        self.bytes_out.inc_by(bytes as u64);
    }

    /// Something became of an offer.
    pub fn offer(&self, step: OfferStep) {
        let which = match step {
            OfferStep::Made => "made",
            OfferStep::Accepted => "accepted",
            OfferStep::Declined => "declined",
            OfferStep::TimedOut => "timed_out",
        };
        self.offers.get_or_create(&WhichLabel { which }).inc();
    }

    /// An append was acknowledged at this level, after this time.
    pub fn appended(&self, level: log_store::Level, took: Duration) {
        let which = level.name();
        self.append_seconds.get_or_create(&WhichLabel { which }).observe(took.as_secs_f64());
    }

    /// All figures as OpenMetrics text.
    #[must_use]
    pub fn encode(&self, sessions: usize, queue_depth: usize, store: &log_store::Health) -> String {
        let count = |value: usize| i64::try_from(value).unwrap_or(i64::MAX);
        self.sessions.set(count(sessions));
        self.queue_depth.set(count(queue_depth));
        self.store_writable.set(i64::from(store.writable));
        self.store_appends.set(i64::try_from(store.appends).unwrap_or(i64::MAX));
        self.store_commits.set(i64::try_from(store.commits).unwrap_or(i64::MAX));
        self.store_commit_seconds.set(store.commit_seconds);
        let mut text = String::new();
        if encode(&mut text, &self.registry).is_err() {
            text.push_str("# EOF\n");
        }
        text
    }
}

#[cfg(test)]
mod tests;
