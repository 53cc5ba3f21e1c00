//! The key that the provider signs with.

use base64_simd::URL_SAFE_NO_PAD as BASE64URL;
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use serde_json::{Value, json};

pub(super) struct SigningKey {
    pub(super) kid: String,
    pair: EcdsaKeyPair,
}

impl SigningKey {
    pub(super) fn new(kid: &str) -> Self {
        let random = SystemRandom::new();
        let document =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).expect("a key");
        let pair =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref(), &random)
                .expect("the key that was just made");
        Self {
            kid: kid.to_owned(),
            pair,
        }
    }

    pub(super) fn public(&self) -> Value {
        // SEC 1 §2.3.3: 4, then the two coordinates.
        let point = self.pair.public_key().as_ref();
        json!({
            "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": self.kid,
            "x": BASE64URL.encode_to_string(&point[1..33]),
            "y": BASE64URL.encode_to_string(&point[33..65]),
        })
    }

    pub(super) fn sign(&self, claims: &Value) -> String {
        let header = json!({ "alg": "ES256", "typ": "JWT", "kid": self.kid });
        self.sign_as(&header, claims)
    }

    pub(super) fn sign_as(&self, header: &Value, claims: &Value) -> String {
        let signed = format!(
            "{}.{}",
            BASE64URL.encode_to_string(header.to_string()),
            BASE64URL.encode_to_string(claims.to_string())
        );
        let signature = self
            .pair
            .sign(&SystemRandom::new(), signed.as_bytes())
            .expect("a signature");
        format!(
            "{signed}.{}",
            BASE64URL.encode_to_string(signature.as_ref())
        )
    }
}
