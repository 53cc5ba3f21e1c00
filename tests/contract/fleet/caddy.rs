//! A demo behind a Caddy that is configured as the book shows.

use miracl_tests::{Adapter, Browser, Caddy, Provider, scenarios};

use super::replicas::member;

scenarios![
    a_person_logs_in_and_out,
    a_person_logs_in_and_out_below_a_path_that_caddy_removes,
];

async fn journey(adapter: Adapter, path: &str) {
    let provider = Provider::start();
    let mut caddy = Caddy::new();
    let url = |caddy: &Caddy, name: &str| caddy.url(&format!("{path}{name}"));
    let demo = member(adapter, &provider)
        .env("PUBLIC_PATH", path)
        .env("REDIRECT_URL", &url(&caddy, "/login"))
        .env("POST_LOGOUT_REDIRECT_URL", &url(&caddy, "/signed-out"))
        .start();
    match path {
        "" => caddy.serve(&demo),
        _ => caddy.serve_below_path(&demo),
    }
    let browser = Browser::new();
    let me = async || browser.fetch(url(&caddy, "/me")).await;
    me().await.expect(401);
    let page = browser.visit(url(&caddy, "/members?a=1")).await.expect(200);
    assert_eq!(page.url.as_str(), url(&caddy, "/members?a=1"));
    assert_eq!(me().await.expect(200).json()["sub"], Provider::SUBJECT);

    let answer = browser.post(url(&caddy, "/logout"), &[]).await.expect(303);
    let page = browser.follow(answer).await.expect(200);
    assert_eq!(page.url.as_str(), url(&caddy, "/"));
    assert!(page.has_alert("info", "User logged out!"), "{}", page.body);
    me().await.expect(401);
}

async fn a_person_logs_in_and_out(adapter: Adapter) {
    journey(adapter, "").await;
}

async fn a_person_logs_in_and_out_below_a_path_that_caddy_removes(adapter: Adapter) {
    journey(adapter, "/app").await;
}
