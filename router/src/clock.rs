//! The one place that reads the clock for commands. It never steps back: a clock that is set back stands still until it
//! has caught up, so that the log's times only grow.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use policy::time::Timestamp;

/// A clock that only goes forward.
#[derive(Debug, Clone, Default)]
pub struct Clock {
    latest: Arc<AtomicI64>,
}

impl Clock {
    /// The time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let wall = i64::try_from(since.as_millis()).unwrap_or(i64::MAX);
        Timestamp(self.latest.fetch_max(wall, Ordering::Relaxed).max(wall))
    }
}
