//! The platform's two signing keys, made once and kept.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock};

use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _,
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair, RsaPublicKeyComponents,
    UnparsedPublicKey,
};
use rsa::pkcs8::EncodePrivateKey as _;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::client::SigningAlgorithm;
use crate::folder;
use crate::sync::lock;

const BASE64URL: base64_simd::Base64 = base64_simd::URL_SAFE_NO_PAD;

/// An RSA and an elliptic-curve key, ready to sign.
pub(crate) struct Keys {
    rsa: RsaKeyPair,
    ec: EcdsaKeyPair,
    rsa_jwk: Value,
    ec_jwk: Value,
}

/// The keys of a platform: the last ones sign, and those before them are still published.
#[derive(Debug)]
pub(crate) struct KeyRing(Mutex<Vec<Arc<Keys>>>);

impl KeyRing {
    pub(crate) fn new(keys: Arc<Keys>) -> Self {
        Self(Mutex::new(vec![keys]))
    }

    /// Returns the keys that sign.
    pub(crate) fn current(&self) -> Arc<Keys> {
        let keys = lock(&self.0);
        Arc::clone(keys.last().expect("a ring begins with keys and only grows"))
    }

    /// Makes `keys` the ones that sign.
    pub(crate) fn rotate(&self, keys: Arc<Keys>) {
        lock(&self.0).push(keys);
    }

    /// Returns every public key as a JWK set, the newest first.
    pub(crate) fn jwks(&self) -> Value {
        let keys = lock(&self.0);
        let jwks: Vec<&Value> = keys
            .iter()
            .rev()
            .flat_map(|keys| [&keys.rsa_jwk, &keys.ec_jwk])
            .collect();
        json!({ "keys": jwks })
    }

    /// Returns the claims of a token that any of the keys signed, whatever its age: an
    /// `id_token_hint` may have run out (OpenID Connect RP-Initiated Logout §2).
    pub(crate) fn open_token(&self, token: &str) -> Option<Value> {
        lock(&self.0).iter().find_map(|keys| keys.open_token(token))
    }
}

/// The keys as they lie on disk: PKCS#8 in base64url.
#[derive(Serialize, Deserialize)]
struct Stored {
    rsa: String,
    ec: String,
}

impl Keys {
    /// Reads the keys at `file`, or makes them and writes them there. Without a file every
    /// platform of the process shares one pair, because making an RSA key takes a second.
    pub(crate) fn open(file: Option<&Path>) -> io::Result<Arc<Self>> {
        static SHARED: OnceLock<Arc<Keys>> = OnceLock::new();

        if let Some(file) = file {
            if let Some(stored) = folder::read::<Stored>(file)? {
                return Self::from_stored(&stored).map(Arc::new);
            }
            let stored = Stored::generate()?;
            folder::write_first(file, &stored)?;
            // Another process may have been faster: the file decides, for both.
            let stored = folder::read(file)?.unwrap_or(stored);
            return Self::from_stored(&stored).map(Arc::new);
        }
        if let Some(keys) = SHARED.get() {
            return Ok(Arc::clone(keys));
        }
        let keys = Self::generate()?;
        Ok(Arc::clone(SHARED.get_or_init(|| keys)))
    }

    fn from_stored(stored: &Stored) -> io::Result<Self> {
        let rsa = RsaKeyPair::from_pkcs8(&decode(&stored.rsa)?).map_err(invalid)?;
        let ec = EcdsaKeyPair::from_pkcs8(
            &ECDSA_P256_SHA256_FIXED_SIGNING,
            &decode(&stored.ec)?,
            &SystemRandom::new(),
        )
        .map_err(invalid)?;

        let public = RsaPublicKeyComponents::<Vec<u8>>::from(rsa.public());
        let (n, e) = (encode(&public.n), encode(&public.e));
        // RFC 7638: the thumbprint hashes the required members in alphabetical order.
        let kid = thumbprint(&json!({ "e": e, "kty": "RSA", "n": n }));
        let rsa_jwk =
            json!({ "kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid, "n": n, "e": e });

        // An uncompressed point: one byte of format, then x and y.
        let point = ec.public_key().as_ref();
        let (x, y) = (encode(&point[1..33]), encode(&point[33..]));
        let kid = thumbprint(&json!({ "crv": "P-256", "kty": "EC", "x": x, "y": y }));
        let ec_jwk = json!({ "kty": "EC", "use": "sig", "alg": "ES256", "kid": kid, "crv": "P-256", "x": x, "y": y });

        Ok(Self {
            rsa,
            ec,
            rsa_jwk,
            ec_jwk,
        })
    }

    /// Makes new keys.
    pub(crate) fn generate() -> io::Result<Arc<Self>> {
        Self::from_stored(&Stored::generate()?).map(Arc::new)
    }

    /// Returns the header of a token signed with `algorithm`.
    pub(crate) fn header(&self, algorithm: SigningAlgorithm) -> Value {
        let jwk = match algorithm {
            SigningAlgorithm::Rs256 => &self.rsa_jwk,
            SigningAlgorithm::Es256 => &self.ec_jwk,
        };
        json!({ "alg": algorithm.as_str(), "kid": jwk["kid"], "typ": "JWT" })
    }

    /// Signs `claims` under `header` and returns the compact form (RFC 7515 §7.1).
    pub(crate) fn sign(
        &self,
        algorithm: SigningAlgorithm,
        header: &Value,
        claims: &Value,
    ) -> String {
        let mut token = format!(
            "{}.{}",
            encode(header.to_string()),
            encode(claims.to_string())
        );
        let random = SystemRandom::new();
        let signature = match algorithm {
            SigningAlgorithm::Rs256 => {
                let mut signature = vec![0; self.rsa.public().modulus_len()];
                self.rsa
                    .sign(&RSA_PKCS1_SHA256, &random, token.as_bytes(), &mut signature)
                    .expect("the buffer is as long as the key");
                signature
            }
            SigningAlgorithm::Es256 => self
                .ec
                .sign(&random, token.as_bytes())
                .expect("the operating system has random numbers")
                .as_ref()
                .to_vec(),
        };
        token.push('.');
        token.push_str(&encode(signature));
        token
    }

    fn open_token(&self, token: &str) -> Option<Value> {
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let signature = decode(signature).ok()?;
        let header: Value = serde_json::from_slice(&decode(header).ok()?).ok()?;
        match header["alg"].as_str()? {
            "RS256" => {
                UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, self.rsa.public().as_ref())
                    .verify(signed.as_bytes(), &signature)
            }
            "ES256" => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, self.ec.public_key().as_ref())
                    .verify(signed.as_bytes(), &signature)
            }
            _ => return None,
        }
        .ok()?;
        serde_json::from_slice(&decode(claims).ok()?).ok()
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys")
            .field("rsa", &self.rsa_jwk["kid"])
            .field("ec", &self.ec_jwk["kid"])
            .finish_non_exhaustive()
    }
}

impl Stored {
    fn generate() -> io::Result<Self> {
        let rsa =
            rsa::RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 2048).map_err(io::Error::other)?;
        let rsa = rsa.to_pkcs8_der().map_err(io::Error::other)?;
        let ec =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
                .map_err(invalid)?;
        Ok(Self {
            rsa: encode(rsa.as_bytes()),
            ec: encode(ec),
        })
    }
}

/// Returns the left half of the SHA-256 of `access_token`, the `at_hash` of OIDC Core §3.1.3.6.
pub(crate) fn at_hash(access_token: &str) -> String {
    encode(&digest(&SHA256, access_token.as_bytes()).as_ref()[..16])
}

fn thumbprint(jwk: &Value) -> String {
    // The members stand in alphabetical order above, whichever order `serde_json` keeps.
    encode(digest(&SHA256, jwk.to_string().as_bytes()))
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    BASE64URL.encode_to_string(bytes.as_ref())
}

fn decode(text: &str) -> io::Result<Vec<u8>> {
    BASE64URL.decode_to_vec(text).map_err(invalid)
}

/// Makes an I/O error of one that is only words.
fn invalid(error: impl fmt::Display) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_algorithms_sign_what_they_verify() {
        let keys = Keys::open(None).unwrap();
        for algorithm in [SigningAlgorithm::Rs256, SigningAlgorithm::Es256] {
            let token = keys.sign(algorithm, &keys.header(algorithm), &json!({ "sub": "a" }));
            assert_eq!(keys.open_token(&token).unwrap()["sub"], "a");
            let forged = keys.sign(algorithm, &keys.header(algorithm), &json!({ "sub": "b" }));
            let (claims, signature) = (
                forged.rsplit_once('.').unwrap().0,
                token.rsplit_once('.').unwrap().1,
            );
            assert_eq!(keys.open_token(&format!("{claims}.{signature}")), None);
        }
    }

    #[test]
    fn keys_on_disk_survive_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("keys.json");
        let first = KeyRing::new(Keys::open(Some(&file)).unwrap()).jwks();
        assert_eq!(KeyRing::new(Keys::open(Some(&file)).unwrap()).jwks(), first);
    }

    #[test]
    fn at_hash_is_the_vector_of_the_specification() {
        // OpenID Connect Core, appendix A.3.
        assert_eq!(
            at_hash("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"),
            "77QmUPtjPfzWtF2AnpK9RQ"
        );
    }
}
