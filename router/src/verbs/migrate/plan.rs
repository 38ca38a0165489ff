//! What is to be moved, found by one look at everything: which records of which shards, and where each row goes.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, ensure};
use engine::{Engine, record};
use log_store::migrate::{Content, FillError, Filler};
use log_store::{Copied, Log, Past, Position, ReadError, ShardId, Snapshot, Table, history, seal};
use policy::id::WorkspaceId;

use crate::shard::{self, Known, Whose, shard_of};

/// The workspaces that are moved: all of the store, or some.
#[derive(Debug, Clone, Default)]
pub(super) struct Chosen(pub(super) Option<BTreeSet<WorkspaceId>>);

impl Chosen {
    pub(super) fn has(&self, workspace: WorkspaceId) -> bool {
        self.0.as_ref().is_none_or(|chosen| chosen.contains(&workspace))
    }

    pub(super) fn all(&self) -> bool {
        self.0.is_none()
    }
}

/// The records of a shard that are moved. Positions stay; where some workspaces are left out, the records of the others move
/// up to the end, so that what is numbered by positions stays in order.
#[derive(Debug)]
struct Part {
    after: Position,
    upto: Position,
    /// The states to keep beside them, oldest first.
    states: Vec<Snapshot>,
}

/// What is to be moved.
pub(super) struct Plan {
    chosen: Chosen,
    shards: u16,
    /// Whether the source keeps the rows of all shards together.
    together: bool,
    known: Known,
    parts: BTreeMap<ShardId, Part>,
    /// The state of each shard in the end.
    pub(super) states: BTreeMap<ShardId, (Position, u64)>,
    /// What the source holds, and which part of it is moved, in one word.
    pub(super) which: String,
}

/// The last records of a shard that are of some workspaces, and the state before them.
struct Tail {
    before: Engine,
    count: u64,
}

impl Plan {
    /// Looks at a source that nobody writes to.
    ///
    /// # Errors
    /// If it cannot be read, or was made with another number of shards.
    pub(super) fn of(from: &dyn Log, chosen: Chosen, shards: u16, together: bool) -> anyhow::Result<Self> {
        let (mut known, mut content) = (Known::default(), Content::default());
        from.copy(&mut |copied| {
            if let Copied::Row(_, table, key, value) = copied {
                known.see(table, key, value);
            }
            content.add(copied);
            Ok(())
        })?;
        let names = chosen.0.iter().flatten().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        // Remembered requests end by themselves.
        let which = format!("{:016x} {shards} {names}", content.fingerprint(Table::Dedupe));
        let (parts, states) = (BTreeMap::new(), BTreeMap::new());
        let mut plan = Self { chosen, shards, together, known, parts, states, which };
        for shard in from.shards()? {
            plan.look_at(from, shard, &content).with_context(|| format!("shard {}", shard.0))?;
        }
        Ok(plan)
    }

    fn look_at(&mut self, from: &dyn Log, shard: ShardId, content: &Content) -> anyhow::Result<()> {
        let recovered = shard::recover(shard, from)?;
        for (workspace, _) in recovered.engine.workspaces() {
            let of = shard_of(workspace, usize::from(self.shards));
            ensure!(
                of == shard.0,
                "{workspace} is here, and would be in shard {of} of {}: set `shards` to the number that the store was made with",
                self.shards
            );
        }
        let upto = recovered.position;
        let part = if self.chosen.all() {
            let after = content.records.get(&shard).map_or(upto, |run| run.after);
            let states = from.snapshots(shard)?.into_iter().rev().collect();
            Part { after, upto, states }
        } else {
            let Some(Tail { before, count }) = self.tail(from, shard)? else { return Ok(()) };
            let after = Position(upto.0.saturating_sub(count));
            let mut states = Vec::new();
            if after > Position(0) {
                states.push(shard::snapshot_of(&before, after)?);
            }
            if count > 0 {
                let wanted = |it: WorkspaceId| self.chosen.has(it);
                states.push(shard::snapshot_of(&recovered.engine.only(&wanted), upto)?);
            }
            Part { after, upto, states }
        };
        let end = recovered.engine.only(&|it| self.chosen.has(it));
        self.states.insert(shard, (upto, shard::state_hash(&end.to_snapshot()?)));
        self.parts.insert(shard, part);
        Ok(())
    }

    /// What is kept of the chosen workspaces in a shard; `None` where there is nothing of them.
    fn tail(&self, from: &dyn Log, shard: ShardId) -> anyhow::Result<Option<Tail>> {
        let (mut before, mut count) = (Engine::new(), 0);
        let mut failed = None;
        history(from, shard, |past| {
            match past {
                Past::State(state) => match Engine::from_snapshot(&state.bytes) {
                    Ok(engine) => before = engine.only(&|it| self.chosen.has(it)),
                    Err(error) => failed = Some(error.to_string()),
                },
                Past::Record(_, bytes) => match self.wanted(bytes) {
                    Ok(wanted) => count += u64::from(wanted),
                    Err(error) => failed = Some(error),
                },
            }
            failed.is_none()
        })?;
        ensure!(failed.is_none(), "{}", failed.unwrap_or_default());
        let something = count > 0 || before.workspaces().next().is_some();
        Ok(something.then_some(Tail { before, count }))
    }

    fn wanted(&self, bytes: &[u8]) -> Result<bool, String> {
        if self.chosen.all() {
            return Ok(true);
        }
        record::read(bytes).map(|event| self.chosen.has(event.workspace)).map_err(|error| error.to_string())
    }

    /// Lets the logs of the target begin where they will; before anybody takes leases there.
    ///
    /// # Errors
    /// If the target does not take it.
    pub(super) fn begin(&self, filler: &mut Filler<'_>) -> Result<(), FillError> {
        self.parts.iter().try_for_each(|(shard, part)| filler.begin(*shard, part.after, part.upto))
    }

    /// Gives a target everything but the states.
    ///
    /// # Errors
    /// If the source cannot be read, or the target does not take it.
    pub(super) fn fill(&self, from: &dyn Log, filler: &mut Filler<'_>) -> anyhow::Result<()> {
        for (shard, part) in &self.parts {
            let mut failed = None;
            let mut each = |bytes: &[u8]| {
                match self.wanted(bytes) {
                    Ok(true) => failed = filler.record(*shard, bytes).err().map(anyhow::Error::from),
                    Ok(false) => {}
                    Err(error) => failed = Some(anyhow::Error::msg(error)),
                }
                failed.is_none()
            };
            if self.chosen.all() {
                from.replay(*shard, part.after, &mut |_, bytes| each(bytes))?;
            } else {
                history(from, *shard, |past| match past {
                    Past::State(_) => true,
                    Past::Record(_, bytes) => each(bytes),
                })?;
            }
            if let Some(failed) = failed {
                return Err(failed.context(format!("shard {}", shard.0)));
            }
        }
        let mut failed = None;
        let copied = from.copy(&mut |copied| {
            let Copied::Row(home, table, key, value) = copied else { return Ok(()) };
            self.place(filler, home, table, key, value).map_err(|error| {
                failed = Some(error);
                ReadError::Io(String::new())
            })
        });
        failed.map_or(copied.map_err(Into::into), Err)
    }

    fn place(
        &self,
        filler: &mut Filler<'_>,
        home: ShardId,
        table: Table,
        key: &[u8],
        value: &[u8],
    ) -> anyhow::Result<()> {
        let whose = self.known.whose(table, key, value);
        let whose = whose.with_context(|| {
            format!(
                "a row of {} is of a kind that this version does not know: use the version that wrote it",
                table.name()
            )
        })?;
        let shared = matches!(whose, Whose::Hashed(_));
        for shard in self.homes(whose, home, table, value) {
            filler.row(shard, table, key, value, shared)?;
        }
        Ok(())
    }

    /// Where a row goes in a store that keeps each with its shard.
    fn homes(&self, whose: Whose, home: ShardId, table: Table, value: &[u8]) -> Vec<ShardId> {
        let of = |workspace: WorkspaceId| ShardId(shard_of(workspace, usize::from(self.shards)));
        match whose {
            Whose::Of(workspace) if self.chosen.has(workspace) => vec![of(workspace)],
            Whose::Beside(place, workspace) if workspace.is_none_or(|it| self.chosen.has(it)) => vec![place],
            Whose::Of(_) | Whose::Beside(..) => Vec::new(),
            Whose::Hashed(workspaces) if !workspaces.is_empty() => {
                let chosen = workspaces.into_iter().filter(|it| self.chosen.has(*it));
                let homes: BTreeSet<_> = chosen.map(of).collect();
                // A store that keeps rows apart knows better than the row where it is.
                if self.together || !homes.contains(&home) { homes.into_iter().collect() } else { vec![home] }
            }
            Whose::Hashed(_) if !self.together => {
                if self.parts.contains_key(&home) {
                    vec![home]
                } else {
                    Vec::new()
                }
            }
            // Nobody's words are sealed with a key that no row names: it is kept once, so that an erasure finds all of it.
            Whose::Hashed(_) if table == Table::Keys && seal::rank(value).is_some_and(|(_, key)| key) => {
                self.parts.keys().next().copied().into_iter().collect()
            }
            Whose::Hashed(_) => self.parts.keys().copied().collect(),
        }
    }

    /// Gives a target the states, once it has the records.
    ///
    /// # Errors
    /// If it does not take them.
    pub(super) fn keep_states(&self, to: &dyn Log) -> Result<(), ReadError> {
        for (shard, part) in &self.parts {
            part.states.iter().try_for_each(|state| to.put_snapshot(*shard, state))?;
        }
        Ok(())
    }

    /// Whether files beside the store go along; an archive that others are in does not.
    pub(super) fn wants_file(&self, name: &str) -> bool {
        match &self.chosen.0 {
            None => true,
            Some(chosen) => {
                chosen.iter().any(|it| name.starts_with(&format!("{}/{it}/", log_store::blob::FOLDER)))
            }
        }
    }
}
