//! The step that proves a PIN, behind a small trait.

use std::fmt;
use std::num::NonZeroU32;

use ring::pbkdf2;
use serde::{Deserialize, Serialize};

use crate::random;

/// How many digits a PIN has.
pub const PIN_LENGTH: usize = 4;

/// How many wrong PINs in a row block an identity.
pub const MAX_TRIES: u8 = 3;

/// What proves that a person knows their PIN.
///
/// It does not count the tries: the caller does that, in one place for every kind of proof.
pub(crate) trait PinProof: fmt::Debug + Send + Sync {
    /// Makes what is stored of a PIN: enough to check it, and not enough to know it.
    fn enrol(&self, user_id: &str, pin: &str) -> Enrolment;

    /// Checks a PIN against what is stored.
    ///
    /// # Errors
    /// [`WrongPin`], also for an enrolment that this proof did not make.
    fn prove(&self, enrolment: &Enrolment, pin: &str) -> Result<(), WrongPin>;
}

/// What is stored of a PIN, in a form that only its [`PinProof`] understands.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Enrolment(String);

impl fmt::Debug for Enrolment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Enrolment([redacted])")
    }
}

/// The PIN was not the right one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WrongPin;

/// Returns whether `pin` has the form of one: four ASCII digits.
pub(crate) fn is_pin(pin: &str) -> bool {
    pin.len() == PIN_LENGTH && pin.bytes().all(|b| b.is_ascii_digit())
}

/// Stores a salted PBKDF2-HMAC-SHA256 hash.
///
/// With the file, all ten thousand PINs can be tried in seconds. That is good enough for a laptop, and the reason
/// why MIRACL itself stores no verifier at all.
#[derive(Debug)]
pub(crate) struct HashedPin;

const ROUNDS: NonZeroU32 = NonZeroU32::new(10_000).expect("ten thousand is not zero");
const SALT: usize = 16;
const HASH: usize = 32;

impl PinProof for HashedPin {
    fn enrol(&self, user_id: &str, pin: &str) -> Enrolment {
        let salt = random::bytes::<SALT>();
        let mut kept = [0; SALT + HASH];
        kept[..SALT].copy_from_slice(&salt);
        let secret = format!("{user_id}\0{pin}");
        pbkdf2::derive(
            pbkdf2::PBKDF2_HMAC_SHA256,
            ROUNDS,
            &salt,
            secret.as_bytes(),
            &mut kept[SALT..],
        );
        let user_id = base64_simd::URL_SAFE_NO_PAD.encode_to_string(user_id);
        Enrolment(format!(
            "{user_id}.{}",
            base64_simd::URL_SAFE_NO_PAD.encode_to_string(kept)
        ))
    }

    fn prove(&self, enrolment: &Enrolment, pin: &str) -> Result<(), WrongPin> {
        let (user_id, kept) = enrolment.0.split_once('.').ok_or(WrongPin)?;
        let decode = |text| {
            base64_simd::URL_SAFE_NO_PAD
                .decode_to_vec(text)
                .map_err(|_| WrongPin)
        };
        let user_id = String::from_utf8(decode(user_id)?).map_err(|_| WrongPin)?;
        let kept = decode(kept)?;
        let (salt, hash) = kept.split_at_checked(SALT).ok_or(WrongPin)?;
        let secret = format!("{user_id}\0{pin}");
        pbkdf2::verify(
            pbkdf2::PBKDF2_HMAC_SHA256,
            ROUNDS,
            salt,
            secret.as_bytes(),
            hash,
        )
        .map_err(|_| WrongPin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_enrolled_pin_proves() {
        let enrolment = HashedPin.enrol("alice@example.com", "1234");
        assert_eq!(HashedPin.prove(&enrolment, "1234"), Ok(()));
        for wrong in ["1235", "", "12345", "٣٤٥٦"] {
            assert_eq!(HashedPin.prove(&enrolment, wrong), Err(WrongPin));
        }
    }

    #[test]
    fn a_damaged_enrolment_proves_nothing() {
        for damaged in ["", ".", "YQ.", "YQ.YQ", "!.!"] {
            assert_eq!(
                HashedPin.prove(&Enrolment(damaged.to_owned()), "1234"),
                Err(WrongPin)
            );
        }
    }

    #[test]
    fn a_pin_is_four_ascii_digits() {
        assert!(is_pin("0000"));
        for bad in ["", "123", "12345", "12a4", "١٢"] {
            assert!(!is_pin(bad), "{bad:?}");
        }
    }
}
