use ring::hmac;

use super::*;
use crate::{
    MemoryMarkStore,
    config::options::ProjectJwtUse,
    error::{token::IdTokenError as E, trust::TrustError},
    store::storage::MarkStorage,
};

fn refusal(result: Result<crate::app::trust::ProjectUser, TrustError>) -> E {
    match result {
        Err(TrustError::ProjectJwt(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_good_jwt_says_who_it_is_and_counts_once() {
    let asking = Asking::new().await;
    let jwt = asking.jwt(&json!({ "x": 1 }));
    let user = asking.miracl.verify_project_jwt(&jwt).await.unwrap();
    assert_eq!(
        (user.id(), user.issuer()),
        ("alice", &*asking.provider.issuer)
    );
    assert_eq!(user.claims()["x"], 1);
    assert!(!format!("{user:?}").contains("alice"));
    let again = asking.miracl.verify_project_jwt(&jwt).await;
    assert!(matches!(again, Err(TrustError::Replayed)), "{again:?}");
    // Another one of the same person is another one.
    let other = asking.jwt(&json!({ "x": 2 }));
    asking.miracl.verify_project_jwt(&other).await.unwrap();
    assert_eq!(asking.provider.asked("/.well-known/jwks").len(), 1);
    assert_eq!(
        asking
            .provider
            .asked("/.well-known/project-configuration")
            .len(),
        1
    );
}

#[tokio::test]
async fn replicas_that_share_marks_take_a_jwt_once_and_a_setting_takes_it_until_it_expires() {
    let shared = MarkStorage::store(MemoryMarkStore::default());
    let one = Asking::with(|config| config.marks_store = shared).await;
    let jwt = one.jwt(&json!({}));
    let config = one.miracl.config().clone();
    let two = Miracl::new(config.clone()).unwrap();
    one.miracl.verify_project_jwt(&jwt).await.unwrap();
    let again = two.verify_project_jwt(&jwt).await;
    assert!(matches!(again, Err(TrustError::Replayed)), "{again:?}");
    let often = Miracl::new(Config {
        project_jwt_use: ProjectJwtUse::UntilExpiry,
        ..config
    });
    let often = often.unwrap();
    for _ in 0..3 {
        often.verify_project_jwt(&jwt).await.unwrap();
    }
}

#[tokio::test]
async fn every_claim_is_checked() {
    let asking = Asking::new().await;
    let now = asking.now;
    let audience = |found: &[&str]| E::Audience {
        expected: PROJECT.to_owned(),
        found: found.iter().map(|one| (*one).to_owned()).collect(),
    };
    let missing = |claim| E::Missing { claim };
    let invalid = |claim| E::Invalid { claim };
    for (changes, expected) in [
        (json!({ "aud": "other" }), audience(&["other"])),
        (json!({ "aud": [] }), audience(&[])),
        (json!({ "aud": null }), missing("aud")),
        (json!({ "aud": 1 }), invalid("aud")),
        (
            json!({ "aud": [PROJECT, "other"] }),
            E::UntrustedAudience {
                found: "other".to_owned(),
            },
        ),
        (json!({ "iss": null }), missing("iss")),
        (
            json!({ "iss": "https://evil.example" }),
            E::Issuer {
                expected: asking.provider.issuer.clone(),
                found: "https://evil.example".to_owned(),
            },
        ),
        (
            json!({ "iat": now - 61, "exp": now - 1 }),
            E::Expired { seconds: 1 },
        ),
        (
            json!({ "iat": now - 60, "exp": now }),
            E::Expired { seconds: 0 },
        ),
        // It says that it lives longer than such a JWT does.
        (
            json!({ "iat": now - 61, "exp": now + 3600 }),
            E::Expired { seconds: 1 },
        ),
        (json!({ "exp": null }), missing("exp")),
        (json!({ "exp": "soon" }), invalid("exp")),
        (json!({ "exp": -1 }), invalid("exp")),
        (json!({ "exp": 1e300 }), invalid("exp")),
        (json!({ "iat": null }), missing("iat")),
        (
            json!({ "iat": now + 61, "exp": now + 121 }),
            E::NotYetValid {
                claim: "iat",
                seconds: 61,
            },
        ),
        (
            json!({ "nbf": now + 61 }),
            E::NotYetValid {
                claim: "nbf",
                seconds: 61,
            },
        ),
        (json!({ "sub": null }), missing("sub")),
        (json!({ "sub": "" }), invalid("sub")),
        (json!({ "sub": 7 }), invalid("sub")),
        (json!({ "sub": "x".repeat(256) }), invalid("sub")),
    ] {
        let jwt = asking.jwt(&changes);
        let found = refusal(asking.miracl.verify_project_jwt(&jwt).await);
        assert_eq!(found, expected, "{changes}");
    }
    for good in [
        json!({ "iat": now - 59, "exp": now + 1 }),
        json!({ "iat": now + 59, "exp": now + 119 }),
        json!({ "aud": [PROJECT] }),
        json!({ "nbf": now + 1 }),
    ] {
        let jwt = asking.jwt(&good);
        assert!(
            asking.miracl.verify_project_jwt(&jwt).await.is_ok(),
            "{good}"
        );
    }
}

#[tokio::test]
async fn only_rs256_by_a_published_key_of_2048_bits_counts() {
    let asking = Asking::new().await;
    let claims = asking.claims(&json!({}));
    let signed = |header: Value| asking.signer.sign(&header, &claims);
    for alg in ["none", "HS256", "RS384", "PS256", "ES256", "EdDSA"] {
        let found = signed(json!({ "alg": alg, "kid": KID }));
        let found = refusal(asking.miracl.verify_project_jwt(&found).await);
        assert!(matches!(found, E::Algorithm { .. }), "{alg}: {found:?}");
    }
    // HS256 with the public key.
    let jwk = asking.signer.jwk(KID).to_string();
    let good = signed(json!({ "alg": "HS256", "kid": KID }));
    let (message, _) = good.rsplit_once('.').unwrap();
    let key = hmac::Key::new(hmac::HMAC_SHA256, jwk.as_bytes());
    let tag = hmac::sign(&key, message.as_bytes());
    let tag = base64_simd::URL_SAFE_NO_PAD.encode_to_string(tag.as_ref());
    let found = refusal(
        asking
            .miracl
            .verify_project_jwt(&format!("{message}.{tag}"))
            .await,
    );
    assert!(matches!(found, E::Algorithm { .. }));
    let typ = signed(json!({ "alg": "RS256", "kid": KID, "typ": "logout+jwt" }));
    let found = refusal(asking.miracl.verify_project_jwt(&typ).await);
    assert!(matches!(found, E::Malformed { .. }));
    let critical = signed(json!({ "alg": "RS256", "kid": KID, "crit": ["x"] }));
    assert_eq!(
        refusal(asking.miracl.verify_project_jwt(&critical).await),
        E::CriticalHeader
    );
    for junk in ["", ".", "a.b.c", &"x".repeat(20_000)] {
        let found = refusal(asking.miracl.verify_project_jwt(junk).await);
        assert!(matches!(found, E::Malformed { .. }), "{junk}");
    }
    // A changed payload.
    let jwt = asking.jwt(&json!({}));
    let parts: Vec<&str> = jwt.split('.').collect();
    let other = asking.jwt(&json!({ "sub": "bob" }));
    let payload = other.split('.').nth(1).unwrap();
    let mixed = [parts[0], payload, parts[2]].join(".");
    assert_eq!(
        refusal(asking.miracl.verify_project_jwt(&mixed).await),
        E::Signature
    );
    // A short key, under the same name.
    let mut weak = asking.signer.jwk(KID);
    let n = weak["n"].as_str().unwrap()[..171].to_owned();
    weak["n"] = n.into();
    asking
        .provider
        .say("/.well-known/jwks", &json!({ "keys": [weak] }).to_string());
    let fresh = Miracl::new(asking.miracl.config().clone()).unwrap();
    assert_eq!(refusal(fresh.verify_project_jwt(&jwt).await), E::WeakKey);
}

#[tokio::test]
async fn a_key_that_is_not_known_is_fetched_on_a_budget() {
    let asking = Asking::new().await;
    asking
        .miracl
        .verify_project_jwt(&asking.jwt(&json!({})))
        .await
        .unwrap();
    // The platform has a new key.
    asking
        .provider
        .say("/.well-known/jwks", &asking.signer.jwks("k2"));
    let rotated = asking
        .signer
        .token("k2", &asking.claims(&json!({ "x": 1 })));
    asking.miracl.verify_project_jwt(&rotated).await.unwrap();
    assert_eq!(asking.provider.asked("/.well-known/jwks").len(), 2);
    // Somebody makes names up.
    for number in 0..20 {
        let made_up = asking
            .signer
            .token(&format!("no{number}"), &asking.claims(&json!({})));
        let found = asking
            .miracl
            .verify_project_jwt(&made_up)
            .await
            .unwrap_err();
        // As soon as no more keys are fetched, a good JWT by a new key could not be told from this one.
        let expected = if number == 0 { 401 } else { 503 };
        assert_eq!(found.status(), expected, "{number}: {found:?}");
    }
    let fetches = asking.provider.asked("/.well-known/jwks").len();
    assert_eq!(fetches, 4, "the first, and three a minute");
}

#[tokio::test]
async fn a_slash_at_the_end_of_the_issuer_does_not_matter_and_another_issuer_asks_nobody() {
    let asking = Asking::with(|config| config.issuer.push('/')).await;
    asking
        .miracl
        .verify_project_jwt(&asking.jwt(&json!({})))
        .await
        .unwrap();
    let path = "/.well-known/openid-configuration";
    let before = asking.provider.asked(path).len();
    let other = asking.jwt(&json!({ "iss": "https://evil.example" }));
    refusal(asking.miracl.verify_project_jwt(&other).await);
    assert_eq!(asking.provider.asked(path).len(), before);
}

#[tokio::test]
async fn a_project_of_the_settings_is_not_asked_for() {
    let asking = Asking::with(|config| config.project_id = Some(" mine\n".to_owned())).await;
    let jwt = asking.jwt(&json!({ "aud": "mine" }));
    asking.miracl.verify_project_jwt(&jwt).await.unwrap();
    assert_eq!(
        asking
            .provider
            .asked("/.well-known/project-configuration")
            .len(),
        0
    );
    refusal(
        asking
            .miracl
            .verify_project_jwt(&asking.jwt(&json!({})))
            .await,
    );
}

#[tokio::test]
async fn a_flood_of_jwts_leaves_a_bounded_number_of_marks() {
    let asking = Asking::new().await;
    let marks = &asking.miracl.engine().sessions.marks;
    let mark = |number: u64| {
        let mut key = crate::MarkKey([7; 32]);
        key.0[..8].copy_from_slice(&number.to_le_bytes());
        key
    };
    let life = Duration::from_secs(60);
    let first = marks.use_project_jwt(&mark(0), life).await.unwrap();
    assert!(first && !marks.use_project_jwt(&mark(0), life).await.unwrap());
    for number in 1..=300_000 {
        assert!(marks.use_project_jwt(&mark(number), life).await.unwrap());
    }
    // The newest are all there, and the oldest made room: 100,000 are kept.
    assert!(!marks.use_project_jwt(&mark(300_000), life).await.unwrap());
    assert!(!marks.use_project_jwt(&mark(250_000), life).await.unwrap());
    assert!(marks.use_project_jwt(&mark(1), life).await.unwrap());
}
