//! Numbers modulo the order of the groups.

use std::fmt;

use mpin_curve::bn254cx::{big::BIG, dbig::DBIG, rom};

use crate::{hex, random};

/// How many bytes a number takes, the most significant first.
pub(crate) const SCALAR: usize = 32;

/// A number modulo the order of the groups. Nearly all of them are secrets: it has no `Debug` that shows it.
#[derive(Clone)]
pub(crate) struct Scalar(BIG);

impl Scalar {
    /// A random number that is not zero.
    pub(crate) fn random() -> Self {
        loop {
            // So many bits more than the order that no number is likelier than another.
            let bytes = random::bytes::<48>();
            let number = Self(DBIG::frombytes(&bytes).dmod(&order()));
            if !number.is_zero() {
                return number;
            }
        }
    }

    /// Reads a number between zero and the order, both excluded.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; SCALAR] = bytes.try_into().ok()?;
        let number = BIG::frombytes(bytes);
        let inside = BIG::comp(&number, &order()) < 0;
        Some(Self(number)).filter(|number| inside && !number.is_zero())
    }

    /// Takes a digest as a number.
    pub(crate) fn of_digest(digest: &[u8; SCALAR]) -> Self {
        let mut number = BIG::frombytes(digest);
        number.rmod(&order());
        Self(number)
    }

    /// The number of a PIN.
    pub(crate) fn of_pin(pin: u32) -> Self {
        let mut bytes = [0; SCALAR];
        bytes[SCALAR - 4..].copy_from_slice(&pin.to_be_bytes());
        Self(BIG::frombytes(&bytes))
    }

    pub(crate) fn plus(&self, other: &Self) -> Self {
        Self(BIG::modadd(&self.0, &other.0, &order()))
    }

    /// The number that this one is multiplied with to give one.
    pub(crate) fn inverse(&self) -> Self {
        let mut inverse = self.0;
        inverse.invmodp(&order());
        Self(inverse)
    }

    pub(crate) fn is_zero(&self) -> bool {
        self.0.iszilch()
    }

    pub(crate) fn to_bytes(&self) -> [u8; SCALAR] {
        let mut bytes = [0; SCALAR];
        self.0.tobytes(&mut bytes);
        bytes
    }

    /// As messages have it: always 64 digits.
    pub(crate) fn to_hex(&self) -> String {
        hex::encode(&self.to_bytes())
    }

    pub(super) fn big(&self) -> &BIG {
        &self.0
    }
}

impl fmt::Debug for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scalar([redacted])")
    }
}

fn order() -> BIG {
    BIG::new_ints(&rom::CURVE_ORDER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_numbers_between_zero_and_the_order_are_read() {
        let order = hex::decode("2400000008702a0db0bddf647a6366d2c43fd6ee0cc906cebe11c0a636eb1f6d")
            .unwrap();
        let mut below = order.clone();
        below[31] -= 1;
        assert_eq!(Scalar::parse(&below).unwrap().to_bytes(), *below);
        assert!(Scalar::parse(&order).is_none());
        assert!(Scalar::parse(&[0; SCALAR]).is_none());
        assert!(Scalar::parse(&[1; SCALAR - 1]).is_none());
        assert!(Scalar::parse(&[0xff; SCALAR]).is_none());
    }

    #[test]
    fn an_inverse_gives_one() {
        let number = Scalar::random();
        let one = BIG::modmul(number.big(), number.inverse().big(), &order());
        assert!(one.isunity());
        assert_eq!(format!("{number:?}"), "Scalar([redacted])");
    }
}
