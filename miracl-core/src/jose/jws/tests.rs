//! How a token is taken apart, and which key its signature is checked with.

use ring::signature::EcdsaKeyPair;
use serde_json::{Value, json};

use super::*;
use crate::probes::signer::{ES256, Signer, key_set};

#[test]
fn what_is_wrong_with_a_token_that_is_none_is_said() {
    let longest = "x".repeat(16 * 1024);
    for (raw, said) in [
        (longest.clone(), "it has not three segments"),
        (longest + "x", "longer than 16 KiB"),
        (
            "a.b.c.d.e".to_owned(),
            "it is encrypted, which was not registered",
        ),
        ("a.b.c.d".to_owned(), "it has not three segments"),
    ] {
        let found = Unverified::parse(&raw, ES256).err();
        let detail = said.to_owned();
        assert_eq!(
            found,
            Some(IdTokenError::Malformed { detail }),
            "{}",
            raw.len()
        );
    }
}

#[test]
fn keys_are_chosen_by_kid_type_use_and_algorithm() {
    let (good, other) = (Signer::new(), Signer::new());
    let checked = |keys: String, header: Value| {
        let raw = good.sign(&header, r#"{"sub":"alice"}"#);
        let Ok(token) = Unverified::parse(&raw, ES256) else {
            panic!("not taken apart: {header}");
        };
        token.check_signature(&KeySet::parse(keys.as_bytes()).unwrap())
    };
    let with_kid = || json!({"alg": "ES256", "kid": "1"});
    let without_kid = || json!({"alg": "ES256"});
    let set = |keys: &[(&EcdsaKeyPair, Value)]| key_set(keys);
    let kid = |kid: &str| json!({"kid": kid});

    assert_eq!(
        checked(set(&[(&good.key, kid("1"))]), with_kid()),
        SignatureCheck::Valid
    );
    assert_eq!(
        checked(set(&[(&good.key, kid("2"))]), with_kid()),
        SignatureCheck::NoKey
    );
    assert_eq!(
        checked(set(&[(&other.key, kid("1"))]), with_kid()),
        SignatureCheck::Invalid
    );
    assert_eq!(checked(set(&[]), with_kid()), SignatureCheck::NoKey);
    // Decoys that share the kid: another key, one for encryption, one of another algorithm.
    let decoys = set(&[
        (&other.key, kid("1")),
        (&other.key, json!({"kid": "1", "use": "enc"})),
        (&good.key, json!({"kid": "1", "use": "sig", "alg": "ES256"})),
    ]);
    assert_eq!(checked(decoys, with_kid()), SignatureCheck::Valid);
    for more in [
        json!({"kid": "1", "use": "enc"}),
        json!({"kid": "1", "alg": "ES384"}),
    ] {
        assert_eq!(
            checked(set(&[(&good.key, more)]), with_kid()),
            SignatureCheck::NoKey
        );
    }
    // Without a kid, every key that fits is tried.
    let several = set(&[(&other.key, kid("1")), (&good.key, kid("2"))]);
    assert_eq!(checked(several, without_kid()), SignatureCheck::Valid);
    assert_eq!(
        checked(set(&[(&other.key, kid("1"))]), without_kid()),
        SignatureCheck::Invalid
    );
}

#[test]
fn a_key_that_names_an_issuer_is_for_its_tokens_alone() {
    let signer = Signer::new();
    let published: Value = serde_json::from_str(&signer.jwks()).unwrap();
    let checked = |key: &str, claims: Value| {
        let mut published = published.clone();
        published["keys"][0]["issuer"] = json!(key);
        let raw = signer.token(&claims);
        let Ok(token) = Unverified::parse(&raw, ES256) else {
            panic!("not taken apart");
        };
        token.check_signature(&KeySet::parse(published.to_string().as_bytes()).unwrap())
    };
    let template = "https://i/{tenantid}/v2.0";
    let of = |iss: &str, tid: &str| json!({ "iss": iss, "tid": tid });
    for (key, claims) in [
        (template, of("https://i/one/v2.0", "one")),
        (template, json!({ "iss": "https://i/one/v2.0" })),
        ("https://i/one/v2.0", of("https://i/one/v2.0", "one")),
        ("https://i", json!({ "iss": "https://i" })),
        // The slash at the end makes no other issuer.
        ("https://i/", json!({ "iss": "https://i" })),
    ] {
        assert_eq!(
            checked(key, claims.clone()),
            SignatureCheck::Valid,
            "{key} {claims}"
        );
    }
    for (key, claims) in [
        ("https://i/one/v2.0", of("https://i/two/v2.0", "two")),
        ("https://i/one/v2.0", of("https://i/two/v2.0", "one")),
        (template, of("https://i/one/v2.0", "two")),
        (template, of("https://evil/one/v2.0", "one")),
        (template, of("https://i/{tenantid}/v2.0", "{tenantid}")),
        (template, of("https://i/a/b/v2.0", "a/b")),
        (template, of("https://i//v2.0", "")),
        (template, json!({ "iss": "https://i/one/v2.0", "tid": 1 })),
        (template, json!({ "iss": 1, "tid": "one" })),
        (template, json!({ "tid": "one" })),
        ("https://i", json!({ "iss": "https://other" })),
        ("", json!({ "iss": "https://i" })),
    ] {
        let found = checked(key, claims.clone());
        assert_eq!(found, SignatureCheck::OtherIssuer, "{key} {claims}");
    }
    // It says what a key is for, and not whose signature is good.
    let stranger = Signer::new().token(&json!({ "iss": "https://i" }));
    let Ok(token) = Unverified::parse(&stranger, ES256) else {
        panic!("not taken apart");
    };
    let mut published = published;
    published["keys"][0]["issuer"] = json!("https://i");
    let keys = KeySet::parse(published.to_string().as_bytes()).unwrap();
    assert_eq!(token.check_signature(&keys), SignatureCheck::Invalid);
}
