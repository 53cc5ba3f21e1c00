//! Authorization and token requests that are refused, and how.

use miracl_platform::{Client, Platform, PlatformConfig};

use crate::app::{CALLBACK, EMAIL, PIN, authorize_url, exchange, log_in, params, start, userinfo};
use crate::http;

#[tokio::test]
async fn a_platform_that_requires_pkce_refuses_a_login_without() {
    let config = PlatformConfig {
        clients: vec![Client::new("app", "s3cret", CALLBACK)],
        require_pkce: true,
        ..PlatformConfig::default()
    };
    let platform = Platform::start(config).await.unwrap();
    let without = [("code_challenge", ""), ("code_challenge_method", "")];
    let url = platform
        .browser()
        .visit(&authorize_url(&platform, &without))
        .await;
    assert_eq!(params(&url.unwrap())["error"], "invalid_request");
    platform.register_identity(EMAIL, PIN).unwrap();
    log_in(&platform).await;
}

#[tokio::test]
async fn a_code_used_twice_takes_back_the_token() {
    let platform = start().await;
    let callback = log_in(&platform).await;
    let tokens = exchange(&platform, &callback, &[]).await.json();
    let token = tokens["access_token"].as_str().unwrap();
    assert_eq!(userinfo(&platform, token).await.status, 200);
    let replay = exchange(&platform, &callback, &[]).await;
    assert_eq!(
        (replay.status, replay.json()["error"].as_str()),
        (400, Some("invalid_grant"))
    );
    let user = userinfo(&platform, token).await;
    assert_eq!(user.status, 401);
    assert!(
        user.header("www-authenticate")
            .unwrap()
            .contains("invalid_token")
    );
}

#[tokio::test]
async fn an_unknown_client_or_address_is_never_redirected() {
    let platform = start().await;
    for changes in [
        ("redirect_uri", "http://127.0.0.1:5000/login/"),
        ("redirect_uri", "http://evil.example/"),
        ("redirect_uri", ""),
        ("client_id", "other"),
        ("client_id", ""),
    ] {
        let answer = http::get(&authorize_url(&platform, &[changes]), &[]).await;
        assert_eq!(answer.status, 400, "{changes:?}");
        assert_eq!(answer.header("location"), None);
    }
}

#[tokio::test]
async fn other_errors_go_to_the_app_with_state_and_issuer() {
    let platform = start().await;
    for (change, error) in [
        (("response_type", "token"), "unsupported_response_type"),
        (("scope", "email"), "invalid_scope"),
        (("code_challenge_method", "plain"), "invalid_request"),
        (("prompt", "none"), "login_required"),
    ] {
        let url = authorize_url(&platform, &[change]);
        let answer = params(&platform.browser().visit(&url).await.unwrap());
        assert_eq!(answer["error"], error);
        assert_eq!(answer["state"], "st&te");
        assert_eq!(answer["iss"], platform.issuer());
        assert!(!answer["error_description"].is_empty() && !answer.contains_key("code"));
    }
    let answer = params(&platform.deny(&authorize_url(&platform, &[])).await.unwrap());
    assert_eq!(answer["error"], "access_denied");
}

#[tokio::test]
async fn a_code_needs_its_verifier_address_and_client() {
    let platform = start().await;
    platform
        .add_client(Client::new("other", "s3cret", CALLBACK))
        .unwrap();
    for (changes, status, error) in [
        (("code_verifier", "wrong"), 400, "invalid_grant"),
        (("code_verifier", ""), 400, "invalid_grant"),
        (
            ("redirect_uri", "http://127.0.0.1:5000/c2id"),
            400,
            "invalid_grant",
        ),
        (("redirect_uri", ""), 400, "invalid_grant"),
        (("code", "unknown"), 400, "invalid_grant"),
        (("client_id", "other"), 400, "invalid_grant"),
        (("client_id", "nobody"), 401, "invalid_client"),
        (("client_secret", "wrong"), 401, "invalid_client"),
        (("client_secret", ""), 401, "invalid_client"),
        (("grant_type", "password"), 400, "unsupported_grant_type"),
        (("grant_type", "refresh_token"), 400, "invalid_request"),
        (("grant_type", ""), 400, "invalid_request"),
    ] {
        let callback = log_in(&platform).await;
        let answer = exchange(&platform, &callback, &[changes]).await;
        assert_eq!(
            (answer.status, answer.json()["error"].as_str()),
            (status, Some(error)),
            "{changes:?}"
        );
    }
}

#[tokio::test]
async fn what_is_kept_of_a_request_has_at_most_a_kibibyte() {
    let platform = start().await;
    let (most, more) = ("x".repeat(1024), "x".repeat(1025));
    for name in [
        "state",
        "nonce",
        "login_hint",
        "prerollid",
        "acttoken",
        "acr_values",
    ] {
        let fits = authorize_url(&platform, &[(name, &most)]);
        assert_eq!(http::get(&fits, &[]).await.status, 303, "{name}");
        let too_long = authorize_url(&platform, &[(name, &more)]);
        for method in ["GET", "POST"] {
            let refused = http::try_send(method, &too_long, &[], "").await.unwrap();
            let answered = (refused.status, refused.header("location"));
            assert_eq!(answered, (400, None), "{method} {name}");
        }
        let sign = too_long.replace("/authorize?", "/sign?");
        assert_eq!(http::get(&sign, &[]).await.status, 400, "{name}");
    }
}
