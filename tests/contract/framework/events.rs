//! Events: what happens to logins is told to the app afterwards, and no login waits for it. On the probe.

use miracl_tests::{Adapter, Answers, Browser, Demo, Endpoint, Provider, Request, scenarios};
use serde_json::json;

use crate::journey::say;

scenarios![
    a_login_a_failure_a_veto_and_a_log_out_are_told_once_each,
    a_log_out_by_the_provider_is_told,
    a_denial_and_a_step_up_are_told_with_the_path_and_without_the_query,
    an_observer_that_never_ends_holds_up_no_login,
];

fn start(adapter: Adapter) -> (Provider, Demo) {
    let provider = Provider::start();
    let demo = Demo::of(adapter.probe(), &provider)
        .env("PROBE_EVENTS", "1")
        .start();
    (provider, demo)
}

/// Fails unless the probe has printed these events, and no other.
#[track_caller]
fn assert_events(demo: &Demo, expected: &[&str]) {
    let last = expected.last().expect("at least one");
    demo.wait_for_log(&format!("event: {last}"));
    let log = demo.log();
    let events: Vec<_> = log
        .lines()
        .filter_map(|line| line.strip_prefix("event: "))
        .collect();
    assert_eq!(events.len(), expected.len(), "{events:?}");
    for (event, expected) in events.iter().zip(expected) {
        assert!(event.starts_with(expected), "{event} is not {expected}");
    }
}

async fn log_out(browser: &Browser, demo: &Demo) {
    let log_out = Request::fetch(demo.url("/logout")).method("POST");
    browser.send(log_out).await;
}

async fn a_login_a_failure_a_veto_and_a_log_out_are_told_once_each(adapter: Adapter) {
    let (provider, demo) = start(adapter);
    let browser = Browser::new();
    browser.visit(demo.url("/login/start")).await;
    browser.fetch(demo.url("/login?state=x&code=y")).await;
    browser
        .visit(demo.url("/login/start?return_to=/veto"))
        .await;
    log_out(&browser, &demo).await;
    log_out(&browser, &demo).await;
    provider.set(Endpoint::Token, Answers::error(400, "invalid_grant"));
    browser.visit(demo.url("/login/start")).await;
    let alice = Provider::SUBJECT;
    assert_events(
        &demo,
        &[
            &format!("logged in, {alice}"),
            &format!("refused, {alice}"),
            &format!("logged out by LogOut, {alice}"),
            "failed: ",
        ],
    );
}

async fn a_log_out_by_the_provider_is_told(adapter: Adapter) {
    let (provider, demo) = start(adapter);
    let browser = Browser::new();
    browser.visit(demo.url("/login/start")).await;
    let token = provider.logout_token(|claims, _| claims["sub"] = Provider::SUBJECT.into());
    // The second time it is refused.
    for status in [200, 400] {
        let form = [("logout_token", &*token)];
        let request = Request::form(demo.url("/backchannel-logout"), &form);
        Browser::new().send(request).await.expect(status);
    }
    Browser::new().open(demo.url("/login?state=x&code=y")).await;
    let alice = Provider::SUBJECT;
    assert_events(
        &demo,
        &[
            &format!("logged in, {alice}"),
            &format!("logged out by BackChannel, {alice}"),
            "failed: ",
        ],
    );
}

async fn a_denial_and_a_step_up_are_told_with_the_path_and_without_the_query(adapter: Adapter) {
    let (provider, demo) = start(adapter);
    let browser = Browser::new();
    browser.visit(demo.url("/login/start")).await;
    browser
        .open(demo.url("/rights/admin?secret=1"))
        .await
        .expect(403);
    browser.open(demo.url("/rights/optional")).await.expect(200);
    say(&provider, &json!({ "roles": ["admin"] }));
    browser.visit(demo.url("/login/start")).await;
    browser
        .open(demo.url("/rights/strong?secret=1"))
        .await
        .expect(303);
    let alice = Provider::SUBJECT;
    assert_events(
        &demo,
        &[
            &format!("logged in, {alice}"),
            &format!("denied at /rights/admin, {alice}"),
            &format!("logged out by NewLogin, {alice}"),
            &format!("logged in, {alice}"),
            &format!("step-up at /rights/strong, {alice}"),
        ],
    );
}

async fn an_observer_that_never_ends_holds_up_no_login(adapter: Adapter) {
    let (_provider, demo) = start(adapter);
    let browser = Browser::new();
    browser.visit(demo.url("/login/start")).await;
    browser.open(demo.url("/admins/members")).await.expect(403);
    demo.wait_for_log("event: denied at /admins/members");
    // Its observer hangs now.
    log_out(&browser, &demo).await;
    browser.visit(demo.url("/login/start")).await;
    browser.fetch(demo.url("/me")).await.expect(200);
}
