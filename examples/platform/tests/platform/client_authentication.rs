//! How an app authenticates at the token endpoint.

use miracl_platform::{Client, ClientAuthMethod, Platform, StartError};
use ring::hmac;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Value, json};

use crate::app::{CALLBACK, VERIFIER, exchange, log_in, params, start};
use crate::http::{self, Answer};
use crate::verify::{decode, encode};

const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

#[tokio::test]
async fn a_client_authenticates_in_one_way_and_not_in_two() {
    let platform = start().await;
    let basic = format!(
        "Basic {}",
        base64_simd::STANDARD.encode_to_string("app:s3cret")
    );
    let token_url = format!("{}/oidc/token", platform.issuer());
    for (with_secret, status) in [(false, 200), (true, 400)] {
        let callback = log_in(&platform).await;
        let code = params(&callback)["code"].clone();
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
        ];
        if with_secret {
            form.push(("client_secret", "s3cret"));
        }
        let answer = http::post(&token_url, &[("authorization", &basic)], &form).await;
        assert_eq!(answer.status, status, "{answer:?}");
    }
    let repeated = [
        ("code", "a"),
        ("code", "b"),
        ("grant_type", "authorization_code"),
    ];
    assert_eq!(
        http::post(&token_url, &[("authorization", &basic)], &repeated)
            .await
            .status,
        400
    );
}

/// A key of the app, and its public half as a JWK set.
fn key() -> (EcdsaKeyPair, Value) {
    let (algorithm, random) = (&ECDSA_P256_SHA256_FIXED_SIGNING, SystemRandom::new());
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
    let key = EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &random).unwrap();
    let (x, y) = key.public_key().as_ref()[1..].split_at(32);
    let jwk = json!({ "kty": "EC", "crv": "P-256", "kid": "1", "x": encode(x), "y": encode(y) });
    (key, json!({ "keys": [jwk] }))
}

fn register(platform: &Platform, method: ClientAuthMethod, jwks: Option<Value>) {
    let mut client = Client::new("app", "s3cret", CALLBACK);
    client.token_endpoint_auth_method = Some(method);
    client.jwks = jwks;
    platform.add_client(client).unwrap();
}

/// Correct claims, apart from `changes`; null leaves a claim out.
fn assertion_claims(platform: &Platform, jti: &str, changes: &Value) -> Value {
    let mut claims = json!({
        "iss": "app", "sub": "app", "aud": platform.issuer(),
        "iat": now(), "exp": now() + 60, "jti": jti,
    });
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims
        .as_object_mut()
        .unwrap()
        .retain(|_, value| !value.is_null());
    claims
}

fn now() -> u64 {
    let now = std::time::SystemTime::now();
    now.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()
}

fn sign_with_secret(claims: &Value, secret: &str) -> String {
    let header = json!({ "alg": "HS256" });
    let signed = format!(
        "{}.{}",
        encode(header.to_string()),
        encode(claims.to_string())
    );
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let signature = hmac::sign(&key, signed.as_bytes());
    format!("{signed}.{}", encode(signature))
}

fn sign_with_key(claims: &Value, key: &EcdsaKeyPair) -> String {
    let header = json!({ "alg": "ES256", "kid": "1" });
    let signed = format!(
        "{}.{}",
        encode(header.to_string()),
        encode(claims.to_string())
    );
    let signature = key.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
    format!("{signed}.{}", encode(signature))
}

async fn present(platform: &Platform, assertion: &str) -> Answer {
    let callback = log_in(platform).await;
    let changes = [
        ("client_id", ""),
        ("client_secret", ""),
        ("client_assertion_type", JWT_BEARER),
        ("client_assertion", assertion),
    ];
    exchange(platform, &callback, &changes).await
}

fn assert_refused(answer: &Answer, why: &str) {
    assert_eq!(answer.status, 401, "{why}: {answer:?}");
    assert_eq!(answer.json()["error"], "invalid_client", "{why}");
}

#[tokio::test]
async fn assertions_with_the_secret_or_the_key_are_as_good_as_the_secret() {
    let platform = start().await;
    let (key, jwks) = key();
    register(&platform, ClientAuthMethod::ClientSecretJwt, None);
    let claims = assertion_claims(&platform, "1", &json!({}));
    let answer = present(&platform, &sign_with_secret(&claims, "s3cret")).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    register(&platform, ClientAuthMethod::PrivateKeyJwt, Some(jwks));
    let claims = assertion_claims(&platform, "2", &json!({}));
    let answer = present(&platform, &sign_with_key(&claims, &key)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let used: Vec<_> = platform.requests();
    let used = used.iter().filter(|request| request.path == "/oidc/token");
    let used: Vec<_> = used
        .flat_map(|request| request.client_auth.clone())
        .collect();
    assert_eq!(
        used,
        [
            ClientAuthMethod::ClientSecretJwt,
            ClientAuthMethod::PrivateKeyJwt
        ]
    );
}

#[tokio::test]
async fn an_assertion_is_used_once() {
    let platform = start().await;
    register(&platform, ClientAuthMethod::ClientSecretJwt, None);
    let claims = assertion_claims(&platform, "once", &json!({}));
    let assertion = sign_with_secret(&claims, "s3cret");
    assert_eq!(present(&platform, &assertion).await.status, 200);
    assert_refused(&present(&platform, &assertion).await, "the same again");
    // Another key of that name is no better.
    let claims = assertion_claims(&platform, "once", &json!({ "exp": now() + 90 }));
    let answer = present(&platform, &sign_with_secret(&claims, "s3cret")).await;
    assert_refused(&answer, "the same jti");
}

#[tokio::test]
async fn an_assertion_says_who_for_whom_and_for_how_long() {
    let platform = start().await;
    register(&platform, ClientAuthMethod::ClientSecretJwt, None);
    let issuer = platform.issuer();
    let token_endpoint = format!("{issuer}/oidc/token");
    for (index, changes) in [
        json!({ "iss": "other" }),
        json!({ "iss": null }),
        json!({ "sub": "other" }),
        json!({ "sub": null }),
        json!({ "aud": token_endpoint }),
        json!({ "aud": [issuer] }),
        json!({ "aud": [issuer, token_endpoint] }),
        json!({ "aud": format!("{issuer}/") }),
        json!({ "aud": null }),
        json!({ "exp": null }),
        json!({ "exp": now() - 1 }),
        json!({ "exp": now() + 3600 }),
        json!({ "exp": "soon" }),
        json!({ "iat": now() + 3600 }),
        json!({ "nbf": now() + 3600 }),
        json!({ "jti": null }),
        json!({ "jti": "" }),
    ]
    .iter()
    .enumerate()
    {
        let claims = assertion_claims(&platform, &index.to_string(), changes);
        let answer = present(&platform, &sign_with_secret(&claims, "s3cret")).await;
        assert_refused(&answer, &changes.to_string());
    }
}

#[tokio::test]
async fn an_assertion_needs_the_signature_of_its_client() {
    let platform = start().await;
    let (right, jwks) = key();
    let (wrong, _) = key();
    let claims = |jti| assertion_claims(&platform, jti, &json!({}));

    register(&platform, ClientAuthMethod::ClientSecretJwt, None);
    for (why, assertion) in [
        ("another secret", sign_with_secret(&claims("1"), "guess")),
        ("no secret", sign_with_secret(&claims("2"), "")),
        ("a key instead", sign_with_key(&claims("3"), &right)),
        ("no token", "hello".to_owned()),
    ] {
        assert_refused(&present(&platform, &assertion).await, why);
    }

    register(&platform, ClientAuthMethod::PrivateKeyJwt, Some(jwks));
    let honest = sign_with_key(&claims("4"), &right);
    let (signed, signature) = honest.rsplit_once('.').unwrap();
    let mut signature = decode(signature);
    signature[0] ^= 1;
    let unsigned = format!(
        "{}.{}.",
        encode(json!({ "alg": "none" }).to_string()),
        encode(claims("5").to_string())
    );
    for (why, assertion) in [
        ("another key", sign_with_key(&claims("6"), &wrong)),
        (
            "the secret instead",
            sign_with_secret(&claims("7"), "s3cret"),
        ),
        ("one bit", format!("{signed}.{}", encode(signature))),
        ("none", unsigned),
    ] {
        assert_refused(&present(&platform, &assertion).await, why);
    }
    assert_eq!(present(&platform, &honest).await.status, 200);
}

#[tokio::test]
async fn an_assertion_comes_with_its_type_and_alone() {
    let platform = start().await;
    register(&platform, ClientAuthMethod::ClientSecretJwt, None);
    for (jti, change, status) in [
        ("1", ("client_assertion_type", ""), 401),
        ("2", ("client_assertion_type", "urn:other"), 401),
        ("3", ("client_secret", "s3cret"), 400),
        ("4", ("client_id", "other"), 400),
        ("5", ("client_id", "app"), 200),
    ] {
        let claims = assertion_claims(&platform, jti, &json!({}));
        let assertion = sign_with_secret(&claims, "s3cret");
        let mut changes = vec![
            ("client_id", ""),
            ("client_secret", ""),
            ("client_assertion_type", JWT_BEARER),
            ("client_assertion", assertion.as_str()),
        ];
        changes.push(change);
        let callback = log_in(&platform).await;
        let answer = exchange(&platform, &callback, &changes).await;
        assert_eq!(answer.status, status, "{change:?} {answer:?}");
    }
}

#[tokio::test]
async fn a_client_may_use_its_registered_method_and_no_other() {
    let platform = start().await;
    let (key, jwks) = key();
    for (index, registered) in ClientAuthMethod::ALL.iter().enumerate() {
        register(&platform, *registered, Some(jwks.clone()));
        for (other, used) in ClientAuthMethod::ALL.iter().enumerate() {
            let claims = assertion_claims(&platform, &format!("{index} {other}"), &json!({}));
            let answer = match used {
                ClientAuthMethod::ClientSecretBasic => with_basic(&platform).await,
                ClientAuthMethod::ClientSecretPost => {
                    exchange(&platform, &log_in(&platform).await, &[]).await
                }
                ClientAuthMethod::ClientSecretJwt => {
                    present(&platform, &sign_with_secret(&claims, "s3cret")).await
                }
                _ => present(&platform, &sign_with_key(&claims, &key)).await,
            };
            if used == registered {
                assert_eq!(answer.status, 200, "{used:?} {answer:?}");
            } else {
                assert_refused(&answer, &format!("{registered:?}, but {used:?}"));
            }
        }
    }
    // By default, the secret counts in either form, and nothing else does.
    platform
        .add_client(Client::new("app", "s3cret", CALLBACK))
        .unwrap();
    assert_eq!(with_basic(&platform).await.status, 200);
    let claims = assertion_claims(&platform, "default", &json!({}));
    let answer = present(&platform, &sign_with_secret(&claims, "s3cret")).await;
    assert_refused(&answer, "an assertion that nobody registered");
}

async fn with_basic(platform: &Platform) -> Answer {
    let basic = base64_simd::STANDARD.encode_to_string("app:s3cret");
    let basic = format!("Basic {basic}");
    let code = params(&log_in(platform).await)["code"].clone();
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    let url = format!("{}/oidc/token", platform.issuer());
    http::post(&url, &[("authorization", &basic)], &form).await
}

#[tokio::test]
async fn a_client_that_has_keys_to_show_must_have_some() {
    let platform = start().await;
    let mut client = Client::new("app", "s3cret", CALLBACK);
    client.token_endpoint_auth_method = Some(ClientAuthMethod::PrivateKeyJwt);
    for jwks in [None, Some(json!({})), Some(json!({ "keys": [] }))] {
        client.jwks = jwks;
        let error = platform.add_client(client.clone()).unwrap_err();
        assert!(matches!(error, StartError::Client { .. }), "{error}");
    }
}
