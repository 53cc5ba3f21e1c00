//! Client authentication at the token endpoint (OpenID Connect Core 1.0 §9).

use base64_simd::{STANDARD, URL_SAFE_NO_PAD};
use ring::hmac;
use serde_json::{Value, json};
use url::form_urlencoded::{Serializer, byte_serialize};

use crate::{
    base::{random::random, secret::Secret},
    config::options::ClientAuthMethod,
    jose::client_key::ClientKey,
};

/// How long a signed assertion is valid, in seconds: enough for one request and for clocks that differ.
const ASSERTION_LIFE: u64 = 60;
/// The type of an assertion that is a JWT (RFC 7523 §2.2).
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// What a client authenticates itself with in one request.
pub(crate) struct ClientAuthentication<'a> {
    pub(crate) method: ClientAuthMethod,
    pub(crate) client_id: &'a str,
    pub(crate) secret: &'a Secret,
    pub(crate) key: Option<&'a ClientKey>,
    /// The one audience of an assertion: the provider's issuer.
    pub(crate) audience: &'a str,
    pub(crate) now: u64,
}

impl ClientAuthentication<'_> {
    /// Adds the method's parameters to the form, and returns the `Authorization` header if the method has one.
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

    /// Returns a signed assertion of the client's identity (RFC 7523 §3) for one request: its `jti` is never used
    /// again.
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

/// Returns the header of `client_secret_basic`. Both parts are form-encoded before they are joined (RFC 6749 §2.3.1).
pub(crate) fn basic(client_id: &str, secret: &str) -> String {
    let encode = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    let pair = format!("{}:{}", encode(client_id), encode(secret));
    format!("Basic {}", STANDARD.encode_to_string(pair))
}

#[cfg(test)]
mod tests {
    use ring::signature::{self, KeyPair as _, UnparsedPublicKey};

    use super::*;
    use crate::jose::client_key::Pair;

    const SECRET: &str = "a secret of at least thirty-two bytes";

    /// RFC 8037 appendix A.1.
    const ED25519: &str = r#"{"kty":"OKP","crv":"Ed25519","kid":"e",
        "d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
        "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    /// RFC 7515 appendix A.3.
    const P256: &str = r#"{"kty":"EC","crv":"P-256",
        "x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
        "d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"}"#;

    fn proof<'a>(
        method: ClientAuthMethod,
        secret: &'a Secret,
        key: Option<&'a ClientKey>,
    ) -> ClientAuthentication<'a> {
        ClientAuthentication {
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
}
