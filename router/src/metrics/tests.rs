//! Figures as they are read: names, kinds, labels, and that the operations page tells each.

use super::*;

#[test]
fn every_figure_has_its_name_in_the_list() {
    let metrics = Metrics::new();
    // A family is told of when it has something to tell.
    metrics.frame_in(&ClientFrame::Ping {});
    metrics.rejected(Code::TooFast);
    metrics.closed(CloseCode::TooSlow);
    metrics.waiting(3, 1);
    metrics.http("/api/v1/me", 200);
    metrics.connection_refused(RefusedBy::Source);
    metrics.certificate_read(false);
    metrics.offer(OfferStep::Made);
    metrics.alarm(protocol::AlarmKind::Unstaffed);
    metrics.appended(log_store::Level::Os, Duration::from_micros(80));
    let text = metrics.encode(0, 0, &log_store::Health::default());
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE switchboard_"));
    let mut names: Vec<_> = types.filter_map(|line| line.split(' ').next()).collect();
    names.sort_unstable();
    assert_eq!(names, NAMES);
}

#[test]
fn the_operations_page_tells_every_figure() {
    let page = include_str!("../../../docs/operations.md");
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with("| `")).collect();
    for name in NAMES {
        let told = |end: &str| rows.iter().any(|row| row.contains(&format!("`{name}{end}")));
        assert!(told("`") || told("{") || told("_total`") || told("_total{"), "{name}");
    }
}

#[test]
fn what_has_not_happened_has_no_series_of_its_own() {
    let metrics = Metrics::new();
    let figures = || metrics.encode(0, 0, &log_store::Health::default());
    assert!(!figures().contains("switchboard_offers_total{"));
    metrics.offer(OfferStep::TimedOut);
    metrics.appended(log_store::Level::Disk, Duration::from_micros(700));
    metrics.bytes_in(7);
    let text = figures();
    assert!(text.contains("switchboard_offers_total{which=\"timed_out\"} 1"), "{text}");
    assert!(text.contains("switchboard_append_seconds_bucket{le=\"0.001\",which=\"disk\"} 1"), "{text}");
    assert!(text.contains("switchboard_append_seconds_bucket{le=\"0.0005\",which=\"disk\"} 0"), "{text}");
    assert!(text.contains("switchboard_bytes_total{which=\"in\"} 7"), "{text}");
}

#[test]
fn figures_are_openmetrics_with_codes_as_labels() {
    let metrics = Metrics::new();
    metrics.rejected(Code::TooFast);
    metrics.closed(CloseCode::TooSlow);
    let open = metrics.connection_opened();
    let text = metrics.encode(3, 0, &log_store::Health::default());
    assert!(text.contains(r#"switchboard_rejected_total{code="too_fast"} 1"#), "{text}");
    assert!(text.contains(r#"switchboard_closed_total{code="4008"} 1"#), "{text}");
    assert!(text.contains("switchboard_connections 1") && text.ends_with("# EOF\n"), "{text}");
    drop(open);
    assert!(metrics.encode(3, 0, &log_store::Health::default()).contains("switchboard_connections 0"));
}
