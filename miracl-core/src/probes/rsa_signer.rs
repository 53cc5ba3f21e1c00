//! An RSA key of a platform, and tokens that it signs with RS256, for unit tests.

use base64_simd::URL_SAFE_NO_PAD;
use ring::{
    rand::SystemRandom,
    rsa::KeyPair as RsaKeyPair,
    signature::{KeyPair as _, RSA_PKCS1_SHA256, RsaPublicKeyComponents},
};
use serde_json::{Value, json};

/// A private key of 2048 bits in PKCS#8, made for unit tests.
pub(crate) const RSA: &str = "\
MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQCUtrsqNEDe7qn6MgEROQ2PQotl6vvrlVhXgibWnfvVcNZPcWb5yXxvFjE2JB\
gb0Pf7S1FkqA57c292-lKXGLxlrrN67FKRHeKsx2ouOj-Lhud8ZMWDsB3Jg9wwOo-nTDcmQ6aZiixHUH0MhiAjfnxfxFQhvrAUj2O9-uSZZw2T\
dDxPIlUhddNM8UioURLPjggMsJg4Csd6xOGi0Waq17dJCkqRkPsVMq4k8HXPxrgLTbUJo-ptRutBP3106txnFwjozgyqMm0ZqG-Lvd6atQql8p\
BaQzoIutQQGRPrgVY-445XkucdAIC5SxupW46CpYPfamgIoHQGhfzelO-VImWZAgMBAAECggEAEh47KlaoaqC4K8fI0oDZcpFAa3_YBmkxFKRC\
OBaSVnxDV_VwftE57EzPXRHDsCvi8oZIGdPRw9-Z_mxcAJWeamMA8eJ14sE52yQGfzBQip66eDDM0ZD06Ba9DlEsLE1AUNSgKQepAl0_hvWWV8\
yyuXYxa9UQHckkdUJqdHgWMtcgYEm_52c-TOioKIORvkF0xMT0vwkXDcbosugdHzkiwZZEOEMcpyaQ5K5nAOB99l7nnUf3fEVdRKU6lA-2_F1s\
qjZ0tQd6eDerGn21e6vjvWvnrfbHnJ_O9DH1tPZiluxZHwyrMYvvYmWlXwxBfAk8fGPGGs3xWO1HX4C6FbIO8wKBgQDNgsaaiiEVs5dbiPxcj6\
ZK81ywbfok07z1J7IgEkpegt-pvkRfyv8eqAWYMRoE-yHUw8OtQCREZxW42m1DYciGrfGONy9QAExIOevek-zeaukAkgVdomE3_KEot8QL_1VA\
1grmhsQCpscLaGoLqyOtn3qSMpWb4BFJWFeTm5ZnUwKBgQC5P89a0RH2-CTxAzBoywxmot325A57_WQ3IKICFZooAB459AIMgkFIHBitMnL18v\
ur0DisfQXf8EEJtD490UXRpLXkysKe6Y0JvLiwGXZSLqQEhkqKANPwsBg7hSybqP6AsknXko-huxTdC1Taw0jxJVU_enB59LUavUVncII94wKB\
gQDHg-PeGqXeFLmn8wjVr9xIvZVJ76s-35V-CCjFPByZPsN3XrGwsjoWABdWVq0lEs4YamnpI_FRuyZ6jQwws5jjL7HoWKkFKRTltd3I-6GlmP\
NWS20MJ13s5cVr62RYJW4WAPcaMNHQpStuZtM1OtPrdn2fu55FczY1F6AGPLG64wKBgCCEgvF-IZkoldN4q9a5TcP2cuATyDcbk6vZnpafFCBR\
ZPznSDTJ6Iuv4uUEJgnmTScrtccRayaUFdaOPR68zXSvZP50WRVsCcXbys-eqJZkeYYRzKPM4WcughJwnhP05jfRFAUzROMu48qpYovEG9m4o-\
4wn-3IdsHq13QA29vhAoGAPtUkdA7M-Gk6C_9H6mk5BJ2c5eFCXmiFzpc65BvGJ5nvKRm8M_avb2DSS6EXhKwD7aN5nB45ek0Bgv0fXf3463Rb\
BsR_vf6gRP7SUOHHJVEPQTHjOC9iH5f9qk1UGJ-lvoI2ccYM1yRRStlbu9QMkW-LkuthqgxJeR5jtDF6Uhg";

/// An RSA key pair.
pub(crate) struct RsaSigner(RsaKeyPair);

impl RsaSigner {
    pub(crate) fn new() -> Self {
        let pkcs8 = URL_SAFE_NO_PAD.decode_to_vec(RSA).unwrap();
        Self(RsaKeyPair::from_pkcs8(&pkcs8).unwrap())
    }

    /// Returns the public key under a name.
    pub(crate) fn jwk(&self, kid: &str) -> Value {
        let public = RsaPublicKeyComponents::<Vec<u8>>::from(self.0.public_key());
        let number = |bytes: &[u8]| URL_SAFE_NO_PAD.encode_to_string(bytes);
        json!({
            "kty": "RSA",
            "kid": kid,
            "n": number(&public.n),
            "e": number(&public.e),
        })
    }

    /// Returns a key set with this key alone.
    pub(crate) fn jwks(&self, kid: &str) -> String {
        json!({ "keys": [self.jwk(kid)] }).to_string()
    }

    /// Returns a token that is signed with RS256, whatever its header says.
    pub(crate) fn sign(&self, header: &Value, payload: &Value) -> String {
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode_to_string(value.to_string());
        let signed = format!("{}.{}", encode(header), encode(payload));
        let mut signature = vec![0; self.0.public().modulus_len()];
        let random = SystemRandom::new();
        let done = self.0.sign(
            &RSA_PKCS1_SHA256,
            &random,
            signed.as_bytes(),
            &mut signature,
        );
        done.unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode_to_string(signature))
    }

    /// Returns a token as the platform makes it.
    pub(crate) fn token(&self, kid: &str, payload: &Value) -> String {
        self.sign(
            &json!({ "alg": "RS256", "kid": kid, "typ": "JWT" }),
            payload,
        )
    }
}
