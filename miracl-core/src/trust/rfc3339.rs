//! Times as the platform's API writes them (RFC 3339 §5.6).

/// The first second after the year 9999, the last that can be written.
pub(super) const END_OF_TIME: u64 = 253_402_300_800;

/// Writes a time in seconds since 1970, in UTC.
pub(super) fn rfc3339(seconds: u64) -> String {
    const DAY: u64 = 24 * 60 * 60;
    let (days, second) = (seconds / DAY, seconds % DAY);
    // Years begin in March here, so that the day of a leap year is the last one. An era has 400 years.
    let from_era = days + 719_468;
    let (era, day_of_era) = (from_era / 146_097, from_era % 146_097);
    let leap_days = day_of_era / 1_460 - day_of_era / 36_524 + day_of_era / 146_096;
    let year_of_era = (day_of_era - leap_days.min(day_of_era)) / 365;
    let before = 365 * year_of_era + year_of_era / 4 - year_of_era / 100;
    let day_of_year = day_of_era - before;
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_as_a_calendar_shows_it() {
        for (seconds, written) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (951_868_800, "2000-03-01T00:00:00Z"),
            (1_700_000_000, "2023-11-14T22:13:20Z"),
            (1_709_164_800, "2024-02-29T00:00:00Z"),
            (1_735_689_599, "2024-12-31T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
            (END_OF_TIME - 1, "9999-12-31T23:59:59Z"),
        ] {
            assert_eq!(rfc3339(seconds), written);
        }
    }
}
