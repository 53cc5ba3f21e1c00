//! Which key of a set a signature is checked with.

use base64_simd::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::*;
use crate::{
    jose::jws::Unverified,
    probes::signer::{ES256, Signer},
};

/// An RSA key with this modulus.
fn rsa(kid: &str, modulus: &[u8]) -> Value {
    let n = URL_SAFE_NO_PAD.encode_to_string(modulus);
    json!({ "kty": "RSA", "kid": kid, "n": n, "e": "AQAB" })
}

fn checked(keys: &[Value], kid: Option<&str>) -> SignatureCheck {
    let text = json!({ "keys": keys }).to_string();
    let keys = KeySet::parse(text.as_bytes()).unwrap();
    keys.verify(
        kid,
        SigningAlgorithm::RS256,
        b"message",
        b"signature",
        &|_| true,
    )
}

#[test]
fn an_rsa_key_is_measured_by_the_bits_of_its_modulus() {
    let long = [0xff; 256];
    let mut short = long;
    short[0] = 0x7f;
    let mut padded = vec![0; 3];
    padded.extend(long);
    for (modulus, expected) in [
        (&long[..], SignatureCheck::Invalid),
        (&short, SignatureCheck::WeakKey),
        (&padded, SignatureCheck::Invalid),
        (&long[1..], SignatureCheck::WeakKey),
        (&[0xff; 512], SignatureCheck::Invalid),
        (&[0; 512], SignatureCheck::WeakKey),
    ] {
        let found = checked(&[rsa("1", modulus)], Some("1"));
        assert_eq!(found, expected, "{} bytes", modulus.len());
    }
}

#[test]
fn a_weak_key_is_told_only_where_there_is_no_other() {
    let (weak, strong) = (rsa("1", &[0xff; 128]), rsa("1", &[0xff; 256]));
    let of = |keys: &[Value]| checked(keys, Some("1"));
    assert_eq!(of(&[weak.clone(), strong.clone()]), SignatureCheck::Invalid);
    assert_eq!(of(&[strong, weak.clone()]), SignatureCheck::Invalid);
    assert_eq!(of(&[weak]), SignatureCheck::WeakKey);
    assert_eq!(of(&[]), SignatureCheck::NoKey);
}

#[test]
fn a_key_that_is_unreadable_is_skipped_and_told_where_the_token_needs_it() {
    let signer = Signer::new();
    let raw = |kid: Value| signer.sign(&json!({ "alg": "ES256", "kid": kid }), "{}");
    let good: Value = serde_json::from_str(&signer.jwks()).unwrap();
    let good = &good["keys"][0];
    let broken = |kid: &str| json!({ "kty": "EC", "crv": "P-256", "kid": kid, "x": "AA" });
    let checked = |keys: &[Value], raw: &str| {
        let Ok(token) = Unverified::parse(raw, ES256) else {
            panic!("not taken apart");
        };
        let text = json!({ "keys": keys }).to_string();
        token.check_signature(&KeySet::parse(text.as_bytes()).unwrap())
    };
    let others = [
        json!("rubbish"),
        Value::Null,
        json!({ "kid": "1", "kty": "oct" }),
    ];
    let set = |key: &Value| [&others[..], std::slice::from_ref(key)].concat();
    // Another key, or a namesake, does not spoil a good one.
    for kid in ["1", "2"] {
        let keys = [set(&broken(kid)), vec![good.clone()]].concat();
        for named in [json!("1"), Value::Null] {
            assert_eq!(checked(&keys, &raw(named)), SignatureCheck::Valid, "{kid}");
        }
    }
    for (keys, kid, expected) in [
        (set(&broken("1")), json!("1"), SignatureCheck::UnreadableKey),
        (set(&broken("1")), json!("2"), SignatureCheck::NoKey),
        (
            set(&broken("1")),
            Value::Null,
            SignatureCheck::UnreadableKey,
        ),
        (
            set(&json!({ "kid": "1" })),
            json!("1"),
            SignatureCheck::UnreadableKey,
        ),
        (
            set(&json!({ "kid": "1" })),
            Value::Null,
            SignatureCheck::NoKey,
        ),
    ] {
        assert_eq!(checked(&keys, &raw(kid)), expected, "{keys:?}");
    }
    // Nobody can tell which of two namesakes signed a token that is not by the one that can be read.
    let stranger = Signer::new().sign(&json!({ "alg": "ES256", "kid": "1" }), "{}");
    let keys = [broken("1"), good.clone()];
    assert_eq!(checked(&keys, &stranger), SignatureCheck::UnreadableKey);
    assert_eq!(checked(&keys[1..], &stranger), SignatureCheck::Invalid);
    // A key that contradicts itself is no key.
    let twice =
        br#"{"keys":[{"kty":"EC","kid":"1","kid":"2"}],"keys":[{"kty":"EC","kid":"1","kid":"2"}]}"#;
    assert!(KeySet::parse(twice).unwrap().0.is_empty());
}

#[test]
fn a_set_that_is_none_says_which_member_is_wrong() {
    for (text, error) in [
        ("{}", "`keys` is missing"),
        (r#"{"keys":null}"#, "`keys` is missing"),
        (
            r#"{"keys":{}}"#,
            "`keys` is a JSON object instead of an array",
        ),
        (
            r#"{"keys":[],"keys":[1]}"#,
            "JSON with the member `keys` twice",
        ),
    ] {
        assert_eq!(KeySet::parse(text.as_bytes()).unwrap_err(), error);
    }
}

#[test]
fn a_token_without_a_kid_is_tried_with_eight_keys_at_most() {
    let signer = Signer::new();
    let raw = signer.sign(&json!({ "alg": "ES256" }), "{}");
    let Ok(token) = Unverified::parse(&raw, ES256) else {
        panic!("not taken apart");
    };
    let key = |signer: &Signer| -> Value {
        let mut set: Value = serde_json::from_str(&signer.jwks()).unwrap();
        set["keys"][0].take()
    };
    for (strangers, expected) in [(7, SignatureCheck::Valid), (8, SignatureCheck::Invalid)] {
        let mut keys: Vec<Value> = (0..strangers).map(|_| key(&Signer::new())).collect();
        keys.push(key(&signer));
        let keys = json!({ "keys": keys }).to_string();
        let keys = KeySet::parse(keys.as_bytes()).unwrap();
        assert_eq!(token.check_signature(&keys), expected, "{strangers}");
    }
}

#[test]
fn unusable_keys_in_a_set_do_not_spoil_the_others_and_short_rsa_keys_are_weak() {
    let short = URL_SAFE_NO_PAD.encode_to_string([0xff; 128]);
    let text = json!({"keys": [
        {"kty": "XX"},
        "rubbish",
        {"kty": "RSA", "kid": "1", "n": short, "e": "AQAB"},
    ]});
    let keys = KeySet::parse(text.to_string().as_bytes()).unwrap();
    let checked = keys.verify(Some("1"), SigningAlgorithm::RS256, b"", b"", &|_| true);
    assert_eq!(checked, SignatureCheck::WeakKey);
    // The same modulus with bits behind its last byte, as some providers write it, and what is no modulus.
    for (n, expected) in [
        (
            format!("{}x", &short[..short.len() - 1]),
            SignatureCheck::WeakKey,
        ),
        (format!("{short}="), SignatureCheck::WeakKey),
        ("*".to_owned(), SignatureCheck::UnreadableKey),
        (String::new(), SignatureCheck::WeakKey),
    ] {
        let text = json!({"keys": [{"kty": "RSA", "kid": "1", "n": n, "e": "AQAB"}]});
        let keys = KeySet::parse(text.to_string().as_bytes()).unwrap();
        let checked = keys.verify(Some("1"), SigningAlgorithm::RS256, b"", b"", &|_| true);
        assert_eq!(checked, expected, "{n}");
    }
    // No modulus at all.
    let keys = KeySet::parse(br#"{"keys":[{"kty":"RSA","kid":"1","e":"AQAB"}]}"#).unwrap();
    let checked = keys.verify(Some("1"), SigningAlgorithm::RS256, b"", b"", &|_| true);
    assert_eq!(checked, SignatureCheck::UnreadableKey);
    assert!(KeySet::parse(b"{}").is_err());
    assert!(KeySet::parse(b"[]").is_err());
    assert!(KeySet::parse(br#"{"keys":{}}"#).is_err());
}
