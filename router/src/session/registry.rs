//! The directory of sessions: by id for resuming, by owner for sending. It holds handles and no domain state.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use dashmap::DashMap;
use policy::id::SessionId;

use super::frame::{Frame, Notice};
use super::stream::{Owner, RingLimits, Session, Slot};

/// All sessions of this node.
#[derive(Debug)]
pub struct Registry {
    by_id: DashMap<SessionId, Arc<Session>>,
    by_owner: DashMap<Owner, Vec<Arc<Session>>>,
    count: AtomicUsize,
    max: usize,
    limits: RingLimits,
}

/// One owner has at most this many sessions: tabs and devices. A further one ends the oldest.
const SESSIONS_PER_OWNER: usize = 10;

impl Registry {
    /// An empty directory that takes `max` sessions.
    #[must_use]
    pub fn new(max: usize, limits: RingLimits) -> Self {
        Self { by_id: DashMap::new(), by_owner: DashMap::new(), count: AtomicUsize::new(0), max, limits }
    }

    /// The session of this id, if it is this owner's.
    #[must_use]
    pub fn find(&self, id: SessionId, owner: Owner) -> Option<Arc<Session>> {
        self.by_id.get(&id).map(|it| Arc::clone(&it)).filter(|it| it.owner == owner)
    }

    /// A new session; `None` when the node holds as many as it may.
    #[must_use]
    pub fn open(&self, id: SessionId, owner: Owner) -> Option<Arc<Session>> {
        if self.count.load(Ordering::Relaxed) >= self.max {
            return None;
        }
        let session = Session::new(id, owner, self.limits);
        let evicted = {
            let mut sessions = self.by_owner.entry(owner).or_default();
            let evicted = (sessions.len() >= SESSIONS_PER_OWNER).then(|| {
                let oldest = sessions.iter().position(|it| !it.attached()).unwrap_or(0);
                sessions.remove(oldest)
            });
            sessions.push(Arc::clone(&session));
            evicted
        };
        self.by_id.insert(id, Arc::clone(&session));
        self.count.fetch_add(1, Ordering::Relaxed);
        if let Some(old) = evicted {
            old.close(protocol::CloseCode::Replaced);
            self.by_id.remove(&old.id);
            self.count.fetch_sub(1, Ordering::Relaxed);
        }
        Some(session)
    }

    /// Calls `each` for every session of an owner.
    pub fn each_of(&self, owner: Owner, mut each: impl FnMut(&Arc<Session>)) {
        if let Some(sessions) = self.by_owner.get(&owner) {
            sessions.iter().for_each(&mut each);
        }
    }

    /// Pushes an event to every session of an owner.
    pub fn push(&self, owner: Owner, frame: &Frame) {
        self.each_of(owner, |session| session.push(frame));
    }

    /// Says something to all sessions of this node.
    pub fn say(&self, notice: &Notice) {
        for sessions in &self.by_owner {
            sessions.iter().for_each(|session| session.reply(notice.clone()));
        }
    }

    /// Sets a slot of every session of an owner.
    pub fn set_slot(&self, owner: Owner, slot: Slot, notice: &Notice) {
        self.each_of(owner, |session| session.set_slot(slot, notice.clone()));
    }

    /// Whether the owner is connected.
    #[must_use]
    pub fn attached(&self, owner: Owner) -> bool {
        self.by_owner.get(&owner).is_some_and(|sessions| sessions.iter().any(|it| it.attached()))
    }

    /// Ends every session of an owner.
    pub fn close_owner(&self, owner: Owner, code: protocol::CloseCode) {
        self.each_of(owner, |session| session.close(code));
    }

    /// Sends everybody of these owners to wherever they are served now. Their sessions are forgotten: what happens there is
    /// not in these rings, so nobody may go on from one.
    pub fn close_where(&self, of: impl Fn(Owner) -> bool) {
        let mut gone = 0;
        self.by_owner.retain(|owner, sessions| {
            let stays = !of(*owner);
            if !stays {
                for session in sessions {
                    session.close(protocol::CloseCode::Restart);
                    self.by_id.remove(&session.id);
                    gone += 1;
                }
            }
            stays
        });
        self.count.fetch_sub(gone, Ordering::Relaxed);
    }

    /// How many sessions there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Forgets sessions that nobody has resumed for this long. Returns how many.
    pub fn sweep(&self, after: Duration) -> usize {
        let mut gone = 0;
        self.by_owner.retain(|_, sessions| {
            sessions.retain(|session| {
                let expired = session.detached_since().is_some_and(|since| since.elapsed() >= after);
                if expired {
                    self.by_id.remove(&session.id);
                    gone += 1;
                }
                !expired
            });
            !sessions.is_empty()
        });
        self.count.fetch_sub(gone, Ordering::Relaxed);
        gone
    }
}
