//! How fast a conversation goes while its agent has others in hand, as the recorded policy says of its channel. That is
//! taken to be so whatever the policy.

use policy::{Document, Policy, Settings};

/// Speeds of channels.
#[derive(Debug, Clone, Default)]
pub(super) struct Pace {
    settings: Settings,
}

/// Speeds of one channel.
#[derive(Debug, Clone, Copy)]
pub(super) struct ChannelPace {
    /// Whether work on it runs beside the rest.
    pub(super) beside: bool,
    shares: [f64; 16],
}

impl Pace {
    /// As a document says; as an empty one where it cannot be compiled.
    #[must_use]
    pub(super) fn of(document: &Document) -> Self {
        let policy = Policy::compile(document).unwrap_or_default();
        Self { settings: policy.settings() }
    }

    /// Of one channel.
    #[must_use]
    pub(super) fn on(&self, channel: &str) -> ChannelPace {
        let mut shares = [1.0; 16];
        for (share, count) in shares.iter_mut().zip(1..) {
            *share = self.settings.pace(channel, count) as f64 / 1_000.0;
        }
        ChannelPace { beside: self.settings.interruptible.contains(channel), shares }
    }
}

impl ChannelPace {
    /// The share of full speed that each of its conversations has, with so many in hand that do not run beside.
    #[must_use]
    pub(super) fn with(&self, busy: usize) -> f64 {
        let at = if self.beside { busy } else { busy.saturating_sub(1) };
        self.shares[at.min(self.shares.len() - 1)]
    }
}
