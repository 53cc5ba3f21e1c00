//! A key of a provider, and tokens that it signs, for unit tests.

use base64_simd::URL_SAFE_NO_PAD;
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use serde_json::{Value, json};

use crate::jose::{algorithm::SigningAlgorithm, keys::KeySet};

pub(crate) const NOW: u64 = 1_800_000_000;
pub(crate) const ES256: &[SigningAlgorithm] = &[SigningAlgorithm::ES256];

/// A provider's private key, and the key set that it publishes.
pub(crate) struct Signer {
    pub(crate) key: EcdsaKeyPair,
    pub(crate) keys: KeySet,
}

impl Signer {
    pub(crate) fn new() -> Self {
        let rng = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &rng).unwrap();
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &rng)
            .unwrap();
        let published = key_set(&[(&key, json!({"kid": "1"}))]);
        let keys = KeySet::parse(published.as_bytes()).unwrap();
        Self { key, keys }
    }

    /// Returns the key set as it is published.
    pub(crate) fn jwks(&self) -> String {
        key_set(&[(&self.key, json!({"kid": "1"}))])
    }

    pub(crate) fn sign(&self, header: &Value, payload: &str) -> String {
        let encode = |text: &str| URL_SAFE_NO_PAD.encode_to_string(text);
        let signed = format!("{}.{}", encode(&header.to_string()), encode(payload));
        let signature = self
            .key
            .sign(&SystemRandom::new(), signed.as_bytes())
            .unwrap();
        format!(
            "{signed}.{}",
            URL_SAFE_NO_PAD.encode_to_string(signature.as_ref())
        )
    }

    pub(crate) fn token(&self, claims: &Value) -> String {
        self.sign(&json!({"alg": "ES256", "kid": "1"}), &claims.to_string())
    }
}

/// Returns a key set of these public keys, each with further members.
pub(crate) fn key_set(keys: &[(&EcdsaKeyPair, Value)]) -> String {
    let keys: Vec<Value> = keys
        .iter()
        .map(|(key, more)| {
            // An uncompressed point: 4, x, y.
            let point = key.public_key().as_ref();
            let mut jwk = json!({
                "kty": "EC",
                "crv": "P-256",
                "x": URL_SAFE_NO_PAD.encode_to_string(&point[1..33]),
                "y": URL_SAFE_NO_PAD.encode_to_string(&point[33..]),
            });
            for (name, value) in more.as_object().unwrap() {
                jwk[name] = value.clone();
            }
            jwk
        })
        .collect();
    json!({ "keys": keys }).to_string()
}
