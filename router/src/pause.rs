//! While the store takes nothing (Redis is away, the disk is full), whoever has a page open is told so, and is told when it
//! takes something again. Nothing is stored for it, and nothing waits for it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

use crate::server::App;
use crate::session::frame::Notice;

/// How often the store is looked at.
const LOOK: Duration = Duration::from_millis(250);
/// How often it is said again to clients whose session is on another node: nothing else can be said to them meanwhile, and
/// they would take silence for a line that is cut.
const AGAIN: Duration = Duration::from_secs(2);

/// Whether the store takes nothing just now.
#[derive(Debug, Default)]
pub struct Pause(watch::Sender<bool>);

impl Pause {
    /// Whether it is so.
    #[must_use]
    pub(crate) fn is_on(&self) -> bool {
        *self.0.borrow()
    }

    /// An ear for one client.
    #[must_use]
    pub(crate) fn signal(&self) -> PauseSignal {
        self.signal_every(AGAIN)
    }

    fn signal_every(&self, period: Duration) -> PauseSignal {
        let mut again = interval(period);
        again.set_missed_tick_behavior(MissedTickBehavior::Delay);
        PauseSignal { on: self.0.subscribe(), again, told: false }
    }
}

/// Says to one client's connection what it is to be told.
pub(crate) struct PauseSignal {
    on: watch::Receiver<bool>,
    again: tokio::time::Interval,
    told: bool,
}

impl PauseSignal {
    /// Waits until there is something to tell: that it is so, now and again, or that it is over.
    pub(crate) async fn tell(&mut self) -> Notice {
        loop {
            let on = *self.on.borrow_and_update();
            if on != self.told {
                self.told = on;
                self.again.reset();
                return Notice::paused(on);
            }
            let again = async {
                if on {
                    self.again.tick().await;
                } else {
                    std::future::pending::<()>().await;
                }
            };
            tokio::select! {
                () = again => return Notice::paused(true),
                changed = self.on.changed() => {
                    if changed.is_err() {
                        // The node ends.
                        return std::future::pending().await;
                    }
                }
            }
        }
    }
}

/// Looks at the store as long as the node runs, and tells every session here what has changed.
pub(crate) async fn run(app: Arc<App>) {
    let mut look = interval(LOOK);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        look.tick().await;
        let on = !app.log.health().writable;
        // Kept before it is told, so that a session that comes meanwhile learns it one way or the other.
        if app.pause.0.send_if_modified(|it| std::mem::replace(it, on) != on) {
            app.registry.say(&Notice::paused(on));
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{Instant, timeout};

    use super::*;

    /// Between two times that it is told.
    const PERIOD: Duration = Duration::from_millis(60);

    #[tokio::test]
    async fn it_is_told_at_once_then_again_and_again_and_its_end_once() {
        let pause = Pause::default();
        let mut signal = pause.signal_every(PERIOD);
        let none = async |signal: &mut PauseSignal| timeout(PERIOD * 3, signal.tell()).await.is_err();
        assert!(none(&mut signal).await, "nothing is to be told");
        pause.0.send_replace(true);
        let begun = Instant::now();
        for times in 0..3 {
            assert_eq!(signal.tell().await.text(), Notice::paused(true).text());
            assert!(begun.elapsed() >= PERIOD * times, "too often");
        }
        pause.0.send_replace(false);
        assert_eq!(signal.tell().await.text(), Notice::paused(false).text());
        assert!(none(&mut signal).await, "its end is told once");
    }
}
