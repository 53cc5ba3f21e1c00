//! The pages that the engine makes, as an app shows them that has none of its own.

use miracl_tests::{Adapter, Browser, Chrome, Demo, Provider, Redis, Request, scenarios};

use super::Walk;

scenarios![every_page_of_the_engine_is_of_the_family];

/// The style of these pages is in them.
const BLANK: &str = "about:blank";

async fn every_page_of_the_engine_is_of_the_family(adapter: Adapter) {
    let provider = Provider::start();
    let mut redis = Redis::start();
    let app = Demo::of(adapter.probe(), &provider)
        .env("SESSION_STORE", &redis.url())
        .start();
    let chrome = Chrome::start().await;
    let walk = Walk::begin(&chrome, "engine");
    let browser = Browser::new();
    let failed = browser.open(app.url("/login?code=x&state=y")).await;
    let failed = failed.expect(400).body;
    assert!(failed.contains("<h1>Login failed</h1>"), "{failed}");
    walk.look_at("login-failed", BLANK, &failed).await;

    let start = browser.open(app.url("/login/start")).await;
    let authorize = start.location().expect("the provider");
    let state = authorize.query_pairs().find(|(name, _)| name == "state");
    let (_, state) = state.expect("a state");
    let issuer = provider.issuer();
    let denied = format!("/login?error=access_denied&state={state}&iss={issuer}");
    let cancelled = browser.open(app.url(&denied)).await.expect(403).body;
    assert!(
        cancelled.contains("<h1>Login cancelled</h1>"),
        "{cancelled}"
    );
    walk.look_at("login-cancelled", BLANK, &cancelled).await;
    chrome.click(".receipt details summary").await;
    walk.look("receipt").await;

    let frame = Request::navigate(app.url("/guarded/members")).header("sec-fetch-dest", "iframe");
    let required = browser.send(frame).await.expect(401).body;
    walk.look_at("login-required", BLANK, &required).await;

    let elsewhere = Request::form(app.url("/logout"), &[]).from_page("https://other.example/");
    let refused = browser.send(elsewhere).await.expect(403).body;
    walk.look_at("request-refused", BLANK, &refused).await;

    let frame = browser.open(app.url("/frontchannel-logout")).await;
    walk.look_at("front-channel", BLANK, &frame.expect(200).body)
        .await;

    browser.visit(app.url("/login/start")).await;
    let denied = browser.open(app.url("/rights/admin")).await;
    let denied = denied.expect(403).body;
    assert!(denied.contains("<h1>Not allowed</h1>"), "{denied}");
    walk.look_at("not-allowed", BLANK, &denied).await;
    let question = browser.open(app.url("/logout")).await.expect(200).body;
    walk.look_at("log-out", BLANK, &question).await;
    let on = browser.post(app.url("/logout?via=page"), &[]).await;
    let on = on.expect(200).body;
    assert!(on.contains("<h1>You are logged out.</h1>"), "{on}");
    walk.look_at("leading-on", BLANK, &on).await;

    browser.visit(app.url("/login/start")).await;
    redis.kill();
    let unreadable = browser
        .open(app.url("/guarded/members"))
        .await
        .expect(503)
        .body;
    walk.look_at("unavailable", BLANK, &unreadable).await;
    walk.end();
}
