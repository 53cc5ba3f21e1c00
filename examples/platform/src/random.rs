//! Random names for everything that must not be guessed.

use ring::rand::{SecureRandom, SystemRandom};

/// Returns 256 random bits as 43 characters of base64url.
///
/// # Panics
/// If the operating system has no random numbers: nothing is safe then.
pub(crate) fn token() -> String {
    base64_simd::URL_SAFE_NO_PAD.encode_to_string(bytes::<32>())
}

/// Returns `N` random bytes.
///
/// # Panics
/// If the operating system has no random numbers.
pub(crate) fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    SystemRandom::new()
        .fill(&mut bytes)
        .expect("the operating system has random numbers");
    bytes
}

/// Returns whether `text` has the shape of a [`token`].
pub(crate) fn is_token(text: &str) -> bool {
    text.len() == 43
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_differ_and_have_the_announced_shape() {
        let (a, b) = (token(), token());
        assert_ne!(a, b);
        assert!(is_token(&a) && is_token(&b));
        assert!(!is_token("short") && !is_token(&"=".repeat(43)));
    }
}
