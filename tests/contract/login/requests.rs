//! What a login asks the provider for: the authorization request, the token request and the userinfo request.

use miracl_tests::{Adapter, Answers, Browser, Demo, Endpoint, Provider, scenarios};
use serde_json::{Value, json};

use crate::journey::{Journey, log_in, parameter};

scenarios![
    the_provider_is_asked_with_state_nonce_and_pkce_made_for_this_login,
    the_state_of_two_logins_differs,
    parameters_of_miracl_and_of_openid_connect_are_passed_on,
    parameters_that_make_no_sense_do_no_harm,
    the_client_authenticates_in_the_way_the_provider_offers,
    a_token_response_is_read_as_providers_send_it,
    login_works_where_pkce_is_switched_off,
    the_access_token_travels_in_a_header_alone,
];

async fn the_provider_is_asked_with_state_nonce_and_pkce_made_for_this_login(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    let url = journey.authorize_url().await;
    assert!(
        url.as_str()
            .starts_with(&format!("{}/authorize?", journey.provider.issuer())),
        "{url}"
    );
    let get = |name| parameter(&url, name).unwrap_or_else(|| panic!("no {name} in {url}"));
    assert_eq!(get("response_type"), "code");
    assert_eq!(get("client_id"), Provider::CLIENT_ID);
    assert_eq!(get("redirect_uri"), journey.url("/login"));
    assert_eq!(
        get("scope").split(' ').collect::<Vec<_>>(),
        ["openid", "email"]
    );
    // 128 bits in base64url are 22 characters; a SHA-256 is 43.
    assert!(
        get("state").len() >= 22 && get("nonce").len() >= 22,
        "{url}"
    );
    assert_eq!(get("code_challenge_method"), "S256");
    assert_eq!(get("code_challenge").len(), 43);
    assert_eq!(parameter(&url, "approval_prompt"), None);
    journey.browser.visit(url.as_str()).await.expect(200);
    let verifier = &journey.provider.received(Endpoint::Token)[0].parameters["code_verifier"];
    assert!(
        (43..=128).contains(&verifier.len()),
        "RFC 7636 §4.1: {verifier}"
    );
}

async fn the_state_of_two_logins_differs(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    let (one, two) = (journey.authorize_url().await, journey.authorize_url().await);
    for name in ["state", "nonce", "code_challenge"] {
        assert_ne!(parameter(&one, name), parameter(&two, name), "{name}");
    }
}

async fn parameters_of_miracl_and_of_openid_connect_are_passed_on(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    let asked = [
        ("prerollid", "someone+else@example.com"),
        ("acttoken", "4f&c=d"),
        ("lang", "ro"),
        ("prompt", "login"),
        ("max_age", "60"),
        ("acr_values", "urn:one urn:two"),
        ("login_hint", "someone@example.com"),
    ];
    let mut start = url::Url::parse(&journey.url("/login/start")).expect("an address");
    start
        .query_pairs_mut()
        .extend_pairs(asked)
        .append_pair("client_id", "another");
    let answer = journey.browser.open(start).await.expect(303);
    let url = answer.location().expect("a location");
    for (name, value) in asked {
        assert_eq!(parameter(&url, name).as_deref(), Some(value), "{name}");
    }
    let ids: Vec<_> = url
        .query_pairs()
        .filter(|(name, _)| name == "client_id")
        .collect();
    assert_eq!(
        ids.len(),
        1,
        "a visitor cannot change our parameters: {url}"
    );
}

async fn parameters_that_make_no_sense_do_no_harm(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    for query in [
        "max_age=often",
        "max_age=-1",
        "prompt=",
        "lang=%00%ff",
        "login_hint=a&login_hint=b",
        "return_to=%2F&return_to=%2F%2Fevil.example",
        "state=mine&nonce=mine&redirect_uri=https://evil.example&response_type=token&scope=all&code_challenge=x",
        "&&&=&=x",
        "return_to=%2Flogin%2Fstart",
    ] {
        let answer = journey
            .browser
            .open(journey.url(&format!("/login/start?{query}")))
            .await;
        assert!(
            matches!(answer.status, 303 | 400),
            "{query}: {}",
            answer.status
        );
        if answer.status == 303 {
            let url = answer.location().expect("a location");
            assert!(
                !url.as_str().contains("mine") && !url.as_str().contains("evil"),
                "{query}: {url}"
            );
            journey.browser.follow(answer).await.expect(200);
        }
    }
}

async fn the_client_authenticates_in_the_way_the_provider_offers(adapter: Adapter) {
    for (offered, basic) in [
        (json!(["client_secret_basic"]), true),
        (json!(["client_secret_post"]), false),
        // RFC 8414 §2: basic where nothing is said.
        (json!(null), true),
    ] {
        let provider = Provider::start();
        provider.set(
            Endpoint::Discovery,
            Answers::member("token_endpoint_auth_methods_supported", offered.clone()),
        );
        let journey = Journey {
            demo: Demo::start(adapter, &provider),
            provider,
            browser: Browser::new(),
        };
        journey.log_in().await;
        let request = &journey.provider.received(Endpoint::Token)[0];
        assert_eq!(request.authorization.is_some(), basic, "{offered}");
        assert_eq!(
            request.parameters.contains_key("client_secret"),
            !basic,
            "{offered}"
        );
    }
    let provider = Provider::start();
    let demo = Demo::of(adapter, &provider)
        .env("TOKEN_ENDPOINT_AUTH_METHOD", "client_secret_post")
        .start();
    log_in(&Browser::new(), &demo).await;
    assert!(
        provider.received(Endpoint::Token)[0]
            .parameters
            .contains_key("client_secret"),
        "the setting wins"
    );
}

async fn a_token_response_is_read_as_providers_send_it(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    let null =
        |name: &'static str| Answers::Changed(Box::new(move |answer| answer[name] = Value::Null));
    for answers in [
        // Twitch.
        Answers::member("scope", json!(["openid", "email"])),
        null("scope"),
        null("expires_in"),
        null("refresh_token"),
        null("token_type"),
        Answers::member("expires_in", json!("900")),
    ] {
        let what = format!("{answers:?}");
        journey.provider.set(Endpoint::Token, answers);
        let page = journey.log_in().await;
        assert!(
            page.has_alert("success", "logged in"),
            "{what}: {:?}",
            page.alerts()
        );
        journey.assert_still_logged_in().await;
    }
}

async fn login_works_where_pkce_is_switched_off(adapter: Adapter) {
    let provider = Provider::start();
    let journey = Journey {
        demo: Demo::of(adapter, &provider).env("PKCE", "off").start(),
        provider,
        browser: Browser::new(),
    };
    let url = journey.authorize_url().await;
    assert_eq!(parameter(&url, "code_challenge"), None);
    assert_eq!(parameter(&url, "code_challenge_method"), None);
    journey.browser.visit(url).await.expect(200);
    journey.assert_still_logged_in().await;
    assert!(
        !journey.provider.received(Endpoint::Token)[0]
            .parameters
            .contains_key("code_verifier")
    );
}

async fn the_access_token_travels_in_a_header_alone(adapter: Adapter) {
    let journey = Journey::logged_in(adapter).await;
    journey.browser.visit(journey.url("/refresh")).await;
    let asked = journey.provider.received(Endpoint::Userinfo);
    assert_eq!(asked.len(), 2);
    for request in asked {
        let authorization = request.authorization.expect("a token");
        assert!(authorization.starts_with("Bearer "), "RFC 6750 §2.1");
        assert!(request.parameters.is_empty(), "{:?}", request.parameters);
    }
}
