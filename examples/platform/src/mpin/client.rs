//! What a browser does: it makes its key pair and its token, and proves its PIN.

use std::fmt;

use crate::mpin::{
    point::{G1, G2},
    scalar::Scalar,
    signature::{Signature, challenge},
    subject::Subject,
};

/// The number that a PIN is counted modulo.
const PINS: u32 = 1_000_000;

/// The key pair of a browser. The platform gets the public key alone.
pub(crate) struct KeyPair {
    secret: Scalar,
    pub(crate) public: G2,
}

impl KeyPair {
    pub(crate) fn random() -> Self {
        Self::of(Scalar::random())
    }

    pub(super) fn of(secret: Scalar) -> Self {
        Self {
            public: G2::generator().times(&secret.inverse()),
            secret,
        }
    }
}

/// What a browser keeps after its registration. Together with the PIN it is the secret of the subject.
#[derive(Clone)]
pub(crate) struct Token {
    subject: Subject,
    rest: G1,
}

/// What is kept between the two messages of a proof.
pub(crate) struct Begun {
    x: Scalar,
    pub(crate) u: G1,
}

impl Token {
    /// Makes the token of a subject from both shares, and takes the PIN out of it.
    pub(crate) fn new(
        subject: Subject,
        keys: Option<&KeyPair>,
        shares: [&G1; 2],
        pin: u32,
    ) -> Self {
        let [first, second] = shares;
        let sum = first.plus(second);
        let secret = match keys {
            Some(keys) => sum.times(&keys.secret),
            None => sum,
        };
        Self {
            rest: secret.plus(&times_pin(subject.point(), pin).negated()),
            subject,
        }
    }

    /// Begins a proof: `u` is its first message.
    pub(crate) fn begin(&self) -> Begun {
        self.begin_with(Scalar::random())
    }

    pub(super) fn begin_with(&self, x: Scalar) -> Begun {
        let u = self.subject.point().times(&x);
        Begun { x, u }
    }

    /// The second message of a proof, which answers `y`.
    pub(crate) fn answer(&self, begun: &Begun, y: &Scalar, pin: u32) -> G1 {
        let secret = self.rest.plus(&times_pin(self.subject.point(), pin));
        secret.times(&begun.x.plus(y)).negated()
    }

    /// Signs a message.
    pub(crate) fn sign(&self, message: &[u8], timestamp: u64, pin: u32) -> Signature {
        self.sign_with(&self.begin(), message, timestamp, pin)
    }

    pub(super) fn sign_with(
        &self,
        begun: &Begun,
        message: &[u8],
        timestamp: u64,
        pin: u32,
    ) -> Signature {
        let u = begun.u.clone();
        let y = challenge(&u, message, timestamp);
        let v = self.answer(begun, &y, pin);
        Signature { u, v }
    }

    #[cfg(test)]
    pub(super) fn to_hex(&self) -> String {
        self.rest.to_hex()
    }
}

fn times_pin(point: &G1, pin: u32) -> G1 {
    point.times(&Scalar::of_pin(pin % PINS))
}

impl fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyPair([redacted])")
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        hex,
        mpin::{
            authority::{Authority, Half},
            vectors::{self, Proof},
        },
        random,
    };

    fn token(authority: &Authority, subject: &Subject, keys: Option<&KeyPair>, pin: u32) -> Token {
        let share = |half| authority.share(half, subject);
        let (first, second) = (share(Half::First), share(Half::Second));
        Token::new(subject.clone(), keys, [&first, &second], pin)
    }

    #[test]
    fn it_makes_what_the_vectors_have() {
        let authority = vectors::authority();
        for vector in vectors::all() {
            let keys = vector.keys();
            assert_eq!(
                keys.as_ref().map(|keys| keys.public.to_hex()).as_deref(),
                vector.public_key
            );
            let token = token(&authority, &vector.subject(), keys.as_ref(), 1234);
            assert_eq!(token.to_hex(), vector.token_1234);
            for Proof { pin, v, .. } in vector.proofs() {
                let begun = token.begin_with(vectors::x());
                assert_eq!(begun.u.to_hex(), vector.u);
                assert_eq!(token.answer(&begun, &vectors::y(), pin).to_hex(), v);
            }
        }
    }

    #[test]
    fn it_signs_what_the_vectors_have() {
        let [vector, _] = vectors::all();
        let keys = vector.keys();
        let token = token(
            &vectors::authority(),
            &vector.subject(),
            keys.as_ref(),
            1234,
        );
        let message = hex::decode(vectors::MESSAGE).unwrap();
        for (pin, v) in [(1234, vectors::SIGN_V_1234), (1235, vectors::SIGN_V_1235)] {
            let begun = token.begin_with(vectors::x());
            let signature = token.sign_with(&begun, &message, vectors::TIMESTAMP, pin);
            assert_eq!(
                (signature.u.to_hex().as_str(), signature.v.to_hex().as_str()),
                (vector.u, v)
            );
        }
    }

    /// The authority is another one for every ten identities.
    #[test]
    fn a_thousand_random_logins_are_judged_right() {
        let mut authority = Authority::random();
        for round in 0..1000_u32 {
            if round.is_multiple_of(10) {
                authority = Authority::random();
            }
            let [pin, wrong] = [(); 2].map(|()| u32::from_be_bytes(random::bytes()) % PINS);
            let keys = (!round.is_multiple_of(4)).then(KeyPair::random);
            let key = keys.as_ref().map(|keys| keys.public.clone());
            let id = &random::bytes::<64>()[..1 + round as usize % 64];
            let subject = Subject::new(id, key);
            let token = token(&authority, &subject, keys.as_ref(), pin);
            let tried = if round.is_multiple_of(3) { wrong } else { pin };
            let (begun, y) = (token.begin(), Scalar::random());
            let u = begun.u.clone();
            let v = token.answer(&begun, &y, tried);
            assert_eq!(
                authority.accepts(&subject, &u, &y, &v),
                tried == pin,
                "round {round}"
            );
        }
    }
}
