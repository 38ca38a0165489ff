//! What was recorded of one workspace, read from log and archive: events without bodies and without names. The export writes
//! it to a file, what-if studies it.

use std::collections::BTreeSet;

use engine::{Engine, EventKind, record};
use log_store::{Log, Past, ShardId, history};
use policy::id::WorkspaceId;
use simulation::whatif::Part;
use simulation::whatif::recording::unnamed;

/// Why a recording could not be read.
#[derive(Debug, thiserror::Error)]
pub enum Unread {
    /// The log cannot be read.
    #[error(transparent)]
    Log(#[from] log_store::ReadError),
    /// The keys cannot be read.
    #[error(transparent)]
    Keys(#[from] log_store::SealError),
    /// The state that it begins with cannot be read.
    #[error(transparent)]
    State(#[from] engine::SnapshotError),
    /// A record cannot be read.
    #[error("record {0} cannot be read: {1}; `switchboard check --data` tells more")]
    Record(u64, record::RecordError),
    /// Whoever asked for it gave up.
    #[error("{0}")]
    Stopped(String),
}

/// Gives everything that is kept of a workspace to `each`, in order: the state that it begins with, if it does not begin with
/// the workspace itself; the events; who was erased. Memory is bounded by that state and one archive segment; the store may
/// be in use.
///
/// # Errors
/// [`Unread`]; what was given before is then not the whole.
pub fn parts(
    log: &dyn Log,
    shard: ShardId,
    workspace: WorkspaceId,
    each: &mut dyn FnMut(Part) -> Result<(), String>,
) -> Result<(), Unread> {
    let gone = log_store::erased(log)?;
    let mut gone_here = BTreeSet::new();
    let mut failed = None;
    history(log, shard, |past| {
        let given = match past {
            Past::State(state) => Engine::from_snapshot(&state.bytes).map_err(Unread::State).and_then(|it| {
                let alone = it.alone(workspace);
                let there = alone.workspace(workspace).is_some();
                if there { each(Part::State(Box::new(alone))).map_err(Unread::Stopped) } else { Ok(()) }
            }),
            Past::Record(position, bytes) => match record::read(bytes) {
                Ok(event) if event.workspace == workspace => {
                    if let EventKind::ConversationOpened { customer, .. } = &event.kind
                        && gone.binary_search(customer).is_ok()
                    {
                        gone_here.insert(*customer);
                    }
                    each(Part::Event(Box::new(unnamed(event)))).map_err(Unread::Stopped)
                }
                Ok(_) => Ok(()),
                Err(error) => Err(Unread::Record(position.0, error)),
            },
        };
        failed = given.err();
        failed.is_none()
    })?;
    if let Some(failed) = failed {
        return Err(failed);
    }
    let gone: Vec<_> = gone_here.into_iter().collect();
    if gone.is_empty() { Ok(()) } else { each(Part::Erased(gone)).map_err(Unread::Stopped) }
}
