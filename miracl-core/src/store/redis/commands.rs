//! Commands to Redis: their arguments, scripts, and times to live.

use std::time::Duration;

use ::redis::{Cmd, cmd};

/// In milliseconds: longer than anything lives, and a number that Lua still represents exactly.
const FOREVER: u64 = 1 << 50;

/// A command with a few short arguments, in memory that need not grow.
pub(super) fn command(name: &str, arguments: usize) -> Cmd {
    let mut command = Cmd::with_capacity(1 + arguments, 128);
    command.arg(name);
    command
}

/// A script for one key. Its text is sent each time: a Redis that restarted has forgotten the scripts it knew.
pub(super) fn script(text: &str, key: &str) -> Cmd {
    cmd("EVAL").arg(text).arg(1).arg(key).take()
}

/// A time to live in milliseconds, and at least one: Redis refuses zero.
pub(super) fn millis(ttl: Duration) -> u64 {
    u64::try_from(ttl.as_millis()).map_or(FOREVER, |millis| millis.clamp(1, FOREVER))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_to_live_is_at_least_a_millisecond_and_has_an_end() {
        assert_eq!(millis(Duration::ZERO), 1);
        assert_eq!(millis(Duration::from_micros(1500)), 1);
        assert_eq!(millis(Duration::from_secs(2)), 2000);
        assert_eq!(millis(Duration::MAX), FOREVER);
    }
}
