//! Reading a recording, from a file or a data folder, and what is learned of it in one pass.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use anyhow::{Context as _, Result, anyhow, bail};
use engine::{Engine, Event, EventKind, record};
use log_store::{Level, Options, Past, ShardId, erased, history};
use policy::Document;
use policy::id::{CustomerId, WorkspaceId};
use simulation::whatif::recording::{read, unnamed};
use simulation::whatif::{Gather, Likeness, Part, Replay, Shadow, Traffic};

use crate::fail::Usage;
use crate::report::say;

/// Events handed on at once.
const AT_ONCE: usize = 4_096;
/// So many handfuls may wait for the slower reader.
const WAITING: usize = 16;

/// What is known of a recording.
pub(super) struct Studied {
    pub(super) traffic: Traffic,
    /// How the recorded policy's replay went.
    pub(super) like: Likeness,
    /// Decisions that the other policy would have made otherwise.
    pub(super) changed: u64,
    /// The other policy is the recorded one.
    pub(super) unchanged: bool,
    /// Customers who were erased.
    pub(super) erased: Vec<CustomerId>,
}

/// What is handed to those who follow.
#[derive(Clone)]
enum Hand {
    Begin(Arc<Engine>, WorkspaceId),
    Events(Arc<Vec<Event>>),
}

/// Reads a recording once.
pub(super) fn study(path: &Path, workspace: Option<&str>, document: Option<&Document>) -> Result<Studied> {
    let wanted: Option<WorkspaceId> =
        workspace.map(str::parse).transpose().map_err(|error| Usage(format!("--workspace: {error}")))?;
    let (exact, exacts) = sync_channel(WAITING);
    let (other, others) = sync_channel(WAITING);
    std::thread::scope(|scope| {
        let replayed = scope.spawn(move || follow_exactly(&exacts));
        let shadowed = scope.spawn(move || follow_otherwise(&others, document));
        let mut hands = Hands { to: vec![exact, other], events: Vec::with_capacity(AT_ONCE) };
        let erased =
            if path.is_dir() { from_folder(path, wanted, &mut hands) } else { from_file(path, &mut hands) };
        hands.hand_on();
        drop(hands);
        let ended = |_| anyhow!("a part of the analysis ended badly");
        let like = replayed.join().map_err(ended)?;
        let (traffic, changed, unchanged) = shadowed.join().map_err(ended)?;
        let erased = erased?;
        let (Some(like), Some(traffic)) = (like, traffic) else {
            bail!("{} holds no events of this workspace", path.display());
        };
        Ok(Studied { traffic, like, changed, unchanged, erased })
    })
}

/// Gathers events into handfuls.
struct Hands {
    to: Vec<SyncSender<Hand>>,
    events: Vec<Event>,
}

impl Hands {
    fn begin(&self, state: Engine, workspace: WorkspaceId) {
        let state = Arc::new(state);
        for to in &self.to {
            // Whoever does not listen any more has ended badly, which is told at the end.
            to.send(Hand::Begin(Arc::clone(&state), workspace)).ok();
        }
    }

    fn event(&mut self, event: Event) {
        self.events.push(event);
        if self.events.len() == AT_ONCE {
            self.hand_on();
        }
    }

    fn hand_on(&mut self) {
        let events = Arc::new(std::mem::replace(&mut self.events, Vec::with_capacity(AT_ONCE)));
        for to in &self.to {
            to.send(Hand::Events(Arc::clone(&events))).ok();
        }
    }
}

fn follow_exactly(hands: &Receiver<Hand>) -> Option<Likeness> {
    let mut replay = None;
    for hand in hands {
        match hand {
            Hand::Begin(state, _) => replay = Some(Replay::begin((*state).clone())),
            Hand::Events(events) => {
                for event in events.iter() {
                    replay.get_or_insert_with(|| Replay::begin(Engine::new())).event(event);
                }
            }
        }
    }
    replay.map(Replay::end)
}

/// Gathers the traffic, and asks the other policy where it is another.
fn follow_otherwise(hands: &Receiver<Hand>, document: Option<&Document>) -> (Option<Traffic>, u64, bool) {
    let (mut state, mut of) = (Arc::new(Engine::new()), WorkspaceId::from_bits(0));
    let mut gather: Option<Gather> = None;
    let mut shadow: Option<Shadow> = None;
    for hand in hands {
        match hand {
            Hand::Begin(begin, workspace) => (state, of) = (begin, workspace),
            Hand::Events(events) => {
                for event in events.iter() {
                    if gather.is_none() {
                        gather = Some(Gather::begin(of, &state, event.at));
                        let begin = |document: &Document| Shadow::begin((*state).clone(), document.clone());
                        shadow = document.map(begin);
                    }
                    if let Some(gather) = &mut gather {
                        gather.event(event);
                    }
                    if let Some(shadow) = &mut shadow {
                        shadow.event(event);
                    }
                }
            }
        }
    }
    let traffic = gather.map(Gather::end);
    let recorded = traffic.as_ref().map(|it| it.documents.as_slice()).unwrap_or_default();
    let unchanged = document.is_none_or(|document| recorded.iter().all(|(_, it)| it == document));
    // The replay tells it exactly then.
    let changed = if unchanged { 0 } else { shadow.map_or(0, |it| it.changed()) };
    (traffic, changed, unchanged)
}

fn from_file(path: &Path, hands: &mut Hands) -> Result<Vec<CustomerId>> {
    let file =
        File::open(path).map_err(|error| Usage(format!("{} cannot be read: {error}", path.display())))?;
    let mut gone = Vec::new();
    let (mut state, mut begun) = (None, false);
    read(BufReader::with_capacity(1 << 20, file), |part| {
        match part {
            Part::State(engine) => state = Some(*engine),
            Part::Event(event) => {
                if !begun {
                    begun = true;
                    hands.begin(state.take().unwrap_or_default(), event.workspace);
                }
                hands.event(*event);
            }
            Part::Erased(customers) => gone.extend(customers),
        }
        Ok(())
    })
    .map_err(|fault| Usage(format!("{}: {fault}", path.display())))?;
    Ok(gone)
}

fn from_folder(path: &Path, wanted: Option<WorkspaceId>, hands: &mut Hands) -> Result<Vec<CustomerId>> {
    let options = Options { path: path.to_path_buf(), level: Level::Os, archive_days: u32::MAX };
    if !path.join("format").exists() {
        return Err(Usage(format!("{} is no data folder", path.display())).into());
    }
    let log = log_store::open(&options).map_err(|error| Usage(error.to_string()))?;
    let mut found: Option<(WorkspaceId, ShardId)> = None;
    let mut names = Vec::new();
    for shard in log.shards()? {
        each_workspace(&*log, shard, &mut |id| {
            names.push(id.to_string());
            if wanted.is_none_or(|wanted| wanted == id) {
                found = Some((id, shard));
            }
        })?;
    }
    let several = wanted.is_none() && names.len() > 1;
    let Some((workspace, shard)) = found.filter(|_| !several) else {
        let list = names.join(", ");
        return Err(Usage(format!("name the workspace with --workspace; there are: {list}")).into());
    };
    say(&format!("workspace {workspace}"));
    let (mut failed, mut begun) = (None, false);
    history(&*log, shard, |past| {
        match past {
            Past::State(state) => match Engine::from_snapshot(&state.bytes) {
                Ok(engine) => hands.begin(engine.alone(workspace), workspace),
                Err(error) => failed = Some(error.to_string()),
            },
            Past::Record(position, bytes) => {
                if !begun && position.0 == 1 {
                    hands.begin(Engine::new(), workspace);
                }
                match record::read(bytes) {
                    Ok(event) if event.workspace == workspace => hands.event(unnamed(event)),
                    Ok(_) => {}
                    Err(error) => failed = Some(format!("record {}: {error}", position.0)),
                }
            }
        }
        begun = true;
        failed.is_none()
    })?;
    if let Some(failed) = failed {
        bail!("the data folder cannot be read: {failed}");
    }
    let gone = erased(&*log).context("who was erased")?;
    log.close();
    Ok(gone)
}

/// The workspaces of a shard that are there at the end.
fn each_workspace(log: &dyn log_store::Log, shard: ShardId, each: &mut dyn FnMut(WorkspaceId)) -> Result<()> {
    let (mut there, mut failed) = (std::collections::BTreeSet::new(), None);
    history(log, shard, |past| {
        match past {
            Past::State(state) => match Engine::from_snapshot(&state.bytes) {
                Ok(engine) => there.extend(engine.workspaces().map(|(id, _)| id)),
                Err(error) => failed = Some(error.to_string()),
            },
            Past::Record(position, bytes) => match record::read(bytes) {
                Ok(Event { workspace, kind: EventKind::WorkspaceRemoved, .. }) => {
                    there.remove(&workspace);
                }
                Ok(event) => {
                    there.insert(event.workspace);
                }
                Err(error) => failed = Some(format!("record {}: {error}", position.0)),
            },
        }
        failed.is_none()
    })?;
    if let Some(failed) = failed {
        bail!("the data folder cannot be read: {failed}");
    }
    there.into_iter().for_each(each);
    Ok(())
}
