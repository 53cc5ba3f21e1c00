//! The whole journey over real HTTP, and the ways it must not end.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod http;

use std::collections::HashMap;

use http::Answer;
use miracl_platform::{
    Authorization, Client, Fault, Platform, PlatformConfig, SigningAlgorithm, StartError,
};
use serde_json::Value;
use url::Url;

const CALLBACK: &str = "http://127.0.0.1:5000/login";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const EMAIL: &str = "alice@example.com";
const PIN: &str = "1234";

async fn start() -> Platform {
    let mut client = Client::new("app", "s3cret", CALLBACK);
    client.name = "Demo".to_owned();
    client.post_logout_redirect_uris = vec!["http://127.0.0.1:5000/signed-out".to_owned()];
    let config = PlatformConfig {
        clients: vec![client],
        ..PlatformConfig::default()
    };
    Platform::start(config).await.unwrap()
}

/// An authorization URL with everything right, apart from `changes`.
fn authorize_url(platform: &Platform, changes: &[(&str, &str)]) -> String {
    let mut params = HashMap::from([
        ("client_id", "app"),
        ("redirect_uri", CALLBACK),
        ("response_type", "code"),
        ("scope", "openid email something-else"),
        ("state", "st&te"),
        ("nonce", "n0nce"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ]);
    params.extend(changes.iter().copied());
    let url = format!("{}/authorize", platform.issuer());
    Url::parse_with_params(&url, params).unwrap().into()
}

fn params(callback: &str) -> HashMap<String, String> {
    assert!(callback.starts_with(&format!("{CALLBACK}?")), "{callback}");
    Url::parse(callback)
        .unwrap()
        .query_pairs()
        .into_owned()
        .collect()
}

async fn exchange(platform: &Platform, callback: &str, changes: &[(&str, &str)]) -> Answer {
    let code = params(callback)["code"].clone();
    let mut form = HashMap::from([
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", CALLBACK),
        ("client_id", "app"),
        ("client_secret", "s3cret"),
        ("code_verifier", VERIFIER),
    ]);
    form.extend(changes.iter().copied());
    let form: Vec<_> = form
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .collect();
    http::post(&format!("{}/oidc/token", platform.issuer()), &[], &form).await
}

async fn userinfo(platform: &Platform, token: &str) -> Answer {
    let bearer = format!("Bearer {token}");
    http::get(
        &format!("{}/oidc/userinfo", platform.issuer()),
        &[("authorization", &bearer)],
    )
    .await
}

async fn log_in(platform: &Platform) -> String {
    platform.register_identity(EMAIL, PIN).unwrap();
    platform
        .log_in(&authorize_url(platform, &[]), EMAIL, PIN)
        .await
        .unwrap()
}

fn claims(token: &str) -> Value {
    let claims = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&base64_simd::URL_SAFE_NO_PAD.decode_to_vec(claims).unwrap()).unwrap()
}

#[tokio::test]
async fn a_person_registers_confirms_chooses_a_pin_and_is_logged_in() {
    let platform = start().await;
    let browser = platform.browser();
    let callback = browser
        .register(&authorize_url(&platform, &[]), " Alice@Example.com", PIN)
        .await
        .unwrap();
    let answer = params(&callback);
    assert_eq!(answer["state"], "st&te");
    assert_eq!(answer["iss"], platform.issuer());

    let tokens = exchange(&platform, &callback, &[]).await;
    assert_eq!(tokens.status, 200, "{tokens:?}");
    assert_eq!(tokens.header("cache-control"), Some("no-store"));
    let tokens = tokens.json();
    assert_eq!(tokens["token_type"], "Bearer");
    assert_eq!(tokens["expires_in"], 900);
    // `something-else` means nothing here.
    assert_eq!(tokens["scope"], "openid email");

    let id_token = claims(tokens["id_token"].as_str().unwrap());
    assert_eq!(id_token["iss"], platform.issuer());
    assert_eq!(id_token["aud"], "app");
    assert_eq!(id_token["sub"], EMAIL);
    assert_eq!(id_token["nonce"], "n0nce");
    assert_eq!(id_token["amr"][0], "mpin");
    assert_eq!(
        id_token["exp"].as_u64(),
        Some(id_token["iat"].as_u64().unwrap() + 900)
    );
    assert!(
        id_token["auth_time"].is_u64()
            && id_token["at_hash"].is_string()
            && id_token["sid"].is_string()
    );
    assert!(id_token.get("email").is_none());

    let user = userinfo(&platform, tokens["access_token"].as_str().unwrap()).await;
    assert_eq!(user.status, 200);
    assert_eq!(
        user.json(),
        serde_json::json!({ "sub": EMAIL, "email": EMAIL, "email_verified": true })
    );

    // The next time the PIN is enough.
    browser
        .log_in(&authorize_url(&platform, &[]), EMAIL, PIN)
        .await
        .unwrap();
    platform.shutdown().await;
}

#[tokio::test]
async fn discovery_describes_this_platform() {
    let platform = start().await;
    let issuer = platform.issuer();
    let answer = http::get(&format!("{issuer}/.well-known/openid-configuration"), &[]).await;
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let metadata = answer.json();
    for (name, path) in [
        ("issuer", ""),
        ("authorization_endpoint", "/authorize"),
        ("token_endpoint", "/oidc/token"),
        ("userinfo_endpoint", "/oidc/userinfo"),
        ("jwks_uri", "/oidc/certs"),
        ("end_session_endpoint", "/oidc/logout"),
    ] {
        assert_eq!(metadata[name], format!("{issuer}{path}"), "{name}");
    }
    assert_eq!(
        metadata["code_challenge_methods_supported"],
        serde_json::json!(["S256"])
    );
    assert_eq!(
        metadata["authorization_response_iss_parameter_supported"],
        true
    );
}

#[tokio::test]
async fn scopes_of_miracl_bring_its_claims() {
    let platform = start().await;
    platform.register_identity(EMAIL, PIN).unwrap();
    let url = authorize_url(&platform, &[("scope", "openid mpin_id hash_mpin_id dvs")]);
    let callback = platform.log_in(&url, EMAIL, PIN).await.unwrap();
    let tokens = exchange(&platform, &callback, &[]).await.json();
    let user = userinfo(&platform, tokens["access_token"].as_str().unwrap())
        .await
        .json();
    assert_eq!(user["sub"], EMAIL);
    assert!(user.get("email").is_none());
    assert_eq!(user["hash_mpin_id"].as_str().unwrap().len(), 64);
    assert!(user["mpin_id"].is_string() && user["dvs_keys"].is_array());
    assert_eq!(
        claims(tokens["id_token"].as_str().unwrap())["mpin_id"],
        user["mpin_id"]
    );
}

#[tokio::test]
async fn a_hint_picks_the_identity_or_prefills_the_address() {
    let platform = start().await;
    let begun = http::get(
        &authorize_url(&platform, &[("prerollid", "new@example.com")]),
        &[],
    )
    .await;
    let cookie = begun
        .header("set-cookie")
        .unwrap()
        .split(';')
        .next()
        .unwrap();
    let page = format!("{}{}", platform.issuer(), begun.header("location").unwrap());
    let shown = http::get(&page, &[("cookie", cookie)]).await;
    assert!(
        shown.body.contains("data-page=\"register\"")
            && shown.body.contains("value=\"new@example.com\"")
    );
}

#[tokio::test]
async fn three_wrong_pins_block_until_the_address_is_confirmed_again() {
    let platform = start().await;
    let browser = platform.browser();
    browser.register_identity(EMAIL, PIN).unwrap();
    let url = authorize_url(&platform, &[]);
    for left in ["2 tries left", "1 try left", "This identity is blocked"] {
        let stuck = browser
            .log_in(&url, EMAIL, "9999")
            .await
            .unwrap_err()
            .to_string();
        assert!(stuck.contains(left), "{stuck}");
    }
    let stuck = browser
        .log_in(&url, EMAIL, PIN)
        .await
        .unwrap_err()
        .to_string();
    assert!(stuck.contains("blocked"), "{stuck}");
    browser.register(&url, EMAIL, "5678").await.unwrap();
    browser.log_in(&url, EMAIL, "5678").await.unwrap();
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

#[tokio::test]
async fn prompt_none_answers_for_whoever_is_signed_in_until_log_out() {
    let platform = start().await;
    let callback = log_in(&platform).await;
    let id_token = exchange(&platform, &callback, &[]).await.json()["id_token"]
        .as_str()
        .unwrap()
        .to_owned();

    let silent = |changes: &[(&'static str, &'static str)]| {
        let changes = [&[("prompt", "none")], changes].concat();
        authorize_url(&platform, &changes)
    };
    let answer = params(&platform.log_in(&silent(&[]), EMAIL, PIN).await.unwrap());
    assert!(answer.contains_key("code"));
    let other = platform
        .log_in(&silent(&[("login_hint", "bob@example.com")]), EMAIL, PIN)
        .await;
    assert_eq!(params(&other.unwrap())["error"], "login_required");

    let logout = |uri: &str, hint: &str| -> String {
        let params = [
            ("id_token_hint", hint),
            ("post_logout_redirect_uri", uri),
            ("state", "x"),
        ];
        Url::parse_with_params(&format!("{}/oidc/logout", platform.issuer()), params)
            .unwrap()
            .into()
    };
    // An address or a hint that does not fit leads nowhere, yet signs out.
    for (uri, hint) in [
        ("http://evil.example/", id_token.as_str()),
        ("http://127.0.0.1:5000/signed-out", "forged"),
    ] {
        assert_eq!(http::get(&logout(uri, hint), &[]).await.status, 400);
    }
    let url = logout("http://127.0.0.1:5000/signed-out", &id_token);
    assert_eq!(
        platform.visit(&url).await.unwrap(),
        "http://127.0.0.1:5000/signed-out?state=x"
    );
    let answer = params(&platform.log_in(&silent(&[]), EMAIL, PIN).await.unwrap());
    assert_eq!(answer["error"], "login_required");
}

#[tokio::test]
async fn a_login_goes_on_only_in_the_browser_that_began_it() {
    let platform = start().await;
    let begun = http::get(&authorize_url(&platform, &[]), &[]).await;
    let page = format!("{}{}", platform.issuer(), begun.header("location").unwrap());
    assert_eq!(http::get(&page, &[]).await.status, 403);
    let cookie = begun
        .header("set-cookie")
        .unwrap()
        .split(';')
        .next()
        .unwrap();
    let shown = http::get(&page, &[("cookie", cookie)]).await;
    assert_eq!(shown.status, 200);
    let policy = shown.header("content-security-policy").unwrap();
    assert!(
        policy.contains("frame-ancestors 'self' http://127.0.0.1:5000"),
        "{policy}"
    );
    assert!(shown.body.contains("Local MIRACL platform"));

    let cancel = format!("{page}/cancel");
    let foreign = [("cookie", cookie), ("sec-fetch-site", "same-site")];
    assert_eq!(http::post(&cancel, &foreign, &[]).await.status, 403);
    // In a frame the last page leaves it; a redirect could not.
    let framed = [
        ("cookie", cookie),
        ("sec-fetch-site", "same-origin"),
        ("sec-fetch-dest", "iframe"),
    ];
    let done = http::post(&cancel, &framed, &[]).await;
    assert_eq!(done.status, 200);
    assert!(done.body.contains("error=access_denied") && done.body.contains("target=\"_top\""));
    assert_eq!(http::get(&page, &[("cookie", cookie)]).await.status, 410);
}

#[tokio::test]
async fn foreign_host_names_huge_bodies_and_prefetches_get_nothing() {
    let platform = start().await;
    let url = format!("{}/inbox", platform.issuer());
    assert_eq!(
        http::get(&url, &[("host", "evil.example")]).await.status,
        421
    );
    let url = authorize_url(&platform, &[]);
    assert_eq!(
        http::get(&url, &[("sec-purpose", "prefetch")]).await.status,
        503
    );
    let token = format!("{}/oidc/token", platform.issuer());
    assert_eq!(
        http::post(&token, &[], &[("code", &"x".repeat(100_000))])
            .await
            .status,
        413
    );
    assert_eq!(http::get(&token, &[]).await.status, 405);
    assert_eq!(
        http::get(&format!("{}/nowhere", platform.issuer()), &[])
            .await
            .status,
        404
    );
}

#[tokio::test]
async fn requests_are_recorded_without_secrets() {
    let platform = start().await;
    let callback = log_in(&platform).await;
    platform.clear_requests();
    exchange(&platform, &callback, &[]).await;
    assert_eq!(platform.count("/oidc/token"), 1);
    assert_eq!(platform.count("/oidc/userinfo"), 0);
    let requests = platform.requests();
    let request = &requests[0];
    assert_eq!(request.authorization, Authorization::Absent);
    assert_eq!(request.form_value("grant_type"), Some("authorization_code"));
    assert_eq!(request.form_value("client_secret"), Some("[redacted]"));
    assert!(!format!("{requests:?}").contains("s3cret"));
}

#[tokio::test]
async fn an_app_that_wants_es256_gets_es256() {
    let platform = start().await;
    let mut client = Client::new("app", "s3cret", CALLBACK);
    client.id_token_signed_response_alg = SigningAlgorithm::Es256;
    platform.add_client(client).unwrap();
    let tokens = exchange(&platform, &log_in(&platform).await, &[])
        .await
        .json();
    let header = tokens["id_token"]
        .as_str()
        .unwrap()
        .split('.')
        .next()
        .unwrap();
    let header: Value =
        serde_json::from_slice(&base64_simd::URL_SAFE_NO_PAD.decode_to_vec(header).unwrap())
            .unwrap();
    assert_eq!(header["alg"], "ES256");
    let certs = http::get(&format!("{}/oidc/certs", platform.issuer()), &[])
        .await
        .json();
    let mut keys = certs["keys"].as_array().unwrap().iter();
    assert!(keys.any(|key| key["kid"] == header["kid"] && key["kty"] == "EC"));
}

#[tokio::test]
async fn new_keys_sign_and_the_old_ones_stay_published() {
    let platform = start().await;
    let certs = format!("{}/oidc/certs", platform.issuer());
    let before = http::get(&certs, &[]).await.json();
    platform.rotate_keys().await.unwrap();
    let after = http::get(&certs, &[]).await.json();
    let [before, after] = [&before, &after].map(|set| set["keys"].as_array().unwrap());
    assert_eq!(after.len(), 2 * before.len());
    assert!(after.ends_with(before));
    assert_ne!(after[0]["kid"], before[0]["kid"]);

    platform.rotate_keys_and_forget().await.unwrap();
    let last = http::get(&certs, &[]).await.json();
    let last = last["keys"].as_array().unwrap();
    assert_eq!(last.len(), before.len());
    assert!(last.iter().all(|key| !after.contains(key)));
}

#[tokio::test]
async fn apps_identities_and_keys_survive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let config = PlatformConfig {
        data_dir: Some(folder.path().to_owned()),
        ..PlatformConfig::default()
    };
    let first = Platform::start(config.clone()).await.unwrap();
    let certs = |platform: &Platform| format!("{}/oidc/certs", platform.issuer());
    let keys = http::get(&certs(&first), &[]).await.json();
    let form = [("name", "Kept"), ("redirect_uris", CALLBACK)];
    let registered = http::post(&format!("{}/portal", first.issuer()), &[], &form).await;
    assert_eq!(registered.status, 303, "{registered:?}");
    let page = registered.header("location").unwrap().to_owned();
    first.shutdown().await;

    let second = Platform::start(config).await.unwrap();
    assert_eq!(http::get(&certs(&second), &[]).await.json(), keys);
    let shown = http::get(&format!("{}{page}", second.issuer()), &[]).await;
    assert!(shown.body.contains("Kept") && shown.body.contains("id=\"client-secret\""));
    let removed = http::post(&format!("{}{page}/remove", second.issuer()), &[], &[]).await;
    assert_eq!(removed.status, 303);
    assert_eq!(
        http::get(&format!("{}{page}", second.issuer()), &[])
            .await
            .status,
        404
    );
}

#[tokio::test]
async fn only_loopback_is_listened_on_and_a_taken_port_is_told() {
    for host in ["0.0.0.0", "192.168.0.1", "::", "example.com"] {
        let config = PlatformConfig {
            host: host.to_owned(),
            ..PlatformConfig::default()
        };
        let error = Platform::start(config).await.unwrap_err();
        assert!(matches!(error, StartError::NotLoopback { .. }), "{host}");
    }
    let first = start().await;
    let port = first.address().port();
    let config = PlatformConfig {
        port,
        ..PlatformConfig::default()
    };
    let error = Platform::start(config.clone()).await.unwrap_err();
    assert!(error.to_string().contains("in use already"), "{error}");
    first.shutdown().await;
    let second = Platform::start(config).await.unwrap();
    assert_eq!(second.address().port(), port);
}

#[tokio::test]
async fn a_fault_changes_one_thing_and_goes_away_again() {
    let platform = start().await;
    for (fault, status) in [
        (Fault::TokenInvalidGrant, 400),
        (Fault::TokenInvalidClient, 401),
        (Fault::TokenServerError, 500),
    ] {
        let callback = log_in(&platform).await;
        platform.set_fault(Some(fault));
        assert_eq!(
            exchange(&platform, &callback, &[]).await.status,
            status,
            "{}",
            fault.name()
        );
        platform.set_fault(None);
    }
    for (fault, name) in [
        (Fault::IdTokenWrongIssuer, "iss"),
        (Fault::IdTokenWrongAudience, "aud"),
        (Fault::IdTokenWrongNonce, "nonce"),
    ] {
        let callback = log_in(&platform).await;
        platform.set_fault(Some(fault));
        let tokens = exchange(&platform, &callback, &[]).await.json();
        platform.set_fault(None);
        let honest = exchange(&platform, &log_in(&platform).await, &[])
            .await
            .json();
        let [bad, good] =
            [tokens, honest].map(|tokens| claims(tokens["id_token"].as_str().unwrap()));
        for claim in ["iss", "aud", "nonce", "sub"] {
            assert_eq!(
                bad[claim] != good[claim],
                claim == name,
                "{} {claim}",
                fault.name()
            );
        }
    }
    let tokens = exchange(&platform, &log_in(&platform).await, &[])
        .await
        .json();
    let token = tokens["access_token"].as_str().unwrap();
    for (fault, status) in [
        (Fault::UserinfoUnauthorizedJson, 401),
        (Fault::UserinfoUnauthorizedEmpty, 401),
        (Fault::UserinfoServerError, 500),
        (Fault::UserinfoArray, 200),
    ] {
        platform.set_fault(Some(fault));
        assert_eq!(
            userinfo(&platform, token).await.status,
            status,
            "{}",
            fault.name()
        );
    }
    platform.set_fault(Some(Fault::UserinfoWithoutEmail));
    assert_eq!(
        userinfo(&platform, token).await.json(),
        serde_json::json!({ "sub": EMAIL })
    );
    platform.set_fault(None);
    assert_eq!(userinfo(&platform, token).await.status, 200);
    platform.set_fault(Some(Fault::AccessTokenExpired));
    assert_eq!(userinfo(&platform, token).await.status, 401);
}

#[tokio::test]
async fn a_hanging_answer_does_not_hold_up_a_shutdown() {
    let platform = start().await;
    platform.set_fault(Some(Fault::DiscoveryHangs));
    let url = format!("{}/.well-known/openid-configuration", platform.issuer());
    let waiting = tokio::spawn(async move { http::get(&url, &[]).await });
    while platform.count("/.well-known/openid-configuration") == 0 {
        tokio::task::yield_now().await;
    }
    assert!(!waiting.is_finished());
    platform.shutdown().await;
    waiting.await.unwrap();
}
