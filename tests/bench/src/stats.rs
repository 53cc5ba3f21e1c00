//! Median and range.

use std::fmt;

/// The median of several measurements, and their range.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
}

impl Spread {
    /// Of at least one measurement.
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let (least, most) = (*values.first()?, *values.last()?);
        let middle = values.len() / 2;
        let median = if values.len().is_multiple_of(2) {
            f64::midpoint(values[middle - 1], values[middle])
        } else {
            values[middle]
        };
        Some(Self {
            median,
            least,
            most,
        })
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = f.precision().unwrap_or(2);
        let Self {
            median,
            least,
            most,
        } = self;
        write!(f, "{median:.digits$} ({least:.digits$}–{most:.digits$})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_one_in_the_middle_or_between_the_two() {
        let spread = |values: &[f64]| Spread::of(values.iter().copied()).unwrap();
        let odd = spread(&[9.0, -1.0, 2.0]);
        assert_eq!((odd.median, odd.least, odd.most), (2.0, -1.0, 9.0));
        let even = spread(&[4.0, 1.0, 100.0, 2.0]);
        assert_eq!((even.median, even.least, even.most), (3.0, 1.0, 100.0));
        let one = spread(&[7.0]);
        assert_eq!((one.median, one.least, one.most), (7.0, 7.0, 7.0));
        assert_eq!(Spread::of([]), None);
    }

    #[test]
    fn a_spread_is_shown_with_its_range() {
        let spread = Spread::of([1.0, 2.0, 4.0]).unwrap();
        assert_eq!(spread.to_string(), "2.00 (1.00–4.00)");
        assert_eq!(format!("{spread:.1}"), "2.0 (1.0–4.0)");
    }
}
