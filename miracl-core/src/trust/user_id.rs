//! What may be a user id.

use crate::error::trust::TrustError;

/// The longest user id, in bytes: it becomes the `sub` of ID tokens (OpenID Connect Core 1.0 §2).
const MAX_USER_ID: usize = 255;

/// Checks a user id before it is sent: most come from a visitor.
pub(crate) fn check_user_id(user_id: &str) -> Result<(), TrustError> {
    let fits = (1..=MAX_USER_ID).contains(&user_id.len());
    if fits && !user_id.chars().any(char::is_control) && user_id.trim() == user_id {
        return Ok(());
    }
    Err(TrustError::argument(
        "user_id",
        "1 to 255 bytes, without line breaks and without spaces around it",
    ))
}

/// Checks a name that is optional, such as a device's.
pub(super) fn check_name(name: &'static str, value: Option<&str>) -> Result<(), TrustError> {
    let fits = |value: &str| value.len() <= MAX_USER_ID && !value.chars().any(char::is_control);
    match value {
        Some(value) if !fits(value) => Err(TrustError::argument(
            name,
            "at most 255 bytes, without line breaks",
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_id_is_one_line_of_bounded_length() {
        for good in ["alice@example.com", "a&b=c#d", "Ä", &"x".repeat(255)] {
            assert!(check_user_id(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            " ",
            " a",
            "a\n",
            "a\r\nb",
            "a\0",
            &"x".repeat(256),
            &"x".repeat(10_240),
        ] {
            assert!(check_user_id(bad).is_err(), "{bad:?}");
        }
    }
}
