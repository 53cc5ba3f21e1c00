//! The route that tells a front end whether somebody is logged in, and the one that says that they are active. On the
//! probe, which shows the claims `name` and `roles`.

use miracl_tests::{Adapter, Browser, Demo, Provider, Request, scenarios};
use serde_json::{Value, json};

scenarios![
    a_page_learns_whether_somebody_is_logged_in_and_no_claim_that_is_not_listed,
    the_seconds_that_are_left_are_those_of_the_nearer_deadline,
    only_a_post_of_our_own_pages_says_that_somebody_is_active,
    a_page_of_another_site_is_not_allowed_to_read_it,
];

fn start(adapter: Adapter, settings: &[(&str, &str)]) -> (Provider, Demo) {
    let provider = Provider::start();
    provider.set_userinfo(json!({ "sub": Provider::SUBJECT, "name": "Alice", "nickname": "Al" }));
    let mut demo = Demo::of(adapter.probe(), &provider);
    for (name, value) in settings {
        demo = demo.env(name, value);
    }
    (provider, demo.start())
}

async fn asked(browser: &Browser, demo: &Demo) -> Value {
    let answer = browser.fetch(demo.url("/session")).await.expect(200);
    assert!(answer.is_no_store(), "{:?}", answer.headers);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    answer.json()
}

async fn a_page_learns_whether_somebody_is_logged_in_and_no_claim_that_is_not_listed(
    adapter: Adapter,
) {
    for store in ["cookie", "memory"] {
        let (_provider, demo) = start(adapter, &[("SESSION_STORE", store)]);
        let browser = Browser::new();
        let login_url = demo.url("/login/start");
        let nobody = json!({ "logged_in": false, "login_url": login_url });
        assert_eq!(asked(&browser, &demo).await, nobody, "{store}");
        browser.visit(demo.url("/login/start")).await;
        let told = asked(&browser, &demo).await;
        assert_eq!(told["logged_in"], true, "{store}");
        assert_eq!(told["claims"], json!({ "name": "Alice" }), "{store}");
        assert_eq!(told["login_url"], login_url, "{store}");
        assert_eq!(told["logout_url"], "/logout", "{store}");
        assert_eq!(told.as_object().map(|told| told.len()), Some(5), "{told}");
        let log_out = Request::fetch(demo.url("/logout")).method("POST");
        browser.send(log_out).await;
        assert_eq!(asked(&browser, &demo).await, nobody, "{store}");
    }
}

async fn the_seconds_that_are_left_are_those_of_the_nearer_deadline(adapter: Adapter) {
    for (idle, absolute) in [("600", "900"), ("600", "600")] {
        let timeouts = [
            ("SESSION_IDLE_TIMEOUT", idle),
            ("SESSION_ABSOLUTE_TIMEOUT", absolute),
        ];
        let (_provider, demo) = start(adapter, &timeouts);
        let browser = Browser::new();
        browser.visit(demo.url("/login/start")).await;
        let left = asked(&browser, &demo).await["expires_in"].as_u64();
        let left = left.expect("a number");
        assert!((500..=600).contains(&left), "{left}");
    }
}

async fn only_a_post_of_our_own_pages_says_that_somebody_is_active(adapter: Adapter) {
    let (_provider, demo) = start(adapter, &[]);
    let browser = Browser::new();
    let refresh = || Request::fetch(demo.url("/session/refresh")).method("POST");
    let nobody = browser.send(refresh()).await.expect(200).json();
    assert_eq!(nobody["logged_in"], false);
    browser.visit(demo.url("/login/start")).await;
    let answer = browser.send(refresh()).await.expect(200);
    assert!(answer.is_no_store(), "{:?}", answer.headers);
    assert_eq!(answer.json()["claims"], json!({ "name": "Alice" }));
    let other = refresh().from_page("https://evil.example/");
    browser.send(other).await.expect(403);
    let get = browser.fetch(demo.url("/session/refresh")).await;
    assert!([404, 405].contains(&get.status), "{}", get.status);
    let post = Request::fetch(demo.url("/session")).method("POST");
    let post = browser.send(post).await;
    assert!([404, 405].contains(&post.status), "{}", post.status);
}

async fn a_page_of_another_site_is_not_allowed_to_read_it(adapter: Adapter) {
    let (_provider, demo) = start(adapter, &[]);
    let browser = Browser::new();
    browser.visit(demo.url("/login/start")).await;
    let request = Request::fetch(demo.url("/session")).from_page("https://evil.example/");
    let answer = browser.send(request).await.expect(200);
    assert_eq!(answer.header("access-control-allow-origin"), None);
    assert_eq!(answer.header("access-control-allow-credentials"), None);
}
