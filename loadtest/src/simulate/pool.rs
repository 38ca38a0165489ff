//! Independent runs on as many threads as there are cores. The results stand in the order of the runs, so that nothing
//! depends on who was faster.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use anyhow::{Context as _, Result};
use indicatif::ProgressBar;

/// Runs `job` for 0 up to `jobs`; the first failure stops the rest.
pub(crate) fn run<T: Send>(
    jobs: usize,
    bar: &ProgressBar,
    job: impl Fn(usize) -> Result<T> + Sync,
) -> Result<Vec<T>> {
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get).min(jobs).max(1);
    let next = AtomicUsize::new(0);
    let failed = AtomicBool::new(false);
    let done = Mutex::new(Vec::with_capacity(jobs));
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    if index >= jobs || failed.load(Ordering::Relaxed) {
                        break;
                    }
                    let result = job(index);
                    failed.fetch_or(result.is_err(), Ordering::Relaxed);
                    if let Ok(mut done) = done.lock() {
                        done.push((index, result));
                    }
                    bar.inc(1);
                }
            });
        }
    });
    let mut done = done.into_inner().ok().context("a run was cut short")?;
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_stand_in_order_and_a_failure_is_told() {
        let bar = ProgressBar::hidden();
        assert_eq!(
            run(50, &bar, |index| Ok(index * 2)).unwrap(),
            (0..50).map(|it| it * 2).collect::<Vec<_>>()
        );
        let failed = run(50, &bar, |index| if index == 7 { anyhow::bail!("seven") } else { Ok(()) });
        assert_eq!(failed.unwrap_err().to_string(), "seven");
        assert!(run(0, &bar, |_| Ok(())).unwrap().is_empty());
    }
}
