//! `GET /api/v1/export/events`: what was recorded of the workspace, without bodies and without names, as it is read. Memory is
//! bounded however long it is: what the client does not take is not read yet.

use std::io::{self, BufWriter, Write};
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use log_store::{Log, ShardId};
use policy::id::WorkspaceId;
use simulation::whatif::Part;
use simulation::whatif::recording::Writer;
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, mpsc};

use super::authorize::SignedIn;
use super::problem::Refusal;
use crate::accounts::Role;
use crate::recording::parts;
use crate::server::App;
use crate::shard::shard_of;

/// So many at once: each takes a thread for as long as its client reads.
static TURNS: Semaphore = Semaphore::const_new(2);
/// Bytes of one chunk, and chunks that wait for the client.
const CHUNK: usize = 64 << 10;
const CHUNKS: usize = 4;
/// A client that takes nothing for so long has gone.
const PATIENCE: Duration = Duration::from_secs(30);

/// `GET /api/v1/export/events`
pub(super) async fn events(State(app): State<Arc<App>>, signed_in: SignedIn) -> Result<Response, Refusal> {
    let workspace = signed_in.at_least(Role::Admin)?;
    if !app.is_here(workspace) {
        return Err(Refusal::conflict(
            "another node keeps what was recorded of this workspace: ask that one",
        ));
    }
    let turn = TURNS.try_acquire().map_err(|_| {
        Refusal::conflict("two recordings are on their way already: ask again when one of them is there")
    })?;
    let (to, mut from) = mpsc::channel::<io::Result<Bytes>>(CHUNKS);
    let (log, shards) = (Arc::clone(&app.log), usize::from(app.config.shards));
    let runtime = Handle::current();
    tokio::task::spawn_blocking(move || {
        let _turn = turn;
        let out = Chunks { to: to.clone(), runtime };
        if let Err(error) = write(&*log, ShardId(shard_of(workspace, shards)), workspace, out) {
            tracing::warn!(%workspace, %error, "a recording was not sent to its end");
            // Cuts the connection, so that nobody takes the part for the whole.
            drop(to.try_send(Err(io::Error::other("cut short"))));
        }
    });
    let body = Body::from_stream(futures_util::stream::poll_fn(move |context| from.poll_recv(context)));
    let mut response = body.into_response();
    let kind = HeaderValue::from_static("application/octet-stream");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    Ok(response)
}

/// Writes the whole recording.
fn write(log: &dyn Log, shard: ShardId, workspace: WorkspaceId, out: Chunks) -> anyhow::Result<()> {
    let mut writer = Writer::begin(BufWriter::with_capacity(CHUNK, out), workspace)?;
    parts(log, shard, workspace, &mut |part| {
        let written = match &part {
            Part::State(engine) => writer.state(engine),
            Part::Event(event) => writer.event(event),
            Part::Erased(customers) => writer.erased(customers),
        };
        written.map_err(|fault| fault.to_string())
    })?;
    writer.end()?;
    Ok(())
}

/// Hands on what is written, and waits for the client where that is slower.
struct Chunks {
    to: mpsc::Sender<io::Result<Bytes>>,
    runtime: Handle,
}

impl Write for Chunks {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // A state is written at once, and may be larger than a chunk.
        let part = &bytes[..bytes.len().min(CHUNK)];
        let sending = self.to.send(Ok(Bytes::copy_from_slice(part)));
        match self.runtime.block_on(async { tokio::time::timeout(PATIENCE, sending).await }) {
            Ok(Ok(())) => Ok(part.len()),
            Ok(Err(_)) => Err(io::ErrorKind::BrokenPipe.into()),
            Err(_) => Err(io::ErrorKind::TimedOut.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
