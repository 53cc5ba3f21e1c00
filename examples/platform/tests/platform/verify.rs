//! Signatures, checked by other code than the platform's.

use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RsaParameters, RsaPublicKeyComponents,
    UnparsedPublicKey, VerificationAlgorithm,
};
use serde_json::Value;

pub(crate) fn encode(bytes: impl AsRef<[u8]>) -> String {
    base64_simd::URL_SAFE_NO_PAD.encode_to_string(bytes.as_ref())
}

pub(crate) fn decode(text: &str) -> Vec<u8> {
    base64_simd::URL_SAFE_NO_PAD.decode_to_vec(text).unwrap()
}

/// Returns the bytes of a member of a JWK.
pub(crate) fn member(jwk: &Value, name: &str) -> Vec<u8> {
    decode(jwk[name].as_str().unwrap_or(""))
}

/// Returns one of the segments of a token.
pub(crate) fn segment(token: &str, index: usize) -> Vec<u8> {
    decode(token.split('.').nth(index).unwrap())
}

pub(crate) fn header(token: &str) -> Value {
    serde_json::from_slice(&segment(token, 0)).unwrap()
}

/// Returns whether a key verifies a token, by the algorithm of the token's header.
pub(crate) fn verifies(jwk: &Value, token: &str) -> bool {
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let (signed, signature) = (signed.as_bytes(), decode(signature));
    let rsa = |parameters: &'static RsaParameters| {
        let (n, e) = (member(jwk, "n"), member(jwk, "e"));
        RsaPublicKeyComponents { n, e }.verify(parameters, signed, &signature)
    };
    let curve = |algorithm: &'static dyn VerificationAlgorithm, point: Vec<u8>| {
        UnparsedPublicKey::new(algorithm, point).verify(signed, &signature)
    };
    let point = || [vec![4], member(jwk, "x"), member(jwk, "y")].concat();
    let verified = match header(token)["alg"].as_str().unwrap() {
        "RS256" => rsa(&RSA_PKCS1_2048_8192_SHA256),
        "RS384" => rsa(&RSA_PKCS1_2048_8192_SHA384),
        "RS512" => rsa(&RSA_PKCS1_2048_8192_SHA512),
        "PS256" => rsa(&RSA_PSS_2048_8192_SHA256),
        "PS384" => rsa(&RSA_PSS_2048_8192_SHA384),
        "PS512" => rsa(&RSA_PSS_2048_8192_SHA512),
        "ES256" => curve(&ECDSA_P256_SHA256_FIXED, point()),
        "ES384" => curve(&ECDSA_P384_SHA384_FIXED, point()),
        "EdDSA" => curve(&ED25519, member(jwk, "x")),
        other => panic!("no algorithm to verify: {other}"),
    };
    verified.is_ok()
}

/// Returns the keys of a set that may have signed a token: by `kid` if it has one, and by algorithm and use.
pub(crate) fn candidates<'a>(jwks: &'a Value, token: &str) -> Vec<&'a Value> {
    let header = header(token);
    let keys = jwks["keys"].as_array().unwrap().iter();
    keys.filter(|key| header["kid"].is_null() || key["kid"] == header["kid"])
        .filter(|key| key["alg"] == header["alg"] && key["use"] == "sig")
        .collect()
}

/// Returns whether one of the keys at an address verifies a token.
pub(crate) async fn is_signed_by_keys_at(url: &str, token: &str) -> bool {
    let keys = crate::http::get(url, &[]).await.json();
    candidates(&keys, token)
        .iter()
        .any(|key| verifies(key, token))
}
