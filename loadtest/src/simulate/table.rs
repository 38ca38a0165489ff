//! The results as a table for people, a block a scenario.

use std::io::Write as _;

use anyhow::Result;
use simulation::figures::Summary;

pub(super) fn print(results: &[Summary]) -> Result<()> {
    let mut out = std::io::stdout().lock();
    let mut scenario = "";
    for it in results {
        if it.scenario != scenario {
            scenario = &it.scenario;
            writeln!(out, "{scenario}: pooled {:.2} s, {} replications", it.pooled_s, it.reps)?;
            writeln!(
                out,
                "  {:20} {:>8} {:>7} {:>17} {:>8} {:>8} {:>7} {:>7} {:>9} {:>7} {:>8} {:>6}",
                "rule",
                "mean s",
                "±",
                "× pooled",
                "p95 s",
                "p99 s",
                "≤30 s",
                "left",
                "weighted",
                "lowest",
                "outcome",
                "spread"
            )?;
        }
        let ratio = format!("{:.3} {:.3}-{:.3}", it.ratio, it.ratio_low, it.ratio_high);
        let of = &it.measures;
        writeln!(
            out,
            "  {:20} {:>8.2} {:>7.2} {:>17} {:>8.1} {:>8.1} {:>6.1}% {:>6.2}% {:>9.2} {:>6.1}% {:>8.1} {:>6.3}",
            it.rule,
            of.mean_s,
            it.mean_half_width_s,
            ratio,
            of.p95_s,
            of.p99_s,
            100.0 * of.within_30s,
            100.0 * of.abandoned,
            of.weighted_wait_s,
            100.0 * of.slowest_group_30s,
            of.outcome_s,
            of.load_spread,
        )?;
    }
    Ok(())
}
