//! Dates of the back-end API (RFC 3339), in microseconds since 1970.

const DAY: u64 = 24 * 60 * 60;
const MICROS: u64 = 1_000_000;

/// Writes a time in UTC, with microseconds.
pub(crate) fn format(micros: u64) -> String {
    let seconds = micros / MICROS;
    let (year, month, day) = date(seconds / DAY);
    let rest = seconds % DAY;
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{:06}Z",
        rest / 3600,
        rest / 60 % 60,
        rest % 60,
        micros % MICROS,
    )
}

/// Writes a time, given in seconds since 1970, for people: `2026-01-31 12:30 UTC`.
pub(crate) fn short(seconds: u64) -> String {
    let text = format(seconds.saturating_mul(MICROS));
    let minutes: String = text.chars().take("2026-01-31T12:30".len()).collect();
    format!("{} UTC", minutes.replace('T', " "))
}

/// Reads a time; `None` if it is none, or before 1970.
pub(crate) fn parse(text: &str) -> Option<u64> {
    let (day, rest) = text.split_at_checked(10)?;
    let rest = rest.strip_prefix(['T', 't', ' '])?;
    let (time, rest) = rest.split_at_checked(8)?;
    let [year, month, day] = numbers(day, '-', [4, 2, 2])?;
    let [hour, minute, second] = numbers(time, ':', [2, 2, 2])?;
    let in_range =
        (1..=12).contains(&month) && day >= 1 && hour < 24 && minute < 60 && second <= 60;
    if !in_range || day > days_in(year, month) {
        return None;
    }
    let (fraction, zone) = match rest.strip_prefix('.') {
        None => (0, rest),
        Some(rest) => {
            let end = rest.find(|c: char| !c.is_ascii_digit())?;
            let (digits, zone) = rest.split_at(end);
            let digits = digits
                .get(..digits.len().min(6))
                .filter(|digits| !digits.is_empty())?;
            (format!("{digits:0<6}").parse().ok()?, zone)
        }
    };
    let offset: i64 = match zone.strip_prefix(['+', '-']) {
        None if zone == "Z" || zone == "z" => 0,
        None => return None,
        Some(offset) => {
            let [hours, minutes] = numbers(offset, ':', [2, 2])?;
            let seconds = i64::try_from(hours * 3600 + minutes * 60).ok()?;
            if zone.starts_with('-') {
                -seconds
            } else {
                seconds
            }
        }
    };
    let seconds = days(year, month, day)? * DAY + hour * 3600 + minute * 60 + second;
    let seconds = i64::try_from(seconds).ok()? - offset;
    Some(u64::try_from(seconds).ok()? * MICROS + fraction)
}

/// Reads numbers with exactly so many digits.
fn numbers<const N: usize>(text: &str, between: char, digits: [usize; N]) -> Option<[u64; N]> {
    let mut parts = text.split(between);
    let mut read = [0; N];
    for (number, length) in read.iter_mut().zip(digits) {
        let part = parts.next()?;
        let fits = part.len() == length && part.bytes().all(|byte| byte.is_ascii_digit());
        *number = fits.then(|| part.parse().ok())??;
    }
    parts.next().is_none().then_some(read)
}

fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

fn days_in(year: u64, month: u64) -> u64 {
    match month {
        2 => 28 + u64::from(is_leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Counts the days since 1970.
fn days(year: u64, month: u64, day: u64) -> Option<u64> {
    let leap_days = |year: u64| year / 4 - year / 100 + year / 400;
    let years = year.checked_sub(1970)? * 365 + leap_days(year - 1) - leap_days(1969);
    let months: u64 = (1..month).map(|month| days_in(year, month)).sum();
    Some(years + months + day - 1)
}

/// Returns the date of a day since 1970.
fn date(mut day: u64) -> (u64, u64, u64) {
    // A whole cycle of the calendar has 400 years.
    const CYCLE: u64 = 146_097;
    let mut year = 1970 + day / CYCLE * 400;
    day %= CYCLE;
    while day >= 365 + u64::from(is_leap(year)) {
        day -= 365 + u64::from(is_leap(year));
        year += 1;
    }
    let mut month = 1;
    while day >= days_in(year, month) {
        day -= days_in(year, month);
        month += 1;
    }
    (year, month, day + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_and_read_back() {
        assert_eq!(format(0), "1970-01-01T00:00:00.000000Z");
        assert_eq!(format(1_709_210_096_000_007), "2024-02-29T12:34:56.000007Z");
        for micros in (0..5_000_000_000_000_000).step_by(7_654_321_987_654) {
            assert_eq!(parse(&format(micros)), Some(micros));
        }
        let same = [
            "2024-02-29T12:34:56Z",
            "2024-02-29T14:34:56.0+02:00",
            "2024-02-29 07:34:56-05:00",
        ];
        for text in same {
            assert_eq!(parse(text), Some(1_709_210_096_000_000), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for bad in [
            "",
            "2024",
            "2023-02-29T00:00:00Z",
            "2024-13-01T00:00:00Z",
            "2024-01-01T24:00:00Z",
            "2024-01-01T00:00:00",
            "2024-01-01T00:00:00.Z",
            "2024-01-01T00:00:00+1",
            "1969-12-31T23:59:59Z",
            "é024-01-01T00:00:00Z",
        ] {
            assert_eq!(parse(bad), None, "{bad:?}");
        }
    }
}
