//! What a PIN is. The platform never sees one.

/// How many digits a PIN has, unless the project says otherwise.
pub const PIN_LENGTH: u8 = 4;

/// How many wrong PINs in a row revoke an identity.
pub const MAX_TRIES: u8 = 3;

/// Returns the number of a PIN; `None` if it is not four to six ASCII digits.
pub(crate) fn parse_pin(pin: &str) -> Option<u32> {
    let is_pin = (4..=6).contains(&pin.len()) && pin.bytes().all(|byte| byte.is_ascii_digit());
    pin.parse().ok().filter(|_| is_pin)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_has_four_to_six_ascii_digits() {
        assert_eq!(parse_pin("0000"), Some(0));
        assert_eq!(parse_pin("012345"), Some(12_345));
        for bad in ["", "123", "1234567", "12a4", "+123", "١٢"] {
            assert_eq!(parse_pin(bad), None, "{bad:?}");
        }
    }
}
