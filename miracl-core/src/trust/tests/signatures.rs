use super::*;
use crate::{
    app::trust::{Signature, SignatureVerdict as V, document_hash},
    error::trust::{TrustCode, TrustError},
};

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

#[tokio::test]
async fn the_auth_token_is_the_one_of_the_reference() {
    let asking = Asking::new().await;
    let hash = document_hash("sample document");
    let token = asking.miracl.dvs_auth_token(&hash).await.unwrap();
    assert_eq!(
        token.expose(),
        "TW9ja0NsaWVudElkOmU1M2U4ZTY2NGM0NWJlMzQyZWZjZmExNDZlNTM4ODc3ZGYyYWQ2NDViNGExYTA1OWIxNmY5NTBkMzhhZGUzYzU="
    );
    for bad in [
        "",
        "abc",
        "zz",
        &"g".repeat(64),
        &"a".repeat(63),
        &"a".repeat(10_240),
    ] {
        let refused = asking.miracl.dvs_auth_token(bad).await;
        let name = matches!(refused, Err(TrustError::Argument { name: "hash", .. }));
        assert!(name, "{bad}");
    }
}

#[tokio::test]
async fn a_certificate_proves_the_hash_and_the_time_and_nothing_else_does() {
    let asking = Asking::new().await;
    let (now, hash) = (asking.now, document_hash("sample document"));
    let claims = json!({ "cAt": now, "exp": now + 10, "hash": hash });
    let with = |changes: Value| {
        let mut claims = claims.clone();
        change(&mut claims, &changes);
        claims
    };
    let verdict = async |certificate: &str, timestamp: u64| {
        let answer = json!({ "certificate": certificate });
        asking.provider.say("/dvs/verify", &answer.to_string());
        asking
            .miracl
            .verify_signature(&signature(), timestamp)
            .await
            .unwrap()
    };
    let good = asking.signer.token(KID, &claims);
    let V::Valid(certificate) = verdict(&good, now).await else {
        panic!("a good certificate")
    };
    assert_eq!(certificate.jws(), good);
    assert_eq!(
        (certificate.hash(), certificate.created_at()),
        (&*hash, now)
    );
    assert_eq!(certificate.expires_at(), now + 10);
    assert!(!format!("{certificate:?}").contains(&good));
    let capitals = with(json!({ "hash": hash.to_ascii_uppercase() }));
    assert!(
        verdict(&asking.signer.token(KID, &capitals), now)
            .await
            .is_valid()
    );

    for changes in [
        json!({ "hash": document_hash("another") }),
        json!({ "hash": null }),
        json!({ "cAt": null }),
        json!({ "exp": null }),
        json!({ "cAt": "now" }),
        json!({ "exp": now - 61 }),
        json!({ "cAt": now - 3600 }),
        json!({ "cAt": now + 3600, "exp": now + 3610 }),
    ] {
        let bad = asking.signer.token(KID, &with(changes.clone()));
        assert_eq!(verdict(&bad, now).await, V::InvalidSignature, "{changes}");
    }
    // From before the time that was signed, by more than clocks may differ.
    assert_eq!(verdict(&good, now + 61).await, V::InvalidSignature);
    assert!(verdict(&good, now + 60).await.is_valid());

    let none = asking
        .signer
        .sign(&json!({ "alg": "none", "kid": KID }), &claims);
    let hmac = asking
        .signer
        .sign(&json!({ "alg": "HS256", "kid": KID }), &claims);
    let other_key = asking.signer.token("s2", &claims);
    let (head, _) = good.rsplit_once('.').unwrap();
    let unsigned = format!("{head}.");
    for bad in [&none, &hmac, &other_key, &unsigned, "", "x"] {
        let found = match bad {
            "" => continue,
            bad => verdict(bad, now).await,
        };
        assert_eq!(found, V::InvalidSignature, "{bad}");
    }
}

#[tokio::test]
async fn a_certificate_by_another_or_a_short_key_proves_nothing() {
    for bits in [1024, 2048] {
        let asking = Asking::new().await;
        let (now, hash) = (asking.now, document_hash("sample document"));
        let claims = json!({ "cAt": now, "exp": now + 10, "hash": hash });
        let mut other = asking.signer.jwk(KID);
        let n = other["n"].as_str().unwrap().to_owned();
        other["n"] = match bits {
            1024 => n[..171].into(),
            _ => format!("x{}", &n[1..]).into(),
        };
        asking
            .provider
            .say("/dvs/jwks", &json!({ "keys": [other] }).to_string());
        let certificate = asking.signer.token(KID, &claims);
        let answer = json!({ "certificate": certificate });
        asking.provider.say("/dvs/verify", &answer.to_string());
        let verdict = asking.miracl.verify_signature(&signature(), now).await;
        assert_eq!(verdict.unwrap(), V::InvalidSignature, "{bits}");
    }
}

#[tokio::test]
async fn a_refusal_that_judges_the_signature_is_a_verdict_and_another_is_an_error() {
    let asking = Asking::new().await;
    for (status, code, expected) in [
        (401, "INVALID_SIGNATURE", Some(V::BadPin)),
        (401, "", Some(V::BadPin)),
        (401, "NEW", Some(V::BadPin)),
        (410, "REVOKED_MPINID", Some(V::UserBlocked)),
        (403, "MPINID_REVOKED", Some(V::UserBlocked)),
        (410, "", Some(V::UserBlocked)),
        (400, "INVALID_REQUEST_PARAMETERS", Some(V::MissingSignature)),
        (400, "INVALID_REQUEST_BODY", Some(V::MissingSignature)),
        (400, "", Some(V::MissingSignature)),
        (401, "UNAUTHORIZED", None),
        (401, "UNAUTHORIZED_REQUEST", None),
        (403, "FORBIDDEN", None),
        (404, "NOT_FOUND", None),
        (429, "REQUEST_BACKOFF", None),
        (500, "INVALID_SIGNATURE", None),
    ] {
        let body = match code {
            "" => "{}".to_owned(),
            code => json!({ "error": code, "info": "why", "context": null }).to_string(),
        };
        asking
            .provider
            .say_as("/dvs/verify", status, "application/json", &body);
        let found = asking
            .miracl
            .verify_signature(&signature(), asking.now)
            .await;
        match (found, expected) {
            (Ok(found), Some(expected)) => assert_eq!(found, expected, "{status} {code}"),
            (Err(error), None) => assert_ne!(error.status(), 500, "{status} {code}"),
            (found, _) => panic!("{status} {code}: {found:?}"),
        }
    }
}

#[tokio::test]
async fn what_cannot_be_a_signature_is_not_sent() {
    let asking = Asking::new().await;
    let mut bad: Vec<(Signature, u64, &str)> = Vec::new();
    for hash in ["", "ff", &"z".repeat(64), &"a".repeat(65)] {
        let hash = hash.to_owned();
        bad.push((
            Signature {
                hash,
                ..signature()
            },
            1,
            "hash",
        ));
    }
    bad.push((
        Signature {
            u: String::new(),
            ..signature()
        },
        1,
        "u",
    ));
    bad.push((
        Signature {
            v: "0".repeat(9000),
            ..signature()
        },
        1,
        "v",
    ));
    bad.push((
        Signature {
            mpin_id: String::new(),
            ..signature()
        },
        1,
        "mpin_id",
    ));
    bad.push((
        Signature {
            public_key: String::new(),
            ..signature()
        },
        1,
        "public_key",
    ));
    bad.push((
        Signature {
            dtas: Some("x".repeat(9000)),
            ..signature()
        },
        1,
        "dtas",
    ));
    bad.push((signature(), u64::MAX, "timestamp"));
    bad.push((signature(), 253_402_300_800, "timestamp"));
    for (signature, timestamp, argument) in bad {
        let refused = asking.miracl.verify_signature(&signature, timestamp).await;
        match refused {
            Err(error @ TrustError::Argument { name, .. }) => {
                assert_eq!((name, error.status()), (argument, 400));
            }
            other => panic!("{argument}: {other:?}"),
        }
    }
    assert!(asking.provider.asked("/dvs/verify").is_empty());
    assert_eq!(
        TrustCode::read("INVALID_SIGNATURE".to_owned()),
        TrustCode::InvalidSignature
    );
}
