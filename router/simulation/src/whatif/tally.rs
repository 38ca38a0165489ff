//! What came of one replay: sums over the groups that customers belong to, and the load of each agent.

use super::desk::Place;
use super::traffic::Traffic;

/// The groups of all customers, and who belongs to which.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Groups {
    /// By what, and which one; the first is everybody.
    pub names: Vec<(&'static str, String)>,
    /// The groups of each kind of arrival.
    of_kind: Vec<[u32; 5]>,
}

impl Groups {
    /// By queue, language, priority and channel, all as recorded.
    #[must_use]
    pub fn of(traffic: &Traffic) -> Self {
        let mut names = vec![("all", "everybody".to_owned())];
        let mut number = |by, name: String| {
            let at = names.iter().position(|it| *it == (by, name.clone())).unwrap_or_else(|| {
                names.push((by, name));
                names.len() - 1
            });
            u32::try_from(at).unwrap_or(0)
        };
        let of_kind = traffic.kinds.iter().map(|kind| {
            let language = kind.language.as_deref().unwrap_or("unknown");
            [
                0,
                number("queue", kind.needs.queue.to_string()),
                number("language", language.to_owned()),
                number("priority", kind.priority.to_string()),
                number("channel", kind.needs.channel.to_string()),
            ]
        });
        let of_kind = of_kind.collect();
        Self { names, of_kind }
    }
}

/// Sums of one group.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Sum {
    /// Conversations.
    pub count: u64,
    /// All waits, in milliseconds.
    pub waited_ms: f64,
    /// Customers who left.
    pub left: u64,
    /// Customers who were never served.
    pub unserved: u64,
}

/// What came of one replay.
#[derive(Debug, Clone, PartialEq)]
pub struct Tally {
    /// By group.
    pub groups: Vec<Sum>,
    /// By agent: the share of capacity that was taken, over the time online; none for who was never there.
    pub loads: Vec<Option<f64>>,
    /// Mean proficiency in what was needed: sum and count.
    pub fit: (f64, u64),
    /// The groups and the last known wait of each conversation that counts.
    matters: Vec<Option<[u32; 5]>>,
    waits: Vec<i64>,
}

impl Tally {
    /// Nothing yet.
    #[must_use]
    pub fn new(traffic: &Traffic, groups: &Groups) -> Self {
        let matters = traffic.matters.iter().map(|it| it.came.map(|_| groups.of_kind[it.kind as usize]));
        let matters: Vec<_> = matters.collect();
        let mut sums = vec![Sum::default(); groups.names.len()];
        for group in matters.iter().flatten().flatten() {
            sums[*group as usize].count += 1;
        }
        let waits = vec![0; matters.len()];
        Self { groups: sums, loads: Vec::new(), fit: (0.0, 0), matters, waits }
    }

    /// A conversation has waited so long in all.
    fn waited(&mut self, matter: usize, waited: i64) {
        let more = (waited - std::mem::replace(&mut self.waits[matter], waited)) as f64;
        for group in self.matters[matter].iter().flatten() {
            self.groups[*group as usize].waited_ms += more;
        }
    }

    pub(super) fn served(&mut self, matter: usize, waited: i64, fit: Option<f64>) {
        self.waited(matter, waited);
        if let (Some(fit), Some(_)) = (fit, self.matters[matter]) {
            self.fit = (self.fit.0 + fit, self.fit.1 + 1);
        }
    }

    pub(super) fn left(&mut self, matter: usize, waited: i64) {
        self.waited(matter, waited);
        for group in self.matters[matter].iter().flatten() {
            self.groups[*group as usize].left += 1;
        }
    }

    pub(super) fn unserved(&mut self, matter: usize, waited: i64) {
        self.waited(matter, waited);
        self.lost(matter);
    }

    pub(super) fn lost(&mut self, matter: usize) {
        for group in self.matters[matter].iter().flatten() {
            self.groups[*group as usize].unserved += 1;
        }
    }

    pub(super) fn load(&mut self, agent: usize, place: &Place) {
        self.loads.resize((agent + 1).max(self.loads.len()), None);
        self.loads[agent] = (place.online_ms > 0.0).then(|| place.full_ms / place.online_ms);
    }
}
