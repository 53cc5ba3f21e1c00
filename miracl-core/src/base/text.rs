//! Texts from outside, made fit for a log line.

/// Keeps the printable ASCII of a text from outside, at most `max` characters of it.
pub(crate) fn printable(text: &str, max: usize) -> String {
    text.chars()
        .filter(|c| matches!(c, ' '..='~'))
        .take(max)
        .collect()
}
