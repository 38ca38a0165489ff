//! The comparison for people: who is worse off first.

use std::io::Write as _;

use anyhow::Result;
use simulation::whatif::Comparison;

/// Agents whose load changes most, shown at each end.
const LOADS: usize = 5;

/// Whether a field of the result stands in the table.
pub(super) fn shows(field: &str) -> bool {
    matches!(field, "groups" | "loads" | "blocked_by" | "abandonment" | "skill_fit" | "unserved")
}

pub(super) fn print(compared: &Comparison) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "{:10} {:24} {:>8} {:>10} {:>10} {:>22}  {:>7} {:>7}",
        "by", "who", "count", "before s", "after s", "difference (95 %)", "left %", "then %"
    )?;
    for (row, it) in compared.groups.iter().enumerate() {
        let mark = if row < compared.worse_off { "  worse off" } else { "" };
        writeln!(
            out,
            "{:10} {:24} {:>8} {:>10.1} {:>10.1} {:>+10.1} to {:>+8.1}  {:>7.2} {:>7.2}{mark}",
            it.by,
            it.name,
            it.conversations,
            it.wait_before_s,
            it.wait_after_s,
            it.low,
            it.high,
            it.left_before * 100.0,
            it.left_after * 100.0
        )?;
    }
    for (name, it, unit) in [
        ("customers who leave, %", compared.abandonment, 100.0),
        ("never served", compared.unserved, 1.0),
        ("skill fit, %", compared.skill_fit, 100.0),
    ] {
        writeln!(
            out,
            "{name:24} {:.2} before, {:.2} after ({:+.2} to {:+.2})",
            it.before * unit,
            it.after * unit,
            it.low * unit,
            it.high * unit
        )?;
    }
    let shown = |at: usize| at < LOADS || at + LOADS >= compared.loads.len();
    for (_, it) in compared.loads.iter().enumerate().filter(|(at, _)| shown(*at)) {
        writeln!(
            out,
            "load of {}: {:.0} % before, {:.0} % after",
            it.agent,
            it.load.before * 100.0,
            it.load.after * 100.0
        )?;
    }
    match &compared.blocked_by[..] {
        [] => writeln!(out, "the guards hold: it may be published")?,
        blocks => {
            writeln!(out, "not to be published:")?;
            for block in blocks {
                writeln!(out, "  {block}")?;
            }
        }
    }
    Ok(())
}
