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

/// Removes the byte order mark that some editors put before a text.
pub(crate) fn without_bom(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

/// Takes one value as files, environments and containers hand it over: without a byte order mark and white space around
/// it, such as the line break at the end of a mounted file.
///
/// # Errors
///
/// What the operator must do, where it is open what is meant: quotes around the whole value, and line breaks or other
/// control characters inside. The message does not repeat the value.
pub(crate) fn one_value(text: &str) -> Result<&str, &'static str> {
    let value = unquoted(text)?;
    match value.contains(char::is_control) {
        true => {
            Err("has a line break or another control character in it; it must be one line alone")
        }
        false => Ok(value),
    }
}

/// Takes a list of values as [`one_value`] does; line breaks may be in between.
///
/// # Errors
///
/// As of [`one_value`], for quotes.
pub(crate) fn unquoted(text: &str) -> Result<&str, &'static str> {
    let value = without_bom(text).trim();
    let is_in = |quote: char| {
        let inner = value.strip_prefix(quote);
        inner.is_some_and(|inner| inner.ends_with(quote))
    };
    match is_in('"') || is_in('\'') {
        true => Err(
            "has quotes around it, which count as part of the value (`docker --env-file` and Kubernetes do not remove \
             them); remove them",
        ),
        false => Ok(value),
    }
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

/// Whether a text can be the id of a MIRACL project, a UUID, which stands in paths.
pub(crate) fn is_project_id(id: &str) -> bool {
    let fits = (1..=64).contains(&id.len());
    fits && id
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

/// Whether a text is a UUID, in the usual form (RFC 9562 §4).
pub(crate) fn is_uuid(text: &str) -> bool {
    let mut parts = text.split('-');
    let fits = |length| {
        let part = parts.next();
        part.is_some_and(|part| {
            part.len() == length && part.bytes().all(|byte| byte.is_ascii_hexdigit())
        })
    };
    [8, 4, 4, 4, 12].into_iter().all(fits) && parts.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_has_five_parts_of_hexadecimal_digits() {
        let uuid = "0e4a3b52-7f10-4c1d-9a55-0123456789aB";
        assert!(is_uuid(uuid));
        for bad in [
            "",
            "my-cloud-1234",
            &uuid[1..],
            &format!("{uuid}0"),
            &format!("{uuid}-"),
            &uuid.replace('a', "g"),
        ] {
            assert!(!is_uuid(bad), "{bad}");
        }
    }

    #[test]
    fn what_is_around_a_value_is_taken_off_and_what_could_be_meant_is_refused() {
        for (text, value) in [
            ("value", "value"),
            ("value\n", "value"),
            ("value\r\n", "value"),
            (" \tvalue \n\n", "value"),
            ("\u{feff}value\u{a0}", "value"),
            ("two words", "two words"),
            ("", ""),
            (" \n", ""),
            // Secrets with quotes.
            ("\"begins", "\"begins"),
            ("ends'", "ends'"),
            ("in\"si'de", "in\"si'de"),
            ("\"other'", "\"other'"),
            ("\"", "\""),
        ] {
            assert_eq!(one_value(text), Ok(value), "{text:?}");
        }
        for quoted in [
            "\"value\"",
            "'value'\r\n",
            " \"value\" ",
            "\"\"",
            "''",
            "\"a\" \"b\"",
        ] {
            let told = one_value(quoted).unwrap_err();
            assert!(told.contains("quotes around it"), "{quoted:?}: {told}");
            assert_eq!(unquoted(quoted), Err(told));
        }
        for broken in ["one\ntwo", "one\r\ntwo", "a\tb", "a\u{0}b"] {
            let told = one_value(broken).unwrap_err();
            assert!(told.contains("line break"), "{broken:?}: {told}");
        }
        assert_eq!(unquoted("one\n two\n"), Ok("one\n two"));
    }
}
