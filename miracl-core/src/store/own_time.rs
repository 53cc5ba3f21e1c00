//! Entries of a cache in memory that live each for its own time.

use std::time::{Duration, Instant};

use moka::Expiry;

/// A value, and for how long it is kept.
#[derive(Clone)]
pub(crate) struct Timed<T> {
    pub(crate) value: T,
    pub(crate) ttl: Duration,
}

/// Every entry lives for its own time, counted from when it was last written.
pub(crate) struct OwnTime;

impl<K, T> Expiry<K, Timed<T>> for OwnTime {
    fn expire_after_create(&self, _: &K, entry: &Timed<T>, _: Instant) -> Option<Duration> {
        Some(entry.ttl)
    }

    fn expire_after_update(
        &self,
        _: &K,
        entry: &Timed<T>,
        _: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        Some(entry.ttl)
    }
}
