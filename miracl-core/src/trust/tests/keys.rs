//! Keys that prove nothing: one of 1024 bits, and the public key as a secret.

use std::time::UNIX_EPOCH;

use base64_simd::URL_SAFE_NO_PAD as BASE64URL;
use ring::hmac;

use super::*;
use crate::{
    app::trust::{Signature, SignatureVerdict, document_hash},
    error::{token::IdTokenError, trust::TrustError},
};

/// When the fixtures were signed.
const THEN: u64 = 1_700_000_000;
/// A key of 1024 bits, whose private half nobody has kept.
const N: &str = "nGIjnFg2vgVOeo4mgg20sVpoYahpoV7C8PhOFZsPYZ_4ux-XeTsCrKIA6Gow3K2tf9cD-OkfyNXQkwA0dYm-A7yJTSZ1_qs7\
                 dGM96l3AOH8utjKSfJq91Mo78pfnDFNKXConBdL3CMJ_yXGozCiPNQQw7CyNe5cRn2VFS_PxHJE";
/// `{"cAt":THEN,"exp":THEN+10,"hash":…}` of "sample document", signed with it.
const CERTIFICATE: &str = "eyJhbGciOiJSUzI1NiIsImtpZCI6ImsxIn0.eyJjQXQiOjE3MDAwMDAwMDAsImV4cCI6MTcwMDAwMDAxMCwiaGFza\
                           CI6IjE3ODljOWVlZWU3ZGNiZjlhNWU5YjQ3Mzc0ZTI0NGY4NTI2M2RjNDU5MjJhMjQ5ZDM3ZjdiYTlmZDRlZmI4NTA\
                           ifQ.JjCr12BDGU0BIOaGzbhQiNcQ1rFOcuXy0O4yA3NhmhbhX_OUTMAaIJ0IJcjDGwXt-F0lfY8x-I6Ce3LM12css6\
                           k49TbVgQqNkhbeKMp0TA_Sd0APZVB3zHt5UdEC6QkDcdyfI_q_o8jt2asc62umQcHpduPfazm7A7BowljG0Ao";
/// A project JWT, signed with it.
const JWT: &str = "eyJhbGciOiJSUzI1NiIsImtpZCI6ImsxIn0.eyJpc3MiOiJodHRwczovL3BsYXRmb3JtLmV4YW1wbGUiLCJhdWQiOiIwZTRhM2\
                   I1Mi1wcm9qZWN0Iiwic3ViIjoiYWxpY2UiLCJpYXQiOjE3MDAwMDAwMDAsImV4cCI6MTcwMDAwMDA2MH0.SfQF3Zd27UsFYuf9\
                   oDvxPGIdAGCSqq_YNyas-nzju3QdBJLWnd__EtA3leCEdCdnqeQc1iWZGYeZg16pbhA5HJbumgQSRNo_wckrELVaskkmpoJWPS\
                   TOgabjWqAk7jx3RZGC6bqws1AJMR7OAsHLZ3kDawRihNBpsceZoNoSh7M";

fn signature() -> Signature {
    Signature {
        hash: document_hash("sample document"),
        u: "04aa".to_owned(),
        v: "04bb".to_owned(),
        mpin_id: "7b7d".to_owned(),
        public_key: "0c".to_owned(),
        dtas: None,
    }
}

/// A platform whose keys are these.
async fn with_keys(jwks: &str, time: Option<u64>) -> Asking {
    let asking = Asking::with(|config| {
        if let Some(time) = time {
            let time = UNIX_EPOCH + Duration::from_secs(time);
            config.clock = Clock::from_fn(move || time);
        }
    });
    let asking = asking.await;
    for path in ["/.well-known/jwks", "/dvs/jwks"] {
        asking.provider.say(path, jwks);
    }
    asking
}

#[tokio::test]
async fn a_valid_signature_by_a_key_of_1024_bits_proves_nothing() {
    let key =
        json!({ "kty": "RSA", "kid": KID, "alg": "RS256", "use": "sig", "n": N, "e": "AQAB" });
    let jwks = json!({ "keys": [key] }).to_string();
    let asking = with_keys(&jwks, Some(THEN)).await;
    let refused = asking.miracl.verify_project_jwt(JWT).await;
    let weak = TrustError::ProjectJwt(IdTokenError::WeakKey);
    assert_eq!(format!("{:?}", refused.unwrap_err()), format!("{weak:?}"));
    let answer = json!({ "certificate": CERTIFICATE });
    asking.provider.say("/dvs/verify", &answer.to_string());
    let verdict = asking.miracl.verify_signature(&signature(), THEN).await;
    assert_eq!(verdict.unwrap(), SignatureVerdict::InvalidSignature);
}

#[tokio::test]
async fn the_public_key_is_no_secret_to_sign_with() {
    let asking = Asking::new().await;
    let (now, hash) = (asking.now, document_hash("sample document"));
    let jwk = asking.signer.jwk(KID);
    let n = jwk["n"].as_str().unwrap();
    let secrets = [
        jwk.to_string().into_bytes(),
        asking.signer.jwks(KID).into_bytes(),
        n.as_bytes().to_vec(),
        BASE64URL.decode_to_vec(n).unwrap(),
        Vec::new(),
    ];
    for secret in secrets {
        let sign = |claims: &Value| {
            let header = json!({ "alg": "HS256", "kid": KID });
            let part = |value: &Value| BASE64URL.encode_to_string(value.to_string());
            let message = format!("{}.{}", part(&header), part(claims));
            let key = hmac::Key::new(hmac::HMAC_SHA256, &secret);
            let tag = hmac::sign(&key, message.as_bytes());
            format!("{message}.{}", BASE64URL.encode_to_string(tag.as_ref()))
        };
        let jwt = sign(&asking.claims(&json!({})));
        let refused = asking.miracl.verify_project_jwt(&jwt).await;
        let algorithm = matches!(
            refused,
            Err(TrustError::ProjectJwt(IdTokenError::Algorithm { .. }))
        );
        assert!(algorithm, "{refused:?}");
        let certificate = sign(&json!({ "cAt": now, "exp": now + 10, "hash": hash }));
        let answer = json!({ "certificate": certificate });
        asking.provider.say("/dvs/verify", &answer.to_string());
        let verdict = asking.miracl.verify_signature(&signature(), now).await;
        assert_eq!(verdict.unwrap(), SignatureVerdict::InvalidSignature);
    }
    // By the private key, the same certificate is good.
    let good = asking
        .signer
        .token(KID, &json!({ "cAt": now, "exp": now + 10, "hash": hash }));
    let answer = json!({ "certificate": good });
    asking.provider.say("/dvs/verify", &answer.to_string());
    let verdict = asking.miracl.verify_signature(&signature(), now).await;
    assert!(verdict.unwrap().is_valid());
}
