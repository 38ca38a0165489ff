//! Alarms over who waits, looked at every few seconds: nobody online could serve them; they are past the bound for being
//! passed over because everybody is busy; or they are past it although somebody able has room, which the rule should never
//! let happen (invariant 8 as it is seen from outside). Each is told once when it begins, and stands on the board as long
//! as it lasts.

use std::collections::BTreeMap;

use engine::state::{Phase, Workspace};
use policy::id::WorkspaceId;
use policy::matching::Needs;
use policy::time::{Span, Timestamp};
use protocol::{AlarmKind, AlarmRow};

use super::state::State;

/// How often is looked.
const EVERY: Span = Span::seconds(5);
/// A rule may take so long to look again at what it left waiting.
const GRACE: Span = Span::seconds(15);
/// Alarms of one workspace on the board.
const ALARMS_MAX: usize = 100;

/// The alarms of a workspace, and when was looked.
#[derive(Debug, Default)]
pub(super) struct Alarms {
    looked: Timestamp,
    rows: Vec<AlarmRow>,
}

impl State {
    /// Looks at who waits, if it is time, and tells what has begun.
    pub(super) fn look_for_alarms(&mut self, now: Timestamp) {
        let workspaces: Vec<WorkspaceId> = self.engine.workspaces().map(|(id, _)| id).collect();
        self.alarms.retain(|workspace, _| workspaces.binary_search(workspace).is_ok());
        for id in workspaces {
            let before = self.alarms.entry(id).or_default();
            if now.since(before.looked) < EVERY {
                continue;
            }
            let Some(workspace) = self.engine.workspace(id) else { continue };
            let rows = alarms(workspace, now);
            for row in &rows {
                if !before.rows.iter().any(|it| (it.kind, &it.queue) == (row.kind, &row.queue)) {
                    self.parts.metrics.alarm(row.kind);
                    tracing::warn!(
                        workspace = %id,
                        queue = row.queue,
                        kind = row.kind.name(),
                        conversations = row.conversations,
                        "an alarm began"
                    );
                }
            }
            *before = Alarms { looked: now, rows };
        }
    }

    /// The alarms that stand in a workspace.
    pub(super) fn alarms_of(&self, workspace: WorkspaceId) -> Vec<AlarmRow> {
        self.alarms.get(&workspace).map(|alarms| alarms.rows.clone()).unwrap_or_default()
    }
}

/// What is wrong now. Conversations of equal needs are served by the same agents, so that one of each is asked about.
fn alarms(workspace: &Workspace, now: Timestamp) -> Vec<AlarmRow> {
    let mut oldest: BTreeMap<&Needs, (Timestamp, policy::id::ConversationId, u32, u32)> = BTreeMap::new();
    for (id, it) in &workspace.conversations {
        if !matches!(it.phase, Phase::Waiting { open: true, reserved: None }) {
            continue;
        }
        let bound = workspace.policy.queue(&it.needs.queue).map_or(Span::seconds(1_800), |it| it.passed_over);
        let overdue = now >= it.since() + bound + GRACE;
        let entry = oldest.entry(&it.needs).or_insert((it.since(), *id, 0, 0));
        if it.since() < entry.0 {
            (entry.0, entry.1) = (it.since(), *id);
        }
        entry.2 += 1;
        entry.3 += u32::from(overdue);
    }
    let mut rows: BTreeMap<(&str, AlarmKind), AlarmRow> = BTreeMap::new();
    for (needs, (since, id, all, overdue)) in oldest {
        let able = workspace.pool.able(id);
        let (kind, conversations) = match (able.online, able.free, overdue) {
            (0, ..) => (AlarmKind::Unstaffed, all),
            (_, _, 0) => continue,
            (_, 0, _) => (AlarmKind::Overdue, overdue),
            _ => (AlarmKind::Starved, overdue),
        };
        let row = rows.entry((&needs.queue, kind)).or_insert_with(|| AlarmRow {
            kind,
            queue: needs.queue.to_string(),
            conversations: 0,
            oldest_ms: since.0,
            needs: Vec::new(),
        });
        row.conversations += conversations;
        row.oldest_ms = row.oldest_ms.min(since.0);
        let skills = needs.skills.iter().map(|(skill, _)| skill.to_string());
        for need in needs.language.iter().map(|tag| tag.to_string()).chain(skills) {
            if row.needs.len() < 8 && !row.needs.contains(&need) {
                row.needs.push(need);
            }
        }
    }
    rows.into_values().take(ALARMS_MAX).collect()
}
