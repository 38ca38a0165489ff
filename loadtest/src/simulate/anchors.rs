//! The anchors: every design, so many replications, exact values against intervals.

use std::io::Write as _;

use anyhow::Result;
use serde_json::json;
use simulation::anchors::{Design, REPLICATIONS, Row, Table, designs, judge, play};

use super::{Arguments, pool, seed_of};
use crate::report::{Report, bar};

/// Of 26 checks so many at least lie inside.
const INSIDE: usize = 23;
/// And none farther out than this.
const HALF_WIDTHS: f64 = 2.2;
/// The multi-skill anchors to this share.
const ALIS: f64 = 0.015;

pub(super) fn run(arguments: &Arguments) -> Result<bool> {
    let designs = designs();
    let reps = arguments.reps.map_or(REPLICATIONS, |reps| reps as usize);
    let mut report = Report::new("simulate", &arguments.common, "none", json!({}));
    let progress = bar((designs.len() * reps) as u64, "anchors");
    let values = pool::run(designs.len() * reps, &progress, |index| {
        // No two designs share their customers: each check is one of its own.
        Ok(play(&designs[index / reps], seed_of(arguments.common.seed, index))?)
    });
    progress.finish_and_clear();
    let values = values?;
    let played: Vec<(Design, Vec<Vec<f64>>)> =
        designs.into_iter().zip(values.chunks(reps).map(<[_]>::to_vec)).collect();
    let table = judge(&played);
    report.misses.extend(misses(&table));
    report.set("reps", reps);
    report.set("total", table.total);
    report.set("inside", table.inside);
    report.set("worst_half_widths", round(table.worst_half_widths));
    report.set("fcfs_alis_worst", round(table.fcfs_alis_worst));
    if arguments.common.json {
        report.set("anchors", json!(table.anchors));
        report.set("fcfs_alis", json!(table.fcfs_alis));
    } else {
        print(&table)?;
    }
    report.print(arguments.common.json)
}

fn misses(table: &Table) -> Vec<String> {
    let goals = [
        ("inside", table.inside >= INSIDE),
        ("worst_half_widths", table.worst_half_widths <= HALF_WIDTHS),
        ("fcfs_alis_worst", table.fcfs_alis_worst <= ALIS),
    ];
    goals.into_iter().filter(|(_, met)| !met).map(|(name, _)| name.to_owned()).collect()
}

fn round(value: f64) -> f64 {
    (value * 10_000.0).round() / 10_000.0
}

fn print(table: &Table) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{:72} {:>10} {:>10} {:>9}", "anchor", "exact", "simulated", "±")?;
    for Row { name, exact, simulated, half_width, inside } in table.anchors.iter().chain(&table.fcfs_alis) {
        let mark = if *inside { "" } else { "  outside" };
        writeln!(out, "{name:72} {exact:>10.4} {simulated:>10.4} {half_width:>9.4}{mark}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goals_that_are_missed_are_named() {
        let mut table = Table {
            total: 26,
            inside: 23,
            worst_half_widths: 2.2,
            fcfs_alis_worst: 0.015,
            anchors: Vec::new(),
            fcfs_alis: Vec::new(),
        };
        assert!(misses(&table).is_empty());
        (table.inside, table.worst_half_widths) = (22, 2.3);
        assert_eq!(misses(&table), ["inside", "worst_half_widths"]);
    }
}
