//! ID tokens that log nobody in, and the keys that they are signed with.

use base64_simd::URL_SAFE_NO_PAD;
use miracl_tests::{Adapter, Answers, Browser, Demo, Endpoint, Provider, scenarios};
use serde_json::{Value, json};

use crate::journey::{Journey, assert_refused, fail};

scenarios![
    an_id_token_with_a_wrong_claim_is_no_login,
    an_id_token_with_a_bad_signature_is_no_login,
    an_id_token_signed_by_an_unknown_key_is_no_login,
    an_id_token_of_another_algorithm_than_registered_is_no_login,
    a_new_signing_key_is_found_within_the_login,
    a_new_signing_key_under_the_old_name_is_found_as_well,
];

async fn an_id_token_with_a_wrong_claim_is_no_login(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    for (claim, value) in [
        ("iss", json!("https://evil.example")),
        ("iss", Value::Null),
        ("aud", json!("another-client")),
        ("aud", json!([])),
        ("aud", Value::Null),
        (
            "aud",
            json!([Provider::CLIENT_ID, "somebody-we-do-not-trust"]),
        ),
        ("azp", json!("another-client")),
        ("exp", json!(1_000_000_000)),
        ("exp", Value::Null),
        ("iat", json!(4_000_000_000_u64)),
        ("iat", Value::Null),
        ("nonce", json!("another-nonce")),
        ("nonce", Value::Null),
        ("sub", json!("")),
        ("sub", Value::Null),
        ("at_hash", json!("AAAAAAAAAAAAAAAAAAAAAA")),
    ] {
        journey
            .provider
            .set(Endpoint::IdToken, Answers::member(claim, value.clone()));
        let answer = fail(&journey).await;
        assert!(
            matches!(answer.status, 400..=499 | 502),
            "{claim} {value}: {}",
            answer.status
        );
        assert!(
            answer.has_alert("danger", "Login failed!"),
            "{claim} {value}: {}",
            answer.body
        );
    }
    assert_eq!(
        journey.provider.count(Endpoint::Userinfo),
        0,
        "nothing is fetched with a token of a bad login"
    );
}

async fn an_id_token_with_a_bad_signature_is_no_login(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    let forge: [fn(&str) -> String; 5] = [
        // Another person's claims under a good signature.
        |token| {
            let parts: Vec<_> = token.split('.').collect();
            let claims = URL_SAFE_NO_PAD.decode_to_vec(parts[1]).expect("base64");
            let claims = String::from_utf8_lossy(&claims).replace(Provider::SUBJECT, "mallory");
            format!(
                "{}.{}.{}",
                parts[0],
                URL_SAFE_NO_PAD.encode_to_string(claims),
                parts[2]
            )
        },
        // No signature at all, once with `none` as its algorithm and once without saying so.
        |token| {
            let claims = token.split('.').nth(1).expect("claims");
            format!(
                "{}.{claims}.",
                URL_SAFE_NO_PAD.encode_to_string("{\"alg\":\"none\"}")
            )
        },
        |token| format!("{}.", token.rsplit_once('.').expect("a signature").0),
        |token| {
            format!(
                "{}.{}",
                token.rsplit_once('.').expect("a signature").0,
                "A".repeat(86)
            )
        },
        // The public key as a shared secret.
        |token| {
            let claims = token.split('.').nth(1).expect("claims");
            let head = URL_SAFE_NO_PAD.encode_to_string("{\"alg\":\"HS256\",\"kid\":\"first\"}");
            format!("{head}.{claims}.{}", "A".repeat(43))
        },
    ];
    for (number, forge) in forge.into_iter().enumerate() {
        journey.provider.set(
            Endpoint::Token,
            Answers::Changed(Box::new(move |answer| {
                answer["id_token"] = json!(forge(answer["id_token"].as_str().expect("a token")));
            })),
        );
        let answer = fail(&journey).await;
        assert_refused(&answer);
        assert_eq!(journey.provider.count(Endpoint::Userinfo), 0, "{number}");
    }
}

async fn an_id_token_signed_by_an_unknown_key_is_no_login(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    for keys in [
        json!([]),
        json!([{ "kty": "oct", "k": "AAAA", "kid": "first", "alg": "HS256" }]),
    ] {
        journey
            .provider
            .set(Endpoint::Jwks, Answers::member("keys", keys));
        let answer = fail(&journey).await;
        assert!(
            matches!(answer.status, 400..=499 | 502),
            "{}",
            answer.status
        );
        assert!(
            answer.has_alert("danger", "Login failed!"),
            "{}",
            answer.body
        );
    }
}

async fn an_id_token_of_another_algorithm_than_registered_is_no_login(adapter: Adapter) {
    let provider = Provider::start();
    let journey = Journey {
        demo: Demo::of(adapter, &provider)
            .env("ID_TOKEN_SIGNED_RESPONSE_ALG", "RS256")
            .start(),
        provider,
        browser: Browser::new(),
    };
    assert_refused(&fail(&journey).await);
}

async fn a_new_signing_key_is_found_within_the_login(adapter: Adapter) {
    let journey = Journey::logged_in(adapter).await;
    journey.provider.rotate_key("second");
    journey.log_in().await;
    journey.assert_still_logged_in().await;
}

async fn a_new_signing_key_under_the_old_name_is_found_as_well(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    for _ in 0..3 {
        journey.provider.rotate_key("always-the-same");
        journey.log_in().await;
        journey.assert_still_logged_in().await;
    }
}
