//! The two authorities, which each know a half of the master secret.

use std::fmt;

use ring::hmac;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::{
    hex,
    mpin::{
        point::{G1, G2, pairings_cancel},
        scalar::Scalar,
        subject::Subject,
    },
};

/// One of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Half {
    First,
    Second,
}

/// Both authorities, and the server that checks logins with a secret of theirs.
#[derive(Clone)]
pub(crate) struct Authority {
    halves: [Scalar; 2],
    server_secret: G2,
}

impl Authority {
    /// Makes new master secrets.
    pub(crate) fn random() -> Self {
        Self::of([Scalar::random(), Scalar::random()])
    }

    pub(super) fn of(halves: [Scalar; 2]) -> Self {
        let [first, second] = &halves;
        Self {
            server_secret: G2::generator().times(&first.plus(second)),
            halves,
        }
    }

    /// A share of the secret of a subject.
    pub(crate) fn share(&self, half: Half, subject: &Subject) -> G1 {
        let secret = match half {
            Half::First => &self.halves[0],
            Half::Second => &self.halves[1],
        };
        subject.point().times(secret)
    }

    /// Whether a proof is right: `u` was sent first, then `y` came back, then `v` was sent. It is wrong for a wrong
    /// PIN, and for everything else that is not as it must be.
    pub(crate) fn accepts(&self, subject: &Subject, u: &G1, y: &Scalar, v: &G1) -> bool {
        let challenged = subject.point().times(y).plus(u);
        let neutral = [u, v, &challenged].into_iter().any(G1::is_neutral);
        !neutral && pairings_cancel((&subject.key(), v), (&self.server_secret, &challenged))
    }

    /// Returns a name for a person which is always the same here and says nothing about the person.
    pub(crate) fn pseudonym(&self, user_id: &str) -> String {
        let key = self.halves.each_ref().map(Scalar::to_hex).concat();
        let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes());
        let mac = hmac::sign(&key, format!("sub {user_id}").as_bytes());
        base64_simd::URL_SAFE_NO_PAD.encode_to_string(&mac.as_ref()[..16])
    }

    #[cfg(test)]
    pub(super) fn server_secret(&self) -> &G2 {
        &self.server_secret
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Authority([redacted])")
    }
}

/// As it is kept in a file that only its owner can read.
impl Serialize for Authority {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let halves = self.halves.each_ref().map(Scalar::to_hex);
        halves.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Authority {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let texts = <[String; 2]>::deserialize(deserializer)?;
        let read = |text: &String| Scalar::parse(&hex::decode(text)?);
        let [first, second] = texts.each_ref().map(read);
        let halves = first.zip(second);
        let (first, second) = halves.ok_or_else(|| D::Error::custom("no master secret"))?;
        if first.plus(&second).is_zero() {
            return Err(D::Error::custom("the master secrets cancel out"));
        }
        Ok(Self::of([first, second]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mpin::vectors::{self, Proof};

    #[test]
    fn shares_are_those_of_the_vectors() {
        let authority = vectors::authority();
        assert_eq!(authority.server_secret().to_hex(), vectors::SERVER_SECRET);
        for vector in vectors::all() {
            let subject = vector.subject();
            assert_eq!(subject.point().to_hex(), vector.point);
            assert_eq!(
                authority.share(Half::First, &subject).to_hex(),
                vector.share_1
            );
            assert_eq!(
                authority.share(Half::Second, &subject).to_hex(),
                vector.share_2
            );
        }
    }

    #[test]
    fn the_right_pin_is_accepted_and_no_other() {
        let authority = vectors::authority();
        for vector in vectors::all() {
            for Proof { pin, v, is_right } in vector.proofs() {
                let (u, y, v) = (vector.u(), vectors::y(), G1::parse(v).unwrap());
                let accepted = authority.accepts(&vector.subject(), &u, &y, &v);
                assert_eq!(accepted, is_right, "PIN {pin}");
            }
        }
    }

    #[test]
    fn nothing_may_be_changed_in_a_proof() {
        let authority = vectors::authority();
        let [vector, other] = vectors::all();
        let (subject, u, y) = (vector.subject(), vector.u(), vectors::y());
        let v = G1::parse(vector.proofs()[0].v).unwrap();
        assert!(authority.accepts(&subject, &u, &y, &v));
        let more = y.plus(&Scalar::of_pin(1));
        assert!(!authority.accepts(&subject, &u, &more, &v));
        assert!(!authority.accepts(&subject, &v, &y, &u));
        assert!(!authority.accepts(&other.subject(), &u, &y, &v));
        assert!(!authority.accepts(&subject, &other.u(), &y, &v));
        assert!(!authority.accepts(&subject, &u, &y, &v.negated()));
        assert!(!Authority::random().accepts(&subject, &u, &y, &v));
        // Both sides neutral: everybody's secret would do.
        let cancelled = subject.point().times(&y).negated();
        assert!(!authority.accepts(&subject, &cancelled, &y, &v));
    }

    #[test]
    fn master_secrets_survive_a_restart_and_are_not_shown() {
        let authority = Authority::random();
        let kept = serde_json::to_string(&authority).unwrap();
        let back: Authority = serde_json::from_str(&kept).unwrap();
        let subject = Subject::new(b"id", None);
        for half in [Half::First, Half::Second] {
            let share = |authority: &Authority| authority.share(half, &subject).to_hex();
            assert_eq!(share(&authority), share(&back));
        }
        assert_eq!(format!("{authority:?}"), "Authority([redacted])");
        for bad in [r#"["",""]"#, r#"["00"]"#, &kept.replace('"', ""), "{}"] {
            assert!(serde_json::from_str::<Authority>(bad).is_err(), "{bad}");
        }
    }
}
