//! Texts from outside, made fit for a log line or a receipt.

use ring::digest;

use crate::base::hex::hex;

/// The longest value that is shown as it is.
const MAX_SHOWN: usize = 120;

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

/// Quotes a short value, and replaces a long one with its hash. An empty one is `none`.
pub(crate) fn shown(value: &str) -> String {
    match value.len() {
        0 => "none".to_owned(),
        1..=MAX_SHOWN => format!("`{value}`"),
        _ => {
            let hash = digest::digest(&digest::SHA256, value.as_bytes());
            format!("sha256:{}", hex(&hash.as_ref()[..4]))
        }
    }
}
