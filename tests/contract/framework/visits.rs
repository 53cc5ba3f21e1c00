//! What an app decides for a page of its own: whether a browser keeps it, and whether it counts as activity. On the
//! probe.

use std::time::{Duration, Instant};

use miracl_tests::{Adapter, Browser, Demo, Provider, scenarios};

scenarios![
    an_apps_own_private_stays_unless_a_cookie_is_set,
    a_page_that_looks_without_activity_lets_the_session_run_out,
];

async fn an_apps_own_private_stays_unless_a_cookie_is_set(adapter: Adapter) {
    let provider = Provider::start();
    let demo = Demo::start(adapter.probe(), &provider);
    let browser = Browser::new();
    for who in ["nobody", Provider::SUBJECT] {
        let page = browser.open(demo.url("/private")).await.expect(200);
        assert_eq!(page.body, who);
        let cache_control = page.header("cache-control");
        assert_eq!(cache_control, Some("private, max-age=60"), "{who}");
        let page = browser.open(demo.url("/private/message")).await.expect(200);
        assert!(!page.set_cookies().is_empty());
        assert!(page.is_no_store(), "{who}: {:?}", page.headers);
        assert_eq!(page.header("cache-control"), Some("no-store"), "{who}");
        browser.visit(demo.url("/login/start")).await;
    }
    // A page that says nothing of its own.
    let page = browser.open(demo.url("/optional")).await.expect(200);
    assert_eq!(page.header("cache-control"), Some("no-store"));
}

/// The idle time of the sessions.
const IDLE: Duration = Duration::from_secs(4);

/// Logs in, asks again and again for as long as the idle time takes twice, and returns whether the session has run out.
async fn runs_out(demo: &Demo, path: &str) -> bool {
    // The session begins later than this.
    let before = Instant::now();
    let browser = Browser::new();
    browser.visit(demo.url("/login/start")).await;
    let begun = Instant::now();
    while begun.elapsed() < IDLE * 2 {
        let answer = browser.fetch(demo.url(path)).await;
        if answer.status == 401 || answer.body == "nobody" {
            // Its times are whole seconds.
            let early = before.elapsed() + Duration::from_secs(1) < IDLE;
            assert!(!early, "it ran out after {:?}", before.elapsed());
            return true;
        }
        let moves = !answer.set_cookies().is_empty();
        assert!(!moves || path == "/me", "{path} moves the deadline");
    }
    false
}

async fn a_page_that_looks_without_activity_lets_the_session_run_out(adapter: Adapter) {
    let provider = Provider::start();
    for store in ["cookie", "memory"] {
        let demo = Demo::of(adapter.probe(), &provider)
            .env("SESSION_IDLE_TIMEOUT", &IDLE.as_secs().to_string())
            .env("SESSION_STORE", store)
            .start();
        let (peeked, watched, used) = tokio::join!(
            runs_out(&demo, "/peek"),
            runs_out(&demo, "/watching/members"),
            runs_out(&demo, "/me"),
        );
        let all = (peeked, watched, used);
        assert_eq!(all, (true, true, false), "{store}");
    }
}
