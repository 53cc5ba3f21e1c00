//! One public key of a provider's (RFC 7517 §4), ready to check signatures with.

use std::sync::OnceLock;

use base64_simd::forgiving_decode_to_vec;
use openidconnect::{
    JsonWebKey as _, SignatureVerificationError,
    core::{CoreJsonCurveType, CoreJsonWebKey, CoreJwsSigningAlgorithm},
};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RsaParameters, RsaPublicKeyComponents,
    UnparsedPublicKey,
};
use serde_json::{Map, Value};

use crate::jose::algorithm::SigningAlgorithm;

/// The smallest RSA modulus accepted (NIST SP 800-131A).
const MIN_RSA_BITS: usize = 2048;
/// The largest RSA modulus and exponent that signatures are verified with.
const MAX_RSA_BITS: usize = 8192;
const MAX_EXPONENT_BITS: usize = 33;

#[derive(Debug)]
pub(crate) struct Key {
    kid: Option<String>,
    kind: Kind,
    /// The one algorithm that it is for, where it says so.
    algorithm: Option<SigningAlgorithm>,
    /// Whose tokens it is for, where it says so; maybe with a place for the tenant, as Entra publishes it.
    issuer: Option<String>,
    public: PublicKey,
}

/// What a key is for, as far as its type and curve tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Rsa,
    P256,
    P384,
    Ed25519,
    /// On a curve that cannot be read.
    Ec,
    Okp,
    /// Not even the type can be read.
    Unknown,
}

#[derive(Debug)]
enum PublicKey {
    Rsa(RsaPublicKeyComponents<Vec<u8>>),
    /// An RSA key that is too short to be trusted.
    Weak,
    Point(Point),
    Unreadable,
}

/// A key on a curve.
#[derive(Debug)]
struct Point {
    key: UnparsedPublicKey<Vec<u8>>,
    jwk: CoreJsonWebKey,
    /// Whether it lies on its curve: found out when a signature is not by it.
    is_on_curve: OnceLock<bool>,
}

/// What came of one key and one signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyCheck {
    Valid,
    Invalid,
    /// It is too short to be trusted.
    Weak,
    /// It is no key of its kind, such as a point beside its curve.
    Unreadable,
}

impl Key {
    /// Reads a key; `None` for what is of no use here. One that is of use and cannot be read is kept, to be called
    /// that.
    pub(super) fn parse(value: Value) -> Option<Self> {
        let Value::Object(mut jwk) = value else {
            return None;
        };
        jwk.retain(|_, value| !value.is_null());
        let text = |name: &str| match jwk.get(name) {
            Some(Value::String(text)) => Some(text.as_str()),
            _ => None,
        };
        if !is_for_signatures(jwk.get("use")) {
            return None;
        }
        let algorithm = match text("alg") {
            None => None,
            Some(name) => Some(SigningAlgorithm::from_name(name)?),
        };
        let kind = match (text("kty"), text("crv")) {
            (Some("RSA"), _) => Kind::Rsa,
            (Some("EC"), Some("P-256")) => Kind::P256,
            (Some("EC"), Some("P-384")) => Kind::P384,
            (Some("EC"), None) => Kind::Ec,
            (Some("OKP"), Some("Ed25519")) => Kind::Ed25519,
            (Some("OKP"), None) => Kind::Okp,
            (None, _) => Kind::Unknown,
            _ => return None,
        };
        // Of one that says in no readable way what it is for, nobody can tell.
        let is_odd = |name| jwk.get(name).is_some_and(|value| !value.is_string());
        let public = match is_odd("alg") || is_odd("issuer") {
            true => PublicKey::Unreadable,
            false => PublicKey::read(kind, &jwk),
        };
        Some(Self {
            kid: text("kid").map(str::to_owned),
            kind,
            algorithm,
            issuer: text("issuer").map(str::to_owned),
            public,
        })
    }

    /// Whether its name, type, curve and `alg` are those of a token: a key of an unknown type is one by its name alone.
    pub(super) fn fits(&self, kid: Option<&str>, algorithm: SigningAlgorithm) -> bool {
        use SigningAlgorithm::{ES256, ES384, EdDSA};
        let same_type = match self.kind {
            Kind::Rsa => rsa(algorithm).is_some(),
            Kind::P256 => algorithm == ES256,
            Kind::P384 => algorithm == ES384,
            Kind::Ec => matches!(algorithm, ES256 | ES384),
            Kind::Ed25519 | Kind::Okp => algorithm == EdDSA,
            Kind::Unknown => kid.is_some(),
        };
        let same_name = kid.is_none_or(|kid| self.kid.as_deref() == Some(kid));
        same_name && same_type && self.algorithm.is_none_or(|only| only == algorithm)
    }

    /// Whose tokens it is for, where it says so.
    pub(super) fn issuer(&self) -> Option<&str> {
        self.issuer.as_deref()
    }

    pub(super) fn is_unreadable(&self) -> bool {
        matches!(self.public, PublicKey::Unreadable)
    }

    /// Whether it made this signature.
    pub(super) fn check(
        &self,
        algorithm: SigningAlgorithm,
        message: &[u8],
        signature: &[u8],
    ) -> KeyCheck {
        match &self.public {
            PublicKey::Rsa(key) => {
                let by_key = |rsa| key.verify(rsa, message, signature).is_ok();
                match rsa(algorithm).is_some_and(by_key) {
                    true => KeyCheck::Valid,
                    false => KeyCheck::Invalid,
                }
            }
            PublicKey::Weak => KeyCheck::Weak,
            PublicKey::Point(point) if point.key.verify(message, signature).is_ok() => {
                KeyCheck::Valid
            }
            PublicKey::Point(point) if point.is_on_curve() => KeyCheck::Invalid,
            PublicKey::Point(_) | PublicKey::Unreadable => KeyCheck::Unreadable,
        }
    }
}

impl PublicKey {
    fn read(kind: Kind, jwk: &Map<String, Value>) -> Self {
        let number = |name| number(jwk.get(name)?.as_str()?);
        let read = match kind {
            Kind::Rsa => number("n").and_then(|n| Self::rsa(n, number("e"))),
            Kind::P256 => Point::p256(number("x"), number("y")).map(Self::Point),
            Kind::P384 => Point::p384(number("x"), number("y")).map(Self::Point),
            Kind::Ed25519 => number("x").and_then(Point::ed25519).map(Self::Point),
            Kind::Ec | Kind::Okp | Kind::Unknown => None,
        };
        read.unwrap_or(Self::Unreadable)
    }

    fn rsa(n: Vec<u8>, e: Option<Vec<u8>>) -> Option<Self> {
        let n = unpadded(n);
        if bits(&n) < MIN_RSA_BITS {
            return Some(Self::Weak);
        }
        let e = unpadded(e?);
        let is_odd = |number: &[u8]| number.last().is_some_and(|byte| byte % 2 == 1);
        let fits = bits(&n) <= MAX_RSA_BITS && (2..=MAX_EXPONENT_BITS).contains(&bits(&e));
        (fits && is_odd(&n) && is_odd(&e)).then_some(Self::Rsa(RsaPublicKeyComponents { n, e }))
    }
}

impl Point {
    fn p256(x: Option<Vec<u8>>, y: Option<Vec<u8>>) -> Option<Self> {
        let (x, y) = (coordinate(x?, 32)?, coordinate(y?, 32)?);
        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, uncompressed(&x, &y));
        let jwk = CoreJsonWebKey::new_ec(x, y, CoreJsonCurveType::P256, None);
        Some(Self::new(key, jwk))
    }

    fn p384(x: Option<Vec<u8>>, y: Option<Vec<u8>>) -> Option<Self> {
        let (x, y) = (coordinate(x?, 48)?, coordinate(y?, 48)?);
        let key = UnparsedPublicKey::new(&ECDSA_P384_SHA384_FIXED, uncompressed(&x, &y));
        let jwk = CoreJsonWebKey::new_ec(x, y, CoreJsonCurveType::P384, None);
        Some(Self::new(key, jwk))
    }

    /// These are bytes and no number: none may be missing (RFC 8037 §2).
    fn ed25519(x: Vec<u8>) -> Option<Self> {
        let key = UnparsedPublicKey::new(&ED25519, x.clone());
        let fits = x.len() == 32;
        let jwk = CoreJsonWebKey::new_okp(x, CoreJsonCurveType::Ed25519, None);
        fits.then(|| Self::new(key, jwk))
    }

    fn new(key: UnparsedPublicKey<Vec<u8>>, jwk: CoreJsonWebKey) -> Self {
        Self {
            key,
            jwk,
            is_on_curve: OnceLock::new(),
        }
    }

    /// What ring does not tell: whether it is the key that is no good, or the signature.
    fn is_on_curve(&self) -> bool {
        *self.is_on_curve.get_or_init(|| {
            let judged = [
                CoreJwsSigningAlgorithm::EcdsaP256Sha256,
                CoreJwsSigningAlgorithm::EcdsaP384Sha384,
                CoreJwsSigningAlgorithm::EdDsa,
            ]
            .map(|algorithm| self.jwk.verify_signature(&algorithm, b"", b""));
            // Each algorithm but its own finds the key to be of another kind, and its own finds no signature.
            let is_key = |judged: &Result<(), SignatureVerificationError>| {
                matches!(judged, Err(SignatureVerificationError::CryptoError(_)))
            };
            judged.iter().any(is_key)
        })
    }
}

/// Whether a key with this `use` may check signatures (RFC 7517 §4.2). Without one it may.
fn is_for_signatures(usage: Option<&Value>) -> bool {
    match usage {
        None => true,
        Some(Value::String(usage)) => usage.is_empty() || usage.eq_ignore_ascii_case("sig"),
        Some(Value::Array(several)) => several.iter().any(|usage| usage == "sig"),
        Some(_) => false,
    }
}

/// A number in base64url (RFC 7518 §2), read generously: providers pad it, or leave bits behind the last byte that are not zero.
fn number(text: &str) -> Option<Vec<u8>> {
    let standard = text.replace('-', "+").replace('_', "/");
    forgiving_decode_to_vec(standard.as_bytes()).ok()
}

/// A number without zeros before it, which some providers write (RFC 7518 §6.3.1.1 forbids them).
fn unpadded(number: Vec<u8>) -> Vec<u8> {
    number.into_iter().skip_while(|byte| *byte == 0).collect()
}

/// A coordinate in its full length (RFC 7518 §6.2.1.2). Some providers drop zeros before it, or write one more.
fn coordinate(number: Vec<u8>, len: usize) -> Option<Vec<u8>> {
    let number = unpadded(number);
    let missing = len.checked_sub(number.len())?;
    Some([vec![0; missing], number].concat())
}

/// The uncompressed form of a point (SEC 1 §2.3.3).
fn uncompressed(x: &[u8], y: &[u8]) -> Vec<u8> {
    [&[4], x, y].concat()
}

/// The size of a number without zeros before it.
fn bits(number: &[u8]) -> usize {
    let unused = number.first().map_or(0, |byte| byte.leading_zeros());
    number.len() * 8 - unused as usize
}

/// How an algorithm uses RSA, if it does: with 2048 to 8192 bits and an odd exponent of at least 3.
fn rsa(algorithm: SigningAlgorithm) -> Option<&'static RsaParameters> {
    match algorithm {
        SigningAlgorithm::RS256 => Some(&RSA_PKCS1_2048_8192_SHA256),
        SigningAlgorithm::RS384 => Some(&RSA_PKCS1_2048_8192_SHA384),
        SigningAlgorithm::RS512 => Some(&RSA_PKCS1_2048_8192_SHA512),
        SigningAlgorithm::PS256 => Some(&RSA_PSS_2048_8192_SHA256),
        SigningAlgorithm::PS384 => Some(&RSA_PSS_2048_8192_SHA384),
        SigningAlgorithm::PS512 => Some(&RSA_PSS_2048_8192_SHA512),
        SigningAlgorithm::ES256 | SigningAlgorithm::ES384 | SigningAlgorithm::EdDSA => None,
    }
}

#[cfg(test)]
mod tests;
