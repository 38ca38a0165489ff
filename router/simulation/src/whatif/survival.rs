//! Patience by the Kaplan–Meier product limit: of those who left it is known how long they waited, of those who were served
//! only that they would have waited longer. E. L. Kaplan, P. Meier, "Nonparametric estimation from incomplete
//! observations", Journal of the American Statistical Association 53 (1958).

/// The share of customers of a class who are still there after a wait.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Survival {
    /// Waits after which somebody left, in milliseconds, with the share who stay longer.
    steps: Vec<(i64, f64)>,
}

impl Survival {
    /// From waits in milliseconds, each with whether it ended because the customer left.
    #[must_use]
    pub fn of(mut waits: Vec<(i64, bool)>) -> Self {
        // Among equal waits those who left come first: who was served at that moment was still there.
        waits.sort_unstable_by_key(|(wait, left)| (*wait, !*left));
        let mut steps: Vec<(i64, f64)> = Vec::new();
        let mut stay = 1.0;
        for (index, (wait, left)) in waits.iter().enumerate() {
            if !left {
                continue;
            }
            let still_there = (waits.len() - index) as f64;
            stay *= 1.0 - 1.0 / still_there;
            match steps.last_mut() {
                Some((last, share)) if last == wait => *share = stay,
                _ => steps.push((*wait, stay)),
            }
        }
        Self { steps }
    }

    /// The share who stay longer than this.
    #[must_use]
    pub fn beyond(&self, wait: i64) -> f64 {
        let known = self.steps.partition_point(|(step, _)| *step <= wait);
        known.checked_sub(1).map_or(1.0, |index| self.steps[index].1)
    }

    /// The patience of somebody who was still there after a wait, by a draw between 0 and 1; `None`: longer than anything
    /// that was seen.
    #[must_use]
    pub fn draw(&self, waited: i64, unit: f64) -> Option<i64> {
        let bound = self.beyond(waited) * unit;
        let from = self.steps.partition_point(|(step, _)| *step <= waited);
        let rest = &self.steps[from..];
        rest.get(rest.partition_point(|(_, stay)| *stay > bound)).map(|(step, _)| *step)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_product_limit_is_as_in_the_book() {
        // Left after 1, 3 and 4; served at 2 and 5.
        let survival = Survival::of(vec![(1, true), (2, false), (3, true), (4, true), (5, false)]);
        let expected = [(0, 1.0), (1, 0.8), (2, 0.8), (3, 0.8 * 2.0 / 3.0), (4, 0.8 / 3.0), (9, 0.8 / 3.0)];
        for (wait, share) in expected {
            assert!((survival.beyond(wait) - share).abs() < 1e-12, "{wait}");
        }
    }

    #[test]
    fn a_draw_is_beyond_what_was_waited_and_of_the_right_share() {
        let survival = Survival::of((1..=100).map(|wait| (wait, true)).collect());
        let draws: Vec<_> = (0..1_000).map(|it| survival.draw(50, (f64::from(it) + 0.5) / 1_000.0)).collect();
        assert!(draws.iter().all(|it| it.is_some_and(|it| it > 50)));
        let longer = draws.iter().filter(|it| **it > Some(75)).count();
        assert!((480..=520).contains(&longer), "{longer}");
        // The one who waited longest was served: nobody knows how long that one would have stayed.
        let censored = Survival::of(vec![(1, true), (2, false)]);
        assert_eq!((censored.draw(0, 0.9), censored.draw(0, 0.1)), (Some(1), None));
        assert_eq!(Survival::default().draw(7, 0.5), None);
    }
}
