//! A person logs in.

use miracl_tests::{Adapter, Answers, Browser, Demo, Endpoint, Provider, Request, scenarios};
use serde_json::{Value, json};

use crate::journey::{Journey, assert_refused, login_button, parameter, subject};

scenarios![
    a_person_logs_in_and_the_app_knows_who_they_are,
    the_app_greets_the_first_login_and_the_next_one_differently,
    the_provider_is_asked_with_state_nonce_and_pkce_made_for_this_login,
    the_state_of_two_logins_differs,
    parameters_of_miracl_and_of_openid_connect_are_passed_on,
    parameters_that_make_no_sense_do_no_harm,
    the_client_authenticates_in_the_way_the_provider_offers,
    a_token_response_is_read_as_providers_send_it,
    login_works_where_pkce_is_switched_off,
    the_callback_lives_at_the_path_of_the_redirect_url,
    the_callback_leads_to_a_clean_address_at_once,
    the_access_token_travels_in_a_header_alone,
    the_way_back_leads_to_the_page_the_login_began_at,
    a_way_back_that_is_too_long_leads_home,
    the_home_page_takes_the_way_back_into_its_button,
    a_login_while_logged_in_makes_a_new_session,
    a_user_without_an_email_address_is_logged_in,
    a_visitor_by_another_host_name_is_sent_to_ours_first,
    a_callback_on_another_host_name_is_refused_and_both_are_named,
    looking_at_the_callback_is_not_using_it,
];

async fn a_person_logs_in_and_the_app_knows_who_they_are(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    journey.assert_nobody().await;
    let button = login_button(&journey.home().await).expect("a login button");
    assert!(button.starts_with(&journey.url("/login/start")), "{button}");
    let page = journey.browser.visit(button).await.expect(200);
    assert_eq!(page.url.as_str(), journey.url("/"));
    assert!(
        page.has_alert("success", "Successfully logged in!"),
        "{:?}",
        page.alerts()
    );
    assert!(
        page.body.contains(Provider::EMAIL) && page.body.contains(Provider::SUBJECT),
        "{}",
        page.body
    );
    assert!(page.body.contains("confirmed"), "{}", page.body);
    let me = journey
        .browser
        .fetch(journey.url("/me"))
        .await
        .expect(200)
        .json();
    assert_eq!(me["sub"], Provider::SUBJECT);
    assert_eq!(me["email"], Provider::EMAIL);
    assert_eq!(me["email_verified"], true);
    assert_eq!(me["name"], "Canary of the Tests", "all user data: {me}");
    // The alert was for one page only.
    assert!(!journey.home().await.has_alert("success", "Successfully"));
    assert_eq!(journey.provider.count(Endpoint::Token), 1);
    assert_eq!(journey.provider.count(Endpoint::Userinfo), 1);
}

async fn the_app_greets_the_first_login_and_the_next_one_differently(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    let first = journey.log_in().await.body.to_lowercase();
    assert!(
        first.contains("first login") && !first.contains("welcome back"),
        "{first}"
    );
    journey.browser.clear();
    let second = journey.log_in().await.body.to_lowercase();
    assert!(
        second.contains("welcome back") && !second.contains("first login"),
        "{second}"
    );
}

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
    assert_eq!(ids.len(), 1, "a visitor cannot change what is ours: {url}");
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
    crate::journey::log_in(&Browser::new(), &demo).await;
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

async fn the_callback_lives_at_the_path_of_the_redirect_url(adapter: Adapter) {
    let provider = Provider::start();
    let mut demo = Demo::of(adapter, &provider).start();
    let callback = demo.url("/c2id");
    demo.restart_with(|settings| settings.env("REDIRECT_URL", &callback));
    let journey = Journey {
        demo,
        provider,
        browser: Browser::new(),
    };
    let url = journey.callback_url().await;
    assert!(url.as_str().starts_with(&callback), "{url}");
    journey.browser.visit(url).await.expect(200);
    journey.assert_still_logged_in().await;
}

async fn the_callback_leads_to_a_clean_address_at_once(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    let callback = journey.callback_url().await;
    let answer = journey.browser.open(&callback).await.expect(303);
    assert_eq!(answer.location().expect("a location").query(), None);
    journey.browser.follow(answer).await.expect(200);
    // No other site learns the address of a page that stays there (RFC 9700 §4.2.4).
    let failed = journey.browser.open(&callback).await;
    assert_refused(&failed);
    let policy = failed.header("referrer-policy");
    assert!(
        matches!(policy, Some("no-referrer" | "same-origin")),
        "{policy:?}"
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

async fn the_way_back_leads_to_the_page_the_login_began_at(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    let page = journey
        .browser
        .visit(journey.url("/members?from=%2Fa%26b"))
        .await
        .expect(200);
    assert_eq!(page.url.as_str(), journey.url("/members?from=%2Fa%26b"));
    assert!(
        page.has_alert("success", "Successfully logged in!"),
        "{:?}",
        page.alerts()
    );
}

async fn a_way_back_that_is_too_long_leads_home(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    let long = format!("/members?x={}", "x".repeat(600));
    let page = journey
        .browser
        .visit(journey.url(&format!("/login/start?return_to={long}")))
        .await
        .expect(200);
    assert_eq!(page.url.as_str(), journey.url("/"));
    journey.assert_still_logged_in().await;
}

async fn the_home_page_takes_the_way_back_into_its_button(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    let page = journey
        .browser
        .open(journey.url("/?return_to=%2Fmembers"))
        .await
        .expect(200);
    let page = journey
        .browser
        .visit(login_button(&page).expect("a login button"))
        .await
        .expect(200);
    assert_eq!(page.url.as_str(), journey.url("/members"));
}

async fn a_login_while_logged_in_makes_a_new_session(adapter: Adapter) {
    let journey = Journey::logged_in(adapter).await;
    let before = journey.browser.cookies();
    journey.log_in().await;
    journey.assert_still_logged_in().await;
    let copy = Browser::new();
    before.iter().for_each(|old| copy.keep(old.clone()));
    assert_eq!(
        subject(&copy, &journey.demo).await,
        None,
        "the old session is ended"
    );
    let after = journey.browser.cookies();
    assert!(
        before.iter().all(|old| !after.contains(old)),
        "a cookie outlived the new login: {before:?} {after:?}"
    );
    assert_eq!(journey.provider.count(Endpoint::Token), 2);
}

async fn a_user_without_an_email_address_is_logged_in(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    journey
        .provider
        .set_userinfo(json!({ "sub": Provider::SUBJECT }));
    let page = journey.log_in().await;
    assert!(page.body.contains(Provider::SUBJECT), "{}", page.body);
    assert!(
        !page.body.contains("confirmed"),
        "nothing to confirm: {}",
        page.body
    );
    let me = journey
        .browser
        .fetch(journey.url("/me"))
        .await
        .expect(200)
        .json();
    assert_eq!(me.get("email"), None, "{me}");
    journey
        .browser
        .fetch(journey.url("/whoami"))
        .await
        .expect(200);
    journey
        .browser
        .open(journey.url("/profile"))
        .await
        .expect(200);
}

async fn looking_at_the_callback_is_not_using_it(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    let callback = journey.callback_url().await;
    let head = journey
        .browser
        .send(Request::navigate(&callback).method("HEAD"))
        .await;
    assert!(
        head.status < 500 && head.set_cookies().is_empty(),
        "HEAD: {head:?}"
    );
    for purpose in ["prefetch", "prefetch;prerender"] {
        let prefetch = Request::navigate(&callback).header("sec-purpose", purpose);
        let prefetch = journey.browser.send(prefetch).await;
        assert!(
            prefetch.status < 500 && prefetch.set_cookies().is_empty(),
            "{purpose}: {prefetch:?}"
        );
    }
    let head = journey
        .browser
        .send(Request::navigate(journey.url("/login/start")).method("HEAD"))
        .await;
    assert!(head.set_cookies().is_empty(), "{head:?}");
    assert_eq!(journey.provider.count(Endpoint::Token), 0);
    journey.browser.visit(callback.clone()).await.expect(200);
    journey.assert_still_logged_in().await;
    assert_refused(&journey.browser.open(callback).await);
}

async fn a_visitor_by_another_host_name_is_sent_to_ours_first(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    let other = journey.demo.origin().replace("127.0.0.1", "localhost");
    let request = Request::navigate(journey.url("/login/start?return_to=%2Fmembers&lang=ro"))
        .header("host", other.trim_start_matches("http://"));
    let answer = journey.browser.send(request).await.expect(303);
    assert!(
        answer.set_cookies().is_empty(),
        "cookies do not cross: {:?}",
        answer.set_cookies()
    );
    let next = answer.location().expect("a location");
    assert!(
        next.as_str().starts_with(&journey.url("/login/start?")),
        "{next}"
    );
    assert_eq!(parameter(&next, "lang").as_deref(), Some("ro"));
    let page = journey.browser.visit(next).await.expect(200);
    assert_eq!(page.url.as_str(), journey.url("/members"));
}

async fn a_callback_on_another_host_name_is_refused_and_both_are_named(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    let callback = journey.callback_url().await;
    let other = format!("localhost:{}", journey.demo.port());
    // Cookies don't cross: there this browser has none.
    let request = Request::navigate(&callback).header("host", &other);
    let answer = Browser::new().send(request).await;
    assert_refused(&answer);
    // It comes through a pipe, and may be behind the answer.
    journey.demo.wait_for_log("login failed");
    let log = journey.demo.log();
    let line = log.lines().find(|line| line.contains("login failed"));
    let line = line.expect("the log tells");
    assert!(
        line.contains("`localhost`") && line.contains("`127.0.0.1`"),
        "{line}"
    );
    // A proxy in front that changes the name loses nothing.
    let request = Request::navigate(&callback).header("host", &other);
    journey.browser.send(request).await.expect(303);
    journey.assert_still_logged_in().await;
}
