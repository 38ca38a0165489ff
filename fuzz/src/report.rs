//! Reports of delivery: what is read of them holds together.

use connectors::email::automatic::Automatic;
use connectors::email::bounce::{Action, Report};
use connectors::email::{Limits, read};

/// Whether it is a report.
pub(crate) fn run(data: &[u8]) -> bool {
    let mail = read(data, &Limits::default());
    if let Some(Report::Delivery(delivery)) = &mail.report {
        assert!(!delivery.recipients.is_empty(), "a report is about somebody");
        for it in &delivery.recipients {
            assert!(!it.unreachable() || it.action == Action::Failed, "only what failed tells of an address");
        }
    }
    assert!(mail.report.is_none() || mail.automatic == Some(Automatic::Report), "nothing answers a report");
    mail.report.is_some()
}
