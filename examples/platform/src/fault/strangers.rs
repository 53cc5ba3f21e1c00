//! Keys that are not the platform's: what an attacker, or a careless provider, signs with.

use std::sync::{Arc, OnceLock};

use ring::digest::{SHA256, digest};
use rsa::traits::PublicKeyParts as _;
use rsa::{Pkcs1v15Sign, RsaPrivateKey};
use serde_json::{Value, json};

use super::{Fault, Faults};
use crate::jwt;
use crate::keys::Keys;

/// The length of a weak key, in bits.
const WEAK_BITS: usize = 1024;

/// The `DigestInfo` of a SHA-256, up to the hash (RFC 8017 §9.2, note 1).
const SHA256_PREFIX: [u8; 19] = [
    0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05,
    0x00, 0x04, 0x20,
];

/// Returns the stranger's keys. The process makes them once, which takes up to a second or two.
///
/// # Panics
/// If the operating system has no random numbers.
pub(super) fn stranger() -> Arc<Keys> {
    static STRANGER: OnceLock<Arc<Keys>> = OnceLock::new();

    let make = || Keys::generate().expect("the operating system has random numbers");
    Arc::clone(STRANGER.get_or_init(make))
}

/// An RSA key that is too short.
///
/// The `rsa` crate signs with it, since ring refuses such a key. That crate's timing reveals the key, which does no
/// harm here: nobody trusts it.
#[derive(Debug)]
pub(crate) struct WeakKey {
    key: RsaPrivateKey,
    jwk: Value,
}

/// Returns the weak key. The process makes it once.
///
/// # Panics
/// If the operating system has no random numbers.
pub(super) fn weak_key() -> &'static WeakKey {
    static WEAK: OnceLock<WeakKey> = OnceLock::new();

    WEAK.get_or_init(|| {
        let key = RsaPrivateKey::new(&mut rsa::rand_core::OsRng, WEAK_BITS)
            .expect("the operating system has random numbers");
        let (n, e) = (key.n().to_bytes_be(), key.e().to_bytes_be());
        let jwk = json!({
            "kty": "RSA", "use": "sig", "alg": "RS256", "kid": "weak",
            "n": jwt::encode(n), "e": jwt::encode(e),
        });
        WeakKey { key, jwk }
    })
}

impl WeakKey {
    pub(super) fn jwk(&self) -> &Value {
        &self.jwk
    }

    pub(crate) fn header(&self) -> Value {
        json!({ "alg": "RS256", "kid": self.jwk["kid"], "typ": "JWT" })
    }

    /// Signs `message` with `RS256`.
    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        let padding = Pkcs1v15Sign {
            hash_len: Some(SHA256.output_len()),
            prefix: SHA256_PREFIX.into(),
        };
        let hash = digest(&SHA256, message);
        self.key
            .sign(padding, hash.as_ref())
            .expect("1024 bits have room for a SHA-256")
    }
}

impl Faults {
    /// Makes the keys that the faults need, off the runtime's threads.
    pub(crate) async fn prepare(&self) {
        let needs_stranger = self.has_any(&[
            Fault::IdTokenEmbeddedKey,
            Fault::IdTokenWithoutKidSeveralKeys,
            Fault::CertsDecoys,
            Fault::CertsDuplicateKid,
            Fault::CertsSeveralKeys,
            Fault::CertsRotatedBeforeSigning,
        ]);
        let needs_weak_key = self.has(Fault::CertsWeakKey);
        if needs_stranger || needs_weak_key {
            let made = tokio::task::spawn_blocking(move || {
                needs_stranger.then(stranger);
                needs_weak_key.then(weak_key);
            });
            if let Err(error) = made.await {
                tracing::error!(%error, "the keys of a fault could not be made");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use ring::signature::{RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY, RsaPublicKeyComponents};

    use super::*;

    #[test]
    fn the_weak_key_really_signs() {
        let key = weak_key();
        let member = |name: &str| jwt::decode(key.jwk()[name].as_str().unwrap()).unwrap();
        let (n, e) = (member("n"), member("e"));
        assert_eq!(n.len() * 8, WEAK_BITS);
        RsaPublicKeyComponents { n, e }
            .verify(
                &RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
                b"message",
                &key.sign(b"message"),
            )
            .unwrap();
    }
}
