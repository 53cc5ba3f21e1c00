//! How a token may be signed wrongly, or look unlike a token.

use std::sync::Arc;

use serde_json::{Value, json};

use super::strangers::{stranger, weak_key};
use super::{Fault, Faults};
use crate::algorithm::SigningAlgorithm;
use crate::client::Client;
use crate::jwt;
use crate::keys::Keys;
use crate::random;
use crate::signer::Signer;

/// An extension of JWS that does not exist.
const UNKNOWN_EXTENSION: &str = "urn:example:must-be-understood";

impl Faults {
    /// Returns the keys that sign, in place of `honest`.
    pub(super) fn keys(&self, honest: Arc<Keys>) -> Arc<Keys> {
        if self.rotated { stranger() } else { honest }
    }

    /// Chooses the signer of an ID token, in place of `keys` with `algorithm`.
    pub(crate) fn signer(
        &self,
        keys: Arc<Keys>,
        algorithm: SigningAlgorithm,
        client: &Client,
    ) -> Signer {
        let keys = self.keys(keys);
        let header = keys.header(algorithm);
        let hmac = |key: &[u8]| Signer::Hmac {
            key: key.to_vec(),
            header: keys.header(algorithm),
        };
        for fault in self.active.iter() {
            return match fault {
                Fault::IdTokenUnsigned | Fault::IdTokenUnsignedKeepsKid => {
                    Signer::Nobody { header }
                }
                Fault::IdTokenHmacWithPublicKey => {
                    hmac(public_key_text(&keys, algorithm).as_bytes())
                }
                Fault::IdTokenHmacWithSecret => hmac(client.client_secret.as_bytes()),
                Fault::IdTokenHmacWithEmptyKey => hmac(&[]),
                Fault::IdTokenOtherAlgorithm => Signer::Keys(keys, another(algorithm)),
                Fault::IdTokenEmbeddedKey => Signer::Keys(stranger(), algorithm),
                Fault::CertsWeakKey => Signer::Weak(weak_key()),
                _ => continue,
            };
        }
        Signer::Keys(keys, algorithm)
    }

    /// Changes the header of an ID token before it is signed.
    pub(crate) fn on_header(&self, header: &mut Value, honest: &Value) {
        for fault in self.active.iter() {
            match fault {
                Fault::IdTokenUnsigned
                | Fault::IdTokenWithoutKid
                | Fault::IdTokenWithoutKidSeveralKeys => {
                    if let Some(header) = header.as_object_mut() {
                        header.remove("kid");
                    }
                }
                Fault::IdTokenUnknownKey => header["kid"] = json!("unknown"),
                Fault::IdTokenKidNull => header["kid"] = Value::Null,
                Fault::IdTokenOtherName => rename(header),
                Fault::IdTokenEmbeddedKey => {
                    let algorithm = honest["alg"].as_str().and_then(SigningAlgorithm::parse);
                    let jwk = stranger().jwk(algorithm.unwrap_or_default()).clone();
                    header["jwk"] = jwk;
                    // Only the owner of the key must be wrong.
                    header["kid"] = honest["kid"].clone();
                }
                Fault::IdTokenCritical => {
                    header["crit"] = json!([UNKNOWN_EXTENSION]);
                    header[UNKNOWN_EXTENSION] = json!(true);
                }
                _ => {}
            }
        }
    }

    /// Changes an ID token after it is signed.
    pub(crate) fn on_signed(&self, token: String) -> String {
        if self.has(Fault::IdTokenNotAToken) {
            "hello".to_owned()
        } else if self.has(Fault::IdTokenEncrypted) {
            encrypted()
        } else if self.has(Fault::IdTokenBadSignature) {
            with_bad_signature(&token)
        } else {
            token
        }
    }
}

/// Gives `alg` its other name, if it has one (RFC 9864 §2.2).
pub(super) fn rename(header: &mut Value) {
    if header["alg"] == "EdDSA" {
        header["alg"] = json!("Ed25519");
    }
}

/// Returns a token whose signature differs in its first bits.
pub(super) fn with_bad_signature(token: &str) -> String {
    let (signed, signature) = token.rsplit_once('.').unwrap_or((token, ""));
    let first = if signature.starts_with('A') { 'B' } else { 'A' };
    format!("{signed}.{first}{}", signature.get(1..).unwrap_or(""))
}

/// Returns another algorithm that the platform has a key for.
pub(super) fn another(algorithm: SigningAlgorithm) -> SigningAlgorithm {
    match algorithm {
        SigningAlgorithm::Es256 => SigningAlgorithm::Rs256,
        _ => SigningAlgorithm::Es256,
    }
}

/// Returns the public key in the form in which careless code takes it for a secret: an RSA key in PEM, any other as
/// the `x` of its JWK.
pub(crate) fn public_key_text(keys: &Keys, algorithm: SigningAlgorithm) -> String {
    let jwk = keys.jwk(algorithm);
    if jwk["kty"] != "RSA" {
        return jwk["x"].as_str().unwrap_or("").to_owned();
    }
    let base64 = base64_simd::STANDARD.encode_to_string(keys.rsa_public_der());
    let mut pem = "-----BEGIN RSA PUBLIC KEY-----\n".to_owned();
    for (index, character) in base64.chars().enumerate() {
        if index > 0 && index % 64 == 0 {
            pem.push('\n');
        }
        pem.push(character);
    }
    pem + "\n-----END RSA PUBLIC KEY-----\n"
}

/// Returns what looks like a JWE (RFC 7516 §7.1): nobody has the key, so random bytes will do.
fn encrypted() -> String {
    let header = json!({ "alg": "RSA-OAEP-256", "enc": "A256GCM", "cty": "JWT" });
    let noise = [
        jwt::encode(random::bytes::<256>()),
        jwt::encode(random::bytes::<12>()),
        jwt::encode(random::bytes::<600>()),
        jwt::encode(random::bytes::<16>()),
    ];
    format!("{}.{}", jwt::encode(header.to_string()), noise.join("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_signature_differs_and_keeps_its_length() {
        assert_eq!(with_bad_signature("h.c.signature"), "h.c.Aignature");
        assert_eq!(with_bad_signature("h.c.Aignature"), "h.c.Bignature");
    }

    #[test]
    fn the_public_key_as_text_is_pem_of_lines_that_fit() {
        let pem = public_key_text(&stranger(), SigningAlgorithm::Rs256);
        assert!(pem.lines().all(|line| line.len() <= 64), "{pem}");
        assert_eq!(pem.lines().last(), Some("-----END RSA PUBLIC KEY-----"));
    }
}
