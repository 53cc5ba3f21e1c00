//! The platform's signing keys, made once and kept.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};

use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair,
    EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384,
    RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384, RSA_PSS_SHA512, RsaEncoding, RsaKeyPair,
    RsaPublicKeyComponents,
};
use rsa::pkcs8::EncodePrivateKey as _;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::algorithm::SigningAlgorithm;
use crate::folder;
use crate::jwt::{self, encode};
use crate::sync::lock;

/// A key for each algorithm, ready to sign. One RSA key serves all algorithms that need one.
pub(crate) struct Keys {
    rsa: RsaKeyPair,
    p256: EcdsaKeyPair,
    p384: EcdsaKeyPair,
    ed25519: Ed25519KeyPair,
    /// The public keys: one for each of [`SigningAlgorithm::ALL`], in that order.
    jwks: Vec<Value>,
}

/// RSA keys that everybody knows, as they are stored, one a line. Making one takes a minute without optimisation.
const TEST_KEYS: &str = include_str!("../assets/test-keys.txt");

/// The keys of a platform: the last ones sign, and earlier ones are still published.
#[derive(Debug)]
pub(crate) struct KeyRing {
    keys: Mutex<Vec<Arc<Keys>>>,
    /// The test keys that were not used yet.
    unused: Mutex<std::str::Lines<'static>>,
}

impl KeyRing {
    /// Begins with these keys: ones that nobody else knows, or else the first of the test keys.
    pub(crate) fn new(keys: Arc<Keys>, has_own: bool) -> Self {
        let mut unused = if has_own { "" } else { TEST_KEYS }.lines();
        unused.next();
        Self {
            keys: Mutex::new(vec![keys]),
            unused: Mutex::new(unused),
        }
    }

    /// Takes a test key that this platform did not use yet; `None` where there is none, or it must not use one.
    pub(crate) fn next_of_tests(&self) -> Option<&'static str> {
        lock(&self.unused).next()
    }

    /// Returns the keys that sign.
    pub(crate) fn current(&self) -> Arc<Keys> {
        let keys = lock(&self.keys);
        Arc::clone(keys.last().expect("a ring is never without keys"))
    }

    /// Makes `keys` the ones that sign.
    pub(crate) fn rotate(&self, keys: Arc<Keys>) {
        lock(&self.keys).push(keys);
    }

    /// Makes `keys` the only ones.
    pub(crate) fn replace(&self, keys: Arc<Keys>) {
        *lock(&self.keys) = vec![keys];
    }

    /// Returns every public key, the newest first.
    pub(crate) fn jwks(&self) -> Vec<Value> {
        let keys = lock(&self.keys);
        let newest_first = keys.iter().rev();
        newest_first.flat_map(|keys| keys.jwks()).cloned().collect()
    }

    /// Returns the claims of a token that any of the keys signed, whatever its age: an `id_token_hint` may have
    /// expired (OpenID Connect RP-Initiated Logout §2).
    pub(crate) fn open_token(&self, token: &str) -> Option<Value> {
        lock(&self.keys)
            .iter()
            .find_map(|keys| keys.open_token(token))
    }
}

/// The keys as they are stored: PKCS#8 in base64url.
#[derive(Serialize, Deserialize)]
struct Stored {
    rsa: String,
    /// P-256.
    ec: String,
    /// P-384. An older file has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ec_p384: Option<String>,
    /// Ed25519. An older file has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ed25519: Option<String>,
}

impl Keys {
    /// Reads the keys from `file`, or makes them and writes them there.
    ///
    /// A file that lacks keys gets the missing ones, and keeps the others.
    pub(crate) fn open(file: &Path) -> io::Result<Arc<Self>> {
        if let Some(mut stored) = folder::read::<Stored>(file)? {
            if stored.complete()? {
                // Two processes may do this at once. Each publishes what it signs with, and the next start
                // reads what the last one wrote.
                folder::write(file, &stored)?;
            }
            return Self::from_stored(&stored).map(Arc::new);
        }
        let stored = Stored::generate()?;
        folder::write_first(file, &stored)?;
        // Another process may have been faster: the file decides, for both.
        let stored = folder::read(file)?.unwrap_or(stored);
        Self::from_stored(&stored).map(Arc::new)
    }

    /// Returns the first test key with keys of the other kinds, which all platforms of the process share.
    pub(crate) fn of_tests() -> io::Result<Arc<Self>> {
        static SHARED: Mutex<Option<Arc<Keys>>> = Mutex::new(None);

        let mut shared = lock(&SHARED);
        if let Some(keys) = &*shared {
            return Ok(Arc::clone(keys));
        }
        let first = TEST_KEYS.lines().next().unwrap_or_default();
        let keys = Self::of_test(first)?;
        Ok(Arc::clone(shared.insert(keys)))
    }

    /// Returns a test key with new keys of the other kinds.
    pub(crate) fn of_test(rsa: &str) -> io::Result<Arc<Self>> {
        Self::from_stored(&Stored::with_rsa(rsa.to_owned())?).map(Arc::new)
    }

    /// Makes new keys.
    pub(crate) fn generate() -> io::Result<Arc<Self>> {
        Self::from_stored(&Stored::generate()?).map(Arc::new)
    }

    fn from_stored(stored: &Stored) -> io::Result<Self> {
        let ec = |algorithm, stored: &str| {
            EcdsaKeyPair::from_pkcs8(algorithm, &decode(stored)?, &SystemRandom::new())
                .map_err(invalid)
        };
        let missing = || invalid("a key is missing");
        let p384 = stored.ec_p384.as_deref().ok_or_else(missing)?;
        let ed25519 = stored.ed25519.as_deref().ok_or_else(missing)?;
        let mut keys = Self {
            rsa: RsaKeyPair::from_pkcs8(&decode(&stored.rsa)?).map_err(invalid)?,
            p256: ec(&ECDSA_P256_SHA256_FIXED_SIGNING, &stored.ec)?,
            p384: ec(&ECDSA_P384_SHA384_FIXED_SIGNING, p384)?,
            ed25519: Ed25519KeyPair::from_pkcs8(&decode(ed25519)?).map_err(invalid)?,
            jwks: Vec::new(),
        };
        keys.jwks = SigningAlgorithm::ALL
            .iter()
            .map(|algorithm| keys.make_jwk(*algorithm))
            .collect();
        Ok(keys)
    }

    /// Makes the public key for `algorithm` (RFC 7517 §4).
    fn make_jwk(&self, algorithm: SigningAlgorithm) -> Value {
        use SigningAlgorithm as Alg;

        let mut jwk = match algorithm {
            Alg::Rs256 | Alg::Rs384 | Alg::Rs512 | Alg::Ps256 | Alg::Ps384 | Alg::Ps512 => {
                let public = RsaPublicKeyComponents::<Vec<u8>>::from(self.rsa.public());
                json!({ "e": encode(&public.e), "kty": "RSA", "n": encode(&public.n) })
            }
            Alg::Es256 => ec_jwk("P-256", &self.p256),
            Alg::Es384 => ec_jwk("P-384", &self.p384),
            Alg::EdDsa => {
                let x = encode(self.ed25519.public_key().as_ref());
                json!({ "crv": "Ed25519", "kty": "OKP", "x": x })
            }
        };
        let thumbprint = thumbprint(&jwk);
        let kid = match (algorithm, jwk["kty"].as_str()) {
            // There is one RSA key, but every algorithm has an entry of its own.
            (other, Some("RSA")) if other != Alg::Rs256 => {
                format!("{thumbprint}-{}", other.as_str())
            }
            _ => thumbprint,
        };
        jwk["kid"] = json!(kid);
        jwk["alg"] = json!(algorithm.as_str());
        jwk["use"] = json!("sig");
        jwk
    }

    /// Returns every public key.
    pub(crate) fn jwks(&self) -> &[Value] {
        &self.jwks
    }

    /// Returns the public key for `algorithm`.
    pub(crate) fn jwk(&self, algorithm: SigningAlgorithm) -> &Value {
        &self.jwks[algorithm as usize]
    }

    /// Returns the header of a token signed with `algorithm`.
    pub(crate) fn header(&self, algorithm: SigningAlgorithm) -> Value {
        json!({ "alg": algorithm.as_str(), "kid": self.jwk(algorithm)["kid"], "typ": "JWT" })
    }

    /// Signs `message`.
    ///
    /// # Panics
    /// If the operating system has no random numbers.
    pub(crate) fn sign(&self, algorithm: SigningAlgorithm, message: &[u8]) -> Vec<u8> {
        use SigningAlgorithm as Alg;

        let random = SystemRandom::new();
        let rsa = |encoding: &'static dyn RsaEncoding| {
            let mut signature = vec![0; self.rsa.public().modulus_len()];
            self.rsa
                .sign(encoding, &random, message, &mut signature)
                .expect("the buffer is as long as the key");
            signature
        };
        let ec = |key: &EcdsaKeyPair| {
            let signature = key.sign(&random, message);
            let signature = signature.expect("the operating system has random numbers");
            signature.as_ref().to_vec()
        };
        match algorithm {
            Alg::Rs256 => rsa(&RSA_PKCS1_SHA256),
            Alg::Rs384 => rsa(&RSA_PKCS1_SHA384),
            Alg::Rs512 => rsa(&RSA_PKCS1_SHA512),
            Alg::Ps256 => rsa(&RSA_PSS_SHA256),
            Alg::Ps384 => rsa(&RSA_PSS_SHA384),
            Alg::Ps512 => rsa(&RSA_PSS_SHA512),
            Alg::Es256 => ec(&self.p256),
            Alg::Es384 => ec(&self.p384),
            Alg::EdDsa => self.ed25519.sign(message).as_ref().to_vec(),
        }
    }

    /// Returns the RSA public key as PKCS#1 (RFC 8017 §A.1.1).
    pub(crate) fn rsa_public_der(&self) -> &[u8] {
        self.rsa.public().as_ref()
    }

    fn open_token(&self, token: &str) -> Option<Value> {
        let parts = jwt::parts(token)?;
        let algorithm = SigningAlgorithm::parse(parts.header["alg"].as_str()?)?;
        let jwk = self.jwk(algorithm);
        jwt::is_signed_by(jwk, algorithm, parts.signed, &parts.signature).then_some(parts.claims)
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kids: Vec<_> = self.jwks.iter().map(|jwk| &jwk["kid"]).collect();
        f.debug_struct("Keys")
            .field("kids", &kids)
            .finish_non_exhaustive()
    }
}

impl Stored {
    fn generate() -> io::Result<Self> {
        let rsa =
            rsa::RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 2048).map_err(io::Error::other)?;
        let rsa = rsa.to_pkcs8_der().map_err(io::Error::other)?;
        Self::with_rsa(encode(rsa.as_bytes()))
    }

    /// Makes the keys besides the RSA key.
    fn with_rsa(rsa: String) -> io::Result<Self> {
        let mut stored = Self {
            rsa,
            ec: generate_ec(&ECDSA_P256_SHA256_FIXED_SIGNING)?,
            ec_p384: None,
            ed25519: None,
        };
        stored.complete()?;
        Ok(stored)
    }

    /// Makes the keys that an older file lacks; returns whether there were any.
    fn complete(&mut self) -> io::Result<bool> {
        let before = (self.ec_p384.is_some(), self.ed25519.is_some());
        if self.ec_p384.is_none() {
            self.ec_p384 = Some(generate_ec(&ECDSA_P384_SHA384_FIXED_SIGNING)?);
        }
        if self.ed25519.is_none() {
            let key = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).map_err(invalid)?;
            self.ed25519 = Some(encode(key));
        }
        Ok(before != (true, true))
    }
}

fn generate_ec(algorithm: &'static EcdsaSigningAlgorithm) -> io::Result<String> {
    let key = EcdsaKeyPair::generate_pkcs8(algorithm, &SystemRandom::new());
    key.map(encode).map_err(invalid)
}

fn ec_jwk(curve: &str, key: &EcdsaKeyPair) -> Value {
    // An uncompressed point: one byte of format, then x and y.
    let point = &key.public_key().as_ref()[1..];
    let (x, y) = point.split_at(point.len() / 2);
    json!({ "crv": curve, "kty": "EC", "x": encode(x), "y": encode(y) })
}

/// Returns the thumbprint of a key that has only the required members (RFC 7638 §3).
fn thumbprint(jwk: &Value) -> String {
    // The members above are in alphabetical order, whichever order `serde_json` keeps.
    encode(digest(&SHA256, jwk.to_string().as_bytes()))
}

fn decode(text: &str) -> io::Result<Vec<u8>> {
    jwt::decode(text).ok_or_else(|| invalid("a key is not base64url"))
}

/// Makes an I/O error from a message.
fn invalid(error: impl fmt::Display) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signer::Signer;

    #[test]
    fn every_algorithm_signs_what_it_verifies() {
        let keys = Keys::of_tests().unwrap();
        for algorithm in SigningAlgorithm::ALL {
            let signer = Signer::Keys(Arc::clone(&keys), *algorithm);
            let token = |sub| signer.sign(&signer.header(), &json!({ "sub": sub }).to_string());
            let (honest, other) = (token("a"), token("b"));
            assert_eq!(keys.open_token(&honest).unwrap()["sub"], "a");
            let (_, signature) = honest.rsplit_once('.').unwrap();
            let (claims, _) = other.rsplit_once('.').unwrap();
            assert_eq!(keys.open_token(&format!("{claims}.{signature}")), None);
        }
    }

    #[test]
    fn every_algorithm_is_published_with_a_name_of_its_own() {
        let keys = Keys::of_tests().unwrap();
        let mut kids: Vec<_> = keys
            .jwks()
            .iter()
            .map(|jwk| jwk["kid"].to_string())
            .collect();
        kids.sort();
        kids.dedup();
        assert_eq!(kids.len(), SigningAlgorithm::ALL.len());
        for algorithm in SigningAlgorithm::ALL {
            assert_eq!(keys.jwk(*algorithm)["alg"], algorithm.as_str());
        }
    }

    #[test]
    fn keys_on_disk_survive_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("keys.json");
        let open = || KeyRing::new(Keys::open(&file).unwrap(), true);
        let first = open();
        assert_eq!(open().jwks(), first.jwks());
        assert_eq!(first.next_of_tests(), None);
        let known = Keys::of_tests().unwrap();
        assert_ne!(first.current().rsa_public_der(), known.rsa_public_der());
    }

    #[test]
    fn the_keys_for_tests_are_three_different_ones() {
        let ring = KeyRing::new(Keys::of_tests().unwrap(), false);
        while let Some(next) = ring.next_of_tests() {
            ring.rotate(Keys::of_test(next).unwrap());
        }
        let kids: std::collections::HashSet<String> = ring
            .jwks()
            .iter()
            .map(|jwk| jwk["kid"].to_string())
            .collect();
        assert_eq!(kids.len(), 3 * SigningAlgorithm::ALL.len());
    }

    #[test]
    fn an_older_file_keeps_its_keys_and_gets_the_others() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("keys.json");
        let mut stored = Stored::generate().unwrap();
        (stored.ec_p384, stored.ed25519) = (None, None);
        folder::write(&file, &stored).unwrap();
        let upgraded = Keys::open(&file).unwrap();
        let again = Keys::open(&file).unwrap();
        assert_eq!(again.jwks(), upgraded.jwks());
        let read: Stored = folder::read(&file).unwrap().unwrap();
        assert_eq!((read.rsa, read.ec), (stored.rsa, stored.ec));
    }

    #[test]
    fn a_broken_file_is_an_error_that_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("keys.json");
        folder::write(&file, &json!({ "rsa": "!", "ec": "!" })).unwrap();
        let error = Keys::open(&file).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        assert!(error.to_string().contains("base64url"), "{error}");
    }
}
