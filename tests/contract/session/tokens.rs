//! Access tokens that have expired are renewed with the refresh token (OpenID Connect Core 1.0 §12).

use std::time::Duration;

use miracl_tests::{Adapter, Answers, Browser, Endpoint, Provider, scenarios};
use serde_json::{Value, json};

use crate::journey::{Journey, log_in, subject};

scenarios![
    an_expired_token_is_renewed_once,
    a_token_that_has_not_expired_is_left_alone,
    a_hundred_requests_at_once_make_one_refresh,
    a_browser_that_comes_late_with_the_old_cookies_gets_the_same_tokens,
    a_refresh_token_that_is_refused_ends_the_session,
    a_refresh_token_that_is_refused_with_200_ends_the_session_as_well,
    a_provider_that_is_ill_logs_nobody_out,
    a_browser_that_goes_away_leaves_the_refresh_to_the_next,
    an_answer_without_an_id_token_or_a_new_refresh_token_is_fine,
    a_refreshed_id_token_of_somebody_else_ends_the_session,
    nobody_gets_the_tokens_of_another,
    a_log_out_during_the_refresh_stays_one,
    a_session_that_has_ended_renews_nothing,
    a_prefetch_renews_nothing,
    with_eager_renewal_any_request_of_a_user_renews,
];

/// A user with an access token that has expired already, and a refresh token.
async fn run_out(adapter: Adapter) -> Journey {
    run_out_with(adapter, &[]).await
}

async fn run_out_with(adapter: Adapter, settings: &[(&str, &str)]) -> Journey {
    let journey = Journey::begin_with(adapter, settings);
    journey.provider.give_refresh_tokens(0);
    let callback = journey.callback_url().await;
    journey.browser.open(callback).await.expect(303);
    assert_eq!(journey.provider.refreshes(), 0);
    journey
}

async fn an_expired_token_is_renewed_once(adapter: Adapter) {
    let journey = run_out(adapter).await;
    for _ in 0..3 {
        journey.assert_still_logged_in().await;
    }
    assert_eq!(journey.provider.refreshes(), 1);
    let asked = journey.provider.received(Endpoint::Token).pop();
    let asked = asked.expect("the refresh");
    assert!(asked.authorization.is_some(), "the client authenticates");
    assert_eq!(asked.parameters.get("code"), None);
    assert_eq!(asked.parameters.get("scope"), None);
    // The new token fetches the user data again.
    let page = journey.browser.visit(journey.url("/refresh")).await;
    assert!(!page.has_alert("warning", ""), "{:?}", page.alerts());
    assert_eq!(journey.provider.refreshes(), 1);
    journey.assert_still_logged_in().await;
}

async fn a_token_that_has_not_expired_is_left_alone(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    journey.provider.give_refresh_tokens(900);
    journey.log_in().await;
    for path in ["/me", "/refresh", "/whoami", "/members"] {
        journey.browser.open(journey.url(path)).await;
    }
    assert_eq!(journey.provider.refreshes(), 0);
    journey.assert_still_logged_in().await;
}

async fn a_hundred_requests_at_once_make_one_refresh(adapter: Adapter) {
    let journey = run_out(adapter).await;
    journey
        .provider
        .set(Endpoint::Token, Answers::Late(Duration::from_millis(300)));
    let browsers: Vec<_> = (0..100).map(|_| journey.browser.copy()).collect();
    let mut requests = tokio::task::JoinSet::new();
    for browser in browsers {
        let url = journey.url("/me");
        requests.spawn(async move { (browser.fetch(url).await.status, browser) });
    }
    let mut last = None;
    while let Some(ended) = requests.join_next().await {
        let (status, browser) = ended.expect("a request");
        assert_eq!(status, 200);
        last = Some(browser);
    }
    assert_eq!(journey.provider.refreshes(), 1);
    // Every answer has the new tokens, so it does not matter which the browser kept.
    let last = last.expect("a browser");
    let page = last.visit(journey.url("/refresh")).await.expect(200);
    assert!(!page.has_alert("warning", ""), "{:?}", page.alerts());
    assert_eq!(journey.provider.refreshes(), 1);
}

async fn a_browser_that_comes_late_with_the_old_cookies_gets_the_same_tokens(adapter: Adapter) {
    let journey = run_out(adapter).await;
    let old = journey.browser.copy();
    journey.assert_still_logged_in().await;
    assert!(subject(&old, &journey.demo).await.is_some());
    assert_eq!(journey.provider.refreshes(), 1);
}

async fn a_refresh_token_that_is_refused_ends_the_session(adapter: Adapter) {
    for path in ["/me", "/refresh"] {
        let journey = run_out(adapter).await;
        let copy = journey.browser.copy();
        journey.provider.revoke_refresh_tokens();
        journey.browser.open(journey.url(path)).await;
        journey.assert_nobody().await;
        assert_eq!(journey.browser.cookies_named("session").len(), 0);
        assert_eq!(subject(&copy, &journey.demo).await, None);
        if path == "/refresh" {
            let home = journey.home().await;
            assert!(home.has_alert("warning", "run out"), "{:?}", home.alerts());
        }
    }
}

async fn a_refresh_token_that_is_refused_with_200_ends_the_session_as_well(adapter: Adapter) {
    let journey = run_out(adapter).await;
    let body = r#"{"error":"invalid_grant"}"#.to_owned();
    journey.provider.set(
        Endpoint::Token,
        Answers::With(200, "application/json", body),
    );
    for _ in 0..3 {
        journey.browser.open(journey.url("/me")).await;
        journey.assert_nobody().await;
    }
    // No token is requested for a session that has ended.
    assert_eq!(journey.provider.refreshes(), 1);
}

async fn a_provider_that_is_ill_logs_nobody_out(adapter: Adapter) {
    let journey = run_out(adapter).await;
    for answers in [
        Answers::With(500, "text/plain", "broken".to_owned()),
        Answers::With(503, "application/json", "{}".to_owned()),
        Answers::With(200, "text/html", "<h1>OK</h1>".to_owned()),
        Answers::With(302, "text/plain", String::new()),
        Answers::error(401, "invalid_client"),
        Answers::error(400, "temporarily_unavailable"),
    ] {
        journey.provider.set(Endpoint::Token, answers);
        journey.assert_still_logged_in().await;
        let page = journey.browser.visit(journey.url("/refresh")).await;
        assert!(
            page.has_alert("warning", "as it was"),
            "{:?}",
            page.alerts()
        );
    }
    journey.provider.stop();
    journey.assert_still_logged_in().await;
    journey.provider.revive().await;
    journey.provider.set(Endpoint::Token, Answers::Well);
    journey.assert_still_logged_in().await;
    let page = journey.browser.visit(journey.url("/refresh")).await;
    assert!(!page.has_alert("warning", ""), "{:?}", page.alerts());
}

async fn a_browser_that_goes_away_leaves_the_refresh_to_the_next(adapter: Adapter) {
    let journey = run_out(adapter).await;
    journey
        .provider
        .set(Endpoint::Token, Answers::Late(Duration::from_millis(500)));
    let impatient = journey.browser.copy();
    let request = impatient.fetch(journey.url("/me"));
    let asked = async {
        while journey.provider.refreshes() == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        answer = request => panic!("{} came before it was asked for", answer.status),
        () = asked => {}
    }
    // The refresh token is used up, and its successor was never delivered.
    journey.assert_still_logged_in().await;
    assert_eq!(journey.provider.refreshes(), 1);
}

async fn an_answer_without_an_id_token_or_a_new_refresh_token_is_fine(adapter: Adapter) {
    for member in ["id_token", "refresh_token", "expires_in"] {
        let journey = run_out(adapter).await;
        journey
            .provider
            .set(Endpoint::Token, Answers::member(member, Value::Null));
        journey.assert_still_logged_in().await;
        assert_eq!(journey.provider.refreshes(), 1, "{member}");
        journey.assert_still_logged_in().await;
        assert_eq!(journey.provider.refreshes(), 1, "{member}");
    }
}

async fn a_refreshed_id_token_of_somebody_else_ends_the_session(adapter: Adapter) {
    for (claim, value) in [
        ("iss", json!("https://evil.example")),
        ("sub", json!("somebody-else")),
        ("sub", Value::Null),
        ("aud", json!("another-client")),
        ("aud", json!([Provider::CLIENT_ID, "a-stranger"])),
        ("azp", json!("another-client")),
        ("exp", json!(1_700_000_000)),
        ("iat", Value::Null),
        ("nonce", json!("another-nonce")),
        ("at_hash", json!("AAAAAAAAAAAAAAAAAAAAAA")),
    ] {
        let journey = run_out(adapter).await;
        let copy = journey.browser.copy();
        journey
            .provider
            .set(Endpoint::IdToken, Answers::member(claim, value.clone()));
        let fetched = journey.provider.count(Endpoint::Userinfo);
        let page = journey.browser.visit(journey.url("/refresh")).await;
        assert!(page.has_alert("warning", "run out"), "{claim} {value}");
        assert_eq!(
            journey.provider.count(Endpoint::Userinfo),
            fetched,
            "{claim} {value}"
        );
        assert_eq!(subject(&copy, &journey.demo).await, None, "{claim} {value}");
    }
}

async fn nobody_gets_the_tokens_of_another(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    journey.provider.give_refresh_tokens(0);
    let mut people = Vec::new();
    for number in 0..12 {
        let sub = format!("person-{number}");
        let about = json!({ "sub": sub, "email": format!("{sub}@example.com") });
        journey.provider.set_userinfo(about);
        let claims = Answers::member("sub", json!(sub));
        journey.provider.set(Endpoint::IdToken, claims);
        let browser = Browser::new();
        let start = browser.open(journey.url("/login/start")).await.expect(303);
        let approved = browser.step(&start).await.expect(302);
        browser.step(&approved).await.expect(303);
        people.push((sub, browser));
    }
    journey.provider.set(Endpoint::IdToken, Answers::Well);
    journey
        .provider
        .set(Endpoint::Token, Answers::Late(Duration::from_millis(50)));
    // Each refreshed ID token names its own person; otherwise the session would end.
    let mut requests = tokio::task::JoinSet::new();
    for (sub, browser) in &people {
        for _ in 0..3 {
            let (sub, browser, url) = (sub.clone(), browser.copy(), journey.url("/me"));
            requests.spawn(async move { (sub, browser.fetch(url).await) });
        }
    }
    while let Some(ended) = requests.join_next().await {
        let (sub, me) = ended.expect("a request");
        assert_eq!(me.expect(200).json()["sub"], json!(sub));
    }
    assert_eq!(journey.provider.refreshes(), people.len());
}

async fn a_log_out_during_the_refresh_stays_one(adapter: Adapter) {
    let journey = run_out(adapter).await;
    let other_tab = journey.browser.copy();
    journey
        .provider
        .set(Endpoint::Token, Answers::Late(Duration::from_millis(500)));
    let refresh = async { journey.browser.fetch(journey.url("/me")).await };
    let log_out = async {
        while journey.provider.refreshes() == 0 {
            tokio::task::yield_now().await;
        }
        other_tab
            .post(journey.url("/logout"), &[])
            .await
            .expect(303);
    };
    tokio::join!(refresh, log_out);
    journey.provider.set(Endpoint::Token, Answers::Well);
    journey.assert_nobody().await;
    log_in(&journey.browser, &journey.demo).await;
}

async fn a_session_that_has_ended_renews_nothing(adapter: Adapter) {
    for by_the_provider in [false, true] {
        let journey = run_out(adapter).await;
        let copy = journey.browser.copy();
        if by_the_provider {
            let token = journey
                .provider
                .logout_token(|claims, _| claims["sub"] = json!(Provider::SUBJECT));
            let url = journey.url("/backchannel-logout");
            let answer = Browser::new().post(url, &[("logout_token", &token)]).await;
            assert_eq!(answer.status, 200, "{}", answer.body);
        } else {
            let url = journey.url("/logout");
            journey.browser.post(url, &[]).await.expect(303);
        }
        for path in ["/me", "/refresh", "/members"] {
            copy.fetch(journey.url(path)).await;
        }
        assert_eq!(subject(&copy, &journey.demo).await, None);
        assert_eq!(journey.provider.refreshes(), 0);
    }
}

async fn a_prefetch_renews_nothing(adapter: Adapter) {
    let journey = run_out(adapter).await;
    let prefetch = miracl_tests::Request::fetch(journey.url("/me"));
    let prefetch = prefetch.header("sec-purpose", "prefetch");
    journey.browser.send(prefetch).await.expect(200);
    assert_eq!(journey.provider.refreshes(), 0);
    journey.assert_still_logged_in().await;
    assert_eq!(journey.provider.refreshes(), 1);
}

async fn with_eager_renewal_any_request_of_a_user_renews(adapter: Adapter) {
    for (renewal, refreshes) in [("lazy", 0), ("eager", 1)] {
        let journey = run_out_with(adapter, &[("RENEWAL", renewal)]).await;
        for _ in 0..2 {
            let url = journey.url("/whoami");
            journey.browser.fetch(url).await.expect(200);
            assert_eq!(journey.provider.refreshes(), refreshes, "{renewal}");
        }
        // A page that does not ask who is logged in renews nothing.
        let url = journey.url("/public");
        journey.browser.fetch(url).await.expect(200);
        assert_eq!(journey.provider.refreshes(), refreshes, "{renewal}");
    }
}
