//! Finds a secret where it should not be: as it is, percent-encoded, in hex or in base64, at any offset, one inside
//! another.

use base64_simd::forgiving_decode_to_vec;

/// How deep encodings are unwrapped: even base64 of a percent-encoded value in hex is found.
const DEPTH: usize = 3;

/// The shortest run of characters that is worth decoding.
const RUN: usize = 12;

/// Tells which of `canaries` can be read in `text`, and how.
pub fn find(text: &str, canaries: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    look(text.as_bytes(), canaries, "", DEPTH, &mut found);
    found.sort();
    found.dedup();
    found
}

/// Fails when one of `canaries` can be read in `text`.
#[track_caller]
pub fn assert_absent(place: &str, text: &str, canaries: &[String]) {
    assert!(
        canaries.iter().all(|canary| canary.len() >= 8),
        "a short canary is found by chance"
    );
    let found = find(text, canaries);
    assert!(found.is_empty(), "{place} gives away: {found:#?}");
}

fn look(bytes: &[u8], canaries: &[String], way: &str, depth: usize, found: &mut Vec<String>) {
    for canary in canaries {
        let needle = canary.as_bytes();
        if bytes
            .windows(needle.len())
            .any(|window| window.eq_ignore_ascii_case(needle))
        {
            found.push(format!("{canary} ({}plain)", way));
        }
    }
    if depth == 0 {
        return;
    }
    if bytes.contains(&b'%') {
        look(
            &percent_decoded(bytes),
            canaries,
            &format!("{way}percent, "),
            depth - 1,
            found,
        );
    }
    for run in runs(bytes, |byte| byte.is_ascii_hexdigit()) {
        for offset in 0..2 {
            let decoded = hex_decoded(&run[offset..]);
            if plausible(&decoded) {
                look(&decoded, canaries, &format!("{way}hex, "), depth - 1, found);
            }
        }
    }
    for run in runs(bytes, |byte| {
        byte.is_ascii_alphanumeric() || b"+/-_".contains(&byte)
    }) {
        for offset in 0..4 {
            let decoded = base64_decoded(&run[offset..]);
            if plausible(&decoded) {
                look(
                    &decoded,
                    canaries,
                    &format!("{way}base64, "),
                    depth - 1,
                    found,
                );
            }
        }
    }
}

/// Whether decoded bytes hold a stretch of text at all. Noise would only multiply the work.
fn plausible(bytes: &[u8]) -> bool {
    runs(bytes, |byte| (b' '..=b'~').contains(&byte)).any(|run| run.len() >= 8)
}

/// The stretches of at least [`RUN`] bytes (or 8 for decoded text) that `belongs` accepts.
fn runs<'a>(bytes: &'a [u8], belongs: impl Fn(u8) -> bool + 'a) -> impl Iterator<Item = &'a [u8]> {
    bytes
        .split(move |byte| !belongs(*byte))
        .filter(|run| run.len() >= RUN.min(8))
}

fn percent_decoded(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = bytes
            .get(at + 1..at + 3)
            .and_then(|pair| std::str::from_utf8(pair).ok());
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) if bytes[at] == b'%' => {
                out.push(byte);
                at += 3;
            }
            _ => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    out
}

fn hex_decoded(run: &[u8]) -> Vec<u8> {
    run.chunks_exact(2)
        .filter_map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}

/// Decodes either alphabet; up to three characters at the end that make no whole byte are dropped.
fn base64_decoded(run: &[u8]) -> Vec<u8> {
    let text: Vec<u8> = run
        .iter()
        .map(|byte| match byte {
            b'-' => b'+',
            b'_' => b'/',
            other => *other,
        })
        .collect();
    let whole = text.len() / 4 * 4;
    let rest = if text.len() % 4 == 1 {
        whole
    } else {
        text.len()
    };
    forgiving_decode_to_vec(&text[..rest])
        .or_else(|_| forgiving_decode_to_vec(&text[..whole]))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use base64_simd::{STANDARD, URL_SAFE_NO_PAD};
    use proptest::prelude::*;

    use super::*;

    const CANARY: &str = "canary+mail/8d41@example.com";

    fn hex(text: &str) -> String {
        text.bytes().map(|byte| format!("{byte:02x}")).collect()
    }

    fn percent(text: &str) -> String {
        text.bytes().map(|byte| format!("%{byte:02X}")).collect()
    }

    /// One way to write a text down.
    fn disguise(kind: u8, text: &str) -> String {
        match kind {
            0 => text.to_owned(),
            1 => hex(text),
            2 => hex(text).to_uppercase(),
            3 => percent(text),
            4 => STANDARD.encode_to_string(text),
            _ => URL_SAFE_NO_PAD.encode_to_string(text),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

        #[test]
        fn a_canary_is_found_in_two_disguises_over_one_another(
            first in 0..6_u8,
            second in 0..6_u8,
            before in "[a-z\"{:=. ]{0,9}",
            after in "[a-z\"},&; ]{0,9}",
            outside in "[A-Za-z0-9_.=]{0,7}",
        ) {
            let inner = disguise(first, &format!("{before}{CANARY}{after}"));
            let outer = format!("{outside}{}{outside}", disguise(second, &format!("{before}{inner}{after}")));
            prop_assert!(!find(&outer, &[CANARY.to_owned()]).is_empty(), "not found in {outer}");
        }

        #[test]
        fn nothing_is_found_where_nothing_is(text in "[ -~]{0,300}") {
            prop_assert!(find(&text, &[CANARY.to_owned()]).is_empty());
        }
    }
}
