//! The client's own private key, for `private_key_jwt`.

use std::{fmt, path::Path, sync::Arc};

use base64_simd::URL_SAFE_NO_PAD;
use ring::{
    rand::SystemRandom,
    rsa,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair,
        Ed25519KeyPair, RSA_PKCS1_SHA256, RSA_PSS_SHA256,
    },
};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::base::{file, json, text::without_bom};

/// A private key for `private_key_jwt`, as an entry of [`Config::client_key`](crate::Config::client_key).
///
/// Its public half is registered at the provider. `Debug` shows only the key id and the algorithm.
///
/// ```no_run
/// use miracl_core::{ClientKey, Config};
///
/// let config = Config {
///     client_key: Some(ClientKey::from_file("/run/secrets/client-key.jwk")?),
///     ..Config::default()
/// };
/// # Ok::<(), miracl_core::ClientKeyError>(())
/// ```
#[derive(Clone)]
pub struct ClientKey(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) kid: Option<String>,
    pub(crate) algorithm: &'static str,
    pub(crate) pair: Pair,
}

pub(crate) enum Pair {
    RsaPkcs1(rsa::KeyPair),
    RsaPss(rsa::KeyPair),
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl ClientKey {
    /// Reads a private key in JWK form (RFC 7517): `RSA` of 2048 bits or more, `EC` on `P-256` or `P-384`, or `OKP`
    /// with `Ed25519`.
    ///
    /// The algorithm is the JWK's `alg`. The default is `RS256`, `ES256`, `ES384` or `EdDSA`, by the type of the key.
    /// An RSA key may also have `PS256`, and an Ed25519 key `Ed25519` (RFC 9864 §2.2), which its assertions then
    /// carry.
    ///
    /// # Errors
    ///
    /// [`ClientKeyError`] says what is wrong. It never repeats any part of the key.
    pub fn from_jwk(jwk: &str) -> Result<Self, ClientKeyError> {
        let jwk = json::in_token(jwk.as_bytes()).map_err(ClientKeyError)?;
        let text = |name: &str| jwk.get(name).and_then(Value::as_str);
        let refuse = |message: String| Err(ClientKeyError(message));
        if text("use").is_some_and(|usage| usage != "sig") {
            return refuse("its `use` is not `sig`".to_owned());
        }
        if !jwk.contains_key("d") {
            return refuse("it has no `d`: it is the public half".to_owned());
        }
        let (pair, default, allowed): (_, _, &[&'static str]) = match (text("kty"), text("crv")) {
            (Some("RSA"), _) => {
                let pair = rsa_pair(&jwk)?;
                let pair = match text("alg") {
                    Some("PS256") => Pair::RsaPss(pair),
                    _ => Pair::RsaPkcs1(pair),
                };
                (pair, "RS256", &["RS256", "PS256"])
            }
            (Some("EC"), Some("P-256")) => {
                let pair = ec_pair(&jwk, &ECDSA_P256_SHA256_FIXED_SIGNING)?;
                (Pair::Ecdsa(pair), "ES256", &["ES256"])
            }
            (Some("EC"), Some("P-384")) => {
                let pair = ec_pair(&jwk, &ECDSA_P384_SHA384_FIXED_SIGNING)?;
                (Pair::Ecdsa(pair), "ES384", &["ES384"])
            }
            (Some("OKP"), Some("Ed25519")) => {
                let (seed, public) = (member(&jwk, "d")?, member(&jwk, "x")?);
                let pair = Ed25519KeyPair::from_seed_and_public_key(&seed, &public);
                let allowed = &["EdDSA", "Ed25519"];
                (Pair::Ed25519(pair.map_err(rejected)?), "EdDSA", allowed)
            }
            _ => {
                return refuse(
                    "its `kty` and `crv` are not RSA, EC with P-256 or P-384, or OKP with Ed25519"
                        .to_owned(),
                );
            }
        };
        let wanted = text("alg").unwrap_or(default);
        let Some(algorithm) = allowed.iter().find(|name| **name == wanted) else {
            return refuse(format!("its `alg` is not one of {}", allowed.join(", ")));
        };
        Ok(Self(Arc::new(Inner {
            kid: text("kid").map(str::to_owned),
            algorithm,
            pair,
        })))
    }

    /// Reads a file that holds one private JWK.
    ///
    /// # Errors
    ///
    /// [`ClientKeyError`] if the file cannot be read, or if [`ClientKey::from_jwk`] refuses its content.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, ClientKeyError> {
        let path = path.as_ref();
        let named = |what: String| ClientKeyError(format!("{}: {what}", path.display()));
        let text =
            file::read_text(path, file::MAX_SECRET).map_err(|error| named(error.to_string()))?;
        let text = Zeroizing::new(text);
        Self::from_jwk(without_bom(&text)).map_err(|error| named(error.0))
    }

    /// Returns the signature of a message.
    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        let rng = SystemRandom::new();
        let sign_rsa = |pair: &rsa::KeyPair, padding: &'static dyn ring::signature::RsaEncoding| {
            let mut signature = vec![0; pair.public().modulus_len()];
            pair.sign(padding, &rng, message, &mut signature)
                .expect("the buffer has the length of the modulus");
            signature
        };
        match &self.0.pair {
            Pair::RsaPkcs1(pair) => sign_rsa(pair, &RSA_PKCS1_SHA256),
            Pair::RsaPss(pair) => sign_rsa(pair, &RSA_PSS_SHA256),
            Pair::Ecdsa(pair) => pair
                .sign(&rng, message)
                .expect("the operating system has random numbers")
                .as_ref()
                .to_vec(),
            Pair::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
        }
    }
}

impl fmt::Debug for ClientKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientKey")
            .field("kid", &self.0.kid)
            .field("algorithm", &self.0.algorithm)
            .finish_non_exhaustive()
    }
}

/// Why a JWK is no key for client assertions. `Debug` is `Display`, for a `main` that returns it.
#[derive(Clone, PartialEq, Eq)]
pub struct ClientKeyError(String);

impl fmt::Display for ClientKeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no private key for client assertions: {}", self.0)
    }
}

impl fmt::Debug for ClientKeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for ClientKeyError {}

fn rejected(error: ring::error::KeyRejected) -> ClientKeyError {
    ClientKeyError(format!("its values are refused ({error})"))
}

/// Returns a member that is base64url.
fn member(jwk: &Map<String, Value>, name: &str) -> Result<Zeroizing<Vec<u8>>, ClientKeyError> {
    jwk.get(name)
        .and_then(Value::as_str)
        .and_then(|text| URL_SAFE_NO_PAD.decode_to_vec(text.as_bytes()).ok())
        .map(Zeroizing::new)
        .ok_or_else(|| ClientKeyError(format!("its `{name}` is missing or not base64url")))
}

fn rsa_pair(jwk: &Map<String, Value>) -> Result<rsa::KeyPair, ClientKeyError> {
    let [n, e, d, p, q, dp, dq, qi] =
        ["n", "e", "d", "p", "q", "dp", "dq", "qi"].map(|name| member(jwk, name));
    let components = rsa::KeyPairComponents {
        public_key: rsa::PublicKeyComponents { n: n?, e: e? },
        d: d?,
        p: p?,
        q: q?,
        dP: dp?,
        dQ: dq?,
        qInv: qi?,
    };
    rsa::KeyPair::from_components(&components).map_err(rejected)
}

fn ec_pair(
    jwk: &Map<String, Value>,
    curve: &'static ring::signature::EcdsaSigningAlgorithm,
) -> Result<EcdsaKeyPair, ClientKeyError> {
    // The public key as an uncompressed point (SEC 1 §2.3.3).
    let mut point = vec![4];
    point.extend_from_slice(&member(jwk, "x")?);
    point.extend_from_slice(&member(jwk, "y")?);
    let private = member(jwk, "d")?;
    EcdsaKeyPair::from_private_key_and_public_key(curve, &private, &point, &SystemRandom::new())
        .map_err(rejected)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7515 appendix A.3.
    const P256: &str = r#"{"kty":"EC","crv":"P-256",
        "x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
        "d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"}"#;

    #[test]
    fn what_is_no_private_key_is_refused_without_repeating_it() {
        let public = P256.replace("\"d\"", "\"dd\"");
        for (jwk, reason) in [
            ("nonsense", "not JSON"),
            (public.as_str(), "public half"),
            (r#"{"kty":"oct","d":"jpsQ","k":"jpsQ"}"#, "`kty`"),
            (r#"{"kty":"RSA","d":"jpsQ"}"#, "`n`"),
            (&P256.replace("\"EC\"", "\"EC\",\"alg\":\"RS256\""), "`alg`"),
            (&P256.replace("\"EC\"", "\"EC\",\"use\":\"enc\""), "`use`"),
            (&P256.replace("f83O", "AAAA"), "refused"),
            (
                &P256.replace("\"EC\"", "\"EC\",\"kid\":\"1\",\"kid\":\"2\""),
                "`kid` twice",
            ),
        ] {
            let error = ClientKey::from_jwk(jwk).unwrap_err().to_string();
            assert!(error.contains(reason) && !error.contains("jpsQ"), "{error}");
        }
    }
}
