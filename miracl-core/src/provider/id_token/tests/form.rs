//! The form, the header and the signature of an ID token.

use serde_json::json;

use super::*;
use crate::{
    jose::algorithm::SigningAlgorithm,
    probes::signer::{ES256, Signer, key_set},
};

#[test]
fn a_member_that_stands_twice_in_a_token_is_named() {
    let provider = Signer::new();
    let header = json!({"alg": "ES256", "kid": "1"});
    let payload = claims().to_string();
    let twice = format!("{},\"sub\":\"alice\"}}", payload.strip_suffix('}').unwrap());
    let error = provider
        .verify(&provider.sign(&header, &twice))
        .unwrap_err();
    let detail = "the payload is JSON with the member `sub` twice".to_owned();
    assert_eq!(error, IdTokenError::Malformed { detail });
}

#[test]
fn a_shared_key_is_refused_on_purpose_and_the_error_says_so() {
    let error = |found: &str| {
        let found = found.to_owned();
        let allowed = vec!["ES256"];
        IdTokenError::Algorithm { allowed, found }.to_string()
    };
    for name in ["HS256", "HS384", "HS512"] {
        assert_eq!(
            error(name),
            format!(
                "it is signed with `{name}`, which is not accepted here: shared-key signature; allowed is ES256"
            )
        );
    }
    assert!(error("none").contains("not accepted here: no signature"));
    assert_eq!(error("XX"), "it is signed with `XX`, allowed is ES256");
}

#[test]
fn an_algorithm_counts_by_each_of_its_names() {
    use SigningAlgorithm::{ES384, EdDSA};
    let provider = Signer::new();
    let raw = provider.sign(&json!({"alg": "ESP256", "kid": "1"}), &claims().to_string());
    assert!(provider.verify(&raw).is_ok());
    for (name, algorithm) in [("Ed25519", EdDSA), ("EdDSA", EdDSA), ("ESP384", ES384)] {
        let raw = provider.sign(&json!({"alg": name}), "{}");
        let Ok(token) = Unverified::parse(&raw, &[algorithm]) else {
            panic!("not taken apart: {name}");
        };
        assert_eq!(token.algorithm(), algorithm);
        assert!(Unverified::parse(&raw, ES256).is_err());
    }
    for name in ["Ed448", "ESP512", "ES512", "ed25519"] {
        let raw = provider.sign(&json!({"alg": name}), "{}");
        assert!(Unverified::parse(&raw, &SigningAlgorithm::ALL).is_err());
    }
}

#[test]
fn only_allowed_algorithms_are_looked_at() {
    let provider = Signer::new();
    let payload = claims().to_string();
    for algorithm in ["none", "None", "HS256", "RS256", "ES384", "XX", ""] {
        let raw = provider.sign(&json!({"alg": algorithm, "kid": "1"}), &payload);
        let error = provider.verify(&raw).unwrap_err();
        assert!(
            matches!(error, IdTokenError::Algorithm { .. }),
            "{algorithm}: {error}"
        );
    }
    let unsigned = provider.sign(&json!({"alg": "none"}), &payload);
    let unsigned = format!("{}.", unsigned.rsplit_once('.').unwrap().0);
    assert!(matches!(
        provider.verify(&unsigned).unwrap_err(),
        IdTokenError::Algorithm { .. }
    ));
}

#[test]
fn a_key_that_the_token_brings_along_is_not_looked_at() {
    let (provider, mallory) = (Signer::new(), Signer::new());
    let own: Value =
        serde_json::from_str(&key_set(&[(&mallory.key, json!({"kid": "1"}))])).unwrap();
    for (header, error) in [
        (
            json!({"alg": "ES256", "kid": "1", "jwk": own["keys"][0], "jku": "https://evil.example"}),
            IdTokenError::Signature,
        ),
        (
            json!({"alg": "ES256", "jwk": own["keys"][0], "x5u": "https://evil.example", "x5c": ["AA"]}),
            IdTokenError::Signature,
        ),
        (
            json!({"alg": "ES256", "kid": "2", "jwk": own["keys"][0]}),
            IdTokenError::UnknownKey {
                kid: Some("2".to_owned()),
            },
        ),
    ] {
        let raw = mallory.sign(&header, &claims().to_string());
        assert_eq!(provider.verify(&raw).unwrap_err(), error, "{header}");
    }
}

#[test]
fn what_is_no_signed_jwt_is_refused() {
    let provider = Signer::new();
    let good = provider.token(&claims());
    let (head, signature) = good.rsplit_once('.').unwrap();
    let cases = [
        String::new(),
        "a".to_owned(),
        "a.b".to_owned(),
        "a.b.c.d.e".to_owned(),
        format!("{head}.{signature}."),
        format!("{good}="),
        format!(" {good}"),
        format!("{}.{}", head.replacen("ey", "e*", 1), signature),
        "x".repeat(17 * 1024),
        provider.sign(&json!([]), "{}"),
        provider.sign(&json!({"alg": 1}), "{}"),
        provider.sign(&json!({"alg": "ES256", "kid": 1}), "{}"),
        provider.sign(&json!({"alg": "ES256", "kid": "1"}), "[]"),
        provider.sign(&json!({"alg": "ES256", "kid": "1"}), "not json"),
        provider.sign(
            &json!({"alg": "ES256", "kid": "1"}),
            r#"{"sub":"alice","sub":"bob"}"#,
        ),
    ];
    for raw in cases {
        let error = provider.verify(&raw).unwrap_err();
        assert!(
            matches!(error, IdTokenError::Malformed { .. }),
            "{raw}: {error}"
        );
    }
    let critical = provider.sign(
        &json!({"alg": "ES256", "kid": "1", "crit": ["b64"]}),
        &claims().to_string(),
    );
    assert_eq!(
        provider.verify(&critical).unwrap_err(),
        IdTokenError::CriticalHeader
    );
}

#[test]
fn a_logout_token_is_no_id_token_whatever_its_claims() {
    let provider = Signer::new();
    let of_type = |typ: &str| {
        let header = json!({"alg": "ES256", "kid": "1", "typ": typ});
        provider.verify(&provider.sign(&header, &claims().to_string()))
    };
    for typ in ["logout+jwt", "application/logout+jwt", "LOGOUT+JWT"] {
        let error = of_type(typ).unwrap_err();
        assert!(matches!(error, IdTokenError::Malformed { .. }), "{typ}");
    }
    assert!(of_type("JWT").is_ok());
}

#[test]
fn no_byte_of_a_token_can_be_changed() {
    let provider = Signer::new();
    let good = provider.token(&claims());
    for place in (0..good.len()).step_by(7) {
        let mut changed = good.clone().into_bytes();
        changed[place] = if changed[place] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).unwrap();
        assert!(provider.verify(&changed).is_err(), "{place}");
    }
}
