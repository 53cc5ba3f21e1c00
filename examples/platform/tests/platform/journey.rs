//! The whole journey over real HTTP, and the ways it must not end.

use miracl_platform::{
    Authorization, Client, ClientAuthMethod, Fault, Platform, PlatformConfig, StartError,
};
use url::Url;

use crate::app::{
    CALLBACK, EMAIL, PIN, authorize_url, claims, exchange, log_in, params, start, userinfo,
};
use crate::http;

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
    for (name, value) in [
        ("response_modes_supported", "query form_post"),
        ("grant_types_supported", "authorization_code refresh_token"),
        (
            "token_endpoint_auth_methods_supported",
            "client_secret_post client_secret_basic client_secret_jwt private_key_jwt",
        ),
        (
            "id_token_signing_alg_values_supported",
            "RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 EdDSA",
        ),
        (
            "scopes_supported",
            "openid email profile address phone dvs mpin_id hash_mpin_id offline_access",
        ),
    ] {
        let values: Vec<_> = value.split(' ').collect();
        assert_eq!(metadata[name], serde_json::json!(values), "{name}");
    }
    assert_eq!(
        metadata["code_challenge_methods_supported"],
        serde_json::json!(["S256"])
    );
    for name in [
        "authorization_response_iss_parameter_supported",
        "backchannel_logout_supported",
        "backchannel_logout_session_supported",
        "frontchannel_logout_supported",
        "frontchannel_logout_session_supported",
    ] {
        assert_eq!(metadata[name], true, "{name}");
    }
}

#[tokio::test]
async fn scopes_of_miracl_bring_its_claims() {
    let platform = start().await;
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
async fn standard_scopes_bring_standard_claims() {
    let platform = start().await;
    for (scope, claims) in [
        (
            "profile",
            "family_name given_name locale name preferred_username updated_at zoneinfo",
        ),
        ("email", "email email_verified"),
        ("address", "address"),
        ("phone", "phone_number phone_number_verified"),
    ] {
        let scope = format!("openid {scope}");
        let url = authorize_url(&platform, &[("scope", &scope)]);
        let callback = platform.log_in(&url, EMAIL, PIN).await.unwrap();
        let tokens = exchange(&platform, &callback, &[]).await.json();
        let user = userinfo(&platform, tokens["access_token"].as_str().unwrap()).await;
        let mut names: Vec<_> = user.json().as_object().unwrap().keys().cloned().collect();
        names.retain(|name| name != "sub");
        names.sort_unstable();
        assert_eq!(names.join(" "), claims);
    }
}

#[tokio::test]
async fn the_first_way_of_proving_who_one_is_is_the_one_taken() {
    let platform = start().await;
    for (asked, told) in [
        ("", None),
        ("gold", Some("gold")),
        ("gold silver", Some("gold")),
    ] {
        let url = authorize_url(&platform, &[("acr_values", asked)]);
        let callback = platform.log_in(&url, EMAIL, PIN).await.unwrap();
        let tokens = exchange(&platform, &callback, &[]).await.json();
        let id_token = claims(tokens["id_token"].as_str().unwrap());
        assert_eq!(id_token["acr"].as_str(), told);
    }
}

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
    let answer = platform
        .log_in(&silent(&[("max_age", "0")]), EMAIL, PIN)
        .await;
    assert_eq!(params(&answer.unwrap())["error"], "login_required");
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
    assert_eq!(request.client_auth, [ClientAuthMethod::ClientSecretPost]);
    let mut names = request.form_names();
    names.sort_unstable();
    let expected = "client_id client_secret code code_verifier grant_type redirect_uri";
    assert_eq!(names.join(" "), expected);
    assert!(!request.has_access_token_in_query());
    assert!(!format!("{requests:?}").contains("s3cret"));

    let url = format!("{}/oidc/userinfo?access_token=x", platform.issuer());
    assert_eq!(http::get(&url, &[]).await.status, 401);
    let requests = platform.requests();
    assert!(requests[1].has_access_token_in_query());
    assert_eq!(requests[1].query_value("access_token"), Some("[redacted]"));
    assert_eq!(requests[1].number, requests[0].number + 1);
    assert!(requests[0].number > 1, "those forgotten count too");
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
