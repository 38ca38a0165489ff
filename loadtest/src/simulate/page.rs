//! A page that people can look at: one file, no script, nothing loaded from elsewhere. For each scenario the mean wait by
//! rule with its interval, and how the group that is served worst fares; all figures as a table below.

use std::fmt::Write as _;

use simulation::figures::Summary;

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:66rem;padding:0 1rem;color:#1d2733;\
background:#fff}h1,h2{line-height:1.2}h2{margin-top:2.5rem}figure{margin:0 0 1rem}figcaption{color:#55606c}\
svg{max-width:100%;height:auto}text{font:13px system-ui,sans-serif;fill:currentColor}.bar{fill:#3a7ca5}\
.best{fill:#2f9e6e}.bound{stroke:#c2571a;stroke-width:1.5;stroke-dasharray:5 4}.whisker{stroke:#1d2733;stroke-width:1.5}\
.track{fill:#e6eaee}.scroll{overflow-x:auto}table{border-collapse:collapse;font-variant-numeric:tabular-nums}\
th,td{padding:.2rem .6rem;text-align:right;white-space:nowrap;border-bottom:1px solid #e6eaee}th:first-child,td:first-child{text-align:left}\
@media(prefers-color-scheme:dark){body{background:#14191f;color:#dbe2e8}figcaption{color:#9aa7b3}.track,th,td{border-color:\
#2b343d}.track{fill:#232b33}.whisker{stroke:#dbe2e8}}";

const NAMES: f64 = 165.0;
const WIDTH: f64 = 420.0;
const ROW: f64 = 26.0;

/// The page.
pub(super) fn page(results: &[Summary], seed: u64) -> String {
    let mut html = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width,initial-scale=1\"><title>Waits by scenario and rule</title><style>{STYLE}</style>\
         <h1>Waits by scenario and rule</h1><p>Every rule meets the same customers. Bars are means, thin lines 95 % \
         intervals over replications. The dashed line is the pooled bound: everybody can do everything, first come first \
         served. Seed {seed}.</p>"
    );
    for block in results.chunk_by(|a, b| a.scenario == b.scenario) {
        section(&mut html, block);
    }
    html.push_str("</html>\n");
    html
}

fn section(html: &mut String, block: &[Summary]) {
    let Some(first) = block.first() else { return };
    let name = escape(&first.scenario);
    let reps = first.reps;
    put(
        html,
        format_args!("<h2>{name}</h2><p>{reps} replications, pooled bound {:.2} s.</p>", first.pooled_s),
    );
    html.push_str("<figure><figcaption>Mean time in queue, seconds</figcaption>");
    waits(html, block);
    html.push_str(
        "</figure><figure><figcaption>Served within 30 s, in the group that fares worst</figcaption>",
    );
    shares(html, block);
    html.push_str("</figure>");
    figures(html, block);
}

fn waits(html: &mut String, block: &[Summary]) {
    let top = |it: &Summary| it.measures.mean_s + it.mean_half_width_s;
    let most = block.iter().map(top).chain(block.iter().map(|it| it.pooled_s)).fold(0.0, f64::max);
    let x = |seconds: f64| NAMES + WIDTH * if most > 0.0 { seconds.max(0.0) / most } else { 0.0 };
    let least = block.iter().map(|it| it.measures.mean_s).fold(f64::INFINITY, f64::min);
    let bound = block.first().map_or(0.0, |it| it.pooled_s);
    open(html, block.len(), "Mean time in queue by rule");
    for (index, it) in block.iter().enumerate() {
        let y = ROW * index as f64;
        let (mean, half) = (it.measures.mean_s, it.mean_half_width_s);
        let class = if mean <= least { "best" } else { "bar" };
        bar(html, y, &it.rule, class, x(mean));
        put(
            html,
            format_args!(
                "<line class=\"whisker\" x1=\"{:.1}\" x2=\"{:.1}\" y1=\"{mid:.1}\" y2=\"{mid:.1}\"/>",
                x(mean - half),
                x(mean + half),
                mid = y + ROW / 2.0
            ),
        );
        label(html, y, format_args!("{mean:.2} ± {half:.2} · {:.2} × pooled", it.ratio));
    }
    let height = ROW * block.len() as f64;
    put(
        html,
        format_args!(
            "<line class=\"bound\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"0\" y2=\"{height:.1}\"/></svg>",
            x = x(bound)
        ),
    );
}

fn shares(html: &mut String, block: &[Summary]) {
    let most = block.iter().map(|it| it.measures.slowest_group_30s).fold(0.0, f64::max);
    open(html, block.len(), "Share within 30 seconds of the group that fares worst, by rule");
    for (index, it) in block.iter().enumerate() {
        let y = ROW * index as f64;
        let share = it.measures.slowest_group_30s;
        put(
            html,
            format_args!(
                "<rect class=\"track\" x=\"{NAMES}\" y=\"{:.1}\" width=\"{WIDTH}\" height=\"{:.1}\"/>",
                y + 4.0,
                ROW - 8.0
            ),
        );
        bar(html, y, &it.rule, if share >= most { "best" } else { "bar" }, NAMES + WIDTH * share);
        label(html, y, format_args!("{:.1} %", 100.0 * share));
    }
    html.push_str("</svg>");
}

fn open(html: &mut String, rows: usize, title: &str) {
    let (width, height) = (NAMES + WIDTH + 230.0, ROW * rows as f64);
    put(
        html,
        format_args!(
            "<svg role=\"img\" aria-label=\"{title}\" width=\"{width}\" viewBox=\"0 0 {width} {height}\">"
        ),
    );
}

fn bar(html: &mut String, y: f64, rule: &str, class: &str, until: f64) {
    put(
        html,
        format_args!(
            "<text x=\"0\" y=\"{:.1}\">{}</text><rect class=\"{class}\" x=\"{NAMES}\" y=\"{:.1}\" width=\"{:.1}\" \
             height=\"{:.1}\"/>",
            y + ROW / 2.0 + 4.5,
            escape(rule),
            y + 4.0,
            (until - NAMES).max(0.0),
            ROW - 8.0
        ),
    );
}

fn label(html: &mut String, y: f64, text: std::fmt::Arguments<'_>) {
    put(
        html,
        format_args!(
            "<text x=\"{:.1}\" y=\"{:.1}\">{text}</text>",
            NAMES + WIDTH + 10.0,
            y + ROW / 2.0 + 4.5
        ),
    );
}

fn figures(html: &mut String, block: &[Summary]) {
    html.push_str(
        "<div class=\"scroll\"><table><tr><th>rule<th>mean s<th>p95 s<th>p99 s<th>≤ 30 s<th>left<th>weighted s\
         <th>lowest group<th>outcome s<th>load spread<th>× pooled</tr>",
    );
    for it in block {
        let of = &it.measures;
        put(
            html,
            format_args!(
                "<tr><td>{}<td>{:.2}<td>{:.1}<td>{:.1}<td>{:.1} %<td>{:.2} %<td>{:.2}<td>{:.1} %<td>{:.1}<td>{:.3}\
                 <td>{:.3} ({:.3} to {:.3})</tr>",
                escape(&it.rule),
                of.mean_s,
                of.p95_s,
                of.p99_s,
                100.0 * of.within_30s,
                100.0 * of.abandoned,
                of.weighted_wait_s,
                100.0 * of.slowest_group_30s,
                of.outcome_s,
                of.load_spread,
                it.ratio,
                it.ratio_low,
                it.ratio_high
            ),
        );
    }
    html.push_str("</table></div>");
}

fn put(html: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    html.write_fmt(text).ok();
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use simulation::figures::{Measures, summarize};

    use super::*;

    #[test]
    fn the_page_has_a_plot_for_each_scenario_and_loads_nothing() {
        let of = |mean_s| Measures { mean_s, slowest_group_30s: 0.5, ..Measures::default() };
        let runs = [(of(3.0), of(2.0)), (of(5.0), of(3.0))];
        let results = [summarize("N<1>", "bullseye", &runs), summarize("W", "bullseye", &runs)];
        let html = page(&results, 7);
        assert_eq!(html.matches("<svg").count(), 4);
        assert_eq!(html.matches("<svg").count(), html.matches("</svg>").count());
        assert!(html.contains("<h2>N&lt;1&gt;</h2>") && !html.contains("N<1>"));
        assert!(!html.contains("http") && !html.contains("<script") && !html.contains("NaN"), "{html}");
        assert!(html.contains("4.00 ±") && html.contains("1.60 × pooled"));
    }
}
