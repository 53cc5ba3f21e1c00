//! A fleet during an upgrade, behind one address: replicas of this version, and one of the version before that does not
//! know sessions with an extension.
//!
//! The old one is a small server of these tests, which reads the browser's cookies as that version did.

use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    routing::get,
};
use miracl_tests::{Adapter, Browser, Demo, Front, Provider, scenarios};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::replicas::behind;
use crate::journey::{key, say};

#[path = "../../../miracl-core/tests/versions/before.rs"]
mod before;

use before::VersionBefore;

scenarios![
    a_setting_that_is_switched_on_after_every_replica_is_new_logs_nobody_out,
    to_an_old_replica_people_are_nobody_and_never_somebody_else,
];

/// The setting that gives sessions an extension, and what it is set to.
const SETTING: &str = "SESSION_QUICK_CLAIMS";
const QUICK: &str = "roles name email acr";

/// Starts a replica of the version before, and returns its port.
async fn start_old(provider: &Provider) -> u16 {
    async fn me(State(old): State<VersionBefore>, headers: HeaderMap) -> (StatusCode, Json<Value>) {
        let header = headers.get(header::COOKIE);
        let header = header.and_then(|header| header.to_str().ok());
        match old.by_cookies(header.unwrap_or_default(), "fleet-session") {
            Some(person) => (
                StatusCode::OK,
                Json(json!({ "sub": person.id, "iss": person.issuer })),
            ),
            None => (StatusCode::UNAUTHORIZED, Json(json!({}))),
        }
    }

    let old = VersionBefore::new(&key(1), &provider.issuer(), Provider::CLIENT_ID);
    let app = Router::new()
        .route("/me", get(me))
        .with_state(old.expect("a cookie key"));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("a bound socket").port();
    tokio::spawn(async move { axum::serve(listener, app).await });
    port
}

/// Who is logged in, by the replica that the front has chosen.
async fn subject(browser: &Browser, front: &Front) -> Option<String> {
    let me = browser.fetch(front.url("/me")).await;
    assert!(matches!(me.status, 200 | 401), "{me:?}");
    me.json()["sub"].as_str().map(str::to_owned)
}

async fn log_in(front: &Front, path: &str) -> Browser {
    let browser = Browser::new();
    browser.visit(front.url(path)).await.expect(200);
    browser
}

/// Fails unless all of these are still logged in, at every one of these replicas.
async fn assert_all_in(browsers: &[Browser], front: &Front, replicas: &[&Demo]) {
    for replica in replicas {
        front.choose(replica);
        for browser in browsers {
            let found = subject(browser, front).await;
            assert_eq!(found.as_deref(), Some(Provider::SUBJECT));
            // Its large part is the person's as well, and can be written anew.
            let page = browser.visit(front.url("/refresh")).await.expect(200);
            assert!(page.body.contains(Provider::EMAIL), "{}", page.body);
        }
    }
}

/// The setting is switched on replica by replica, and off again. Sessions are where the suite keeps them.
pub(super) async fn switch_on(adapter: Adapter) -> (Provider, Front, [Demo; 2], Vec<Browser>) {
    let provider = Provider::start();
    say(&provider, &json!({ "roles": ["admin"], "acr": "strong" }));
    let front = Front::start().await;
    let other = adapter.rotation().nth(1).expect("several adapters");
    let mut first = behind(&front, adapter, &provider).start();
    let mut second = behind(&front, other, &provider).start();
    front.choose(&first);
    let mut people = vec![log_in(&front, "/login/start").await];
    assert_all_in(&people, &front, &[&first, &second]).await;

    first.restart_with(|settings| settings.env(SETTING, QUICK));
    for replica in [&first, &second] {
        front.choose(replica);
        people.push(log_in(&front, "/login/start").await);
        people.push(log_in(&front, "/login/start?remember=0").await);
    }
    assert_all_in(&people, &front, &[&first, &second, &first]).await;

    second.restart_with(|settings| settings.env(SETTING, QUICK));
    people.push(log_in(&front, "/login/start").await);
    assert_all_in(&people, &front, &[&first, &second]).await;

    first.restart_with(|settings| settings.without(SETTING));
    assert_all_in(&people, &front, &[&first, &second, &first]).await;
    (provider, front, [first, second], people)
}

async fn a_setting_that_is_switched_on_after_every_replica_is_new_logs_nobody_out(
    adapter: Adapter,
) {
    let provider = Provider::start();
    let front = Front::start().await;
    let old = start_old(&provider).await;
    let new = behind(&front, adapter, &provider).start();
    // While both are there and the setting is off, everybody is the same person at both.
    front.choose(&new);
    let browser = log_in(&front, "/login/start").await;
    for _ in 0..2 {
        front.choose(&new);
        assert_eq!(
            subject(&browser, &front).await.as_deref(),
            Some(Provider::SUBJECT)
        );
        front.choose_port(old);
        assert_eq!(
            subject(&browser, &front).await.as_deref(),
            Some(Provider::SUBJECT)
        );
    }
    // When no old one is left, it is switched on.
    switch_on(adapter).await;
}

async fn to_an_old_replica_people_are_nobody_and_never_somebody_else(adapter: Adapter) {
    let provider = Provider::start();
    let front = Front::start().await;
    let old = start_old(&provider).await;
    let plain = behind(&front, adapter, &provider).start();
    let on = behind(&front, adapter, &provider)
        .env(SETTING, QUICK)
        .start();
    for (replica, path) in [
        (&on, "/login/start"),
        (&on, "/login/start?remember=0"),
        (&plain, "/login/start?remember=0"),
    ] {
        for claims in [
            json!({}),
            json!({ "roles": "admin" }),
            json!({ "roles": ["admin", "\u{1}\u{2}", "bob"], "acr": "strong" }),
            json!({ "roles": vec!["x"; 60], "name": "bob" }),
        ] {
            say(&provider, &claims);
            front.choose(replica);
            let browser = log_in(&front, path).await;
            front.choose_port(old);
            assert_eq!(subject(&browser, &front).await, None, "{path} {claims}");
            // The session is still there, for every replica that knows it.
            for new in [&on, &plain] {
                front.choose(new);
                let found = subject(&browser, &front).await;
                assert_eq!(found.as_deref(), Some(Provider::SUBJECT), "{path} {claims}");
            }
            // What a new replica writes of it later is nobody's or the same person's.
            for new in [&on, &plain] {
                front.choose(new);
                browser.visit(front.url("/refresh")).await.expect(200);
                front.choose_port(old);
                let found = subject(&browser, &front).await;
                let is_same = found.as_deref() == Some(Provider::SUBJECT);
                let may_know = std::ptr::eq(new, &plain) && path == "/login/start";
                assert!(found.is_none() || (is_same && may_know), "{path} {claims}");
            }
        }
    }
}
