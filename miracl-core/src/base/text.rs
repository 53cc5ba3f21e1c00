//! Texts from outside, made fit for a log line.

/// Keeps the printable ASCII of a text from outside, at most `max` characters of it.
pub(crate) fn printable(text: &str, max: usize) -> String {
    text.chars()
        .filter(|c| matches!(c, ' '..='~'))
        .take(max)
        .collect()
}

/// Takes off the byte order mark that some editors put before a text.
pub(crate) fn without_bom(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}
