//! Signatures: a proof in one message, whose challenge is made of what is signed.

use ring::digest::{Context, SHA256};

use crate::mpin::{
    authority::Authority,
    point::G1,
    scalar::{SCALAR, Scalar},
    subject::Subject,
};

/// A signature, apart from who made it and over what.
#[derive(Clone, Debug)]
pub(crate) struct Signature {
    pub(crate) u: G1,
    pub(crate) v: G1,
}

impl Signature {
    /// Whether a subject made it, over this message and with this time. It is wrong for a wrong PIN, too.
    pub(crate) fn is_of(
        &self,
        authority: &Authority,
        subject: &Subject,
        message: &[u8],
        timestamp: u64,
    ) -> bool {
        let y = challenge(&self.u, message, timestamp);
        !y.is_zero() && authority.accepts(subject, &self.u, &y, &self.v)
    }
}

/// The challenge of a message. Of the time its lowest 32 bits count, and zero is no time.
pub(super) fn challenge(u: &G1, message: &[u8], timestamp: u64) -> Scalar {
    let mut hash = Context::new(&SHA256);
    if timestamp != 0 {
        let [_, _, _, _, low @ ..] = timestamp.to_be_bytes();
        hash.update(&low);
    }
    hash.update(&u.to_bytes());
    hash.update(message);
    let mut digest = [0; SCALAR];
    digest.copy_from_slice(hash.finish().as_ref());
    Scalar::of_digest(&digest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{hex, mpin::vectors};

    fn signature(u: &str, v: &str) -> Signature {
        let parse = |text| G1::parse(text).unwrap();
        Signature {
            u: parse(u),
            v: parse(v),
        }
    }

    #[test]
    fn a_signature_is_right_for_the_right_pin_and_the_same_message_only() {
        let authority = vectors::authority();
        let [vector, other] = vectors::all();
        let subject = vector.subject();
        let message = hex::decode(vectors::MESSAGE).unwrap();
        let time = vectors::TIMESTAMP;
        let y = challenge(&vector.u(), &message, time);
        assert_eq!(y.to_hex(), vectors::SIGN_Y);

        let right = signature(vector.u, vectors::SIGN_V_1234);
        assert!(right.is_of(&authority, &subject, &message, time));
        // A time in milliseconds has other bits, and more than 32 of them do not count.
        assert!(right.is_of(&authority, &subject, &message, time + (1 << 32)));
        let wrong_pin = signature(vector.u, vectors::SIGN_V_1235);
        assert!(!wrong_pin.is_of(&authority, &subject, &message, time));

        assert!(!right.is_of(&authority, &subject, &message, time + 1));
        assert!(!right.is_of(&authority, &subject, &message, time - 1));
        assert!(!right.is_of(&authority, &subject, &message, 0));
        assert!(!right.is_of(&authority, &subject, &message[1..], time));
        assert!(!right.is_of(&authority, &other.subject(), &message, time));
        let turned = signature(vectors::SIGN_V_1234, vector.u);
        assert!(!turned.is_of(&authority, &subject, &message, time));
    }
}
