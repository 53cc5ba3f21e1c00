//! Signatures of every algorithm: each is accepted exactly if `openidconnect` accepts it.

use base64_simd::URL_SAFE_NO_PAD;
use ring::{
    rand::SystemRandom,
    rsa::KeyPair as RsaKeyPair,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair,
        EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384,
        RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384, RSA_PSS_SHA512, RsaEncoding,
    },
};
use serde_json::json;

use super::*;
use crate::probes::rsa_signer::RSA;

const MESSAGE: &[u8] = b"header.payload";

/// Private keys of every kind.
struct Signer {
    rsa: RsaKeyPair,
    p256: EcdsaKeyPair,
    p384: EcdsaKeyPair,
    ed25519: Ed25519KeyPair,
}

impl Signer {
    fn new() -> Self {
        let random = SystemRandom::new();
        let rsa = URL_SAFE_NO_PAD.decode_to_vec(RSA).unwrap();
        let ec = |algorithm: &'static EcdsaSigningAlgorithm| {
            let key = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
            EcdsaKeyPair::from_pkcs8(algorithm, key.as_ref(), &random).unwrap()
        };
        let ed25519 = Ed25519KeyPair::generate_pkcs8(&random).unwrap();
        Self {
            rsa: RsaKeyPair::from_pkcs8(&rsa).unwrap(),
            p256: ec(&ECDSA_P256_SHA256_FIXED_SIGNING),
            p384: ec(&ECDSA_P384_SHA384_FIXED_SIGNING),
            ed25519: Ed25519KeyPair::from_pkcs8(ed25519.as_ref()).unwrap(),
        }
    }

    fn sign(&self, algorithm: SigningAlgorithm) -> Vec<u8> {
        let random = SystemRandom::new();
        let rsa = |padding: &'static dyn RsaEncoding| {
            let mut signature = vec![0; self.rsa.public().modulus_len()];
            let signed = self.rsa.sign(padding, &random, MESSAGE, &mut signature);
            signed.unwrap();
            signature
        };
        let ec = |key: &EcdsaKeyPair| key.sign(&random, MESSAGE).unwrap().as_ref().to_vec();
        match algorithm {
            SigningAlgorithm::RS256 => rsa(&RSA_PKCS1_SHA256),
            SigningAlgorithm::RS384 => rsa(&RSA_PKCS1_SHA384),
            SigningAlgorithm::RS512 => rsa(&RSA_PKCS1_SHA512),
            SigningAlgorithm::PS256 => rsa(&RSA_PSS_SHA256),
            SigningAlgorithm::PS384 => rsa(&RSA_PSS_SHA384),
            SigningAlgorithm::PS512 => rsa(&RSA_PSS_SHA512),
            SigningAlgorithm::ES256 => ec(&self.p256),
            SigningAlgorithm::ES384 => ec(&self.p384),
            SigningAlgorithm::EdDSA => self.ed25519.sign(MESSAGE).as_ref().to_vec(),
        }
    }

    fn modulus(&self) -> Vec<u8> {
        RsaPublicKeyComponents::<Vec<u8>>::from(self.rsa.public()).n
    }

    /// The public key for an algorithm.
    fn jwk(&self, algorithm: SigningAlgorithm) -> Value {
        let ec = |curve: &str, key: &EcdsaKeyPair| {
            let (x, y) = key.public_key().as_ref()[1..].split_at(match curve {
                "P-256" => 32,
                _ => 48,
            });
            json!({ "kty": "EC", "crv": curve, "x": encode(x), "y": encode(y) })
        };
        match algorithm {
            SigningAlgorithm::ES256 => ec("P-256", &self.p256),
            SigningAlgorithm::ES384 => ec("P-384", &self.p384),
            SigningAlgorithm::EdDSA => {
                let x = encode(self.ed25519.public_key().as_ref());
                json!({ "kty": "OKP", "crv": "Ed25519", "x": x })
            }
            _ => json!({ "kty": "RSA", "n": encode(&self.modulus()), "e": "AQAB" }),
        }
    }
}

fn jws(algorithm: SigningAlgorithm) -> CoreJwsSigningAlgorithm {
    match algorithm {
        SigningAlgorithm::RS256 => CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
        SigningAlgorithm::RS384 => CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
        SigningAlgorithm::RS512 => CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
        SigningAlgorithm::PS256 => CoreJwsSigningAlgorithm::RsaSsaPssSha256,
        SigningAlgorithm::PS384 => CoreJwsSigningAlgorithm::RsaSsaPssSha384,
        SigningAlgorithm::PS512 => CoreJwsSigningAlgorithm::RsaSsaPssSha512,
        SigningAlgorithm::ES256 => CoreJwsSigningAlgorithm::EcdsaP256Sha256,
        SigningAlgorithm::ES384 => CoreJwsSigningAlgorithm::EcdsaP384Sha384,
        SigningAlgorithm::EdDSA => CoreJwsSigningAlgorithm::EdDsa,
    }
}

fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode_to_string(bytes)
}

#[test]
fn a_signature_counts_exactly_where_openidconnect_takes_it() {
    let signer = Signer::new();
    for of_key in SigningAlgorithm::ALL {
        let jwk = signer.jwk(of_key);
        let theirs: CoreJsonWebKey = serde_json::from_value(jwk.clone()).unwrap();
        let ours = Key::parse(jwk).unwrap();
        for used in SigningAlgorithm::ALL {
            let good = signer.sign(used);
            let mut bad = good.clone();
            bad[good.len() / 2] ^= 1;
            let shorter = good[1..].to_vec();
            for claimed in SigningAlgorithm::ALL {
                for signature in [&good, &bad, &shorter] {
                    let made = ours.check(claimed, MESSAGE, signature);
                    let taken = ours.fits(None, claimed) && made == KeyCheck::Valid;
                    assert_ne!(made, KeyCheck::Unreadable, "{of_key:?}");
                    let judged = theirs.verify_signature(&jws(claimed), MESSAGE, signature);
                    assert_eq!(taken, judged.is_ok(), "{of_key:?} {used:?} {claimed:?}");
                    let same_kind = signer.jwk(claimed) == signer.jwk(of_key);
                    let right = signature == &good && used == claimed && same_kind;
                    assert_eq!(taken, right, "{of_key:?} {used:?} {claimed:?}");
                }
            }
        }
    }
}

#[test]
fn a_key_counts_however_its_numbers_are_written() {
    let signer = Signer::new();
    let signature = signer.sign(SigningAlgorithm::RS256);
    let modulus = signer.modulus();
    let written = encode(&modulus);
    let padded = encode(&[&[0, 0], &*modulus].concat());
    // The last digit has four bits of the last byte, and two that mean nothing.
    let (digits, last) = written.split_at(written.len() - 1);
    let next = char::from(last.as_bytes()[0] + 1);
    for n in [
        &written,
        &padded,
        &format!("{digits}{next}"),
        &format!("{written}=="),
    ] {
        let jwk = json!({ "kty": "RSA", "n": n, "e": "AAEAAQ" });
        let key = Key::parse(jwk).unwrap();
        let made = key.check(SigningAlgorithm::RS256, MESSAGE, &signature);
        assert_eq!(made, KeyCheck::Valid, "{n}");
    }
}

/// A key on P-256 or P-384 whose coordinate of this name begins with a zero.
fn with_a_zero(algorithm: &'static EcdsaSigningAlgorithm, name: &str) -> EcdsaKeyPair {
    let random = SystemRandom::new();
    loop {
        let key = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        let key = EcdsaKeyPair::from_pkcs8(algorithm, key.as_ref(), &random).unwrap();
        let point = &key.public_key().as_ref()[1..];
        let (x, y) = point.split_at(point.len() / 2);
        if (if name == "x" { x } else { y })[0] == 0 {
            return key;
        }
    }
}

#[test]
fn a_coordinate_is_read_with_zeros_too_few_or_too_many() {
    use SigningAlgorithm::{ES256, ES384};
    for (algorithm, ring, name) in [
        (ES256, &ECDSA_P256_SHA256_FIXED_SIGNING, "x"),
        (ES256, &ECDSA_P256_SHA256_FIXED_SIGNING, "y"),
        (ES384, &ECDSA_P384_SHA384_FIXED_SIGNING, "x"),
    ] {
        let mut signer = Signer::new();
        match algorithm {
            ES256 => signer.p256 = with_a_zero(ring, name),
            _ => signer.p384 = with_a_zero(ring, name),
        }
        let good = signer.jwk(algorithm);
        let signature = signer.sign(algorithm);
        let bytes = number(good[name].as_str().unwrap()).unwrap();
        assert_eq!(bytes[0], 0);
        for written in [
            &bytes[..],
            &unpadded(bytes.clone()),
            &[&[0], &*bytes].concat(),
        ] {
            let mut jwk = good.clone();
            jwk[name] = json!(encode(written));
            let key = Key::parse(jwk.clone()).unwrap();
            assert_eq!(
                key.check(algorithm, MESSAGE, &signature),
                KeyCheck::Valid,
                "{jwk}"
            );
        }
    }
}

#[test]
fn a_key_for_one_algorithm_says_so_by_any_of_its_names() {
    use SigningAlgorithm::{ES256, ES384, EdDSA, RS256};
    let signer = Signer::new();
    for (algorithm, names) in [
        (EdDSA, ["EdDSA", "Ed25519"]),
        (ES256, ["ES256", "ESP256"]),
        (ES384, ["ES384", "ESP384"]),
    ] {
        for name in names {
            let mut jwk = signer.jwk(algorithm);
            jwk["alg"] = json!(name);
            let key = Key::parse(jwk).unwrap();
            assert!(key.fits(None, algorithm), "{name}");
            assert!(!key.fits(None, RS256), "{name}");
        }
        let mut other = signer.jwk(algorithm);
        for name in ["Ed448", "ES512", "RSA-OAEP", "none", "HS256", ""] {
            other["alg"] = json!(name);
            assert!(Key::parse(other.clone()).is_none(), "{name}");
        }
    }
}

#[test]
fn members_that_are_null_are_absent_and_those_not_needed_are_not_looked_at() {
    let signer = Signer::new();
    for algorithm in [
        SigningAlgorithm::RS256,
        SigningAlgorithm::ES256,
        SigningAlgorithm::EdDSA,
    ] {
        let signature = signer.sign(algorithm);
        for (name, value) in [
            ("use", Value::Null),
            ("alg", Value::Null),
            ("kid", Value::Null),
            ("key_ops", Value::Null),
            ("x5c", Value::Null),
            ("issuer", Value::Null),
            ("use", json!("")),
            ("use", json!("SIG")),
            ("use", json!(["sig"])),
            ("key_ops", json!("verify")),
            ("x5c", json!("not a list")),
            ("x5t", json!(7)),
            ("ext", json!("true")),
        ] {
            let mut jwk = signer.jwk(algorithm);
            jwk[name] = value;
            let key = Key::parse(jwk.clone()).unwrap();
            assert!(key.fits(None, algorithm), "{jwk}");
            assert_eq!(
                key.check(algorithm, MESSAGE, &signature),
                KeyCheck::Valid,
                "{jwk}"
            );
        }
        for usage in [json!("enc"), json!(["enc"]), json!(1), json!("signature")] {
            let mut jwk = signer.jwk(algorithm);
            jwk["use"] = usage;
            assert!(Key::parse(jwk.clone()).is_none(), "{jwk}");
        }
    }
}

#[test]
fn what_is_no_key_of_its_kind_is_called_unreadable() {
    use SigningAlgorithm::{ES256, EdDSA, RS256};
    let signer = Signer::new();
    let with = |algorithm, name: &str, value: Value| {
        let mut jwk = signer.jwk(algorithm);
        jwk[name] = value;
        (algorithm, jwk)
    };
    let y = signer.p256.public_key().as_ref()[33..].to_vec();
    for (algorithm, jwk) in [
        with(RS256, "e", json!("AQ")),
        with(RS256, "e", json!("Ag")),
        with(RS256, "e", json!("AQAC")),
        with(RS256, "e", json!("AQAAAAAAAAAB")),
        with(RS256, "e", Value::Null),
        with(RS256, "e", json!("!")),
        with(RS256, "e", json!(65_537)),
        with(RS256, "n", Value::Null),
        with(RS256, "n", json!("*")),
        with(RS256, "n", json!(encode(&[0xff; 1025]))),
        with(RS256, "n", json!(encode(&[0xfe; 256]))),
        with(RS256, "alg", json!(7)),
        with(RS256, "issuer", json!(["https://issuer.example"])),
        with(RS256, "kty", Value::Null),
        with(ES256, "y", json!(encode(&y[..31]))),
        with(ES256, "y", json!(encode(&[&[1], &*y].concat()))),
        with(ES256, "y", signer.jwk(ES256)["x"].clone()),
        with(ES256, "y", json!("")),
        with(ES256, "y", Value::Null),
        with(ES256, "crv", Value::Null),
        with(ES256, "crv", json!(256)),
        with(ES256, "x", json!(encode(&[0xff; 32]))),
        with(EdDSA, "x", json!("AAAA")),
        with(EdDSA, "x", json!(encode(&[0; 33]))),
        with(EdDSA, "x", Value::Null),
        with(EdDSA, "crv", Value::Null),
        with(EdDSA, "crv", json!(25_519)),
    ] {
        let signature = signer.sign(algorithm);
        let mut jwk = jwk;
        jwk["kid"] = json!("1");
        let key = Key::parse(jwk.clone()).unwrap();
        assert!(key.fits(Some("1"), algorithm), "{jwk}");
        assert!(!key.fits(Some("2"), algorithm), "{jwk}");
        let made = key.check(algorithm, MESSAGE, &signature);
        assert_eq!(made, KeyCheck::Unreadable, "{jwk}");
    }
    // Keys for something else.
    for (algorithm, jwk) in [
        with(RS256, "kty", json!("oct")),
        with(ES256, "crv", json!("P-521")),
        with(ES256, "crv", json!("secp256k1")),
        with(EdDSA, "crv", json!("X25519")),
        with(EdDSA, "crv", json!("Ed448")),
    ] {
        assert!(Key::parse(jwk.clone()).is_none(), "{algorithm:?} {jwk}");
    }
    let (_, other_curve) = with(ES256, "crv", json!("P-384"));
    assert!(!Key::parse(other_curve).unwrap().fits(None, ES256));
    assert!(Key::parse(json!("rubbish")).is_none());
    assert!(Key::parse(Value::Null).is_none());
}
