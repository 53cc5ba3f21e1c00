//! One public key of a provider's (RFC 7517 §4), ready to check signatures with.

use base64_simd::forgiving_decode_to_vec;
use openidconnect::{
    JsonWebKey as _, JsonWebKeyAlgorithm, JsonWebKeyUse as _, JwsSigningAlgorithm as _,
    core::{CoreJsonWebKey, CoreJsonWebKeyType, CoreJwsSigningAlgorithm},
};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RsaParameters, RsaPublicKeyComponents,
    UnparsedPublicKey,
};
use serde_json::Value;

use crate::config::SigningAlgorithm;

/// The smallest RSA modulus accepted (NIST SP 800-131A).
const MIN_RSA_BITS: usize = 2048;

#[derive(Debug)]
pub(super) struct Key {
    jwk: CoreJsonWebKey,
    public: Option<PublicKey>,
}

#[derive(Debug)]
enum PublicKey {
    Rsa(RsaPublicKeyComponents<Vec<u8>>),
    /// With the one algorithm that its curve is for.
    Curve(SigningAlgorithm, UnparsedPublicKey<Vec<u8>>),
}

impl Key {
    /// Reads a key; `None` for what is of no use here.
    pub(super) fn parse(value: Value) -> Option<Self> {
        let public = PublicKey::read(&value);
        let jwk: CoreJsonWebKey = serde_json::from_value(value).ok()?;
        // What cannot be measured cannot be found too short.
        let measured = *jwk.key_type() != CoreJsonWebKeyType::RSA || public.is_some();
        measured.then_some(Self { jwk, public })
    }

    pub(super) fn has_kid(&self, kid: &str) -> bool {
        self.jwk.key_id().is_some_and(|id| id.as_str() == kid)
    }

    /// Whether the key's type, `use` and `alg` are for this algorithm.
    pub(super) fn fits(&self, algorithm: SigningAlgorithm) -> bool {
        let jws = jws(algorithm);
        let usage = self.jwk.key_use();
        let for_signing = usage.is_none_or(|usage| usage.allows_signature());
        let same_type = jws.key_type().as_ref() == Some(self.jwk.key_type());
        let same_algorithm = match self.jwk.signing_alg() {
            JsonWebKeyAlgorithm::Algorithm(found) => *found == jws,
            JsonWebKeyAlgorithm::Unspecified => true,
            JsonWebKeyAlgorithm::Unsupported => false,
        };
        for_signing && same_type && same_algorithm
    }

    /// Whether it is too short to be trusted.
    pub(super) fn is_weak(&self) -> bool {
        match &self.public {
            Some(PublicKey::Rsa(key)) => bits(&key.n) < MIN_RSA_BITS,
            Some(PublicKey::Curve(..)) | None => false,
        }
    }

    /// Whether it made this signature. What is no key of its kind, such as a point beside its curve, made none.
    pub(super) fn made(
        &self,
        algorithm: SigningAlgorithm,
        message: &[u8],
        signature: &[u8],
    ) -> bool {
        match &self.public {
            Some(PublicKey::Rsa(key)) => {
                rsa(algorithm).is_some_and(|rsa| key.verify(rsa, message, signature).is_ok())
            }
            Some(PublicKey::Curve(of_curve, key)) => {
                *of_curve == algorithm && key.verify(message, signature).is_ok()
            }
            None => false,
        }
    }
}

impl PublicKey {
    fn read(jwk: &Value) -> Option<Self> {
        let text = |name| jwk.get(name).and_then(Value::as_str);
        let number = |name| number(text(name)?);
        match (text("kty")?, text("crv")) {
            ("RSA", _) => {
                let (n, e) = (number("n")?, number("e").unwrap_or_default());
                let (n, e) = (unpadded(n), unpadded(e));
                Some(Self::Rsa(RsaPublicKeyComponents { n, e }))
            }
            ("EC", Some("P-256")) => {
                let point = point(&number("x")?, &number("y")?, 32)?;
                let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point);
                Some(Self::Curve(SigningAlgorithm::ES256, key))
            }
            ("EC", Some("P-384")) => {
                let point = point(&number("x")?, &number("y")?, 48)?;
                let key = UnparsedPublicKey::new(&ECDSA_P384_SHA384_FIXED, point);
                Some(Self::Curve(SigningAlgorithm::ES384, key))
            }
            ("OKP", Some("Ed25519")) => {
                let key = UnparsedPublicKey::new(&ED25519, number("x")?);
                Some(Self::Curve(SigningAlgorithm::EdDSA, key))
            }
            _ => None,
        }
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

/// The uncompressed form of a point (SEC 1 §2.3.3). Both coordinates have their full length (RFC 7518 §6.2.1.2).
fn point(x: &[u8], y: &[u8], len: usize) -> Option<Vec<u8>> {
    (x.len() == len && y.len() == len).then(|| [&[4], x, y].concat())
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

fn jws(algorithm: SigningAlgorithm) -> CoreJwsSigningAlgorithm {
    match algorithm {
        SigningAlgorithm::RS256 => CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
        SigningAlgorithm::RS384 => CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
        SigningAlgorithm::RS512 => CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
        SigningAlgorithm::PS256 => CoreJwsSigningAlgorithm::RsaSsaPssSha256,
        SigningAlgorithm::PS384 => CoreJwsSigningAlgorithm::RsaSsaPssSha384,
        SigningAlgorithm::PS512 => CoreJwsSigningAlgorithm::RsaSsaPssSha512,
        SigningAlgorithm::ES256 => CoreJwsSigningAlgorithm::EcdsaP256Sha256,
        SigningAlgorithm::ES384 => CoreJwsSigningAlgorithm::EcdsaP384Sha384,
        SigningAlgorithm::EdDSA => CoreJwsSigningAlgorithm::EdDsa,
    }
}

#[cfg(test)]
mod tests;
