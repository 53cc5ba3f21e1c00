//! When the log says that Redis is away, and that it is back: once each, for any number of requests.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

/// For how long nothing must have failed before an outage is over. A cluster that lacks a node still answers some
/// questions.
pub(crate) const QUIET: Duration = Duration::from_secs(10);

/// Whether recent commands have failed. It has no clock of its own.
pub(super) struct Outage {
    began: Instant,
    /// When a question failed last: milliseconds since `began`, plus one. Zero while there is no outage.
    failed: AtomicU64,
}

impl Outage {
    pub(super) fn none(now: Instant) -> Self {
        Self {
            began: now,
            failed: AtomicU64::new(0),
        }
    }

    /// A question has failed. Returns whether an outage begins with it.
    pub(super) fn failed(&self, now: Instant) -> bool {
        self.failed.fetch_max(self.at(now), Ordering::Relaxed) == 0
    }

    /// A question was answered. Returns whether that ends an outage.
    pub(super) fn answered(&self, now: impl FnOnce() -> Instant) -> bool {
        let failed = self.failed.load(Ordering::Relaxed);
        if failed == 0 || self.at(now()) < failed.saturating_add(millis(QUIET)) {
            return false;
        }
        // Of many concurrent answers one ends the outage, and none if another question has failed in the meantime.
        let ended = self
            .failed
            .compare_exchange(failed, 0, Ordering::Relaxed, Ordering::Relaxed);
        ended.is_ok()
    }

    fn at(&self, now: Instant) -> u64 {
        millis(now.saturating_duration_since(self.began)).saturating_add(1)
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOMENT: Duration = Duration::from_millis(1);

    #[test]
    fn an_outage_begins_once_and_ends_once() {
        let start = Instant::now();
        let outage = Outage::none(start);
        assert!(!outage.answered(|| start), "there is none yet");
        assert!(outage.failed(start), "also in its first moment");
        assert!(!outage.failed(start));
        assert!(!outage.failed(start + QUIET / 2));
        let quiet = start + QUIET / 2 + QUIET;
        assert!(!outage.answered(|| quiet - MOMENT), "it is too early");
        assert!(outage.answered(|| quiet));
        assert!(!outage.answered(|| quiet), "it has ended before");
        assert!(outage.failed(quiet), "and this is another one");
    }

    #[test]
    fn answers_between_failures_do_not_end_an_outage() {
        let start = Instant::now();
        let outage = Outage::none(start);
        let mut now = start;
        let mut begun = 0;
        for _ in 0..1000 {
            begun += usize::from(outage.failed(now));
            now += QUIET - MOMENT;
            assert!(!outage.answered(|| now));
        }
        assert_eq!(begun, 1);
        assert!(outage.answered(|| now + MOMENT));
    }

    #[test]
    fn a_clock_that_is_read_early_and_used_late_ends_nothing() {
        let start = Instant::now();
        let outage = Outage::none(start);
        assert!(outage.failed(start + QUIET));
        assert!(!outage.failed(start), "told late");
        assert!(!outage.answered(|| start + QUIET));
        assert!(!outage.answered(|| start + 2 * QUIET - MOMENT));
        assert!(outage.answered(|| start + 2 * QUIET));
    }

    #[test]
    fn of_many_that_fail_and_are_answered_at_a_time_one_is_told() {
        let start = Instant::now();
        let outage = Outage::none(start);
        let count = |tell: &(dyn Fn() -> bool + Sync)| {
            std::thread::scope(|scope| {
                let told: Vec<_> = (0..8).map(|_| scope.spawn(tell)).collect();
                let told = told.into_iter().map(|told| told.join().unwrap());
                told.filter(|told| *told).count()
            })
        };
        for round in 0..100 {
            let now = start + round * QUIET;
            assert_eq!(count(&|| outage.failed(now)), 1);
            assert_eq!(count(&|| outage.answered(|| now + QUIET)), 1);
        }
    }
}
