//! The platform that a demo brings along, without any script: forms are enough.

use miracl_tests::{
    Adapter, Browser, Demo,
    person::{EMAIL, approve},
    scenarios,
};

use crate::journey::subject;

scenarios![
    a_person_registers_and_logs_in_without_scripts,
    a_restart_keeps_sessions_and_identities,
    a_log_out_at_the_platform_ends_the_session_here,
];

/// Logs a browser in at the platform, and returns the names of the pages on the way.
async fn log_in(browser: &Browser, demo: &Demo) -> Vec<String> {
    let page = browser.visit(demo.url("/login/start")).await.expect(200);
    let mut seen = Vec::new();
    let page = approve(browser, page, demo.origin(), &mut seen).await;
    assert!(
        page.has_alert("success", "Successfully logged in!"),
        "{}",
        page.body
    );
    seen
}

async fn a_person_registers_and_logs_in_without_scripts(adapter: Adapter) {
    let demo = Demo::builder(adapter).start();
    let browser = Browser::new();
    assert_eq!(
        log_in(&browser, &demo).await,
        ["register", "mail", "new-pin", "repeat-pin"]
    );
    assert_eq!(subject(&browser, &demo).await.as_deref(), Some(EMAIL));
    let answer = browser.post(demo.url("/logout"), &[]).await;
    let page = browser.follow(answer).await.expect(200);
    assert!(
        page.has_alert("info", "User logged out!"),
        "{:?}",
        page.alerts()
    );
    assert_eq!(log_in(&browser, &demo).await, ["enter-pin"]);
}

async fn a_restart_keeps_sessions_and_identities(adapter: Adapter) {
    let mut demo = Demo::builder(adapter).start();
    let browser = Browser::new();
    log_in(&browser, &demo).await;
    demo.restart();
    assert_eq!(subject(&browser, &demo).await.as_deref(), Some(EMAIL));
    let answer = browser.post(demo.url("/logout"), &[]).await;
    browser.follow(answer).await.expect(200);
    assert_eq!(log_in(&browser, &demo).await, ["enter-pin"]);
}

async fn a_log_out_at_the_platform_ends_the_session_here(adapter: Adapter) {
    let mut demo = Demo::builder(adapter).start();
    let (browser, other) = (Browser::new(), Browser::new());
    log_in(&browser, &demo).await;
    log_in(&other, &demo).await;
    // Both sides remember the session that is about to end.
    demo.restart();
    let start = browser.open(demo.url("/login/start")).await;
    let platform = start.location().expect("the platform");
    let platform = platform.join("/oidc/logout").expect("an address");
    let page = browser.visit(platform).await.expect(200);
    assert!(page.body.contains("class=\"told\""), "{}", page.body);
    assert_eq!(subject(&browser, &demo).await, None);
    assert_eq!(subject(&other, &demo).await.as_deref(), Some(EMAIL));
}
