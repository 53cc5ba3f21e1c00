//! Refresh tokens: getting, using and losing them.

use miracl_platform::{Fault, Platform};
use serde_json::Value;

use crate::app::{EMAIL, PIN, authorize_url, certs, claims, exchange, log_in, start, userinfo};
use crate::http::{self, Answer};
use crate::verify::{candidates, verifies};

/// Logs in for `offline_access` and returns the tokens.
pub(crate) async fn offline(platform: &Platform) -> Value {
    let scope = ("scope", "openid email offline_access");
    let url = authorize_url(platform, &[scope, ("acr_values", "gold")]);
    let callback = platform.log_in(&url, EMAIL, PIN).await.unwrap();
    exchange(platform, &callback, &[]).await.json()
}

pub(crate) async fn refresh(platform: &Platform, token: &str) -> Answer {
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", token),
        ("client_id", "app"),
        ("client_secret", "s3cret"),
    ];
    http::post(&format!("{}/oidc/token", platform.issuer()), &[], &form).await
}

pub(crate) fn refresh_token(tokens: &Value) -> &str {
    tokens["refresh_token"].as_str().unwrap()
}

#[tokio::test]
async fn only_offline_access_brings_a_refresh_token() {
    let platform = start().await;
    let tokens = exchange(&platform, &log_in(&platform).await, &[])
        .await
        .json();
    assert_eq!(tokens.get("refresh_token"), None);
    assert!(offline(&platform).await["refresh_token"].is_string());
}

#[tokio::test]
async fn a_refresh_brings_new_tokens_for_the_same_login() {
    let platform = start().await;
    let before = offline(&platform).await;
    let after = refresh(&platform, refresh_token(&before)).await;
    assert_eq!(after.status, 200, "{after:?}");
    assert_eq!(after.header("cache-control"), Some("no-store"));
    let after = after.json();
    for name in ["access_token", "refresh_token", "id_token"] {
        assert_ne!(after[name], before[name], "{name}");
    }
    let user = userinfo(&platform, after["access_token"].as_str().unwrap()).await;
    assert_eq!(user.json()["email"], EMAIL);

    let id_token = after["id_token"].as_str().unwrap();
    let keys = certs(&platform).await;
    assert!(verifies(candidates(&keys, id_token)[0], id_token));
    let [old, new] = [&before, &after].map(|tokens| claims(tokens["id_token"].as_str().unwrap()));
    // OIDC Core §12.2.
    for name in ["iss", "sub", "aud", "auth_time", "sid", "acr"] {
        assert_eq!(new[name], old[name], "{name}");
    }
    assert!(new.get("nonce").is_none() && old.get("nonce").is_some());
}

#[tokio::test]
async fn a_refresh_token_used_twice_ends_everything_that_came_of_it() {
    let platform = start().await;
    let first = offline(&platform).await;
    let second = refresh(&platform, refresh_token(&first)).await.json();
    let replay = refresh(&platform, refresh_token(&first)).await;
    assert_eq!(
        (replay.status, replay.json()["error"].as_str()),
        (400, Some("invalid_grant"))
    );
    let next = refresh(&platform, refresh_token(&second)).await;
    assert_eq!(
        (next.status, next.json()["error"].as_str()),
        (400, Some("invalid_grant"))
    );
    let user = userinfo(&platform, second["access_token"].as_str().unwrap()).await;
    assert_eq!(user.status, 401);
}

#[tokio::test]
async fn a_refresh_that_failed_on_purpose_can_be_tried_again() {
    let platform = start().await;
    let tokens = offline(&platform).await;
    for (fault, status) in [
        (Fault::RefreshServerError, Some(500)),
        (Fault::RefreshInvalidGrant, Some(400)),
        (Fault::RefreshInvalidGrantWithOk, Some(200)),
        (Fault::TokenServerError, Some(500)),
        (Fault::TokenRefused, None),
    ] {
        platform.set_fault(Some(fault));
        let form = [
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh_token(&tokens)),
            ("client_id", "app"),
            ("client_secret", "s3cret"),
        ];
        let url = format!("{}/oidc/token", platform.issuer());
        let answer = http::try_post(&url, &[], &form).await;
        assert_eq!(
            answer.map(|answer| answer.status),
            status,
            "{}",
            fault.name()
        );
    }
    platform.set_fault(None);
    assert_eq!(refresh(&platform, refresh_token(&tokens)).await.status, 200);
}

#[tokio::test]
async fn faults_of_a_refresh_leave_logins_alone() {
    let platform = start().await;
    for fault in Fault::ALL
        .iter()
        .filter(|fault| fault.name().starts_with("refresh"))
    {
        platform.set_fault(Some(*fault));
        let tokens = offline(&platform).await;
        let id_token = claims(tokens["id_token"].as_str().unwrap());
        assert_eq!(id_token["iss"], platform.issuer(), "{}", fault.name());
        assert_eq!(id_token["sub"], EMAIL, "{}", fault.name());
        assert_eq!(id_token["aud"], "app", "{}", fault.name());
        assert!(tokens["refresh_token"].is_string(), "{}", fault.name());
    }
}
