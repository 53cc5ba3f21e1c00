//! Bytes as the hexadecimal text of M-Pin's messages: in lower case.

/// Writes bytes as text.
pub(crate) fn encode(bytes: &[u8]) -> String {
    use std::fmt::Write as _;

    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // A `String` takes everything.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// Reads text of either case; `None` where it is anything else.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| {
        char::from(byte)
            .to_digit(16)
            .and_then(|digit| u8::try_from(digit).ok())
    };
    if !text.len().is_multiple_of(2) {
        return None;
    }
    let pairs = text.as_bytes().chunks_exact(2);
    pairs
        .map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back_from_either_case() {
        assert_eq!(encode(&[0, 0xab, 0x10]), "00ab10");
        assert_eq!(decode("00aB10"), Some(vec![0, 0xab, 0x10]));
        assert_eq!(decode(""), Some(Vec::new()));
    }

    #[test]
    fn what_is_no_hexadecimal_text_is_refused() {
        for bad in ["0", "0g", "+1", "é", "0x", " 00"] {
            assert_eq!(decode(bad), None, "{bad:?}");
        }
    }
}
