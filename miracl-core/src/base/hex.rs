//! Bytes as hexadecimal digits.

/// Writes bytes as lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    hex_after([], bytes)
}

/// Writes bytes as [`hex`] does behind some text, as in the names of what lies under a hash.
pub(crate) fn hex_after<const N: usize>(text: [&str; N], bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |value: u8| char::from(DIGITS[usize::from(value & 0xf)]);
    let before: usize = text.iter().map(|part| part.len()).sum();
    let mut written = String::with_capacity(before + 2 * bytes.len());
    written.extend(text);
    for byte in bytes {
        written.push(digit(byte >> 4));
        written.push(digit(*byte));
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_written_as_two_digits_each() {
        let all: Vec<u8> = (0..=255).collect();
        let written: String = all.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex(&all), written);
        assert_eq!(hex(&[]), "");
        assert_eq!(hex_after(["a", "b:"], &[0xff, 0]), "ab:ff00");
    }
}
