//! An agent's place in a replay: what is in hand, how full it is, and how offers are met.

use policy::id::OfferId;
use policy::matching::Standing;
use policy::time::Timestamp;

use super::traffic::AgentRecord;

/// One agent's place.
#[derive(Debug, Clone, Default)]
pub(super) struct Place {
    pub(super) hands: Vec<u32>,
    /// Of these, how many do not run beside the rest.
    pub(super) busy: usize,
    pub(super) capacity: u32,
    /// Set away for an offer that was not answered.
    pub(super) missed: bool,
    /// The offer that ran out last.
    pub(super) late: Option<OfferId>,
    /// Milliseconds online, and those with something in hand weighed by how full the place was.
    pub(super) online_ms: f64,
    pub(super) full_ms: f64,
    /// Effort points of what does not run beside the rest, and of what does: each has the whole capacity.
    effort: [u32; 2],
    standing: Standing,
    since: i64,
    /// How many recorded absences and refusals are over.
    absence: usize,
    refusal: usize,
}

impl Place {
    /// Counts the time until now.
    pub(super) fn until(&mut self, now: i64) {
        let passed = (now - self.since).max(0) as f64;
        self.since = now.max(self.since);
        let effort = self.effort.into_iter().max().unwrap_or(0);
        let full = f64::from(effort) / f64::from(self.capacity.max(1));
        if self.standing == Standing::Online {
            self.online_ms += passed;
            self.full_ms += passed * full;
        } else if effort > 0 {
            // Away with work in hand is work.
            self.online_ms += passed * full;
            self.full_ms += passed * full;
        }
    }

    pub(super) fn stands(&mut self, now: i64, standing: Standing) {
        self.until(now);
        self.standing = standing;
    }

    pub(super) fn take(&mut self, now: i64, matter: u32, effort: u32, counts: bool) {
        self.until(now);
        self.hands.push(matter);
        self.effort[usize::from(!counts)] += effort;
        self.busy += usize::from(counts);
    }

    pub(super) fn put_down(&mut self, now: i64, matter: u32, effort: u32, counts: bool) {
        self.until(now);
        self.hands.retain(|it| *it != matter);
        let taken = &mut self.effort[usize::from(!counts)];
        *taken = taken.saturating_sub(effort);
        self.busy = self.busy.saturating_sub(usize::from(counts));
    }

    /// Until when the agent does not see offers, if that is so now.
    pub(super) fn absent(&mut self, record: &AgentRecord, now: i64) -> Option<i64> {
        while record.absences.get(self.absence).is_some_and(|(_, to)| to.0 <= now) {
            self.absence += 1;
        }
        let (from, to) = record.absences.get(self.absence)?;
        (from.0 <= now).then_some(to.0)
    }

    /// Whether the agent refuses the offer made now: as often as recorded, and no earlier. After how many milliseconds.
    pub(super) fn declines(&mut self, record: &AgentRecord, now: i64) -> Option<i64> {
        let (made, after) = record.declines.get(self.refusal)?;
        if *made > Timestamp(now) {
            return None;
        }
        self.refusal += 1;
        Some(*after)
    }
}

#[cfg(test)]
mod tests {
    use policy::id::AgentId;

    use super::*;

    #[test]
    fn load_is_the_share_of_capacity_over_the_time_online() {
        let mut place = Place { capacity: 4, ..Place::default() };
        place.stands(1_000, Standing::Online);
        place.take(2_000, 7, 2, true);
        place.take(3_000, 8, 2, false);
        place.put_down(5_000, 7, 2, true);
        place.until(6_000);
        assert_eq!(place.online_ms, 5_000.0);
        assert_eq!(place.full_ms, 0.5 * 4_000.0, "what runs beside it takes no room of it");
        assert_eq!((place.busy, place.hands.len()), (0, 1));
    }

    #[test]
    fn absences_and_refusals_are_as_recorded() {
        let at = Timestamp;
        let record = AgentRecord {
            id: AgentId::from_bits(1),
            answers: Vec::new(),
            declines: vec![(at(50), 3), (at(60), 4)],
            absences: vec![(at(10), at(20)), (at(30), at(40))],
        };
        let mut place = Place::default();
        assert_eq!(
            [5, 10, 19, 20, 35, 45].map(|now| place.absent(&record, now)),
            [None, Some(20), Some(20), None, Some(40), None]
        );
        assert_eq!([49, 70, 70, 70].map(|now| place.declines(&record, now)), [None, Some(3), Some(4), None]);
    }
}
