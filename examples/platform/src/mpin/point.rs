//! Points of the two groups. A point that comes from outside is checked before anything is multiplied with it: its
//! length, its form, that it lies on the curve and in the group, and that it is not the neutral element.

use std::fmt;

use mpin_curve::bn254cx::{ecp::ECP, ecp2::ECP2, pair};

use crate::{hex, mpin::scalar::Scalar};

/// How many bytes a point of the first group takes: 04, and two coordinates.
pub(crate) const G1_BYTES: usize = 65;
/// How many bytes a point of the second group takes: two coordinates of two numbers each.
pub(crate) const G2_BYTES: usize = 128;

const NUMBER: usize = 32;
const UNCOMPRESSED: u8 = 4;

/// A point of the first group, which is the whole curve.
#[derive(Clone)]
pub(crate) struct G1(ECP);

impl G1 {
    /// Reads a point from hexadecimal text.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text.len() != 2 * G1_BYTES {
            return None;
        }
        let bytes = hex::decode(text)?;
        if bytes.first() != Some(&UNCOMPRESSED) {
            return None;
        }
        // What is not on the curve becomes the neutral element, and a coordinate beyond the prime another one.
        let point = Self(ECP::frombytes(&bytes));
        (!point.is_neutral() && point.to_bytes()[..] == *bytes).then_some(point)
    }

    /// Maps a SHA-256 digest to a point.
    pub(super) fn of_digest(digest: &[u8]) -> Self {
        Self(ECP::mapit(digest))
    }

    pub(super) fn plus(&self, other: &Self) -> Self {
        let mut sum = self.0.clone();
        sum.add(&other.0);
        Self(sum)
    }

    pub(super) fn times(&self, factor: &Scalar) -> Self {
        Self(pair::g1mul(&self.0, factor.big()))
    }

    pub(super) fn negated(&self) -> Self {
        let mut negated = self.0.clone();
        negated.neg();
        Self(negated)
    }

    pub(super) fn is_neutral(&self) -> bool {
        self.0.is_infinity()
    }

    pub(crate) fn to_bytes(&self) -> [u8; G1_BYTES] {
        let mut bytes = [0; G1_BYTES];
        self.0.tobytes(&mut bytes, false);
        bytes
    }

    pub(crate) fn to_hex(&self) -> String {
        hex::encode(&self.to_bytes())
    }

    fn affine(&self) -> ECP {
        let mut point = self.0.clone();
        point.affine();
        point
    }
}

/// A point of the second group, which is a part of the twisted curve.
#[derive(Clone)]
pub(crate) struct G2(ECP2);

impl G2 {
    /// Reads a point from hexadecimal text.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text.len() != 2 * G2_BYTES {
            return None;
        }
        let bytes = hex::decode(text)?;
        let mut turned = [UNCOMPRESSED; 1 + G2_BYTES];
        turned[1..].copy_from_slice(&turn(bytes.as_slice().try_into().ok()?));
        // What is not on the curve becomes the neutral element. Most points of the curve are not in the group.
        let point = Self(ECP2::frombytes(&turned));
        let in_group = !point.0.is_infinity() && pair::g2member(&point.0);
        (in_group && point.to_bytes()[..] == *bytes).then_some(point)
    }

    pub(super) fn generator() -> Self {
        Self(ECP2::generator())
    }

    pub(super) fn times(&self, factor: &Scalar) -> Self {
        Self(pair::g2mul(&self.0, factor.big()))
    }

    pub(crate) fn to_bytes(&self) -> [u8; G2_BYTES] {
        let mut bytes = [0; 1 + G2_BYTES];
        self.0.tobytes(&mut bytes, false);
        let [_, turned @ ..] = bytes;
        turn(&turned)
    }

    pub(crate) fn to_hex(&self) -> String {
        hex::encode(&self.to_bytes())
    }

    fn affine(&self) -> ECP2 {
        let mut point = self.0.clone();
        point.affine();
        point
    }
}

/// Whether the pairings of both pairs, multiplied, give one.
pub(super) fn pairings_cancel(one: (&G2, &G1), other: (&G2, &G1)) -> bool {
    let product = pair::ate2(
        &one.0.affine(),
        &one.1.affine(),
        &other.0.affine(),
        &other.1.affine(),
    );
    pair::fexp(&product).isunity()
}

/// Messages have the real part of a coordinate first, and the curve's code the other one.
fn turn(bytes: &[u8; G2_BYTES]) -> [u8; G2_BYTES] {
    let mut turned = [0; G2_BYTES];
    for (at, number) in bytes.chunks_exact(NUMBER).enumerate() {
        turned[(at ^ 1) * NUMBER..][..NUMBER].copy_from_slice(number);
    }
    turned
}

impl fmt::Debug for G1 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("G1([redacted])")
    }
}

impl fmt::Debug for G2 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("G2([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mpin::vectors::{A, G2_GENERATOR, PUBLIC_KEY};

    #[test]
    fn points_come_back_as_they_were_sent() {
        assert_eq!(G1::parse(A).unwrap().to_hex(), A);
        assert_eq!(G2::parse(PUBLIC_KEY).unwrap().to_hex(), PUBLIC_KEY);
        assert_eq!(G2::generator().to_hex(), G2_GENERATOR);
    }

    #[test]
    fn what_is_no_point_of_the_group_is_refused() {
        let neutral = format!("04{}", "0".repeat(128));
        let compressed = A.replacen("04", "02", 1);
        // x of the generator is one less than the prime, so this one is the generator's y beside a number that is too
        // large by the prime.
        let beyond = format!(
            "044800000010e0541b617bbec8f4c6cda6487faddc30127dc37ccc47deb836ab65{}",
            "0".repeat(63) + "1"
        );
        for bad in [
            "",
            "04",
            &A[2..],
            &A[..128],
            &format!("{A}00"),
            &neutral,
            &compressed,
            &beyond,
            &"zz".repeat(65),
        ] {
            assert!(G1::parse(bad).is_none(), "{bad}");
        }
        let mut off = A.to_owned();
        off.replace_range(129..130, "f");
        assert!(G1::parse(&off).is_none());
        for bad in [
            "",
            &PUBLIC_KEY[2..],
            &format!("{PUBLIC_KEY}00"),
            &"0".repeat(256),
            &"zz".repeat(128),
        ] {
            assert!(G2::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn no_public_key_with_a_changed_bit_is_taken() {
        let bytes = hex::decode(PUBLIC_KEY).unwrap();
        for bit in (0..8 * G2_BYTES).step_by(7) {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(G2::parse(&hex::encode(&changed)).is_none(), "bit {bit}");
        }
    }

    #[test]
    fn a_point_of_the_twist_outside_the_group_is_refused() {
        use mpin_curve::bn254cx::{big::BIG, fp2::FP2};

        let outside = (1..40).filter_map(|x| {
            let x = FP2::new_bigs(&BIG::new_int(x), &BIG::new_int(1));
            let point = ECP2::new_fp2(&x, 0);
            (!point.is_infinity()).then(|| G2(point).to_hex())
        });
        let outside: Vec<String> = outside.collect();
        assert!(outside.len() > 5);
        for point in outside {
            assert!(G2::parse(&point).is_none(), "{point}");
        }
    }
}
