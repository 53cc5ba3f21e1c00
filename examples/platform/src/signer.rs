//! The signers of tokens.

use std::sync::Arc;

use ring::hmac;
use serde_json::{Value, json};

use crate::algorithm::SigningAlgorithm;
use crate::fault::WeakKey;
use crate::jwt;
use crate::keys::Keys;

/// A signer of tokens, or the lack of one.
///
/// The platform's keys sign honest tokens. All other signers exist for faults.
#[derive(Debug)]
pub(crate) enum Signer {
    /// A set of keys, with one of its algorithms.
    Keys(Arc<Keys>, SigningAlgorithm),
    /// HMAC-SHA-256 (`HS256`) with a key, under the header of the signer that should have signed.
    Hmac { key: Vec<u8>, header: Value },
    /// An RSA key that is too short.
    Weak(&'static WeakKey),
    /// No signature: `alg` is `none`, under the header of the signer that should have signed.
    Nobody { header: Value },
}

impl Signer {
    /// Returns the header of a token by this signer.
    pub(crate) fn header(&self) -> Value {
        let with = |header: &Value, algorithm| {
            let mut header = header.clone();
            header["alg"] = json!(algorithm);
            header
        };
        match self {
            Self::Keys(keys, algorithm) => keys.header(*algorithm),
            Self::Hmac { header, .. } => with(header, "HS256"),
            Self::Weak(key) => key.header(),
            Self::Nobody { header } => with(header, "none"),
        }
    }

    /// Signs `payload` under `header` and returns the compact form (RFC 7515 §7.1).
    pub(crate) fn sign(&self, header: &Value, payload: &str) -> String {
        let signed = jwt::signing_input(header, payload);
        let signature = match self {
            Self::Keys(keys, algorithm) => keys.sign(*algorithm, signed.as_bytes()),
            Self::Hmac { key, .. } => {
                let key = hmac::Key::new(hmac::HMAC_SHA256, key);
                hmac::sign(&key, signed.as_bytes()).as_ref().to_vec()
            }
            Self::Weak(key) => key.sign(signed.as_bytes()),
            Self::Nobody { .. } => Vec::new(),
        };
        format!("{signed}.{}", jwt::encode(signature))
    }
}
