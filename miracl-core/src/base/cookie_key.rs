//! The keys that seal cookies and stored sessions.

mod file;

use std::fmt;

use base64_simd::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use ring::hkdf;
use zeroize::Zeroizing;

use crate::base::{hex::hex, random::random};

/// The length of a cookie key in bytes: 256 bits.
const KEY_LEN: usize = 32;

/// Random bytes have about 30 different values among 32; fewer than this many is no accident.
const MIN_DISTINCT_BYTES: usize = 20;

/// A 256-bit key that seals cookies, as an entry of [`Config::cookie_keys`](crate::Config::cookie_keys).
///
/// Every purpose (session, tokens, pending login, flash messages) gets a key of its own, derived from this one by
/// HKDF-SHA256 (RFC 5869). `Debug` prints the key's public id, never the key.
#[derive(Clone)]
pub struct CookieKey(Zeroizing<[u8; KEY_LEN]>);

/// The command that makes a good key, for error messages.
pub(crate) const MAKE_A_KEY: &str = "openssl rand -base64 32";

impl CookieKey {
    /// Makes a new random key.
    ///
    /// Sessions sealed with it end when the process does, unless the key is kept. For development and tests; a
    /// server takes its key from its configuration, or from a file with [`CookieKey::load_or_create`].
    ///
    /// # Panics
    ///
    /// When the operating system provides no random numbers.
    pub fn generate() -> Self {
        Self(Zeroizing::new(random()))
    }

    /// Reads a key from base64 (standard or URL-safe alphabet, padded or not).
    ///
    /// # Errors
    ///
    /// [`CookieKeyError`] when the text is not base64, is not 32 bytes, or is evidently not random. The message
    /// names the command that makes a good key; it never repeats the text.
    pub fn from_base64(text: &str) -> Result<Self, CookieKeyError> {
        let text = text.trim().as_bytes();
        let bytes = [STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD]
            .iter()
            .find_map(|alphabet| alphabet.decode_to_vec(text).ok())
            .map(Zeroizing::new)
            .ok_or(CookieKeyError::NotBase64)?;
        let key: [u8; KEY_LEN] = bytes
            .as_slice()
            .try_into()
            .map_err(|_| CookieKeyError::Length { bytes: bytes.len() })?;
        let mut occurs = [false; 256];
        for byte in key {
            occurs[usize::from(byte)] = true;
        }
        if occurs.iter().filter(|occurs| **occurs).count() < MIN_DISTINCT_BYTES {
            return Err(CookieKeyError::Weak);
        }
        Ok(Self(Zeroizing::new(key)))
    }

    /// Derives the key for one purpose, or the public id, by HKDF (RFC 5869).
    pub(crate) fn derive<const N: usize>(&self, info: &str) -> [u8; N] {
        struct Len(usize);
        impl hkdf::KeyType for Len {
            fn len(&self) -> usize {
                self.0
            }
        }
        let mut out = [0; N];
        hkdf::Salt::new(hkdf::HKDF_SHA256, b"miracl cookies v1")
            .extract(self.0.as_slice())
            .expand(&[info.as_bytes()], Len(N))
            .and_then(|okm| okm.fill(&mut out))
            .expect("HKDF gives up to 8160 bytes");
        out
    }

    /// The four bytes that name this key inside every value it seals.
    pub(crate) fn id(&self) -> [u8; 4] {
        self.derive("key id")
    }
}

impl fmt::Debug for CookieKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CookieKey({})", hex(&self.id()))
    }
}

/// Why a text is no cookie key. `Debug` is `Display`, for a `main` that returns it.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CookieKeyError {
    /// The text is not base64.
    NotBase64,
    /// The text is base64 of another length than 32 bytes.
    Length {
        /// How many bytes it is.
        bytes: usize,
    },
    /// The bytes are evidently not random: a password, a repeated character, zeros.
    Weak,
}

impl fmt::Display for CookieKeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotBase64 => write!(f, "not base64; make a key with `{MAKE_A_KEY}`"),
            Self::Length { bytes } => write!(
                f,
                "{bytes} bytes long, but a key is 32 bytes (256 bits); make one with `{MAKE_A_KEY}`"
            ),
            Self::Weak => write!(
                f,
                "not random, so it could be guessed; make a key with `{MAKE_A_KEY}`"
            ),
        }
    }
}

impl fmt::Debug for CookieKeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for CookieKeyError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_in_every_base64_alphabet() {
        let key = CookieKey::generate();
        for alphabet in [STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD] {
            let text = alphabet.encode_to_string(key.0.as_slice());
            assert_eq!(CookieKey::from_base64(&text).unwrap().id(), key.id());
        }
    }

    #[test]
    fn short_and_guessable_keys_are_refused_with_the_command_that_makes_a_good_one() {
        for (text, error) in [
            ("not base64 at all!", CookieKeyError::NotBase64),
            ("c2VjcmV0", CookieKeyError::Length { bytes: 6 }),
            (
                "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
                CookieKeyError::Weak,
            ),
            (
                "cGFzc3dvcmRwYXNzd29yZHBhc3N3b3JkcGFzc3dvcmQ=",
                CookieKeyError::Weak,
            ),
        ] {
            let found = CookieKey::from_base64(text).unwrap_err();
            assert_eq!(found, error);
            assert!(found.to_string().contains("openssl rand -base64 32"));
        }
    }

    #[test]
    fn debug_output_shows_no_key() {
        let key = CookieKey::generate();
        let printed = format!("{key:?}");
        assert_eq!(printed.len(), "CookieKey(01234567)".len());
    }
}
