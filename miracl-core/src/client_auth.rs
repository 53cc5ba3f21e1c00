//! How the client proves who it is at the token endpoint (OpenID Connect Core 1.0 §9).

use std::{fmt, fs, path::Path, sync::Arc};

use base64_simd::{STANDARD, URL_SAFE_NO_PAD};
use ring::{
    hmac,
    rand::SystemRandom,
    rsa,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair,
        Ed25519KeyPair, RSA_PKCS1_SHA256, RSA_PSS_SHA256,
    },
};
use serde_json::{Map, Value, json};
use url::form_urlencoded::{Serializer, byte_serialize};
use zeroize::Zeroizing;

use crate::{
    config::ClientAuthMethod,
    credentials::without_bom,
    json,
    secret::{Secret, random},
};

/// How long a signed assertion is valid, in seconds: long enough for one request and clocks that differ.
const ASSERTION_LIFE: u64 = 60;
/// RFC 7523 §2.2.
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// A private key for `private_key_jwt`, as an entry of [`Config::client_key`](crate::Config::client_key).
///
/// Its public half is registered at the provider. `Debug` shows the key id and the algorithm only.
#[derive(Clone)]
pub struct ClientKey(Arc<Inner>);

struct Inner {
    kid: Option<String>,
    algorithm: &'static str,
    pair: Pair,
}

enum Pair {
    RsaPkcs1(rsa::KeyPair),
    RsaPss(rsa::KeyPair),
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl ClientKey {
    /// Reads a private key in JWK form (RFC 7517): `RSA` of 2048 bits or more, `EC` on `P-256` or `P-384`, or `OKP` with
    /// `Ed25519`.
    ///
    /// The algorithm is the JWK's `alg`; without one it is `RS256`, `ES256`, `ES384` or `EdDSA`. An RSA key may also have
    /// `PS256`, and one on `Ed25519` that name (RFC 9864 §2.2), which its assertions then carry.
    ///
    /// # Errors
    ///
    /// [`ClientKeyError`] with what is wrong. It never repeats any part of the key.
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
    /// As [`ClientKey::from_jwk`], and when the file cannot be read.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, ClientKeyError> {
        let path = path.as_ref();
        let named = |what: String| ClientKeyError(format!("{}: {what}", path.display()));
        let text = fs::read_to_string(path).map_err(|error| named(error.to_string()))?;
        let text = Zeroizing::new(text);
        Self::from_jwk(without_bom(&text)).map_err(|error| named(error.0))
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
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

/// Why a JWK is no key for client assertions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientKeyError(String);

impl fmt::Display for ClientKeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no private key for client assertions: {}", self.0)
    }
}

impl std::error::Error for ClientKeyError {}

fn rejected(error: ring::error::KeyRejected) -> ClientKeyError {
    ClientKeyError(format!("its values are refused ({error})"))
}

/// A member that is base64url.
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

/// What a client shows at the token endpoint.
pub(crate) struct Proof<'a> {
    pub(crate) method: ClientAuthMethod,
    pub(crate) client_id: &'a str,
    pub(crate) secret: &'a Secret,
    pub(crate) key: Option<&'a ClientKey>,
    /// The one audience of an assertion: the provider's issuer.
    pub(crate) audience: &'a str,
    pub(crate) now: u64,
}

impl Proof<'_> {
    /// Adds to the form what the method puts there, and returns the `Authorization` header where it has one.
    pub(crate) fn add_to(&self, form: &mut Serializer<'_, String>) -> Option<String> {
        match self.method {
            ClientAuthMethod::ClientSecretBasic => {
                return Some(basic(self.client_id, self.secret.expose()));
            }
            ClientAuthMethod::ClientSecretPost => {
                form.append_pair("client_id", self.client_id)
                    .append_pair("client_secret", self.secret.expose());
            }
            ClientAuthMethod::ClientSecretJwt | ClientAuthMethod::PrivateKeyJwt => {
                form.append_pair("client_id", self.client_id)
                    .append_pair("client_assertion_type", ASSERTION_TYPE)
                    .append_pair("client_assertion", &self.assertion());
            }
        }
        None
    }

    /// A signed statement of who the client is (RFC 7523 §3), for one request: its `jti` is never used again.
    fn assertion(&self) -> String {
        let key = self
            .key
            .filter(|_| self.method == ClientAuthMethod::PrivateKeyJwt);
        let mut header = json!({"alg": key.map_or("HS256", |key| key.0.algorithm), "typ": "JWT"});
        if let Some(kid) = key.and_then(|key| key.0.kid.as_ref()) {
            header["kid"] = kid.as_str().into();
        }
        let claims = json!({
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": self.audience,
            "jti": URL_SAFE_NO_PAD.encode_to_string(random::<16>()),
            "iat": self.now,
            "exp": self.now + ASSERTION_LIFE,
        });
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode_to_string(value.to_string());
        let signed = format!("{}.{}", encode(&header), encode(&claims));
        let signature = match key {
            Some(key) => key.sign(signed.as_bytes()),
            None => {
                let key = hmac::Key::new(hmac::HMAC_SHA256, self.secret.expose().as_bytes());
                hmac::sign(&key, signed.as_bytes()).as_ref().to_vec()
            }
        };
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode_to_string(signature))
    }
}

/// RFC 6749 §2.3.1: both parts are form-encoded before they are put together.
fn basic(client_id: &str, secret: &str) -> String {
    let encode = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    let pair = format!("{}:{}", encode(client_id), encode(secret));
    format!("Basic {}", STANDARD.encode_to_string(pair))
}

#[cfg(test)]
mod tests {
    use ring::signature::{self, KeyPair as _, UnparsedPublicKey};

    use super::*;

    const SECRET: &str = "a secret of at least thirty-two bytes";

    /// RFC 8037 appendix A.1.
    const ED25519: &str = r#"{"kty":"OKP","crv":"Ed25519","kid":"e","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    /// RFC 7515 appendix A.3.
    const P256: &str = r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0","d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"}"#;

    fn proof<'a>(
        method: ClientAuthMethod,
        secret: &'a Secret,
        key: Option<&'a ClientKey>,
    ) -> Proof<'a> {
        Proof {
            method,
            client_id: "client",
            secret,
            key,
            audience: "https://issuer.example",
            now: 1000,
        }
    }

    fn parts(assertion: &str) -> (Value, Value, String, Vec<u8>) {
        let (signed, signature) = assertion.rsplit_once('.').unwrap();
        let (header, claims) = signed.split_once('.').unwrap();
        let decode = |text: &str| URL_SAFE_NO_PAD.decode_to_vec(text.as_bytes()).unwrap();
        (
            serde_json::from_slice(&decode(header)).unwrap(),
            serde_json::from_slice(&decode(claims)).unwrap(),
            signed.to_owned(),
            decode(signature),
        )
    }

    #[test]
    fn id_and_secret_are_form_encoded_before_they_are_joined() {
        assert_eq!(basic("a:b", "c d+é"), {
            let pair = STANDARD.encode_to_string("a%3Ab:c+d%2B%C3%A9");
            format!("Basic {pair}")
        });
    }

    #[test]
    fn an_assertion_is_for_the_issuer_alone_short_lived_and_never_the_same() {
        let secret = Secret::from(SECRET);
        let proof = proof(ClientAuthMethod::ClientSecretJwt, &secret, None);
        let (header, claims, signed, signature) = parts(&proof.assertion());
        assert_eq!(header["alg"], "HS256");
        assert_eq!(claims["iss"], "client");
        assert_eq!(claims["sub"], "client");
        assert_eq!(claims["aud"], "https://issuer.example");
        assert_eq!(claims["exp"], 1060);
        let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
        assert!(hmac::verify(&key, signed.as_bytes(), &signature).is_ok());
        let (_, other, ..) = parts(&proof.assertion());
        assert_ne!(claims["jti"], other["jti"]);
    }

    #[test]
    fn a_private_key_signs_with_the_algorithm_of_its_type() {
        let secret = Secret::default();
        let sign = |jwk: &str| {
            let key = ClientKey::from_jwk(jwk).unwrap();
            let proof = proof(ClientAuthMethod::PrivateKeyJwt, &secret, Some(&key));
            (parts(&proof.assertion()), key)
        };
        let ((header, _, signed, signature), key) = sign(ED25519);
        assert_eq!(
            (&header["alg"], &header["kid"]),
            (&"EdDSA".into(), &"e".into())
        );
        let Pair::Ed25519(pair) = &key.0.pair else {
            panic!()
        };
        UnparsedPublicKey::new(&signature::ED25519, pair.public_key().as_ref())
            .verify(signed.as_bytes(), &signature)
            .unwrap();

        let renamed = ED25519.replace("\"OKP\"", "\"OKP\",\"alg\":\"Ed25519\"");
        assert_eq!(sign(&renamed).0.0["alg"], "Ed25519");

        let ((header, _, signed, signature), key) = sign(P256);
        assert_eq!(header["alg"], "ES256");
        assert!(header.get("kid").is_none());
        let Pair::Ecdsa(pair) = &key.0.pair else {
            panic!()
        };
        UnparsedPublicKey::new(
            &signature::ECDSA_P256_SHA256_FIXED,
            pair.public_key().as_ref(),
        )
        .verify(signed.as_bytes(), &signature)
        .unwrap();
        assert!(!format!("{key:?}").contains("jpsQ"));
    }

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
