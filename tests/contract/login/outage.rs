//! The provider dies and comes back.

use miracl_tests::{Adapter, Answers, Browser, Demo, Endpoint, Provider, scenarios};
use serde_json::json;

use crate::journey::{Journey, assert_provider_ill, login_button};

scenarios![
    the_demo_starts_without_the_provider_and_login_works_once_it_is_there,
    people_stay_logged_in_while_the_provider_is_away,
    a_login_says_that_the_provider_is_away,
    a_login_works_again_as_soon_as_the_provider_is_back,
    a_provider_that_names_another_issuer_is_refused,
    a_malformed_discovery_document_is_no_login,
    an_endpoint_on_another_host_without_tls_is_refused,
];

async fn the_demo_starts_without_the_provider_and_login_works_once_it_is_there(adapter: Adapter) {
    let provider = Provider::start();
    provider.stop();
    let journey = Journey {
        demo: Demo::start(adapter, &provider),
        provider,
        browser: Browser::new(),
    };
    let home = journey.home().await;
    assert!(login_button(&home).is_some(), "{}", home.body);
    journey.provider.revive().await;
    journey.log_in().await;
}

async fn people_stay_logged_in_while_the_provider_is_away(adapter: Adapter) {
    let mut journey = Journey::logged_in(adapter).await;
    journey.provider.stop();
    journey.assert_still_logged_in().await;
    journey.demo.restart();
    journey.assert_still_logged_in().await;
    for path in ["/", "/members", "/profile", "/whoami"] {
        journey.browser.open(journey.url(path)).await.expect(200);
    }
}

async fn a_login_says_that_the_provider_is_away(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    let callback = journey.callback_url().await;
    journey.provider.stop();
    // A login under way: the code cannot be exchanged.
    assert_provider_ill(&journey.browser.open(callback).await);
    journey.assert_nobody().await;
    // A login that is not begun yet, in a process that has not reached the provider before.
    let away = Demo::start(adapter, &journey.provider);
    let answer = Browser::new()
        .open(away.url("/login/start"))
        .await
        .expect(503);
    assert!(
        answer.has_alert("danger", "Login failed!"),
        "{}",
        answer.body
    );
    assert!(answer.body.contains("cannot be reached"), "{}", answer.body);
    assert!(
        answer.set_cookies().iter().all(|cookie| cookie.deleted),
        "{:?}",
        answer.set_cookies()
    );
    assert!(answer.is_no_store(), "{:?}", answer.headers);
}

async fn a_login_works_again_as_soon_as_the_provider_is_back(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    journey.provider.stop();
    let answer = journey
        .browser
        .visit(journey.url("/login/start"))
        .await
        .expect(503);
    journey.provider.revive().await;
    let page = journey
        .browser
        .visit(login_button(&answer).expect("a login button"))
        .await
        .expect(200);
    assert!(
        page.has_alert("success", "Successfully logged in!"),
        "{}",
        page.body
    );
    journey.provider.stop();
    journey.provider.revive().await;
    journey.log_in().await;
}

async fn a_provider_that_names_another_issuer_is_refused(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    journey.provider.set(
        Endpoint::Discovery,
        Answers::member("issuer", json!("https://evil.example")),
    );
    assert_provider_ill(&journey.browser.open(journey.url("/login/start")).await);
    assert_eq!(journey.provider.count(Endpoint::Authorize), 0);
}

async fn a_malformed_discovery_document_is_no_login(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    for answers in [
        Answers::With(200, "text/html", "<h1>OK</h1>".to_owned()),
        Answers::With(200, "application/json", String::new()),
        Answers::With(404, "text/plain", "nothing".to_owned()),
        Answers::With(500, "text/plain", "broken".to_owned()),
        Answers::member("token_endpoint", json!(null)),
        Answers::member("authorization_endpoint", json!("not an address")),
        Answers::member("jwks_uri", json!(null)),
    ] {
        let what = format!("{answers:?}");
        journey.provider.set(Endpoint::Discovery, answers);
        let answer = journey.browser.visit(journey.url("/login/start")).await;
        assert!(
            matches!(answer.status, 400..=499 | 502..=504),
            "{what}: {}\n{}",
            answer.status,
            answer.body
        );
        assert!(
            answer.has_alert("danger", "Login failed!"),
            "{what}: {}",
            answer.body
        );
    }
    journey.provider.set(Endpoint::Discovery, Answers::Well);
    journey.log_in().await;
}

async fn an_endpoint_on_another_host_without_tls_is_refused(adapter: Adapter) {
    for endpoint in [
        "authorization_endpoint",
        "token_endpoint",
        "userinfo_endpoint",
        "jwks_uri",
    ] {
        let journey = Journey::begin(adapter);
        // This name resolves nowhere, so only the scheme can be the reason.
        journey.provider.set(
            Endpoint::Discovery,
            Answers::member(endpoint, json!("http://elsewhere.invalid/x")),
        );
        let answer = journey.browser.open(journey.url("/login/start")).await;
        if answer.is_redirect() {
            let location = answer.location().expect("a location");
            assert!(
                !location.as_str().contains("elsewhere"),
                "{endpoint}: sent to {location}"
            );
            let answer = journey.browser.follow(answer).await;
            assert!(
                answer.has_alert("danger", "Login failed!"),
                "{endpoint}: {}",
                answer.body
            );
        } else {
            assert_provider_ill(&answer);
        }
        journey.assert_nobody().await;
    }
}
