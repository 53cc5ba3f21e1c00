//! Times for people: how long ago, and the date in UTC.

use std::time::{SystemTime, UNIX_EPOCH};

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// A point in time as a page writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct When {
    /// For the attribute `datetime`: `2026-02-28T23:59:00Z`.
    pub(crate) machine: String,
    /// `28 Feb 2026, 23:59 UTC`.
    pub(crate) date: String,
    /// `3 hours ago`.
    pub(crate) ago: String,
}

impl When {
    pub(crate) fn new(time: SystemTime, now: SystemTime) -> Self {
        let seconds = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        let seconds = seconds.as_secs();
        let (year, month, day) = date(seconds / DAY);
        let (hour, minute) = (seconds % DAY / HOUR, seconds % HOUR / MINUTE);
        let name = MONTHS[month - 1];
        Self {
            machine: format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:00Z"),
            date: format!("{day} {name} {year}, {hour:02}:{minute:02} UTC"),
            ago: ago(now.duration_since(time).unwrap_or_default().as_secs()),
        }
    }
}

fn ago(seconds: u64) -> String {
    let (number, unit) = match seconds {
        0..MINUTE => return "just now".to_owned(),
        MINUTE..HOUR => (seconds / MINUTE, "minute"),
        HOUR..DAY => (seconds / HOUR, "hour"),
        _ => (seconds / DAY, "day"),
    };
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {unit}{plural} ago")
}

/// Year, month and day of the Gregorian calendar, this many days after 1 January 1970.
///
/// Years are counted from March: then the leap day is the last day of a year, and months begin at regular
/// distances, 153 days for five.
fn date(days: u64) -> (u64, usize, u64) {
    const CYCLE: u64 = 400 * 365 + 97;
    // Since 1 March of the year 0.
    let days = days + 719_468;
    let (cycle, day) = (days / CYCLE, days % CYCLE);
    // Leap days belong to no year: one in 4 years, none in 100, one in 400.
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let next_year = month >= 10;
    let month = if next_year { month - 9 } else { month + 3 };
    let year = 400 * cycle + year + u64::from(next_year);
    (year, usize::try_from(month).unwrap_or(1), day)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(seconds: u64) -> When {
        let time = UNIX_EPOCH + Duration::from_secs(seconds);
        When::new(time, time)
    }

    #[test]
    fn days_become_dates_also_at_the_ends_of_years_and_around_leap_days() {
        for (seconds, machine, date) in [
            (0, "1970-01-01T00:00:00Z", "1 Jan 1970, 00:00 UTC"),
            (
                951_782_399,
                "2000-02-28T23:59:00Z",
                "28 Feb 2000, 23:59 UTC",
            ),
            (
                951_782_400,
                "2000-02-29T00:00:00Z",
                "29 Feb 2000, 00:00 UTC",
            ),
            (951_868_800, "2000-03-01T00:00:00Z", "1 Mar 2000, 00:00 UTC"),
            (
                1_767_225_599,
                "2025-12-31T23:59:00Z",
                "31 Dec 2025, 23:59 UTC",
            ),
            (
                1_767_225_600,
                "2026-01-01T00:00:00Z",
                "1 Jan 2026, 00:00 UTC",
            ),
            (
                4_107_542_400,
                "2100-03-01T00:00:00Z",
                "1 Mar 2100, 00:00 UTC",
            ),
        ] {
            let when = at(seconds);
            assert_eq!((when.machine.as_str(), when.date.as_str()), (machine, date));
        }
    }

    #[test]
    fn how_long_ago_is_told_in_the_largest_unit() {
        for (seconds, expected) in [
            (0, "just now"),
            (59, "just now"),
            (60, "1 minute ago"),
            (3_599, "59 minutes ago"),
            (3_600, "1 hour ago"),
            (86_399, "23 hours ago"),
            (86_400, "1 day ago"),
            (6 * 86_400, "6 days ago"),
        ] {
            assert_eq!(ago(seconds), expected);
        }
        // A clock may be set back.
        let now = UNIX_EPOCH;
        assert_eq!(
            When::new(now + Duration::from_secs(60), now).ago,
            "just now"
        );
    }
}
