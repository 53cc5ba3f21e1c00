//! A person registers, logs in and logs out, over real HTTP.

use url::Url;

use crate::app::{EMAIL, PIN, authorize_url, claims, exchange, log_in, params, start, userinfo};
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
    // `something-else` has no meaning here.
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

    // The next time, the PIN is enough.
    browser
        .log_in(&authorize_url(&platform, &[]), EMAIL, PIN)
        .await
        .unwrap();
    platform.shutdown().await;
}

#[tokio::test]
async fn the_page_learns_who_is_expected() {
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
        shown.body.contains("data-prompt=\"login\"")
            && shown.body.contains("data-hint=\"new@example.com\"")
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
    // An address or a hint that does not match leads nowhere, yet signs out.
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
    // The last page leaves a frame, which a redirect could not do.
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
