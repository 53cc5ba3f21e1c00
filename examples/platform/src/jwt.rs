//! Signed tokens in their compact form (RFC 7515 §7.1), independent of the signer.

use ring::digest;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RsaPublicKeyComponents, UnparsedPublicKey,
};
use serde_json::Value;

use crate::algorithm::SigningAlgorithm;

const BASE64URL: base64_simd::Base64 = base64_simd::URL_SAFE_NO_PAD;

/// A token that has been parsed, its signature not yet checked.
#[derive(Debug)]
pub(crate) struct Parts<'a> {
    pub(crate) header: Value,
    pub(crate) claims: Value,
    /// The bytes that the signature covers.
    pub(crate) signed: &'a str,
    pub(crate) signature: Vec<u8>,
}

/// Parses a token; `None` if it is not three segments with JSON in the first two.
pub(crate) fn parts(token: &str) -> Option<Parts<'_>> {
    let (signed, signature) = token.rsplit_once('.')?;
    let (header, claims) = signed.split_once('.')?;
    Some(Parts {
        header: serde_json::from_slice(&decode(header)?).ok()?,
        claims: serde_json::from_slice(&decode(claims)?).ok()?,
        signed,
        signature: decode(signature)?,
    })
}

/// Returns the part of a token that is signed.
pub(crate) fn signing_input(header: &Value, payload: &str) -> String {
    format!("{}.{}", encode(header.to_string()), encode(payload))
}

/// Returns whether the key in `jwk` (RFC 7518 §6, RFC 8037 §2) made the signature.
pub(crate) fn is_signed_by(
    jwk: &Value,
    algorithm: SigningAlgorithm,
    message: &str,
    signature: &[u8],
) -> bool {
    use SigningAlgorithm as Alg;

    let member = |name| decode(jwk[name].as_str()?);
    let message = message.as_bytes();
    let rsa = |parameters| {
        let (n, e) = (member("n")?, member("e")?);
        let key = RsaPublicKeyComponents { n: &n, e: &e };
        Some(key.verify(parameters, message, signature).is_ok())
    };
    let ec = |parameters| {
        // An uncompressed point: one byte of format, then x and y.
        let point = [vec![4], member("x")?, member("y")?].concat();
        let key = UnparsedPublicKey::new(parameters, point);
        Some(key.verify(message, signature).is_ok())
    };
    let edwards = || {
        let key = UnparsedPublicKey::new(&ED25519, member("x")?);
        Some(key.verify(message, signature).is_ok())
    };
    let good = match (algorithm, jwk["kty"].as_str(), jwk["crv"].as_str()) {
        (Alg::Rs256, Some("RSA"), _) => rsa(&RSA_PKCS1_2048_8192_SHA256),
        (Alg::Rs384, Some("RSA"), _) => rsa(&RSA_PKCS1_2048_8192_SHA384),
        (Alg::Rs512, Some("RSA"), _) => rsa(&RSA_PKCS1_2048_8192_SHA512),
        (Alg::Ps256, Some("RSA"), _) => rsa(&RSA_PSS_2048_8192_SHA256),
        (Alg::Ps384, Some("RSA"), _) => rsa(&RSA_PSS_2048_8192_SHA384),
        (Alg::Ps512, Some("RSA"), _) => rsa(&RSA_PSS_2048_8192_SHA512),
        (Alg::Es256, Some("EC"), Some("P-256")) => ec(&ECDSA_P256_SHA256_FIXED),
        (Alg::Es384, Some("EC"), Some("P-384")) => ec(&ECDSA_P384_SHA384_FIXED),
        (Alg::EdDsa, Some("OKP"), Some("Ed25519")) => edwards(),
        _ => None,
    };
    good.unwrap_or(false)
}

/// Returns the left half of the hash of `access_token`, the `at_hash` of OIDC Core §3.1.3.6.
pub(crate) fn at_hash(algorithm: SigningAlgorithm, access_token: &str) -> String {
    let hash = digest::digest(algorithm.digest(), access_token.as_bytes());
    encode(&hash.as_ref()[..hash.as_ref().len() / 2])
}

pub(crate) fn encode(bytes: impl AsRef<[u8]>) -> String {
    BASE64URL.encode_to_string(bytes.as_ref())
}

pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    BASE64URL.decode_to_vec(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn at_hash_is_the_vector_of_the_specification() {
        // OpenID Connect Core, appendix A.3.
        assert_eq!(
            at_hash(
                SigningAlgorithm::Rs256,
                "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"
            ),
            "77QmUPtjPfzWtF2AnpK9RQ"
        );
    }

    #[test]
    fn the_vector_of_rfc_8037_is_good_and_one_bit_less_is_not() {
        // RFC 8037, appendix A.4.
        let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" });
        let token = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.\
                     hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let mut signature = decode(signature).unwrap();
        let good =
            |signature: &[u8]| is_signed_by(&jwk, SigningAlgorithm::EdDsa, signed, signature);
        assert!(good(&signature));
        signature[0] ^= 1;
        assert!(!good(&signature));
    }

    #[test]
    fn a_key_of_another_type_signs_nothing() {
        for jwk in [
            json!({}),
            json!({ "kty": "oct", "k": "c2VjcmV0" }),
            json!({ "kty": "EC", "crv": "P-256" }),
            json!({ "kty": "RSA", "n": "!", "e": "AQAB" }),
        ] {
            for algorithm in SigningAlgorithm::ALL {
                assert!(!is_signed_by(&jwk, *algorithm, "a.b", &[0; 64]), "{jwk}");
            }
        }
    }

    #[test]
    fn what_is_not_a_token_has_no_parts() {
        for bad in ["", "a", "a.b", "a.b.c", "e30.e30", "e30.e30.!"] {
            assert!(parts(bad).is_none(), "{bad:?}");
        }
        assert!(parts("e30.e30.").is_some());
    }
}
