//! Anchors: designs whose answer is known exactly, simulated with the same world and engine as everything else. A table:
//! [`designs`] has a row for each design, and each of its checks names a measure and the formula that gives the exact value.

mod designs;
pub mod formulas;

use serde::Serialize;

use crate::arrivals;
use crate::figures::{estimate, measure};
use crate::scenario::Scenario;
use crate::setting::{Order, UnknownRule, anchor_document};
use crate::world::{self, Contact};

pub use designs::designs;

/// How often each design is played.
pub const REPLICATIONS: usize = 40;

/// One design and what is known of it.
#[derive(Debug, Clone)]
pub struct Design {
    /// What is simulated.
    pub scenario: Scenario,
    /// Under which rule.
    pub rule: &'static str,
    /// In which order.
    pub order: Order,
    /// What is compared.
    pub checks: Vec<Check>,
    /// Multi-skill anchors are judged by their relative error, apart from the others.
    pub is_alis: bool,
}

/// One exact value.
#[derive(Debug, Clone, PartialEq)]
pub struct Check {
    /// Its name, with the formula's.
    pub name: String,
    /// The exact value.
    pub exact: f64,
    /// What of the simulation it stands against.
    pub of: Of,
}

/// A measure of one replication.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    /// Mean time in queue.
    Wait,
    /// Mean time in queue of one class.
    WaitOf(usize),
    /// Share taken within 30 s.
    Within30,
    /// Share who had to wait.
    Delayed,
    /// Share who left.
    Abandoned,
    /// Mean time in queue and in hand.
    InSystem,
}

/// A row of the result.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// Its name.
    pub name: String,
    /// By formula.
    pub exact: f64,
    /// By simulation.
    pub simulated: f64,
    /// Of the 95 % interval.
    pub half_width: f64,
    /// Whether the exact value lies inside.
    pub inside: bool,
}

/// The result.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Table {
    /// How many checks there are beside FCFS-ALIS.
    pub total: usize,
    /// How many exact values lie inside the interval.
    pub inside: usize,
    /// The farthest of them, in half-widths.
    pub worst_half_widths: f64,
    /// The largest relative error of the multi-skill anchors.
    pub fcfs_alis_worst: f64,
    /// The rows.
    pub anchors: Vec<Row>,
    /// The multi-skill anchors.
    pub fcfs_alis: Vec<Row>,
}

/// Why a design could not be played.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Fault {
    /// Its rule is not there.
    #[error(transparent)]
    Rule(#[from] UnknownRule),
    /// The run came to no end.
    #[error(transparent)]
    World(#[from] world::Fault),
}

/// Plays one replication of a design; gives the measures in the order of its checks.
///
/// # Errors
/// The rule is unknown, or the run came to no end.
pub fn play(design: &Design, seed: u64) -> Result<Vec<f64>, Fault> {
    let document = anchor_document(&design.scenario, design.rule, design.order)?;
    let fates = arrivals::draw(&design.scenario, seed);
    let contacts = world::run(&design.scenario, &document, &fates, seed, false)?;
    let all = measure(&design.scenario, &contacts);
    let of = |check: &Check| match check.of {
        Of::Wait => all.mean_s,
        Of::WaitOf(class) => {
            let only: Vec<Contact> = contacts.iter().filter(|it| it.class == class).copied().collect();
            measure(&design.scenario, &only).mean_s
        }
        Of::Within30 => all.within_30s,
        Of::Delayed => all.delayed,
        Of::Abandoned => all.abandoned,
        Of::InSystem => all.in_system_s,
    };
    Ok(design.checks.iter().map(of).collect())
}

/// Judges what [`play`] gave: for each design its replications.
#[must_use]
pub fn judge(played: &[(Design, Vec<Vec<f64>>)]) -> Table {
    let (mut anchors, mut fcfs_alis) = (Vec::new(), Vec::new());
    for (design, replications) in played {
        for (index, check) in design.checks.iter().enumerate() {
            let values: Vec<f64> = replications.iter().map(|values| values[index]).collect();
            let found = estimate(&values);
            let row = Row {
                name: check.name.clone(),
                exact: check.exact,
                simulated: found.mean,
                half_width: found.half_width,
                inside: (found.mean - check.exact).abs() <= found.half_width,
            };
            if design.is_alis { &mut fcfs_alis } else { &mut anchors }.push(row);
        }
    }
    let off = |row: &Row| (row.simulated - row.exact).abs();
    let worst = |rows: &[Row], of: &dyn Fn(&Row) -> f64| rows.iter().map(of).fold(0.0, f64::max);
    Table {
        total: anchors.len(),
        inside: anchors.iter().filter(|row| row.inside).count(),
        worst_half_widths: worst(&anchors, &|row| off(row) / row.half_width.max(f64::MIN_POSITIVE)),
        fcfs_alis_worst: worst(&fcfs_alis, &|row| off(row) / row.exact),
        anchors,
        fcfs_alis,
    }
}
