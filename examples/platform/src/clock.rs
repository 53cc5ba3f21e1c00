//! The time, in the unit of tokens.

use std::time::{SystemTime, UNIX_EPOCH};

/// Returns the seconds since 1970-01-01.
pub(crate) fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |elapsed| elapsed.as_secs())
}
